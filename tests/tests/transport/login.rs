//! What goes over the wire at login and when a secret is renewed, and links that are not TCP.

use rmq_core::message::Message;
use rmq_core::transport::{
    Credentials, Link, LinkSettings, LinkState, Target, TransportErrorKind, Verdict,
};

use crate::fake::{self, Fake, Frame, OPEN, START_OK, TUNE_OK};
use crate::rig::{self, Publisher, queue, soon};

fn holds(frame: &Frame, bytes: &[u8]) -> bool {
    frame
        .payload
        .windows(bytes.len())
        .any(|window| window == bytes)
}

async fn start_ok(credentials: Credentials) -> Frame {
    let fake = Fake::start().await;
    let settings = LinkSettings {
        credentials,
        name: "orders service".into(),
        ..rig::settings(&fake.address())
    };
    let opening = tokio::spawn(Link::open(settings));
    let mut peer = fake.accept().await;
    fake.start_with(&mut peer).await;
    let start_ok = peer.expect(START_OK).await;
    fake.tune(&mut peer).await;
    peer.expect(TUNE_OK).await;
    peer.expect(OPEN).await;
    opening.abort();
    start_ok
}

#[tokio::test]
async fn the_real_login_goes_out_under_our_name() {
    let plain = Credentials::Plain {
        username: "user".into(),
        password: "pässword".into(),
    };
    let frame = start_ok(plain).await;
    assert!(holds(&frame, b"\x05PLAIN") && holds(&frame, "\0user\0pässword".as_bytes()));
    assert!(
        holds(&frame, b"orders service")
            && holds(&frame, b"rmq")
            && holds(&frame, b"authentication_failure_close")
    );
    let frame = start_ok(Credentials::External).await;
    assert!(holds(&frame, b"\x08EXTERNAL\0\0\0\0\x05en_US"));
}

#[tokio::test]
async fn the_lower_of_what_both_want_is_agreed_on() {
    let fake = Fake {
        heartbeat: 30,
        frame_max: 8_192,
        channel_max: 100,
        ..Fake::start().await
    };
    let opening = tokio::spawn(Link::open(rig::settings(&fake.address())));
    let mut peer = fake.accept().await;
    fake.start_with(&mut peer).await;
    peer.expect(START_OK).await;
    fake.tune(&mut peer).await;
    assert_eq!(
        peer.expect(TUNE_OK).await.payload[4..],
        [0, 100, 0, 0, 0x20, 0, 0, 30]
    );
    opening.abort();
}

#[tokio::test]
async fn a_new_secret_goes_out_once() {
    let fake = Fake::start().await;
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    for secret in ["first secret", "second secret"] {
        let (updated, ()) = tokio::join!(link.update_secret(secret, "refreshed", soon()), async {
            let frame = peer.expect((10, 70)).await;
            assert!(holds(&frame, secret.as_bytes()) && holds(&frame, b"\x09refreshed"));
            peer.send(&fake::method(0, (10, 71), &[])).await;
        });
        updated.unwrap();
    }
    // Refused: the broker closes the connection.
    let (refused, ()) = tokio::join!(link.update_secret("bad", "refreshed", soon()), async {
        peer.expect((10, 70)).await;
        let mut close = 403_u16.to_be_bytes().to_vec();
        close.extend(fake::short("ACCESS_REFUSED"));
        close.extend([0, 10, 0, 70]);
        peer.send(&fake::method(0, fake::CLOSE, &close)).await;
        peer.expect((10, 51)).await;
    });
    assert_eq!(
        refused.unwrap_err().kind,
        TransportErrorKind::ConnectionClosed(403)
    );
    assert!(matches!(*link.state().borrow(), LinkState::Closed(_)));
}

