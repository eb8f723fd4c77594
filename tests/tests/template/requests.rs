//! Requests and replies over direct reply-to.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use rmq_core::message::{Delivery, Message};
use rmq_core::name::Name;
use rmq_core::template::{PublishErrorKind, RequestErrorKind, TemplateSettings};
use rmq_core::transport::{CloseCause, ConsumeSpec, DeliverySink};
use rmq_tests::broker::{Release, announced};
use tokio::sync::mpsc;

use crate::support::{Rig, ends, name, on_both, soon, tcp};

struct Requests(mpsc::UnboundedSender<Delivery>);

impl DeliverySink for Requests {
    fn deliver(&self, deliveries: &mut Vec<Delivery>) {
        for delivery in deliveries.drain(..) {
            // Nobody answers once the test is over.
            let _unsent = self.0.send(delivery).is_err();
        }
    }

    fn cancelled(&self) {}

    fn closed(&self, _cause: &CloseCause) {}
}

/// Answers each number with its double; the replies must be confirmed.
pub async fn answer(rig: &Rig, queue: &Name) -> tokio::task::JoinHandle<()> {
    let (tell, mut requests) = mpsc::unbounded_channel();
    let lease = rig.lease().await;
    let spec = ConsumeSpec {
        queue: queue.clone(),
        consumer_tag: name("answers"),
        no_ack: true,
        exclusive: false,
        arguments: Vec::new(),
    };
    let consuming = lease.consume(spec, Arc::new(Requests(tell)), soon());
    ends("a consumer", consuming).await.unwrap();
    let template = rig.template.clone();
    tokio::spawn(async move {
        let _lease = lease;
        while let Some(request) = requests.recv().await {
            let number: u32 = serde_json::from_slice(request.message().body()).unwrap();
            let properties = request.message().properties();
            let mut reply = Message::new((number * 2).to_string());
            reply.properties_mut().correlation_id = properties.correlation_id.clone();
            reply.properties_mut().content_type = Some("application/json".into());
            let address = properties.reply_to().unwrap().to_owned();
            let confirmed = template.send("", address, reply).await.unwrap();
            assert!(!confirmed.routing_checked());
        }
    })
}

async fn many_requests_at_once_each_get_their_own_reply(release: Release) {
    let broker = announced(release).unwrap();
    let rig = Rig::start(broker.address()).await;
    let (exchange, queue) = rig.bound("in", Vec::new()).await;
    let answering = answer(&rig, &queue).await;
    let asked: Vec<_> = (0..200u32)
        .map(|n| {
            let (template, exchange) = (rig.template.clone(), exchange.clone());
            tokio::spawn(async move {
                let reply: u32 = template
                    .convert_send_and_receive(exchange, "in", &n)
                    .await
                    .unwrap();
                assert_eq!(reply, n * 2);
            })
        })
        .collect();
    for asked in asked {
        ends("a reply", asked).await.unwrap();
    }
    answering.abort();
    rig.finish().await;
}

async fn a_request_nobody_answers_times_out_and_one_nobody_takes_is_returned(release: Release) {
    let broker = announced(release).unwrap();
    let mut settings = TemplateSettings::default();
    settings.reply_timeout = Duration::from_millis(500);
    let rig = Rig::with(tcp(broker.address()), settings).await;
    let (exchange, _) = rig.bound("in", Vec::new()).await;
    let ask = |key: &'static str| {
        let (template, exchange) = (rig.template.clone(), exchange.clone());
        async move {
            template
                .convert_send_and_receive::<_, u32>(exchange, key, &1)
                .await
                .unwrap_err()
        }
    };
    let error = ends("a timeout", ask("in")).await;
    assert_eq!(error.kind(), RequestErrorKind::Timeout, "{error}");
    let error = ends("a return", ask("nowhere")).await;
    let publish = error.publish_error().unwrap();
    assert_eq!(publish.kind(), PublishErrorKind::Returned);
    rig.finish().await;
}

async fn a_reply_to_one_who_is_gone_is_confirmed_all_the_same(release: Release) {
    let broker = announced(release).unwrap();
    let rig = Rig::start(broker.address()).await;
    let (exchange, queue) = rig.bound("in", Vec::new()).await;
    let asker = Rig::start(broker.address()).await;
    let template = asker.template.clone();
    let to = exchange.clone();
    let asking = tokio::spawn(async move {
        let asked = template.convert_send_and_receive::<_, u32>(to, "in", &1);
        asked.await.is_err()
    });
    let request = rig.template.receive_timeout(queue, crate::support::LONG);
    let request = ends("the request", request).await.unwrap().unwrap();
    let address = request
        .message()
        .properties()
        .reply_to()
        .unwrap()
        .to_owned();
    request.ack().unwrap();
    asker
        .template
        .stop(rmq_core::time::Deadline::after(Duration::ZERO))
        .await;
    assert!(ends("the one who asked", asking).await.unwrap());
    asker.publishing.close(soon()).await;
    let reply = rig.template.send("", address, Message::new("2"));
    let end = ends("an end", reply.into_future()).await;
    assert!(end.is_ok(), "its ack is its end: {end:?}");
    rig.finish().await;
}

on_both! {
    many_requests_at_once_each_get_their_own_reply,
    a_request_nobody_answers_times_out_and_one_nobody_takes_is_returned,
    a_reply_to_one_who_is_gone_is_confirmed_all_the_same,
}
