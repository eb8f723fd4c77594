//! The broker is killed under load: everything confirmed is in the queue, and everybody is told once.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rmq_core::message::{Message, Value};
use rmq_core::template::{PublishErrorKind, ResendPolicy, TemplateSettings};
use rmq_tests::broker::{Node, NodeConfig, Release};

use crate::support::{LONG, Rig, ends, tcp};

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

/// The node is frozen before the second half is published, so that those are unconfirmed for certain when it is killed.
async fn with_resend_never_a_kill_leaves_unknown_and_confirmed_only(release: Release) {
    const HALF: usize = 2_000;
    let node = Node::start(release, NodeConfig::default()).unwrap();
    let settings = TemplateSettings {
        resend: ResendPolicy::Never,
        // Nothing here ends because of it.
        confirm_timeout: LONG * 100,
        ..TemplateSettings::default()
    };
    let rig = Rig::with(tcp(&node.address()), settings).await;
    let (exchange, queue) = rig.bound("in", Vec::new()).await;
    let message = |n: usize| Message::new(format!("body {n}")).with_message_id(n.to_string());
    let mut pending = Vec::new();
    for n in 0..2 * HALF {
        if n == HALF {
            node.freeze().unwrap();
        }
        let publish = rig.template.send(exchange.clone(), "in", message(n));
        pending.push(ends("room", publish.enqueue()).await.unwrap());
    }
    node.kill();
    let mut confirmed = Vec::new();
    let mut unknown = 0;
    for (n, pending) in pending.into_iter().enumerate() {
        match ends("an end", pending).await {
            Ok(end) => {
                assert!(n < HALF, "message {n} never reached a broker that runs");
                confirmed.push(end.message_id().to_owned());
            }
            Err(error) => {
                assert_eq!(error.kind(), PublishErrorKind::Unknown, "{error}");
                assert_eq!((error.message_id(), error.attempts()), (&*n.to_string(), 1));
                let whole = error.into_message().expect("the whole message");
                assert_eq!(whole.body(), message(n).body());
                assert_eq!(whole.message_id(), Some(&*n.to_string()));
                unknown += 1;
            }
        }
    }
    assert_eq!(confirmed.len() + unknown, 2 * HALF);
    assert!(unknown >= HALF, "{unknown}");
    let counts = rig.template.counts();
    assert_eq!(
        (counts.confirmed, counts.unknown, counts.copies),
        (confirmed.len() as u64, unknown as u64, 0),
        "{counts}"
    );
    node.restart().unwrap();
    let stored = rig.drain(&queue).await;
    assert!(confirmed.iter().all(|id| stored.contains_key(id)));
    assert!(stored.values().all(|copies| *copies == 1), "no copies");
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

    #[tokio::test(flavor = "multi_thread")]
    async fn with_resend_never_a_kill_leaves_unknown_and_confirmed_only() {
        super::with_resend_never_a_kill_leaves_unknown_and_confirmed_only(Release::V4).await;
    }
}
