//! The link to the broker: the only room that names lapin.
//!
//! One socket, two planes. The link owns the socket, one reader and one writer.
//!
//! - **Control plane: lapin** (handshake, channels, declarations, qos, consume, cancel). It speaks through a pipe in
//!   memory (`pipe`), and what it writes is cut into frames, checked and appended to what waits for the socket
//!   (`lapin_frames`, `outbox`). Its calls run in tasks of their own (`calls`, `control`).
//! - **Data plane: ours.** The reader sorts what comes (`reader`, `incoming`), puts messages together (`content`, `oversized`), pairs confirms
//!   and returns with publishes (`pending`, `private_header`) and keeps the acknowledgement `frontier`. What is
//!   under way on one channel is its `lease`.
//!
//! What of lapin 4.12 this relies on, or guards against:
//!
//! 1. A channel that lapin and the broker close at once ends lapin's connection: the link answers the broker's `channel.close`, never
//!    shows it, and meets lapin's later close with a close-ok of its own. A close of lapin's that is on the wire keeps its real one.
//! 2. A channel that lapin sees closed by the broker is lost to it for ever: it sees none.
//! 3. A dropped channel closes itself and a dropped consumer cancels; a cancel that fails ends the connection: both are
//!    kept until lapin's channel is closed.
//! 4. It matches answers by kind: calls go one at a time on a channel, and one that misses its deadline closes it.
//! 5. It judges the peer by what it reads, and allocates 32 frames twice: it is told heartbeat 0 and a small frame size.
//! 6. Its table parser recurses: no content reaches it, and server properties are depth-checked.
//! 7. It logs what it sends: its login and its secret updates hold placeholders.
//! 8. It waits for ever on a stream without an end: the pipe ends with the link, and the link with the pipe.
//! 9. Blocked, it writes nothing: it is not told.

mod arguments;
mod calls;
mod channel;
mod content;
mod contract;
mod control;
mod deliveries;
mod dial;
#[cfg(feature = "embedded")]
mod embedded;
mod error;
mod frame;
mod frontier;
mod inbound;
mod incoming;
mod lapin_frames;
mod lease;
mod leases;
mod link;
mod open;
mod outbox;
mod oversized;
mod pending;
mod pipe;
mod private_header;
mod reader;
mod settings;
mod shared;
mod silence;
mod supervisor;
mod tags;
mod topology_calls;
mod tune;
mod writer;

pub use channel::{Arguments, Channel, ConsumeSpec, Got};
pub use contract::{DeliverySink, Pending, PublishSink, Returns, Settlement, Token, Verdict};
#[cfg(feature = "embedded")]
pub use embedded::{EmbeddedBroker, embedded_target, start_embedded};
pub use error::{CloseCause, PublishRejected, Stale, TransportError, TransportErrorKind};
pub use link::{Link, LinkState};
pub use settings::{Credentials, Limits, LinkSettings, Target, TlsSettings};
pub use topology_calls::Declared;
