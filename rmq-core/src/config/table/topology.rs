//! What is declared from the file.

use super::super::property::Kind::{Arguments, Choice, Flag, Sections, Size, Text, Whole};
use super::super::property::Preset::{Is, Unset};
use super::super::property::{Kind, Property, ours};

const ANY: Kind = Whole {
    min: 0,
    max: i64::MAX as u64,
};
const NONE: super::super::property::Preset = Unset("not set");

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Property> {
    let mut rows = vec![
        ours("topology.exchanges", Sections, Unset("none"), "Exchanges to declare."),
        ours("topology.queues", Sections, Unset("none"), "Queues to declare; a name alone is a queue with all defaults."),
        ours("topology.bindings", Sections, Unset("none"), "Bindings to declare."),
    ];
    rows.extend(exchange());
    rows.extend(queue());
    rows.extend(queue_limits());
    rows.extend(binding());
    rows
}

#[rustfmt::skip]
fn exchange() -> Vec<Property> {
    vec![
        ours("topology.exchanges[].name", Text, Unset("required"), "Its name."),
        ours("topology.exchanges[].type", Text, Is("direct"), "`direct`, `topic`, `fanout`, `headers`, or a plugin's type, which begins with `x-`."),
        ours("topology.exchanges[].durable", Flag, Is("true"), "Whether it survives a restart of the broker."),
        ours("topology.exchanges[].auto-delete", Flag, Is("false"), "Whether the broker deletes it with its last binding."),
        ours("topology.exchanges[].internal", Flag, Is("false"), "Whether only exchanges may publish to it."),
        ours("topology.exchanges[].alternate-exchange", Text, NONE, "The exchange that gets what it cannot route."),
        ours("topology.exchanges[].arguments", Arguments, Unset("none"), "Arguments by their names on the wire."),
    ]
}

#[rustfmt::skip]
fn queue() -> Vec<Property> {
    let strategy = Choice(&["at-least-once", "at-most-once"]);
    vec![
        ours("topology.queues[].name", Text, Unset("required"), "Its name."),
        ours("topology.queues[].type", Choice(&["quorum", "classic", "stream"]), Is("quorum"), "How it keeps its messages."),
        ours("topology.queues[].durable", Flag, Is("true"), "Whether it survives a restart of the broker. `false` for classic queues only."),
        ours("topology.queues[].exclusive", Flag, Is("false"), "Whether it belongs to one connection and goes with it. Classic only."),
        ours("topology.queues[].auto-delete", Flag, Is("false"), "Whether the broker deletes it with its last consumer. Classic only."),
        ours("topology.queues[].dead-letter", Text, Is("default"), "`default` (the queue `<name>.dlq`), the name of a queue, `policy`, `external` or `none` (such messages are deleted)."),
        ours("topology.queues[].dead-letter-exchange", Text, NONE, "A dead-letter exchange, instead of `dead-letter`."),
        ours("topology.queues[].dead-letter-routing-key", Text, Unset("the message's own"), "The key dead letters are published with; with `dead-letter-exchange`."),
        ours("topology.queues[].dead-letter-strategy", strategy, Unset("`at-least-once` for quorum queues"), "How dead letters are handed over."),
        ours("topology.queues[].single-active-consumer", Flag, Is("false"), "Whether only one consumer at a time gets messages."),
        ours("topology.queues[].arguments", Arguments, Unset("none"), "Arguments by their names on the wire."),
    ]
}

#[rustfmt::skip]
fn queue_limits() -> Vec<Property> {
    let overflow = Choice(&["reject-publish", "drop-head", "reject-publish-dlx"]);
    let limit = Whole {
        min: 0,
        max: u32::MAX as u64,
    };
    let zero = Kind::Duration {
        unit: super::super::duration::Unit::Milliseconds,
        zero: "at once, unless a consumer waits",
    };
    let bytes = Size {
        min: 0,
        max: i64::MAX as u64,
    };
    vec![
        ours("topology.queues[].ttl", zero, Unset("for ever"), "How long a message may wait."),
        ours("topology.queues[].expires", Kind::MILLIS, Unset("never"), "How long it may be unused before the broker deletes it."),
        ours("topology.queues[].max-length", ANY, Unset("no limit"), "The most messages it holds."),
        ours("topology.queues[].max-length-bytes", bytes, Unset("no limit"), "The most body bytes it holds."),
        ours("topology.queues[].overflow", overflow, Unset("`reject-publish` where it matters"), "What a full queue does."),
        ours("topology.queues[].delivery-limit", limit, Unset("20 with a dead-letter route"), "How often a message may come back before it is dead-lettered. Quorum only."),
        ours("topology.queues[].max-priority", Whole { min: 1, max: 255 }, Unset("no priorities"), "The highest message priority. Classic only."),
        ours("topology.queues[].initial-group-size", Whole { min: 1, max: 1_000 }, Unset("the broker's"), "On how many nodes it starts."),
        ours("topology.queues[].consumer-timeout", Kind::MILLIS, Unset("the broker's"), "How long a consumer may keep a delivery."),
        ours("topology.queues[].leader-locator", Choice(&["client-local", "balanced"]), Unset("the broker's"), "Where its first leader is placed."),
        ours("topology.queues[].max-age", Kind::MILLIS, Unset("no limit"), "How old messages get. Stream only; whole seconds."),
    ]
}

#[rustfmt::skip]
fn binding() -> Vec<Property> {
    vec![
        ours("topology.bindings[].exchange", Text, Unset("required"), "The exchange messages come from."),
        ours("topology.bindings[].queue", Text, NONE, "The queue they go to."),
        ours("topology.bindings[].destination-exchange", Text, NONE, "The exchange they go to, instead of `queue`."),
        ours("topology.bindings[].routing-key", Text, Unset("required for direct and topic"), "The routing key or pattern."),
        ours("topology.bindings[].arguments", Arguments, Unset("none"), "Headers to match, and other arguments."),
    ]
}
