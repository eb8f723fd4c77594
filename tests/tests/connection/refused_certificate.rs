//! A certificate that one node does not take, or whose own is not taken, says nothing about the next node.

use std::sync::Arc;
use std::time::Duration;

use rmq_core::config::SslProperties;
use rmq_core::connection::{
    BrokerAddress, ConnectErrorKind, ConnectionEvent, Purpose, client_config,
};
use rmq_core::time::Deadline;
use rmq_core::transport::{Target, TlsSettings};
use rmq_tests::broker::{Release, announced};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_rustls::{TlsAcceptor, rustls};

use crate::support::{connection, ends, guest, settings, soon};

/// A listener that takes no client without a certificate of an authority that nobody has.
async fn strict() -> String {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = own.cert.der().clone();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
        Arc::new(roots),
        Arc::clone(&provider),
    );
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![certificate],
            own.signing_key.serialize_der().try_into().unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let accepting = acceptor.accept(socket).into_fallible();
            let Err((_, mut socket)) = accepting.await else {
                panic!("it refuses everybody")
            };
            // A socket closed over unread bytes is reset, and the alert could go with it.
            let _ = socket.read_to_end(&mut Vec::new()).await;
        }
    });
    address
}

/// That address over TLS, as guest.
fn over_tls(address: &str, validate_server_certificate: bool) -> BrokerAddress {
    let ssl = SslProperties {
        validate_server_certificate,
        ..SslProperties::default()
    };
    let mut address = guest(address);
    if let Target::Tcp { tls, .. } = &mut address.target {
        *tls = Some(TlsSettings {
            config: client_config(&ssl).unwrap(),
            server_name: "localhost".try_into().unwrap(),
        });
    }
    address
}

async fn a_node_with_which_a_certificate_does_not_agree_leaves_the_next_to_be_tried(
    release: Release,
) {
    let (broker, strict) = (announced(release).unwrap(), strict().await);
    // It refuses ours; then we refuse its; the third takes us.
    let addresses = vec![
        over_tls(&strict, false),
        over_tls(&strict, true),
        guest(broker.address()),
    ];
    let connection = connection(settings(addresses), Purpose::Admin);
    let mut events = connection.events();
    ends("to start", connection.start(soon())).await.unwrap();
    for kind in [ConnectErrorKind::Authentication, ConnectErrorKind::Tls] {
        match events.recv().await.unwrap() {
            ConnectionEvent::AttemptFailed(error) => {
                assert_eq!(error.kind, kind, "{error}");
                assert!(error.permanent, "{error}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(
        events.recv().await.unwrap(),
        ConnectionEvent::Opened(_)
    ));
    connection.close(soon()).await;
}

#[tokio::test]
async fn a_start_fails_at_once_when_every_node_refuses_our_certificate() {
    let addresses = [strict().await, strict().await];
    let both = addresses.iter().map(|address| over_tls(address, false));
    let connection = connection(settings(both.collect()), Purpose::Admin);
    // No deadline would end this one.
    let never = Deadline::after_or_never(Duration::ZERO);
    let error = ends("to fail", connection.start(never)).await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Authentication, "{error}");
    assert!(error.to_string().contains("client certificate"), "{error}");
    let kinds = error.attempts().iter().map(|attempt| attempt.kind);
    let each = [ConnectErrorKind::Authentication; 2];
    assert_eq!(kinds.collect::<Vec<_>>(), each, "{error}");
}

#[tokio::test]
async fn a_node_that_is_down_beside_one_that_refuses_our_certificate_is_waited_for() {
    let strict = strict().await;
    let down = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = down.local_addr().unwrap().to_string();
    drop(down);
    let addresses = vec![over_tls(&strict, false), guest(&address)];
    let mut settings = settings(addresses);
    settings.back_off.initial = Duration::from_millis(1);
    let connection = connection(settings, Purpose::Admin);
    let mut events = connection.events();
    let starting = connection.clone();
    let mut start = tokio::spawn(async move { starting.start(soon()).await });
    let two_rounds = async {
        let mut refused = 0;
        while refused < 2 {
            if let ConnectionEvent::AttemptFailed(error) = events.recv().await.unwrap() {
                refused += usize::from(error.kind == ConnectErrorKind::Authentication);
            }
        }
    };
    tokio::select! {
        ended = &mut start => panic!("it gave up: {ended:?}"),
        () = two_rounds => {}
    }
    connection.close(soon()).await;
    let error = ends("to fail", start).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Closed, "{error}");
}

crate::support::on_both! {
    a_node_with_which_a_certificate_does_not_agree_leaves_the_next_to_be_tried,
}
