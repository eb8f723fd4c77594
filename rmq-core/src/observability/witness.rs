use std::fmt;

use super::DeliveryEnd;

/// Is told of each delivery that a listener's handler was given, by message id: what the test kit sees with.
///
/// It is called on the way of the message and must not wait.
pub trait DeliveryWitness: fmt::Debug + Send + Sync {
    /// The listener has taken the delivery up.
    fn begun(&self, listener: &str, message_id: Option<&str>);

    /// An attempt has failed, or the message was refused before its handler was called.
    fn failed(&self, listener: &str, message_id: Option<&str>, cause: &dyn fmt::Display);

    /// The delivery has ended.
    fn ended(&self, listener: &str, message_id: Option<&str>, end: DeliveryEnd);
}
