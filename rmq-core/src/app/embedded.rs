//! `addresses: embedded`: the broker inside this process.

use crate::config::RabbitProperties;
use crate::error::{Fault, Faults, Place};
use crate::transport::Target;

/// The broker inside this process.
#[cfg(feature = "embedded")]
pub(super) type Broker = std::sync::Arc<crate::transport::EmbeddedBroker>;

/// There is none without the feature `embedded`.
#[cfg(not(feature = "embedded"))]
pub(super) type Broker = std::convert::Infallible;

/// The broker the builder was given, or the one that `addresses: embedded` or a test asks for: it knows the login of
/// the settings. A program that does not start needs none.
#[cfg(feature = "embedded")]
pub(super) async fn broker(
    given: Option<Broker>,
    for_a_test: bool,
    properties: &RabbitProperties,
    faults: &mut Faults,
) -> Option<Broker> {
    let connection = &properties.connection;
    if given.is_some() || !(connection.embedded || for_a_test) || !faults.is_empty() {
        return given;
    }
    let login = &connection.credentials;
    let started = crate::transport::start_embedded(
        &login.username,
        login.password.reveal(),
        &connection.virtual_host,
    )
    .await;
    let broker = match started {
        Ok(broker) => broker,
        Err(error) => {
            faults.push(fault(properties, error.to_string()));
            return None;
        }
    };
    if !for_a_test {
        super::console::warn(
            "rmq: `addresses: embedded`: the broker lives in this process, and nothing in it survives the process",
        );
    }
    Some(std::sync::Arc::new(broker))
}

/// Refuses `addresses: embedded`.
#[cfg(not(feature = "embedded"))]
#[allow(clippy::unused_async, reason = "the same shape as with the feature")]
pub(super) async fn broker(
    given: Option<Broker>,
    _for_a_test: bool,
    properties: &RabbitProperties,
    faults: &mut Faults,
) -> Option<Broker> {
    if properties.connection.embedded {
        let refused = fault(
            properties,
            "this program was built without the broker inside the process".to_owned(),
        );
        faults.push(refused.fix("add `features = [\"embedded\"]` to rmq-core in Cargo.toml"));
    }
    given
}

fn fault(properties: &RabbitProperties, sentence: String) -> Fault {
    let place = properties.origins.of("addresses").place().cloned();
    Fault::new(
        place.unwrap_or_else(|| Place::Elsewhere("addresses".to_owned())),
        sentence,
    )
}

/// Where a link to it leads.
#[cfg(feature = "embedded")]
pub(super) fn target(broker: &Broker) -> Target {
    crate::transport::embedded_target(broker)
}

/// Never called.
#[cfg(not(feature = "embedded"))]
pub(super) fn target(broker: &Broker) -> Target {
    match *broker {}
}
