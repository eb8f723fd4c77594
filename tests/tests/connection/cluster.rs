//! Three nodes under load, and the one we are connected to dies.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rmq_core::connection::{ConnectionHealth, Purpose};
use rmq_core::prelude::*;
use rmq_tests::broker::{Cluster, NodeConfig, Release};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::support::{ends, sized};

/// How often something came, and how many came in all.
struct Tally<T> {
    times: Mutex<HashMap<T, usize>>,
    distinct: watch::Sender<usize>,
}

impl<T: Hash + Eq> Tally<T> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            times: Mutex::default(),
            distinct: watch::Sender::new(0),
        })
    }

    fn note(&self, one: T) {
        let mut times = self.times.lock();
        *times.entry(one).or_default() += 1;
        self.distinct.send_replace(times.len());
    }

    async fn reaches(&self, what: &str, count: usize) {
        let mut distinct = self.distinct.subscribe();
        let enough = distinct.wait_for(|distinct| *distinct >= count);
        drop(ends(what, enough).await.unwrap());
    }

    fn all(&self) -> usize {
        self.times.lock().values().sum()
    }
}

type Handled = Arc<Tally<u64>>;
type Told = Arc<Tally<String>>;

#[rabbit_config]
struct Shop;

#[rabbit_listener(queue = "orders", config = Shop, prefetch = 100)]
async fn on_order(order: u64, handled: State<Handled>) {
    handled.note(order);
}

#[on_confirm(config = Shop)]
async fn confirmed(confirm: Confirm, told: State<Told>) {
    assert!(confirm.is_ack(), "{confirm:?}");
    told.note(confirm.correlation_id().to_owned());
}

const FILE: &str = "\
rabbitmq:
  connection-name: cluster
  recovery: { max-interval: 1s }
  publisher: { confirm-timeout: 120s, window-timeout: 120s }
  topology: { queues: [{ name: orders }] }
";
/// The listener's.
const PREFETCH: usize = 100;
const PUBLISHERS: u64 = 4;
/// Given over at once by each publisher, and out of the quota together.
const BATCH: u32 = 50;

/// Publishes as long as there is quota; the ends are all `Confirmed`, or this panics. Gives how many.
fn publisher(app: &RabbitApp, number: u64, quota: &Arc<Semaphore>, ended: &Told) -> JoinHandle<()> {
    let (template, quota, ended) = (app.template(), Arc::clone(quota), Arc::clone(ended));
    tokio::spawn(async move {
        let mut next = number;
        while let Ok(batch) = quota.acquire_many(BATCH).await {
            batch.forget();
            let some = (0..BATCH).map(|_| {
                let publish = template.convert_and_send("", "orders", &next);
                let publish = publish.message_id(next.to_string());
                next += PUBLISHERS;
                publish
            });
            for end in template.send_all(some).await {
                // The deadline is far off and nothing is unroutable.
                ended.note(end.unwrap().message_id().to_owned());
            }
        }
    })
}

/// Waits until every connection in use is open, and none of them to this node. Gives where the publishing one is.
async fn open_elsewhere(app: &RabbitApp, than: &str) -> String {
    let place = || {
        let mut used = app.health().connections;
        used.retain(|connection| connection.opened > 0);
        let address = |connection: &ConnectionHealth| {
            let open = connection.state.connection();
            open.map_or_else(String::new, |open| open.address.clone())
        };
        let elsewhere =
            |connection: &ConnectionHealth| connection.is_up() && address(connection) != than;
        let publishing = used
            .iter()
            .find(|connection| connection.purpose == Purpose::Publishing);
        used.iter()
            .all(elsewhere)
            .then(|| publishing.map(address))?
    };
    let open = async {
        loop {
            if let Some(place) = place() {
                return place;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    ends("to be connected", open).await
}

async fn the_next_node_takes_over_under_load_when_ours_is_killed(release: Release) {
    let cluster = Cluster::start(release, 3, NodeConfig::default()).unwrap();
    let (handled, told, ended): (Handled, Told, Told) = (Tally::new(), Tally::new(), Tally::new());
    let builder = Shop::builder()
        .environment([("RABBIT_ADDRESSES", cluster.addresses())])
        .properties("cluster.yml", FILE)
        .state(Arc::clone(&handled))
        .state(Arc::clone(&told))
        .only(listeners![on_order, confirmed]);
    let app = ends("to start", builder.start()).await.unwrap();
    let quota = Arc::new(Semaphore::new(0));
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|number| publisher(&app, number, &quota, &ended))
        .collect();
    let each = sized(30_000, 3_000);
    let mut ours = open_elsewhere(&app, "").await;
    for kill in 1..=2 {
        let node = cluster.nodes().iter().find(|node| node.address() == ours);
        let node = node.unwrap();
        node.flush_quorum_queues().unwrap();
        let (before, copies) = (*ended.distinct.borrow(), app.ledger().published.copies);
        quota.add_permits(each);
        ended.reaches("a third", before + each / 3).await;
        node.kill();
        ours = open_elsewhere(&app, &ours).await;
        ended.reaches("every end", before + each).await;
        let copied = app.ledger().published.copies - copies;
        assert!(copied > 0, "the kill met messages in flight");
        if kill == 1 {
            // Without it the second kill would leave no majority.
            node.restart().unwrap();
        }
    }
    quota.close();
    for publisher in publishers {
        ends("a publisher", publisher).await.unwrap();
    }
    let total = 2 * each;
    // The callbacks run behind the ends.
    told.reaches("every confirm", total).await;
    handled.reaches("every confirmed message", total).await;
    let buried = app.admin().queue_info("orders.dlq").await.unwrap();
    assert_eq!(buried.unwrap().messages, 0);
    ends("the stop", app.stop()).await.unwrap();
    assert_eq!((ended.all(), told.all()), (total, total), "one end each");
    let ledger = app.ledger();
    assert!(ledger.adds_up(), "{ledger}");
    assert_eq!(ledger.published.confirmed, total as u64, "{ledger}");
    let (again, copies) = (handled.all() - total, ledger.published.copies as usize);
    // Behind a kill come the messages that were sent again, and those that one consumer held.
    assert!(again <= copies + 2 * PREFETCH, "{again}, {copies} copies");
}

mod rabbit4 {
    #[tokio::test(flavor = "multi_thread")]
    async fn the_next_node_takes_over_under_load_when_ours_is_killed() {
        super::the_next_node_takes_over_under_load_when_ours_is_killed(
            rmq_tests::broker::Release::V4,
        )
        .await;
    }
}
