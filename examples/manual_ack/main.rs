//! Acknowledging by hand. A delivery left unsettled when the function returns counts as a failure.

use rmq_core::prelude::*;
use tokio::sync::mpsc;

#[rabbit_config(file = "manual_ack/rabbit.yml")]
struct RabbitMqConfiguration;

#[rabbit_listener(queue = "manual-ack.jobs", ack = "manual")]
async fn on_job(
    job: String,
    acknowledger: Acknowledger,
    done: State<mpsc::Sender<String>>,
) -> Result<(), rmq_core::Error> {
    match job.as_str() {
        "poison" => acknowledger.reject()?, // to the dead-letter queue
        _ => acknowledger.ack()?,
    }
    done.send(job).await.ok();
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), rmq_core::Error> {
    let (done, mut jobs) = mpsc::channel::<String>(4);
    let rabbit = RabbitMqConfiguration::builder().state(done).start().await?;
    for job in ["print", "poison"] {
        rabbit
            .template()
            .convert_and_send("", "manual-ack.jobs", &job)
            .await?;
        println!("settled: {}", jobs.recv().await.unwrap_or_default());
    }
    rabbit.stop().await?;
    println!("{}", rabbit.ledger());
    Ok(())
}
