use bytes::Bytes;

use super::content::compression;
use super::{ConversionError, Form, MessageConverter, Payload, Target};
use crate::message::{Message, MessageProperties};

const JSON: &str = "application/json";

/// JSON, the default (Spring's `Jackson2JsonMessageConverter`).
///
/// It writes JSON with content type `application/json`. Where the sender set a content type of `text/...` before, a value
/// that is a text is written as that text.
///
/// It reads by the content type ([`Form::of`]): `text/...` as text, `application/octet-stream` as bytes, and all else as
/// JSON. A compressed body (content encoding `gzip` and its like) is refused.
#[derive(Debug, Clone, Copy, Default)]
pub struct JsonConverter;

impl MessageConverter for JsonConverter {
    fn write(
        &self,
        payload: &dyn Payload,
        properties: &mut MessageProperties,
    ) -> Result<Bytes, ConversionError> {
        if properties.content_type.is_none() {
            properties.content_type = Some(bytestring::ByteString::from_static(JSON));
        } else if Form::of(properties) == Form::Text {
            return as_text(payload);
        }
        payload.to_json()
    }

    fn read(&self, message: &Message, into: &mut dyn Target) -> Result<(), ConversionError> {
        match compression(message.properties()) {
            None => into.read(Form::of(message.properties()), message.body()),
            Some(encoding) => {
                let detail = format!(
                    "its content encoding is {encoding}, and the JSON converter reads no compressed body"
                );
                Err(ConversionError::reading_named(into.type_name(), detail))
            }
        }
    }
}

fn as_text(payload: &dyn Payload) -> Result<Bytes, ConversionError> {
    let json = payload.to_json()?;
    match serde_json::from_slice::<String>(&json) {
        Ok(text) => Ok(text.into()),
        Err(_) => Ok(json),
    }
}
