//! A deeply nested header table, returned to a publisher, refused and fetched: whole, its fault told.

use bytes::{Bytes, BytesMut};
use rmq_core::RefusedReason;
use rmq_core::message::{HeaderLimits, TableError};
use rmq_core::prelude::*;
use rmq_embedded::EmbeddedBroker;
use rmq_tests::raw::{Connection, Content, Verdict};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::stage::{self, Shop, Stage, ends, shop_of};

/// The content of a table with a table in it, and so on.
fn nested(levels: usize) -> Bytes {
    let mut content: Vec<u8> = Vec::new();
    for _ in 0..levels {
        content = [&[1, b'n', b'F'], &*with_length(&content)].concat();
    }
    content.into()
}

fn with_length(content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap();
    [&length.to_be_bytes(), content].concat()
}

/// A program that may send such a table.
const MAY: &str = "  max-header-depth: 128\n";

fn deep(levels: usize, depth: usize) -> Message {
    let limits = HeaderLimits {
        depth,
        ..HeaderLimits::default()
    };
    let properties = MessageProperties {
        headers: Headers::from_wire(nested(levels), limits),
        ..MessageProperties::persistent()
    };
    Message::from_parts(properties, Bytes::from_static(b"intact"))
}

fn is_whole(message: &Message, levels: usize) {
    let mut wire = BytesMut::new();
    message.properties().headers.write(&mut wire);
    assert!(wire == nested(levels), "the table is whole");
    assert_eq!(message.body(), "intact");
}

fn is_whole_and_unread(message: &Message, levels: usize) {
    let headers = &message.properties().headers;
    assert_eq!(headers.fault(), Some(TableError::TooDeep(32)));
    assert!(headers.is_empty(), "nothing of it is read");
    is_whole(message, levels);
}

#[on_return(config = Shop)]
async fn hands_on(message: ReturnedMessage, told: State<UnboundedSender<ReturnedMessage>>) {
    told.send(message).unwrap();
}

/// Under an id of ours, by which its return is found, and under one of the user's, where a private header is added.
#[tokio::test]
async fn a_deeply_nested_table_comes_back_whole_to_the_caller_and_to_the_callback() {
    let (tell, mut told) = unbounded_channel::<ReturnedMessage>();
    let (builder, lines) = shop_of(listeners![stage::confirmed, hands_on], MAY);
    let builder = builder.state(tell);
    let stage = Stage::with(EmbeddedBroker::builder(), builder, lines).await;
    let send = || stage.template().send("orders", "nowhere", deep(127, 128));
    for publish in [send(), send().message_id("the-users")] {
        let error = ends("the return", publish.into_future()).await.unwrap_err();
        assert_eq!(error.kind(), PublishErrorKind::Returned, "{error}");
        is_whole(error.message().expect("the whole message"), 127);
        let returned = ends("the callback", told.recv()).await.unwrap();
        let id = returned.message().message_id();
        assert_eq!(id, Some(error.message_id()), "of this message");
        is_whole(returned.message(), 127);
    }
    // And the connection lives.
    let next = ends("a verdict", stage.send("in", "next").into_future()).await;
    assert_eq!(next.unwrap().attempts(), 1);
    assert_eq!(stage.finish().await.published.returned, 2);
}

#[tokio::test]
async fn a_table_nested_deeper_than_the_limit_is_refused_whole_with_its_fault() {
    let stage = Stage::start("").await;
    let send = stage.template().send("orders", "nowhere", deep(1_000, 32));
    let error = ends("a refusal", send.into_future()).await.unwrap_err();
    let refused = PublishErrorKind::Refused(RefusedReason::Headers);
    assert_eq!(error.kind(), refused);
    is_whole_and_unread(error.message().expect("the whole message"), 1_000);
    assert!(stage.order().is_empty());
    stage.finish().await;
}

/// Sent by another client.
#[tokio::test]
async fn a_table_nested_deeper_than_the_limit_is_received_whole_with_its_fault() {
    let stage = Stage::start("").await;
    let other = Connection::open(&stage.broker.address().to_string()).await;
    let other = other.unwrap();
    let channel = other.channel(1).await.unwrap();
    channel.confirm_select().await.unwrap();
    let content = Content::with_header_bytes("intact", &with_length(&nested(1_000)));
    let verdict = channel.publish_and_wait("orders", "in", content).await;
    assert!(matches!(verdict, Ok(Verdict::Acked)), "{verdict:?}");
    let received = ends("a receive", stage.template().receive("orders")).await;
    let received = received.unwrap_or_else(|error| panic!("{error}"));
    let received = received.expect("a message");
    is_whole_and_unread(received.message(), 1_000);
    is_whole_and_unread(&received.ack().unwrap(), 1_000);
    // And the channel lives.
    let next = ends("a receive", stage.template().receive("orders")).await;
    assert!(next.unwrap().is_none());
    other.close().await.unwrap();
    stage.finish().await;
}
