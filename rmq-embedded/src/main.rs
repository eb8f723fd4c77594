//! The broker as a program: `cargo run -p rmq-embedded -- --port 5672`; `--help` lists the options.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use rmq_embedded::{Builder, EmbeddedBroker};

const USAGE: &str = "\
rmq-embedded: an AMQP 0-9-1 broker for development and tests; production is RabbitMQ

Any client can connect as guest with password guest. Everything is in memory: nothing survives the process.

  --port PORT            listen on this port of 127.0.0.1 (default 5672; 0 for a free one)
  --memory-limit-mb MB   block publishers above this much in queues (default 1024)
  --user NAME:PASSWORD   let one more user in (guest:guest always may)
  --vhost NAME           one more vhost (/ is always there)
  --delivery-limit N     the delivery limit of quorum queues that name none (RabbitMQ 4 has 20)
  --help                 this text";

/// How long clients have to close their side.
const GOODBYE: Duration = Duration::from_secs(2);

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
        Ok(broker) => serve(broker).await,
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

/// Serves until Ctrl-C or SIGTERM, then says goodbye to every client.
async fn serve(broker: EmbeddedBroker) -> ExitCode {
    // Before the line below: whoever has read it may ask at once.
    let asked = match asked_to_stop() {
        Ok(asked) => asked,
        Err(error) => {
            eprintln!("signals can't be waited for: {error}");
            return ExitCode::FAILURE;
        }
    };
    say(&format!(
        "rmq-embedded listens on {} (guest/guest, vhost /); everything is in memory, nothing survives this process\n\
         connect to {}; Ctrl-C ends it",
        broker.address(),
        broker.uri()
    ));
    asked.await;
    let left = broker.stop(GOODBYE).await;
    say("rmq-embedded has stopped; its queues are gone");
    if left > 0 {
        say(&format!("clients that did not close their side: {left}"));
    }
    ExitCode::SUCCESS
}

/// A line for whoever looks. Nobody has to: a closed output is no reason to end.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Listens for Ctrl-C and SIGTERM from now on.
#[cfg(unix)]
fn asked_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Listens for Ctrl-C from now on.
#[cfg(windows)]
fn asked_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        let _ = interrupt.recv().await;
    })
}
