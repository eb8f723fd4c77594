//! `RABBIT_...`: each variable replaces the value at its own path.

use std::collections::BTreeMap;

use super::collect::refusal;
use super::key::{uniform, variable};
use super::origin::Origin;
use super::property::{Property, Verdict};
use super::table;
use super::tree::Node;
use super::values::{AllValues, Chosen, Found};
use crate::error::{Faults, Place};

/// Variables that are no properties.
pub(super) const RESERVED: [&str; 2] = ["RABBIT_CONFIG_FILE", "RABBIT_PROFILES"];

/// What a variable's name means.
struct Meant {
    property: &'static Property,
    broker: Option<String>,
    listener: Option<String>,
}

/// Puts every variable that names a property over the values of the files. Gives the names of
/// those that name none, and of Spring's own (`SPRING_RABBITMQ_...`, `SPRING_PROFILES_ACTIVE`), which are not read.
pub(super) fn overlay(
    environment: &BTreeMap<String, String>,
    values: &mut AllValues,
    faults: &mut Faults,
) -> Vec<String> {
    let mut strangers = Vec::new();
    for (name, value) in environment {
        if name.starts_with("SPRING_RABBITMQ_") || name == "SPRING_PROFILES_ACTIVE" {
            strangers.push(name.clone());
        }
        let Some(rest) = name.strip_prefix("RABBIT_") else {
            continue;
        };
        if RESERVED.contains(&name.as_str()) {
            continue;
        }
        match meant(rest, values) {
            Some(meant) => put(name, value, &meant, values, faults),
            None => strangers.push(name.clone()),
        }
    }
    strangers
}

fn put(name: &str, value: &str, meant: &Meant, values: &mut AllValues, faults: &mut Faults) {
    let place = Place::Environment(name.to_owned());
    let origin = Origin::Settings(place.clone());
    let chosen = |name: &String| Chosen {
        name: name.to_lowercase(),
        origin: origin.clone(),
    };
    let broker = meant.broker.as_ref().map(chosen);
    let values = values.of(broker.as_ref());
    let path = match &meant.listener {
        None => meant.property.path.clone(),
        Some(id) => {
            values
                .listeners
                .entry(uniform(id))
                .or_insert_with(|| chosen(id));
            meant.property.path.replacen('*', &uniform(id), 1)
        }
    };
    let node = Node::text(value);
    let shown = format!("{}{}", values.prefix, meant.property.path);
    if let Some(fault) = refusal(meant.property, &shown, &node, place) {
        if matches!(meant.property.verdict, Verdict::Renamed { .. }) {
            values.doubts.add(path);
        }
        return faults.push(fault);
    }
    if meant.property.verdict == Verdict::Works {
        let found = Found {
            node,
            origin,
            file: None,
            layer: usize::MAX,
        };
        values.found.insert(path, found);
    }
}

/// Finds the property a variable names, the part behind `RABBIT_` given. Where a chosen name
/// leaves more than one way to read it, a name that the files know wins, then the longest property.
fn meant(rest: &str, values: &AllValues) -> Option<Meant> {
    if let Some((property, listener)) = of_one(rest, &known(values.main.listeners.values())) {
        return Some(Meant {
            property,
            broker: None,
            listener,
        });
    }
    let rest = rest.strip_prefix("BROKERS_")?;
    let brokers = known(values.brokers.values().map(|(chosen, _)| chosen));
    let splits = rest.match_indices('_').filter_map(|(at, _)| {
        let (name, behind) = (rest.get(..at)?, rest.get(at + 1..)?);
        let broker = values.brokers.get(&uniform(name)).map(|(_, values)| values);
        let listeners = broker
            .map(|values| known(values.listeners.values()))
            .unwrap_or_default();
        let (property, listener) = of_one(behind, &listeners)?;
        Some(Meant {
            property,
            broker: Some(name.to_owned()),
            listener,
        })
    });
    let mut splits: Vec<Meant> = splits.collect();
    let first = splits.iter().position(|meant| {
        meant
            .broker
            .as_ref()
            .is_some_and(|name| brokers.contains(&uniform(name)))
    });
    (!splits.is_empty()).then(|| splits.swap_remove(first.unwrap_or(0)))
}

fn known<'c>(names: impl Iterator<Item = &'c Chosen>) -> Vec<String> {
    names.map(|chosen| uniform(&chosen.name)).collect()
}

/// The same inside one broker: the property, and the listener's id if it is one of a listener.
fn of_one(rest: &str, ids: &[String]) -> Option<(&'static Property, Option<String>)> {
    let single = |property: &&Property| property.variable().is_some();
    let exact = table::all()
        .iter()
        .filter(single)
        .find(|property| variable(&property.path) == rest);
    if let Some(property) = exact {
        return Some((property, None));
    }
    let rest = rest.strip_prefix("LISTENERS_")?;
    let of_listener = table::all().iter().filter(single).filter_map(|property| {
        let end = variable(property.path.strip_prefix("listeners.*.")?);
        let id = rest.strip_suffix(&end)?.strip_suffix('_')?;
        (!id.is_empty()).then(|| (property, id.to_owned()))
    });
    let best = of_listener.min_by_key(|(_, id)| (!ids.contains(&uniform(id)), id.len()))?;
    Some((best.0, Some(best.1)))
}
