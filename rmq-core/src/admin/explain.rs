//! From the broker's text to what a person needs to know. Pure.

use crate::error::Place;
use crate::transport::TransportError;

use super::error::{AdminErrorKind, DeclarationError, kind_of};

/// What is there differs from what was asked for. The broker names one difference, even if there are more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `durable`, `type`, `x-max-length` and so on.
    pub argument: String,
    /// What is there; `None` if it is not set there.
    pub there: Option<String>,
    /// What was asked for; `None` if nothing was.
    pub asked: Option<String>,
}

/// Reads `inequivalent arg 'A' for queue 'Q' in vhost 'V': received R but current is C`.
pub(super) fn difference(text: &str) -> Option<Difference> {
    let (_, rest) = text.split_once("inequivalent arg '")?;
    let (argument, rest) = rest.split_once("' for ")?;
    // A name may hold anything, so what follows it is found from the end.
    let received = rest.rfind("': received ")?;
    let rest = rest.get(received + "': received ".len()..)?;
    let (asked, there) = rest.rsplit_once(" but current is ")?;
    Some(Difference {
        argument: argument.to_owned(),
        there: value(there),
        asked: value(asked),
    })
}

/// `none`, `'x'`, or `the value 'x' of type 'longstr'`.
fn value(text: &str) -> Option<String> {
    let text = text.trim().trim_end_matches('.');
    if text == "none" {
        return None;
    }
    let text = text.strip_prefix("the value ").unwrap_or(text);
    let text = text
        .rsplit_once(" of type ")
        .map_or(text, |(value, _type)| value);
    let bare = text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''));
    Some(bare.unwrap_or(text).to_owned())
}

/// The whole story of a declaration that failed.
pub(super) fn explain(subject: String, place: Place, error: &TransportError) -> DeclarationError {
    let kind = kind_of(error);
    let difference = difference(&error.text);
    let sentence = match &difference {
        Some(difference) => mismatch(&subject, difference),
        None => format!("{subject}: {}", error.text),
    };
    DeclarationError {
        kind,
        fix: fix(kind, &subject).to_owned(),
        subject,
        place,
        difference,
        sentence,
    }
}

fn mismatch(subject: &str, difference: &Difference) -> String {
    let argument = &difference.argument;
    let what = if argument.contains('-') {
        "argument"
    } else {
        "property"
    };
    let there = match &difference.there {
        Some(value) => format!("is `{value}` there"),
        None => "is not set there".to_owned(),
    };
    let asked = match &difference.asked {
        Some(value) => format!("asked for `{value}`"),
        None => "and was not asked for".to_owned(),
    };
    format!("{what} `{argument}` of {subject} {there}, {asked}")
}

fn fix(kind: AdminErrorKind, subject: &str) -> &'static str {
    match kind {
        AdminErrorKind::Mismatch if subject.starts_with("queue") => {
            "declare it as it is there; or empty it, delete it by hand and start again; the broker names one difference \
             at a time"
        }
        AdminErrorKind::Mismatch => {
            "declare it as it is there; or delete it by hand and start again; the broker names one difference at a time"
        }
        AdminErrorKind::Unsupported => {
            "this release of the broker, or this type, does not take it; change the declaration"
        }
        AdminErrorKind::Missing => {
            "declare what it refers to, too, or wait for the program that does"
        }
        AdminErrorKind::Locked => {
            "another connection owns this exclusive queue; it is tried again until that connection has gone"
        }
        AdminErrorKind::Access => {
            "give the user the permission on the virtual host (`rabbitmqctl set_permissions`)"
        }
        AdminErrorKind::Connection | AdminErrorKind::Deadline => {
            "it is declared again on the next connection"
        }
        AdminErrorKind::Invalid | AdminErrorKind::InUse | AdminErrorKind::Refused => {
            "see the broker's log"
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::transport::TransportErrorKind;

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn texts_of_the_broker_are_read_into_what_is_there_and_what_was_asked() {
        for (text, argument, there, asked) in [
            (
                "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but current is 'true'",
                "durable",
                some("true"),
                some("false"),
            ),
            (
                "PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received the value '10' of type 'long' but current is none",
                "x-max-length",
                None,
                some("10"),
            ),
            (
                "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'a' in vhost 'v': received none but current is the value '1000' of type 'signedint'",
                "x-message-ttl",
                some("1000"),
                None,
            ),
            (
                "inequivalent arg 'type' for exchange 'e' in vhost '/': received 'topic' but current is 'direct'",
                "type",
                some("direct"),
                some("topic"),
            ),
            (
                "inequivalent arg 'x-queue-type' for queue 'it': received none but current is 'x' in vhost '/': received the value 'a' of type 'longstr' but current is the value 'b' of type 'longstr'",
                "x-queue-type",
                some("b"),
                some("a"),
            ),
        ] {
            let found = difference(text).unwrap();
            assert_eq!(
                (found.argument.as_str(), found.there, found.asked),
                (argument, there, asked),
                "{text}"
            );
        }
    }

    #[test]
    fn another_text_is_not_taken_for_a_difference() {
        assert_eq!(
            difference("PRECONDITION_FAILED - queue 'q' in vhost '/' in use"),
            None
        );
        assert_eq!(difference("inequivalent arg 'x"), None);
        assert_eq!(difference(""), None);
    }

    #[test]
    fn a_mismatch_says_what_is_there_what_was_asked_and_what_to_do() {
        let error = TransportError {
            kind: TransportErrorKind::ChannelClosed(406),
            doing: "declare queue `q`".to_owned(),
            text: "406 PRECONDITION_FAILED - inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received none but current is the value '10' of type 'long'".to_owned(),
        };
        let place = Place::file("rabbit.yml", 3, 5);
        let explained = explain("queue `q`".to_owned(), place, &error);
        assert_eq!(explained.kind, AdminErrorKind::Mismatch);
        assert_eq!(
            explained.sentence,
            "argument `x-max-length` of queue `q` is `10` there, and was not asked for"
        );
        assert!(
            explained
                .to_string()
                .starts_with("rabbit.yml:3:5: argument")
        );
        assert!(explained.fix.contains("delete it by hand"));
    }
}
