use std::any::type_name;
use std::cell::Cell;

use bytes::Bytes;
use serde::Serialize;

use crate::message::page::{self, Page};

use super::{ConversionError, redact};

/// A value on its way into a body: any `T: Serialize`, as a [`MessageConverter`](super::MessageConverter) sees it.
pub trait Payload {
    /// The name of its type.
    fn type_name(&self) -> &'static str;

    /// The value as JSON, by code compiled for its type.
    ///
    /// # Errors
    /// When it has no JSON form, such as a map whose keys are no texts.
    fn to_json(&self) -> Result<Bytes, ConversionError>;

    /// Writes the value with a serializer of another format.
    ///
    /// # Errors
    /// What the serializer or the value's `Serialize` says. It may hold a part of the payload: do not pass it on.
    fn serialize(
        &self,
        serializer: &mut dyn erased_serde::Serializer,
    ) -> Result<(), erased_serde::Error>;
}

impl<T: Serialize + ?Sized> Payload for T {
    fn type_name(&self) -> &'static str {
        type_name::<T>().trim_start_matches('&')
    }

    fn to_json(&self) -> Result<Bytes, ConversionError> {
        let mut buffer = SCRATCH.take();
        let written = serde_json::to_writer(&mut buffer, self);
        let body = page::copy(&BODIES, &buffer);
        if buffer.capacity() <= SCRATCH_LIMIT {
            buffer.clear();
            SCRATCH.set(buffer);
        }
        match written {
            Ok(()) => Ok(body),
            Err(error) => Err(ConversionError::writing_named(
                Payload::type_name(self),
                redact::writing(&error),
            )),
        }
    }

    fn serialize(
        &self,
        serializer: &mut dyn erased_serde::Serializer,
    ) -> Result<(), erased_serde::Error> {
        erased_serde::Serialize::erased_serialize(self, serializer)
    }
}

/// What one thread keeps for its next body.
const SCRATCH_LIMIT: usize = 64 * 1024;

thread_local! {
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static BODIES: Cell<Page> = Cell::default();
}
