//! The program, as a user sees it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rmq-embedded"));
    command.args(arguments);
    command
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = program(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// Kills the program where a test ends early.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop((self.0.kill(), self.0.wait()));
    }
}

/// The program on a free port, with its address and what it still prints.
fn start() -> (Running, String, BufReader<ChildStdout>) {
    let mut child = program(&["--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let running = Running(child);
    let mut lines = String::new();
    output.read_line(&mut lines).unwrap();
    let address = lines.split("listens on ").nth(1).expect(&lines);
    let address = address.split(' ').next().unwrap().to_owned();
    assert!(lines.contains("nothing survives this process"), "{lines}");
    lines.clear();
    output.read_line(&mut lines).unwrap();
    let uri = format!("amqp://guest:guest@{address}/%2f");
    assert!(lines.contains(&uri), "{lines}");
    (running, address, output)
}

#[test]
fn help_tells_every_option_and_that_nothing_survives() {
    let (code, told, _) = run(&["--help"]);
    assert_eq!(code, Some(0));
    for part in [
        "--port PORT",
        "--memory-limit-mb MB",
        "--user NAME:PASSWORD",
        "--vhost NAME",
        "--delivery-limit N",
        "nothing survives the process",
        "production is RabbitMQ",
    ] {
        assert!(told.contains(part), "no {part} in:\n{told}");
    }
}

#[test]
fn a_wrong_option_is_named_and_the_usage_shown() {
    for (arguments, fault) in [
        (&["--prot", "1"][..], "--prot is not an option"),
        (&["--port", "many"], "--port takes a number, not 'many'"),
        (&["--port"], "--port needs a value"),
        (&["--user", "me"], "--user takes NAME:PASSWORD"),
    ] {
        let (code, _, told) = run(arguments);
        assert_eq!(code, Some(2), "{arguments:?}");
        assert!(told.starts_with(fault) && told.contains("--help"), "{told}");
    }
}

#[test]
fn a_port_in_use_is_told_with_what_to_do() {
    let (_running, address, _) = start();
    let port = address.rsplit(':').next().unwrap();
    let (code, _, told) = run(&["--port", port]);
    assert_eq!(code, Some(1));
    assert!(
        told.contains(&format!("could not listen on 127.0.0.1:{port}"))
            && told.contains("choose another port"),
        "{told}"
    );
}

#[cfg(unix)]
#[test]
fn a_signal_says_goodbye_to_clients_and_ends_it_well() {
    for signal in ["-INT", "-TERM"] {
        let (mut running, address, mut output) = start();
        let mut client = TcpStream::connect(address).unwrap();
        client
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        client.write_all(b"AMQP\x00\x00\x09\x01").unwrap();
        client.read_exact(&mut [0; 7]).unwrap();
        let id = running.0.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
        let mut told = Vec::new();
        client.read_to_end(&mut told).unwrap();
        let close = [0, 10, 0, 50, 1, 64]; // connection.close, 320
        assert!(told.windows(6).any(|bytes| bytes == close), "{told:?}");
        drop(client);
        assert_eq!(running.0.wait().unwrap().code(), Some(0), "{signal}");
        let mut last = String::new();
        output.read_to_string(&mut last).unwrap();
        assert_eq!(last, "rmq-embedded has stopped; its queues are gone\n");
    }
}
