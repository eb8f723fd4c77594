//! A message and what is said about it: properties, headers, where it came from, what became of it.
//!
//! Nothing here knows a socket. [`table`] and [`wire`] hold the byte forms of headers and properties
//! (AMQP 0-9-1 sections 4.2.5.5 and 4.2.6.1), so that a table can stay bytes until somebody reads it.

mod confirm;
mod correlation;
mod delivery;
mod headers;
mod properties;
mod rabbit_message;
mod returned;
pub mod table;
mod value;
mod whole;
pub mod wire;

pub use confirm::{Confirm, PublishOutcome};
pub use correlation::CorrelationData;
pub use delivery::Delivery;
pub use headers::{HeaderLimits, Headers, PRIVATE_HEADER};
pub use properties::{DeliveryMode, MessageProperties};
pub use rabbit_message::RabbitMessage;
pub use returned::ReturnedMessage;
pub use table::TableError;
pub use value::Value;
pub use whole::Message;
