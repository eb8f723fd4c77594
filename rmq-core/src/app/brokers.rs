//! Which part of rabbit.yml is this configuration's: the whole, or `rabbitmq.brokers.<name>`.

use crate::config::RabbitProperties;
use crate::error::{Fault, Faults};
use crate::registry::ConfigurationDescriptor;

/// The properties of the configuration's broker. Where there are none, a fault, and nothing that a check could rest on.
pub(super) fn of_broker(
    mut properties: RabbitProperties,
    configuration: &ConfigurationDescriptor,
    faults: &mut Faults,
) -> RabbitProperties {
    let Some(name) = configuration.broker else {
        return properties;
    };
    let sources = properties.sources.clone();
    if let Some(broker) = properties.brokers.remove(name) {
        return RabbitProperties { sources, ..broker };
    }
    // Its section may be what could not be read, and that is told already.
    if properties.doubts_brokers() {
        return properties.all_in_doubt();
    }
    let known: Vec<_> = properties.brokers.keys().map(String::as_str).collect();
    let sentence = if known.is_empty() {
        format!("the file has no `brokers.{name}`; it has no `brokers` at all")
    } else {
        format!(
            "the file has no `brokers.{name}`; it has `{}`",
            known.join("`, `")
        )
    };
    let fault = Fault::new(configuration.source.place(), sentence);
    faults.push(fault.fix(format!(
        "add `brokers.{name}` with the same keys as below `rabbitmq:`"
    )));
    properties.all_in_doubt()
}
