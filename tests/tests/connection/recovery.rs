//! A connection comes back, and nothing is given out before the topology stands.

use std::time::Duration;

use rmq_core::admin::RabbitAdmin;
use rmq_core::connection::{ConnectErrorKind, ConnectionState, Purpose};
use rmq_core::topology::{Binding, Declarables, Exchange, Queue};
use rmq_tests::broker::{Node, NodeConfig, Release, announced, unique};

use crate::support::{
    connection, ends, guest, is_open, login, reopened, settings, soon, state, topology,
};

fn orders() -> Declarables {
    Declarables::new()
        .with(Exchange::topic("orders"))
        .with(Queue::named("orders.created"))
        .with(
            Binding::queue("orders.created")
                .to("orders")
                .with("order.created"),
        )
}

async fn a_killed_broker_is_found_again_with_its_topology_restored(release: Release) {
    let node = Node::start(release, NodeConfig::default()).unwrap();
    let settings = settings(vec![guest(&node.address())]);
    let publishing = connection(settings.clone(), Purpose::Publishing);
    let admin_connection = connection(settings, Purpose::Admin);
    let admin = RabbitAdmin::new(admin_connection.clone(), topology(&orders()));
    admin.declare_on_open(&publishing);
    ends("to start", publishing.start(soon())).await.unwrap();
    ends("to start", admin_connection.start(soon()))
        .await
        .unwrap();
    let lease = ends("a lease", publishing.lease(soon())).await.unwrap();

    admin.delete_queue("orders.created").await.unwrap();
    admin.delete_queue("orders.created.dlq").await.unwrap();
    admin.delete_exchange("orders").await.unwrap();
    node.kill();
    let cause = ends("the lease to end", lease.closed()).await;
    assert!(cause.link);
    let gone = |state: &ConnectionState| matches!(state, ConnectionState::Recovering { attempt, .. } if *attempt > 0);
    let lost = state(&publishing, "to try again", gone).await;
    assert!(lost.last_error().is_some());
    // Waits through the outage.
    let waiting = publishing.clone();
    let waiting = tokio::spawn(async move { waiting.lease(soon()).await });
    node.restart().unwrap();

    let lease = ends("a lease", waiting).await.unwrap().unwrap();
    assert_eq!(lease.connection_generation(), 2);
    // The publishing connection's own declarations are seen from the admin's, which may come back later.
    reopened(&admin_connection, 2).await;
    for queue in ["orders.created", "orders.created.dlq"] {
        let info = admin.queue_info(queue).await.unwrap();
        assert!(info.is_some(), "{queue} is not there");
    }
    assert_eq!(
        (publishing.health().opened, publishing.health().lost),
        (2, 1)
    );
}

async fn a_password_that_is_changed_under_way_is_shown_and_the_old_one_works_again_later(
    release: Release,
) {
    let node = Node::start(release, NodeConfig::default()).unwrap();
    node.rabbitmqctl(&["add_user", "clerk", "first"]).unwrap();
    node.rabbitmqctl(&["set_permissions", "clerk", ".*", ".*", ".*"])
        .unwrap();
    let address = login(&node.address(), "clerk", "first", "/");
    let connection = connection(settings(vec![address]), Purpose::Publishing);
    ends("to start", connection.start(soon())).await.unwrap();

    node.rabbitmqctl(&["change_password", "clerk", "second"])
        .unwrap();
    node.rabbitmqctl(&["close_all_connections", "maintenance"])
        .unwrap();
    let refused = |state: &ConnectionState| {
        let error = state.last_error();
        error.is_some_and(|error| error.kind == ConnectErrorKind::Authentication && error.permanent)
    };
    state(&connection, "to be refused", refused).await;
    // It is not given up: a lease still waits, and the right password opens it again.
    node.rabbitmqctl(&["change_password", "clerk", "first"])
        .unwrap();
    state(&connection, "to be open again", is_open).await;
}

/// However often the link is replaced: one link at a time, and each lease of one works.
async fn a_connection_that_is_lost_again_and_again_leaves_nothing_behind(release: Release) {
    let broker = announced(release).unwrap();
    let mut settings = settings(vec![guest(broker.address())]);
    settings.name = unique("again");
    settings.back_off.initial = Duration::from_millis(1);
    settings.back_off.max = Duration::from_millis(2);
    let name = settings.name.clone();
    let connection = connection(settings, Purpose::Consuming);
    ends("to start", connection.start(soon())).await.unwrap();
    let rounds = if std::env::var_os("RMQ_TEST_FULL").is_some() {
        1_000
    } else {
        100
    };
    for generation in 1..=rounds {
        let lease = ends("a lease", connection.lease(soon())).await.unwrap();
        assert_eq!(lease.connection_generation(), generation);
        connection.replace(generation, "a test");
        // A second word about the same link, or about one that is long gone, changes nothing.
        connection.replace(generation, "a test");
        connection.replace(generation - 1, "a test");
        ends("the lease to end", lease.closed()).await;
    }
    reopened(&connection, rounds + 1).await;
    assert_eq!(connection.health().lost, rounds);
    let all = broker.rabbitmqctl(&["list_connections", "client_properties"]);
    let open = all.unwrap().matches(&name).count();
    assert_eq!(open, 1, "links that were left open");
}

crate::support::on_both! {
    a_connection_that_is_lost_again_and_again_leaves_nothing_behind,
    a_killed_broker_is_found_again_with_its_topology_restored,
}

mod once {
    use rmq_tests::broker::Release;

    mod rabbit3 {
        use super::Release;

        #[tokio::test(flavor = "multi_thread")]
        async fn a_password_that_is_changed_under_way_is_shown_and_the_old_one_works_again_later() {
            super::super::a_password_that_is_changed_under_way_is_shown_and_the_old_one_works_again_later(Release::V3).await;
        }
    }
}
