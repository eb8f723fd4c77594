//! Listeners: from a queue to a handler, and back to the broker with a settlement.

mod executor;
mod inbox;
mod ledger;
mod pacing;
mod retry;
mod scaling;
mod state;

pub use executor::{ExecutorSettings, RejectionPolicy};
pub use ledger::ListenerLedger;
pub use retry::RetrySettings;
pub use scaling::ScalingSettings;
pub use state::ListenerState;
