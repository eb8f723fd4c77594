//! The property list of a message, scanned without building it.

use super::reader::{Malformed, Reader};
use super::table::{RawTable, write_long_bytes};

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
const TYPE: u16 = 1 << 5;
const USER_ID: u16 = 1 << 4;
const APP_ID: u16 = 1 << 3;
const CLUSTER_ID: u16 = 1 << 2;
/// All fourteen properties in wire order.
const ORDER: [u16; 14] = [
    CONTENT_TYPE,
    CONTENT_ENCODING,
    HEADERS,
    DELIVERY_MODE,
    PRIORITY,
    CORRELATION_ID,
    REPLY_TO,
    EXPIRATION,
    MESSAGE_ID,
    TIMESTAMP,
    TYPE,
    USER_ID,
    APP_ID,
    CLUSTER_ID,
];

/// What the broker itself needs of a message's properties; the rest travels as it came.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Properties<'a> {
    pub(crate) headers: Option<RawTable<'a>>,
    pub(crate) delivery_mode: Option<u8>,
    pub(crate) priority: Option<u8>,
    pub(crate) reply_to: Option<&'a [u8]>,
    pub(crate) expiration: Option<&'a [u8]>,
    pub(crate) user_id: Option<&'a [u8]>,
    pub(crate) message_id: Option<&'a [u8]>,
}

impl<'a> Properties<'a> {
    /// Reads flags and values; every byte must belong to a property.
    pub(crate) fn scan(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut found = Self::default();
        for_each(bytes, |flag, value| match flag {
            HEADERS => found.headers = value.get(4..).map(RawTable),
            DELIVERY_MODE => found.delivery_mode = value.first().copied(),
            PRIORITY => found.priority = value.first().copied(),
            REPLY_TO => found.reply_to = value.get(1..),
            EXPIRATION => found.expiration = value.get(1..),
            USER_ID => found.user_id = value.get(1..),
            MESSAGE_ID => found.message_id = value.get(1..),
            _ => {}
        })?;
        Ok(found)
    }

    /// Delivery mode 2.
    pub(crate) fn persistent(&self) -> bool {
        self.delivery_mode == Some(2)
    }
}

fn for_each<'a>(bytes: &'a [u8], mut visit: impl FnMut(u16, &'a [u8])) -> Result<(), Malformed> {
    let mut reader = Reader(bytes);
    let flags = reader.u16()?;
    if flags & 0b11 != 0 {
        // Bit 0 announces more flags, bit 1 no property: nothing in AMQP 0-9-1 uses either.
        return Err(Malformed);
    }
    for flag in ORDER.into_iter().filter(|flag| flags & flag != 0) {
        let start = reader.0;
        match flag {
            HEADERS => drop(reader.long_bytes()?),
            DELIVERY_MODE | PRIORITY => drop(reader.u8()?),
            TIMESTAMP => drop(reader.u64()?),
            _ => drop(reader.short_bytes()?),
        }
        let length = start.len() - reader.0.len();
        visit(flag, start.get(..length).ok_or(Malformed)?);
    }
    if reader.is_empty() {
        Ok(())
    } else {
        Err(Malformed)
    }
}

/// A change to a property list.
#[derive(Debug, Default)]
pub(crate) struct Edit<'a> {
    /// New entries of the header table; an empty list removes nothing but leaves an empty table.
    pub(crate) headers: Option<&'a [u8]>,
    pub(crate) reply_to: Option<&'a [u8]>,
    pub(crate) drop_expiration: bool,
}

/// Appends the properties with the change made; everything else byte for byte.
pub(crate) fn rewrite(bytes: &[u8], edit: &Edit<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
    let mut values: [Option<&[u8]>; 14] = [None; 14];
    for_each(bytes, |flag, value| {
        if let Some(slot) = slot_of(flag).and_then(|slot| values.get_mut(slot)) {
            *slot = Some(value);
        }
    })?;
    let mut headers = Vec::new();
    if let Some(entries) = edit.headers {
        write_long_bytes(&mut headers, entries);
        set(&mut values, HEADERS, Some(&headers));
    }
    let mut reply_to = Vec::new();
    if let Some(address) = edit.reply_to {
        reply_to.push(u8::try_from(address.len()).map_err(|_| Malformed)?);
        reply_to.extend_from_slice(address);
        set(&mut values, REPLY_TO, Some(&reply_to));
    }
    if edit.drop_expiration {
        set(&mut values, EXPIRATION, None);
    }
    let flags = ORDER.iter().zip(&values).fold(
        0,
        |all, (flag, value)| {
            if value.is_some() { all | flag } else { all }
        },
    );
    out.extend_from_slice(&flags.to_be_bytes());
    for value in values.into_iter().flatten() {
        out.extend_from_slice(value);
    }
    Ok(())
}

fn slot_of(flag: u16) -> Option<usize> {
    ORDER.iter().position(|known| *known == flag)
}

fn set<'a>(values: &mut [Option<&'a [u8]>; 14], flag: u16, value: Option<&'a [u8]>) {
    if let Some(slot) = slot_of(flag).and_then(|slot| values.get_mut(slot)) {
        *slot = value;
    }
}

/// The fixed part of a content header: class, body size, and the property bytes.
pub(crate) fn split_header(payload: &[u8]) -> Result<(u16, u64, &[u8]), Malformed> {
    let mut reader = Reader(payload);
    let class = reader.u16()?;
    reader.u16()?;
    let size = reader.u64()?;
    Ok((class, size, reader.0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// content-type "t", delivery-mode 2, expiration "60".
    const SAMPLE: &[u8] = &[0b1001_0001, 0, 1, b't', 2, 2, b'6', b'0'];

    #[test]
    fn the_needed_properties_are_found() {
        let found = Properties::scan(SAMPLE).unwrap();
        assert!(found.persistent());
        assert_eq!(found.expiration, Some(&b"60"[..]));
        assert!(found.headers.is_none());
    }

    #[test]
    fn every_truncation_is_malformed() {
        for cut in 0..SAMPLE.len() {
            assert!(
                Properties::scan(&SAMPLE[..cut]).is_err(),
                "accepted at {cut}"
            );
        }
        assert!(
            Properties::scan(&[SAMPLE, &[0]].concat()).is_err(),
            "trailing byte accepted"
        );
    }

    #[test]
    fn an_edit_keeps_what_it_does_not_name() {
        let mut out = Vec::new();
        let edit = Edit {
            reply_to: Some(b"me"),
            drop_expiration: true,
            ..Edit::default()
        };
        rewrite(SAMPLE, &edit, &mut out).unwrap();
        assert_eq!(out, [0b1001_0010, 0, 1, b't', 2, 2, b'm', b'e']);
    }
}
