use std::any::type_name;

use serde::de::DeserializeOwned;

use super::{
    Acknowledger, Argument, ArgumentKind, DeliveryFacts, HandlerContext, Rejection, RoutingKey,
    State, ViaAcknowledger, ViaExtractor, ViaPayload,
};
use crate::component::ComponentType;
use crate::converter::decode;
use crate::message::{Headers, Message, MessageProperties};

/// What a listener can take from a delivery: one payload, and any number of extractors.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a listener argument",
    label = "neither a payload nor an extractor",
    note = "a payload is read by serde: `#[derive(serde::Deserialize)]` on `{Self}`",
    note = "extractors are `Message`, `MessageProperties`, `Headers`, `RoutingKey`, `DeliveryFacts`, `State<T>` (with `T: Send + Sync`) and `Acknowledger`; a header's value is marked `#[header(\"name\")]`"
)]
pub trait FromDelivery<Via>: Sized {
    /// Takes it.
    ///
    /// # Errors
    /// Why it cannot be taken; the message is then dead-lettered.
    fn from_delivery(argument: &'static str, context: &HandlerContext) -> Result<Self, Rejection>;

    /// What it is.
    #[must_use]
    fn kind() -> ArgumentKind {
        ArgumentKind::Part {
            type_name: type_name::<Self>(),
        }
    }
}

/// An argument without a mark: a payload or an extractor.
#[must_use]
pub const fn argument<T: FromDelivery<Via>, Via>(
    name: &'static str,
) -> Argument<T, Via, HandlerContext> {
    Argument::new(
        name,
        "",
        |argument, context| T::from_delivery(argument.name, context),
        |_| T::kind(),
    )
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> FromDelivery<ViaPayload> for T {
    fn from_delivery(argument: &'static str, context: &HandlerContext) -> Result<Self, Rejection> {
        decode(&*context.scope().converter, context.message())
            .map_err(|error| Rejection::body(argument, error))
    }

    fn kind() -> ArgumentKind {
        ArgumentKind::Payload {
            type_name: type_name::<T>(),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> FromDelivery<ViaExtractor> for State<T> {
    fn from_delivery(argument: &'static str, context: &HandlerContext) -> Result<Self, Rejection> {
        State::from_source(argument, context)
    }

    fn kind() -> ArgumentKind {
        ArgumentKind::Component(ComponentType::of::<T>())
    }
}

impl FromDelivery<ViaAcknowledger> for Acknowledger {
    fn from_delivery(argument: &'static str, context: &HandlerContext) -> Result<Self, Rejection> {
        let acknowledger = context.acknowledger().cloned();
        acknowledger.ok_or_else(|| Rejection::no_acknowledger(argument))
    }

    fn kind() -> ArgumentKind {
        ArgumentKind::Acknowledger
    }
}

macro_rules! parts {
    ($($part:ty = |$context:ident| $value:expr;)*) => {
        $(impl FromDelivery<ViaExtractor> for $part {
            fn from_delivery(_: &'static str, $context: &HandlerContext) -> Result<Self, Rejection> {
                Ok($value)
            }
        })*
    };
}

parts! {
    Message = |context| context.message().clone();
    MessageProperties = |context| context.message().properties().clone();
    Headers = |context| context.message().properties().headers.clone();
    RoutingKey = |context| RoutingKey::new(context.delivery().routing_key());
    DeliveryFacts = |context| DeliveryFacts::of(context);
}
