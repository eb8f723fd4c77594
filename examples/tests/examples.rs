//! Every example runs, on the embedded broker and on RabbitMQ, and says what it promises to say.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use rmq_tests::broker::{Release, announced, unique};

/// Where an example runs: on RabbitMQ, or where its own file says.
struct Broker {
    real: Option<(String, String)>,
}

impl Broker {
    const fn embedded() -> Self {
        Self { real: None }
    }

    /// A virtual host of this run, so that nothing is there from before.
    fn real(release: Release) -> &'static Self {
        static REAL: [OnceLock<Broker>; 2] = [const { OnceLock::new() }; 2];
        REAL[usize::from(release == Release::V4)].get_or_init(|| {
            let broker = announced(release).unwrap_or_else(|error| panic!("{error}"));
            let virtual_host = unique("examples");
            broker.rabbitmqctl(&["add_vhost", &virtual_host]).unwrap();
            let all = [
                "set_permissions",
                "-p",
                &virtual_host,
                "guest",
                ".*",
                ".*",
                ".*",
            ];
            broker.rabbitmqctl(&all).unwrap();
            let real = Some((broker.addresses().join(","), virtual_host));
            Self { real }
        })
    }

    /// The program of an example, in this folder.
    fn command(&self, program: &str, folder: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(folder)
            .env_remove("RABBIT_ADDRESSES")
            .stdin(Stdio::null());
        if let Some((addresses, virtual_host)) = &self.real {
            command.env("RABBIT_ADDRESSES", addresses);
            command.env("RABBIT_VIRTUAL_HOST", virtual_host);
        }
        command
    }

    /// Runs an example and gives what it printed; it must end well and its ledgers must have nothing in flight.
    fn run(&self, program: &str) -> String {
        let mut command = self.command(program, env!("CARGO_MANIFEST_DIR"));
        let output = command.output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.success(),
            "{}\n{printed}\n{said}",
            output.status
        );
        for ledger in said
            .lines()
            .filter(|line| line.starts_with("sent ") || line.starts_with("delivered "))
        {
            assert!(ledger.contains(" + in flight 0 "), "{ledger}");
        }
        printed
    }
}

/// That it printed each of these, wherever.
fn shows(printed: &str, expected: &[&str]) {
    for line in expected {
        assert!(printed.contains(line), "no `{line}` in\n{printed}");
    }
}

fn quickstart_tells_what_became_of_every_message(broker: &Broker) {
    let printed = broker.run(env!("CARGO_BIN_EXE_quickstart"));
    shows(
        &printed,
        &[
            "order 1  confirmed: the broker has it, in a queue; sent 1 time(s)",
            "order 2  confirmed: the broker has it, in a queue; sent 1 time(s)",
            "order 3  confirmed: the broker has it, in a queue; sent 1 time(s)",
            "order 4  confirmed: the broker has it, in a queue; sent 1 time(s)",
            "order 5  Returned: no queue takes this key; we still hold the message",
            "on_return:   312 NO_ROUTE, key `order.cancelled`",
            "on_confirm:  returned",
            "order 1  handled at attempt 1",
            "order 2  handled at attempt 1",
            "order 3  attempt 1 failed: the till is closed for a moment",
            "order 3  handled at attempt 2",
            "order 4  attempt 3 failed: an order of nothing cannot be billed",
            "order 4  dead-lettered: its attempts are spent, and it waited where a person can see it",
            "sent 5 = confirmed 4 + returned 1 + nacked 0 + refused 0 + unknown 0 + in flight 0",
            "delivered 4 = acknowledged 3 + dead-lettered 1 + parked 0 + requeued 0 + left to the broker 0 + in flight 0",
        ],
    );
    let returned = printed.find("on_return:").unwrap();
    assert!(
        returned < printed.find("on_confirm:").unwrap(),
        "the return is told before the confirm"
    );
}

fn spring_mirror_runs_on_the_file_of_the_spring_service(broker: &Broker) {
    let printed = broker.run(env!("CARGO_BIN_EXE_spring_mirror"));
    shows(
        &printed,
        &[
            "confirm: ack=true cause=None",
            "returned: 13 bytes, 312 NO_ROUTE, exchange ``, key `mirror.nowhere`",
            "confirm: ack=false cause=Some(",
            "the caller: Returned, RMQ-PUB-RETURNED",
            "sent 2 = confirmed 1 + returned 1",
        ],
    );
}

fn publish_outcomes_shows_four_of_the_five_ends(broker: &Broker) {
    let printed = broker.run(env!("CARGO_BIN_EXE_publish_outcomes"));
    shows(
        &printed,
        &[
            "`` `outcomes.open`: confirmed, sent 1 time(s)",
            "312",
            "404",
            "we still hold the message: 5 bytes",
            "sent 5 = confirmed 2 + returned 1 + nacked 1 + refused 1 + unknown 0",
        ],
    );
}

fn retry_dead_letter_tries_four_times_and_a_fatal_failure_once(broker: &Broker) {
    let printed = broker.run(env!("CARGO_BIN_EXE_retry_dead_letter"));
    shows(
        &printed,
        &[
            "attempt 4 for savings",
            "savings: dead-lettered",
            "closed: dead-lettered",
        ],
    );
    assert_eq!(printed.matches("for savings").count(), 4);
    assert_eq!(printed.matches("for closed").count(), 1);
}

fn manual_ack_settles_by_hand(broker: &Broker) {
    let printed = broker.run(env!("CARGO_BIN_EXE_manual_ack"));
    shows(
        &printed,
        &[
            "settled: print",
            "settled: poison",
            "delivered 2 = acknowledged 1 + dead-lettered 1",
        ],
    );
}

