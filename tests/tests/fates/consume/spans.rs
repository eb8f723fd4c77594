//! The span of a delivery is told how it ended.

use std::fmt::Debug;
use std::sync::Arc;

use parking_lot::Mutex;
use rmq_core::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span::{Id, Record};
use tracing::subscriber::Subscriber;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::shop::{Script, consuming};

/// What spans are told after they were made, on this thread, and so by everything in a test with one thread.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<(&'static str, String)>>>);

impl<S: Subscriber> Layer<S> for Told {
    fn on_record(&self, _span: &Id, values: &Record<'_>, _context: Context<'_, S>) {
        values.record(&mut self.clone());
    }
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.lock().push((field.name(), format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.lock().push((field.name(), value.to_owned()));
    }
}

#[tokio::test]
async fn the_span_of_a_delivery_is_told_its_outcome_and_its_error() {
    let told = Told::default();
    let _listening = tracing_subscriber::registry()
        .with(told.clone())
        .set_default();
    let script = Script::new(|seen| async move {
        match seen.id.as_str() {
            "a" => Err(Fatal::new("provoked").into()),
            _ => Ok(Acknowledgement::Ack),
        }
    });
    let stage = consuming!(on_order, "", &script);
    stage.order_all(&["a", "b"]).await;
    stage.settled(2).await;
    let told = told.0.lock().clone();
    for one in [
        ("error.type", "fatal"),
        ("rmq.outcome", "dead-lettered"),
        ("rmq.outcome", "acknowledged"),
    ] {
        assert!(
            told.iter()
                .any(|(name, value)| (*name, value.as_str()) == one),
            "{one:?} in {told:?}"
        );
    }
    stage.finish().await;
}
