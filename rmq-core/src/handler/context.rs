use std::any::type_name;
use std::fmt;
use std::sync::Arc;

use super::{Acknowledger, Argument, ArgumentKind, Rejection, ViaExtractor};
use crate::component::{ComponentType, Components};
use crate::converter::MessageConverter;
use crate::message::{Delivery, Message};
use crate::name::Name;

/// What all deliveries of one consumer share.
pub struct HandlerScope {
    /// The listener's id.
    pub listener: Name,
    /// The queue that is consumed.
    pub queue: Name,
    /// The components of the listener's configuration.
    pub components: Components,
    /// Reads payloads and writes replies.
    pub converter: Arc<dyn MessageConverter>,
}

impl fmt::Debug for HandlerScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerScope")
            .field("listener", &self.listener)
            .field("queue", &self.queue)
            .field("components", &self.components)
            .finish_non_exhaustive()
    }
}

/// One delivery on its way through a handler: what extractors read. It borrows nothing, so that it can go to
/// another thread, and stays with the listener while the handler runs, so that it can be tried again.
#[derive(Debug)]
pub struct HandlerContext {
    delivery: Delivery,
    attempt: u32,
    scope: Arc<HandlerScope>,
    acknowledger: Option<Acknowledger>,
}

impl HandlerContext {
    /// The first attempt at a delivery.
    #[must_use]
    pub const fn new(delivery: Delivery, scope: Arc<HandlerScope>) -> Self {
        Self {
            delivery,
            attempt: 1,
            scope,
            acknowledger: None,
        }
    }

    /// The same in manual mode.
    #[must_use]
    pub fn with_acknowledger(mut self, acknowledger: Acknowledger) -> Self {
        self.acknowledger = Some(acknowledger);
        self
    }

    /// The next attempt begins.
    pub const fn next_attempt(&mut self) {
        self.attempt = self.attempt.saturating_add(1);
    }

    /// The delivery.
    #[must_use]
    pub const fn delivery(&self) -> &Delivery {
        &self.delivery
    }

    /// The delivery, owned.
    #[must_use]
    pub fn into_delivery(self) -> Delivery {
        self.delivery
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> &Message {
        self.delivery.message()
    }

    /// Which attempt of this process it is, from 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// What it shares with the consumer's other deliveries.
    #[must_use]
    pub const fn scope(&self) -> &Arc<HandlerScope> {
        &self.scope
    }

    /// In manual mode, what settles it.
    #[must_use]
    pub const fn acknowledger(&self) -> Option<&Acknowledger> {
        self.acknowledger.as_ref()
    }
}

/// A call that has components.
pub trait ComponentSource {
    /// They.
    fn components(&self) -> &Components;
}

impl ComponentSource for HandlerContext {
    fn components(&self) -> &Components {
        &self.scope.components
    }
}

/// The configuration itself, for a method: it is one of its components.
#[must_use]
pub const fn receiver<T: Send + Sync + 'static, C: ComponentSource>()
-> Argument<Arc<T>, ViaExtractor, C> {
    Argument::new(
        "self",
        "",
        |argument, call| component(argument.name, call),
        |_| ArgumentKind::Component(ComponentType::of::<T>()),
    )
}

pub(super) fn component<T: Send + Sync + 'static>(
    argument: &'static str,
    call: &impl ComponentSource,
) -> Result<Arc<T>, Rejection> {
    call.components()
        .get()
        .ok_or_else(|| Rejection::missing_component(argument, type_name::<T>()))
}
