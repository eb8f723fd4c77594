//! What happens to a delivery that cannot be handled.

use std::fmt;

use bytestring::ByteString;
use futures_util::future::BoxFuture;

use crate::error::BoxError;
use crate::handler::Acknowledgement;
use crate::message::{Delivery, DeliveryMode, Message};

use super::FailedDelivery;

/// Decides about a delivery that cannot be handled: its failure was fatal, or its attempts are spent.
///
/// For programs that keep such messages elsewhere. Without one the listener's `on_failure` decides.
pub trait MessageRecoverer: Send + Sync + 'static {
    /// Takes care of the message and says how to settle it: `Ack` when it is safe elsewhere, `Reject` to have it
    /// dead-lettered, `Requeue` to have it again after a wait.
    ///
    /// # Errors
    /// When it could not be taken care of: the message goes back to its queue after a wait.
    fn recover<'a>(
        &'a self,
        delivery: &'a Delivery,
        failure: &'a FailedDelivery,
    ) -> BoxFuture<'a, Result<Acknowledgement, BoxError>>;
}

impl fmt::Debug for dyn MessageRecoverer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageRecoverer")
    }
}

/// The longest cause in a header, in bytes: the header has to fit one frame with all the others.
const CAUSE_LIMIT: usize = 1024;

/// The message as it is parked: the original with the cause in its headers (Spring's names where it has one).
///
/// What would make it vanish or fail there is taken off: its expiration, the copies it asks for (`CC`, `BCC`), and
/// the user id, which the broker would compare with ours.
pub(super) fn parked(
    delivery: &Delivery,
    failure: &FailedDelivery,
    listener: &str,
    queue: &str,
) -> Message {
    let mut message = delivery.message().clone();
    let properties = message.properties_mut();
    properties.delivery_mode = Some(DeliveryMode::Persistent);
    properties.expiration = None;
    let user = properties.user_id.take();
    let headers = &mut properties.headers;
    for (name, kept) in [("CC", "x-original-cc"), ("BCC", "x-original-bcc")] {
        if let Some(copies) = headers.remove(name) {
            headers.insert(kept, copies);
        }
    }
    if let Some(user) = user {
        headers.insert("x-original-user-id", user);
    }
    headers.insert("x-exception-message", shortened(failure.to_string()));
    headers.insert("x-original-exchange", ByteString::from(delivery.exchange()));
    headers.insert(
        "x-original-routingKey",
        ByteString::from(delivery.routing_key()),
    );
    headers.insert("x-original-queue", ByteString::from(queue));
    headers.insert("x-listener", ByteString::from(listener));
    headers.insert("x-attempts", i64::from(failure.attempts()));
    message
}

fn shortened(mut text: String) -> String {
    if text.len() > CAUSE_LIMIT {
        let end = (0..=CAUSE_LIMIT)
            .rev()
            .find(|end| text.is_char_boundary(*end))
            .unwrap_or(0);
        text.truncate(end);
    }
    text
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::message::Value;

    fn delivery(message: Message) -> Delivery {
        Delivery::of(message, "orders", "order.created")
    }

    #[test]
    fn a_parked_message_says_why_and_where_from_and_cannot_vanish() {
        let mut message = Message::new("body").with_header("CC", "elsewhere");
        message.properties_mut().expiration = Some("1000".into());
        message.properties_mut().user_id = Some("somebody".into());
        message.properties_mut().delivery_mode = None;
        let failure = FailedDelivery::fatal("no such customer", 3);
        let parked = parked(&delivery(message), &failure, "on_order", "orders.created");

        assert_eq!(parked.body(), "body");
        assert_eq!(parked.properties().expiration, None);
        assert_eq!(parked.properties().user_id, None);
        assert_eq!(
            parked.properties().delivery_mode,
            Some(DeliveryMode::Persistent)
        );
        let header = |name| parked.header(name).and_then(Value::as_str);
        assert_eq!(header("CC"), None);
        assert_eq!(header("x-original-cc"), Some("elsewhere"));
        assert_eq!(header("x-exception-message"), Some("no such customer"));
        assert_eq!(header("x-original-exchange"), Some("orders"));
        assert_eq!(header("x-original-routingKey"), Some("order.created"));
        assert_eq!(header("x-original-queue"), Some("orders.created"));
        assert_eq!(header("x-original-user-id"), Some("somebody"));
        assert_eq!(parked.header("x-attempts").and_then(Value::as_i64), Some(3));
    }

    #[test]
    fn a_long_cause_is_cut_between_characters() {
        let text = shortened("ä".repeat(CAUSE_LIMIT));
        assert_eq!(text.len(), CAUSE_LIMIT);
        assert_eq!(
            shortened(format!("x{}", "ä".repeat(CAUSE_LIMIT))).len(),
            CAUSE_LIMIT - 1
        );
    }
}
