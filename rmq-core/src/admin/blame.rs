//! Which declaration a lost link is told of. Pure.

use crate::error::Place;
use crate::topology::Declaration;
use crate::transport::{TransportError, TransportErrorKind};

use super::error::{AdminErrorKind, DeclarationError};
use super::explain::explain;

/// A declaration of a layer that failed.
#[derive(Debug)]
pub(super) struct Failed<'d> {
    /// Its place in the layer.
    pub(super) at: usize,
    pub(super) declaration: Declaration<'d>,
    pub(super) error: TransportError,
    /// Whether the broker may have seen it: it had a channel.
    pub(super) sent: bool,
}

/// What failed in one layer, told in the order of the declarations.
///
/// The broker answers some mistakes by closing the connection, and does not say which declaration it means: where
/// several were on their way they are told as one error that names them all, for most of them are innocent.
pub(super) fn told(mut failed: Vec<Failed<'_>>) -> Vec<DeclarationError> {
    failed.sort_by_key(|failure| failure.at);
    let (suspects, mut others): (Vec<_>, Vec<_>) = failed
        .into_iter()
        .partition(|failure| failure.sent && is_blaming(&failure.error));
    if !suspects.is_empty() {
        // These were not sent, for the link had gone: it is the suspects' doing.
        others.retain(|failure| failure.sent || !ends_link(&failure.error));
    }
    let mut all: Vec<_> = others
        .iter()
        .map(|failure| {
            let (subject, place) = subject(failure.declaration);
            (failure.at, explain(subject, place.clone(), &failure.error))
        })
        .collect();
    if let Some(first) = suspects.first() {
        let (alone, place) = subject(first.declaration);
        let subject = if suspects.len() == 1 {
            alone
        } else {
            one_of(&suspects)
        };
        all.push((first.at, explain(subject, place.clone(), &first.error)));
        all.sort_by_key(|(at, _)| *at);
    }
    all.into_iter().map(|(_, error)| error).collect()
}

fn one_of(suspects: &[Failed<'_>]) -> String {
    let each = suspects.iter().map(|suspect| {
        let (subject, place) = subject(suspect.declaration);
        format!("{subject} ({place})")
    });
    let names: Vec<_> = each.collect();
    format!("one of {}", names.join(", "))
}

/// Whether nothing more can be declared on this link. The broker answers some mistakes, such as an unknown type of
/// exchange, by closing the connection.
pub(super) fn ends_link(error: &TransportError) -> bool {
    !matches!(error.kind, TransportErrorKind::ChannelClosed(_))
}

/// Whether the broker closed the connection because of something that was sent on it: not when it was lost (0), nor
/// when a person closed it (320).
fn is_blaming(error: &TransportError) -> bool {
    matches!(error.kind, TransportErrorKind::ConnectionClosed(code) if !matches!(code, 0 | 320))
}

/// A declaration whose turn did not come before the deadline.
pub(super) fn never_sent(declaration: &Declaration<'_>) -> DeclarationError {
    let (subject, place) = subject(*declaration);
    DeclarationError {
        kind: AdminErrorKind::Deadline,
        sentence: format!(
            "{subject} was not declared: other declarations were under way until the deadline, and nothing was sent"
        ),
        subject,
        place: place.clone(),
        difference: None,
        fix: "declare it again, or give the admin a longer timeout".to_owned(),
    }
}

/// What is declared and where it was written.
fn subject(declaration: Declaration<'_>) -> (String, &Place) {
    match declaration {
        Declaration::Exchange(exchange) => {
            (format!("exchange `{}`", exchange.name()), exchange.place())
        }
        Declaration::Queue(queue) => (format!("queue `{}`", queue.name()), queue.place()),
        Declaration::Binding(binding) => (binding.to_string(), binding.place()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::AdminErrorKind;
    use crate::topology::Exchange;

    fn failed(at: usize, exchange: &Exchange, kind: TransportErrorKind, sent: bool) -> Failed<'_> {
        Failed {
            at,
            declaration: Declaration::Exchange(exchange),
            error: TransportError {
                kind,
                doing: "declare".to_owned(),
                text: "the broker's words".to_owned(),
            },
            sent,
        }
    }

    #[test]
    fn a_closed_connection_is_told_once_with_all_who_were_on_their_way() {
        let exchanges: Vec<_> = ["a", "b", "c", "d"].map(Exchange::topic).into();
        let closed = TransportErrorKind::ConnectionClosed(503);
        let all = told(vec![
            failed(2, &exchanges[2], closed, true),
            failed(3, &exchanges[3], closed, false),
            failed(1, &exchanges[1], closed, true),
            failed(
                0,
                &exchanges[0],
                TransportErrorKind::ChannelClosed(406),
                true,
            ),
        ]);
        let subjects: Vec<_> = all.iter().map(|error| error.subject.as_str()).collect();
        assert_eq!(subjects.len(), 2, "{subjects:?}");
        assert_eq!(subjects[0], "exchange `a`");
        assert!(
            subjects[1].starts_with("one of exchange `b` (")
                && subjects[1].contains("), exchange `c` (")
                && !subjects[1].contains("`d`"),
            "{subjects:?}"
        );
        assert_eq!(all[1].kind, AdminErrorKind::Unsupported);
        assert!(all[1].sentence.contains("the broker's words"));
    }

    #[test]
    fn one_that_was_alone_is_told_alone_and_a_lost_link_blames_nobody() {
        let exchanges: Vec<_> = ["a", "b"].map(Exchange::topic).into();
        let closed = TransportErrorKind::ConnectionClosed(503);
        let all = told(vec![failed(0, &exchanges[0], closed, true)]);
        assert_eq!(all[0].subject, "exchange `a`");
        let lost = TransportErrorKind::ConnectionClosed(0);
        let all = told(vec![
            failed(0, &exchanges[0], lost, true),
            failed(1, &exchanges[1], lost, false),
        ]);
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|error| error.kind.is_transient()));
    }
}
