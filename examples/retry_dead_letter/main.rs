//! A failing listener: tried again with back-off, then dead-lettered. `Fatal` skips the tries.

use std::time::Duration;

use rmq_core::prelude::*;

#[rabbit_config(file = "retry_dead_letter/rabbit.yml")]
struct RabbitMqConfiguration;

#[derive(Debug, thiserror::Error)]
#[error("the bank does not answer")]
struct BankSilent;

#[derive(Debug, thiserror::Error)]
#[error("no such account")]
struct NoAccount;

#[rabbit_listener(queue = "retry.payments")]
async fn pay(account: String, facts: DeliveryFacts) -> Result<(), rmq_core::BoxError> {
    println!("attempt {} for {account}", facts.attempt());
    match account.as_str() {
        "closed" => Err(Fatal::new(NoAccount).into()),
        _ => Err(BankSilent.into()),
    }
}

#[tokio::main]
async fn main() -> Result<(), rmq_core::Error> {
    let rabbit = RabbitMqConfiguration::start().await?;
    let template = rabbit.template();
    for account in ["savings", "closed"] {
        template
            .convert_and_send("", "retry.payments", &account)
            .await?;
        if let Some(dead) = template
            .receive_timeout("retry.payments.dlq", Duration::from_secs(10))
            .await?
        {
            println!("{account}: dead-lettered");
            dead.ack()?;
        }
    }
    rabbit.stop().await?;
    println!("{}", rabbit.ledger());
    Ok(())
}
