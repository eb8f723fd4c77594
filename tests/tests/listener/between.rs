//! What waits while its consumer is cancelled, to be started again: everybody learns its fate, whatever ends that time.

use std::time::Duration;

use rmq_core::listener::{AcknowledgeMode, ListenerRegistry};
use rmq_core::time::Deadline;

use super::fake;
use super::rig::{check_ledger, listener, soon, until};
use super::wire::{NACK, Stage, qos};

/// Stops a listener that has come back.
async fn stop(mut stage: Stage, proves: bool) -> ListenerRegistry {
    stage.registry.wait_consuming(soon()).await.unwrap();
    let stopping = stage.stop().await;
    stage.cancel_ok(&[]).await;
    if proves {
        qos(&mut stage.peer).await;
    }
    stage.close_ok(Vec::new()).await;
    assert_eq!(stopping.await.unwrap(), []);
    check_ledger(&stage.registry);
    stage.registry
}

/// What has been handed back once is kept the second time, without a consumer. When its channel ends then, the broker
/// delivers it again, and the ledger says so.
#[tokio::test]
async fn what_is_kept_is_left_to_the_broker_when_the_channel_ends_between_two_consumers() {
    let mut settings = listener("slow", "q");
    settings.consumer_timeout = Duration::from_millis(30);
    let mut stage = Stage::set(settings).await;
    stage.deliver(1..=4).await;
    assert_eq!(stage.seen.next().await, "m1");
    // It runs for too long: what waits goes back.
    stage.cancel_ok(&[]).await;
    for tag in 2..=4 {
        stage.settles(NACK, tag).await;
    }
    stage.gate.add_permits(1);
    stage.settles(fake::ACK, 1).await;
    qos(&mut stage.peer).await;
    stage.consumer = stage.peer.consume_ok(stage.channel).await;
    for (tag, id) in [(5, "m2"), (6, "m3"), (7, "m4")] {
        let frames = stage.delivery_of(tag, id);
        stage.peer.send(&frames).await;
    }
    assert_eq!(stage.seen.next().await, "m2");
    // The handler takes longer than a third of the timeout.
    tokio::time::sleep(Duration::from_millis(50)).await;
    stage.gate.add_permits(1);
    stage.settles(fake::ACK, 5).await;
    stage.cancel_ok(&[]).await;
    assert_eq!(stage.seen.next().await, "m3", "not handed back again");
    stage.lose_the_channel().await;
    stage.gate.add_permits(1);
    stage.channel = stage.peer.open_channel(false).await;
    qos(&mut stage.peer).await;
    stage.consumer = stage.peer.consume_ok(stage.channel).await;
    let ledger = stop(stage, false).await.ledger().deliveries;
    let ends = (ledger.acknowledged, ledger.requeued, ledger.left_to_broker);
    assert_eq!(ends, (2, 3, 2), "{ledger}");
}

/// Without acknowledgements the broker has forgotten what waits: it is handled, whatever became of the channel.
#[tokio::test]
async fn without_acknowledgements_what_waits_is_handled_when_the_channel_ends_between_two_consumers()
 {
    let mut settings = listener("none", "q");
    settings.acknowledge = AcknowledgeMode::None;
    settings.prefetch = 2;
    let mut stage = Stage::set(settings).await;
    stage.deliver(1..=17).await;
    assert_eq!(stage.seen.next().await, "m1");
    stage.cancel_ok(&[]).await;
    stage.nothing_asked().await;
    stage.lose_the_channel().await;
    stage.gate.add_permits(17);
    for tag in 2..=17 {
        assert_eq!(stage.seen.next().await, format!("m{tag}"));
    }
    stage.channel = stage.peer.open_channel(false).await;
    stage.consumer = stage.peer.consume_ok(stage.channel).await;
    let ledger = stop(stage, true).await.ledger();
    assert_eq!(ledger.lost_without_acknowledgement, 0);
    assert_eq!(ledger.deliveries.acknowledged, 17, "{}", ledger.deliveries);
}

/// A stop interrupts the wait between two attempts and cancels first. Where the broker does not answer that, the delivery
/// is left to it.
#[tokio::test]
async fn a_stop_that_is_cut_off_while_its_cancel_waits_counts_the_delivery() {
    let mut settings = listener("failing", "q");
    settings.prefetch = 20;
    settings.retry.attempts = 3;
    settings.retry.initial_interval = Duration::from_secs(60);
    settings.retry.max_interval = Duration::from_secs(60);
    let mut stage = Stage::failing(settings).await;
    stage.deliver(1..=1).await;
    assert_eq!(stage.seen.next().await, "m1");
    let deadline = Deadline::after(Duration::from_millis(300));
    let unsettled = stage.registry.stop_all(deadline).await;
    assert_eq!(unsettled.len(), 1, "{unsettled:?}");
    until("counted", || async {
        stage.registry.ledger().deliveries.left_to_broker == 1
    })
    .await;
    check_ledger(&stage.registry);
}
