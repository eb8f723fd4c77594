use uuid::Uuid;

/// A name that no other test and no other run uses: `unique("orders")` gives `orders-0192f...`.
#[must_use]
pub fn unique(what: &str) -> String {
    format!("{what}-{}", Uuid::now_v7().simple())
}
