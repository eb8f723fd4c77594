use std::fmt;
use std::sync::Arc;

use bytestring::ByteString;
use serde::Serialize;

use crate::connection::Connection;
use crate::converter::{MessageConverter, encode};
use crate::error::BoxError;
use crate::message::{Message, RabbitMessage};
use crate::name::Name;
use crate::observability::{PublishCounts, PublishLedger};
use crate::time::Deadline;

use super::callbacks::Callbacks;
use super::channel::ChannelSource;
use super::engine::Engine;
use super::publish::{Fault, Publish};
use super::{
    Confirmed, MessagePostProcessor, PublishError, RefusedReason, TemplateSettings,
    UnsettledPublish,
};

/// Sends messages and tells what became of each; fetches messages on request (Spring's `RabbitTemplate`).
///
/// Cheap to clone; all clones share one publishing channel, one window and one ledger.
///
/// # Delivery guarantee
/// Every message sent ends as exactly one of `Confirmed`, `Returned`, `Nacked`, `Refused` or `Unknown`, and the caller,
/// the callbacks and the ledger are told the same. What is in flight when a channel or connection dies is sent again
/// under the same message id until its deadline.
///
/// # Examples
/// ```no_run
/// # async fn example(template: rmq_core::RabbitTemplate) -> Result<(), rmq_core::Error> {
/// use rmq_core::message::Message;
///
/// let confirmed = template.send("orders", "order.created", Message::new("{}")).priority(4).await?;
/// println!("the broker has {}", confirmed.message_id());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RabbitTemplate(pub(super) Arc<Parts>);

pub(super) struct Parts {
    engine: Arc<Engine>,
    /// Where receives lease their channels: never the publishing connection.
    pub(super) consuming: Option<Connection>,
    converter: Arc<dyn MessageConverter>,
    post_processors: Vec<Arc<dyn MessagePostProcessor>>,
}

/// What a template is made of.
pub struct TemplateParts {
    /// What `rabbit.yml` says.
    pub settings: TemplateSettings,
    /// The connection that publishes, and nothing else.
    pub publishing: Connection,
    /// The connection for receives.
    pub consuming: Connection,
    /// Bodies to values and back.
    pub converter: Arc<dyn MessageConverter>,
    /// Run over every message, in this order.
    pub post_processors: Vec<Arc<dyn MessagePostProcessor>>,
    /// `#[on_confirm]` and `#[on_return]`.
    pub callbacks: Callbacks,
    /// Where messages are counted.
    pub ledger: Arc<PublishLedger>,
}

impl fmt::Debug for TemplateParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemplateParts")
            .field("settings", &self.settings)
            .field("callbacks", &self.callbacks)
            .finish_non_exhaustive()
    }
}

impl RabbitTemplate {
    /// Starts a template on the current tokio runtime. It leases its channel at once, and works until
    /// [`RabbitTemplate::stop`].
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[must_use]
    pub fn start(parts: TemplateParts) -> Self {
        let source: Arc<dyn ChannelSource> = Arc::new(parts.publishing);
        let engine = Engine::start(parts.settings, source, parts.callbacks, parts.ledger);
        Self(Arc::new(Parts {
            engine,
            consuming: Some(parts.consuming),
            converter: parts.converter,
            post_processors: parts.post_processors,
        }))
    }

    #[cfg(test)]
    pub(super) fn over(engine: Arc<Engine>, converter: Arc<dyn MessageConverter>) -> Self {
        Self(Arc::new(Parts {
            engine,
            consuming: None,
            converter,
            post_processors: Vec::new(),
        }))
    }

    /// Publishes a value where its type says (`#[rabbit(exchange = "..", routing_key = "..")]`).
    ///
    /// # Errors
    /// When awaited: see [`Publish`].
    pub fn publish<T: RabbitMessage>(&self, value: &T) -> Publish {
        self.convert_and_send(value.exchange(), value.routing_key(), value)
    }

