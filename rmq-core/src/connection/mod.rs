//! Connections that stay open: one supervisor each, several addresses, endless back-off, channels on loan.
//!
//! A [`Connection`] is a handle on a supervisor that keeps one link open. Its [`ConnectionState`] is visible to all;
//! [`OpenHook`]s run on each new link before anybody else may use it; a [`ChannelLease`] belongs to one link only.

mod address_order;
mod attempt;
mod credentials;
mod error;
mod event;
mod from_config;
mod handle;
mod health;
mod hook;
mod lease;
mod pause;
mod refresh;
mod refusals;
mod settings;
mod shared;
mod slot;
mod state;
mod supervisor;
mod tls;

pub use credentials::{CredentialsProvider, Login};
pub use error::{AttemptError, ConnectError, ConnectErrorKind};
pub use event::ConnectionEvent;
pub use handle::Connection;
pub use health::ConnectionHealth;
pub use hook::{HookError, NewLink, OpenHook};
pub use lease::ChannelLease;
pub(crate) use lease::before_the_next_number;
pub use settings::{AddressShuffle, BackOff, BrokerAddress, ConnectionSettings, Purpose};
pub use state::{ConnectionState, OpenConnection};
pub use tls::client_config;
