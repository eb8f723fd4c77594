use bytes::{Bytes, BytesMut};

use super::*;
use crate::message::raw_content::{Apart, RawContentBuilder};
use crate::message::{HeaderLimits, MessageProperties, TableError, Value, wire};

fn properties() -> MessageProperties {
    let mut properties = MessageProperties {
        content_type: Some("application/json".into()),
        headers: [("x-tenant", "acme")].into_iter().collect(),
        message_id: Some("m-1".into()),
        ..MessageProperties::persistent()
    };
    properties.correlation_id = Some("c".into());
    properties.timestamp = Some(1_700_000_000);
    properties
}

fn content(properties: &MessageProperties, body: &[u8], apart: Option<Apart>) -> RawContent {
    let mut raw = BytesMut::new();
    wire::write_properties(&mut raw, properties, None);
    let mut builder = RawContentBuilder::default();
    builder.begin(b"orders", b"order.created");
    let mut content = builder.properties(&raw, body.len());
    content.push(body);
    content.finish(apart)
}

fn delivery(content: RawContent, limits: Limits) -> Delivery {
    let origin = Origin {
        limits,
        ..Origin::default()
    };
    Delivery::new(content, Arc::new(origin), 7, false)
}

#[test]
fn a_delivery_that_waits_costs_less_than_a_hundred_bytes_beside_what_came() {
    assert!(size_of::<Delivery>() <= 88, "{}", size_of::<Delivery>());
    // One block, as long as what is in it.
    let whole = content(&properties(), b"body", None);
    let came = "ordersorder.created".len() + whole.properties_range().len() + "body".len();
    assert_eq!(whole.block.len(), came);
}

#[test]
fn what_came_is_read_when_somebody_looks() {
    let delivery = delivery(content(&properties(), b"body", None), Limits::default());
    assert_eq!(delivery.message_id().as_deref(), Some("m-1"));
    assert_eq!(delivery.fault(), None);
    assert!(delivery.message.get().is_none(), "nobody has read it");
    let mark = delivery.mark();
    assert_eq!(delivery.message().properties(), &properties());
    assert_eq!(delivery.message().body(), "body");
    assert_eq!(
        (delivery.exchange(), delivery.routing_key()),
        ("orders", "order.created")
    );
    assert_eq!(delivery.mark(), mark, "read or not, it is the same message");
    assert_eq!(delivery.into_message().body(), "body");
}

#[test]
fn a_large_body_stays_where_it_is() {
    let body = Bytes::from(vec![1; 10_000]);
    let apart = Apart {
        body: Some(body.clone()),
        ..Apart::default()
    };
    let delivery = delivery(content(&properties(), b"", Some(apart)), Limits::default());
    assert_eq!(delivery.message().body().as_ptr(), body.as_ptr());
    assert_eq!(delivery.content.body_len(), 10_000);
}

#[test]
fn a_message_without_an_id_is_known_by_its_content() {
    let anonymous = |timestamp| {
        let mut anonymous = properties();
        anonymous.message_id = None;
        anonymous.timestamp = Some(timestamp);
        anonymous
    };
    let mark = |timestamp, body: &[u8]| {
        delivery(
            content(&anonymous(timestamp), body, None),
            Limits::default(),
        )
        .mark()
    };
    assert_eq!(mark(1, b"a"), mark(1, b"a"));
    assert_ne!(mark(1, b"a"), mark(2, b"a"));
    assert_ne!(mark(1, b"a"), mark(1, b"b"));
    let read = delivery(content(&anonymous(1), b"a", None), Limits::default());
    let _ = read.message();
    assert_eq!(read.mark(), mark(1, b"a"));
}

#[test]
fn a_body_left_out_is_a_fault_that_names_size_and_limit() {
    let apart = Apart {
        body_left_out: Some(11),
        ..Apart::default()
    };
    let limits = Limits {
        body: 10,
        ..Limits::default()
    };
    let delivery = delivery(content(&properties(), b"", Some(apart)), limits);
    let fault = delivery.fault().unwrap();
    assert_eq!(
        fault,
        DeliveryFault::Body {
            size: 11,
            limit: 10
        }
    );
    assert!(fault.is_incomplete());
    assert_eq!(delivery.message_id().as_deref(), Some("m-1"));
    assert_eq!(delivery.message().body(), "");
}

#[test]
fn a_header_table_over_a_limit_is_a_fault_before_and_after_it_was_read() {
    let deep = Value::Table(vec![("a".into(), Value::Table(Vec::new()))]);
    let mut properties = properties();
    properties.headers.insert("deep", deep);
    let limits = Limits {
        headers: HeaderLimits {
            bytes: 1_000,
            depth: 2,
        },
        ..Limits::default()
    };
    let delivery = delivery(content(&properties, b"body", None), limits);
    let fault = Some(DeliveryFault::HeaderTable(TableError::TooDeep(2)));
    assert_eq!(delivery.fault(), fault);
    assert_eq!(delivery.message().body(), "body");
    assert_eq!(delivery.fault(), fault);
}

#[test]
fn properties_that_are_cut_off_are_a_fault() {
    let mut builder = RawContentBuilder::default();
    builder.begin(b"", b"q");
    let content = builder.properties(&[0x80, 0, 9], 0).finish(None);
    let delivery = delivery(content, Limits::default());
    assert_eq!(delivery.fault(), Some(DeliveryFault::Properties));
    assert_eq!(
        delivery.message().properties(),
        &MessageProperties::default()
    );
}
