//! Publishing.

use std::time::Duration;

use super::super::reader::Reader;

/// Confirms, returns and the window (`publisher-*`, `publisher.*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublisherProperties {
    /// `publisher-returns`. Default: true. Without it `Ok` means confirmed only.
    pub returns: bool,
    /// `publisher.window.messages`. Default: 5,000.
    pub window_messages: u32,
    /// `publisher.window.size`, body bytes. Default: 64 MiB.
    pub window_bytes: u64,
    /// `publisher.window-timeout`: the wait for room in the window, or for a blocked broker. Default: 30 s.
    pub window_timeout: Duration,
    /// `publisher.confirm-timeout`: deadline of the verdict. Default: 60 s.
    pub confirm_timeout: Duration,
    /// `publisher.silence-timeout`: how long a channel with messages on it may be silent. Default: no limit of its own.
    pub silence_timeout: Option<Duration>,
    /// `publisher.return-grace`: how long after a reconnect a return is tried again. Default: 5 s.
    pub return_grace: Duration,
    /// `publisher.max-message-size`, bytes of body. Default: 128 MiB.
    pub max_message_size: u64,
    /// `publisher.callbacks.queue-capacity`. Default: 5,000.
    pub callback_queue: u32,
    /// `publisher.callbacks.concurrency`. Default: 64.
    pub callback_concurrency: u32,
    /// `publisher.callbacks.timeout`. Default: 60 s.
    pub callback_timeout: Duration,
}

pub(super) fn read(reader: &mut Reader<'_>) -> PublisherProperties {
    confirm_type(reader);
    let returns = reader
        .flag("publisher-returns")
        .is_none_or(|flag| flag.value);
    let mut reader = reader.section("publisher");
    let reader = &mut reader;
    PublisherProperties {
        returns,
        window_messages: count(reader, "window.messages"),
        window_bytes: bytes(reader, "window.size"),
        window_timeout: wait(reader, "window-timeout"),
        confirm_timeout: wait(reader, "confirm-timeout"),
        silence_timeout: reader.duration("silence-timeout").map(|wait| wait.value),
        return_grace: wait(reader, "return-grace"),
        max_message_size: bytes(reader, "max-message-size"),
        callback_queue: count(reader, "callbacks.queue-capacity"),
        callback_concurrency: count(reader, "callbacks.concurrency"),
        callback_timeout: wait(reader, "callbacks.timeout"),
    }
}

fn count(reader: &mut Reader<'_>, name: &str) -> u32 {
    reader
        .whole(name)
        .map(|count| count.value)
        .unwrap_or_default()
}

fn bytes(reader: &mut Reader<'_>, name: &str) -> u64 {
    reader.size(name).map(|size| size.value).unwrap_or_default()
}

fn wait(reader: &mut Reader<'_>, name: &str) -> Duration {
    reader
        .duration(name)
        .map(|wait| wait.value)
        .unwrap_or_default()
}

/// Every message is confirmed; the property can only say so.
fn confirm_type(reader: &mut Reader<'_>) {
    let types = [
        ("correlated", true),
        ("simple", true),
        ("true", true),
        ("none", false),
        ("false", false),
    ];
    let confirmed = reader.choice("publisher-confirm-type", &types);
    if confirmed.is_some_and(|confirmed| !confirmed.value) {
        let what =
            "is not supported yet without confirms: nobody would know what became of a message";
        reader.fault(
            "publisher-confirm-type",
            what,
            "write `correlated`, or leave it out",
        );
    }
}
