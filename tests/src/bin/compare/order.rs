//! What every contender sends: one struct, 256 bytes of JSON.

use serde::{Deserialize, Serialize};

/// An order whose JSON form has 256 bytes whatever its number.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// Always ten digits on the wire.
    pub id: u64,
    /// In cents.
    pub amount_cents: u64,
    /// Fills the body up.
    pub note: String,
}

const FIRST_ID: u64 = 1_000_000_000;

impl Order {
    /// The n-th order.
    pub fn new(n: u64) -> Self {
        Self {
            id: FIRST_ID + n,
            amount_cents: 10_950,
            note: "x".repeat(202),
        }
    }

    /// Its JSON form.
    pub fn json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }
}
