//! Another converter in place of JSON serves the template and the listeners.

use bytes::Bytes;
use rmq_core::converter::{ConversionError, Form, Payload, Target};
use rmq_core::prelude::*;
use rmq_embedded::EmbeddedBroker;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::stage::{self, Shop, Stage, ends, shop_of};

const BACKWARDS: &str = "application/x-backwards";

/// JSON from its last byte to its first: nothing that the default converter could read.
struct Backwards;

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

impl MessageConverter for Backwards {
    fn write(
        &self,
        payload: &dyn Payload,
        properties: &mut MessageProperties,
    ) -> Result<Bytes, ConversionError> {
        properties.content_type = Some(BACKWARDS.into());
        Ok(reversed(&payload.to_json()?).into())
    }

    fn read(&self, message: &Message, into: &mut dyn Target) -> Result<(), ConversionError> {
        into.read(Form::Json, &reversed(message.body()))
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Order {
    id: u64,
}

/// Answers with the order that follows.
#[rabbit_listener(queue = "orders", config = Shop)]
async fn on_order(order: Order, got: State<UnboundedSender<Order>>) -> Reply<Order> {
    let next = Order { id: order.id + 1 };
    got.send(order).unwrap();
    Reply::new(next)
}

#[tokio::test]
async fn another_converter_writes_for_the_template_and_reads_for_the_listener() {
    let (tell, mut got) = unbounded_channel();
    let listeners = listeners![on_order, stage::confirmed, stage::returned];
    let (builder, told) = shop_of(listeners, "");
    let builder = builder.state(tell).converter(Backwards);
    let stage = Stage::with(EmbeddedBroker::builder(), builder, told).await;
    let (template, admin) = (stage.template(), stage.app.admin());
    admin.declare_queue(Queue::quorum("kept")).await.unwrap();
    // What is on the wire.
    let sent = template.convert_and_send("", "kept", &Order { id: 7 });
    ends("a verdict", sent.into_future()).await.unwrap();
    let kept = ends("a receive", template.receive("kept")).await.unwrap();
    let kept = kept.expect("a message");
    assert_eq!(kept.message().body(), "}7:\"di\"{");
    let content_type = kept.message().properties().content_type.as_deref();
    assert_eq!(content_type, Some(BACKWARDS));
    // The template reads its own.
    kept.requeue().unwrap();
    let read = ends("a receive", template.receive_and_convert::<Order>("kept")).await;
    assert_eq!(read.unwrap(), Some(Order { id: 7 }));
    // So does the listener; its reply is written so, and read so by who asked.
    let reply = template.convert_send_and_receive::<_, Order>("orders", "in", &Order { id: 8 });
    assert_eq!(ends("the reply", reply).await.unwrap(), Order { id: 9 });
    assert_eq!(ends("the order", got.recv()).await, Some(Order { id: 8 }));
    let counts = stage.finish().await.delivered.deliveries;
    assert_eq!(counts.acknowledged, 1, "{counts}");
}
