//! Properties as bytes: flags and fields of a content header (AMQP 0-9-1 section 4.2.6.1).

use bytes::{Buf, BufMut, Bytes, BytesMut};
use bytestring::ByteString;

use super::{DeliveryMode, HeaderLimits, Headers, MessageProperties, TableError, table};

const CONTENT_TYPE: u16 = 1 << 15;
const CONTENT_ENCODING: u16 = 1 << 14;
const HEADERS: u16 = 1 << 13;
const DELIVERY_MODE: u16 = 1 << 12;
const PRIORITY: u16 = 1 << 11;
const CORRELATION_ID: u16 = 1 << 10;
const REPLY_TO: u16 = 1 << 9;
const EXPIRATION: u16 = 1 << 8;
const MESSAGE_ID: u16 = 1 << 7;
const TIMESTAMP: u16 = 1 << 6;
const KIND: u16 = 1 << 5;
const USER_ID: u16 = 1 << 4;
const APP_ID: u16 = 1 << 3;
const CLUSTER_ID: u16 = 1 << 2;

/// Appends flags and fields. `more_headers` may append fields to the header table behind the message's own.
pub fn write_properties(
    out: &mut BytesMut,
    properties: &MessageProperties,
    more_headers: Option<&dyn Fn(&mut BytesMut)>,
) {
    let at = out.len();
    out.put_u16(0);
    let mut flags = 0;
    let mut short = |out: &mut BytesMut, flag: u16, text: &Option<ByteString>| {
        if let Some(text) = text {
            flags |= flag;
            table::write_short(out, text);
        }
    };
    short(out, CONTENT_TYPE, &properties.content_type);
    short(out, CONTENT_ENCODING, &properties.content_encoding);
    let mut other = 0;
    if more_headers.is_some() || !properties.headers.is_empty_on_the_wire() {
        other |= HEADERS;
        table::with_length(out, |out| {
            properties.headers.write(out);
            if let Some(more) = more_headers {
                more(out);
            }
        });
    }
    if let Some(mode) = properties.delivery_mode {
        other |= DELIVERY_MODE;
        out.put_u8(if mode == DeliveryMode::Persistent {
            2
        } else {
            1
        });
    }
    if let Some(priority) = properties.priority {
        other |= PRIORITY;
        out.put_u8(priority);
    }
    short(out, CORRELATION_ID, &properties.correlation_id);
    short(out, REPLY_TO, &properties.reply_to);
    short(out, EXPIRATION, &properties.expiration);
    short(out, MESSAGE_ID, &properties.message_id);
    if let Some(timestamp) = properties.timestamp {
        other |= TIMESTAMP;
        out.put_u64(timestamp);
    }
    short(out, KIND, &properties.kind);
    short(out, USER_ID, &properties.user_id);
    short(out, APP_ID, &properties.app_id);
    short(out, CLUSTER_ID, &properties.cluster_id);
    if let Some(place) = out.get_mut(at..at + 2) {
        place.copy_from_slice(&(flags | other).to_be_bytes());
    }
}

/// Reads flags and fields. Texts and headers share `bytes`; headers stay unread.
///
/// # Errors
/// [`TableError::Malformed`] when the fields do not fit the flags.
pub fn read_properties(
    mut bytes: Bytes,
    limits: HeaderLimits,
) -> Result<MessageProperties, TableError> {
    let rest = &mut bytes;
    let flags = rest.try_get_u16().map_err(cut)?;
    // The last bit announces further flags, which the basic class does not have.
    if flags & 1 != 0 {
        return Err(TableError::Malformed);
    }
    let has = |flag: u16| flags & flag != 0;
    let mut read = MessageProperties {
        content_type: short(rest, has(CONTENT_TYPE))?,
        ..MessageProperties::default()
    };
    if has(CONTENT_ENCODING) {
        read.content_encoding = short(rest, true)?;
    }
    if has(HEADERS) {
        let length =
            usize::try_from(rest.try_get_u32().map_err(cut)?).map_err(|_| TableError::Malformed)?;
        read.headers = Headers::from_wire(take(rest, length)?, limits);
    }
    if has(DELIVERY_MODE) {
        let persistent = rest.try_get_u8().map_err(cut)? == 2;
        read.delivery_mode = Some(if persistent {
            DeliveryMode::Persistent
        } else {
            DeliveryMode::Transient
        });
    }
    if has(PRIORITY) {
        read.priority = Some(rest.try_get_u8().map_err(cut)?);
    }
    if has(CORRELATION_ID | REPLY_TO | EXPIRATION) {
        read.correlation_id = short(rest, has(CORRELATION_ID))?;
        read.reply_to = short(rest, has(REPLY_TO))?;
        read.expiration = short(rest, has(EXPIRATION))?;
    }
    read.message_id = short(rest, has(MESSAGE_ID))?;
    if has(TIMESTAMP) {
        read.timestamp = Some(rest.try_get_u64().map_err(cut)?);
    }
    if has(KIND | USER_ID | APP_ID | CLUSTER_ID) {
        read.kind = short(rest, has(KIND))?;
        read.user_id = short(rest, has(USER_ID))?;
        read.app_id = short(rest, has(APP_ID))?;
        read.cluster_id = short(rest, has(CLUSTER_ID))?;
    }
    Ok(read)
}

