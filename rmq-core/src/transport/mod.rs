//! The link to the broker: the only room that names lapin.
//!
//! One socket, two planes. The link owns the socket. lapin has the control plane (handshake, declare, qos, consume);
//! frames that carry messages, confirms, returns and acknowledgements are ours, in the order the broker sent them.

mod channel;
mod contract;
mod error;
mod link;
mod settings;

pub use channel::{Channel, ConsumeSpec, Declared, Got};
pub use contract::{DeliverySink, Pending, PublishSink, Settlement, Token, Verdict};
pub use error::{CloseCause, PublishRejected, Stale, TransportError, TransportErrorKind};
pub use link::{Link, LinkState};
pub use settings::{Credentials, Limits, LinkSettings, Target, TlsSettings};
