//! Listeners: from a queue to a handler, and back to the broker with a settlement.
//!
//! A [`ListenerEndpoint`] is a handler with everything decided. Its container keeps a number of consumers; each is one
//! task on one channel and handles one delivery at a time, so that a listener with one consumer keeps its queue's
//! order. Handlers of all listeners share one bounded pool.

mod by_hand;
mod consumer;
mod container;
mod control;
mod declared;
mod endpoint;
mod executor;
mod failure;
mod handed_back;
mod inbox;
mod invoker;
mod ledger;
mod pacing;
mod panicked;
mod plan;
mod publish;
mod recoverer;
mod registry;
mod reply;
mod retry;
mod scaling;
mod services;
mod session;
mod settings;
mod state;
mod unsettled;

pub use endpoint::ListenerEndpoint;
pub use executor::{ExecutorSettings, RejectionPolicy};
pub use failure::{FailedDelivery, HandlerPanicked, NoReplyTo, Unsettled};
pub use ledger::ListenerLedger;
pub use plan::{Planned, plan};
pub use publish::{ConfirmedPublisher, Unconfirmed};
pub use recoverer::MessageRecoverer;
pub use registry::{ListenerError, ListenerInfo, ListenerParts, ListenerRegistry};
pub use retry::RetrySettings;
pub use scaling::ScalingSettings;
pub use settings::{AcknowledgeMode, EndpointSettings, FailurePolicy};
pub use state::ListenerState;
pub use unsettled::UnsettledDelivery;
