//! What a person does by hand.

use std::time::Duration;

use rmq_core::admin::{AdminErrorKind, QueueInfo, RabbitAdmin};
use rmq_core::connection::Purpose;
use rmq_core::message::Message;
use rmq_core::name::Name;
use rmq_core::topology::{Binding, Declarables, Exchange, Queue};
use rmq_tests::broker::{Release, announced, unique};

use crate::support::{admin, connection, ends, guest, settings, soon};

/// Waits until the broker says that of the queue.
async fn until(admin: &RabbitAdmin, queue: &str, wanted: &QueueInfo) {
    ends("to count", async {
        while admin.queue_info(queue).await.unwrap().as_ref() != Some(wanted) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

async fn a_queue_is_declared_asked_purged_and_deleted(release: Release) {
    let broker = announced(release).unwrap();
    let admin = admin(broker.address(), &Declarables::new()).await;
    let queue = unique("by-hand");
    assert_eq!(admin.queue_info(&queue).await.unwrap(), None);
    admin
        .declare_queue(Queue::classic(&queue).dead_letter("none"))
        .await
        .unwrap();
    // Again is no error.
    admin
        .declare_queue(Queue::classic(&queue).dead_letter("none"))
        .await
        .unwrap();

    let publisher = connection(settings(vec![guest(broker.address())]), Purpose::Publishing);
    ends("to start", publisher.start(soon())).await.unwrap();
    let lease = publisher.lease(soon()).await.unwrap();
    let name = Name::try_from(queue.as_str()).unwrap();
    for token in 0..3 {
        lease
            .publish(&Name::default(), &name, &Message::new("x"), true, token)
            .unwrap();
    }
    ends("a round trip", lease.round_trip(soon()))
        .await
        .unwrap();
    let full = QueueInfo {
        name,
        messages: 3,
        consumers: 0,
    };
    // The queue counts what has reached it, a moment after the channel's own answer.
    until(&admin, &queue, &full).await;
    let error = admin.delete_queue_if_idle(&queue).await.unwrap_err();
    assert_eq!(error.kind(), AdminErrorKind::InUse, "{error}");
    assert_eq!(admin.purge_queue(&queue).await.unwrap(), 3);
    assert_eq!(admin.delete_queue(&queue).await.unwrap(), 0);
    assert_eq!(admin.queue_info(&queue).await.unwrap(), None);
    assert_eq!(admin.delete_queue(&queue).await.unwrap(), 0, "gone is gone");
    let error = admin.purge_queue(&queue).await.unwrap_err();
    assert_eq!(error.kind(), AdminErrorKind::Missing, "{error}");
}

async fn a_binding_is_declared_and_removed(release: Release) {
    let broker = announced(release).unwrap();
    let admin = admin(broker.address(), &Declarables::new()).await;
    let (queue, exchange) = (unique("bound"), unique("source"));
    admin
        .declare_queue(Queue::classic(&queue).dead_letter("none"))
        .await
        .unwrap();
    let binding = || Binding::queue(&queue).to(&exchange).with("key");
    let missing = admin.declare_binding(binding()).await.unwrap_err();
    assert_eq!(missing.kind(), AdminErrorKind::Missing, "{missing}");
    admin
        .declare_exchange(Exchange::direct(&exchange))
        .await
        .unwrap();
    admin.declare_binding(binding()).await.unwrap();

    let publisher = connection(settings(vec![guest(broker.address())]), Purpose::Publishing);
    ends("to start", publisher.start(soon())).await.unwrap();
    let lease = publisher.lease(soon()).await.unwrap();
    let (from, key) = (
        Name::try_from(exchange.as_str()).unwrap(),
        Name::from_static("key"),
    );
    let publish = || {
        lease
            .publish(&from, &key, &Message::new("x"), false, 1)
            .unwrap()
    };
    publish();
    ends("a round trip", lease.round_trip(soon()))
        .await
        .unwrap();
    admin.remove_binding(&binding()).await.unwrap();
    admin.remove_binding(&binding()).await.unwrap();
    publish();
    ends("a round trip", lease.round_trip(soon()))
        .await
        .unwrap();
    assert_eq!(
        admin.purge_queue(&queue).await.unwrap(),
        1,
        "only the first was routed"
    );
    admin.delete_queue(&queue).await.unwrap();
    admin.delete_exchange(&exchange).await.unwrap();
    admin.delete_exchange(&exchange).await.unwrap();
}

async fn a_plain_queue_declared_by_hand_gets_its_dead_letter_queue_and_the_fault_of_another_is_told(
    release: Release,
) {
    let broker = announced(release).unwrap();
    let admin = admin(broker.address(), &Declarables::new()).await;
    let queue = unique("plain");
    admin.declare_queue(Queue::named(&queue)).await.unwrap();
    let dead_letters = format!("{queue}.dlq");
    assert!(admin.queue_info(&dead_letters).await.unwrap().is_some());
    let error = admin
        .declare_queue(Queue::named(&queue).delivery_limit(7))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), AdminErrorKind::Mismatch);
    let failed = error.declarations().first().unwrap();
    let difference = failed.difference.as_ref().unwrap();
    assert_eq!(
        (
            difference.argument.as_str(),
            difference.there.as_deref(),
            difference.asked.as_deref()
        ),
        ("x-delivery-limit", Some("20"), Some("7"))
    );
    let faults = admin
        .declare_queue(Queue::quorum("x").exclusive(true))
        .await
        .unwrap_err();
    assert_eq!(faults.kind(), AdminErrorKind::Invalid);
    assert!(!faults.faults().is_empty());
    for queue in [&queue, &dead_letters] {
        admin.delete_queue(queue).await.unwrap();
    }
}

/// The broker closes the connection for the declaration; the questions beside it only go down with it.
async fn a_question_is_not_told_the_fault_of_a_declaration_beside_it(release: Release) {
    let broker = announced(release).unwrap();
    let admin = admin(broker.address(), &Declarables::new()).await;
    let queue = unique("beside");
    let wrong = unique("wrong");
    // Whether a question is still open when the connection goes is the broker's haste: some rounds see it.
    for _ in 0..5 {
        let questions = (0..10).map(|_| admin.queue_info(&queue));
        let (declared, answers) = ends("both", async {
            tokio::join!(
                admin.declare_exchange(Exchange::custom(&wrong, "x-no-such-type")),
                futures_util::future::join_all(questions),
            )
        })
        .await;
        assert_eq!(declared.unwrap_err().kind(), AdminErrorKind::Unsupported);
        for answer in answers {
            if let Err(error) = answer {
                assert_eq!(error.kind(), AdminErrorKind::Connection, "{error}");
            }
        }
    }
}

/// Nor is a right declaration: it waits for its turn, and for the next connection.
async fn a_declaration_is_not_told_the_fault_of_another_beside_it(release: Release) {
    let broker = announced(release).unwrap();
    let admin = admin(broker.address(), &Declarables::new()).await;
    let (right, wrong) = (unique("right"), unique("wrong"));
    let mistake = || admin.declare_exchange(Exchange::custom(&wrong, "x-no-such-type"));
    let mistakes = (0..3).map(|_| mistake());
    let declarations =
        (0..10).map(|n| admin.declare_exchange(Exchange::topic(format!("{right}.{n}"))));
    let (refused, declared) = ends("both", async {
        tokio::join!(
            futures_util::future::join_all(mistakes),
            futures_util::future::join_all(declarations),
        )
    })
    .await;
    for end in refused {
        assert_eq!(end.unwrap_err().kind(), AdminErrorKind::Unsupported);
    }
    for end in declared {
        end.unwrap();
    }
}

crate::support::on_both! {
    a_declaration_is_not_told_the_fault_of_another_beside_it,
    a_question_is_not_told_the_fault_of_a_declaration_beside_it,
    a_queue_is_declared_asked_purged_and_deleted,
    a_binding_is_declared_and_removed,
    a_plain_queue_declared_by_hand_gets_its_dead_letter_queue_and_the_fault_of_another_is_told,
}
