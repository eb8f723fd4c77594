//! What attributes and programs declare, on real brokers: each route carries a message to its end.

use std::sync::Arc;

use rmq_core::RabbitBuilder;
use rmq_core::prelude::*;
use rmq_tests::broker::unique;

use super::rig::{Notes, until};

#[rabbit_config]
struct Declared;

/// The listener and what it was given.
type Handled = Arc<Notes<(&'static str, String)>>;

/// Names in attributes are literals: one test of a broker uses these.
#[rabbit_listener(
    bindings(
        binding(queue = "declared.paid", exchange = "declared.orders", exchange_type = "topic", routing_keys = ["paid.*", "late.#"]),
        binding(queue = "declared.all", queue_type = "classic", exchange = "declared.news", exchange_type = "fanout"),
    ),
    retry(max_attempts = 1)
)]
async fn on_bound(what: String, handled: State<Handled>) -> Result<(), String> {
    if what == "bad" {
        return Err(what);
    }
    handled.note(("on_bound", what));
    Ok(())
}

#[rabbit_listener(queue = "declared.stream", dead_letter = "none", id = "on_stream")]
async fn on_stream(what: String, handled: State<Handled>) {
    handled.note(("on_stream", what));
}

fn program(address: &str) -> (RabbitBuilder, Handled) {
    let handled: Handled = Notes::new();
    let builder = Declared::builder()
        .environment([("RABBIT_ADDRESSES", address)])
        .properties("declared.yml", "rabbitmq:\n  connection-name: declared\n")
        .state(Arc::clone(&handled));
    (builder, handled)
}

async fn ready(app: &RabbitApp, queue: &str) -> Option<u32> {
    let info = app.admin().queue_info(queue).await.unwrap();
    info.map(|info| info.messages)
}

async fn until_ready(app: &RabbitApp, queue: &str, messages: u32) {
    until(&format!("{messages} messages in {queue}"), || async {
        ready(app, queue).await == Some(messages)
    })
    .await;
}

pub async fn the_bindings_of_an_attribute_are_declared_and_carry_messages(address: &str) {
    let (builder, handled) = program(address);
    let app = builder.only(listeners![on_bound]).start().await.unwrap();
    let template = app.template();
    for (exchange, key, what) in [
        ("declared.orders", "paid.cash", "by a pattern"),
        ("declared.orders", "late.very.much", "by another"),
        ("declared.news", "", "by fanout"),
    ] {
        template
            .convert_and_send(exchange, key, what)
            .await
            .unwrap();
        assert_eq!(handled.next().await, ("on_bound", what.to_owned()));
    }
    let error = template
        .convert_and_send("declared.orders", "open", "by none")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Returned, "{error}");

    // Both have a dead-letter queue: of the quorum queue it follows from the default, of the classic one, too.
    for (exchange, key, dead_letters) in [
        ("declared.orders", "paid.cash", "declared.paid.dlq"),
        ("declared.news", "", "declared.all.dlq"),
    ] {
        let before = ready(&app, dead_letters).await.unwrap();
        template
            .convert_and_send(exchange, key, "bad")
            .await
            .unwrap();
        until_ready(&app, dead_letters, before + 1).await;
    }

    // The broker agrees about the types: the same with another is a mismatch.
    let admin = app.admin();
    for (queue, other) in [
        ("declared.paid", Queue::classic("declared.paid")),
        ("declared.all", Queue::quorum("declared.all")),
    ] {
        let error = admin.declare_queue(other).await.unwrap_err();
        assert!(error.to_string().contains(queue), "{error}");
    }
    app.stop().await.unwrap();
    assert!(app.ledger().adds_up());

    let (builder, _handled) = program(address);
    let app = builder.only(listeners![]).start().await.unwrap();
    for queue in ["declared.paid", "declared.all"] {
        app.admin().delete_queue(queue).await.unwrap();
        let dead_letters = format!("{queue}.dlq");
        app.admin().delete_queue(&dead_letters).await.unwrap();
    }
    for exchange in ["declared.orders", "declared.news"] {
        app.admin().delete_exchange(exchange).await.unwrap();
    }
    app.stop().await.unwrap();
}

pub async fn a_stream_is_declared_published_to_and_consumed(address: &str) {
    let (builder, handled) = program(address);
    let app = builder
        .only(listeners![on_stream])
        .declare(Queue::stream("declared.stream"))
        .start()
        .await
        .unwrap();
    // A consumer of a stream begins behind what is in it.
    for n in 0..20 {
        let what = format!("{n}");
        app.template()
            .convert_and_send("", "declared.stream", &what)
            .await
            .unwrap();
        assert_eq!(handled.next().await, ("on_stream", what));
    }
    app.stop().await.unwrap();
    let ledger = app.ledger();
    assert!(ledger.adds_up(), "{ledger}");
    assert_eq!(ledger.delivered.deliveries.acknowledged, 20, "{ledger}");

    let (builder, _handled) = program(address);
    let app = builder.only(listeners![]).start().await.unwrap();
    app.admin().delete_queue("declared.stream").await.unwrap();
    app.stop().await.unwrap();
}

pub async fn exchanges_hand_on_to_exchanges_and_alternates_and_by_headers(address: &str) {
    let [orders, audit, rest, by_header] = ["orders", "audit", "rest", "by-header"].map(unique);
    let [audited, unrouted, german] = ["audited", "unrouted", "german"].map(unique);
    let plain = |name: &str| Queue::classic(name).dead_letter(DeadLetter::None);
    let (builder, _handled) = program(address);
    let app = builder
        .only(listeners![])
        .declare(Exchange::direct(&orders).alternate(&rest))
        .declare(Exchange::fanout(&audit))
        .declare(Exchange::fanout(&rest))
        .declare(Exchange::headers(&by_header))
        .declare(plain(&audited))
        .declare(plain(&unrouted))
        .declare(plain(&german))
        .declare(Binding::exchange(&audit).to(&orders).with("paid"))
        .declare(Binding::queue(&audited).to(&audit))
        .declare(Binding::queue(&unrouted).to(&rest))
        .declare(
            Binding::queue(&german)
                .to(&by_header)
                .argument("x-match", "all")
                .argument("country", "de")
                .argument("kind", "order"),
        )
        .start()
        .await
        .unwrap();
    let template = app.template();

    template
        .convert_and_send(&*orders, "paid", "x")
        .await
        .unwrap();
    until_ready(&app, &audited, 1).await;
    assert_eq!(ready(&app, &unrouted).await, Some(0));

    // Nobody takes it, and the alternate exchange does: it is confirmed, not returned.
    template
        .convert_and_send(&*orders, "lost", "x")
        .await
        .unwrap();
    until_ready(&app, &unrouted, 1).await;
    assert_eq!(ready(&app, &audited).await, Some(1));

    let of = |country: &'static str| {
        template
            .convert_and_send(&*by_header, "", "x")
            .header("country", country)
            .header("kind", "order")
    };
    of("de").await.unwrap();
    until_ready(&app, &german, 1).await;
    let error = of("fr").await.unwrap_err();
    assert_eq!(error.kind(), PublishErrorKind::Returned, "{error}");
    assert_eq!(ready(&app, &german).await, Some(1));

    for queue in [&audited, &unrouted, &german] {
        app.admin().delete_queue(queue).await.unwrap();
    }
    for exchange in [&orders, &audit, &rest, &by_header] {
        app.admin().delete_exchange(exchange).await.unwrap();
    }
    app.stop().await.unwrap();
    assert!(app.ledger().adds_up());
}
