//! The same behaviours through two clients that neither of us wrote: lapin and amqprs. What the raw client sees frame by
//! frame in `behaviours` has to look right from there, too, on the embedded broker and on both releases of RabbitMQ.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

mod client;
mod with_amqprs;
mod with_lapin;

use std::future::Future;
use std::time::{Duration, Instant};

use rmq_embedded::EmbeddedBroker;
use rmq_tests::broker::{Release, announced, unique};

use client::{Client, Feed, Got, Spec, Verdict};

const LIMIT: Duration = Duration::from_secs(60);

/// Runs a behaviour against the embedded broker, or against the release that was announced.
fn run<C: Client, F: Future<Output = ()>>(
    release: Option<Release>,
    behaviour: impl FnOnce(String, u16) -> F,
) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let embedded = EmbeddedBroker::start().await.unwrap();
        let address = match release {
            None => embedded.address().to_string(),
            Some(release) => announced(release).unwrap().address().to_owned(),
        };
        let (host, port) = address.rsplit_once(':').expect("host:port");
        let work = behaviour(host.to_owned(), port.parse().unwrap());
        tokio::time::timeout(LIMIT, work)
            .await
            .expect("done in time");
    });
}

macro_rules! by_both_clients {
    ($($name:ident)*) => {
        mod embedded {
            by_both_clients!(@ lapin, with_lapin::Lapin, None, $($name)*);
            by_both_clients!(@ amqprs, with_amqprs::Amqprs, None, $($name)*);
        }
        mod rabbit3 {
            by_both_clients!(@ lapin, with_lapin::Lapin, Some(Release::V3), $($name)*);
            by_both_clients!(@ amqprs, with_amqprs::Amqprs, Some(Release::V3), $($name)*);
        }
        mod rabbit4 {
            by_both_clients!(@ lapin, with_lapin::Lapin, Some(Release::V4), $($name)*);
            by_both_clients!(@ amqprs, with_amqprs::Amqprs, Some(Release::V4), $($name)*);
        }
    };
    (@ $module:ident, $client:ty, $release:expr, $($name:ident)*) => {
        mod $module {
            #[allow(unused_imports, reason = "not every broker has a release")]
            use crate::{Release, with_amqprs, with_lapin};
            $(#[test] fn $name() {
                crate::run::<$client, _>($release, |host, port| crate::$name::<$client>(host, port));
            })*
        }
    };
}

by_both_clients! {
    a_message_goes_through
    a_body_of_a_megabyte_goes_through
    an_empty_queue_gives_nothing
    a_publish_is_confirmed
    an_unroutable_message_is_returned
    a_full_queue_nacks
    direct_routes_by_key
    topic_routes_by_pattern
    fanout_routes_to_all
    unbinding_ends_the_route
    order_is_kept
    a_consumer_is_held_by_its_prefetch
    what_was_acknowledged_does_not_come_back
    what_was_not_acknowledged_comes_back
    a_requeued_message_is_marked
    a_rejected_message_is_dead_lettered
    a_missing_queue_is_not_found
    an_inequivalent_queue_is_refused
    an_exclusive_queue_is_locked_for_others
    a_purge_counts
    a_delete_counts_and_the_queue_is_gone
}

fn own() -> Spec {
    Spec {
        name: unique("own"),
        exclusive: true,
        ..Spec::default()
    }
}

fn durable() -> Spec {
    Spec {
        name: unique("durable"),
        durable: true,
        ..Spec::default()
    }
}

async fn queue<C: Client>(client: &C, spec: Spec) -> String {
    client.declare(&spec).await.unwrap();
    spec.name
}

async fn fill<C: Client>(client: &C, queue: &str, bodies: &[&str]) {
    for body in bodies {
        assert_eq!(
            client.publish("", queue, body.as_bytes()).await,
            Verdict::Acked
        );
    }
}

async fn all<C: Client>(client: &C, queue: &str) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(message) = client.get(queue).await {
        client.ack(message.tag).await;
        all.push(message.text());
    }
    all
}

