//! The broker as a program: `rmq-embedded [--port 5672] [--memory-limit-mb 1024]`.

use std::process::ExitCode;

use rmq_embedded::{Builder, EmbeddedBroker};

const USAGE: &str = "\
rmq-embedded: an AMQP 0-9-1 broker for development and tests; production is RabbitMQ

  --port PORT            listen on this port of 127.0.0.1 (default 5672; 0 for a free one)
  --memory-limit-mb MB   block publishers above this much in queues (default 1024)
  --user NAME:PASSWORD   let one more user in (guest:guest always may)
  --vhost NAME           one more vhost (/ is always there)
  --delivery-limit N     the delivery limit of quorum queues that name none (RabbitMQ 4 has 20)
  --help                 this text";

#[tokio::main]
async fn main() -> ExitCode {
    let builder = match configure(std::env::args().skip(1)) {
        Ok(Some(builder)) => builder,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(fault) => {
            eprintln!("{fault}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match builder.start().await {
        Ok(broker) => serve(&broker).await,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Settings from the command line; `None` where only help was asked for.
fn configure(arguments: impl Iterator<Item = String>) -> Result<Option<Builder>, String> {
    let mut builder = EmbeddedBroker::builder().port(5672).record_capacity(0);
    let mut arguments = arguments;
    while let Some(name) = arguments.next() {
        if name == "--help" || name == "-h" {
            return Ok(None);
        }
        let value = arguments
            .next()
            .ok_or_else(|| format!("{name} needs a value"))?;
        builder = apply(builder, &name, &value)?;
    }
    Ok(Some(builder))
}

fn apply(builder: Builder, name: &str, value: &str) -> Result<Builder, String> {
    fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
        value
            .parse()
            .map_err(|_| format!("{name} takes a number, not '{value}'"))
    }
    match name {
        "--port" => Ok(builder.port(number(name, value)?)),
        "--memory-limit-mb" => {
            let megabytes: usize = number(name, value)?;
            Ok(builder.memory_limit(megabytes.saturating_mul(1024 * 1024)))
        }
        "--user" => {
            let (user, password) = value
                .split_once(':')
                .ok_or_else(|| format!("{name} takes NAME:PASSWORD"))?;
            Ok(builder.user(user, password))
        }
        "--vhost" => Ok(builder.vhost(value)),
        "--delivery-limit" => Ok(builder.default_delivery_limit(number(name, value)?)),
        _ => Err(format!("{name} is not an option")),
    }
}

async fn serve(broker: &EmbeddedBroker) -> ExitCode {
    println!(
        "rmq-embedded listens on {} (guest/guest, vhost /); everything is in memory, nothing survives this process",
        broker.address()
    );
    match tokio::signal::ctrl_c().await {
        Ok(()) => {
            broker.close_all(
                320,
                "broker forced connection closure with reason 'shutdown'",
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("Ctrl-C can't be waited for: {error}");
            ExitCode::FAILURE
        }
    }
}
