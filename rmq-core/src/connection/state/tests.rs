//! The whole table: every state against every move.

use std::time::SystemTime;

use super::super::{AttemptError, ConnectError, ConnectErrorKind};
use super::*;

fn error(text: &str) -> AttemptError {
    AttemptError {
        address: "h:1".to_owned(),
        kind: ConnectErrorKind::Unreachable,
        text: text.to_owned(),
        permanent: false,
    }
}

fn open(generation: u64) -> OpenConnection {
    OpenConnection {
        generation,
        address: "h:1".to_owned(),
        product: "RabbitMQ".to_owned(),
        version: "4".to_owned(),
    }
}

fn failed() -> ConnectError {
    ConnectError::new(ConnectErrorKind::Deadline, "too late")
}

fn states() -> Vec<ConnectionState> {
    vec![
        ConnectionState::Idle,
        ConnectionState::Connecting {
            attempt: 3,
            last_error: None,
        },
        ConnectionState::Open(open(1)),
        ConnectionState::Blocked {
            connection: open(1),
            reason: "memory".to_owned(),
            since: SystemTime::UNIX_EPOCH,
        },
        ConnectionState::Recovering {
            attempt: 2,
            last_error: error("lost"),
            since: SystemTime::UNIX_EPOCH,
        },
        ConnectionState::Closing,
        ConnectionState::Closed,
        ConnectionState::Failed(failed()),
    ]
}

fn moves() -> Vec<Move> {
    let at = SystemTime::now();
    vec![
        Move::Try,
        Move::TryFailed(error("refused")),
        Move::Opened(open(2)),
        Move::Blocked {
            reason: "disk".to_owned(),
            at,
        },
        Move::Unblocked,
        Move::Lost {
            cause: error("gone"),
            at,
        },
        Move::Close,
        Move::Closed,
        Move::Fail(failed()),
    ]
}

/// One row for each state, one column for each move, in the order of [`states`] and [`moves`]; `-` stays.
const TABLE: &[(&str, [&str; 9])] = &[
    (
        "idle",
        [
            "connecting",
            "-",
            "-",
            "-",
            "-",
            "-",
            "closing",
            "-",
            "failed",
        ],
    ),
    (
        "connecting",
        [
            "connecting",
            "connecting",
            "open",
            "-",
            "-",
            "-",
            "closing",
            "-",
            "failed",
        ],
    ),
    (
        "open",
        [
            "-",
            "-",
            "-",
            "blocked",
            "-",
            "recovering",
            "closing",
            "-",
            "-",
        ],
    ),
    (
        "blocked",
        [
            "-",
            "-",
            "-",
            "blocked",
            "open",
            "recovering",
            "closing",
            "-",
            "-",
        ],
    ),
    (
        "recovering",
        [
            "recovering",
            "recovering",
            "open",
            "-",
            "-",
            "-",
            "closing",
            "-",
            "-",
        ],
    ),
    (
        "closing",
        ["-", "-", "-", "-", "-", "-", "-", "closed", "-"],
    ),
    ("closed", ["-", "-", "-", "-", "-", "-", "-", "-", "-"]),
    ("failed", ["-", "-", "-", "-", "-", "-", "-", "-", "-"]),
];

#[test]
fn every_state_answers_every_move_as_the_table_says() {
    assert_eq!(states().len(), TABLE.len());
    for (state, (name, row)) in states().iter().zip(TABLE) {
        assert_eq!(state.as_str(), *name);
        for (happened, expected) in moves().into_iter().zip(row) {
            let shown = format!("{happened:?}");
            let next = state.after(happened);
            let next = next.as_ref().map_or("-", ConnectionState::as_str);
            assert_eq!(next, *expected, "{name} and {shown}");
        }
    }
}

#[test]
fn tries_are_counted_and_the_last_error_is_kept_through_the_next_try() {
    let state = ConnectionState::Idle.after(Move::Try);
    let state = state.and_then(|state| state.after(Move::TryFailed(error("refused"))));
    let state = state.and_then(|state| state.after(Move::Try));
    let expected = ConnectionState::Connecting {
        attempt: 2,
        last_error: Some(error("refused")),
    };
    assert_eq!(state, Some(expected));
}

#[test]
fn a_lost_connection_counts_from_nothing_and_says_since_when_through_every_try() {
    let at = SystemTime::UNIX_EPOCH;
    let lost = Move::Lost {
        cause: error("gone"),
        at,
    };
    let state = ConnectionState::Open(open(1)).after(lost);
    let state = state.and_then(|state| state.after(Move::Try));
    let state = state.and_then(|state| state.after(Move::TryFailed(error("refused"))));
    let expected = ConnectionState::Recovering {
        attempt: 1,
        last_error: error("refused"),
        since: at,
    };
    assert_eq!(state, Some(expected));
}

#[test]
fn blocked_keeps_its_beginning_when_the_reason_changes_and_its_connection_when_it_ends() {
    let first = SystemTime::UNIX_EPOCH;
    let blocked = |reason: &str, at| Move::Blocked {
        reason: reason.to_owned(),
        at,
    };
    let state = ConnectionState::Open(open(7)).after(blocked("memory", first));
    let state = state.and_then(|state| state.after(blocked("disk", SystemTime::now())));
    let expected = ConnectionState::Blocked {
        connection: open(7),
        reason: "disk".to_owned(),
        since: first,
    };
    assert_eq!(state, Some(expected.clone()));
    let unblocked = expected.after(Move::Unblocked);
    assert_eq!(unblocked, Some(ConnectionState::Open(open(7))));
}
