//! The table itself.

use std::collections::{BTreeMap, BTreeSet};

use super::super::property::{Kind, Preset, Property, Spring, Verdict};
use super::super::source::{SourceFile, assemble};
use super::super::table::{all, find};
use super::variables;

#[test]
fn two_properties_never_share_a_path_or_a_variable() {
    let mut paths = BTreeSet::new();
    let mut names: BTreeMap<String, &str> = BTreeMap::new();
    for property in all() {
        assert!(
            paths.insert(&property.path),
            "{} stands twice",
            property.path
        );
        let Some(name) = property.variable() else {
            continue;
        };
        if let Some(other) = names.insert(name.clone(), &property.path) {
            panic!("{name} would set both {other} and {}", property.path);
        }
        assert!(
            !super::super::environment::RESERVED.contains(&name.as_str()),
            "{name} is reserved"
        );
    }
}

#[test]
fn every_property_that_works_is_read_and_nothing_else() {
    let text = "rabbitmq:\n  addresses: h\n  listeners: {a: {prefetch: 1}}\n  topology: {exchanges: [{name: e}], queues: [{name: q}], bindings: [{exchange: e, queue: q}]}\n";
    let base = |text: &str| SourceFile {
        name: "rabbit.yml".to_owned(),
        text: text.to_owned(),
    };
    let mut asked = BTreeSet::new();
    // `host` and `port` are read only without `addresses`.
    for text in [text, ""] {
        assemble(
            Ok(Some(base(text))),
            |_| Ok(None),
            &variables(&[]),
            &mut asked,
        )
        .whole()
        .unwrap();
    }
    let works = all()
        .iter()
        .filter(|property| property.verdict == Verdict::Works);
    let works: BTreeSet<String> = works.map(|property| property.path.clone()).collect();
    let ignored: Vec<_> = works.difference(&asked).collect();
    assert!(ignored.is_empty(), "known and never read: {ignored:?}");
    let unknown: Vec<_> = asked.difference(&works).collect();
    assert!(unknown.is_empty(), "read and not in the table: {unknown:?}");
}

#[test]
fn every_default_can_be_written_in_the_file() {
    for property in all()
        .iter()
        .filter(|property| property.verdict == Verdict::Works)
    {
        let Preset::Is(default) = property.default else {
            continue;
        };
        if default.is_empty() || property.path.contains(['*', '[']) {
            continue;
        }
        super::read(&format!("rabbitmq.{}: '{default}'\n", property.path));
    }
}

/// Every property of Spring Boot's table, by its name.
const SPRINGS: &str = "host port username password virtual-host addresses address-shuffle-mode requested-heartbeat requested-channel-max connection-timeout channel-rpc-timeout max-inbound-message-body-size publisher-returns publisher-confirm-type dynamic ssl.enabled ssl.bundle ssl.key-store ssl.key-store-type ssl.key-store-password ssl.key-store-algorithm ssl.trust-store ssl.trust-store-type ssl.trust-store-password ssl.trust-store-algorithm ssl.algorithm ssl.validate-server-certificate ssl.verify-hostname cache.channel.size cache.channel.checkout-timeout cache.connection.mode cache.connection.size template.mandatory template.receive-timeout template.reply-timeout template.exchange template.routing-key template.default-receive-queue template.observation-enabled template.allowed-list-patterns template.retry.enabled template.retry.max-retries template.retry.initial-interval template.retry.multiplier template.retry.max-interval listener.type listener.X.auto-startup listener.X.acknowledge-mode listener.X.prefetch listener.X.default-requeue-rejected listener.X.idle-event-interval listener.X.de-batching-enabled listener.X.force-stop listener.X.observation-enabled listener.X.missing-queues-fatal listener.X.retry.enabled listener.X.retry.stateless listener.X.retry.max-retries listener.X.retry.initial-interval listener.X.retry.multiplier listener.X.retry.max-interval listener.simple.concurrency listener.simple.max-concurrency listener.simple.batch-size listener.simple.consumer-batch-enabled listener.direct.consumers-per-queue listener.stream.native-listener listener.stream.observation-enabled stream.host stream.port stream.virtual-host stream.username stream.password stream.name stream.ssl.enabled stream.ssl.bundle";

