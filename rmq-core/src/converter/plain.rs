//! Bodies that are a text or bytes as they stand.

use serde::de::value::{BytesDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{Deserializer, Error as _, Visitor};
use serde_json::Error;

/// A body without a format: what asks for a text or for bytes gets them; what asks for anything else is given the body as JSON.
#[derive(Clone, Copy)]
pub(super) struct Plain<'b> {
    body: &'b [u8],
    is_text: bool,
}

impl<'b> Plain<'b> {
    pub(super) const fn text(body: &'b [u8]) -> Self {
        Self {
            body,
            is_text: true,
        }
    }

    pub(super) const fn bytes(body: &'b [u8]) -> Self {
        Self {
            body,
            is_text: false,
        }
    }

    fn as_str(self) -> Result<&'b str, Error> {
        std::str::from_utf8(self.body).map_err(|_| Error::custom("the text is not UTF-8"))
    }
}

macro_rules! as_json {
    ($($method:ident ( $($name:ident : $kind:ty),* ))*) => {
        $(fn $method<V: Visitor<'de>>(self, $($name: $kind,)* visitor: V) -> Result<V::Value, Error> {
            let mut json = serde_json::Deserializer::from_slice(self.body);
            let value = json.$method($($name,)* visitor)?;
            json.end()?;
            Ok(value)
        })*
    };
}

impl<'de> Deserializer<'de> for Plain<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_text {
            self.deserialize_str(visitor)
        } else {
            self.deserialize_bytes(visitor)
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        StrDeserializer::new(self.as_str()?).deserialize_str(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        BytesDeserializer::new(self.body).deserialize_bytes(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.is_text {
            let mut json = serde_json::Deserializer::from_slice(self.body);
            let value = json.deserialize_seq(visitor)?;
            json.end()?;
            return Ok(value);
        }
        visitor.visit_seq(SeqDeserializer::new(self.body.iter().copied()))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    as_json! {
        deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_map() deserialize_identifier()
        deserialize_unit_struct(name: &'static str)
        deserialize_tuple(len: usize)
        deserialize_tuple_struct(name: &'static str, len: usize)
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.body.is_empty() {
            return visitor.visit_unit();
        }
        let mut json = serde_json::Deserializer::from_slice(self.body);
        let value = json.deserialize_unit(visitor)?;
        json.end()?;
        Ok(value)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}
