//! Tests of the engine over a channel of their own.