/// What can be told of properties without reading them all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Glance<'b> {
    /// The header table's content.
    pub headers: Option<&'b [u8]>,
    /// The message id.
    pub message_id: Option<&'b [u8]>,
    /// The correlation id.
    pub correlation_id: Option<&'b [u8]>,
    /// Seconds since 1970.
    pub timestamp: Option<u64>,
}

impl Glance<'_> {
    /// Why the header table cannot be read, if it cannot.
    #[must_use]
    pub fn headers_fault(&self, limits: HeaderLimits) -> Option<TableError> {
        limits.check(self.headers?).err()
    }
}

/// Walks over flags and fields, allocating nothing.
///
/// # Errors
/// As [`read_properties`].
pub fn glance(bytes: &[u8]) -> Result<Glance<'_>, TableError> {
    let mut seen = Glance::default();
    if bytes.is_empty() {
        return Ok(seen);
    }
    let mut rest = bytes;
    let flags = rest.try_get_u16().map_err(cut)?;
    if flags & 1 != 0 {
        return Err(TableError::Malformed);
    }
    for flag in (2..=15)
        .rev()
        .map(|bit| 1 << bit)
        .filter(|flag| flags & flag != 0)
    {
        let length = match flag {
            HEADERS => usize::try_from(rest.try_get_u32().map_err(cut)?)
                .map_err(|_| TableError::Malformed)?,
            DELIVERY_MODE | PRIORITY => 1,
            TIMESTAMP => 8,
            _ => usize::from(rest.try_get_u8().map_err(cut)?),
        };
        let (field, behind) = rest.split_at_checked(length).ok_or(TableError::Malformed)?;
        rest = behind;
        match flag {
            HEADERS => seen.headers = Some(field),
            MESSAGE_ID => seen.message_id = Some(field),
            CORRELATION_ID => seen.correlation_id = Some(field),
            TIMESTAMP => seen.timestamp = field.try_into().ok().map(u64::from_be_bytes),
            _ => {}
        }
    }
    Ok(seen)
}

fn cut(_: bytes::TryGetError) -> TableError {
    TableError::Malformed
}

fn take(rest: &mut Bytes, length: usize) -> Result<Bytes, TableError> {
    if length <= rest.len() {
        Ok(rest.split_to(length))
    } else {
        Err(TableError::Malformed)
    }
}

fn short(rest: &mut Bytes, present: bool) -> Result<Option<ByteString>, TableError> {
    if !present {
        return Ok(None);
    }
    let length = usize::from(rest.try_get_u8().map_err(cut)?);
    Ok(Some(table::text(take(rest, length)?)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::message::RareProperties;

    fn full() -> MessageProperties {
        let mut full = MessageProperties {
            content_type: Some("application/json".into()),
            headers: [("x-tenant", "acme")].into_iter().collect(),
            delivery_mode: Some(DeliveryMode::Persistent),
            priority: Some(4),
            message_id: Some("m".into()),
            ..MessageProperties::default()
        };
        *full = RareProperties {
            content_encoding: Some("gzip".into()),
            correlation_id: Some("c".into()),
            reply_to: Some("r".into()),
            expiration: Some("60000".into()),
            timestamp: Some(1_700_000_000),
            kind: Some("order".into()),
            user_id: Some("guest".into()),
            app_id: Some("shop".into()),
            cluster_id: Some(String::new().into()),
        };
        full
    }

    fn written(properties: &MessageProperties) -> Bytes {
        let mut out = BytesMut::new();
        write_properties(&mut out, properties, None);
        out.freeze()
    }

    #[test]
    fn properties_are_read_as_they_were_written() {
        for properties in [
            full(),
            MessageProperties::default(),
            MessageProperties::persistent(),
        ] {
            assert_eq!(
                read_properties(written(&properties), HeaderLimits::default()).unwrap(),
                properties
            );
        }
    }

    #[test]
    fn a_glance_sees_what_reading_sees() {
        let whole = written(&full());
        let seen = glance(&whole).unwrap();
        assert_eq!(seen.message_id, Some(&b"m"[..]));
        assert_eq!(seen.correlation_id, Some(&b"c"[..]));
        assert_eq!(seen.timestamp, Some(1_700_000_000));
        assert_eq!(seen.headers_fault(HeaderLimits::default()), None);
        let short = HeaderLimits {
            bytes: 3,
            ..HeaderLimits::default()
        };
        assert!(matches!(
            seen.headers_fault(short),
            Some(TableError::TooLong { limit: 3, .. })
        ));
        assert_eq!(glance(&[0, 0]).unwrap(), Glance::default());
    }

    #[test]
    fn every_truncation_is_an_error_and_never_a_panic() {
        let whole = written(&full());
        for end in 0..whole.len() {
            let cut = whole.slice(..end);
            assert!(glance(&cut).is_err() || end == 0, "{end}");
            assert!(
                read_properties(cut, HeaderLimits::default()).is_err(),
                "{end}"
            );
        }
    }

    #[test]
    fn an_id_that_is_not_utf8_is_still_readable() {
        let mut raw = BytesMut::new();
        raw.put_u16(MESSAGE_ID);
        raw.put_u8(2);
        raw.put_slice(&[0xff, b'a']);
        let read = read_properties(raw.freeze(), HeaderLimits::default()).unwrap();
        assert_eq!(read.message_id(), Some("\u{fffd}a"));
    }
}
