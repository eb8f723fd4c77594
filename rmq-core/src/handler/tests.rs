use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::*;
use crate::component::Components;
use crate::converter::JsonConverter;
use crate::error::{BoxError, OperationError as _};
use crate::message::{
    Confirm, CorrelationData, Delivery, HeaderLimits, Headers, Message, PublishOutcome, Value,
};

#[derive(Debug, PartialEq, Deserialize)]
struct Order {
    id: u64,
}

fn context_of(message: Message, components: Components) -> HandlerContext {
    let scope = HandlerScope {
        listener: "on-order".try_into().unwrap(),
        queue: "orders".try_into().unwrap(),
        components,
        converter: Arc::new(JsonConverter),
    };
    let delivery = Delivery {
        message,
        exchange: "shop".into(),
        routing_key: "order.created".into(),
        redelivered: true,
        tag: 7,
        generation: 1,
        consumer_tag: "consumer".into(),
    };
    HandlerContext::new(delivery, Arc::new(scope))
}

fn context(message: Message) -> HandlerContext {
    context_of(message, Components::new())
}

fn take<T, Via>(
    argument: Argument<T, Via, HandlerContext>,
    context: &HandlerContext,
) -> Result<T, Rejection> {
    (argument.read)(&argument, context)
}

fn from_header<T: FromHeader>(message: Message) -> Result<T, Rejection> {
    take(header::<T>("tenant", "x-tenant"), &context(message))
}

fn with(value: impl Into<Value>) -> Message {
    Message::new("{}").with_header("x-tenant", value)
}

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
    let mut context = context(with("acme").with_message_id("m-1"));
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

#[test]
fn headers_are_read_as_texts_numbers_and_truth_values() {
    assert_eq!(from_header::<String>(with("acme")).unwrap(), "acme");
    assert_eq!(
        from_header::<String>(with(bytes::Bytes::from_static(b"acme"))).unwrap(),
        "acme"
    );
    assert_eq!(from_header::<u8>(with(200_i64)).unwrap(), 200);
    assert_eq!(from_header::<i64>(with("-3")).unwrap(), -3);
    assert_eq!(
        from_header::<u64>(with(Value::Timestamp(u64::MAX))).unwrap(),
        u64::MAX
    );
    assert!(from_header::<bool>(with("true")).unwrap());
    assert!((from_header::<f64>(with(3_i32)).unwrap() - 3.0).abs() < f64::EPSILON);
    assert_eq!(from_header::<Value>(with(1_i32)).unwrap(), Value::I32(1));
}

#[test]
fn a_missing_or_void_header_is_none_or_a_rejection_that_names_it() {
    for message in [Message::default(), with(Value::Void)] {
        assert_eq!(
            from_header::<Option<String>>(message.clone()).unwrap(),
            None
        );
        let rejection = from_header::<String>(message).unwrap_err();
        assert_eq!(
            rejection.kind(),
            &RejectionKind::MissingHeader { header: "x-tenant" }
        );
        assert!(
            rejection.to_string().contains("take an `Option`"),
            "{rejection}"
        );
    }
}

#[test]
fn a_header_of_another_kind_is_rejected_even_as_an_option_and_without_its_value() {
    for rejection in [
        from_header::<Option<u8>>(with(70_031_i32)).unwrap_err(),
        from_header::<Option<u8>>(with("70031")).unwrap_err(),
    ] {
        let told = rejection.to_string();
        assert!(
            told.contains("not a whole number that fits a `u8`"),
            "{told}"
        );
        assert!(!told.contains("70031"), "{told}");
    }
    assert!(from_header::<u32>(with(-1_i32)).is_err());
    assert!(from_header::<bool>(with(1_i32)).is_err());
}

#[test]
fn a_header_table_that_cannot_be_read_is_told_as_such_and_not_as_a_missing_header() {
    let mut message = Message::new("{}");
    message.properties_mut().headers = Headers::from_wire(
        bytes::Bytes::from_static(b"\x01xZ"),
        HeaderLimits::default(),
    );
    let rejection = from_header::<Option<String>>(message.clone());
    // An `Option` must not read a broken table as "no such header".
    assert_eq!(rejection.unwrap_err().code(), "RMQ-ARG-HEADER-TABLE");
    assert_eq!(
        from_header::<String>(message).unwrap_err().code(),
        "RMQ-ARG-HEADER-TABLE"
    );
}

