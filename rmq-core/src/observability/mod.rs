//! What can be seen of the traffic: ledgers, trace context, metric names.
//!
//! Below template and listener, so that both can count and trace without knowing each other.

mod ledger;
mod metric;
mod span;
mod trace_context;
mod witness;

pub use ledger::{DeliveryCounts, DeliveryEnd, DeliveryLedger, PublishCounts, PublishLedger};
pub use metric::Metrics;
pub use span::{destination_name, process_span, receive_span, send_span};
pub use trace_context::{
    TraceContext, TraceContextSource, set_trace_context_source, with_trace_context,
    with_trace_context_sync,
};
pub use witness::DeliveryWitness;
