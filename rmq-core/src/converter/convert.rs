use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::target::Slot;
use super::{ConversionError, Payload, Target};
use crate::message::{Message, MessageProperties};

/// Turns values into bodies and bodies into values (Spring's `MessageConverter`). The default is
/// [`JsonConverter`](super::JsonConverter).
///
/// # Errors
/// A converter never puts a part of the payload into an error: errors are logged.
///
/// # Examples
/// A converter for another format writes with [`Payload::serialize`] and reads with [`Target::deserialize`]:
///
/// ```
/// use rmq_core::converter::{ConversionError, Form, MessageConverter, Payload, Target};
/// use rmq_core::message::{Message, MessageProperties};
///
/// /// JSON under a vendor's content type.
/// struct VendorJson;
///
/// impl MessageConverter for VendorJson {
///     fn write(
///         &self,
///         payload: &dyn Payload,
///         properties: &mut MessageProperties,
///     ) -> Result<bytes::Bytes, ConversionError> {
///         properties.content_type = Some("application/vnd.shop+json".into());
///         payload.to_json()
///     }
///
///     fn read(&self, message: &Message, into: &mut dyn Target) -> Result<(), ConversionError> {
///         into.read(Form::Json, message.body())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a converter",
    label = "not a `MessageConverter`",
    note = "implement `rmq_core::converter::MessageConverter` for `{Self}`"
)]
pub trait MessageConverter: Send + Sync + 'static {
    /// Writes a value as a body, and says in the properties what it is (content type, at least).
    ///
    /// # Errors
    /// When the value cannot be written; nothing was sent.
    fn write(
        &self,
        payload: &dyn Payload,
        properties: &mut MessageProperties,
    ) -> Result<Bytes, ConversionError>;

    /// Reads a message's body into a value.
    ///
    /// # Errors
    /// When the body is not such a value. A listener's message is then dead-lettered, as it came.
    fn read(&self, message: &Message, into: &mut dyn Target) -> Result<(), ConversionError>;
}

/// Writes a value with a converter.
///
/// # Errors
/// When the value cannot be written.
pub fn encode<T: Serialize + ?Sized>(
    converter: &dyn MessageConverter,
    value: &T,
    properties: &mut MessageProperties,
) -> Result<Bytes, ConversionError> {
    converter.write(&value, properties)
}

/// Reads a message's body as a `T` with a converter.
///
/// # Errors
/// When the body is not a `T`, with the message's content type and size and, for JSON, line and column.
pub fn decode<T: DeserializeOwned>(
    converter: &dyn MessageConverter,
    message: &Message,
) -> Result<T, ConversionError> {
    let mut slot = Slot::<T>::empty();
    converter
        .read(message, &mut slot)
        .map_err(|error| error.about(message))?;
    slot.into_value().ok_or_else(|| {
        ConversionError::reading::<T>("the converter read it without an error and gave no value")
            .about(message)
    })
}