    /// Publishes a message as it is.
    ///
    /// # Errors
    /// When awaited: see [`Publish`]. A name of more than 255 bytes is refused.
    pub fn send(
        &self,
        exchange: impl TryInto<Name>,
        routing_key: impl TryInto<Name>,
        message: Message,
    ) -> Publish {
        Publish::new(self.clone(), exchange, routing_key, message)
    }

    /// Publishes a message to `template.exchange` with `template.routing-key`.
    ///
    /// # Errors
    /// When awaited: see [`Publish`].
    pub fn send_default(&self, message: Message) -> Publish {
        let settings = self.settings();
        self.send(
            settings.exchange.clone(),
            settings.routing_key.clone(),
            message,
        )
    }

    /// Converts a value and publishes it.
    ///
    /// # Errors
    /// When awaited: see [`Publish`]. A value that cannot be converted is refused.
    pub fn convert_and_send<T: Serialize + ?Sized>(
        &self,
        exchange: impl TryInto<Name>,
        routing_key: impl TryInto<Name>,
        value: &T,
    ) -> Publish {
        let mut message = Message::new(bytes::Bytes::new());
        let encoded = encode(&*self.0.converter, value, message.properties_mut());
        let fault = match encoded {
            Ok(body) => {
                message.set_body(body);
                None
            }
            Err(error) => Some(Box::new(Fault {
                reason: RefusedReason::Conversion,
                cause: error.to_string().into(),
                source: Some(BoxError::from(error)),
            })),
        };
        let mut publish = self.send(exchange, routing_key, message);
        publish.fault = fault.or(publish.fault);
        publish
    }

    /// Converts a value and publishes it to `template.exchange` with `template.routing-key`.
    ///
    /// # Errors
    /// When awaited: see [`Publish`].
    pub fn convert_and_send_default<T: Serialize + ?Sized>(&self, value: &T) -> Publish {
        let settings = self.settings();
        let (exchange, key) = (settings.exchange.clone(), settings.routing_key.clone());
        self.convert_and_send(exchange, key, value)
    }

    /// Publishes many, pipelined: up to the window in flight at once. The outcomes are in the order given.
    ///
    /// # Cancel safety
    /// If dropped, those in the window go on and their callbacks run; the rest is never sent.
    pub async fn send_all(
        &self,
        messages: impl IntoIterator<Item = Publish>,
    ) -> Vec<Result<Confirmed, PublishError>> {
        let mut enqueued = Vec::new();
        for publish in messages {
            enqueued.push(publish.enqueue().await);
        }
        let mut outcomes = Vec::with_capacity(enqueued.len());
        for pending in enqueued {
            outcomes.push(match pending {
                Ok(pending) => pending.await,
                Err(error) => Err(error),
            });
        }
        outcomes
    }

    /// What became of every message sent so far.
    #[must_use]
    pub fn counts(&self) -> PublishCounts {
        self.0.engine.counts()
    }

    /// Messages that hold a place in the window: in flight, or past their deadline and still without a verdict.
    #[must_use]
    pub fn window_used(&self) -> usize {
        self.0.engine.window_used()
    }

    /// What it was configured with.
    #[must_use]
    pub fn settings(&self) -> &TemplateSettings {
        self.0.engine.settings()
    }

    /// The converter.
    #[must_use]
    pub fn converter(&self) -> &Arc<dyn MessageConverter> {
        &self.0.converter
    }

    /// Takes no new publish, waits for what is in flight until the deadline, then for callbacks. Gives the messages
    /// that had not ended, oldest first, and how each was told to have ended: as [`UnsettledPublish::kind`] says.
    pub async fn stop(&self, deadline: Deadline) -> Vec<UnsettledPublish> {
        self.0.engine.stop(deadline).await
    }

    /// As [`RabbitTemplate::stop`], waiting for nothing.
    #[must_use]
    pub fn abandon(&self, cause: &str) -> Vec<UnsettledPublish> {
        self.0.engine.abandon(&ByteString::from(cause))
    }

    pub(super) fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }

    pub(super) fn post_processors(&self) -> &[Arc<dyn MessagePostProcessor>] {
        &self.0.post_processors
    }
}

impl fmt::Debug for RabbitTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitTemplate")
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
