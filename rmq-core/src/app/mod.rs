//! Start, health, ledger, stop: what a program holds.
//!
//! [`RabbitBuilder::start`] goes settings -> plan (all faults at once) -> connections and topology -> template and
//! listeners -> report. [`RabbitApp::stop`] goes the way back: consumers, handlers, acknowledgements, publishes, connections.

mod bootstrap;
mod brokers;
mod builder;
mod callbacks;
mod console;
mod dead_letters;
mod embedded;
mod health;
mod ledger;
mod ownership;
mod plan;
mod rabbit_app;
mod rehearsal;
mod report;
mod settings;
mod signal;
mod start_error;
mod stop_error;

pub use builder::RabbitBuilder;
pub use health::Health;
pub use ledger::Ledger;
pub use rabbit_app::RabbitApp;
#[cfg(feature = "testing")]
pub(crate) use rehearsal::Rehearsal;
pub use report::StartReport;
pub use start_error::StartError;
pub use stop_error::StopError;
