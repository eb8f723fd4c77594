//! `#[on_confirm]` and `#[on_return]`.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::message::{Confirm, Message, PublishOutcome, ReturnedMessage};
use crate::template::callbacks::{Call, CallbackExecutor, Callbacks};
use crate::template::{CallbackSettings, TemplateSettings};
use crate::time::Deadline;

use super::fake::{Rig, Say, rig_with};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, line: String) {
        self.0.lock().push(line);
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().clone()
    }

    fn callbacks(&self) -> Callbacks {
        let (confirms, returns) = (self.clone(), self.clone());
        Callbacks {
            on_confirm: Some(Arc::new(move |confirm: Confirm| {
                let log = confirms.clone();
                Box::pin(async move {
                    log.add(format!(
                        "{} {}",
                        confirm.outcome(),
                        confirm.correlation_id()
                    ));
                })
            })),
            on_return: Some(Arc::new(move |returned: ReturnedMessage| {
                let log = returns.clone();
                Box::pin(async move {
                    // However long it takes, the confirm comes behind.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    let id = returned.message().message_id().unwrap_or_default();
                    log.add(format!("return {id} {}", returned.reply_code()));
                })
            })),
        }
    }
}

async fn drained(rig: &Rig) {
    let left = rig
        .template
        .stop(Deadline::after(Duration::from_secs(600)))
        .await;
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn every_message_sent_is_told_once_and_a_return_comes_before_its_confirm() {
    let log = Log::default();
    let mut settings = TemplateSettings::default();
    settings.max_message_size = 100;
    let rig = rig_with(settings, log.callbacks());
    let channel = rig.source.channel(0).await;
    for id in ["a", "b", "c"] {
        // Nobody waits for the end: the callback is told all the same.
        drop(rig.enqueue(id).await);
    }
    channel.seen(3).await;
    channel.say(&[("a", Say::Ack), ("b", Say::Return), ("c", Say::Nack)]);
    let large = Message::new("x".repeat(101));
    let refused = rig.template.send("e", "k", large).correlation("mine").await;
    assert!(refused.is_err());
    drained(&rig).await;
    let mut lines = log.lines();
    let at = |wanted: &str| lines.iter().position(|line| line == wanted);
    assert!(at("return b 312").unwrap() < at("returned b").unwrap());
    lines.sort();
    assert_eq!(
        lines,
        [
            "confirmed a",
            "nacked c",
            "refused mine",
            "return b 312",
            "returned b"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_panicking_callback_is_reported_and_harms_nobody_else() {
    let log = Log::default();
    let mut callbacks = log.callbacks();
    let told = callbacks.on_confirm.take().unwrap();
    callbacks.on_confirm = Some(Arc::new(move |confirm: Confirm| {
        assert_ne!(confirm.correlation_id(), "at once", "the test's panic");
        let told = Arc::clone(&told);
        Box::pin(async move {
            tokio::task::yield_now().await;
            assert_ne!(confirm.correlation_id(), "later", "the test's panic");
            told(confirm).await;
        })
    }));
    let rig = rig_with(TemplateSettings::default(), callbacks);
    let channel = rig.source.channel(0).await;
    let pending = rig.enqueue_all(&["at once", "later", "fine"]).await;
    channel.seen(3).await;
    channel.ack(&["at once", "later", "fine"]);
    for pending in pending {
        assert!(pending.await.is_ok());
    }
    drained(&rig).await;
    assert_eq!(log.lines(), ["confirmed fine"]);
    assert_eq!(rig.template.counts().failed_callbacks, 2);
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn a_callback_that_never_ends_is_dropped_at_its_deadline() {
    let callbacks = Callbacks {
        on_confirm: Some(Arc::new(|_| Box::pin(std::future::pending()))),
        on_return: None,
    };
    let rig = rig_with(TemplateSettings::default(), callbacks);
    let channel = rig.source.channel(0).await;
    let pending = rig.enqueue("a").await;
    channel.seen(1).await;
    channel.ack(&["a"]);
    assert!(pending.await.is_ok());
    drained(&rig).await;
    assert_eq!(rig.template.counts().failed_callbacks, 1);
}

#[tokio::test(start_paused = true)]
async fn slow_callbacks_hold_up_publishers_and_never_the_reader() {
    let gate = Arc::new(Notify::new());
    let callbacks = Callbacks {
        on_confirm: Some({
            let gate = Arc::clone(&gate);
            Arc::new(move |_| {
                let gate = Arc::clone(&gate);
                Box::pin(async move { gate.notified().await })
            })
        }),
        on_return: None,
    };
    let settings = TemplateSettings {
        callbacks: CallbackSettings {
            queue: 2,
            concurrency: 1,
            ..CallbackSettings::default()
        },
        window_timeout: Duration::from_secs(1),
        ..TemplateSettings::default()
    };
    let rig = rig_with(settings, callbacks);
    let channel = rig.source.channel(0).await;
    let pending = rig.enqueue_all(&["a", "b"]).await;
    channel.seen(2).await;
    channel.ack(&["a", "b"]);
    for pending in pending {
        assert!(pending.await.is_ok(), "callers do not wait for callbacks");
    }
    let refused = rig.template.send("e", "k", Message::new("c")).await;
    let error = refused.unwrap_err();
    assert_eq!(error.code(), "RMQ-PUB-WINDOW-FULL");
    assert!(error.cause().contains("callbacks"), "{error}");
    // One is told of the refusal, too: three callbacks end, one after another.
    for _ in 0..3 {
        gate.notify_one();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(rig.enqueue("d").await);
    channel.seen(3).await;
}

#[tokio::test(start_paused = true)]
async fn a_callback_may_publish_and_wait_even_when_the_queue_of_callbacks_is_full() {
    let template: Arc<Mutex<Option<crate::template::RabbitTemplate>>> = Arc::default();
    let log = Log::default();
    let callbacks = Callbacks {
        on_confirm: Some({
            let (template, log) = (Arc::clone(&template), log.clone());
            Arc::new(move |confirm: Confirm| {
                let template = template.lock().clone().unwrap();
                let log = log.clone();
                Box::pin(async move {
                    if confirm.correlation_id() == "first" {
                        let message = Message::new("again").with_message_id("second");
                        assert!(template.send("e", "k", message).await.is_ok());
                    }
                    log.add(confirm.correlation_id().to_owned());
                })
            })
        }),
        on_return: None,
    };
    let settings = TemplateSettings {
        callbacks: CallbackSettings {
            queue: 1,
            ..CallbackSettings::default()
        },
        ..TemplateSettings::default()
    };
    let rig = rig_with(settings, callbacks);
    *template.lock() = Some(rig.template.clone());
    let channel = rig.source.channel(0).await;
    drop(rig.enqueue("first").await);
    channel.seen(1).await;
    channel.ack(&["first"]);
    channel.seen(2).await;
    channel.ack(&["second"]);
    drained(&rig).await;
    let mut lines = log.lines();
    lines.sort();
    assert_eq!(lines, ["first", "second"]);
    template.lock().take();
}

#[tokio::test]
async fn a_dropped_executor_runs_what_is_queued_and_keeps_nothing_of_the_callbacks() {
    let told = Arc::new(Notify::new());
    let state = Arc::clone(&told);
    let callbacks = Callbacks {
        on_confirm: Some(Arc::new(move |_| {
            let state = Arc::clone(&state);
            Box::pin(async move { state.notify_one() })
        })),
        on_return: None,
    };
    let executor =
        CallbackExecutor::start(callbacks, CallbackSettings::default(), Arc::default()).unwrap();
    let confirm = Confirm::new("a".into(), PublishOutcome::Confirmed, None);
    executor.push(&mut Call::new(Some(confirm), None).into_iter().collect());
    drop(executor);
    told.notified().await;
    while Arc::strong_count(&told) > 1 {
        tokio::task::yield_now().await;
    }
}
