//! The broker is killed under load: everything confirmed is in the queue, and everybody is told once.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rmq_core::message::{Message, Value};
use rmq_core::template::{PublishErrorKind, TemplateSettings};
use rmq_tests::broker::{Node, NodeConfig, Release};

use crate::support::{Rig, ends, tcp};

async fn killed_five_times_during_a_long_burst(release: Release, queue_type: &'static str) {
    let node = Arc::new(Node::start(release, NodeConfig::default()).unwrap());
    let mut settings = TemplateSettings::default();
    // A restart takes some ten seconds on a busy machine; this test is about kills, not about that deadline.
    settings.confirm_timeout = Duration::from_secs(120);
    settings.window_timeout = Duration::from_secs(120);
    let rig = Rig::with(tcp(&node.address()), settings).await;
    let (exchange, queue) = rig
        .bound("in", vec![("x-queue-type", Value::from(queue_type))])
        .await;
    node.flush_quorum_queues().unwrap();
    let total = crate::support::sized(100_000, 10_000);
    let done = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (template, exchange, done) =
                (rig.template.clone(), exchange.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let mut confirmed = Vec::new();
                for _ in 0..total / 8 / 50 {
                    let some =
                        (0..50).map(|_| template.send(exchange.clone(), "in", Message::new("x")));
                    for end in template.send_all(some).await {
                        done.fetch_add(1, Ordering::Relaxed);
                        match end {
                            Ok(end) => confirmed.push(end.message_id().to_owned()),
                            // The deadline is far off and nothing is unroutable.
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
                confirmed
            })
        })
        .collect();
    for kill in 1..=5 {
        // Not before a sixth more has been told, so that the kills are spread over the burst.
        while done.load(Ordering::Relaxed) < total * kill / 7 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let node = Arc::clone(&node);
        let restarted = tokio::task::spawn_blocking(move || {
            node.kill();
            node.restart()
        });
        ends("a restart", restarted).await.unwrap().unwrap();
    }
    let mut confirmed = HashSet::new();
    let mut ends_told = 0;
    for task in tasks {
        let of_task = tokio::time::timeout(Duration::from_secs(400), task).await;
        let of_task = of_task.expect("nothing hangs").unwrap();
        ends_told += of_task.len();
        confirmed.extend(of_task);
    }
    assert_eq!(ends_told, total);
    assert_eq!(confirmed.len(), total, "each caller got an end of its own");
    let stored = rig.drain(&queue).await;
    let lost: Vec<_> = confirmed
        .iter()
        .filter(|id| !stored.contains_key(*id))
        .collect();
    assert!(lost.is_empty(), "confirmed and not there: {}", lost.len());
    let counts = rig.template.counts();
    assert!(
        counts.copies > 0,
        "the kills met messages in flight: {counts}"
    );
    rig.finish().await;
}

async fn with_resend_never_a_kill_leaves_unknown_and_confirmed_only(release: Release) {
    let node = Node::start(release, NodeConfig::default()).unwrap();
    let mut settings = TemplateSettings::default();
    settings.resend = rmq_core::template::ResendPolicy::Never;
    let rig = Rig::with(tcp(&node.address()), settings).await;
    let (exchange, queue) = rig.bound("in", Vec::new()).await;
    let mut pending = Vec::new();
    for _ in 0..4_000 {
        let publish = rig.template.send(exchange.clone(), "in", Message::new("x"));
        pending.push(publish.enqueue().await.unwrap());
    }
    node.kill();
    let mut confirmed = Vec::new();
    let mut unknown = 0;
    for pending in pending {
        match ends("an end", pending).await {
            Ok(end) => confirmed.push(end.message_id().to_owned()),
            Err(error) if error.kind() == PublishErrorKind::Unknown => unknown += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(confirmed.len() + unknown, 4_000);
    node.restart().unwrap();
    let stored = rig.drain(&queue).await;
    assert!(confirmed.iter().all(|id| stored.contains_key(id)));
    rig.finish().await;
}

mod rabbit3 {
    use super::{Release, killed_five_times_during_a_long_burst};

    #[tokio::test(flavor = "multi_thread")]
    async fn killed_five_times_with_a_classic_queue() {
        killed_five_times_during_a_long_burst(Release::V3, "classic").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn killed_five_times_with_a_quorum_queue() {
        killed_five_times_during_a_long_burst(Release::V3, "quorum").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn with_resend_never_a_kill_leaves_unknown_and_confirmed_only() {
        super::with_resend_never_a_kill_leaves_unknown_and_confirmed_only(Release::V3).await;
    }
}

mod rabbit4 {
    use super::{Release, killed_five_times_during_a_long_burst};

    #[tokio::test(flavor = "multi_thread")]
    async fn killed_five_times_with_a_classic_queue() {
        killed_five_times_during_a_long_burst(Release::V4, "classic").await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn killed_five_times_with_a_quorum_queue() {
        killed_five_times_during_a_long_burst(Release::V4, "quorum").await;
    }
}