/// Names that Spring gave up.
const FORMER: [&str; 6] = [
    "publisher-confirms",
    "template.queue",
    "listener.simple.transaction-size",
    "template.retry.max-attempts",
    "listener.simple.retry.max-attempts",
    "listener.direct.retry.max-attempts",
];

#[test]
fn every_property_of_springs_is_known_by_its_name() {
    for name in SPRINGS.split(' ') {
        let names = match name.split_once(".X.") {
            Some((head, tail)) => vec![
                format!("{head}.simple.{tail}"),
                format!("{head}.direct.{tail}"),
            ],
            None => vec![name.to_owned()],
        };
        for name in names {
            let property = find(&name).unwrap_or_else(|| panic!("{name} is not known"));
            assert!(
                matches!(property.spring, Spring::Default(_)),
                "{name} is Spring's"
            );
        }
    }
    for name in FORMER {
        let property = find(name).unwrap_or_else(|| panic!("{name} is not known"));
        assert!(
            matches!(property.verdict, Verdict::Renamed { .. }),
            "{name}"
        );
    }
}

/// Each property that works and is no list of sections, with values that are not its default.
pub(crate) fn other_values() -> Vec<(String, Vec<String>)> {
    let single =
        |property: &&Property| property.verdict == Verdict::Works && property.variable().is_some();
    all()
        .iter()
        .filter(single)
        .map(|property| {
            let path = property.path.replace('*', "on_order");
            (path, others(property))
        })
        .collect()
}

fn others(property: &Property) -> Vec<String> {
    let default = match property.default {
        Preset::Is(text) => text,
        Preset::Unset(_) => "",
    };
    let all: Vec<String> = match property.kind {
        Kind::Flag => vec!["true".to_owned(), "false".to_owned()],
        Kind::Whole { min, .. } => (min..min + 3).map(|number| number.to_string()).collect(),
        Kind::Signed => vec!["-7".to_owned()],
        Kind::Decimal { .. } => vec!["3.5".to_owned()],
        Kind::Duration { .. } => vec!["7s".to_owned(), "77s".to_owned()],
        Kind::Size { min, .. } => vec![(min + 7).to_string()],
        Kind::Choice(names) => names.iter().map(|name| (*name).to_owned()).collect(),
        Kind::Concurrency => vec!["3-4".to_owned()],
        Kind::Text | Kind::Secret | Kind::Words => {
            vec!["other".to_owned(), "park:other".to_owned()]
        }
        Kind::Sections | Kind::Arguments => Vec::new(),
    };
    all.into_iter().filter(|value| value != default).collect()
}

#[test]
fn every_property_that_is_refused_is_a_fault_at_its_place() {
    let mut told = 0;
    for property in all() {
        let Verdict::Refused { except, note } = property.verdict else {
            continue;
        };
        let name = property.path.replace('*', "on_order");
        for value in refused_values(property, except) {
            let faults = super::faults(&format!("rabbitmq:\n  {name}: {value}\n"));
            let lines = super::lines(&faults);
            let start = format!("rabbit.yml:2:3: `{name}` is not supported yet");
            assert!(
                lines.len() == 1 && lines[0].starts_with(&start) && lines[0].contains(note),
                "{name}: {value} gives {lines:?}"
            );
        }
        if let Some(except) = except {
            super::read(&format!("rabbitmq:\n  {name}: {except}\n"));
        }
        told += 1;
    }
    assert!(told > 0, "no property is refused");
}

/// What somebody would write who comes from Spring: values of the type of Spring's default.
fn refused_values(property: &Property, except: Option<&str>) -> Vec<&'static str> {
    let values: &[&str] = match spring_default(property) {
        "true" | "false" => &["true", "false"],
        number if number.starts_with(|first: char| first.is_ascii_digit()) => &["7"],
        _ => &["text"],
    };
    let values: Vec<&str> = values
        .iter()
        .copied()
        .filter(|value| except != Some(value))
        .collect();
    assert!(!values.is_empty(), "{} has another value", property.path);
    values
}

/// What a single listener says is typed as what all of them say.
fn spring_default(property: &Property) -> &'static str {
    let path = property.path.replace("listeners.*", "listener.simple");
    match find(&path).map(|known| known.spring) {
        Some(Spring::Default(default)) => default,
        other => panic!("{path} is not Spring's: {other:?}"),
    }
}
