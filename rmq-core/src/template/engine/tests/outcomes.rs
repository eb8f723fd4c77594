//! The five ends, each told about the right message.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

use futures_util::FutureExt;
use parking_lot::Mutex;

use crate::message::{Message, PublishOutcome};
use crate::template::{PendingConfirm, PublishErrorKind, RefusedReason, TemplateSettings};

use super::fake::{Say, rig};

#[tokio::test(start_paused = true)]
async fn an_ack_is_confirmed_and_nothing_else_is() {
    let rig = rig(TemplateSettings::default());
    let [a, b, c] = <[_; 3]>::try_from(rig.enqueue_all(&["a", "b", "c"]).await).unwrap();
    let channel = rig.source.channel(0).await;
    channel.seen(3).await;
    channel.say(&[("b", Say::Return), ("a", Say::Ack), ("c", Say::Nack)]);

    let confirmed = a.await.unwrap();
    assert_eq!(confirmed.message_id(), "a");
    assert_eq!(confirmed.attempts(), 1);
    assert!(!confirmed.possible_duplicate());
    assert!(confirmed.routing_checked());

    let returned = b.await.unwrap_err();
    assert_eq!(returned.kind(), PublishErrorKind::Returned);
    assert_eq!(returned.code(), "RMQ-PUB-RETURNED");
    assert_eq!(returned.reply(), Some((312, "NO_ROUTE")));
    assert_eq!(returned.message_id(), "b");
    assert_eq!(
        returned.into_message().unwrap().body(),
        "body of b",
        "the whole message is the caller's again"
    );

    let nacked = c.await.unwrap_err();
    assert_eq!(nacked.kind(), PublishErrorKind::Nacked);
    assert_eq!(nacked.message().unwrap().body(), "body of c");
    assert!(nacked.is_transient());

    let counts = rig.template.counts();
    assert_eq!(
        (
            counts.sent,
            counts.confirmed,
            counts.returned,
            counts.nacked
        ),
        (3, 1, 1, 1)
    );
    rig.assert_at_rest();
}

/// Looks, when it is woken, whether a neighbour has ended.
struct Looks {
    neighbour: Mutex<PendingConfirm>,
    had_ended: AtomicBool,
}

impl Wake for Looks {
    fn wake(self: Arc<Self>) {
        let mut nobody = Context::from_waker(Waker::noop());
        let ended = self.neighbour.lock().poll_unpin(&mut nobody).is_ready();
        self.had_ended.store(ended, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_woken_finds_the_whole_batch_ended() {
    let rig = rig(TemplateSettings::default());
    let [mut a, b] = <[_; 2]>::try_from(rig.enqueue_all(&["a", "b"]).await).unwrap();
    let channel = rig.source.channel(0).await;
    channel.seen(2).await;
    let looks = Arc::new(Looks {
        neighbour: Mutex::new(b),
        had_ended: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&looks));
    assert!(a.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
    channel.say(&[("a", Say::Ack), ("b", Say::Ack)]);
    assert!(looks.had_ended.load(Ordering::Relaxed));
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_is_refused_before_it_is_sent_and_counted() {
    let mut settings = TemplateSettings::default();
    settings.max_message_size = 10;
    let rig = rig(settings);
    let large = rig.template.send("e", "k", Message::new("12345678901"));
    let error = large.await.unwrap_err();
    assert_eq!(
        error.kind(),
        PublishErrorKind::Refused(RefusedReason::TooLarge)
    );
    assert_eq!(error.message().unwrap().body().len(), 11);
    assert_eq!(error.attempts(), 0);

    let name = "x".repeat(256);
    let named = rig.template.send(name, "k", Message::new("small"));
    let error = named.await.unwrap_err();
    assert_eq!(
        error.kind(),
        PublishErrorKind::Refused(RefusedReason::NameTooLong)
    );

    let no_json = std::collections::HashMap::from([((1, 2), 3)]);
    let unconverted = rig.template.convert_and_send("e", "k", &no_json);
    let error = unconverted.await.unwrap_err();
    assert_eq!(
        error.kind(),
        PublishErrorKind::Refused(RefusedReason::Conversion)
    );
    assert!(error.message().is_none());

    assert!(rig.source.channel(0).await.ids().is_empty());
    let counts = rig.template.counts();
    assert_eq!((counts.sent, counts.refused), (3, 3));
    rig.assert_at_rest();
}

#[tokio::test(start_paused = true)]
async fn a_publish_carries_what_was_set_and_safe_defaults() {
    let rig = rig(TemplateSettings::default());
    let channel = rig.source.channel(0).await;
    let publish = rig
        .template
        .convert_and_send("e", "k", &7)
        .header("x-tenant", "acme")
        .priority(3)
        .expiration(std::time::Duration::from_secs(5));
    let pending = publish.enqueue().await.unwrap();
    let seen = channel.seen(1).await.remove(0);
    assert!(seen.mandatory);
    let properties = seen.message.properties();
    assert_eq!(
        properties.delivery_mode,
        Some(crate::message::DeliveryMode::Persistent)
    );
    assert_eq!(properties.priority, Some(3));
    assert_eq!(properties.expiration.as_deref(), Some("5000"));
    assert_eq!(properties.content_type(), Some("application/json"));
    assert_eq!(seen.message.body(), "7");
    assert_eq!(
        seen.message.header("x-tenant").unwrap().as_str(),
        Some("acme")
    );
    assert_eq!(
        pending.message_id(),
        seen.id,
        "the id is fixed before it is sent"
    );

    let unsafe_one = rig
        .template
        .send("e", "k", Message::new("x"))
        .persistent(false)
        .mandatory(false);
    let pending = unsafe_one.enqueue().await.unwrap();
    let seen = channel.seen(2).await.remove(1);
    assert!(!seen.mandatory);
    channel.ack(&[&seen.id]);
    assert!(!pending.await.unwrap().routing_checked());
}

#[tokio::test(start_paused = true)]
async fn a_reply_over_direct_reply_to_goes_without_mandatory() {
    let rig = rig(TemplateSettings::default());
    let channel = rig.source.channel(0).await;
    let message = Message::new("reply").with_message_id("r");
    let reply = rig
        .template
        .send("", "amq.rabbitmq.reply-to.abc.def", message);
    let pending = reply.enqueue().await.unwrap();
    assert!(!channel.seen(1).await[0].mandatory);
    channel.ack(&["r"]);
    assert!(!pending.await.unwrap().routing_checked());
}

#[tokio::test(start_paused = true)]
async fn send_all_is_pipelined_and_keeps_the_order_given() {
    let rig = rig(TemplateSettings::default());
    let channel = rig.source.channel(0).await;
    let ids = ["a", "b", "c"];
    let messages = ids.map(|id| {
        let message = Message::new("x").with_message_id(id);
        rig.template.send("e", "k", message)
    });
    let template = rig.template.clone();
    let all = tokio::spawn(async move { template.send_all(messages).await });
    channel.seen(3).await;
    channel.say(&[("c", Say::Ack), ("b", Say::Return), ("a", Say::Ack)]);
    let outcomes: Vec<_> = all
        .await
        .unwrap()
        .into_iter()
        .map(|end| match end {
            Ok(confirmed) => (confirmed.message_id().to_owned(), PublishOutcome::Confirmed),
            Err(error) => (error.message_id().to_owned(), error.kind().outcome()),
        })
        .collect();
    assert_eq!(
        outcomes,
        [
            ("a".to_owned(), PublishOutcome::Confirmed),
            ("b".to_owned(), PublishOutcome::Returned),
            ("c".to_owned(), PublishOutcome::Confirmed),
        ]
    );
}
