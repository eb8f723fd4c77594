//! The template, as listeners use it: for replies and parked messages.

use futures_util::future::BoxFuture;

use crate::listener::{ConfirmedPublisher, Unconfirmed};
use crate::message::Message;
use crate::name::Name;
use crate::template::RabbitTemplate;

/// Publishes for listeners.
pub(super) struct TemplatePublisher(pub(super) RabbitTemplate);

impl ConfirmedPublisher for TemplatePublisher {
    fn publish(
        &self,
        exchange: Name,
        routing_key: Name,
        message: Message,
        mandatory: bool,
    ) -> BoxFuture<'_, Result<(), Unconfirmed>> {
        Box::pin(async move {
            match self
                .0
                .send(exchange, routing_key, message)
                .mandatory(mandatory)
                .await
            {
                Ok(_confirmed) => Ok(()),
                Err(error) => Err(Unconfirmed {
                    transient: error.is_transient(),
                    error: Box::new(error),
                }),
            }
        })
    }
}
