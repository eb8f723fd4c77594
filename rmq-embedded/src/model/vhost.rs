//! A vhost: a space of names.

use std::collections::HashMap;
use std::sync::Arc;

use amq_protocol::types::FieldTable;

use super::exception::{Exception, Outcome};
use super::exchange::{Exchange, Kind};
use super::ids::QueueId;

/// Names of a vhost. Queues themselves live in the state, by id.
#[derive(Debug)]
pub(crate) struct VHost {
    pub(crate) name: Arc<str>,
    pub(crate) exchanges: HashMap<Arc<str>, Exchange>,
    pub(crate) queues: HashMap<Arc<str>, QueueId>,
}

impl VHost {
    /// A vhost with the exchanges every vhost has.
    pub(crate) fn new(name: &str) -> Self {
        let standard = [
            ("amq.direct", Kind::Direct),
            ("amq.fanout", Kind::Fanout),
            ("amq.topic", Kind::Topic),
            ("amq.headers", Kind::Headers),
            ("amq.match", Kind::Headers),
            ("amq.rabbitmq.trace", Kind::Topic),
        ];
        let exchanges = standard
            .into_iter()
            .map(|(name, kind)| {
                let name: Arc<str> = Arc::from(name);
                let mut exchange = Exchange::new(name.clone(), kind, true, FieldTable::default());
                exchange.internal = &*name == "amq.rabbitmq.trace";
                (name, exchange)
            })
            .collect();
        Self {
            name: Arc::from(name),
            exchanges,
            queues: HashMap::new(),
        }
    }

    /// How RabbitMQ's texts name a queue.
    pub(crate) fn queue_label(&self, queue: &str) -> String {
        format!("queue '{queue}' in vhost '{}'", self.name)
    }

    /// How RabbitMQ's texts name an exchange.
    pub(crate) fn exchange_label(&self, exchange: &str) -> String {
        format!("exchange '{exchange}' in vhost '{}'", self.name)
    }

    /// The id of a queue, or 404.
    pub(crate) fn queue(&self, name: &str) -> Outcome<QueueId> {
        let found = self.queues.get(name).copied();
        found.ok_or_else(|| Exception::not_found(format!("no {}", self.queue_label(name))))
    }

    /// An exchange, or 404.
    pub(crate) fn exchange(&self, name: &str) -> Outcome<&Exchange> {
        let found = self.exchanges.get(name);
        found.ok_or_else(|| Exception::not_found(format!("no {}", self.exchange_label(name))))
    }

    /// An exchange to change, or 404.
    pub(crate) fn exchange_mut(&mut self, name: &str) -> Outcome<&mut Exchange> {
        let missing =
            || Exception::not_found(format!("no exchange '{name}' in vhost '{}'", self.name));
        self.exchanges.get_mut(name).ok_or_else(missing)
    }
}
