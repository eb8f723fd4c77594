//! Where an answer goes.

use crate::name::{Name, NameTooLong};
use crate::template::is_direct_reply;

/// A request's `reply_to`, read as Spring reads it: `exchange/routing key`, or the name of a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReplyAddress {
    pub(super) exchange: Name,
    pub(super) routing_key: Name,
}

impl ReplyAddress {
    pub(super) fn parse(reply_to: &str) -> Result<Self, NameTooLong> {
        let (exchange, routing_key) = match reply_to.split_once('/') {
            Some(parts) if !is_direct_reply("", reply_to) => parts,
            _ => ("", reply_to),
        };
        Ok(Self {
            exchange: Name::try_from(exchange)?,
            routing_key: Name::try_from(routing_key)?,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_queue_or_an_exchange_and_a_key() {
        for (text, exchange, key) in [
            ("answers", "", "answers"),
            ("shop/answers.eu", "shop", "answers.eu"),
            ("/answers", "", "answers"),
            (
                "amq.rabbitmq.reply-to.g1h2AA/5yZX==",
                "",
                "amq.rabbitmq.reply-to.g1h2AA/5yZX==",
            ),
        ] {
            let address = ReplyAddress::parse(text).unwrap();
            assert_eq!(address.exchange, exchange);
            assert_eq!(address.routing_key, key);
        }
    }
}
