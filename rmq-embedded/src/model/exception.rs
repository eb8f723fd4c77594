//! What ends a channel or a connection, with RabbitMQ's codes and texts.

/// How far an exception reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Channel,
    Connection,
}

/// A close the client will be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exception {
    pub(crate) scope: Scope,
    pub(crate) code: u16,
    pub(crate) text: String,
}

/// Result of a method.
pub(crate) type Outcome<T = ()> = Result<T, Exception>;

impl Exception {
    /// An exception whose reach follows from its code, as in the AMQP specification.
    pub(crate) fn new(code: u16, explanation: impl AsRef<str>) -> Self {
        let scope = match code {
            311 | 313 | 403..=406 => Scope::Channel,
            _ => Scope::Connection,
        };
        Self {
            scope,
            code,
            text: format!("{} - {}", name_of(code), explanation.as_ref()),
        }
    }

    pub(crate) fn not_found(explanation: impl AsRef<str>) -> Self {
        Self::new(404, explanation)
    }

    pub(crate) fn access_refused(explanation: impl AsRef<str>) -> Self {
        Self::new(403, explanation)
    }

    pub(crate) fn resource_locked(explanation: impl AsRef<str>) -> Self {
        Self::new(405, explanation)
    }

    pub(crate) fn precondition_failed(explanation: impl AsRef<str>) -> Self {
        Self::new(406, explanation)
    }

    pub(crate) fn frame_error(explanation: impl AsRef<str>) -> Self {
        Self::new(501, explanation)
    }

    pub(crate) fn syntax_error(explanation: impl AsRef<str>) -> Self {
        Self::new(502, explanation)
    }

    pub(crate) fn command_invalid(explanation: impl AsRef<str>) -> Self {
        Self::new(503, explanation)
    }

    pub(crate) fn channel_error(explanation: impl AsRef<str>) -> Self {
        Self::new(504, explanation)
    }

    pub(crate) fn unexpected_frame(explanation: impl AsRef<str>) -> Self {
        Self::new(505, explanation)
    }

    pub(crate) fn not_allowed(explanation: impl AsRef<str>) -> Self {
        Self::new(530, explanation)
    }

    pub(crate) fn not_implemented(explanation: impl AsRef<str>) -> Self {
        Self::new(540, explanation)
    }
}

/// The name RabbitMQ puts before the explanation.
pub(crate) fn name_of(code: u16) -> &'static str {
    match code {
        311 => "CONTENT_TOO_LARGE",
        312 => "NO_ROUTE",
        313 => "NO_CONSUMERS",
        320 => "CONNECTION_FORCED",
        402 => "INVALID_PATH",
        403 => "ACCESS_REFUSED",
        404 => "NOT_FOUND",
        405 => "RESOURCE_LOCKED",
        406 => "PRECONDITION_FAILED",
        501 => "FRAME_ERROR",
        502 => "SYNTAX_ERROR",
        503 => "COMMAND_INVALID",
        504 => "CHANNEL_ERROR",
        505 => "UNEXPECTED_FRAME",
        506 => "RESOURCE_ERROR",
        530 => "NOT_ALLOWED",
        540 => "NOT_IMPLEMENTED",
        _ => "INTERNAL_ERROR",
    }
}

/// `text` cut to the 255 bytes a short string holds, at a character, with dots for the rest.
pub(crate) fn short_text(text: &str) -> String {
    if text.len() <= 255 {
        return text.to_owned();
    }
    let mut end = 252;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", text.get(..end).unwrap_or_default())
}
