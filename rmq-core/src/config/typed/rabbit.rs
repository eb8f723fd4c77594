//! All settings of one broker.

use std::collections::{BTreeMap, BTreeSet};

use super::super::doubts::Doubts;
use super::super::key::{is_same_name, uniform};
use super::super::origin::Origin;
use super::super::property::Verdict;
use super::super::reader::Reader;
use super::super::source::Sources;
use super::super::table;
use super::super::values::{AllValues, Chosen, Values};
use super::connection::{self, ConnectionProperties};
use super::executor::{self, ExecutorProperties};
use super::listener::{self, ListenerProperties, ListenerSettings};
use super::publisher::{self, PublisherProperties};
use super::template::{self, TemplateProperties};
use super::topology;
use crate::error::Faults;
use crate::topology::Declarables;

/// Everything `rabbit.yml` and the environment say, read and checked, with defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct RabbitProperties {
    /// Connections, deadlines, limits, TLS.
    pub connection: ConnectionProperties,
    /// Confirms, returns, the window.
    pub publisher: PublisherProperties,
    /// The template.
    pub template: TemplateProperties,
    /// `listener.simple`: the section default of every listener.
    pub listener: ListenerSettings,
    /// `listener.simple.executor`: the pool.
    pub executor: ExecutorProperties,
    /// `listeners`, by id as written. Ask for one with [`listener_by_id`](Self::listener_by_id).
    pub listeners: BTreeMap<String, ListenerProperties>,
    /// Where each id of `listeners` was first said, for the fault that no such listener exists.
    pub listener_origins: BTreeMap<String, Origin>,
    /// `topology`, not checked yet: code may add to it.
    pub topology: Declarables,
    /// `brokers`: further brokers with settings of their own, by name as written.
    pub brokers: BTreeMap<String, RabbitProperties>,
    /// Where the value of each property was said.
    pub origins: Origins,
    /// Files, profiles, and variables that name no property. Empty for `brokers`.
    pub sources: Sources,
    /// What is missing or a default because it has a fault.
    pub(crate) doubts: Doubts,
}

impl RabbitProperties {
    /// What `listeners.<id>` says; the spellings `on_order`, `on-order`, `onOrder` are one id.
    #[must_use]
    pub fn listener_by_id(&self, id: &str) -> Option<&ListenerProperties> {
        let same = |(known, _): &(&String, &ListenerProperties)| is_same_name(known, id);
        self.listeners
            .iter()
            .find(same)
            .map(|(_, properties)| properties)
    }

    /// The same for somebody whose own settings they are not.
    pub(crate) fn all_in_doubt(mut self) -> Self {
        self.listeners.clear();
        self.doubts.add("");
        self
    }

    /// Whether a fault keeps the values of a listener, its own or the section's, from being what was meant.
    pub(crate) fn doubts_listener(&self, id: &str) -> bool {
        let own = format!("listeners.{}", uniform(id));
        self.doubts.touch("listener.simple") || self.doubts.touch(&own)
    }

    /// The same of the topology.
    pub(crate) fn doubts_topology(&self) -> bool {
        self.doubts.touch("topology")
    }

    /// The same of the addresses and of what TLS needs.
    pub(crate) fn doubts_addresses(&self) -> bool {
        let parts = ["addresses", "host", "port", "ssl"];
        parts.iter().any(|part| self.doubts.touch(part))
    }

    /// The same of `brokers`.
    pub(crate) fn doubts_brokers(&self) -> bool {
        self.doubts.touch("brokers")
    }

    /// The settings of a further broker; the spellings of a name are one.
    #[must_use]
    pub fn broker(&self, name: &str) -> Option<&Self> {
        let same = |(known, _): &(&String, &Self)| is_same_name(known, name);
        self.brokers
            .iter()
            .find(same)
            .map(|(_, properties)| properties)
    }
}

/// Where each value was said, by the path of its property, such as `listener.simple.prefetch`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Origins(BTreeMap<String, Origin>);

