use std::cell::RefCell;

use super::*;
use crate::message::{Confirm, CorrelationData, PublishOutcome};

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

thread_local! {
    static REPORTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

const ERRORS: CallbackErrors = CallbackErrors {
    function: "confirmed",
    report: |function, error| {
        REPORTED.with_borrow_mut(|all| all.push(format!("{function}: {error}")))
    },
};

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
    call(confirm(), components, ERRORS).await;
    call(confirm(), Components::new(), ERRORS).await;
    let reported = REPORTED.take();
    let [own, missing] = reported.as_slice() else {
        panic!("{reported:?}")
    };
    assert_eq!(own, "confirmed: 5 m-1");
    assert!(missing.contains("no component `u64`"), "{missing}");
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
    call(confirm(), Components::new(), ERRORS);
    assert!(REPORTED.take().is_empty());
}
