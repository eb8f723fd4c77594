//! Declarations by hand take turns: against a broker that the tests script.

use std::sync::Arc;
use std::time::Duration;

use rmq_core::admin::{AdminErrorKind, RabbitAdmin};
use rmq_core::connection::Purpose;
use rmq_core::topology::{Declarables, Exchange};

use super::fake::{self, Fake, Peer};
use super::rig::{connection, soon};

const EXCHANGE_DECLARE: (u16, u16) = (40, 10);
const EXCHANGE_DECLARE_OK: (u16, u16) = (40, 11);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declaration_whose_turn_does_not_come_in_time_is_not_sent_and_says_so() {
    let fake = Fake::start().await;
    let connection = connection(&fake.address(), Purpose::Admin);
    let topology = Arc::new(Declarables::new().check().unwrap());
    let admin = RabbitAdmin::new(connection.clone(), topology);
    let (started, mut peer) = tokio::join!(connection.start(soon()), fake.greet());
    started.unwrap();
    let declare = |name: &'static str| {
        let admin = admin.clone();
        tokio::spawn(async move { admin.declare_exchange(Exchange::topic(name)).await })
    };
    let first = declare("first");
    peer.open_channel(false).await;
    let asked = peer.expect(EXCHANGE_DECLARE).await;

    let hasty = admin.clone().with_timeout(Duration::from_millis(50));
    let late = hasty.declare_exchange(Exchange::topic("late")).await;
    let late = late.unwrap_err();
    assert_eq!(late.kind(), AdminErrorKind::Deadline, "{late}");
    assert!(late.to_string().contains("nothing was sent"), "{late}");

    // It has left no trace on the wire: the next declaration is that of another.
    let third = declare("third");
    declared(&mut peer, asked.channel).await;
    first.await.unwrap().unwrap();
    peer.open_channel(false).await;
    let asked = peer.expect(EXCHANGE_DECLARE).await;
    let names = String::from_utf8_lossy(&asked.payload).into_owned();
    assert!(names.contains("third"), "{names}");
    declared(&mut peer, asked.channel).await;
    third.await.unwrap().unwrap();
}

/// Says that it is declared, and sees the channel closed.
async fn declared(peer: &mut Peer, channel: u16) {
    let declared = fake::method(channel, EXCHANGE_DECLARE_OK, &[]);
    peer.send(&declared).await;
    peer.expect(fake::CHANNEL_CLOSE).await;
    let closed = fake::method(channel, fake::CHANNEL_CLOSE_OK, &[]);
    peer.send(&closed).await;
}
