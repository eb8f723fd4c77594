//! Every wait has a deadline: a broker that accepts and then says nothing, at each step of the conversation.

use std::time::Duration;

use rmq_core::name::Name;
use rmq_core::time::Deadline;
use rmq_core::transport::{Link, LinkSettings, LinkState, TransportErrorKind};

use crate::fake::{self, Fake, OPEN, START_OK, TUNE_OK};
use crate::rig::{self, LONG, name, soon, verdict_sink};

const SHORT: Duration = Duration::from_millis(300);

/// Of a handshake, whose first steps are really made within it.
const HANDSHAKE: Duration = Duration::from_secs(3);

fn settings(fake: &Fake) -> LinkSettings {
    LinkSettings {
        handshake_timeout: HANDSHAKE,
        ..rig::settings(&fake.address())
    }
}

/// Says the first `said` things of the handshake.
async fn handshake_until(said: usize) {
    let fake = Fake::start().await;
    let opening = tokio::spawn(Link::open(settings(&fake)));
    let mut peer = fake.accept().await;
    if said > 0 {
        fake.start_with(&mut peer).await;
        peer.expect(START_OK).await;
    }
    if said > 1 {
        fake.tune(&mut peer).await;
        peer.expect(TUNE_OK).await;
        peer.expect(OPEN).await;
    }
    let error = tokio::time::timeout(LONG, opening)
        .await
        .unwrap()
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Deadline, "{error}");
    assert!(error.doing.contains(&fake.address()), "{error}");
    peer.until_gone().await;
}

#[tokio::test]
async fn a_broker_that_is_silent_before_start_is_given_up() {
    handshake_until(0).await;
}

#[tokio::test]
async fn a_broker_that_is_silent_before_tune_is_given_up() {
    handshake_until(1).await;
}

#[tokio::test]
async fn a_broker_that_is_silent_before_open_ok_is_given_up() {
    handshake_until(2).await;
}

#[tokio::test]
async fn an_opening_that_is_dropped_drops_its_socket() {
    let fake = Fake::start().await;
    let opening = tokio::spawn(Link::open(rig::settings(&fake.address())));
    let mut peer = fake.accept().await;
    opening.abort();
    peer.until_gone().await;
}

#[tokio::test]
async fn opening_a_channel_has_a_deadline() {
    let fake = Fake::start().await;
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    let error = link.open_channel(Deadline::after(SHORT)).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Deadline);
    // It opens after all: it is closed again, and its number is free.
    let late = peer.open_channel(false).await;
    assert_eq!(peer.expect(fake::CHANNEL_CLOSE).await.channel, late);
}

#[tokio::test]
async fn switching_confirms_on_has_a_deadline_and_closes_the_channel() {
    let fake = Fake::start().await;
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    let (sink, _told) = verdict_sink();
    let opening = tokio::spawn(async move {
        (
            link.open_publishing_channel(sink, Deadline::after(SHORT))
                .await,
            link,
        )
    });
    peer.open_channel(false).await;
    peer.expect(fake::CONFIRM_SELECT).await;
    let (opened, _link) = opening.await.unwrap();
    assert_eq!(opened.unwrap_err().kind, TransportErrorKind::Deadline);
    peer.expect(fake::CHANNEL_CLOSE).await;
}

#[tokio::test]
async fn a_control_call_that_misses_its_deadline_closes_its_channel() {
    let fake = Fake::start().await;
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    let opening = tokio::spawn(async move { (link.open_channel(soon()).await.unwrap(), link) });
    peer.open_channel(false).await;
    let (channel, _link) = opening.await.unwrap();
    let error = channel.qos(7, Deadline::after(SHORT)).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Deadline);
    peer.expect(fake::QOS).await;
    let number = peer.expect(fake::CHANNEL_CLOSE).await.channel;
    peer.send(&fake::method(number, fake::CHANNEL_CLOSE_OK, &[]))
        .await;
    assert!(channel.closed().await.by_us);
    assert_eq!(
        channel
            .get(&name("q"), true, soon())
            .await
            .unwrap_err()
            .kind,
        TransportErrorKind::ChannelClosed(0)
    );
}

#[tokio::test]
async fn a_get_that_misses_its_deadline_closes_its_channel() {
    let fake = Fake::start().await;
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    let opening = tokio::spawn(async move { (link.open_channel(soon()).await.unwrap(), link) });
    peer.open_channel(false).await;
    let (channel, _link) = opening.await.unwrap();
    let error = channel
        .get(&Name::from_static("q"), false, Deadline::after(SHORT))
        .await
        .unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Deadline);
    peer.expect(fake::GET).await;
    peer.expect(fake::CHANNEL_CLOSE).await;
}

#[tokio::test]
async fn a_channel_close_that_is_not_answered_drops_the_link() {
    let fake = Fake::start().await;
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    let opening = tokio::spawn(async move { (link.open_channel(soon()).await.unwrap(), link) });
    peer.open_channel(false).await;
    let (channel, link) = opening.await.unwrap();
    channel.close(Deadline::after(SHORT)).await;
    peer.until_gone().await;
    link.state()
        .wait_for(|state| matches!(state, LinkState::Closed(_)))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_goodbye_that_is_not_answered_drops_the_socket() {
    let fake = Fake::start().await;
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    link.close(Deadline::after(SHORT)).await;
    peer.expect(fake::CLOSE).await;
    peer.until_gone().await;
    let LinkState::Closed(cause) = link.state().borrow().clone() else {
        panic!()
    };
    assert!(cause.by_us && cause.link);
}

#[tokio::test]
async fn the_last_clone_of_a_link_says_goodbye() {
    let fake = Fake::start().await;
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    let clone = link.clone();
    drop(link);
    drop(clone);
    peer.expect(fake::CLOSE).await;
    peer.send(&fake::method(0, (10, 51), &[])).await;
    peer.until_gone().await;
}
