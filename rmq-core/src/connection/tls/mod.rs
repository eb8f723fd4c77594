//! TLS for links: what is trusted, who we are, and what is checked.
//!
//! Certificate and host name are verified unless the settings say otherwise in so many words.

mod client;
mod store;
mod verify;

pub use client::client_config;

#[cfg(test)]
mod tests;
