//! `ssl.*` of a `rabbit.yml` against a real TLS listener with a throw-away authority: what is trusted and checked when
//! nothing else is said, client certificates, EXTERNAL.

use rmq_core::StartError;
use rmq_core::connection::{ConnectError, ConnectErrorKind};
use rmq_core::prelude::*;
use rmq_tests::broker::{Node, NodeConfig, Release};
use tempfile::TempDir;

use crate::authority::Authority;
use crate::support::ends;

#[rabbit_config]
struct Secured;

/// A node with a TLS listener, and the stores of those who come to it.
struct Stage {
    node: Node,
    folder: TempDir,
    authority: Authority,
}

impl Stage {
    fn start(release: Release, require_client_certificate: bool) -> Self {
        let authority = Authority::named("throw-away");
        let config = NodeConfig::default()
            .tls(authority.node(require_client_certificate))
            .plugin("rabbitmq_auth_mechanism_ssl")
            .line("auth_mechanisms.1 = PLAIN")
            .line("auth_mechanisms.2 = EXTERNAL")
            .line("ssl_cert_login_from = common_name");
        Self {
            node: Node::start(release, config).unwrap(),
            folder: TempDir::new().unwrap(),
            authority,
        }
    }

    /// `host:port` of the TLS listener.
    fn at(&self, host: &str) -> String {
        format!("{host}:{}", self.node.tls_port().unwrap())
    }

    /// The line that trusts the node's authority.
    fn trusts(&self) -> String {
        let store = self.authority.trust_store(&self.folder, "ca.pem");
        format!("trust-store: {}", store.display())
    }

    /// The line that shows a client certificate of that name.
    fn shows(&self, common_name: &str) -> String {
        let store = self.authority.key_store(&self.folder, common_name);
        format!("key-store: {}", store.display())
    }

    /// A program whose file says this, lines of `ssl` last.
    async fn program(&self, lines: &[&str], ssl: &[&str]) -> Result<RabbitApp, StartError> {
        let mut file = String::from("rabbitmq:\n  topology: { queues: [{ name: orders }] }\n");
        lines
            .iter()
            .for_each(|line| file.push_str(&format!("  {line}\n")));
        if !ssl.is_empty() {
            file.push_str("  ssl:\n");
        }
        ssl.iter()
            .for_each(|line| file.push_str(&format!("    {line}\n")));
        let path = self.folder.path().join("rabbit.yml");
        std::fs::write(&path, file).unwrap();
        let builder = Secured::builder()
            .environment::<String, String>([])
            .file(path)
            .only(listeners![]);
        ends("a start", builder.start()).await
    }

    /// It starts, and a message goes through each way. Gives its unsafe choices.
    async fn works(&self, lines: &[&str], ssl: &[&str]) -> String {
        let app = self.program(lines, ssl).await.unwrap();
        let template = app.template();
        let sent = template.convert_and_send("", "orders", &"it");
        ends("a confirm", sent.into_future()).await.unwrap();
        let received = ends("a message", template.receive("orders")).await;
        assert_eq!(received.unwrap().unwrap().message().body(), "\"it\"");
        let choices = app.report().unsafe_choices().join("\n");
        ends("the stop", app.stop()).await.unwrap();
        choices
    }

    /// It is refused at once: no deadline would end this start.
    async fn refused(&self, lines: &[&str], ssl: &[&str]) -> ConnectError {
        let lines = [lines, &["start-timeout: 0"]].concat();
        let error = self.program(&lines, ssl).await.unwrap_err();
        error
            .connect_error()
            .unwrap_or_else(|| panic!("{error}"))
            .clone()
    }
}

