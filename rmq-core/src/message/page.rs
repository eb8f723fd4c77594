//! Memory for what is small and short-lived: bodies and ids on their way out.
//!
//! They are made by the thread that publishes and dropped by the one that reads the verdict. Memory that is taken on one
//! thread and given back on another is what an allocator does worst: it was a tenth of the cost of a publish. So they
//! share a page, which goes back when the last of them is dropped.

use std::cell::Cell;
use std::thread::LocalKey;

use bytes::{Bytes, BytesMut};

/// What is larger has memory of its own.
pub(crate) const LARGEST: usize = 1024;

/// What one of them can keep from going back: little, and those who keep one for long [detach](detached) it.
const SIZE: usize = 8 * 1024;

/// A page with room. Bodies and ids have one each, for who keeps an id shall not keep bodies.
#[derive(Debug, Default)]
pub(crate) struct Page(BytesMut);

/// A copy of these bytes, on the page of this thread if they are few.
pub(crate) fn copy(page: &'static LocalKey<Cell<Page>>, bytes: &[u8]) -> Bytes {
    if bytes.len() > LARGEST {
        return Bytes::copy_from_slice(bytes);
    }
    let Page(mut room) = page.take();
    if room.capacity() < bytes.len() {
        room = BytesMut::with_capacity(SIZE);
    }
    room.extend_from_slice(bytes);
    let copy = room.split().freeze();
    page.set(Page(room));
    copy
}

/// The same in memory of its own, if it may be on a page.
pub(crate) fn detached(bytes: Bytes) -> Bytes {
    if bytes.len() > LARGEST {
        bytes
    } else {
        Bytes::copy_from_slice(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    thread_local! {
        static PAGE: Cell<Page> = Cell::default();
    }

    #[test]
    fn copies_share_a_page_and_say_what_was_copied() {
        let words: Vec<Vec<u8>> = (0..1_000).map(|n: usize| vec![n as u8; n % 300]).collect();
        let copies: Vec<Bytes> = words.iter().map(|word| copy(&PAGE, word)).collect();
        assert_eq!(copies, words);
        let neighbours = copies.windows(2).filter(|pair| match pair {
            [left, right] => left.as_ptr().wrapping_add(left.len()) == right.as_ptr(),
            _ => false,
        });
        assert!(neighbours.count() > 900, "most have a neighbour");
    }

    #[test]
    fn a_detached_copy_is_elsewhere_and_a_large_one_was_never_on_a_page() {
        let small = copy(&PAGE, b"small");
        let detached = detached(small.clone());
        assert_eq!(detached, small);
        assert_ne!(detached.as_ptr(), small.as_ptr());
        let large = copy(&PAGE, &[7; LARGEST + 1]);
        let kept = super::detached(large.clone());
        assert_eq!(kept.as_ptr(), large.as_ptr());
    }
}
