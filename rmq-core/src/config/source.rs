//! From the text of files and the environment to properties.

use std::collections::{BTreeMap, BTreeSet};

use super::collect::Collector;
use super::environment::overlay;
use super::expand::expand_all;
use super::placeholder::expand;
use super::profile::holds;
use super::root::{Roots, has_root, lookup};
use super::tree::{Node, Shape};
use super::typed::{RabbitProperties, read_rabbit};
use super::values::AllValues;
use super::yaml;
use crate::error::{Fault, Faults, Place};

/// Where settings came from, for the start report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// The files that were read, in order; a later one beats an earlier one.
    pub files: Vec<String>,
    /// The active profiles, in order.
    pub profiles: Vec<String>,
    /// Active profiles that no file and no document belongs to.
    pub unused_profiles: Vec<String>,
    /// Variables that begin with `RABBIT_` and name no property, and `SPRING_RABBITMQ_...`, which
    /// are not read. Placeholders may use them.
    pub other_variables: Vec<String>,
}

/// Settings as far as they could be read, with defaults for the rest, and all that is wrong with them.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) properties: RabbitProperties,
    pub(crate) faults: Faults,
}

impl Reading {
    /// The settings, if nothing is wrong with them.
    pub(super) fn whole(self) -> Result<RabbitProperties, Faults> {
        self.faults.into_result(self.properties)
    }
}

/// A file that was read.
#[derive(Clone)]
pub(super) struct SourceFile {
    pub(super) name: String,
    pub(super) text: String,
}

/// Reads settings from text, as [`load()`](super::load()) does from files; profile files there are none.
///
/// `name` stands for the file in faults. `environment` is used for placeholders, for `RABBIT_...`
/// and for nothing else.
///
/// ```
/// use std::collections::BTreeMap;
///
/// let environment = BTreeMap::from([("RABBIT_HOST".to_owned(), "rmq1".to_owned())]);
/// let text = "rabbitmq: {username: '${SHOP_USER:shop}', listener.simple.prefetch: 50}";
/// let properties = rmq_core::config::from_str("rabbit.yml", text, &environment).unwrap();
/// assert_eq!(properties.connection.addresses[0].host, "rmq1");
/// assert_eq!(properties.connection.credentials.username, "shop");
///
/// let faults = rmq_core::config::from_str("rabbit.yml", "rabbitmq: {hots: rmq1}", &environment);
/// assert_eq!(
///     faults.unwrap_err().to_string().trim(),
///     "rabbit.yml:1:12: `hots` is not a property of `rabbitmq` (did you mean `host`?)"
/// );
/// ```
///
/// # Errors
/// Every fault of the text and of the environment at once, each with its place.
pub fn from_str(
    name: &str,
    text: &str,
    environment: &BTreeMap<String, String>,
) -> Result<RabbitProperties, Faults> {
    read_text(name, text, environment).whole()
}

/// As [`from_str`], with what could be read beside the faults.
pub(crate) fn read_text(name: &str, text: &str, environment: &BTreeMap<String, String>) -> Reading {
    let base = SourceFile {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let base = Ok(Some(base));
    assemble(base, |_| Ok(None), environment, &mut BTreeSet::new())
}

/// Puts together a file, its profile files and the environment.
pub(super) fn assemble(
    base: Result<Option<SourceFile>, Fault>,
    profile_file: impl Fn(&str) -> Result<Option<SourceFile>, Fault>,
    environment: &BTreeMap<String, String>,
    asked: &mut BTreeSet<String>,
) -> Reading {
    let mut assembly = Assembly::new(environment);
    let base = base.unwrap_or_else(|fault| {
        assembly.incomplete(fault);
        None
    });
    let documents = base.map(|base| assembly.parse(base));
    let in_file = documents
        .as_ref()
        .map(|(file, roots)| assembly.active_in_file(file, roots));
    assembly.sources.profiles = match environment.get("RABBIT_PROFILES") {
        Some(profiles) => words(profiles),
        None => in_file.unwrap_or_default(),
    };
    if let Some((file, roots)) = documents {
        assembly.take(&file, &roots);
    }
    for profile in assembly.sources.profiles.clone() {
        match profile_file(&profile) {
            Ok(Some(file)) => {
                assembly.used_profiles.insert(profile);
                let (file, roots) = assembly.parse(file);
                assembly.take(&file, &roots);
            }
            Ok(None) => {}
            Err(fault) => assembly.incomplete(fault),
        }
    }
    assembly.finish(asked)
}

/// Settings while they are put together.
struct Assembly<'e> {
    environment: &'e BTreeMap<String, String>,
    values: AllValues,
    faults: Faults,
    sources: Sources,
    used_profiles: BTreeSet<String>,
    layer: usize,
}

impl<'e> Assembly<'e> {
    fn new(environment: &'e BTreeMap<String, String>) -> Self {
        Self {
            environment,
            values: AllValues::default(),
            faults: Faults::new(),
            sources: Sources::default(),
            used_profiles: BTreeSet::new(),
            layer: 0,
        }
    }

