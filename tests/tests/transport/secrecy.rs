//! Neither password nor payload reaches the log, at any level, also not through lapin.

use rmq_core::message::Message;
use rmq_core::transport::{Credentials, Link, LinkSettings, Settlement, TransportErrorKind};
use rmq_tests::log::Log;

use crate::rig::{self, Consumer, Publisher, name, queue, soon};

pub async fn neither_password_nor_payload_reaches_the_log(address: &str) {
    let log = Log::of_this_process();
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
    channel.settle(delivery.tag(), Settlement::Requeue).unwrap();
    let delivery = consumer.delivery().await;
    tracing::info!(?delivery, ?link, ?channel, "what Debug shows");
    channel.settle(delivery.tag(), Settlement::Ack).unwrap();
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

    // The subscriber hears lapin at its finest.
    let text = log.text();
    assert!(text.contains("TRACE") && text.contains("lapin"));
    let secrets = [
        "payload-kept-quiet",
        "header-kept-quiet",
        "secret-kept-quiet",
        "password-kept-quiet",
    ];
    assert_eq!(log.line_with(&secrets), None);
}
