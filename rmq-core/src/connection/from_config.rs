//! From `rabbit.yml` to the settings of connections.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::config::{Address, ConnectionProperties, SaslMechanism, ShuffleMode};
use crate::error::{Fault, Faults, Place};
use crate::message::HeaderLimits;
use crate::transport::{Credentials, Limits, Target, TlsSettings};

use super::tls::client_config;
use super::{AddressShuffle, BackOff, BrokerAddress, ConnectionSettings};

impl ConnectionSettings {
    /// Reads the files that TLS needs, and puts the settings together. `embedded` is where `addresses: embedded` leads.
    ///
    /// # Errors
    /// Every store that cannot be used, and every host whose name no certificate can carry.
    pub fn from_properties(
        properties: &ConnectionProperties,
        embedded: Option<Target>,
    ) -> Result<Self, Faults> {
        let addresses = match embedded {
            Some(target) => vec![embedded_address(properties, target)],
            None => addresses(properties)?,
        };
        let name = properties.name.clone().unwrap_or_else(program_name);
        Ok(Self {
            shuffle: match properties.shuffle {
                ShuffleMode::None => AddressShuffle::None,
                ShuffleMode::Random => AddressShuffle::Random,
                ShuffleMode::InOrder => AddressShuffle::InOrder,
            },
            heartbeat: properties.heartbeat,
            channel_max: properties.channel_max,
            frame_max: properties.frame_max,
            connect_timeout: properties.connect_timeout,
            handshake_timeout: properties.handshake_timeout,
            rpc_timeout: properties.rpc_timeout,
            close_timeout: properties.close_timeout,
            back_off: back_off(properties),
            channel_cache: usize::try_from(properties.channel_cache_size).unwrap_or(usize::MAX),
            checkout_timeout: properties.channel_checkout_timeout,
            limits: limits(properties),
            ..Self::new(name, addresses)
        })
    }
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "a factor between waits needs no more digits"
)]
fn back_off(properties: &ConnectionProperties) -> BackOff {
    BackOff {
        initial: properties.recovery.initial_interval,
        max: properties.recovery.max_interval,
        multiplier: properties.recovery.multiplier as f32,
    }
}

fn limits(properties: &ConnectionProperties) -> Limits {
    Limits {
        body: properties.max_body_size,
        headers: HeaderLimits {
            bytes: usize::try_from(properties.max_header_size).unwrap_or(usize::MAX),
            depth: usize::try_from(properties.max_header_depth).unwrap_or(usize::MAX),
        },
    }
}

fn embedded_address(properties: &ConnectionProperties, target: Target) -> BrokerAddress {
    BrokerAddress {
        target,
        credentials: Credentials::Plain {
            username: properties.credentials.username.clone(),
            password: properties.credentials.password.reveal().to_owned(),
        },
        virtual_host: properties.virtual_host.clone(),
    }
}

fn addresses(properties: &ConnectionProperties) -> Result<Vec<BrokerAddress>, Faults> {
    let mut faults = Faults::new();
    let uses_tls = |address: &&Address| properties.uses_tls(address);
    // Its files are read only if something uses them.
    let config = match properties.addresses.iter().find(uses_tls) {
        None => None,
        Some(_) => match client_config(&properties.ssl) {
            Ok(config) => Some(config),
            Err(wrong) => {
                faults.extend(wrong);
                None
            }
        },
    };
    let mut addresses = Vec::with_capacity(properties.addresses.len());
    for address in &properties.addresses {
        let config = config.as_ref().filter(|_| properties.uses_tls(address));
        match broker_address(properties, address, config) {
            Ok(address) => addresses.push(address),
            Err(fault) => faults.push(fault),
        }
    }
    faults.into_result(addresses)
}

fn broker_address(
    properties: &ConnectionProperties,
    address: &Address,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<BrokerAddress, Fault> {
    let tls = match tls {
        None => None,
        Some(config) => Some(TlsSettings {
            config: Arc::clone(config),
            server_name: server_name(address)?,
        }),
    };
    let login = properties.credentials_of(address);
    let credentials = match properties.sasl {
        SaslMechanism::External => Credentials::External,
        SaslMechanism::Plain => Credentials::Plain {
            username: login.username.clone(),
            password: login.password.reveal().to_owned(),
        },
    };
    Ok(BrokerAddress {
        target: Target::Tcp {
            host: address.host.clone(),
            port: properties.port_of(address),
            tls,
        },
        credentials,
        virtual_host: properties.virtual_host_of(address).to_owned(),
    })
}

fn server_name(address: &Address) -> Result<ServerName<'static>, Fault> {
    ServerName::try_from(address.host.clone()).map_err(|_| {
        let place = Place::Elsewhere("`addresses`".to_owned());
        let sentence = format!("{address} is no name that a certificate can carry");
        Fault::new(place, sentence)
            .fix("use the name in the broker's certificate, or its IP address")
    })
}

/// The program's name, as the operating system knows it.
fn program_name() -> String {
    let program = std::env::current_exe().ok();
    let stem = program.as_ref().and_then(|path| path.file_stem());
    stem.map_or_else(
        || "rmq".to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}

#[cfg(test)]
mod tests;
