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
use rustix::process::{Pid, Signal, kill_process};

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

/// How a run ends while its command is busy.
enum End {
    Killed,
    Asked(Signal),
    CommandFails,
}

const CODE: i32 = 7;

fn nothing_outlives_its_owner(release: &str, end: &End) {
    let name = format!("RMQ_TEST_CLUSTER_{release}=");
    let told = tempfile::tempdir().unwrap();
    let fail = told.path().join("fail");
    let command = format!(
        "echo {name}$RMQ_TEST_CLUSTER_{release}; sleep 600 & while [ ! -e {} ]; do sleep 0.1; done; exit {CODE}",
        fail.display()
    );
    let mut owner = Command::new(env!("CARGO_BIN_EXE_brokers"))
        .args(["--release", release, "--nodes", "1"])
        .args(["--", "sh", "-c", &command])
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
    let code = match end {
        End::Killed => {
            owner.kill().unwrap();
            None
        }
        End::Asked(signal) => {
            let id = Pid::from_raw(i32::try_from(owner.id()).unwrap()).unwrap();
            kill_process(id, *signal).unwrap();
            Some(130)
        }
        End::CommandFails => {
            fs::write(fail, "").unwrap();
            Some(CODE)
        }
    };
    assert_eq!(owner.wait().unwrap().code(), code);
    until("all processes of the broker are gone", || {
        marked(&folder) == 0
    });
    until("its folder is gone", || !fs::exists(&folder).unwrap());
}

mod rabbit3 {
    use super::{End, Release, Signal, nothing_outlives_its_owner};

    #[test]
    fn a_killed_node_comes_back_with_its_data() {
        super::a_killed_node_comes_back_with_its_data(Release::V3);
    }

    #[test]
    fn nothing_outlives_a_killed_owner() {
        nothing_outlives_its_owner("3", &End::Killed);
    }

    #[test]
    fn nothing_outlives_an_interrupted_owner() {
        nothing_outlives_its_owner("3", &End::Asked(Signal::INT));
    }

    #[test]
    fn nothing_outlives_a_terminated_owner() {
        nothing_outlives_its_owner("3", &End::Asked(Signal::TERM));
    }

    #[test]
    fn nothing_outlives_a_failed_command_and_its_code_is_passed_on() {
        nothing_outlives_its_owner("3", &End::CommandFails);
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
        super::nothing_outlives_its_owner("4", &super::End::Killed);
    }
}

/// Without root, or without the right to mount, a release from a root folder cannot run. That is told in one line.
mod without_rights {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use rmq_tests::broker::Installation;
    use rustix::process::geteuid;

    use super::*;

    /// One line, and what to type.
    fn one_line(mut command: Command) -> String {
        let output = command.output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
        told
    }

    /// The release that the machine's own Debian does not package.
    fn foreign() -> Release {
        let native =
            |release: &Release| matches!(Installation::find(*release), Ok(Installation::Native));
        Release::ALL
            .into_iter()
            .find(|release| !native(release))
            .unwrap()
    }

    /// What only root may drop is dropped, if this is root.
    fn with_less(drop: &[&str]) -> Command {
        if geteuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(drop).arg("--");
            command
        } else {
            Command::new("env")
        }
    }

    fn number(release: Release) -> &'static str {
        match release {
            Release::V3 => "3",
            Release::V4 => "4",
        }
    }

    #[test]
    fn an_ordinary_user_is_told_what_to_type() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("install-brokers");
        fs::copy(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("install-brokers"),
            &script,
        )
        .unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let mut command = with_less(&["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        command
            .args(["bash", script.to_str().unwrap(), number(foreign())])
            .env("XDG_CACHE_HOME", folder.path());
        let told = one_line(command);
        assert!(told.contains("sudo tests/run"), "{told}");
    }

    #[test]
    fn a_machine_that_forbids_mounts_is_told_of() {
        let mut command = with_less(&["--bounding-set", "-sys_admin"]);
        command.args([
            env!("CARGO_BIN_EXE_brokers"),
            "--check",
            "--release",
            number(foreign()),
        ]);
        let told = one_line(command);
        assert!(told.contains("tests/run"), "{told}");
    }

    /// The other release's tests run, and the run fails all the same.
    #[test]
    fn the_tests_of_the_other_release_go_on_and_the_run_fails() {
        let foreign = number(foreign());
        let mut command = with_less(&["--bounding-set", "-sys_admin"]);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        command.arg(root.join("tests/run")).args([
            "--nodes",
            "1",
            "--only",
            "a_killed_node_comes_back",
        ]);
        let output = command.output().unwrap();
        let (out, told) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert_eq!(output.status.code(), Some(1), "{out}{told}");
        let native = if foreign == "4" { "3" } else { "4" };
        let ran = format!("test rabbit{native}::a_killed_node_comes_back_with_its_data ... ok");
        assert!(out.contains(&ran), "{out}{told}");
        assert!(!out.contains(&format!("test rabbit{foreign}::")), "{out}");
        let failed = format!("tests/run: failed: RabbitMQ {foreign} cannot run here");
        assert!(told.contains(&failed), "{told}");
    }
}