async fn what_the_file_says_of_tls_reaches_the_listener(release: Release) {
    let stage = Stage::start(release, false);
    let amqps = format!("addresses: amqps://{}", stage.at("localhost"));
    let amqps_by_address = format!("addresses: amqps://{}", stage.at("127.0.0.1"));
    let trusts = stage.trusts();

    // A trust store is all that a file needs.
    let choices = stage.works(&[&amqps], &[&trusts]).await;
    assert!(!choices.contains("ssl."), "{choices}");

    // The certificate's name is the login: that of the file would be refused.
    let shows = stage.shows("guest");
    let plain = format!("addresses: {}", stage.at("localhost"));
    let login = [
        "username: nobody",
        "password: wrong",
        "sasl-mechanism: external",
    ];
    let lines = [&[plain.as_str()], &login[..]].concat();
    stage
        .works(&lines, &["enabled: true", &trusts, &shows])
        .await;
    let nobody = stage.shows("nobody");
    let error = stage
        .refused(&lines, &["enabled: true", &trusts, &nobody])
        .await;
    assert_eq!(error.kind(), ConnectErrorKind::Authentication, "{error}");

    // Another name than the certificate's; and let through, when the file says so.
    let error = stage.refused(&[&amqps_by_address], &[&trusts]).await;
    assert_eq!(error.kind(), ConnectErrorKind::Tls, "{error}");
    assert!(error.to_string().contains("host name"), "{error}");
    assert!(
        error
            .to_string()
            .contains(r#"only valid for DnsName("localhost")"#),
        "{error}"
    );
    let ssl = [trusts.as_str(), "verify-hostname: false"];
    let choices = stage.works(&[&amqps_by_address], &ssl).await;
    assert!(choices.contains("`ssl.verify-hostname`"), "{choices}");

    // Another authority; and let through, when the file says so.
    let stranger = Authority::named("stranger").trust_store(&stage.folder, "stranger.pem");
    let stranger = format!("trust-store: {}", stranger.display());
    let error = stage.refused(&[&amqps], &[&stranger]).await;
    assert_eq!(error.kind(), ConnectErrorKind::Tls, "{error}");
    assert!(error.to_string().contains("ssl.trust-store"), "{error}");
    // Nor does this machine know the throw-away one.
    let unsaid = stage.program(&[&amqps, "start-timeout: 0"], &[]).await;
    let error = unsaid.unwrap_err().to_string();
    assert!(error.contains("`ssl.trust-store`"), "{error}");
    let ssl = ["validate-server-certificate: false"];
    let choices = stage.works(&[&amqps_by_address], &ssl).await;
    assert!(
        choices.contains("`ssl.validate-server-certificate`"),
        "{choices}"
    );
}

async fn a_listener_that_wants_a_client_certificate_gets_that_of_the_key_store(release: Release) {
    let stage = Stage::start(release, true);
    let amqps = format!("addresses: amqps://{}", stage.at("localhost"));
    let (trusts, shows) = (stage.trusts(), stage.shows("whoever"));
    stage.works(&[&amqps], &[&trusts, &shows]).await;
    // One that shows none is told at once, and one whose authority is another. TLS 1.3 is done with on our side by then.
    let stranger = Authority::named("stranger").key_store(&stage.folder, "stranger");
    let stranger = format!("key-store: {}", stranger.display());
    let older = "algorithm: TLSv1.2";
    let in_tls: [(&[&str], _, _); 3] = [
        (&[&trusts], "log in to", "CertificateRequired"),
        (&[&trusts, &stranger], "log in to", "BadCertificate"),
        (&[&trusts, &stranger, older], "connect to", "BadCertificate"),
    ];
    for (ssl, doing, alert) in in_tls {
        let error = stage.refused(&[&amqps], ssl).await;
        assert_eq!(error.kind(), ConnectErrorKind::Authentication, "{error}");
        assert!(error.to_string().contains("client certificate"), "{error}");
        let [attempt] = error.attempts() else {
            panic!("{error}")
        };
        assert!(attempt.text.starts_with(doing), "{error}");
        assert!(attempt.text.ends_with(alert), "{error}");
    }
}

mod rabbit3 {
    use super::Release;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_the_file_says_of_tls_reaches_the_listener() {
        super::what_the_file_says_of_tls_reaches_the_listener(Release::V3).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_listener_that_wants_a_client_certificate_gets_that_of_the_key_store() {
        super::a_listener_that_wants_a_client_certificate_gets_that_of_the_key_store(Release::V3)
            .await;
    }
}

mod rabbit4 {
    use super::Release;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_the_file_says_of_tls_reaches_the_listener() {
        super::what_the_file_says_of_tls_reaches_the_listener(Release::V4).await;
    }
}
