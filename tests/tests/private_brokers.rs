//! The private brokers keep their word: they come back where they were, and nothing outlives its owner.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rmq_tests::broker::{Node, NodeConfig, Release};

fn serves(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// Processes that carry `word` in their environment.
fn marked(word: &str) -> usize {
    let environments = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| {
            entry.file_name().to_str()?.parse::<u32>().ok()?;
            fs::read(entry.path().join("environ")).ok()
        });
    environments
        .filter(|all| all.windows(word.len()).any(|part| part == word.as_bytes()))
        .count()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn a_killed_node_comes_back_with_its_data(release: Release) {
    let node = Node::start(release, NodeConfig::default()).unwrap();
    node.rabbitmqctl(&["add_vhost", "kept"]).unwrap();
    node.kill();
    assert!(!serves(node.port()));
    node.restart().unwrap();
    assert!(serves(node.port()));
    assert!(
        node.rabbitmqctl(&["list_vhosts"])
            .unwrap()
            .lines()
            .any(|line| line == "kept")
    );
}

fn nothing_outlives_a_killed_owner(release: &str) {
    let name = format!("RMQ_TEST_CLUSTER_{release}=");
    let command = format!("echo {name}$RMQ_TEST_CLUSTER_{release}; sleep 600 & wait");
    let mut owner = Command::new(env!("CARGO_BIN_EXE_brokers"))
        .args([
            "--release",
            release,
            "--nodes",
            "1",
            "--",
            "sh",
            "-c",
            &command,
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let folder = BufReader::new(owner.stdout.take().unwrap())
        .lines()
        .find_map(|line| line.unwrap().strip_prefix(&name).map(str::to_owned))
        .expect("the folder is announced");
    assert!(
        marked(&folder) >= 4,
        "the broker, its port mapper, the command and its child carry the mark"
    );
    owner.kill().unwrap();
    owner.wait().unwrap();
    until("all processes of the broker are gone", || {
        marked(&folder) == 0
    });
    until("its folder is gone", || !fs::exists(&folder).unwrap());
}

mod rabbit3 {
    use super::Release;

    #[test]
    fn a_killed_node_comes_back_with_its_data() {
        super::a_killed_node_comes_back_with_its_data(Release::V3);
    }

    #[test]
    fn nothing_outlives_a_killed_owner() {
        super::nothing_outlives_a_killed_owner("3");
    }
}

mod rabbit4 {
    use super::Release;

    #[test]
    fn a_killed_node_comes_back_with_its_data() {
        super::a_killed_node_comes_back_with_its_data(Release::V4);
    }

    #[test]
    fn nothing_outlives_a_killed_owner() {
        super::nothing_outlives_a_killed_owner("4");
    }
}
