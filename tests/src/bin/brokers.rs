//! Starts private brokers, runs a command with them announced in its environment, and stops them.
//!
//! `cargo run -p rmq-tests --bin brokers -- --release 4 --nodes 3 [--keep] [-- COMMAND ...]`
//!
//! Without a command it prints the addresses and waits for Ctrl-C. What `--keep` left running ends with
//! `--stop FOLDER`. `--check` starts nothing: it says in a line why a release can't run here, if that is so.

use std::env;
use std::io::{Write, stdout};
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::thread;

use rmq_tests::broker::{BrokerError, Cluster, Installation, NodeConfig, Release, stop_kept};
use rustix::process::{Pid, kill_process_group};
use tokio::process::Command;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

const INTERRUPTED: u8 = 130;

#[derive(Debug, Default)]
struct Request {
    releases: Vec<Release>,
    nodes: Option<usize>,
    keep: bool,
    check: bool,
    stop: Option<PathBuf>,
    plugins: Vec<String>,
    command: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let request = parse(env::args().skip(1))?;
    if let Some(folder) = &request.stop {
        stop_kept(folder)?;
        return Ok(ExitCode::SUCCESS);
    }
    if request.check {
        for release in request.releases {
            Installation::usable(release)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (tell, starting) = oneshot::channel();
    let (releases, nodes, plugins) = (request.releases, request.nodes, request.plugins);
    // Nobody left to tell means that the process is ending.
    thread::spawn(move || drop(tell.send(start(&releases, nodes, &plugins))));
    let clusters = tokio::select! {
        started = starting => started??,
        // The process ends here with brokers half started: their guards see it and stop them.
        () = asked(&mut interrupt, &mut terminate) => return Ok(ExitCode::from(INTERRUPTED)),
    };
    let code = if request.command.is_empty() {
        announce(&clusters)?;
        if !request.keep {
            asked(&mut interrupt, &mut terminate).await;
        }
        ExitCode::SUCCESS
    } else {
        run_command(&request.command, &clusters, &mut interrupt, &mut terminate).await?
    };
    for (_, cluster) in clusters {
        if request.keep {
            let (addresses, folder) = (cluster.addresses(), cluster.folder().display());
            eprintln!(
                "kept {addresses}; `cargo run -p rmq-tests --bin brokers -- --stop {folder}` ends it"
            );
            cluster.keep();
        }
    }
    Ok(code)
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Request, BrokerError> {
    let mut request = Request::default();
    let missing = |what: &str| BrokerError::usage(format!("{what} needs a value"));
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--release" => {
                let value = arguments.next().ok_or_else(|| missing("--release"))?;
                request.releases.push(value.parse()?);
            }
            "--nodes" => {
                let value = arguments.next().ok_or_else(|| missing("--nodes"))?;
                let nodes = value.parse().ok().filter(|nodes| (1..=7).contains(nodes));
                request.nodes = Some(nodes.ok_or_else(|| missing("--nodes (1 to 7)"))?);
            }
            "--plugin" => {
                request
                    .plugins
                    .push(arguments.next().ok_or_else(|| missing("--plugin"))?);
            }
            "--keep" => request.keep = true,
            "--check" => request.check = true,
            "--stop" => {
                let folder = arguments.next().ok_or_else(|| missing("--stop"))?;
                request.stop = Some(PathBuf::from(folder));
            }
            "--" => request.command = arguments.by_ref().collect(),
            other => {
                return Err(BrokerError::usage(format!(
                    "{other:?} is not known; say --release 3|4, --nodes N, --plugin NAME, --keep, --check, --stop FOLDER, -- COMMAND"
                )));
            }
        }
    }
    if request.releases.is_empty() {
        request.releases = Release::ALL.to_vec();
    }
    Ok(request)
}

fn start(
    releases: &[Release],
    nodes: Option<usize>,
    plugins: &[String],
) -> Result<Vec<(Release, Cluster)>, BrokerError> {
    let one = |release: Release| {
        let count = nodes.unwrap_or_else(|| release.default_nodes());
        let config = plugins
            .iter()
            .fold(NodeConfig::default(), |config, name| config.plugin(name));
        Cluster::start(release, count, config).map(|cluster| (release, cluster))
    };
    thread::scope(|scope| {
        let starting: Vec<_> = releases
            .iter()
            .map(|release| scope.spawn(move || one(*release)))
            .collect();
        let died = || Err(BrokerError::usage("starting a broker panicked"));
        starting
            .into_iter()
            .map(|start| start.join().unwrap_or_else(|_| died()))
            .collect()
    })
}

fn announce(clusters: &[(Release, Cluster)]) -> std::io::Result<()> {
    let mut out = stdout().lock();
    for (release, cluster) in clusters {
        for (name, value) in cluster.announcement(*release) {
            writeln!(out, "{name}={value}")?;
        }
        for node in cluster.nodes() {
            writeln!(
                out,
                "RabbitMQ {release} {}: {}",
                node.name(),
                node.amqp_url()
            )?;
        }
    }
    out.flush()
}

async fn run_command(
    command: &[String],
    clusters: &[(Release, Cluster)],
    interrupt: &mut Signal,
    terminate: &mut Signal,
) -> Result<ExitCode, Box<dyn std::error::Error>> {
    let [program, arguments @ ..] = command else {
        return Ok(ExitCode::SUCCESS);
    };
    let announcements = clusters
        .iter()
        .flat_map(|(release, cluster)| cluster.announcement(*release));
    let mut child = Command::new(program)
        .args(arguments)
        .envs(announcements)
        // When this process is killed, a guard ends the tests together with the brokers.
        .envs(clusters.first().map(|(_, cluster)| cluster.mark()))
        .stdin(Stdio::null())
        // A group of its own, so that the tests end together with the command that runs them.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let group = child.id();
    tokio::select! {
        status = child.wait() => {
            let code = status?.code().and_then(|code| u8::try_from(code).ok());
            Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
        }
        () = asked(interrupt, terminate) => {
            if let Some(group) = group.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
                kill_process_group(group, rustix::process::Signal::KILL)?;
            }
            child.wait().await?;
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

async fn asked(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
