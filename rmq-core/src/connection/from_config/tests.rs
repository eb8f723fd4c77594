//! From the file to what the supervisor works with.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::config::from_str;

fn settings(text: &str) -> Result<ConnectionSettings, Faults> {
    let properties = from_str("rabbit.yml", text, &BTreeMap::new()).unwrap();
    ConnectionSettings::from_properties(&properties.connection, None)
}

fn logins(settings: &ConnectionSettings) -> Vec<String> {
    let shown = |address: &BrokerAddress| {
        let login = match &address.credentials {
            Credentials::Plain { username, password } => format!("{username}+{password}"),
            Credentials::External => "external".to_owned(),
        };
        format!("{} {login} {}", address.target, address.virtual_host)
    };
    settings.addresses.iter().map(shown).collect()
}

#[test]
fn each_address_has_its_own_login_or_that_of_the_connection() {
    let settings = settings(
        "rabbitmq:\n  addresses: amqp://u:p@a:1/v, b, c:3\n  username: clerk\n  password: pw\n  virtual-host: w\n",
    )
    .unwrap();
    assert_eq!(
        logins(&settings),
        ["a:1 u+p v", "b:5672 clerk+pw w", "c:3 clerk+pw w"]
    );
    assert!(!format!("{settings:?}").contains("pw"));
}

#[test]
fn what_the_file_says_reaches_the_supervisor() {
    let settings = settings(
        "rabbitmq:\n  address-shuffle-mode: inorder\n  connection-name: shop\n  requested-heartbeat: 7\n  \
         connection-timeout: 2s\n  channel-rpc-timeout: 3s\n  max-header-depth: 9\n  recovery:\n    \
         initial-interval: 10ms\n    max-interval: 20ms\n",
    )
    .unwrap();
    assert_eq!(settings.name, "shop");
    assert_eq!(settings.shuffle, AddressShuffle::InOrder);
    assert_eq!(settings.heartbeat, Duration::from_secs(7));
    assert_eq!(settings.connect_timeout, Duration::from_secs(2));
    assert_eq!(settings.rpc_timeout, Duration::from_secs(3));
    assert_eq!(settings.limits.headers.depth, 9);
    assert_eq!(
        (settings.back_off.initial, settings.back_off.max),
        (Duration::from_millis(10), Duration::from_millis(20))
    );
}

#[test]
fn tls_is_for_the_addresses_that_use_it_and_its_files_are_read_only_then() {
    let plain = settings("rabbitmq:\n  addresses: a\n  ssl:\n    trust-store: /not/there.pem\n");
    assert!(plain.is_ok());
    let faults = settings(
        "rabbitmq:\n  addresses: amqps://a, b\n  ssl:\n    trust-store: /not/there.pem\n    key-store: /nor/here.p12\n",
    )
    .unwrap_err();
    assert_eq!(faults.len(), 2, "{faults}");
    let mixed = settings(
        "rabbitmq:\n  addresses: amqps://a, amqp://b\n  ssl:\n    validate-server-certificate: false\n",
    )
    .unwrap();
    assert_eq!(
        logins(&mixed),
        ["a:5671 (TLS) guest+guest /", "b:5672 guest+guest /"]
    );
}