fn request_reply_answers(broker: &Broker) {
    let printed = broker.run(env!("CARGO_BIN_EXE_request_reply"));
    shows(
        &printed,
        &["4 pieces of tea cost 1000 cents", "sent 2 = confirmed 2"],
    );
}

fn topology_in_rust_declares_and_asks(broker: &Broker) {
    let printed = broker.run(env!("CARGO_BIN_EXE_topology_in_rust"));
    shows(
        &printed,
        &[
            "stock.changes: 2 message(s), 0 consumer(s)",
            "stock.changes.dlq: 0 message(s), 0 consumer(s)",
            "stock.gone: not there",
            "purged 2",
        ],
    );
}

fn components_reach_a_listener(broker: &Broker) {
    let printed = broker.run(env!("CARGO_BIN_EXE_components"));
    shows(
        &printed,
        &[
            "visit 1: Ada saw /tea (redelivered: false)",
            "visit 2: somebody saw /tea (redelivered: false)",
        ],
    );
}

fn parking_keeps_the_cause_with_the_message(broker: &Broker) {
    let printed = broker.run(env!("CARGO_BIN_EXE_parking"));
    shows(
        &printed,
        &[
            "x-exception-message: ",
            "x-original-queue: parking.invoices",
            "parked 1",
        ],
    );
}

fn plain_function_runs_on_the_pools_own_threads(broker: &Broker) {
    let printed = broker.run(env!("CARGO_BIN_EXE_plain_function"));
    shows(
        &printed,
        &["cat.png on pictures-N", "dog.png on pictures-N"],
    );
}

fn the_program_of_the_readme_stops_on_sigterm_with_a_ledger(broker: &Broker) {
    orders(broker, "-TERM");
}

/// Not beside the other on one broker: they would consume the same queue.
#[test]
fn the_program_of_the_readme_stops_on_ctrl_c_with_a_ledger() {
    orders(&Broker::embedded(), "-INT");
}

/// Waits until the program catches SIGTERM and SIGINT: before `run_until_shutdown` they end it as they end any program.
fn catches_signals(program: &mut Child) {
    const BOTH: u64 = 1 << (15 - 1) | 1 << (2 - 1);
    let status = format!("/proc/{}/status", program.id());
    while program.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap();
        let caught = text.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.unwrap().trim(), 16).unwrap();
        if caught & BOTH == BOTH {
            return;
        }
        std::thread::yield_now();
    }
}

/// Publishes, bills, and stops on a signal with a ledger.
fn orders(broker: &Broker, signal: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/orders");
    let mut command = broker.command(env!("CARGO_BIN_EXE_orders"), folder);
    if broker.real.is_none() {
        // Its file names three hosts.
        command.env("RABBIT_ADDRESSES", "embedded");
    }
    let mut program = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    catches_signals(&mut program);
    let pid = program.id().to_string();
    assert!(
        Command::new("kill")
            .args([signal, &pid])
            .status()
            .unwrap()
            .success()
    );
    let output = program.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{}\n{said}", output.status);
    assert_eq!(line, "billed order 1 of nobody\n", "{said}");
    shows(
        &said,
        &[
            "`on_order` on `orders.created`: 2-8 consumer(s), prefetch 250",
            "sent 1 = confirmed 1 + returned 0 + nacked 0 + refused 0 + unknown 0 + in flight 0",
            "delivered 1 = acknowledged 1 + ",
        ],
    );
}

/// The same on the broker inside the process and on both releases of RabbitMQ.
macro_rules! on_each_broker {
    ($($example:ident),* $(,)?) => {
        on_each_broker!(embedded, &crate::Broker::embedded(), $($example)*);
        on_each_broker!(rabbit3, crate::Broker::real(crate::Release::V3), $($example)*);
        on_each_broker!(rabbit4, crate::Broker::real(crate::Release::V4), $($example)*);
    };
    ($name:ident, $broker:expr, $($example:ident)*) => {
        mod $name {
            $(
                #[test]
                fn $example() {
                    super::$example($broker);
                }
            )*
        }
    };
}

on_each_broker!(
    quickstart_tells_what_became_of_every_message,
    spring_mirror_runs_on_the_file_of_the_spring_service,
    publish_outcomes_shows_four_of_the_five_ends,
    retry_dead_letter_tries_four_times_and_a_fatal_failure_once,
    manual_ack_settles_by_hand,
    request_reply_answers,
    topology_in_rust_declares_and_asks,
    components_reach_a_listener,
    parking_keeps_the_cause_with_the_message,
    plain_function_runs_on_the_pools_own_threads,
    the_program_of_the_readme_stops_on_sigterm_with_a_ledger,
);

/// The README's blocks of Rust: the program, and its test.
#[test]
fn the_readme_shows_what_is_run_here() {
    let squeezed = |text: &str| {
        text.lines()
            .map(|line| line.split("//").next().unwrap_or_default())
            .flat_map(str::split_whitespace)
            .collect::<String>()
            .replace(",}", "}")
            .replace(",)", ")")
            // The one difference: where the file is.
            .replace(".file(\"orders/rabbit.yml\")", "")
    };
    let program = squeezed(include_str!("../orders/main.rs"));
    let readme = include_str!("../../README.md");
    let shown: Vec<_> = readme.split("```rust\n").skip(1).collect();
    assert_eq!(shown.len(), 2);
    for block in shown {
        let block = squeezed(block.split("```").next().unwrap());
        assert!(
            program.contains(&block),
            "README.md and examples/orders/main.rs differ in\n{block}"
        );
    }
}
