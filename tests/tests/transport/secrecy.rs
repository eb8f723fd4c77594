//! Neither password nor payload reaches the log, at any level, also not through lapin.

use std::io::Write;
use std::sync::{Arc, Mutex};

use rmq_core::message::Message;
use rmq_core::transport::{Credentials, Link, LinkSettings, Settlement, TransportErrorKind};
use tracing_subscriber::fmt::MakeWriter;

use crate::rig::{self, Consumer, Publisher, name, queue, soon};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Everything that this process logs: lapin has a thread of its own, so the subscriber is the whole process's.
fn log() -> Log {
    static LOG: std::sync::OnceLock<Log> = std::sync::OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(log.clone());
        tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
        log
    })
    .clone()
}

/// As text, as a list of numbers in a Debug, and as hex.
fn forms(secret: &str) -> Vec<String> {
    let numbers: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![
        secret.to_owned(),
        numbers.join(", "),
        numbers.join(","),
        hex,
    ]
}

pub async fn neither_password_nor_payload_reaches_the_log(address: &str) {
    let log = log();
    let link = rig::link(address).await;
    let channel = link.open_channel(soon()).await.unwrap();
    let queue = queue(&channel).await;
    let mut publisher = Publisher::open(&link).await;
    publisher.publish(
        &queue,
        &Message::new("payload-kept-quiet").with_header("x-token", "header-kept-quiet"),
        1,
    );
    publisher.publish(
        &name("nobody-listens-here"),
        &Message::new("payload-kept-quiet").with_header("x-token", "header-kept-quiet"),
        2,
    );
    publisher.verdicts(2).await;
    let mut consumer = Consumer::start(&channel, &queue, false).await;
    let delivery = consumer.delivery().await;
    channel.settle(delivery.tag, Settlement::Requeue).unwrap();
    let delivery = consumer.delivery().await;
    tracing::info!(?delivery, ?link, ?channel, "what Debug shows");
    channel.settle(delivery.tag, Settlement::Ack).unwrap();
    // An update the broker may refuse; what counts is what is written down.
    let _ = link
        .update_secret("secret-kept-quiet", "refreshed", soon())
        .await;
    link.close(soon()).await;

    let credentials = Credentials::Plain {
        username: "nobody".into(),
        password: "password-kept-quiet".into(),
    };
    let settings = LinkSettings {
        credentials,
        ..rig::settings(address)
    };
    tracing::info!(?settings, "what Debug shows");
    let error = Link::open(settings).await.unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::Authentication, "{error}");
    tracing::info!(%error, ?error, "what an error shows");

    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    // The subscriber hears lapin at its finest.
    assert!(log.contains("TRACE") && log.contains("lapin"));
    for secret in [
        "payload-kept-quiet",
        "header-kept-quiet",
        "secret-kept-quiet",
        "password-kept-quiet",
    ] {
        for form in forms(secret) {
            assert!(!log.contains(&form), "{secret} is in the log as {form}");
        }
    }
}
