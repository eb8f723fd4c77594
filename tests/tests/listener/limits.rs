//! Messages over the limits of their consumer's connection.

use std::sync::Arc;

use rmq_core::listener::{AcknowledgeMode, EndpointSettings, FailurePolicy, ListenerRegistry};
use rmq_core::message::{HeaderLimits, Limits};
use rmq_tests::raw::{Content, Properties, table};

use super::rig::{Notes, Rig, done, endpoint, handler, listener, name, stop};

const LIMITS: Limits = Limits {
    body: 1_000,
    headers: HeaderLimits {
        bytes: 2_000,
        depth: 32,
    },
};

fn large() -> Content {
    let properties = Properties::default().with_message_id("the-large-one".into());
    Content::with("x".repeat(20_000), properties).unwrap()
}

fn long_headers() -> Content {
    let headers = table::table([("x-long", table::text(&"x".repeat(100_000)))]);
    let properties = Properties::default()
        .with_message_id("the-other-one".into())
        .with_headers(headers);
    Content::with("small", properties).unwrap()
}

async fn handles_the_next(rig: &Rig, settings: EndpointSettings) -> ListenerRegistry {
    let notes = Notes::new();
    let noting = Arc::clone(&notes);
    let handler = handler(move |seen| {
        noting.note(seen.body);
        async { done() }
    });
    let registry = rig.start(endpoint(settings, handler)).await;
    assert_eq!(notes.next().await, "the next");
    registry
}

pub async fn a_message_over_a_limit_is_dead_lettered_intact_and_the_next_one_is_handled(
    address: &str,
) {
    let rig = Rig::with_limits(address, LIMITS).await;
    let queue = rig.queue("classic").await;
    rig.send(&queue, large()).await;
    rig.send(&queue, long_headers()).await;
    rig.send(&queue, Content::new("the next")).await;
    let registry = handles_the_next(&rig, listener("limits", &queue)).await;
    let dlq = format!("{queue}.dlq");
    rig.until_ready(&dlq, 2).await;
    let dead = rig.channel.take(&dlq).await.unwrap().unwrap();
    assert_eq!(dead.content.body, large().body);
    let dead = rig.channel.take(&dlq).await.unwrap().unwrap();
    assert_eq!(dead.text(), "small");
    let long = Some(table::text(&"x".repeat(100_000)));
    assert_eq!(dead.header("x-long").unwrap(), long);
    stop(&registry).await;
    let ledger = registry.ledger().deliveries;
    assert_eq!(
        (ledger.delivered, ledger.acknowledged, ledger.dead_lettered),
        (3, 1, 2),
        "{ledger}"
    );
}

/// Parking would publish what is not here: the broker, which has it whole, moves it all the same.
pub async fn a_message_over_a_limit_is_not_parked_but_dead_lettered_intact(address: &str) {
    let rig = Rig::with_limits(address, LIMITS).await;
    let (queue, parked) = (rig.queue("classic").await, rig.queue("classic").await);
    rig.send(&queue, large()).await;
    rig.send(&queue, Content::new("the next")).await;
    let mut settings = listener("limits", &queue);
    settings.on_failure = FailurePolicy::Park(name(&parked));
    let registry = handles_the_next(&rig, settings).await;
    let dlq = format!("{queue}.dlq");
    rig.until_ready(&dlq, 1).await;
    let dead = rig.channel.take(&dlq).await.unwrap().unwrap();
    assert_eq!(dead.content.body, large().body);
    assert_eq!(rig.ready(&parked).await, 0);
    stop(&registry).await;
}

pub async fn without_acknowledgements_a_message_over_a_limit_is_counted_as_lost(address: &str) {
    let rig = Rig::with_limits(address, LIMITS).await;
    let queue = rig.queue("classic").await;
    rig.send(&queue, large()).await;
    rig.send(&queue, Content::new("the next")).await;
    let mut settings = listener("limits", &queue);
    settings.acknowledge = AcknowledgeMode::None;
    let registry = handles_the_next(&rig, settings).await;
    stop(&registry).await;
    let ledger = registry.ledger();
    assert_eq!(
        (
            ledger.deliveries.acknowledged,
            ledger.lost_without_acknowledgement
        ),
        (2, 1)
    );
}
