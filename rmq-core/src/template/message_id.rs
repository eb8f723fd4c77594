use std::cell::Cell;

use bytestring::ByteString;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use crate::message::page::{self, Page};

thread_local! {
    static IDS: Cell<Page> = Cell::default();
}

/// A new message id: a UUID of version 7, so that ids of one program sort by time.
pub(super) fn new_message_id() -> Uuid {
    Uuid::now_v7()
}

/// A message id as it travels.
pub(super) fn as_text(id: Uuid) -> ByteString {
    let mut text = [0; Hyphenated::LENGTH];
    id.hyphenated().encode_lower(&mut text);
    ByteString::try_from(page::copy(&IDS, &text)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_of_version_7_as_text_and_later_ids_sort_behind() {
        let (first, second) = (new_message_id(), new_message_id());
        assert_eq!(first.get_version_num(), 7);
        assert_eq!(Uuid::try_parse(&as_text(first)), Ok(first));
        assert!(as_text(first) < as_text(second));
    }
}
