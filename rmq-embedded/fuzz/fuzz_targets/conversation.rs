#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use rmq_embedded_fuzz::{feed, recorded};

/// A change to the conversation; a place is taken modulo its length.
#[derive(Arbitrary, Debug)]
enum Edit<'a> {
    Set(u16, u8),
    Remove(u16, u8),
    Insert(u16, &'a [u8]),
    Repeat { from: u16, length: u8, at: u16 },
    Truncate(u16),
}

fn apply(bytes: &mut Vec<u8>, edit: &Edit<'_>) {
    if bytes.is_empty() {
        return;
    }
    let place = |at: u16| usize::from(at) % bytes.len();
    match *edit {
        Edit::Set(at, byte) => {
            let at = place(at);
            bytes[at] = byte;
        }
        Edit::Remove(at, count) => {
            let at = place(at);
            let end = (at + usize::from(count)).min(bytes.len());
            bytes.drain(at..end);
        }
        Edit::Insert(at, new) => {
            let at = place(at);
            bytes.splice(at..at, new.iter().copied());
        }
        Edit::Repeat { from, length, at } => {
            let (from, at) = (place(from), place(at));
            let end = (from + usize::from(length)).min(bytes.len());
            let again = bytes[from..end].to_vec();
            bytes.splice(at..at, again);
        }
        Edit::Truncate(at) => {
            let at = place(at);
            bytes.truncate(at);
        }
    }
}

fuzz_target!(|edits: Vec<Edit<'_>>| {
    let mut bytes = recorded();
    for edit in &edits {
        apply(&mut bytes, edit);
    }
    feed(&bytes);
});
