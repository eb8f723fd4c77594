//! What a listener sends itself: replies and parked messages. The template does it.

use futures_util::future::BoxFuture;

use crate::error::BoxError;
use crate::message::Message;
use crate::name::Name;
use crate::template::RabbitTemplate;

/// A message that was not confirmed.
#[derive(Debug)]
pub struct Unconfirmed {
    /// Whether the same publish may succeed later.
    pub transient: bool,
    /// What became of it.
    pub error: BoxError,
}

/// Publishes and waits for the broker's verdict, on a connection that is not a consumer's.
pub trait ConfirmedPublisher: Send + Sync + 'static {
    /// Publishes one message. `Ok` only when the broker confirmed it and, where it is mandatory, routed it.
    fn publish(
        &self,
        exchange: Name,
        routing_key: Name,
        message: Message,
        mandatory: bool,
    ) -> BoxFuture<'_, Result<(), Unconfirmed>>;
}

impl ConfirmedPublisher for RabbitTemplate {
    fn publish(
        &self,
        exchange: Name,
        routing_key: Name,
        message: Message,
        mandatory: bool,
    ) -> BoxFuture<'_, Result<(), Unconfirmed>> {
        Box::pin(async move {
            let sent = self
                .send(exchange, routing_key, message)
                .mandatory(mandatory);
            match sent.await {
                Ok(_) => Ok(()),
                Err(error) => Err(Unconfirmed {
                    transient: error.is_transient(),
                    error: error.into(),
                }),
            }
        })
    }
}
