//! A message and what is said about it: properties, headers, where it came from, what became of it.
//!
//! Nothing here knows a socket. [`table`] and [`wire`] hold the byte forms of headers and properties
//! (AMQP 0-9-1 sections 4.2.5.5 and 4.2.6.1), so that what came can stay bytes until somebody reads it: a [`Delivery`] is
//! a [`RawContent`], and a [`Message`] when its handler's turn has come.

mod confirm;
mod correlation;
mod delivery;
mod delivery_fault;
mod headers;
mod limits;
pub(crate) mod page;
mod properties;
mod rabbit_message;
mod rare_properties;
pub mod raw_content;
mod returned;
pub mod table;
mod value;
mod whole;
pub mod wire;

pub use confirm::{Confirm, PublishOutcome};
pub use correlation::CorrelationData;
pub use delivery::{Delivery, Origin};
pub use delivery_fault::DeliveryFault;
pub use headers::{Headers, PRIVATE_HEADER};
pub use limits::{HeaderLimits, Limits};
pub use properties::{DeliveryMode, MessageProperties};
pub use rabbit_message::RabbitMessage;
pub use rare_properties::RareProperties;
pub use raw_content::RawContent;
pub use returned::ReturnedMessage;
pub use table::TableError;
pub use value::Value;
pub use whole::Message;
