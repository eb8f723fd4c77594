//! What a start says: at once where somebody must change something, with every address where nobody answers.

use std::future::Future;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rmq_core::connection::{
    AddressShuffle, ConnectErrorKind, Connection, ConnectionEvent, ConnectionState, HookError,
    NewLink, OpenHook, Purpose,
};
use rmq_core::error::OperationError;
use rmq_core::time::Deadline;
use rmq_tests::broker::{Release, announced};

use crate::support::{connection, ends, guest, login, settings, soon, state};

/// An address where nobody listens.
fn dead() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// An address that accepts and says nothing, as long as the listener lives.
fn silent() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

fn address_of(connection: &Connection) -> String {
    let state = connection.state().borrow().clone();
    state.connection().unwrap().address.clone()
}

async fn a_wrong_password_is_told_at_once(release: Release) {
    let broker = announced(release).unwrap();
    let wrong = login(broker.address(), "guest", "s3cret-and-wrong", "/");
    let connection = connection(settings(vec![wrong]), Purpose::Publishing);
    // No deadline would end this one.
    let error = ends(
        "to fail",
        connection.start(Deadline::after_or_never(Duration::ZERO)),
    );
    let error = error.await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Authentication, "{error}");
    assert!(!error.is_transient() && error.code() == "RMQ-CON-AUTHENTICATION");
    let shown = format!(
        "{error} {error:?} {connection:?} {:?}",
        connection.settings()
    );
    assert!(shown.contains(broker.address()) && shown.contains("password"));
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(matches!(
        *connection.state().borrow(),
        ConnectionState::Failed(_)
    ));
    // Whoever comes later hears the same, without waiting.
    let late = ends("to refuse", connection.lease(soon()))
        .await
        .unwrap_err();
    assert_eq!(late.kind(), ConnectErrorKind::Authentication);
}

async fn a_missing_virtual_host_is_told_at_once_and_apart(release: Release) {
    let broker = announced(release).unwrap();
    let missing = login(broker.address(), "guest", "guest", "no-such-vhost");
    let connection = connection(settings(vec![missing]), Purpose::Publishing);
    let error = ends("to fail", connection.start(soon())).await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::VirtualHost, "{error}");
    assert!(error.to_string().contains("add_vhost"), "{error}");
}

async fn a_dead_first_address_costs_a_try_and_nothing_else(release: Release) {
    let broker = announced(release).unwrap();
    let dead = dead();
    let addresses = vec![guest(&dead), guest(broker.address())];
    let connection = connection(settings(addresses), Purpose::Publishing);
    let mut events = connection.events();
    ends("to start", connection.start(soon())).await.unwrap();
    assert_eq!(address_of(&connection), broker.address());
    match events.recv().await.unwrap() {
        ConnectionEvent::AttemptFailed(error) => assert_eq!(error.address, dead),
        other => panic!("{other:?}"),
    }
    assert!(matches!(
        events.recv().await.unwrap(),
        ConnectionEvent::Opened(_)
    ));
}

async fn a_silent_first_address_is_left_at_the_handshake_deadline(release: Release) {
    let broker = announced(release).unwrap();
    let (_listener, silent) = silent();
    let mut settings = settings(vec![guest(&silent), guest(broker.address())]);
    settings.handshake_timeout = Duration::from_millis(300);
    let connection = connection(settings, Purpose::Consuming);
    ends("to start", connection.start(soon())).await.unwrap();
    assert_eq!(address_of(&connection), broker.address());
}

async fn an_address_with_a_login_of_its_own_is_tried_after_one_that_was_refused(release: Release) {
    let broker = announced(release).unwrap();
    let wrong = login(broker.address(), "guest", "wrong", "/");
    let connection = connection(
        settings(vec![wrong, guest(broker.address())]),
        Purpose::Admin,
    );
    ends("to start", connection.start(soon())).await.unwrap();
    connection.close(soon()).await;
}

async fn the_end_of_the_last_handle_is_the_end_of_the_connection(release: Release) {
    let broker = announced(release).unwrap();
    let connection = connection(settings(vec![guest(broker.address())]), Purpose::Admin);
    ends("to start", connection.start(soon())).await.unwrap();
    let mut state = connection.state();
    let second = connection.clone();
    drop(connection);
    assert!(matches!(
        *state.borrow_and_update(),
        ConnectionState::Open(_)
    ));
    drop(second);
    let ended = ends("to close", state.wait_for(ConnectionState::is_ended)).await;
    assert_eq!(*ended.unwrap(), ConnectionState::Closed);
}

async fn close_waits_for_the_end_and_whoever_comes_later_is_told(release: Release) {
    let broker = announced(release).unwrap();
    let connection = connection(settings(vec![guest(broker.address())]), Purpose::Admin);
    ends("to start", connection.start(soon())).await.unwrap();
    ends("to close", connection.close(soon())).await;
    assert_eq!(*connection.state().borrow(), ConnectionState::Closed);
    ends("to close again", connection.close(soon())).await;
    let late = ends("to refuse", connection.lease(soon()))
        .await
        .unwrap_err();
    assert_eq!(late.kind(), ConnectErrorKind::Closed);
}

