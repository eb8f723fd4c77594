//! `rabbit.yml`, the environment and profiles, read into plain structs.
//!
//! One table knows every property: its type, unit, range, our default and Spring's, and whether
//! it works. It checks the file, reads the environment, fills in the defaults and writes
//! `docs/properties.md`. All faults are told at once, each with file, line and column; no line of
//! a file is ever printed, and a secret never shows.
//!
//! Only [`load()`] reads files, and only [`process_environment`] reads the environment.

mod collect;
mod doubts;
mod duration;
mod environment;
mod expand;
mod key;
mod load;
mod merge_key;
mod origin;
mod page;
mod path;
mod placeholder;
mod profile;
mod property;
mod reader;
mod root;
mod secret;
mod size;
mod source;
mod table;
mod tree;
mod typed;
mod unsafe_choice;
mod values;
mod yaml;

pub use self::key::is_same_name;
pub(crate) use self::load::read_files;
pub use self::load::{FileSearch, load, process_environment};
pub use self::origin::{Origin, Setting};
pub use self::page::properties_page;
pub use self::secret::Secret;
pub(crate) use self::source::read_text;
pub use self::source::{Sources, from_str};
pub use self::typed::{
    AcknowledgeMode, Address, Concurrency, ConnectionProperties, Credentials, DeadLetterSource,
    ExecutorProperties, ListenerProperties, ListenerSettings, OnFailure, Origins,
    PublisherProperties, RabbitProperties, RecoveryProperties, RejectionPolicy, Resend,
    RetryProperties, SaslMechanism, ShuffleMode, SslProperties, StoreProperties, StoreType,
    TemplateProperties, TlsVersion,
};
pub use self::unsafe_choice::UnsafeSetting;

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
pub(crate) mod tests;