#[derive(Debug)]
struct Settlements(
    parking_lot::Mutex<Vec<Acknowledgement>>,
    Result<(), AcknowledgeError>,
);

impl ManualSettlement for Arc<Settlements> {
    fn settle(&self, acknowledgement: Acknowledgement) -> Result<(), AcknowledgeError> {
        self.1?;
        self.0.lock().push(acknowledgement);
        Ok(())
    }
}

fn acknowledger(answer: Result<(), AcknowledgeError>) -> (Acknowledger, Arc<Settlements>) {
    let settlements = Arc::new(Settlements(parking_lot::Mutex::default(), answer));
    (
        Acknowledger::new(Box::new(settlements.clone())),
        settlements,
    )
}

#[test]
fn a_delivery_is_settled_by_hand_once_and_the_first_stands() {
    let (acknowledger, settlements) = acknowledger(Ok(()));
    let context = context(Message::default()).with_acknowledger(acknowledger.clone());
    let taken = take(argument::<Acknowledger, _>("a"), &context).unwrap();
    taken.reject().unwrap();
    let again = acknowledger.ack().unwrap_err();
    assert_eq!(
        again,
        AcknowledgeError::AlreadySettled(Acknowledgement::Reject)
    );
    assert_eq!(*settlements.0.lock(), [Acknowledgement::Reject]);
    assert_eq!(
        context.acknowledger().unwrap().settled(),
        Some(Acknowledgement::Reject)
    );
}

#[test]
fn what_could_not_be_settled_is_not_settled() {
    let (acknowledger, _) = acknowledger(Err(AcknowledgeError::ChannelEnded));
    assert_eq!(acknowledger.ack(), Err(AcknowledgeError::ChannelEnded));
    assert_eq!(acknowledger.settled(), None);
}

#[test]
fn outside_manual_mode_there_is_no_acknowledger() {
    let rejection = take(
        argument::<Acknowledger, _>("a"),
        &context(Message::default()),
    );
    assert_eq!(
        rejection.unwrap_err().kind(),
        &RejectionKind::NoAcknowledger
    );
}

#[derive(Debug, thiserror::Error)]
enum OrderError {
    #[error("the card was declined")]
    Declined,
    #[error("billing failed")]
    Wrapped(#[source] BoxError),
    #[error(transparent)]
    Through(BoxError),
}

fn failure_of(error: impl Into<BoxError>) -> FailureKind {
    match Err::<(), BoxError>(error.into()).into_outcome() {
        Outcome::Failed(failure) => failure.kind(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn any_error_is_retryable() {
    assert_eq!(failure_of("no"), FailureKind::Retryable);
    assert_eq!(failure_of(OrderError::Declined), FailureKind::Retryable);
}

#[test]
fn fatal_and_retry_after_are_found_anywhere_in_the_chain() {
    let fatal = || BoxError::from(Fatal::new(OrderError::Declined));
    assert_eq!(failure_of(fatal()), FailureKind::Fatal);
    assert_eq!(failure_of(OrderError::Wrapped(fatal())), FailureKind::Fatal);
    // `transparent` passes `source()` through, and so hides the wrapper itself.
    assert_eq!(failure_of(OrderError::Through(fatal())), FailureKind::Fatal);
    let after = Duration::from_secs(3);
    let later = || BoxError::from(RetryAfter::new(after, "busy"));
    assert_eq!(failure_of(later()), FailureKind::RetryAfter(after));
    assert_eq!(
        failure_of(OrderError::Through(later())),
        FailureKind::RetryAfter(after)
    );
    // The outermost decides.
    assert_eq!(
        failure_of(Fatal::new(RetryAfter::new(after, "busy"))),
        FailureKind::Fatal
    );
}

#[test]
fn the_text_of_a_wrapped_error_is_kept() {
    let fatal = Fatal::new(OrderError::Declined);
    assert_eq!(
        fatal.to_string(),
        "not to be tried again: the card was declined"
    );
    let later = RetryAfter::new(Duration::from_secs(3), OrderError::Declined);
    assert_eq!(
        later.to_string(),
        "to be tried again after 3s: the card was declined"
    );
}

#[derive(Debug)]
struct Endless;

impl std::fmt::Display for Endless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("endless")
    }
}

impl std::error::Error for Endless {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&Self)
    }
}

