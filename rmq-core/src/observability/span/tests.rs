//! What a subscriber is told of a span, by the names of the OpenTelemetry conventions.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use tracing::Metadata;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Interest, with_default};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use super::*;

#[test]
fn destinations_are_named_as_the_conventions_say() {
    assert_eq!(destination_name("orders", "created"), "orders:created");
    assert_eq!(destination_name("", "queue"), "queue");
    assert_eq!(destination_name("orders", ""), "orders");
    assert_eq!(destination_name("", ""), "amq.default");
    assert_eq!(source_name("orders", "created", "q"), "orders:created:q");
    assert_eq!(source_name("orders", "q", "q"), "orders:q");
    assert_eq!(source_name("", "q", "q"), "q");
}

#[test]
fn a_span_nobody_records_is_no_span() {
    assert!(send_span("orders", "created", "1").is_none());
}

/// The fields of the spans made while it is the subscriber, by name, as text.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<BTreeMap<&'static str, String>>>);

impl Visit for Recorder {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.lock().insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.lock().insert(field.name(), format!("{value:?}"));
    }
}

impl Layer<Registry> for Recorder {
    /// Never "always": other tests run in other threads, where nobody records.
    fn register_callsite(&self, _metadata: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, _id: &Id, _context: Context<'_, Registry>) {
        attributes.record(&mut self.clone());
    }

    fn on_record(&self, _span: &Id, values: &Record<'_>, _context: Context<'_, Registry>) {
        values.record(&mut self.clone());
    }
}

/// The fields of a span, with an error written down at its end.
fn fields_of(span: impl Fn() -> Span) -> BTreeMap<&'static str, String> {
    // Known before the recorder comes, so that no other thread decides meanwhile that nobody wants it.
    assert!(span().is_none());
    let recorder = Recorder::default();
    with_default(Registry::default().with(recorder.clone()), || {
        let span = span();
        assert!(!span.is_none());
        span.record("error.type", "returned");
    });
    recorder.0.lock().clone()
}

fn assert_fields(fields: &BTreeMap<&'static str, String>, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        let found = fields.get(name).map(String::as_str);
        assert_eq!(found, Some(*value), "{name} in {fields:?}");
    }
}

#[test]
fn a_send_span_has_the_fields_of_the_conventions() {
    let fields = fields_of(|| send_span("orders", "order.created", "message-7"));
    assert_fields(
        &fields,
        &[
            ("otel.name", "send orders:order.created"),
            ("otel.kind", "producer"),
            ("messaging.system", "rabbitmq"),
            ("messaging.operation.name", "send"),
            ("messaging.operation.type", "send"),
            ("messaging.destination.name", "orders:order.created"),
            (
                "messaging.rabbitmq.destination.routing_key",
                "order.created",
            ),
            ("messaging.message.id", "message-7"),
            ("error.type", "returned"),
        ],
    );
}

#[test]
fn a_process_span_has_the_fields_of_the_conventions() {
    let (id, correlation) = (Some("message-7"), Some("correlation-9"));
    let fields = fields_of(|| process_span("orders", "order.created", "bills", id, correlation, 3));
    assert_fields(
        &fields,
        &[
            ("otel.name", "process orders:order.created:bills"),
            ("otel.kind", "consumer"),
            ("messaging.system", "rabbitmq"),
            ("messaging.operation.name", "process"),
            ("messaging.operation.type", "process"),
            ("messaging.destination.name", "orders:order.created:bills"),
            (
                "messaging.rabbitmq.destination.routing_key",
                "order.created",
            ),
            ("messaging.rabbitmq.message.delivery_tag", "3"),
            ("messaging.message.id", "message-7"),
            ("messaging.message.conversation_id", "correlation-9"),
            ("error.type", "returned"),
        ],
    );
}

#[test]
fn a_receive_span_has_the_fields_of_the_conventions() {
    let fields = fields_of(|| receive_span("bills"));
    assert_fields(
        &fields,
        &[
            ("otel.name", "receive bills"),
            ("otel.kind", "client"),
            ("messaging.system", "rabbitmq"),
            ("messaging.operation.name", "receive"),
            ("messaging.operation.type", "receive"),
            ("messaging.destination.name", "bills"),
            ("error.type", "returned"),
        ],
    );
}
