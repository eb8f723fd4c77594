//! Where an answer goes.

use crate::name::{Name, NameTooLong};

/// The pseudo-queue of RabbitMQ's direct reply-to: the broker hands the answer to the channel that asked.
const DIRECT: &str = "amq.rabbitmq.reply-to";

/// A request's `reply_to`, read as Spring reads it: `exchange/routing key`, or the name of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReplyAddress {
    pub(super) exchange: Name,
    pub(super) routing_key: Name,
}

impl ReplyAddress {
    pub(super) fn parse(reply_to: &str) -> Result<Self, NameTooLong> {
        let (exchange, routing_key) = match reply_to.split_once('/') {
            Some(parts) if !reply_to.starts_with(DIRECT) => parts,
            _ => ("", reply_to),
        };
        Ok(Self {
            exchange: Name::try_from(exchange)?,
            routing_key: Name::try_from(routing_key)?,
        })
    }

    /// Not for direct reply-to: brokers return a mandatory answer there although they deliver it.
    pub(super) fn mandatory(&self) -> bool {
        !(self.exchange.is_empty() && self.routing_key.starts_with(DIRECT))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_queue_or_an_exchange_and_a_key() {
        for (text, exchange, key, mandatory) in [
            ("answers", "", "answers", true),
            ("shop/answers.eu", "shop", "answers.eu", true),
            ("/answers", "", "answers", true),
            (
                "amq.rabbitmq.reply-to.g1h2AA/5yZX==",
                "",
                "amq.rabbitmq.reply-to.g1h2AA/5yZX==",
                false,
            ),
        ] {
            let address = ReplyAddress::parse(text).unwrap();
            assert_eq!(address.exchange, exchange);
            assert_eq!(address.routing_key, key);
            assert_eq!(address.mandatory(), mandatory, "{text}");
        }
    }
}
