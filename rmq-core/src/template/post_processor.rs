use crate::error::BoxError;
use crate::message::Message;

/// Changes every message before it is sent (Spring's `MessagePostProcessor`): a header, a signature, compression.
///
/// Runs in the caller's task, after conversion and before the message gets its id and enters the window.
pub trait MessagePostProcessor: Send + Sync + 'static {
    /// Changes the message.
    ///
    /// # Errors
    /// Any: the publish then ends as `Refused`, holding the message, and nothing is sent.
    fn process(&self, message: &mut Message) -> Result<(), BoxError>;
}

impl<F> MessagePostProcessor for F
where
    F: Fn(&mut Message) -> Result<(), BoxError> + Send + Sync + 'static,
{
    fn process(&self, message: &mut Message) -> Result<(), BoxError> {
        self(message)
    }
}
