//! The topology of a program on real brokers: mismatches told whole, dead letters handed over, exclusive queues.

use std::time::Duration;

use rmq_core::admin::{AdminError, AdminErrorKind, RabbitAdmin};
use rmq_core::connection::{ConnectErrorKind, Purpose};
use rmq_core::message::Message;
use rmq_core::name::Name;
use rmq_core::topology::{Binding, Declarables, Exchange, Queue};
use rmq_core::transport::Settlement;
use rmq_tests::broker::{Release, announced, unique};

use crate::support::{admin, connection, ends, guest, settings, soon, topology};

async fn every_mismatch_is_told_at_start_with_both_values_and_nothing_is_deleted(release: Release) {
    let broker = announced(release).unwrap();
    let (limited, kind, exchange) = (unique("limited"), unique("kind"), unique("exchange"));
    let there = Declarables::new()
        .with(Queue::classic(&limited).max_length(5).dead_letter("none"))
        .with(Queue::classic(&kind).dead_letter("none"))
        .with(Exchange::direct(&exchange));
    let by_hand = admin(broker.address(), &Declarables::new()).await;
    by_hand.declare(&there).await.unwrap();

    let untouched = unique("untouched");
    let asked = Declarables::new()
        .with(Exchange::topic(&exchange))
        .with(Queue::classic(&limited).max_length(10).dead_letter("none"))
        .with(Queue::quorum(&kind).dead_letter("none"))
        .with(Queue::classic(&untouched).dead_letter("none"));
    let connection = connection(settings(vec![guest(broker.address())]), Purpose::Admin);
    let _admin = RabbitAdmin::new(connection.clone(), topology(&asked));
    let error = ends("to fail", connection.start(soon())).await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Setup);
    let setup = error.setup_error().unwrap();
    let setup = setup.downcast_ref::<AdminError>().unwrap();
    assert_eq!(setup.kind(), AdminErrorKind::Mismatch);
    let found: Vec<_> = setup.declarations().iter().collect();
    assert_eq!(found.len(), 3, "{setup}");
    let differs = |at: usize| {
        let failed = found.get(at).unwrap();
        let difference = failed.difference.clone().unwrap();
        (
            failed.subject.clone(),
            difference.argument,
            difference.there,
            difference.asked,
        )
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        differs(0),
        (
            format!("exchange `{exchange}`"),
            "type".to_owned(),
            some("direct"),
            some("topic")
        )
    );
    assert_eq!(
        differs(1),
        (
            format!("queue `{limited}`"),
            "x-max-length".to_owned(),
            some("5"),
            some("10")
        )
    );
    let (subject, argument, ..) = differs(2);
    assert_eq!(subject, format!("queue `{kind}`"));
    assert!(argument.starts_with("x-"), "{setup}");
    let text = error.to_string();
    assert!(
        text.contains("asked for `10`") && text.contains("topology.rs:"),
        "{text}"
    );
    // What was there is there, and what was right was declared between the wrong ones.
    for queue in [&limited, &kind, &untouched] {
        assert!(
            by_hand.queue_info(queue).await.unwrap().is_some(),
            "{queue}"
        );
    }
    for queue in [&limited, &kind, &untouched] {
        by_hand.delete_queue(queue).await.unwrap();
    }
    by_hand.delete_exchange(&exchange).await.unwrap();
}

/// The broker stops the whole connection for this one.
async fn a_type_of_exchange_that_the_broker_does_not_know_is_told_and_does_not_hang(
    release: Release,
) {
    let broker = announced(release).unwrap();
    let name = unique("custom");
    let asked = Declarables::new()
        .with(Exchange::custom(&name, "x-no-such-type"))
        .with(Queue::classic(unique("after")).dead_letter("none"));
    let connection = connection(settings(vec![guest(broker.address())]), Purpose::Admin);
    let _admin = RabbitAdmin::new(connection.clone(), topology(&asked));
    let error = ends("to fail", connection.start(soon())).await.unwrap_err();
    let setup = error.setup_error().unwrap();
    let setup = setup.downcast_ref::<AdminError>().unwrap();
    assert_eq!(setup.kind(), AdminErrorKind::Unsupported, "{setup}");
    assert!(setup.to_string().contains("x-no-such-type"), "{setup}");
}