/// Polls a count that follows in its own time.
async fn holds<C: Client>(client: &C, queue: &str, count: u32) {
    let until = Instant::now() + LIMIT / 3;
    while client.look(queue).await.unwrap() != count {
        assert!(Instant::now() < until, "never {count} messages in {queue}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn a_message_goes_through<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    let name = queue(&client, own()).await;
    fill(&client, &name, &["hello"]).await;
    let Got {
        tag,
        redelivered,
        body,
    } = client.get(&name).await.expect("a message");
    assert_eq!((redelivered, body.as_slice()), (false, b"hello".as_slice()));
    client.ack(tag).await;
    client.close().await;
}

async fn a_body_of_a_megabyte_goes_through<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    let name = queue(&client, own()).await;
    let body: Vec<u8> = (0..1_048_576_u32)
        .map(|at| u8::try_from(at % 251).unwrap())
        .collect();
    assert_eq!(client.publish("", &name, &body).await, Verdict::Acked);
    assert!(client.get(&name).await.expect("a message").body == body);
    client.close().await;
}

async fn an_empty_queue_gives_nothing<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    let name = queue(&client, own()).await;
    assert!(client.get(&name).await.is_none());
    client.close().await;
}

async fn a_publish_is_confirmed<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    let name = queue(&client, durable()).await;
    for _ in 0..20 {
        assert_eq!(client.publish("", &name, b"x").await, Verdict::Acked);
    }
    assert_eq!(client.delete(&name).await, 20);
    client.close().await;
}

async fn an_unroutable_message_is_returned<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    assert_eq!(
        client.publish("", &unique("nobody"), b"x").await,
        Verdict::Returned
    );
    client.close().await;
}

async fn a_full_queue_nacks<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    let name = queue(
        &client,
        Spec {
            room: Some(1),
            ..own()
        },
    )
    .await;
    assert_eq!(client.publish("", &name, b"a").await, Verdict::Acked);
    assert_eq!(client.publish("", &name, b"b").await, Verdict::Nacked);
    assert_eq!(all(&client, &name).await, ["a"]);
    client.close().await;
}

/// The keys, out of `keys`, that reach a queue bound by `pattern`.
async fn matching<C: Client>(client: &C, kind: &str, pattern: &str, keys: &[&str]) -> Vec<String> {
    let exchange = unique(kind);
    client.exchange(&exchange, kind).await;
    let name = queue(client, own()).await;
    client.bind(&name, &exchange, pattern).await;
    for key in keys {
        client.publish(&exchange, key, key.as_bytes()).await;
    }
    all(client, &name).await
}

async fn direct_routes_by_key<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    assert_eq!(
        matching(&client, "direct", "a.b", &["a.b", "a.c", "a"]).await,
        ["a.b"]
    );
    client.close().await;
}

async fn topic_routes_by_pattern<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    let found = matching(&client, "topic", "a.*.#", &["a", "a.b", "a.b.c", "b.a"]).await;
    assert_eq!(found, ["a.b", "a.b.c"]);
    client.close().await;
}

async fn fanout_routes_to_all<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    assert_eq!(
        matching(&client, "fanout", "", &["a", "b"]).await,
        ["a", "b"]
    );
    client.close().await;
}

async fn unbinding_ends_the_route<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    let exchange = unique("direct");
    client.exchange(&exchange, "direct").await;
    let name = queue(&client, own()).await;
    client.bind(&name, &exchange, "key").await;
    assert_eq!(client.publish(&exchange, "key", b"x").await, Verdict::Acked);
    client.unbind(&name, &exchange, "key").await;
    assert_eq!(
        client.publish(&exchange, "key", b"y").await,
        Verdict::Returned
    );
    client.close().await;
}