    /// Part of a file was not read.
    fn incomplete(&mut self, fault: Fault) {
        self.values.incomplete = true;
        self.faults.push(fault);
    }

    fn parse(&mut self, file: SourceFile) -> (String, Vec<Node>) {
        let documents = yaml::read(&file.name, &file.text);
        if let Some(fault) = documents.broken {
            self.incomplete(fault);
        }
        self.sources.files.push(file.name.clone());
        (file.name, documents.roots)
    }

    /// `spring.profiles.active` of the documents that are of no profile.
    fn active_in_file(&mut self, file: &str, roots: &[Node]) -> Vec<String> {
        let mut active = Vec::new();
        for root in roots.iter().filter(|root| on_profile(root).is_none()) {
            if let Some(node) = lookup(root, &["spring", "profiles", "active"]) {
                active = self
                    .texts(node, file)
                    .iter()
                    .flat_map(|text| words(text))
                    .collect();
            }
        }
        active
    }

    /// The scalars of a value or a list, placeholders filled in.
    fn texts(&mut self, node: &Node, file: &str) -> Vec<String> {
        let nodes = match &node.shape {
            Shape::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut texts = Vec::new();
        for node in nodes {
            let Shape::Scalar { text, .. } = &node.shape else {
                continue;
            };
            match expand(text, self.environment) {
                Ok(text) => texts.push(text),
                Err(_) => {
                    let place = Place::file(file, node.spot.line, node.spot.column);
                    let sentence = "a placeholder here has neither a variable nor a default, so the profiles are not known";
                    self.incomplete(
                        Fault::new(place, sentence)
                            .fix("set the variable, or write ${NAME:default}"),
                    );
                }
            }
        }
        texts
    }

    /// Takes the documents of a file that are of no profile or of an active one.
    fn take(&mut self, file: &str, documents: &[Node]) {
        let mut roots = Roots::default();
        for document in documents {
            self.layer += 1;
            if !self.applies(document, file) {
                continue;
            }
            let mut collector = Collector {
                file,
                layer: self.layer,
                values: &mut self.values,
                faults: &mut self.faults,
            };
            roots.collect(document, &mut collector);
        }
        roots
            .faults(file)
            .into_iter()
            .for_each(|fault| self.incomplete(fault));
    }

    fn applies(&mut self, document: &Node, file: &str) -> bool {
        if let Some(selector) = old_selector(document) {
            let place = Place::file(file, selector.spot.line, selector.spot.column);
            let sentence = "`spring.profiles` selects no document since Spring Boot 2.4, so it is not known when this one is meant";
            let fix = "write `spring.config.activate.on-profile`";
            self.incomplete(Fault::new(place, sentence).fix(fix));
            return false;
        }
        let Some(node) = on_profile(document) else {
            return true;
        };
        let texts = self.texts(node, file);
        let expressions: Vec<String> = texts.iter().flat_map(|text| words(text)).collect();
        let active = self.sources.profiles.clone();
        match holds(&expressions, &active) {
            Some(true) => {
                let in_text = |text: &String, profile: &String| {
                    text.split(['!', '&', '|', ' ']).any(|word| word == profile)
                };
                let named =
                    |profile: &String| expressions.iter().any(|text| in_text(text, profile));
                self.used_profiles.extend(active.into_iter().filter(named));
                true
            }
            Some(false) => false,
            None => {
                let place = Place::file(file, node.spot.line, node.spot.column);
                let sentence =
                    "this profile expression cannot be read: it may hold names, `!`, `&` and `|`";
                self.incomplete(
                    Fault::new(place, sentence).fix("write one name, or a list of names"),
                );
                false
            }
        }
    }

    fn finish(mut self, asked: &mut BTreeSet<String>) -> Reading {
        self.sources.other_variables =
            overlay(self.environment, &mut self.values, &mut self.faults);
        expand_all(&mut self.values, self.environment, &mut self.faults);
        let unused = |profile: &&String| !self.used_profiles.contains(*profile);
        self.sources.unused_profiles = self
            .sources
            .profiles
            .iter()
            .filter(unused)
            .cloned()
            .collect();
        let properties = read_rabbit(&self.values, self.sources, &mut self.faults, asked);
        Reading {
            properties,
            faults: self.faults,
        }
    }
}

fn on_profile(document: &Node) -> Option<&Node> {
    lookup(document, &["spring", "config", "activate", "on-profile"])
}

/// What selected a document before Spring Boot 2.4, where it stands beside settings of ours.
fn old_selector(document: &Node) -> Option<&Node> {
    let node = lookup(document, &["spring", "profiles"])?;
    let selects = match &node.shape {
        Shape::Scalar { .. } => !node.is_empty(),
        Shape::List(_) => true,
        Shape::Map(_) => false,
    };
    (selects && has_root(document)).then_some(node)
}

fn words(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}
