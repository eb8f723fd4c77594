//! Declare, bind, delete, purge.

use lapin::options;

use crate::name::Name;
use crate::time::Deadline;

use super::arguments::{short, table};
use super::{Arguments, Channel, TransportError};

/// What the broker said about a declared queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Its name; the broker's choice if none was asked for.
    pub queue: Name,
    /// Messages ready.
    pub messages: u32,
    /// Consumers.
    pub consumers: u32,
}

#[allow(
    clippy::too_many_arguments,
    reason = "the shape of the protocol's methods"
)]
impl Channel {
    /// `exchange.declare`; `passive` only asks.
    ///
    /// # Errors
    /// 406 when it is there and different, 404 when passive and missing, 403.
    pub async fn declare_exchange(
        &self,
        name: &Name,
        kind: &str,
        passive: bool,
        durable: bool,
        auto_delete: bool,
        internal: bool,
        arguments: Arguments,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        let doing = format!("declare exchange `{name}`");
        let arguments = table(&arguments, &doing)?;
        let (name, kind) = (short(name), lapin::ExchangeKind::Custom(kind.to_owned()));
        let options = options::ExchangeDeclareOptions {
            passive,
            durable,
            auto_delete,
            internal,
            nowait: false,
        };
        let call = move |lapin: lapin::Channel| async move {
            lapin.exchange_declare(name, kind, options, arguments).await
        };
        self.call(doing, deadline, call).await
    }

    /// `queue.declare`; `passive` only asks.
    ///
    /// # Errors
    /// 406 when it is there and different, 404 when passive and missing, 405 when another connection owns it, 403.
    pub async fn declare_queue(
        &self,
        name: &Name,
        passive: bool,
        durable: bool,
        exclusive: bool,
        auto_delete: bool,
        arguments: Arguments,
        deadline: Deadline,
    ) -> Result<Declared, TransportError> {
        let doing = format!("declare queue `{name}`");
        let arguments = table(&arguments, &doing)?;
        let name = short(name);
        let options = options::QueueDeclareOptions {
            passive,
            durable,
            exclusive,
            auto_delete,
            nowait: false,
        };
        let call = move |lapin: lapin::Channel| async move {
            lapin.queue_declare(name, options, arguments).await
        };
        let queue = self.call(doing, deadline, call).await?;
        Ok(Declared {
            // The broker's short string fits.
            queue: Name::try_from(queue.name().as_str()).unwrap_or_default(),
            messages: queue.message_count(),
            consumers: queue.consumer_count(),
        })
    }

    /// `queue.bind`.
    ///
    /// # Errors
    /// 404 when one end is missing.
    pub async fn bind_queue(
        &self,
        queue: &Name,
        exchange: &Name,
        routing_key: &Name,
        arguments: Arguments,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        let doing = format!("bind queue `{queue}` to exchange `{exchange}`");
        let arguments = table(&arguments, &doing)?;
        let (queue, exchange, key) = (short(queue), short(exchange), short(routing_key));
        let call = move |lapin: lapin::Channel| async move {
            lapin
                .queue_bind(
                    queue,
                    exchange,
                    key,
                    options::QueueBindOptions::default(),
                    arguments,
                )
                .await
        };
        self.call(doing, deadline, call).await
    }

    /// `queue.unbind`.
    ///
    /// # Errors
    /// When the channel ended or the deadline passed.
    pub async fn unbind_queue(
        &self,
        queue: &Name,
        exchange: &Name,
        routing_key: &Name,
        arguments: Arguments,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        let doing = format!("unbind queue `{queue}` from exchange `{exchange}`");
        let arguments = table(&arguments, &doing)?;
        let (queue, exchange, key) = (short(queue), short(exchange), short(routing_key));
        let call = move |lapin: lapin::Channel| async move {
            lapin.queue_unbind(queue, exchange, key, arguments).await
        };
        self.call(doing, deadline, call).await
    }

    /// `exchange.bind`.
    ///
    /// # Errors
    /// 404 when one end is missing.
    pub async fn bind_exchange(
        &self,
        destination: &Name,
        source: &Name,
        routing_key: &Name,
        arguments: Arguments,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        let doing = format!("bind exchange `{destination}` to exchange `{source}`");
        let arguments = table(&arguments, &doing)?;
        let (destination, source, key) = (short(destination), short(source), short(routing_key));
        let call = move |lapin: lapin::Channel| async move {
            lapin
                .exchange_bind(
                    destination,
                    source,
                    key,
                    options::ExchangeBindOptions::default(),
                    arguments,
                )
                .await
        };
        self.call(doing, deadline, call).await
    }

    /// `exchange.unbind`.
    ///
    /// # Errors
    /// When the channel ended or the deadline passed.
    pub async fn unbind_exchange(
        &self,
        destination: &Name,
        source: &Name,
        routing_key: &Name,
        arguments: Arguments,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        let doing = format!("unbind exchange `{destination}` from exchange `{source}`");
        let arguments = table(&arguments, &doing)?;
        let (destination, source, key) = (short(destination), short(source), short(routing_key));
        let call = move |lapin: lapin::Channel| async move {
            lapin
                .exchange_unbind(
                    destination,
                    source,
                    key,
                    options::ExchangeUnbindOptions::default(),
                    arguments,
                )
                .await
        };
        self.call(doing, deadline, call).await
    }

    /// `exchange.delete`.
    ///
    /// # Errors
    /// 406 when `if_unused` and in use.
    pub async fn delete_exchange(
        &self,
        name: &Name,
        if_unused: bool,
        deadline: Deadline,
    ) -> Result<(), TransportError> {
        let doing = format!("delete exchange `{name}`");
        let name = short(name);
        let options = options::ExchangeDeleteOptions {
            if_unused,
            nowait: false,
        };
        let call =
            move |lapin: lapin::Channel| async move { lapin.exchange_delete(name, options).await };
        self.call(doing, deadline, call).await
    }

    /// `queue.delete`: the number of messages that went with it.
    ///
    /// # Errors
    /// 406 when a condition does not hold.
    pub async fn delete_queue(
        &self,
        name: &Name,
        if_unused: bool,
        if_empty: bool,
        deadline: Deadline,
    ) -> Result<u32, TransportError> {
        let doing = format!("delete queue `{name}`");
        let name = short(name);
        let options = options::QueueDeleteOptions {
            if_unused,
            if_empty,
            nowait: false,
        };
        let call =
            move |lapin: lapin::Channel| async move { lapin.queue_delete(name, options).await };
        self.call(doing, deadline, call).await
    }

    /// `queue.purge`: the number of messages dropped.
    ///
    /// # Errors
    /// 404 when it is missing.
    pub async fn purge_queue(
        &self,
        name: &Name,
        deadline: Deadline,
    ) -> Result<u32, TransportError> {
        let doing = format!("purge queue `{name}`");
        let name = short(name);
        let call = move |lapin: lapin::Channel| async move {
            lapin
                .queue_purge(name, options::QueuePurgeOptions::default())
                .await
        };
        self.call(doing, deadline, call).await
    }
}