async fn order_is_kept<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    let name = queue(&client, own()).await;
    let sent: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    fill(
        &client,
        &name,
        &sent.iter().map(String::as_str).collect::<Vec<_>>(),
    )
    .await;
    let mut feed = client.consume(&name, 0).await;
    let mut got = Vec::new();
    while got.len() < sent.len() {
        let message = feed.next().await;
        client.ack(message.tag).await;
        got.push(message.text());
    }
    assert_eq!(got, sent);
    client.close().await;
}

async fn a_consumer_is_held_by_its_prefetch<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    let name = queue(&client, own()).await;
    fill(&client, &name, &["a", "b", "c", "d", "e"]).await;
    let mut feed = client.consume(&name, 2).await;
    let first = feed.next().await;
    feed.next().await;
    holds(&client, &name, 3).await;
    client.ack(first.tag).await;
    assert_eq!(feed.next().await.text(), "c");
    holds(&client, &name, 2).await;
    client.close().await;
}

async fn what_was_acknowledged_does_not_come_back<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    let name = queue(&client, durable()).await;
    fill(&client, &name, &["settled", "open"]).await;
    let first = client.get(&name).await.expect("a message");
    client.ack(first.tag).await;
    client.get(&name).await.expect("a message");
    client.close().await;
    let other = C::open(&host, port).await;
    // Both would be back together.
    holds(&other, &name, 1).await;
    assert_eq!(all(&other, &name).await, ["open"]);
    other.delete(&name).await;
    other.close().await;
}

async fn what_was_not_acknowledged_comes_back<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    let name = queue(&client, durable()).await;
    fill(&client, &name, &["a", "b"]).await;
    let mut feed = client.consume(&name, 10).await;
    feed.next().await;
    feed.next().await;
    client.close().await;
    let other = C::open(&host, port).await;
    holds(&other, &name, 2).await;
    assert!(other.get(&name).await.expect("a message").redelivered);
    other.delete(&name).await;
    other.close().await;
}

async fn a_requeued_message_is_marked<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    let name = queue(&client, own()).await;
    fill(&client, &name, &["a"]).await;
    let first = client.get(&name).await.expect("a message");
    assert!(!first.redelivered);
    client.reject(first.tag, true).await;
    assert!(
        client
            .get(&name)
            .await
            .expect("the message again")
            .redelivered
    );
    client.close().await;
}

async fn a_rejected_message_is_dead_lettered<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    let dead = queue(&client, own()).await;
    let name = queue(
        &client,
        Spec {
            dead_letters: Some(dead.clone()),
            ..own()
        },
    )
    .await;
    fill(&client, &name, &["a"]).await;
    let message = client.get(&name).await.expect("a message");
    client.reject(message.tag, false).await;
    holds(&client, &dead, 1).await;
    assert_eq!(all(&client, &dead).await, ["a"]);
    client.close().await;
}

async fn a_missing_queue_is_not_found<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    assert_eq!(client.look(&unique("missing")).await, Err(404));
}

async fn an_inequivalent_queue_is_refused<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    let spec = own();
    client.declare(&spec).await.unwrap();
    assert_eq!(
        client
            .declare(&Spec {
                room: Some(3),
                ..spec
            })
            .await,
        Err(406)
    );
}

async fn an_exclusive_queue_is_locked_for_others<C: Client>(host: String, port: u16) {
    let (owner, other) = (C::open(&host, port).await, C::open(&host, port).await);
    let name = queue(&owner, own()).await;
    assert_eq!(other.look(&name).await, Err(405));
    owner.close().await;
}

async fn a_purge_counts<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    let name = queue(&client, own()).await;
    fill(&client, &name, &["a", "b", "c"]).await;
    assert_eq!(client.purge(&name).await, 3);
    assert!(client.get(&name).await.is_none());
    client.close().await;
}

async fn a_delete_counts_and_the_queue_is_gone<C: Client>(host: String, port: u16) {
    let client = C::open(&host, port).await;
    let name = queue(&client, durable()).await;
    fill(&client, &name, &["a", "b"]).await;
    assert_eq!(client.delete(&name).await, 2);
    assert_eq!(client.look(&name).await, Err(404));
}
