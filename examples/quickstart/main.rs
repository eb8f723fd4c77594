//! The main job, once: publish orders, hear what became of each, handle them, stop.
//!
//! `cargo run -p rmq-examples --bin quickstart` needs no broker: it brings one, inside the process.
//! `RABBIT_ADDRESSES=host:5672` points it to a real one.

use std::collections::BTreeSet;
use std::time::Duration;

use rmq_core::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

#[derive(Debug, Serialize, Deserialize, RabbitMessage)]
#[rabbit(exchange = "quickstart.orders", routing_key = "order.created")]
struct OrderCreated {
    id: u64,
    amount_cents: u64,
}

#[derive(Debug, thiserror::Error)]
enum BillingError {
    #[error("the till is closed for a moment")]
    Busy,
    #[error("an order of nothing cannot be billed")]
    Nothing,
}

/// Template, JSON converter and listener containers, set up from rabbit.yml.
#[rabbit_config(file = "quickstart/rabbit.yml")]
struct RabbitMqConfiguration;

#[on_return]
async fn returned(message: ReturnedMessage) {
    println!(
        "    on_return:   {} {}, key `{}`",
        message.reply_code(),
        message.reply_text(),
        message.routing_key()
    );
}

#[on_confirm]
async fn confirmed(confirm: Confirm) {
    if !confirm.is_ack() {
        println!("    on_confirm:  {}", confirm.outcome());
    }
}

#[rabbit_listener(queue = "quickstart.orders.created")]
async fn on_order(
    order: OrderCreated,
    attempt: DeliveryFacts,
    handled: State<mpsc::Sender<u64>>,
) -> Result<(), BillingError> {
    let result = match (order.amount_cents, attempt.attempt()) {
        (0, _) => Err(BillingError::Nothing),
        (1, 1) => Err(BillingError::Busy),
        _ => Ok(()),
    };
    match &result {
        Ok(()) => {
            println!(
                "order {}  handled at attempt {}",
                order.id,
                attempt.attempt()
            );
            handled.send(order.id).await.ok();
        }
        Err(error) => println!(
            "order {}  attempt {} failed: {error}",
            order.id,
            attempt.attempt()
        ),
    }
    result
}

#[tokio::main]
async fn main() -> Result<(), rmq_core::Error> {
    let (handled, mut orders) = mpsc::channel::<u64>(16);
    let rabbit = RabbitMqConfiguration::builder()
        .state(handled)
        .start()
        .await?;
    let template = rabbit.template();

    println!("--- publish");
    for (id, amount_cents) in [(1, 950), (2, 1_200), (3, 1), (4, 0)] {
        let confirmed = template.publish(&OrderCreated { id, amount_cents }).await?;
        println!(
            "order {id}  confirmed: the broker has it, in a queue; sent {} time(s)",
            confirmed.attempts()
        );
    }
    let lost = OrderCreated {
        id: 5,
        amount_cents: 100,
    };
    match template
        .convert_and_send("quickstart.orders", "order.cancelled", &lost)
        .await
    {
        Ok(_) => println!("order 5  confirmed"),
        Err(error) => println!(
            "order 5  {:?}: no queue takes this key; we still hold the message",
            error.kind()
        ),
    }

    println!("--- listen");
    let mut open: BTreeSet<u64> = [1, 2, 3].into();
    while !open.is_empty() {
        let Some(id) = orders.recv().await else { break };
        open.remove(&id);
    }
    if let Some(dead) = template
        .receive_timeout("quickstart.orders.created.dlq", Duration::from_secs(10))
        .await?
    {
        println!(
            "order 4  dead-lettered: its attempts are spent, and it waited where a person can see it"
        );
        dead.ack()?;
    }

    println!("--- stop");
    rabbit.stop().await?;
    println!("{}", rabbit.ledger());
    Ok(())
}
