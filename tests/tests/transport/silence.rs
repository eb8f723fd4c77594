//! Every wait has a deadline: a broker that accepts and then says nothing, at each step of the opening and at the end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use rmq_core::config::SslProperties;
use rmq_core::connection::client_config;
use rmq_core::time::Deadline;
use rmq_core::transport::{
    Link, LinkSettings, LinkState, Target, TlsSettings, TransportError, TransportErrorKind,
};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_rustls::{TlsAcceptor, rustls};

use crate::fake::{self, Fake, OPEN, START_OK, TUNE_OK};
use crate::rig::{self, LONG};

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
async fn a_broker_that_is_silent_before_start_or_tune_or_open_ok_is_given_up() {
    join_all([0, 1, 2].map(handshake_until)).await;
}

/// Of a peer that speaks TLS, which is checked elsewhere: any certificate will do.
fn over_tls(fake: &Fake) -> LinkSettings {
    let ssl = SslProperties {
        validate_server_certificate: false,
        ..SslProperties::default()
    };
    let tls = TlsSettings {
        config: client_config(&ssl).unwrap(),
        server_name: "localhost".try_into().unwrap(),
    };
    let mut settings = settings(fake);
    if let Target::Tcp { tls: none, .. } = &mut settings.target {
        *none = Some(tls);
    }
    settings
}

/// What the peer read until the link hung up.
async fn until_gone(mut socket: impl AsyncRead + Unpin) -> Vec<u8> {
    let mut all = Vec::new();
    // A hard end of the socket is an end, too.
    let _ = tokio::time::timeout(LONG, socket.read_to_end(&mut all))
        .await
        .unwrap();
    all
}

fn is_missed(opened: Result<Link, TransportError>, fake: &Fake, doing: &str) {
    let error = opened.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Deadline, "{error}");
    let shown = format!("{doing} {} (TLS)", fake.address());
    assert!(error.doing.starts_with(&shown), "{error}");
}

#[tokio::test]
async fn a_broker_that_accepts_and_never_answers_in_tls_is_given_up() {
    let fake = Fake::start().await;
    let settings = LinkSettings {
        connect_timeout: SHORT,
        ..over_tls(&fake)
    };
    let (opened, hello) = tokio::join!(Link::open(settings), async {
        until_gone(fake.accept().await.socket).await
    });
    is_missed(opened, &fake, "connect to");
    // A handshake record.
    assert_eq!(hello.first(), Some(&22));
}

#[tokio::test]
async fn a_broker_that_is_silent_behind_tls_is_given_up() {
    let fake = Fake::start().await;
    let (opened, greeting) = tokio::join!(Link::open(over_tls(&fake)), async {
        let socket = fake.accept().await.socket;
        until_gone(acceptor().accept(socket).await.unwrap()).await
    });
    is_missed(opened, &fake, "log in to");
    assert_eq!(greeting, b"AMQP\0\0\x09\x01");
}

fn acceptor() -> TlsAcceptor {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = own.signing_key.serialize_der();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(vec![own.cert.der().clone()], key.try_into().unwrap())
    .unwrap();
    TlsAcceptor::from(Arc::new(config))
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