impl Origins {
    /// Where the value of a property was said; [`Origin::Default`] if nowhere.
    #[must_use]
    pub fn of(&self, path: &str) -> Origin {
        self.0.get(path).cloned().unwrap_or_default()
    }

    /// Every property that was said, in the order of the paths.
    pub fn said(&self) -> impl Iterator<Item = (&str, &Origin)> {
        self.0.iter().map(|(path, origin)| (path.as_str(), origin))
    }
}

/// Reads every broker. `asked` collects the properties that were read.
pub(in super::super) fn read_rabbit(
    values: &AllValues,
    sources: Sources,
    faults: &mut Faults,
    asked: &mut BTreeSet<String>,
) -> RabbitProperties {
    let incomplete = values.incomplete;
    let brokers = values.brokers.values().map(|(chosen, values)| {
        let properties = one(values, incomplete, &mut Reader::new(values, faults, asked));
        (chosen.name.clone(), properties)
    });
    let brokers: BTreeMap<String, RabbitProperties> = brokers.collect();
    let main = &values.main;
    let main = one(main, incomplete, &mut Reader::new(main, faults, asked));
    RabbitProperties {
        brokers,
        sources,
        ..main
    }
}

fn one(values: &Values, incomplete: bool, reader: &mut Reader<'_>) -> RabbitProperties {
    let mut doubts = values.doubts.clone();
    if incomplete {
        doubts.add("");
    }
    let doubts = &mut doubts;
    container_type(reader);
    let publisher = publisher::read(reader);
    let template = template::read(&mut reader.section("template"), publisher.returns);
    let mut listeners = BTreeMap::new();
    let mut listener_origins = BTreeMap::new();
    for (path, Chosen { name, origin }) in &values.listeners {
        let mut section = reader.section("listeners");
        let by_id = part(
            &format!("listeners.{path}"),
            &mut section.named_section("*", path, name),
            doubts,
            listener::read_by_id,
        );
        listeners.insert(name.clone(), by_id);
        listener_origins.insert(name.clone(), origin.clone());
    }
    RabbitProperties {
        connection: part("addresses", reader, doubts, connection::read),
        publisher,
        template,
        listener: part(
            "listener.simple",
            &mut reader.section("listener").section("simple"),
            doubts,
            listener::read_section,
        ),
        executor: executor::read(
            &mut reader
                .section("listener")
                .section("simple")
                .section("executor"),
        ),
        listeners,
        listener_origins,
        topology: part(
            "topology",
            &mut reader.section("topology"),
            doubts,
            topology::read,
        ),
        brokers: BTreeMap::new(),
        origins: origins(values),
        sources: Sources::default(),
        doubts: std::mem::take(doubts),
    }
}

/// Reads a part; a fault in it makes the part doubtful.
fn part<T>(
    path: &str,
    reader: &mut Reader<'_>,
    doubts: &mut Doubts,
    read: impl FnOnce(&mut Reader<'_>) -> T,
) -> T {
    let before = reader.faults.len();
    let value = read(reader);
    if reader.faults.len() > before {
        doubts.add(path);
    }
    value
}

fn container_type(reader: &mut Reader<'_>) {
    let types = [("simple", true), ("direct", false), ("stream", false)];
    if reader
        .choice("listener.type", &types)
        .is_some_and(|simple| !simple.value)
    {
        reader.fault(
            "listener.type",
            "is not supported yet, except as `simple`",
            "write `simple`, or leave it out",
        );
    }
}

/// Where everything was said that is not of a listener by its id; those keep it in each value.
fn origins(values: &Values) -> Origins {
    let single =
        |path: &str| table::find(path).is_some_and(|property| property.verdict == Verdict::Works);
    let said = values.found.iter().filter(|(path, _)| single(path));
    Origins(
        said.map(|(path, found)| (path.clone(), found.origin.clone()))
            .collect(),
    )
}
