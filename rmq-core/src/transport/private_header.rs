//! The header that finds a returned message's entry: `<generation>.<tag>`.
//!
//! For messages whose id is the user's: it may be anything, or the same twice. Where the id is ours, the id finds it.

use bytes::{BufMut, BytesMut};

use crate::message::{PRIVATE_HEADER, table};

/// One channel's header, written but for the tag.
#[derive(Debug)]
pub(super) struct PrivateHeader {
    generation: u64,
    /// Name and type.
    name: Vec<u8>,
    /// `<generation>.`
    value: String,
}

impl PrivateHeader {
    pub(super) fn new(generation: u64) -> Self {
        let mut name = BytesMut::new();
        table::write_short(&mut name, PRIVATE_HEADER);
        name.put_u8(b'S');
        Self {
            generation,
            name: name.to_vec(),
            value: format!("{generation}."),
        }
    }

    /// Appends it to a header table.
    pub(super) fn write(&self, out: &mut BytesMut, tag: u64) {
        let mut digits = [0; 20];
        let mut start = digits.len();
        let mut rest = tag;
        for place in digits.iter_mut().rev() {
            *place = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            start -= 1;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        let digits = digits.get(start..).unwrap_or_default();
        out.put_slice(&self.name);
        out.put_u32(u32::try_from(self.value.len() + digits.len()).unwrap_or(u32::MAX));
        out.put_slice(self.value.as_bytes());
        out.put_slice(digits);
    }

    /// The tag in a returned message's header table, if the message was published by this channel.
    pub(super) fn tag(&self, headers: &[u8]) -> Option<u64> {
        let value = table::find_text(headers, PRIVATE_HEADER)?;
        let (generation, tag) = std::str::from_utf8(value).ok()?.split_once('.')?;
        (generation.parse() == Ok(self.generation)).then_some(())?;
        tag.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_as_it_was_written_by_its_own_generation_alone() {
        let header = PrivateHeader::new(17);
        for tag in [0, 1, 9, 10, 4711, u64::MAX] {
            let mut table = BytesMut::new();
            table::write_field(&mut table, "x-tenant", &"acme".into());
            header.write(&mut table, tag);
            assert_eq!(header.tag(&table), Some(tag));
            assert_eq!(PrivateHeader::new(1).tag(&table), None);
        }
        assert_eq!(header.tag(&[]), None);
    }
}
