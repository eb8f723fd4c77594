//! A broker under an alarm: publishers wait, others go on.

use std::sync::Arc;
use std::time::Duration;

use rmq_core::connection::{ConnectErrorKind, ConnectionEvent, ConnectionState, Purpose};
use rmq_core::message::Message;
use rmq_core::name::Name;
use rmq_core::time::Deadline;
use rmq_tests::broker::{Node, NodeConfig, Release};

use crate::support::{Deaf, connection, ends, guest, is_open, settings, soon, state};

async fn a_memory_alarm_blocks_publishers_until_it_ends(release: Release) {
    let node = Node::start(release, NodeConfig::default()).unwrap();
    let mut settings = settings(vec![guest(&node.address())]);
    settings.close_timeout = Duration::from_millis(50);
    let publishing = connection(settings.clone(), Purpose::Publishing);
    let consuming = connection(settings, Purpose::Consuming);
    ends("to start", publishing.start(soon())).await.unwrap();
    ends("to start", consuming.start(soon())).await.unwrap();
    let mut events = publishing.events();
    let lease = publishing.lease_publishing(Arc::new(Deaf), soon());
    let lease = ends("a lease", lease).await.unwrap();
    ends("not to wait", publishing.wait_unblocked(soon()))
        .await
        .unwrap();

    node.block().unwrap();
    // The broker says it only to one who publishes.
    let (exchange, key) = (Name::default(), Name::from_static("nowhere"));
    lease
        .publish(&exchange, &key, &Message::new("x"), false, 1)
        .unwrap();
    let blocked = |state: &ConnectionState| matches!(state, ConnectionState::Blocked { .. });
    state(&publishing, "to be blocked", blocked).await;
    let short = || Deadline::after(Duration::from_millis(50));
    let error = publishing.wait_unblocked(short()).await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Blocked);
    assert!(error.to_string().contains("memory"), "{error}");
    // Nothing is answered on such a connection, so nothing is asked.
    let error = publishing.lease(short()).await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Blocked);
    assert!(!publishing.health().is_up());
    // A close is not answered either: a lease that is dropped now must not cost the connection.
    ends("to give up waiting", lease.close(short())).await;
    // The other connection goes on.
    let other = ends("a lease", consuming.lease(soon())).await.unwrap();
    ends("a round trip", other.round_trip(soon()))
        .await
        .unwrap();

    let waiting = publishing.clone();
    let waiting = tokio::spawn(async move { waiting.wait_unblocked(soon()).await });
    node.unblock().unwrap();
    ends("to be unblocked", waiting).await.unwrap().unwrap();
    state(&publishing, "to be open again", is_open).await;
    assert_eq!(publishing.health().lost, 0);
    assert!(matches!(
        events.recv().await.unwrap(),
        ConnectionEvent::Blocked(_)
    ));
    assert_eq!(events.recv().await.unwrap(), ConnectionEvent::Unblocked);
}

async fn a_blocked_connection_closes_by_its_deadline(release: Release) {
    let node = Node::start(release, NodeConfig::default()).unwrap();
    let publishing = connection(settings(vec![guest(&node.address())]), Purpose::Publishing);
    ends("to start", publishing.start(soon())).await.unwrap();
    let lease = publishing.lease_publishing(Arc::new(Deaf), soon());
    let lease = ends("a lease", lease).await.unwrap();
    node.block().unwrap();
    let (exchange, key) = (Name::default(), Name::from_static("nowhere"));
    lease
        .publish(&exchange, &key, &Message::new("x"), false, 1)
        .unwrap();
    let blocked = |state: &ConnectionState| matches!(state, ConnectionState::Blocked { .. });
    state(&publishing, "to be blocked", blocked).await;
    let closing = publishing.close(Deadline::after(Duration::from_millis(300)));
    ends("to close", closing).await;
    assert_eq!(*publishing.state().borrow(), ConnectionState::Closed);
}

crate::support::on_both! {
    a_memory_alarm_blocks_publishers_until_it_ends,
}

mod once {
    mod rabbit3 {
        #[tokio::test(flavor = "multi_thread")]
        async fn a_blocked_connection_closes_by_its_deadline() {
            super::super::a_blocked_connection_closes_by_its_deadline(
                rmq_tests::broker::Release::V3,
            )
            .await;
        }
    }
}
