//! Which part of rabbit.yml is this configuration's: the whole, or `rabbitmq.brokers.<name>`.

use crate::config::RabbitProperties;
use crate::error::{Fault, Faults};
use crate::registry::ConfigurationDescriptor;

/// The properties of the configuration's broker.
pub(super) fn of_broker(
    mut properties: RabbitProperties,
    configuration: &ConfigurationDescriptor,
) -> Result<RabbitProperties, Faults> {
    let Some(name) = configuration.broker else {
        return Ok(properties);
    };
    let sources = properties.sources.clone();
    if let Some(broker) = properties.brokers.remove(name) {
        return Ok(RabbitProperties { sources, ..broker });
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
    Err(fault
        .fix(format!(
            "add `brokers.{name}` with the same keys as below `rabbitmq:`"
        ))
        .into())
}
