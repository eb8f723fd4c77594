//! What a listener needs beside its message: components, headers, delivery facts.

use std::sync::atomic::{AtomicU64, Ordering};

use rmq_core::prelude::*;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

#[derive(Debug, Serialize, Deserialize, RabbitMessage)]
#[rabbit(exchange = "", routing_key = "components.visits")]
struct Visit {
    page: String,
}

#[derive(Debug, Default)]
struct Counter(AtomicU64);

#[rabbit_config(file = "components/rabbit.yml")]
struct RabbitMqConfiguration;

#[rabbit_config]
impl RabbitMqConfiguration {
    /// Made once, at start.
    #[component]
    async fn counter(&self) -> Counter {
        Counter::default()
    }

    #[rabbit_listener(queue = "components.visits")]
    async fn on_visit(
        &self,
        visit: Visit,
        #[header("x-visitor")] visitor: Option<String>,
        facts: DeliveryFacts,
        counter: State<Counter>,
        seen: State<mpsc::Sender<String>>,
    ) {
        let n = counter.0.0.fetch_add(1, Ordering::Relaxed) + 1;
        let visitor = visitor.unwrap_or_else(|| "somebody".to_owned());
        let line = format!(
            "visit {n}: {visitor} saw {} (redelivered: {})",
            visit.page,
            facts.redelivered()
        );
        seen.send(line).await.ok();
    }
}

#[tokio::main]
async fn main() -> Result<(), rmq_core::Error> {
    let (seen, mut lines) = mpsc::channel::<String>(4);
    let rabbit = RabbitMqConfiguration::builder().state(seen).start().await?;
    let visit = Visit {
        page: "/tea".to_owned(),
    };
    rabbit
        .template()
        .publish(&visit)
        .header("x-visitor", "Ada")
        .await?;
    println!("{}", lines.recv().await.unwrap_or_default());
    rabbit.template().publish(&visit).await?;
    println!("{}", lines.recv().await.unwrap_or_default());
    rabbit.stop().await?;
    Ok(())
}
