//! A whole program at TRACE: whatever becomes of a message, neither its body nor its headers nor the password is written down.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use rmq_core::RefusedReason;
use rmq_core::message::{Message, ReturnedMessage};
use rmq_core::prelude::*;
use rmq_core::testing::RabbitHarness;
use rmq_tests::log::Log;
use serde::Deserialize;

const SECRETS: [&str; 3] = [
    "payload-kept-quiet",
    "header-kept-quiet",
    "password-kept-quiet",
];

#[rabbit_config]
struct Shop;

#[derive(Deserialize)]
struct Order {
    id: u64,
    #[serde(default)]
    note: String,
}

#[rabbit_listener(
    queue = "secrecy.orders",
    retry(max_attempts = 2, initial_interval = "1ms")
)]
async fn on_order(order: Order, #[header("x-token")] _token: String) -> Result<(), String> {
    assert!(
        order.note.is_empty() || order.id > 0,
        "a bug of the handler"
    );
    if order.id == 0 {
        return Err("there is no order 0".to_owned());
    }
    Ok(())
}

#[rabbit_listener(queue = "secrecy.parked", on_failure = "park:secrecy.aside")]
async fn on_parked(_order: Order) {}

#[on_confirm]
async fn confirmed(confirm: Confirm) {
    tracing::info!(?confirm, "what Debug shows");
}

#[on_return]
async fn returned(message: ReturnedMessage) {
    tracing::info!(?message, "what Debug shows");
}

fn message(body: &str) -> Message {
    Message::new(body.to_owned()).with_header("x-token", "header-kept-quiet")
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_message_and_no_password_is_written_down() {
    let log = Log::of_this_process();
    let builder = Shop::builder()
        .environment::<String, String>([])
        .properties(
            "secrecy.yml",
            "rabbitmq:\n  username: clerk\n  password: password-kept-quiet\n",
        )
        .only(listeners![on_order, on_parked, confirmed, returned])
        .declare(Queue::quorum("secrecy.orders"))
        .declare(Queue::quorum("secrecy.parked"))
        .declare(Queue::quorum("secrecy.aside").dead_letter(DeadLetter::None));
    tracing::info!(?builder, "what Debug shows");
    let rabbit = RabbitHarness::start(builder).await.unwrap();
    let template = rabbit.template();
    let to =
        |queue: &'static str, body: &str| template.send("", queue, message(body)).into_future();
    // Handled; failed twice; a panic; undecodable in two ways, one of them parked.
    for body in [
        r#"{"id": 1, "note": "payload-kept-quiet"}"#,
        r#"{"id": 0}"#,
        r#"{"id": 0, "note": "payload-kept-quiet"}"#,
        r#"{"id": "payload-kept-quiet"}"#,
        "payload-kept-quiet",
    ] {
        to("secrecy.orders", body).await.unwrap();
    }
    to("secrecy.parked", r#"{"id": "payload-kept-quiet"}"#)
        .await
        .unwrap();
    // Returned, and refused.
    let back = to("secrecy.nowhere", "payload-kept-quiet")
        .await
        .unwrap_err();
    tracing::info!(error = %back, ?back, "what an error shows");
    assert_eq!(back.kind(), PublishErrorKind::Returned);
    let refused = template
        .send("secrecy.no-exchange", "key", message("payload-kept-quiet"))
        .await
        .unwrap_err();
    tracing::info!(error = %refused, ?refused, "what an error shows");
    assert!(matches!(
        refused.kind(),
        PublishErrorKind::Refused(RefusedReason::Broker)
    ));
    rabbit.settled_count("on_order", 5).await.unwrap();
    rabbit.settled_count("on_parked", 1).await.unwrap();
    let report = rabbit.app().report().to_string();
    rabbit.stop().await.unwrap();

    // The subscriber hears everything, ours and lapin's.
    let text = log.text();
    for heard in ["TRACE lapin", "rmq_core", "what Debug shows", "cannot be"] {
        assert!(text.contains(heard), "{heard:?} was not heard");
    }
    assert_eq!(log.line_with(&SECRETS), None);
    assert!(
        SECRETS.iter().all(|secret| !report.contains(secret)),
        "{report}"
    );
}
