use super::*;
use crate::error::OperationError as _;
use crate::message::Headers;

#[test]
fn the_payload_is_read_by_the_converter() {
    let context = context(Message::new(r#"{"id":3}"#));
    assert_eq!(
        take(argument::<Order, _>("order"), &context).unwrap(),
        Order { id: 3 }
    );
}

#[test]
fn an_undecodable_body_names_argument_type_line_and_column_and_never_the_payload() {
    let context =
        context(Message::new("{\n \"id\": \"s3cret\"}").with_content_type("application/json"));
    let rejection = take(argument::<Order, _>("order"), &context).unwrap_err();
    assert_eq!(
        rejection.to_string(),
        "argument `order` cannot be taken: the body (18 bytes, application/json) is not a `rmq_core::handler::tests::Order`: \
         it holds a string where u64 is expected at line 2 column 15"
    );
    assert_eq!(rejection.code(), "RMQ-ARG-BODY");
    assert!(!format!("{rejection:?}").contains("s3cret"));
}

#[test]
fn extractors_give_the_parts_of_the_delivery() {
    let mut context = context(
        Message::new("{}")
            .with_header("x-tenant", "acme")
            .with_message_id("m-1"),
    );
    context.next_attempt();
    assert_eq!(
        take(argument::<Message, _>("m"), &context)
            .unwrap()
            .message_id(),
        Some("m-1")
    );
    assert_eq!(
        take(argument::<Headers, _>("h"), &context).unwrap().len(),
        1
    );
    assert_eq!(
        &*take(argument::<RoutingKey, _>("k"), &context).unwrap(),
        "order.created"
    );
    let facts = take(argument::<DeliveryFacts, _>("f"), &context).unwrap();
    assert_eq!(
        (facts.listener(), facts.queue(), facts.exchange()),
        ("on-order", "orders", "shop")
    );
    assert_eq!(
        (facts.attempt(), facts.delivery_tag(), facts.redelivered()),
        (2, 7, true)
    );
    assert_eq!(
        (facts.message_id(), facts.delivery_count()),
        (Some("m-1"), None)
    );
}

#[test]
fn a_component_is_found_by_its_type_or_named_in_the_rejection() {
    let mut components = Components::new();
    components.insert(Arc::new(5_u64));
    let context = context_of(Message::default(), components);
    assert_eq!(
        *take(argument::<State<u64>, _>("count"), &context).unwrap(),
        5
    );
    let rejection = take(argument::<State<String>, _>("name"), &context).unwrap_err();
    assert!(
        rejection.to_string().contains("`alloc::string::String`"),
        "{rejection}"
    );
}
