//! Nothing in rabbit.yml is read and then forgotten.

use std::collections::BTreeMap;

use super::{executor_settings, template_settings};
use crate::config::tests::table::other_values;
use crate::config::{RabbitProperties, from_str};
use crate::connection::ConnectionSettings;
use crate::error::Faults;
use crate::handler::{Handler, Invoke};
use crate::listener::plan;
use crate::registry::{ExecutorOptions, ListenerDescriptor, Source};
use crate::template::TemplateSettings;
use crate::topology::Topology;

fn read(text: &str) -> Result<RabbitProperties, Faults> {
    from_str("rabbit.yml", text, &BTreeMap::new())
}

fn never() -> Handler {
    Handler {
        arguments: Vec::new(),
        invoke: Invoke::Blocking(Box::new(|_| panic!("never called"))),
    }
}

/// Everything that is started with these properties, as text.
fn started(properties: &RabbitProperties) -> String {
    let source = Source::new("shop::listeners", "src/listeners.rs", 7, 1);
    let descriptor = ListenerDescriptor::new("on_order", source, never);
    let by_id = properties.listener_by_id("on_order");
    // The queue has no known dead-letter route; that is not what is looked at.
    let mut faults = Faults::new();
    let planned = plan(
        &descriptor,
        &properties.listener,
        by_id,
        Some(&Topology::default()),
        &mut faults,
    );
    let connection = &properties.connection;
    let used_as_they_are = (
        connection.start_timeout,
        connection.shutdown_timeout,
        connection.declare_topology,
        connection.embedded,
        // The user's password, which `Debug` hides.
        connection.credentials.password.reveal().to_owned(),
        planned.decided.dead_letter.value,
    );
    let connections = ConnectionSettings::from_properties(connection, None).unwrap();
    let template = template_settings(properties).unwrap();
    let executor = executor_settings(&properties.executor, ExecutorOptions::default());
    format!(
        "{used_as_they_are:?} {connections:?} {template:?} {executor:?} {:?}",
        planned.settings
    )
}

/// What has to be on for others to count.
const SWITCHES: [(&str, &str); 2] = [
    ("template.retry.enabled", "true"),
    ("listener.simple.executor.core-size", "1"),
];

/// A file with the switches, except the one of this path.
fn file(path: &str) -> String {
    let switches = SWITCHES.iter().filter(|(switch, _)| *switch != path);
    switches.fold("rabbitmq:\n".to_owned(), |text, (switch, value)| {
        format!("{text}  {switch}: {value}\n")
    })
}

#[test]
fn every_property_that_works_changes_what_is_started() {
    let apart = |path: &str| {
        // What TLS is made of shows in no settings: the tests of TLS try each of these.
        path.starts_with("ssl.")
            || path == "sasl-mechanism"
            // These can only say what happens anyway.
            || path == "publisher-confirm-type"
            || path == "listener.type"
    };
    let mut forgotten = Vec::new();
    for (path, values) in other_values() {
        let base = file(&path);
        let usual = started(&read(&base).unwrap());
        let changes = |value: &String| {
            read(&format!("{base}  {path}: '{value}'\n"))
                .is_ok_and(|properties| started(&properties) != usual)
        };
        if !apart(&path) && !values.iter().any(changes) {
            forgotten.push(path);
        }
    }
    assert!(forgotten.is_empty(), "read and never used: {forgotten:?}");
}

#[test]
fn an_empty_file_gives_the_templates_own_defaults() {
    let settings = template_settings(&read("").unwrap()).unwrap();
    assert_eq!(settings, TemplateSettings::default());
}
