//! Fatal at once, whatever attempts are left; the broker moves the original, and the log says why.

use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use rmq_core::prelude::*;
use tracing_subscriber::fmt::MakeWriter;

use super::shop::{Script, consuming, is_dead_letter};
use crate::stage::{Stage, ends};

/// What is logged on this thread, and so by everything in a test with one thread.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logged {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logged {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Logged {
    fn start(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .with_writer(self.clone())
            .with_ansi(false);
        tracing::subscriber::set_default(subscriber.finish())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock()).into_owned()
    }
}

/// The order with id `a` has a fatal failure, the one behind it none: one is dead-lettered, intact, after so many calls.
async fn fatal(stage: Stage, logged: &Logged, calls: usize, script: &Script, cause: &str) {
    let counts = stage.settled(2).await.deliveries;
    assert_eq!(
        (counts.dead_lettered, counts.acknowledged),
        (1, 1),
        "{counts}"
    );
    assert_eq!(counts.retries, 0, "fatal means at once");
    assert_eq!(
        script.seen().iter().filter(|seen| seen.id == "a").count(),
        calls
    );
    stage.seen(|event| is_dead_letter(event, "a")).await;
    let template = stage.template();
    let dead = ends("a get", template.receive("orders.dlq"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(dead.message().message_id(), Some("a"));
    let log = logged.text();
    let said = log
        .lines()
        .any(|line| line.contains("message_id=\"a\"") && line.contains(cause));
    assert!(said, "the log names the message and `{cause}`: {log}");
    stage.finish().await;
}

fn provoked(seen: super::shop::Seen, how: fn() -> super::shop::Ended) -> super::shop::Ended {
    if seen.id == "a" {
        how()
    } else {
        Ok(Acknowledgement::Ack)
    }
}

#[tokio::test]
async fn a_fatal_error() {
    let logged = Logged::default();
    let _guard = logged.start();
    let script =
        Script::new(
            |seen| async move { provoked(seen, || Err(Fatal::new("no such customer").into())) },
        );
    let stage = consuming!(on_order, "", &script);
    stage.order_all(&["a", "b"]).await;
    fatal(stage, &logged, 1, &script, "no such customer").await;
}

#[tokio::test]
async fn a_panic() {
    let logged = Logged::default();
    let _guard = logged.start();
    let script = Script::new(|seen| async move { provoked(seen, || panic!("provoked")) });
    let stage = consuming!(on_order, "", &script);
    stage.order_all(&["a", "b"]).await;
    fatal(stage, &logged, 1, &script, "the handler panicked: provoked").await;
}

#[tokio::test]
async fn a_panic_of_a_plain_function() {
    let logged = Logged::default();
    let _guard = logged.start();
    let script = Script::new(|seen| async move { provoked(seen, || panic!("provoked")) });
    let stage = consuming!(plain, "", &script);
    stage.order_all(&["a", "b"]).await;
    fatal(stage, &logged, 1, &script, "the handler panicked: provoked").await;
}

#[tokio::test]
async fn a_rejection_by_the_handler() {
    let logged = Logged::default();
    let _guard = logged.start();
    let script = Script::new(|seen| async move { provoked(seen, || Ok(Acknowledgement::Reject)) });
    let stage = consuming!(on_order, "", &script);
    stage.order_all(&["a", "b"]).await;
    fatal(stage, &logged, 1, &script, "a handler rejected its message").await;
}

#[tokio::test]
async fn a_body_that_cannot_be_decoded() {
    let logged = Logged::default();
    let _guard = logged.start();
    let script = Script::done();
    let stage = consuming!(on_order, "", &script);
    let mut order = Message::new("{ not json").with_message_id("a");
    order.properties_mut().content_type = Some("application/json".into());
    assert!(stage.template().send("orders", "in", order).await.is_ok());
    stage.send_order("b").await;
    fatal(stage, &logged, 0, &script, "_body").await;
    assert!(!logged.text().contains("not json"), "no payload in a log");
}

#[tokio::test]
async fn a_missing_header() {
    let logged = Logged::default();
    let _guard = logged.start();
    let script = Script::done();
    let stage = consuming!(of_tenant, "", &script);
    stage.send_order("a").await;
    let order = stage.template().convert_and_send("orders", "in", "b");
    let order = order.message_id("b").header("x-tenant", "acme");
    assert!(order.await.is_ok());
    fatal(stage, &logged, 0, &script, "x-tenant").await;
}

/// Nothing is asked of the dead-letter queue that the broker would not do by itself: the copy carries its death.
#[tokio::test]
async fn the_original_is_moved_by_the_broker_and_carries_its_death() {
    let script = Script::new(|_| async { Err(Fatal::new("never").into()) });
    let stage = consuming!(on_order, "", &script);
    let order = stage
        .template()
        .convert_and_send("orders", "in", "the body");
    assert!(
        order
            .message_id("a")
            .header("x-tenant", "acme")
            .await
            .is_ok()
    );
    stage.settled(1).await;
    let template = stage.template();
    let dead = ends("a get", template.receive("orders.dlq"))
        .await
        .unwrap()
        .unwrap();
    let message = dead.message();
    assert_eq!(message.body(), "\"the body\"");
    assert!(message.header("x-death").is_some());
    let tenant = message
        .header("x-tenant")
        .and_then(|tenant| tenant.as_str());
    assert_eq!(tenant, Some("acme"));
    assert_eq!(stage.order(), ["a"], "nothing was published again");
    stage.finish().await;
}
