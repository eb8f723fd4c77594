//! Three nodes, and the one we are connected to dies.

use rmq_core::admin::RabbitAdmin;
use rmq_core::connection::{AddressShuffle, Purpose};
use rmq_core::topology::{Declarables, Queue};
use rmq_tests::broker::{Cluster, NodeConfig, Release};

use crate::support::{connection, ends, guest, reopened, settings, soon, topology};

async fn the_next_node_takes_over_when_ours_is_killed(release: Release) {
    let cluster = Cluster::start(release, 3, NodeConfig::default()).unwrap();
    let addresses = cluster.addresses();
    let mut settings = settings(addresses.split(',').map(guest).collect());
    settings.shuffle = AddressShuffle::Random;
    let connection = connection(settings, Purpose::Admin);
    let declared = Declarables::new().with(Queue::named("orders"));
    let admin = RabbitAdmin::new(connection.clone(), topology(&declared));
    ends("to start", connection.start(soon())).await.unwrap();
    for generation in 1..=2 {
        let state = reopened(&connection, generation).await;
        let ours = state.connection().unwrap().address.clone();
        let node = cluster.nodes().iter().find(|node| node.address() == ours);
        let node = node.unwrap();
        node.kill();
        let state = reopened(&connection, generation + 1).await;
        assert_ne!(state.connection().unwrap().address, ours);
        assert!(admin.queue_info("orders").await.unwrap().is_some());
        node.restart().unwrap();
    }
}

mod rabbit4 {
    #[tokio::test(flavor = "multi_thread")]
    async fn the_next_node_takes_over_when_ours_is_killed() {
        super::the_next_node_takes_over_when_ours_is_killed(rmq_tests::broker::Release::V4).await;
    }
}
