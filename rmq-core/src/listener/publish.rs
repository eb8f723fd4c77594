//! What a listener sends itself: replies and parked messages. The template does it.

use futures_util::future::BoxFuture;

use crate::error::BoxError;
use crate::message::Message;
use crate::name::Name;
use crate::template::{PublishErrorKind, RabbitTemplate, RefusedReason};

use super::panicked;

/// A message that was not confirmed.
#[derive(Debug)]
pub struct Unconfirmed {
    /// Whether the same publish may succeed later.
    pub transient: bool,
    /// Whether it was refused before it was sent because of what it is: nobody can ever publish this message.
    pub unsendable: bool,
    /// What became of it.
    pub error: BoxError,
}

/// Publishes and waits for the broker's verdict, on a connection that is not a consumer's.
pub trait ConfirmedPublisher: Send + Sync + 'static {
    /// Publishes one message. `Ok` only when the broker confirmed it and routed it; of an answer over direct reply-to,
    /// when it confirmed it.
    fn publish(
        &self,
        exchange: Name,
        routing_key: Name,
        message: Message,
    ) -> BoxFuture<'_, Result<(), Unconfirmed>>;
}

impl ConfirmedPublisher for RabbitTemplate {
    fn publish(
        &self,
        exchange: Name,
        routing_key: Name,
        message: Message,
    ) -> BoxFuture<'_, Result<(), Unconfirmed>> {
        Box::pin(async move {
            let send = || {
                let publish = self.send(exchange, routing_key, message).mandatory(true);
                publish.into_future()
            };
            // Post processors run inside of it.
            match panicked::call_async("a post processor", send).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(error)) => Err(Unconfirmed {
                    transient: error.is_transient(),
                    unsendable: is_unsendable(error.kind()),
                    error: error.into(),
                }),
                Err(panicked) => Err(Unconfirmed {
                    transient: false,
                    unsendable: false,
                    error: panicked.into(),
                }),
            }
        })
    }
}

const fn is_unsendable(kind: PublishErrorKind) -> bool {
    matches!(
        kind,
        PublishErrorKind::Refused(
            RefusedReason::Headers | RefusedReason::TooLarge | RefusedReason::NameTooLong
        )
    )
}
