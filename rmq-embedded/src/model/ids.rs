//! Ids of the broker's own making, and a map that hashes them cheaply.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A connection, unique for the life of the broker.
pub(crate) type ConnectionId = u64;
/// A queue, unique for the life of the broker; a queue declared again gets a new one.
pub(crate) type QueueId = u64;
/// A consumer, unique for the life of the broker.
pub(crate) type ConsumerId = u64;

/// Map keyed by small integers that no outsider chooses freely.
pub(crate) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Spreads an integer with one multiplication (Fibonacci hashing).
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u16(&mut self, value: u16) {
        self.write_u64(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        let mixed = (self.0 ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}
