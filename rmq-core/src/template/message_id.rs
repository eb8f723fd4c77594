use bytes::Bytes;
use bytestring::ByteString;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// A new message id: a UUID of version 7 as text, so that ids of one program sort by time.
pub(super) fn new_message_id() -> ByteString {
    let mut text = [0; Hyphenated::LENGTH];
    Uuid::now_v7().hyphenated().encode_lower(&mut text);
    // One allocation, and clones share it.
    ByteString::try_from(Bytes::from_owner(text)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_of_version_7_as_text_and_later_ids_sort_behind() {
        let (first, second) = (new_message_id(), new_message_id());
        let version = Uuid::try_parse(&first).map(|uuid| uuid.get_version_num());
        assert_eq!(version, Ok(7));
        assert!(first < second);
    }
}