async fn a_plain_queue_hands_its_dead_letters_over_at_least_once(release: Release) {
    let broker = announced(release).unwrap();
    let queue = unique("plain");
    let declared = Declarables::new().with(Queue::named(&queue));
    let admin = admin(broker.address(), &declared).await;
    let connection = connection(settings(vec![guest(broker.address())]), Purpose::Publishing);
    ends("to start", connection.start(soon())).await.unwrap();
    let lease = connection.lease(soon()).await.unwrap();
    let name = Name::try_from(queue.as_str()).unwrap();
    lease
        .publish(&Name::default(), &name, &Message::new("dead"), true, 1)
        .unwrap();
    let got = ends("the message", async {
        loop {
            if let Some(got) = lease.get(&name, false, soon()).await.unwrap() {
                return got;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let got = got.await;
    lease
        .settle(got.delivery.tag(), Settlement::Reject)
        .unwrap();
    let dead_letters = format!("{queue}.dlq");
    ends("the dead letter", async {
        loop {
            let info = admin.queue_info(&dead_letters).await.unwrap().unwrap();
            if info.messages == 1 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    for queue in [&queue, &dead_letters] {
        admin.delete_queue(queue).await.unwrap();
    }
}

async fn an_exclusive_queue_belongs_to_the_consuming_connection_alone(release: Release) {
    let broker = announced(release).unwrap();
    let (queue, exchange) = (unique("mine"), unique("news"));
    let declared = Declarables::new()
        .with(Exchange::fanout(&exchange).transient().auto_delete(true))
        .with(Queue::classic(&queue).exclusive(true).transient())
        .with(Binding::queue(&queue).to(&exchange));
    let settings = settings(vec![guest(broker.address())]);
    let consuming = connection(settings.clone(), Purpose::Consuming);
    let admin_connection = connection(settings.clone(), Purpose::Admin);
    let admin = RabbitAdmin::new(admin_connection.clone(), topology(&declared));
    admin.declare_on_open(&consuming);
    // The admin first: it must not take the queue for itself.
    ends("to start", admin_connection.start(soon()))
        .await
        .unwrap();
    assert_eq!(admin.queue_info(&queue).await.unwrap(), None);
    ends("to start", consuming.start(soon())).await.unwrap();
    let error = admin.queue_info(&queue).await.unwrap_err();
    assert_eq!(error.kind(), AdminErrorKind::Locked, "{error}");
    let lease = consuming.lease(soon()).await.unwrap();
    let name = Name::try_from(queue.as_str()).unwrap();
    lease.get(&name, true, soon()).await.unwrap();
    // A second program is told that it is locked, and waits for the owner to go.
    let second = connection(settings, Purpose::Consuming);
    let other = RabbitAdmin::new(admin_connection.clone(), topology(&declared));
    other.declare_on_open(&second);
    let mut state = second.state();
    let starting = second.clone();
    let start = tokio::spawn(async move { starting.start(soon()).await });
    let seen = ends(
        "to be locked out",
        state.wait_for(|state| state.last_error().is_some()),
    )
    .await;
    let seen = seen.unwrap().last_error().unwrap().clone();
    assert!(seen.text.contains("405") && !seen.permanent, "{seen}");
    ends("to close", consuming.close(soon())).await;
    ends("to start", start).await.unwrap().unwrap();
}

async fn an_exclusive_queue_is_not_declared_by_hand(release: Release) {
    let broker = announced(release).unwrap();
    let admin = admin(broker.address(), &Declarables::new()).await;
    let queue = Queue::classic(unique("mine")).exclusive(true);
    let error = admin.declare_queue(queue).await.unwrap_err();
    assert!(
        error.to_string().contains("consuming connection"),
        "{error}"
    );
}

/// One connection may rely on what another has declared, but only after its own link was opened.
async fn what_was_declared_before_a_link_was_opened_is_declared_again(release: Release) {
    let broker = announced(release).unwrap();
    let queue = unique("twice");
    let declared = Declarables::new().with(Queue::classic(&queue).dead_letter("none"));
    let settings = settings(vec![guest(broker.address())]);
    let first = connection(settings.clone(), Purpose::Admin);
    let second = connection(settings, Purpose::Publishing);
    let admin = RabbitAdmin::new(first.clone(), topology(&declared));
    admin.declare_on_open(&second);
    ends("to start", first.start(soon())).await.unwrap();
    admin.delete_queue(&queue).await.unwrap();
    ends("to start", second.start(soon())).await.unwrap();
    assert!(admin.queue_info(&queue).await.unwrap().is_some());
    // And again by hand, for a listener that misses it.
    admin.delete_queue(&queue).await.unwrap();
    admin.declare_topology().await.unwrap();
    assert!(admin.queue_info(&queue).await.unwrap().is_some());
    admin.delete_queue(&queue).await.unwrap();
}

/// Three connections and many declarations: at full size 1,000 queues with 3 bindings each.
async fn a_large_topology_stands_before_three_connections_are_open(release: Release) {
    let broker = announced(release).unwrap();
    let count = if std::env::var_os("RMQ_TEST_FULL").is_some() {
        1_000
    } else {
        100
    };
    let exchange = unique("many");
    let mut declared = Declarables::new().with(Exchange::topic(&exchange));
    let names: Vec<String> = (0..count).map(|at| format!("{exchange}.{at}")).collect();
    for name in &names {
        // Quorum queues of this number would take the broker longer than the test.
        declared.add(Queue::classic(name).dead_letter("none"));
        for key in ["a.#", "b.*", "c"] {
            declared.add(Binding::queue(name).to(&exchange).with(key));
        }
    }
    let settings = settings(vec![guest(broker.address())]);
    let connections = [Purpose::Publishing, Purpose::Consuming, Purpose::Admin]
        .map(|purpose| connection(settings.clone(), purpose));
    let [publishing, consuming, own] = connections;
    let admin = RabbitAdmin::new(own.clone(), topology(&declared));
    admin.declare_on_open(&publishing);
    admin.declare_on_open(&consuming);
    let began = std::time::Instant::now();
    let (one, two, three) = ends("to start", async {
        tokio::join!(
            publishing.start(soon()),
            consuming.start(soon()),
            own.start(soon())
        )
    })
    .await;
    one.and(two).and(three).unwrap();
    println!(
        "{count} queues, {} bindings, three connections: {:?}",
        3 * count,
        began.elapsed()
    );
    for name in &names {
        assert_eq!(admin.delete_queue(name).await.unwrap(), 0);
    }
    admin.delete_exchange(&exchange).await.unwrap();
}

/// On the broker in the process: many mistakes at once.
mod embedded {
    use rmq_embedded::EmbeddedBroker;

    use super::*;

    const MANY: usize = 30;

    fn queues(kind: fn(String) -> Queue) -> Declarables {
        let each = (0..MANY).map(|at| kind(format!("kind.{at}")).dead_letter("none"));
        each.fold(Declarables::new(), Declarables::with)
    }

    /// More than the connection may have channels: each failed one gives its place back.
    #[tokio::test]
    async fn by_hand_every_mismatch_of_many_is_told() {
        let broker = EmbeddedBroker::start().await.unwrap();
        let by_hand = admin(&broker.address().to_string(), &Declarables::new()).await;
        by_hand.declare(&queues(Queue::classic)).await.unwrap();
        let error = by_hand.declare(&queues(Queue::quorum)).await.unwrap_err();
        assert_eq!(error.kind(), AdminErrorKind::Mismatch, "{error}");
        let mismatches = error.declarations().iter();
        let mismatches = mismatches.filter(|failed| failed.kind == AdminErrorKind::Mismatch);
        assert_eq!(mismatches.count(), MANY, "{error}");
    }

    /// A channel number of its own is all that there is: it comes free a moment after its channel has failed.
    #[tokio::test]
    async fn at_start_every_mismatch_is_told_over_a_single_channel() {
        let broker = EmbeddedBroker::builder().channel_max(2).start();
        let broker = broker.await.unwrap();
        let address = broker.address().to_string();
        let first = admin(&address, &queues(Queue::classic)).await;
        assert!(first.queue_info("kind.0").await.unwrap().is_some());
        let connection = connection(settings(vec![guest(&address)]), Purpose::Admin);
        let _admin = RabbitAdmin::new(connection.clone(), topology(&queues(Queue::quorum)));
        let error = ends("to fail", connection.start(soon())).await.unwrap_err();
        let setup = error.setup_error().unwrap();
        let setup = setup.downcast_ref::<AdminError>().unwrap();
        let mismatches = setup.declarations().iter();
        let mismatches = mismatches.filter(|failed| failed.kind == AdminErrorKind::Mismatch);
        assert_eq!(mismatches.count(), MANY, "{setup}");
    }

    /// The broker closes the connection and does not say whom it means: the innocent are not told as faults of their own.
    #[tokio::test]
    async fn a_connection_closed_under_many_declarations_is_one_fault() {
        let broker = EmbeddedBroker::start().await.unwrap();
        let asked = (0..MANY).map(|at| Exchange::topic(format!("good.{at}")));
        let asked = asked.fold(Declarables::new(), Declarables::with);
        let asked = asked.with(Exchange::custom("good.00", "x-no-such-type"));
        let connection = connection(
            settings(vec![guest(&broker.address().to_string())]),
            Purpose::Admin,
        );
        let _admin = RabbitAdmin::new(connection.clone(), topology(&asked));
        let error = ends("to fail", connection.start(soon())).await.unwrap_err();
        let setup = error.setup_error().unwrap();
        let setup = setup.downcast_ref::<AdminError>().unwrap();
        assert_eq!(setup.kind(), AdminErrorKind::Unsupported, "{setup}");
        assert_eq!(setup.declarations().len(), 1, "{setup}");
        assert!(setup.to_string().contains("`good.00`"), "{setup}");
    }
}

crate::support::on_both! {
    what_was_declared_before_a_link_was_opened_is_declared_again,
    a_large_topology_stands_before_three_connections_are_open,
    every_mismatch_is_told_at_start_with_both_values_and_nothing_is_deleted,
    a_type_of_exchange_that_the_broker_does_not_know_is_told_and_does_not_hang,
    a_plain_queue_hands_its_dead_letters_over_at_least_once,
    an_exclusive_queue_belongs_to_the_consuming_connection_alone,
    an_exclusive_queue_is_not_declared_by_hand,
}
