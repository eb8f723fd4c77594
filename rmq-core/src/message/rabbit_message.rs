use serde::Serialize;

use crate::name::Name;

/// A type that knows where it is published: what `#[derive(RabbitMessage)]` with
/// `#[rabbit(exchange = "..", routing_key = "..")]` writes.
///
/// A name of more than 255 bytes is an error of the compiler.
pub trait RabbitMessage: Serialize {
    /// The exchange; empty for the default exchange, which routes to the queue named by the routing key.
    const EXCHANGE: &'static str;
    /// The routing key.
    const ROUTING_KEY: &'static str;

    /// The exchange this value is published to; [`Self::EXCHANGE`] unless overridden.
    fn exchange(&self) -> Name {
        const { Name::from_static(Self::EXCHANGE) }
    }

    /// The routing key this value is published with; [`Self::ROUTING_KEY`] unless overridden.
    fn routing_key(&self) -> Name {
        const { Name::from_static(Self::ROUTING_KEY) }
    }
}
