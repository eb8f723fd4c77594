//! A client of the tests that sees every frame, and can send what no proper client would.
//!
//! It shares no code with `rmq-core` nor with `rmq-embedded`, so that it can judge both. It frames by itself;
//! only the arguments of methods and plain property lists go through `amq-protocol`. What a peer sent as
//! properties stays bytes until a test asks for it: a deep table does not harm the one who looks at it.

mod channel;
mod connection;
mod content;
mod error;
mod frame;
mod handshake;
mod method;
mod publish;
pub mod table;
mod wire;

pub use amq_protocol::protocol::basic::AMQPProperties as Properties;
pub use amq_protocol::protocol::{
    AMQPClass, basic, channel as channels, confirm, connection as connections,
};
pub use amq_protocol::protocol::{exchange, queue, tx};
pub use amq_protocol::types::{AMQPValue, FieldTable};
pub use channel::Channel;
pub use connection::{Connection, Event};
pub use content::{Content, Message, encode_properties};
pub use error::{Closed, RawError};
pub use frame::{Frame, FrameKind};
pub use handshake::Handshake;
pub use method::{Method, Request};
pub use publish::Verdict;
pub use wire::{DEADLINE, Socket, Wire};
