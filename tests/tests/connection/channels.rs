//! Channels on loan: bounded, given back, and never more than the broker allows.

use std::sync::Arc;
use std::time::Duration;

use rmq_core::connection::{ConnectErrorKind, Purpose};
use rmq_core::time::Deadline;
use rmq_tests::broker::{Node, NodeConfig, Release, announced};

use crate::support::{Deaf, connection, ends, guest, settings, soon};

async fn leases_are_bounded_and_a_freed_place_goes_to_one_who_waits(release: Release) {
    let broker = announced(release).unwrap();
    let mut settings = settings(vec![guest(broker.address())]);
    settings.channel_cache = 2;
    settings.checkout_timeout = Duration::from_millis(200);
    let connection = connection(settings, Purpose::Publishing);
    ends("to start", connection.start(soon())).await.unwrap();
    let first = connection.lease(soon()).await.unwrap();
    let second = connection.lease_publishing(Arc::new(Deaf), soon());
    let second = second.await.unwrap();
    assert_eq!(
        (
            connection.health().channels,
            connection.health().channel_bound
        ),
        (2, 2)
    );
    let error = connection.lease(soon()).await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::NoChannel);
    assert!(error.to_string().contains("cache.channel.size"), "{error}");
    // Dropping gives the place back once the broker has closed the channel.
    drop(first);
    drop(second);
    let again = connection.lease(soon()).await.unwrap();
    ends("a round trip", again.round_trip(soon()))
        .await
        .unwrap();
}

async fn a_channel_given_back_is_used_again_and_does_not_keep_out_another_kind(release: Release) {
    let broker = announced(release).unwrap();
    let mut settings = settings(vec![guest(broker.address())]);
    settings.channel_cache = 1;
    settings.checkout_timeout = Duration::from_secs(30);
    let connection = connection(settings, Purpose::Admin);
    ends("to start", connection.start(soon())).await.unwrap();
    let lease = connection.lease(soon()).await.unwrap();
    let generation = lease.generation();
    lease.give_back();
    assert_eq!(connection.health().channels, 0);
    let lease = connection.lease(soon()).await.unwrap();
    assert_eq!(lease.generation(), generation, "the same channel");
    lease.give_back();
    let publishing = connection.lease_publishing(Arc::new(Deaf), soon());
    let publishing = ends("a lease", publishing).await.unwrap();
    assert_ne!(publishing.generation(), generation);
}

async fn a_channel_given_back_goes_to_one_who_waits(release: Release) {
    let broker = announced(release).unwrap();
    let mut settings = settings(vec![guest(broker.address())]);
    settings.channel_cache = 1;
    let connection = connection(settings, Purpose::Admin);
    ends("to start", connection.start(soon())).await.unwrap();
    let held = connection.lease(soon()).await.unwrap();
    let mut waiting = std::pin::pin!(connection.lease(soon()));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    held.give_back();
    let lease = ends("the wait for a channel", waiting).await.unwrap();
    ends("a round trip", lease.round_trip(soon()))
        .await
        .unwrap();
}

/// The broker allows fewer than were asked for: the bound learns it, and nobody else is harmed.
async fn the_brokers_limit_is_a_wait_and_not_a_lost_connection(release: Release) {
    let config = NodeConfig::default().line("channel_max = 8");
    let node = Node::start(release, config).unwrap();
    let connection = connection(settings(vec![guest(&node.address())]), Purpose::Consuming);
    ends("to start", connection.start(soon())).await.unwrap();
    let mut leases = Vec::new();
    let error = loop {
        let lease = connection.lease(Deadline::after(Duration::from_secs(2)));
        match ends("a lease or its error", lease).await {
            Ok(lease) => leases.push(lease),
            Err(error) => break error,
        }
        assert!(leases.len() < 20, "the broker allows 8");
    };
    assert_eq!(error.kind(), ConnectErrorKind::NoChannel, "{error}");
    assert!((7..=8).contains(&leases.len()), "{}", leases.len());
    for lease in &leases {
        ends("a round trip", lease.round_trip(soon()))
            .await
            .unwrap();
    }
    drop(leases.pop());
    let again = ends("a lease", connection.lease(soon())).await.unwrap();
    ends("a round trip", again.round_trip(soon()))
        .await
        .unwrap();
    assert_eq!(connection.health().lost, 0);
}

/// A caller who goes away while its channel is being opened leaves nothing behind.
async fn abandoned_leases_leave_no_channel(release: Release) {
    let broker = announced(release).unwrap();
    let mut settings = settings(vec![guest(broker.address())]);
    settings.channel_cache = 4;
    settings.checkout_timeout = Duration::from_secs(30);
    let connection = connection(settings, Purpose::Publishing);
    ends("to start", connection.start(soon())).await.unwrap();
    for micros in 0..200_u64 {
        let lease = connection.lease(Deadline::after(Duration::from_micros(micros * 5)));
        drop(tokio::time::timeout(Duration::from_micros(micros * 3), lease).await);
    }
    // All four places can be had again.
    let mut leases = Vec::new();
    for _ in 0..4 {
        leases.push(ends("a lease", connection.lease(soon())).await.unwrap());
    }
    assert_eq!(connection.health().lost, 0);
}

crate::support::on_both! {
    leases_are_bounded_and_a_freed_place_goes_to_one_who_waits,
    a_channel_given_back_is_used_again_and_does_not_keep_out_another_kind,
    a_channel_given_back_goes_to_one_who_waits,
    the_brokers_limit_is_a_wait_and_not_a_lost_connection,
    abandoned_leases_leave_no_channel,
}
