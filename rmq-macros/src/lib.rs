//! The attributes and derives of rmq-core. Depend on `rmq-core`, which re-exports them.
