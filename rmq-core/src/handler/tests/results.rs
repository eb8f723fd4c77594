use std::time::Duration;

use super::*;
use crate::error::BoxError;
use crate::message::Value;

#[derive(Debug, thiserror::Error)]
enum OrderError {
    #[error("the card was declined")]
    Declined,
    #[error("billing failed")]
    Wrapped(#[source] BoxError),
    #[error(transparent)]
    Through(BoxError),
}

fn failure_of(error: impl Into<BoxError>) -> FailureKind {
    match Err::<(), BoxError>(error.into()).into_outcome() {
        Outcome::Failed(failure) => failure.kind(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn any_error_is_retryable() {
    assert_eq!(failure_of("no"), FailureKind::Retryable);
    assert_eq!(failure_of(OrderError::Declined), FailureKind::Retryable);
}

#[test]
fn fatal_and_retry_after_are_found_anywhere_in_the_chain() {
    let fatal = || BoxError::from(Fatal::new(OrderError::Declined));
    assert_eq!(failure_of(fatal()), FailureKind::Fatal);
    assert_eq!(failure_of(OrderError::Wrapped(fatal())), FailureKind::Fatal);
    // `transparent` passes `source()` through, and so hides the wrapper itself.
    assert_eq!(failure_of(OrderError::Through(fatal())), FailureKind::Fatal);
    let after = Duration::from_secs(3);
    let later = || BoxError::from(RetryAfter::new(after, "busy"));
    assert_eq!(failure_of(later()), FailureKind::RetryAfter(after));
    assert_eq!(
        failure_of(OrderError::Through(later())),
        FailureKind::RetryAfter(after)
    );
    // The outermost decides.
    assert_eq!(
        failure_of(Fatal::new(RetryAfter::new(after, "busy"))),
        FailureKind::Fatal
    );
}

#[test]
fn the_text_of_a_wrapped_error_is_kept() {
    let fatal = Fatal::new(OrderError::Declined);
    assert_eq!(
        fatal.to_string(),
        "not to be tried again: the card was declined"
    );
    let later = RetryAfter::new(Duration::from_secs(3), OrderError::Declined);
    assert_eq!(
        later.to_string(),
        "to be tried again after 3s: the card was declined"
    );
}

#[derive(Debug)]
struct Endless;

impl std::fmt::Display for Endless {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("endless")
    }
}

impl std::error::Error for Endless {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&Self)
    }
}

#[test]
fn a_chain_that_never_ends_does_not_hold_the_consumer() {
    assert_eq!(failure_of(Endless), FailureKind::Retryable);
}

#[test]
fn results_become_outcomes() {
    assert!(matches!(
        ().into_outcome(),
        Outcome::Settled(Acknowledgement::Ack)
    ));
    assert!(matches!(
        Acknowledgement::Requeue.into_outcome(),
        Outcome::Settled(Acknowledgement::Requeue)
    ));
    assert!(matches!(
        Ok::<_, BoxError>(Acknowledgement::Reject).into_outcome(),
        Outcome::Settled(Acknowledgement::Reject)
    ));
    let Outcome::Reply(reply) =
        Ok::<_, BoxError>(Reply::new(5).header("x-a", 1_i32)).into_outcome()
    else {
        panic!("no reply");
    };
    let message = reply.into_message(&JsonConverter).unwrap();
    assert_eq!(&message.body()[..], b"5");
    assert_eq!(message.header("x-a"), Some(&Value::I32(1)));
    assert_eq!(
        message.properties().content_type(),
        Some("application/json")
    );
}