#[test]
fn a_chain_that_never_ends_does_not_hold_the_consumer() {
    assert_eq!(failure_of(Endless), FailureKind::Retryable);
}

#[test]
fn results_become_outcomes() {
    assert!(matches!(
        ().into_outcome(),
        Outcome::Settled(Acknowledgement::Ack)
    ));
    assert!(matches!(
        Acknowledgement::Requeue.into_outcome(),
        Outcome::Settled(Acknowledgement::Requeue)
    ));
    assert!(matches!(
        Ok::<_, BoxError>(Acknowledgement::Reject).into_outcome(),
        Outcome::Settled(Acknowledgement::Reject)
    ));
    let Outcome::Reply(reply) =
        Ok::<_, BoxError>(Reply::new(5).header("x-a", 1_i32)).into_outcome()
    else {
        panic!("no reply");
    };
    let message = reply.into_message(&JsonConverter).unwrap();
    assert_eq!(&message.body()[..], b"5");
    assert_eq!(message.header("x-a"), Some(&Value::I32(1)));
    assert_eq!(
        message.properties().content_type(),
        Some("application/json")
    );
}

#[tokio::test]
async fn a_handler_is_called_with_its_values_in_order_and_can_be_called_again() {
    let handler = asynchronous(
        arguments()
            .then(argument::<Order, _>("order"))
            .then(header::<Option<String>>("tenant", "x-tenant"))
            .then(argument::<DeliveryFacts, _>("facts")),
        outcome::<Result<(), String>>(),
        |((((), order), tenant), facts)| async move {
            Err(format!("{} {tenant:?} {}", order.id, facts.attempt()))
        },
    );
    let names: Vec<_> = handler
        .arguments
        .iter()
        .map(|argument| argument.name)
        .collect();
    assert_eq!(names, ["order", "tenant", "facts"]);
    let Invoke::Async(call) = handler.invoke else {
        panic!("not async")
    };
    let mut context = context(Message::new(r#"{"id":3}"#).with_header("x-tenant", "acme"));
    for attempt in 1..=2 {
        let Outcome::Failed(failure) = call(&context).unwrap().await else {
            panic!("no failure")
        };
        assert_eq!(
            failure.error().to_string(),
            format!("3 Some(\"acme\") {attempt}")
        );
        context.next_attempt();
    }
}

#[test]
fn a_handler_is_not_called_when_an_argument_is_rejected() {
    let handler = blocking(
        arguments().then(argument::<Order, _>("order")),
        outcome::<()>(),
        |((), _order)| panic!("called"),
    );
    let Invoke::Blocking(call) = handler.invoke else {
        panic!("not blocking")
    };
    assert_eq!(
        call(&context(Message::new("no"))).unwrap_err().argument(),
        "order"
    );
}

fn confirm() -> Confirm {
    Confirm::new(CorrelationData::new("m-1"), PublishOutcome::Nacked, None)
}

#[tokio::test]
async fn a_callback_gets_its_message_and_components() {
    let callback = asynchronous_callback(
        with_message(
            arguments()
                .then(callback_argument::<Confirm, State<u64>, _>("count"))
                .then(callback_argument::<Confirm, Confirm, _>("confirm")),
        ),
        callback_result::<Result<(), String>>(),
        |(((), count), confirm)| async move { Err(format!("{} {}", *count, confirm.correlation_id())) },
    );
    let CallbackInvoke::Async(call) = callback.invoke else {
        panic!("not async")
    };
    let mut components = Components::new();
    components.insert(Arc::new(5_u64));
    assert_eq!(
        call(confirm(), components).await.unwrap_err().to_string(),
        "5 m-1"
    );
    let missing = call(confirm(), Components::new()).await.unwrap_err();
    assert!(
        missing.to_string().contains("no component `u64`"),
        "{missing}"
    );
}

#[test]
fn a_plain_callback_runs_in_the_call() {
    let callback = blocking_callback(
        with_message(arguments().then(callback_argument::<Confirm, Confirm, _>("confirm"))),
        callback_result::<()>(),
        |((), confirm): ((), Confirm)| assert!(!confirm.is_ack()),
    );
    let CallbackInvoke::Blocking(call) = callback.invoke else {
        panic!("not blocking")
    };
    call(confirm(), Components::new()).unwrap();
}
