//! Exclusive queues: each belongs to the one connection that consumes it.

use std::sync::Arc;

use rmq_core::RabbitBuilder;
use rmq_core::listener::ListenerState;
use rmq_core::prelude::*;
use rmq_core::registry::Registrations;
use rmq_tests::broker::unique;

use super::rig::{LONG, Notes};

#[rabbit_config]
struct Exclusive;

/// The listener and what it was given.
type Handled = Arc<Notes<(&'static str, String)>>;

/// The file says which queues these consume, and how they acknowledge.
#[rabbit_listener(queue = "exclusive.first", dead_letter = "none")]
async fn on_first(what: String, handled: State<Handled>) {
    handled.note(("on_first", what));
}

#[rabbit_listener(queue = "exclusive.second", dead_letter = "none")]
async fn on_second(what: String, handled: State<Handled>) {
    handled.note(("on_second", what));
}

fn program(address: &str, listeners: Registrations, file: &str) -> (RabbitBuilder, Handled) {
    let handled: Handled = Notes::new();
    let builder = Exclusive::builder()
        .environment([("RABBIT_ADDRESSES", address)])
        .properties(
            "exclusive.yml",
            format!("rabbitmq:\n  connection-name: exclusive\n  start-timeout: 20s\n{file}"),
        )
        .state(Arc::clone(&handled))
        .only(listeners);
    (builder, handled)
}

/// As Spring's `AnonymousQueue`: it goes with its last consumer.
fn anonymous(name: &str) -> Queue {
    Queue::classic(name)
        .exclusive(true)
        .auto_delete(true)
        .transient()
}

async fn carries(app: &RabbitApp, handled: &Handled, queue: &str, listener: &'static str) {
    app.template()
        .convert_and_send("", queue, "it")
        .await
        .unwrap();
    assert_eq!(handled.next().await, (listener, "it".to_owned()));
}

pub async fn one_that_went_with_its_last_consumer_is_declared_again(address: &str) {
    comes_back(address, "auto").await;
}

pub async fn one_without_acknowledgements_is_declared_again_too(address: &str) {
    comes_back(address, "none").await;
}

async fn comes_back(address: &str, mode: &str) {
    let (queue, news) = (unique("mine"), unique("news"));
    let file = format!(
        "  listeners:\n    on_first: {{ queue: {queue}, recovery-interval: 500ms, acknowledge-mode: {mode} }}\n"
    );
    let (builder, handled) = program(address, listeners![on_first], &file);
    let app = builder
        .declare(anonymous(&queue))
        .declare(Exchange::fanout(&news).transient().auto_delete(true))
        .declare(Binding::queue(&queue).to(&news))
        .start()
        .await
        .unwrap();
    let listeners = app.listeners();
    for _ in 0..2 {
        carries(&app, &handled, &queue, "on_first").await;
        // The exchange has gone with the queue: it and the binding are declared again, too.
        app.template()
            .convert_and_send(&*news, "", "news")
            .await
            .unwrap();
        assert_eq!(handled.next().await, ("on_first", "news".to_owned()));
        listeners.pause("on_first", LONG).await.unwrap();
        assert_eq!(app.admin().queue_info(&queue).await.unwrap(), None);
        listeners.resume("on_first").unwrap();
        let mut state = listeners.state("on_first").unwrap();
        let consuming = state.wait_for(|state| *state == ListenerState::Consuming);
        let consuming = tokio::time::timeout(LONG, consuming).await;
        consuming.expect("it never consumed again").unwrap();
    }
    app.stop().await.unwrap();
    assert!(app.ledger().adds_up());
}

pub async fn each_belongs_to_the_connection_that_consumes_it(address: &str) {
    let [first, second, nobodys] = ["first", "second", "nobodys"].map(unique);
    let file = format!(
        "  listeners:\n    on_first: {{ queue: {first} }}\n    on_second: {{ queue: {second}, acknowledge-mode: none }}\n"
    );
    let (builder, handled) = program(address, listeners![on_first, on_second], &file);
    let app = builder
        .declare(anonymous(&first))
        .declare(anonymous(&second))
        .declare(anonymous(&nobodys))
        .start()
        .await
        .unwrap();
    carries(&app, &handled, &first, "on_first").await;
    carries(&app, &handled, &second, "on_second").await;
    // One that nobody listens to is there for the template, which receives over the consuming connection.
    let template = app.template();
    template
        .convert_and_send("", &*nobodys, "it")
        .await
        .unwrap();
    let it = template.receive_and_convert::<String>(&*nobodys).await;
    assert_eq!(it.unwrap().as_deref(), Some("it"));
    app.stop().await.unwrap();
    assert!(app.ledger().adds_up());
}
