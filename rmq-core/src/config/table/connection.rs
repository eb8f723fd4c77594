//! Connections.

use super::super::duration::Unit;
use super::super::property::Kind::{
    Choice, Decimal, Duration, Flag, Secret, Size, Text, Whole, Words,
};
use super::super::property::Preset::{Is, Unset};
use super::super::property::{Kind, Property, ours, refused, spring};
use crate::message::HeaderLimits;

const MS: Kind = Kind::MILLIS;

pub(super) fn rows() -> Vec<Property> {
    let mut rows = springs();
    rows.extend(cache());
    rows.extend(own());
    rows
}

#[rustfmt::skip]
fn springs() -> Vec<Property> {
    let port = Whole {
        min: 1,
        max: 65_535,
    };
    let heartbeat = Duration {
        unit: Unit::Seconds,
        zero: "no heartbeat",
    };
    let channels = Whole {
        min: 0,
        max: 65_535,
    };
    let shuffle = Choice(&["none", "random", "inorder"]);
    vec![
        spring("host", Text, Is("localhost"), "localhost", "The broker's host. Not together with `addresses`."),
        spring("port", port, Unset("5672, or 5671 with TLS"), "5672, or 5671 with TLS", "The broker's port. Not together with `addresses`."),
        spring("username", Text, Is("guest"), "guest", "The login, where an address names none."),
        spring("password", Secret, Is("guest"), "guest", "Its password."),
        spring("virtual-host", Text, Is("/"), "/", "The virtual host, where an address names none."),
        spring("addresses", Words, Unset("`host` and `port`"), "not set", "The nodes: `host`, `host:port` or `amqp://user:password@host:port/vhost` (`amqps://` for TLS), percent-encoded, IPv6 in brackets. Each may have credentials of its own. `embedded` is the broker inside the process."),
        spring("address-shuffle-mode", shuffle, Is("none"), "none", "The order in which addresses are tried: as written, at random, or beginning after the last one used."),
        spring("requested-heartbeat", heartbeat, Is("60s"), "60s", "The heartbeat asked for; the lower of ours and the broker's is used."),
        spring("requested-channel-max", channels, Is("2047"), "2047", "Channels per connection asked for; 0 is the broker's limit."),
        spring("connection-timeout", MS, Is("10s"), "60s", "Deadline of the TCP and TLS connect, for each address."),
        spring("channel-rpc-timeout", MS, Is("30s"), "10m", "Deadline of each control call: declare, bind, consume, qos."),
        spring("max-inbound-message-body-size", Size { min: 1, max: u64::MAX, }, Is("64MB"), "64MB", "The largest body that is taken from the broker. A listener rejects a message with a larger one to the dead-letter queue, intact, and goes on; a receive fails and names it."),
        spring("dynamic", Flag, Is("true"), "true", "Whether the declared topology is declared on each new connection."),
    ]
}

#[rustfmt::skip]
fn cache() -> Vec<Property> {
    vec![
        spring("cache.channel.size", Whole { min: 1, max: 65_535, }, Is("25"), "25", "Publishing channels per connection; here always a bound."),
        spring("cache.channel.checkout-timeout", MS, Is("5s"), "0 (no bound)", "How long a caller waits for a free channel."),
        refused("cache.connection.mode", "channel", Some("channel"), "there is one connection for publishing, one for consuming and one for administration"),
        refused("cache.connection.size", "1", Some("1"), "there is one connection for publishing, one for consuming and one for administration"),
    ]
}

#[rustfmt::skip]
fn own() -> Vec<Property> {
    let start = Duration {
        unit: Unit::Milliseconds,
        zero: "for ever",
    };
    let frame = Size {
        min: 4_096,
        max: 16_777_216,
    };
    let header = Size {
        min: 1,
        max: 16_777_216,
    };
    let depth = Whole {
        min: 1,
        max: HeaderLimits::DEEPEST as u64,
    };
    vec![
        ours("connection-name", Text, Unset("the program's name"), "The name of the connections in the broker's list."),
        ours("sasl-mechanism", Choice(&["plain", "external"]), Is("plain"), "How to log in: by username and password, or by the client certificate."),
        ours("handshake-timeout", MS, Is("10s"), "Deadline of the AMQP handshake behind the connect."),
        ours("close-timeout", MS, Is("10s"), "Deadline of closing a connection."),
        ours("start-timeout", start, Is("60s"), "Deadline of the start: connections, topology and auto-start listeners."),
        ours("shutdown-timeout", MS, Is("30s"), "Deadline of the stop: running handlers, acknowledgements and confirms."),
        ours("frame-max", frame, Is("128KB"), "The largest frame asked for."),
        ours("max-header-size", header, Is("128KB"), "The largest header table that is read; a larger one is a fatal failure of its message."),
        ours("max-header-depth", depth, Is("32"), "How deep tables and lists in headers may nest."),
        ours("recovery.initial-interval", MS, Is("500ms"), "The wait before the first new attempt to connect; jittered."),
        ours("recovery.multiplier", Decimal { min: 1.0 }, Is("2.0"), "The factor from one wait to the next."),
        ours("recovery.max-interval", MS, Is("30s"), "The longest wait. There is no last attempt."),
    ]
}
