//! Parked instead of dead-lettered: the message waits in a queue of yours, with the cause in its headers.

use std::time::Duration;

use rmq_core::prelude::*;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Invoice {
    total_cents: u64,
}

#[rabbit_config(file = "parking/rabbit.yml")]
struct RabbitMqConfiguration;

#[rabbit_listener(
    queue = "parking.invoices",
    on_failure = "park:parking.invoices.parked"
)]
async fn on_invoice(invoice: Invoice) {
    println!("invoice over {} cents", invoice.total_cents);
}

#[tokio::main]
async fn main() -> Result<(), rmq_core::Error> {
    let rabbit = RabbitMqConfiguration::start().await?;
    let template = rabbit.template();
    template
        .send(
            "",
            "parking.invoices",
            Message::new("this is not JSON").with_content_type("application/json"),
        )
        .await?;
    if let Some(parked) = template
        .receive_timeout("parking.invoices.parked", Duration::from_secs(10))
        .await?
    {
        let parked = parked.ack()?;
        for (name, value) in parked.properties().headers.iter() {
            println!("{name}: {}", value.as_str().unwrap_or("..."));
        }
    }
    rabbit.stop().await?;
    println!("{}", rabbit.ledger());
    Ok(())
}
