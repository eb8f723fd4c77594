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
    /// `publisher.window-timeout`: the wait for room in the window. Default: 30 s.
    pub window_timeout: Duration,
    /// `publisher.blocked-timeout`: the wait while the broker blocks. Default: 30 s.
    pub blocked_timeout: Duration,
    /// `publisher.confirm-timeout`: deadline of the verdict. Default: 60 s.
    pub confirm_timeout: Duration,
    /// `publisher.return-grace`: how long after a reconnect a return is tried again. Default: 5 s.
    pub return_grace: Duration,
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
        window_messages: reader
            .whole("window.messages")
            .map(|count| count.value)
            .unwrap_or_default(),
        window_bytes: reader
            .size("window.size")
            .map(|size| size.value)
            .unwrap_or_default(),
        window_timeout: wait(reader, "window-timeout"),
        blocked_timeout: wait(reader, "blocked-timeout"),
        confirm_timeout: wait(reader, "confirm-timeout"),
        return_grace: wait(reader, "return-grace"),
    }
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
