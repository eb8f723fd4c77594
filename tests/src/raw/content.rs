use amq_protocol::frame::{AMQPContentHeader, AMQPFrame};
use amq_protocol::protocol::basic::parse_properties;
use bytes::{Buf, Bytes};

use super::frame::payload_of;
use super::{AMQPValue, FieldTable, Properties, RawError};

/// What a publish carries: properties as bytes, so that a test can send ones that no client would.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// The property flags and the list after them.
    pub properties: Bytes,
    /// The body.
    pub body: Bytes,
}

impl Content {
    /// A body without properties.
    #[must_use]
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self {
            properties: Bytes::from_static(&[0, 0]),
            body: body.into(),
        }
    }

    /// A body with properties.
    ///
    /// # Errors
    /// The properties can't be written.
    pub fn with(body: impl Into<Bytes>, properties: Properties) -> Result<Self, RawError> {
        Ok(Self {
            properties: encode_properties(properties)?,
            body: body.into(),
        })
    }

    /// A body whose only property is the header table of these bytes, its length included.
    #[must_use]
    pub fn with_header_bytes(body: impl Into<Bytes>, table: &[u8]) -> Self {
        const HEADERS: u16 = 1 << 13;
        let mut properties = HEADERS.to_be_bytes().to_vec();
        properties.extend_from_slice(table);
        Self {
            properties: properties.into(),
            body: body.into(),
        }
    }
}

/// The property flags and list as they are on the wire.
///
/// # Errors
/// They can't be written.
pub fn encode_properties(properties: Properties) -> Result<Bytes, RawError> {
    let header = AMQPContentHeader {
        class_id: 60,
        body_size: 0,
        properties,
    };
    // Class, weight and body size stand before them.
    Ok(payload_of(&AMQPFrame::Header(0, header))?.slice(12..))
}

/// A message that came: by deliver, by get, or returned.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// The tag to settle it with; 0 for one that was returned.
    pub tag: u64,
    /// Whether it was delivered before.
    pub redelivered: bool,
    /// The consumer that it is for; empty for a get and a return.
    pub consumer: String,
    /// The exchange that it was published to.
    pub exchange: String,
    /// The key that it was published with.
    pub routing_key: String,
    /// How many more a get left in the queue.
    pub left: Option<u32>,
    /// Code and text of a return.
    pub returned: Option<(u16, String)>,
    /// Properties and body.
    pub content: Content,
}

impl Message {
    /// The body as text; what is not UTF-8 is shown as such.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.content.body).into_owned()
    }

    /// The properties, read. Not for deep tables: reading is recursive.
    ///
    /// # Errors
    /// They are no list of properties.
    pub fn properties(&self) -> Result<Properties, RawError> {
        match parse_properties(self.content.properties.chunk()) {
            Ok((_, properties)) => Ok(properties),
            Err(error) => Err(RawError::new(format!(
                "properties that can't be read: {error:?}"
            ))),
        }
    }

    /// The header table; empty where there is none.
    ///
    /// # Errors
    /// As [`Message::properties`].
    pub fn headers(&self) -> Result<FieldTable, RawError> {
        Ok(self.properties()?.headers().clone().unwrap_or_default())
    }

    /// One header.
    ///
    /// # Errors
    /// As [`Message::properties`].
    pub fn header(&self, name: &str) -> Result<Option<AMQPValue>, RawError> {
        Ok(self.headers()?.inner().get(name).cloned())
    }
}
