//! `template.exchange`, `template.routing-key` and `template.default-receive-queue` of the file reach the template.

use rmq_core::prelude::*;
use rmq_embedded::Event;

use crate::stage::{Stage, ends};

const DEFAULTS: &str =
    "  template: { exchange: orders, routing-key: in, default-receive-queue: orders }\n";

#[tokio::test]
async fn the_files_exchange_and_key_are_where_a_default_send_goes_and_its_queue_is_received_from() {
    let stage = Stage::start(DEFAULTS).await;
    let template = stage.template();
    let sent = template.send_default(Message::new("plain")).message_id("a");
    ends("a verdict", sent.into_future()).await.unwrap();
    let sent = template.convert_and_send_default("text").message_id("b");
    ends("a verdict", sent.into_future()).await.unwrap();
    assert_eq!((stage.stored("a"), stage.stored("b")), (1, 1));
    for (id, body) in [("a", "plain"), ("b", "\"text\"")] {
        let received = ends("a receive", template.receive_default()).await.unwrap();
        let message = received.expect("a message").ack().unwrap();
        assert_eq!(message.message_id(), Some(id));
        assert_eq!(message.body(), body);
    }
    stage.finish().await;
}

/// As Spring's: the default exchange, with the empty key.
#[tokio::test]
async fn without_them_a_default_send_goes_to_the_default_exchange() {
    let stage = Stage::start("").await;
    let sent = stage.template().send_default(Message::new("x"));
    let error = ends("a verdict", sent.message_id("a").into_future()).await;
    assert_eq!(error.unwrap_err().kind(), PublishErrorKind::Returned);
    let to_default = |event: &Event| match event {
        Event::Published {
            exchange,
            routing_key,
            ..
        } => exchange.is_empty() && routing_key.is_empty(),
        _ => false,
    };
    assert_eq!(stage.record().count(to_default), 1);
    stage.finish().await;
}
