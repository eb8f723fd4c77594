//! The template.

use std::time::Duration;

use super::super::reader::Reader;
use super::retry::{self, RetryProperties};

/// What is sent again when a connection or channel dies (`template.resend`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resend {
    /// Everything pending, under the same message id, until its deadline.
    #[default]
    UntilDeadline,
    /// Nothing: what is pending is then unknown.
    Never,
}

/// The template (`template.*`).
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateProperties {
    /// `template.mandatory`. Default: as `publisher-returns`.
    pub mandatory: bool,
    /// `template.receive-timeout`. Default: zero, no wait.
    pub receive_timeout: Duration,
    /// `template.reply-timeout`. Default: 5 s.
    pub reply_timeout: Duration,
    /// `template.exchange`. Default: empty, the default exchange.
    pub exchange: String,
    /// `template.routing-key`. Default: empty.
    pub routing_key: String,
    /// `template.default-receive-queue`. Default: none.
    pub default_receive_queue: Option<String>,
    /// `template.resend`. Default: until the deadline.
    pub resend: Resend,
    /// `template.retry.*`: also send nacked and transiently refused messages again. Default: off.
    pub retry: RetryProperties,
}

/// Reads the template's properties; `returns` is `publisher-returns`.
pub(super) fn read(reader: &mut Reader<'_>, returns: bool) -> TemplateProperties {
    let resends = [
        ("until-deadline", Resend::UntilDeadline),
        ("never", Resend::Never),
    ];
    let mandatory = reader.flag("mandatory").map(|flag| flag.value);
    if mandatory == Some(true) && !returns {
        reader.fault(
            "mandatory",
            "is true, and `publisher-returns` is false: nobody would be told of a return",
            "leave one of the two out",
        );
    }
    let text = |reader: &mut Reader<'_>, name| {
        reader.text(name).map(|text| text.value).unwrap_or_default()
    };
    let wait = |reader: &mut Reader<'_>, name| {
        reader
            .duration(name)
            .map(|wait| wait.value)
            .unwrap_or_default()
    };
    TemplateProperties {
        mandatory: mandatory.unwrap_or(returns),
        receive_timeout: wait(reader, "receive-timeout"),
        reply_timeout: wait(reader, "reply-timeout"),
        exchange: text(reader, "exchange"),
        routing_key: text(reader, "routing-key"),
        default_receive_queue: reader
            .word("default-receive-queue")
            .map(|queue| queue.value),
        resend: reader
            .choice("resend", &resends)
            .map(|resend| resend.value)
            .unwrap_or_default(),
        retry: retry::read(&mut reader.section("retry")),
    }
}