#[tokio::test]
async fn the_start_deadline_names_every_address_with_its_last_error() {
    let dead = dead();
    let (_listener, silent) = silent();
    let mut settings = settings(vec![guest(&dead), guest(&silent)]);
    settings.handshake_timeout = Duration::from_millis(200);
    let connection = connection(settings, Purpose::Publishing);
    let deadline = Deadline::after(Duration::from_millis(700));
    let error = ends("to fail", connection.start(deadline))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Deadline);
    let tried: Vec<_> = error.attempts().iter().map(|a| a.address.clone()).collect();
    assert_eq!(tried, [dead, silent]);
    let kinds: Vec<_> = error.attempts().iter().map(|a| a.kind).collect();
    assert_eq!(
        kinds,
        [ConnectErrorKind::Unreachable, ConnectErrorKind::Deadline],
        "{error}"
    );
}

#[tokio::test]
async fn closing_while_connecting_and_before_starting_ends_it() {
    let connecting = connection(settings(vec![guest(&dead())]), Purpose::Publishing);
    let starting = connecting.clone();
    let start = tokio::spawn(async move { starting.start(soon()).await });
    let trying = |state: &ConnectionState| state.last_error().is_some();
    state(&connecting, "a failed try", trying).await;
    ends("to close", connecting.close(soon())).await;
    let error = ends("to fail", start).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Closed);

    let idle = connection(settings(vec![guest(&dead())]), Purpose::Publishing);
    ends("to close", idle.close(soon())).await;
    assert_eq!(*idle.state().borrow(), ConnectionState::Closed);
    let error = ends("to refuse", idle.start(soon())).await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Closed);
}

#[tokio::test]
async fn a_lease_ends_at_its_deadline_while_there_is_no_link_and_says_why() {
    let connection = connection(settings(vec![guest(&dead())]), Purpose::Publishing);
    let deadline = || Deadline::after(Duration::from_millis(50));
    let error = ends("to fail", connection.lease(deadline()))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("never started"), "{error}");
    let starting = connection.clone();
    let start = tokio::spawn(async move { starting.start(soon()).await });
    let trying = |state: &ConnectionState| state.last_error().is_some();
    state(&connection, "a failed try", trying).await;
    let error = ends("to fail", connection.lease(deadline()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Deadline);
    assert_eq!(error.attempts().len(), 1, "{error}");
    connection.close(soon()).await;
    start.await.unwrap().unwrap_err();
}

#[tokio::test]
async fn no_address_at_all_is_told_at_once() {
    let mut none = settings(Vec::new());
    none.shuffle = AddressShuffle::Random;
    let connection = connection(none, Purpose::Publishing);
    let error = ends("to fail", connection.start(soon())).await.unwrap_err();
    assert!(error.to_string().contains("rabbitmq.addresses"), "{error}");
}

/// Panics the first time, fails the second, and is content the third time.
struct Moody(AtomicUsize);

impl OpenHook for Moody {
    fn doing(&self) -> &'static str {
        "be content"
    }

    fn run<'a>(
        &'a self,
        link: &'a NewLink,
    ) -> Pin<Box<dyn Future<Output = Result<(), HookError>> + Send + 'a>> {
        Box::pin(async move {
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0 => panic!("moody"),
                1 => Err(HookError {
                    error: "not today".into(),
                    permanent: false,
                }),
                _ => {
                    let channel = link.open_channel(link.call_deadline()).await.unwrap();
                    channel.close(link.call_deadline()).await;
                    Ok(())
                }
            }
        })
    }
}

async fn a_hook_that_panics_or_fails_costs_the_link_and_is_tried_on_the_next(release: Release) {
    let broker = announced(release).unwrap();
    let connection = connection(settings(vec![guest(broker.address())]), Purpose::Admin);
    let mut events = connection.events();
    connection.on_open(Arc::new(Moody(AtomicUsize::new(0))));
    ends("to start", connection.start(soon())).await.unwrap();
    for expected in ["it panicked", "not today"] {
        match events.recv().await.unwrap() {
            ConnectionEvent::AttemptFailed(error) => {
                assert_eq!(error.kind, ConnectErrorKind::Setup);
                assert!(error.text.contains(expected), "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(connection.health().opened, 1, "nobody got the first two");
}

crate::support::on_both! {
    a_wrong_password_is_told_at_once,
    a_missing_virtual_host_is_told_at_once_and_apart,
    a_dead_first_address_costs_a_try_and_nothing_else,
    a_silent_first_address_is_left_at_the_handshake_deadline,
    an_address_with_a_login_of_its_own_is_tried_after_one_that_was_refused,
    the_end_of_the_last_handle_is_the_end_of_the_connection,
    close_waits_for_the_end_and_whoever_comes_later_is_told,
    a_hook_that_panics_or_fails_costs_the_link_and_is_tried_on_the_next,
}
