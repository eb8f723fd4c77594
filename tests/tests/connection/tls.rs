//! TLS against a real listener with a throw-away authority: verification, client certificates, EXTERNAL.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rmq_core::config::{SslProperties, StoreProperties};
use rmq_core::connection::{BrokerAddress, ConnectErrorKind, Connection, Purpose, client_config};
use rmq_core::transport::{Credentials, Target, TlsSettings};
use rmq_tests::broker::{Node, NodeConfig, Release, TlsFiles};
use tempfile::TempDir;

use crate::support::{connection, ends, settings, soon};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
            .distinguished_name
            .push(DnType::CommonName, "throw-away");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Certificate and key as PEM.
    fn certify(&self, common_name: &str, names: &[&str]) -> (String, String) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}

fn store(folder: &TempDir, name: &str, content: &str) -> StoreProperties {
    let file = folder.path().join(name);
    std::fs::write(&file, content).unwrap();
    StoreProperties {
        file,
        format: None,
        password: None,
    }
}

fn over_tls(port: u16, host: &str, ssl: &SslProperties, credentials: Credentials) -> Connection {
    let tls = TlsSettings {
        config: client_config(ssl).unwrap(),
        server_name: host.to_owned().try_into().unwrap(),
    };
    let address = BrokerAddress {
        target: Target::Tcp {
            host: "127.0.0.1".to_owned(),
            port,
            tls: Some(tls),
        },
        credentials,
        virtual_host: "/".to_owned(),
    };
    connection(settings(vec![address]), Purpose::Admin)
}

fn guest() -> Credentials {
    Credentials::Plain {
        username: "guest".to_owned(),
        password: "guest".to_owned(),
    }
}

async fn certificates_are_checked_both_ways_and_a_client_certificate_is_a_login(release: Release) {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new();
    let (certificate, key) = authority.certify("broker", &["localhost"]);
    let files = TlsFiles {
        ca: authority.0.pem(),
        certificate,
        key,
        require_client_certificate: true,
    };
    let config = NodeConfig::default()
        .tls(files)
        .plugin("rabbitmq_auth_mechanism_ssl")
        .line("auth_mechanisms.1 = PLAIN")
        .line("auth_mechanisms.2 = EXTERNAL")
        .line("ssl_cert_login_from = common_name");
    let node = Node::start(release, config).unwrap();
    let port = node.tls_port().unwrap();

    let (certificate, key) = authority.certify("guest", &[]);
    let mut ssl = SslProperties {
        enabled: Some(true),
        trust_store: Some(store(&folder, "ca.pem", &authority.0.pem())),
        key_store: Some(store(&folder, "client.pem", &(certificate + &key))),
        validate_server_certificate: true,
        verify_hostname: true,
        ..SslProperties::default()
    };
    for credentials in [guest(), Credentials::External] {
        let connection = over_tls(port, "localhost", &ssl, credentials);
        ends("to start", connection.start(soon())).await.unwrap();
        let lease = connection.lease(soon()).await.unwrap();
        ends("a round trip", lease.round_trip(soon()))
            .await
            .unwrap();
        drop(lease);
        connection.close(soon()).await;
    }

    // Another name than the certificate's, and another authority: told at once, without a deadline.
    let elsewhere = over_tls(port, "elsewhere", &ssl, guest());
    let error = ends("to fail", elsewhere.start(soon())).await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Tls, "{error}");
    let stranger = Authority::new();
    let mut wrong = ssl.clone();
    wrong.trust_store = Some(store(&folder, "stranger.pem", &stranger.0.pem()));
    let error = over_tls(port, "localhost", &wrong, guest());
    let error = ends("to fail", error.start(soon())).await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Tls, "{error}");
    assert!(error.to_string().contains("ssl.trust-store"), "{error}");

    // A certificate whose name is no user.
    let (certificate, key) = authority.certify("nobody", &[]);
    ssl.key_store = Some(store(&folder, "nobody.pem", &(certificate + &key)));
    let nobody = over_tls(port, "localhost", &ssl, Credentials::External);
    let error = ends("to fail", nobody.start(soon())).await.unwrap_err();
    assert_eq!(error.kind(), ConnectErrorKind::Authentication, "{error}");

    // The broker hangs up on one that shows none; in TLS 1.3 after its own side is done.
    ssl.key_store = None;
    let anonymous = over_tls(port, "localhost", &ssl, guest());
    let deadline = rmq_core::time::Deadline::after(std::time::Duration::from_secs(3));
    let error = ends("to fail", anonymous.start(deadline))
        .await
        .unwrap_err();
    assert_eq!(error.attempts().len(), 1, "{error}");
}

mod rabbit3 {
    #[tokio::test(flavor = "multi_thread")]
    async fn certificates_are_checked_both_ways_and_a_client_certificate_is_a_login() {
        super::certificates_are_checked_both_ways_and_a_client_certificate_is_a_login(
            rmq_tests::broker::Release::V3,
        )
        .await;
    }
}
