use std::any::type_name;

use serde::de::DeserializeOwned;

use super::plain::Plain;
use super::{ConversionError, Form, redact};

/// The place where a body's value goes: any `T: DeserializeOwned`, as a [`MessageConverter`](super::MessageConverter) sees it.
pub trait Target {
    /// The name of the type that is wanted.
    fn type_name(&self) -> &'static str;

    /// Reads a body of a known form, by code compiled for the type.
    ///
    /// # Errors
    /// When the body is not such a value.
    fn read(&mut self, form: Form, body: &[u8]) -> Result<(), ConversionError>;

    /// Reads the value from a deserializer of another format.
    ///
    /// # Errors
    /// What the deserializer or the type's `Deserialize` says. It may hold a part of the payload: do not pass it on.
    fn deserialize(
        &mut self,
        deserializer: &mut dyn erased_serde::Deserializer<'_>,
    ) -> Result<(), erased_serde::Error>;
}

/// A [`Target`] and what was read into it.
pub(super) struct Slot<T>(Option<T>);

impl<T> Slot<T> {
    pub(super) const fn empty() -> Self {
        Self(None)
    }

    pub(super) fn into_value(self) -> Option<T> {
        self.0
    }
}

impl<T: DeserializeOwned> Target for Slot<T> {
    fn type_name(&self) -> &'static str {
        type_name::<T>()
    }

    fn read(&mut self, form: Form, body: &[u8]) -> Result<(), ConversionError> {
        let read = match form {
            Form::Json => serde_json::from_slice(body),
            Form::Text => T::deserialize(Plain::text(body)),
            Form::Bytes => T::deserialize(Plain::bytes(body)),
        };
        match read {
            Ok(value) => {
                self.0 = Some(value);
                Ok(())
            }
            Err(error) => Err(redact::reading(type_name::<T>(), &error)),
        }
    }

    fn deserialize(
        &mut self,
        deserializer: &mut dyn erased_serde::Deserializer<'_>,
    ) -> Result<(), erased_serde::Error> {
        self.0 = Some(erased_serde::deserialize(deserializer)?);
        Ok(())
    }
}
