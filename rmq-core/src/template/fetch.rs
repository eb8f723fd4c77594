//! The half of [`RabbitTemplate`] that takes messages: receives, and requests that wait for their reply.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::converter::decode;
use crate::message::Message;
use crate::name::Name;
use crate::time::Deadline;

use super::publish::Publish;
use super::{RabbitTemplate, ReceiveError, Received, RequestError, receive, rpc};

impl RabbitTemplate {
    /// Fetches one message from a queue; waits as `template.receive-timeout` says. `None` when none came.
    ///
    /// # Delivery guarantee
    /// The message stays the broker's until [`Received::ack`]; dropped, it goes back to its queue.
    ///
    /// # Cancel safety
    /// If dropped while it waits, a message under way goes back to its queue.
    ///
    /// # Errors
    /// When there is no such queue, no connection, the channel ended, or the message is over a limit (the error holds it).
    /// No message is lost.
    pub async fn receive(
        &self,
        queue: impl TryInto<Name>,
    ) -> Result<Option<Received>, ReceiveError> {
        self.receive_timeout(queue, self.settings().receive_timeout)
            .await
    }

    /// As [`RabbitTemplate::receive`], from `template.default-receive-queue`.
    ///
    /// # Errors
    /// As [`RabbitTemplate::receive`], and when no such queue is set.
    pub async fn receive_default(&self) -> Result<Option<Received>, ReceiveError> {
        let queue = self.settings().default_receive_queue.clone();
        match queue {
            Some(queue) => self.receive(queue).await,
            None => Err(ReceiveError::no_queue_named()),
        }
    }

    /// As [`RabbitTemplate::receive`], with a timeout of its own: zero asks the queue once, [`Duration::MAX`] waits for
    /// ever.
    ///
    /// # Errors
    /// As [`RabbitTemplate::receive`].
    pub async fn receive_timeout(
        &self,
        queue: impl TryInto<Name>,
        timeout: Duration,
    ) -> Result<Option<Received>, ReceiveError> {
        let Ok(queue) = queue.try_into() else {
            return Err(ReceiveError::no_queue_named());
        };
        match &self.0.consuming {
            Some(connection) => receive::receive(connection, &queue, timeout).await,
            None => Err(ReceiveError::ended(&queue)),
        }
    }

    /// Fetches one message, converts it, and acknowledges it as the value is handed over.
    ///
    /// # Delivery guarantee
    /// At least once: the acknowledgement is written in the step that returns the value, behind a successful
    /// conversion. If the connection dies before the broker reads it, the message is delivered again.
    ///
    /// # Cancel safety
    /// As [`RabbitTemplate::receive`].
    ///
    /// # Errors
    /// As [`RabbitTemplate::receive`], and when the body is not a `T`: then the error holds the message, unsettled.
    pub async fn receive_and_convert<T: DeserializeOwned>(
        &self,
        queue: impl TryInto<Name>,
    ) -> Result<Option<T>, ReceiveError> {
        let Some(received) = self.receive(queue).await? else {
            return Ok(None);
        };
        let value = match decode(&**self.converter(), received.message()) {
            Ok(value) => value,
            Err(error) => return Err(ReceiveError::conversion("", error, received)),
        };
        match received.ack() {
            Ok(_message) => Ok(Some(value)),
            Err(error) => Err(ReceiveError::settle("", error)),
        }
    }

    /// Sends a request and waits for its reply, over direct reply-to, for at most `template.reply-timeout`.
    ///
    /// # Delivery guarantee
    /// The request has a publish's guarantee. The reply has none beyond the connection: it is lost with it, and then the
    /// error says so; the request may have been handled all the same.
    ///
    /// # Cancel safety
    /// If dropped, a request in the window goes on; its reply is counted as late.
    ///
    /// # Errors
    /// When the request did not end as confirmed, or no reply came in time.
    pub async fn send_and_receive(
        &self,
        exchange: impl TryInto<Name>,
        routing_key: impl TryInto<Name>,
        message: Message,
    ) -> Result<Message, RequestError> {
        self.request(self.send(exchange, routing_key, message))
            .await
    }

    /// As [`RabbitTemplate::send_and_receive`], from value to value.
    ///
    /// # Errors
    /// As [`RabbitTemplate::send_and_receive`], and when the reply's body is not an `R`: the error holds the reply.
    pub async fn convert_send_and_receive<T, R>(
        &self,
        exchange: impl TryInto<Name>,
        routing_key: impl TryInto<Name>,
        value: &T,
    ) -> Result<R, RequestError>
    where
        T: Serialize + ?Sized,
        R: DeserializeOwned,
    {
        let publish = self.convert_and_send(exchange, routing_key, value);
        let reply = self.request(publish).await?;
        match decode(&**self.converter(), &reply) {
            Ok(value) => Ok(value),
            Err(error) => Err(RequestError::conversion(error, reply)),
        }
    }

    /// Sends a prepared publish as a request: for headers, priority and the like.
    ///
    /// # Errors
    /// As [`RabbitTemplate::send_and_receive`].
    pub async fn request(&self, publish: Publish) -> Result<Message, RequestError> {
        let deadline = Deadline::after(self.settings().reply_timeout);
        rpc::request(publish, deadline).await
    }
}
