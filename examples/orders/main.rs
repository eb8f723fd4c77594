//! The program of the README, as it stands there, with a till to bill at. It needs a RabbitMQ: start it in this folder with
//! `RABBIT_ADDRESSES=host:5672 cargo run -p rmq-examples --bin orders`, and end it with Ctrl-C.

use rmq_core::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize, RabbitMessage)]
#[rabbit(exchange = "orders", routing_key = "order.created")]
struct OrderCreated {
    id: u64,
    amount_cents: u64,
}

/// Template, JSON converter and listener containers, set up from rabbit.yml.
#[rabbit_config(file = "rabbit.yml")]
struct RabbitMqConfiguration;

#[on_confirm]
async fn confirmed(confirm: Confirm) {
    if !confirm.is_ack() {
        tracing::warn!(id = %confirm.correlation_id(), cause = confirm.cause(), "the broker refused a message");
    }
}

#[on_return]
async fn returned(message: ReturnedMessage) {
    tracing::warn!(reply = message.reply_text(), exchange = %message.exchange(), key = %message.routing_key(), "no queue took it");
}

#[rabbit_listener(queue = "orders.created", concurrency = "2-8")]
async fn on_order(
    order: OrderCreated,
    #[header("x-tenant")] tenant: Option<String>,
) -> Result<(), OrderError> {
    bill(&order, tenant).await
}

#[tokio::main]
async fn main() -> Result<(), rmq_core::Error> {
    let rabbit = RabbitMqConfiguration::start().await?;
    rabbit
        .template()
        .publish(&OrderCreated {
            id: 1,
            amount_cents: 950,
        })
        .await?; // Ok = the broker has it, in a queue
    rabbit.run_until_shutdown().await // SIGTERM or Ctrl-C: drain, then stop
}

/// Why an order was not billed.
#[derive(Debug, thiserror::Error)]
#[error("order {0} is worth nothing")]
struct OrderError(u64);

async fn bill(order: &OrderCreated, tenant: Option<String>) -> Result<(), OrderError> {
    if order.amount_cents == 0 {
        return Err(OrderError(order.id));
    }
    println!(
        "billed order {} of {}",
        order.id,
        tenant.unwrap_or_else(|| "nobody".to_owned())
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use rmq_core::testing::RabbitHarness;

    use super::*;

    /// The test of the README, as it stands there; `file` because this `rabbit.yml` is not beside `Cargo.toml`.
    #[tokio::test]
    async fn an_order_is_billed() -> Result<(), rmq_core::Error> {
        let rabbit = RabbitHarness::start(
            RabbitMqConfiguration::builder()
                .file("orders/rabbit.yml")
                .only(listeners![on_order]),
        )
        .await?;
        let sent = rabbit
            .template()
            .publish(&OrderCreated {
                id: 1,
                amount_cents: 950,
            })
            .await?;
        let fate = rabbit.settled("on_order", sent.message_id()).await?;
        assert!(fate.is_acknowledged(), "{fate}"); // or is_dead_lettered, is_parked, is_requeued; fate.cause() says why
        rabbit.stop().await?;
        Ok(())
    }

    /// The program runs on the shorter file that the README shows, too.
    #[tokio::test]
    async fn the_file_of_the_readme_is_enough() -> Result<(), rmq_core::Error> {
        let file = include_str!("../../README.md")
            .split("```yaml\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next())
            .unwrap_or_default();
        let rabbit = RabbitHarness::start(
            RabbitMqConfiguration::builder()
                .properties("README.md", file)
                .only(listeners![on_order]),
        )
        .await?;
        let order = OrderCreated {
            id: 2,
            amount_cents: 0,
        };
        let sent = rabbit.template().publish(&order).await?;
        let fate = rabbit.settled("on_order", sent.message_id()).await?;
        assert!(fate.is_dead_lettered(), "{fate}");
        rabbit.stop().await?;
        Ok(())
    }
}