#[tokio::test]
async fn channels_run_out_without_hurting_the_link() {
    let fake = Fake {
        channel_max: 2,
        ..Fake::start().await
    };
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    let (first, _) = tokio::join!(link.open_channel(soon()), peer.open_channel(false));
    let (second, number) = tokio::join!(link.open_channel(soon()), peer.open_channel(false));
    let error = link.open_channel(soon()).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::ChannelsExhausted, "{error}");
    // A dropped channel closes itself, and its number is free again.
    drop(second);
    assert_eq!(peer.expect(fake::CHANNEL_CLOSE).await.channel, number);
    peer.send(&fake::method(number, fake::CHANNEL_CLOSE_OK, &[]))
        .await;
    let opened = tokio::join!(
        async {
            let deadline = soon();
            loop {
                match link.open_channel(soon()).await {
                    // lapin frees the number on its own thread.
                    Err(error)
                        if error.kind == TransportErrorKind::ChannelsExhausted
                            && !deadline.has_passed() =>
                    {
                        tokio::task::yield_now().await;
                    }
                    opened => break opened,
                }
            }
        },
        peer.open_channel(false)
    );
    assert_eq!(opened.1, number);
    opened.0.unwrap();
    first.unwrap();
}

#[tokio::test]
async fn blocked_and_unblocked_are_states_that_others_see() {
    let fake = Fake::start().await;
    let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
    let mut state = link.state();
    peer.send(&fake::method(0, (10, 60), &fake::short("low on memory")))
        .await;
    state
        .wait_for(|state| *state == LinkState::Blocked("low on memory".into()))
        .await
        .unwrap();
    // lapin is not told: control calls still go out.
    let (channel, _) = tokio::join!(link.open_channel(soon()), peer.open_channel(false));
    channel.unwrap();
    peer.send(&fake::method(0, (10, 61), &[])).await;
    state
        .wait_for(|state| *state == LinkState::Open)
        .await
        .unwrap();
}

pub async fn a_link_in_memory_talks_like_one_over_tcp(address: &str) {
    let broker = address.to_owned();
    let connect = move || {
        let (ours, mut theirs) = tokio::io::duplex(64 * 1024);
        let broker = broker.clone();
        tokio::spawn(async move {
            let mut socket = tokio::net::TcpStream::connect(broker).await.unwrap();
            // One side hangs up: that is the end.
            let _ = tokio::io::copy_bidirectional(&mut theirs, &mut socket).await;
        });
        Some(ours)
    };
    let target = Target::Memory(std::sync::Arc::new(connect));
    let link = Link::open(LinkSettings {
        target,
        ..rig::settings(address)
    })
    .await
    .unwrap();
    let channel = link.open_channel(soon()).await.unwrap();
    let queue = queue(&channel).await;
    let mut publisher = Publisher::open(&link).await;
    publisher.publish(&queue, &Message::new(vec![1; 200_000]), 1);
    assert!(matches!(publisher.settled().await, (1, Verdict::Ack)));
    assert_eq!(
        channel
            .get(&queue, true, soon())
            .await
            .unwrap()
            .unwrap()
            .delivery
            .message()
            .body()
            .len(),
        200_000
    );
    channel
        .delete_queue(&queue, false, false, soon())
        .await
        .unwrap();
    link.close(soon()).await;

    let down = Target::Memory(std::sync::Arc::new(|| None));
    let error = Link::open(LinkSettings {
        target: down,
        ..rig::settings(address)
    })
    .await
    .unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Unreachable);
}

#[test]
fn a_runtime_that_stops_under_the_link_leaves_nobody_untold() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mut told, _link, _channel, _peer) = runtime.block_on(async {
        let fake = Fake::start().await;
        let (link, mut peer) = tokio::join!(rig::link_to(&fake), fake.greet());
        let (publisher, _) = tokio::join!(Publisher::open(&link), peer.open_channel(true));
        publisher.publish(&rig::name("q"), &Message::new("m"), 5);
        (publisher.told, link, publisher.channel, peer)
    });
    drop(runtime);
    let Ok(rig::Told::Closed(cause, pending)) = told.try_recv() else {
        panic!("nobody was told")
    };
    assert!(cause.link && pending.len() == 1, "{cause}");
}
