//! Topology from Rust, and the admin that looks at it.

use rmq_core::prelude::*;

#[rabbit_config(file = "topology_in_rust/rabbit.yml")]
struct RabbitMqConfiguration;

#[rabbit_config]
impl RabbitMqConfiguration {
    #[declarables]
    fn topology(&self) -> Declarables {
        Declarables::new()
            .with(Exchange::topic("stock"))
            .with(Queue::quorum("stock.changes")) // durable, with stock.changes.dlq
            .with(
                Binding::queue("stock.changes")
                    .to("stock")
                    .with("stock.*.changed"),
            )
    }
}

#[tokio::main]
async fn main() -> Result<(), rmq_core::Error> {
    let rabbit = RabbitMqConfiguration::start().await?;
    let template = rabbit.template();
    for article in ["tea", "coffee"] {
        template
            .convert_and_send("stock", format!("stock.{article}.changed"), &1)
            .await?;
    }
    for queue in ["stock.changes", "stock.changes.dlq", "stock.gone"] {
        match rabbit.admin().queue_info(queue).await? {
            Some(info) => println!(
                "{queue}: {} message(s), {} consumer(s)",
                info.messages, info.consumers
            ),
            None => println!("{queue}: not there"),
        }
    }
    println!(
        "purged {}",
        rabbit.admin().purge_queue("stock.changes").await?
    );
    rabbit.stop().await?;
    Ok(())
}
