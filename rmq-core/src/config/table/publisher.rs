//! Publishing.

use super::super::duration::Unit;
use super::super::property::Kind::{Choice, Decimal, Duration, Flag, Size, Text, Whole};
use super::super::property::Preset::{Is, Unset};
use super::super::property::{Kind, Property, ours, refused, renamed, spring};

const MS: Kind = Kind::MILLIS;

pub(super) fn rows() -> Vec<Property> {
    let mut rows = publisher();
    rows.extend(template());
    rows.extend(retry());
    rows
}

#[rustfmt::skip]
fn publisher() -> Vec<Property> {
    let confirm = Choice(&["correlated", "simple", "none", "true", "false"]);
    let grace = Duration {
        unit: Unit::Milliseconds,
        zero: "no grace",
    };
    let bytes = Size {
        min: 1,
        max: u64::MAX,
    };
    vec![
        spring("publisher-confirm-type", confirm, Is("correlated"), "none", "`correlated`; `true` and `simple` mean the same here. `none` is not supported yet."),
        renamed("publisher-confirms", "publisher-confirm-type", "`true` became `correlated`"),
        spring("publisher-returns", Flag, Is("true"), "false", "Whether unroutable messages come back; the default of `template.mandatory`."),
        ours("publisher.window.messages", Whole { min: 1, max: 1_000_000, }, Is("5000"), "Messages that may be without their verdict at one time."),
        ours("publisher.window.size", bytes, Is("64MB"), "Body bytes that may be without their verdict at one time; one larger body alone is let in."),
        ours("publisher.window-timeout", MS, Is("30s"), "How long a publish waits for room in the window, or for a broker that takes no publishes, before it is refused."),
        ours("publisher.confirm-timeout", MS, Is("60s"), "Deadline of the verdict, sending again included; then the outcome is unknown."),
        ours("publisher.silence-timeout", MS, Unset("as long as the deadline allows"), "How long the broker may say nothing while messages wait for their verdict and it takes publishes; then the channel is replaced and they are sent again, as possible duplicates."),
        ours("publisher.return-grace", grace, Is("5s"), "How long after a reconnect a returned message is tried again before it is told."),
        ours("publisher.max-message-size", bytes, Is("128MB"), "The largest body; a larger one is refused before it is sent. RabbitMQ closes the channel above its own `max_message_size`: 128 MiB, from 4.0 on 16 MiB."),
        ours("publisher.callbacks.queue-capacity", Whole { min: 1, max: 1_000_000, }, Is("5000"), "Confirm and return callbacks that may wait to run; above it publishers wait."),
        ours("publisher.callbacks.concurrency", Whole { min: 1, max: 100_000, }, Is("64"), "Callbacks that may be under way at once."),
        ours("publisher.callbacks.timeout", MS, Is("60s"), "How long one callback may take; then it is dropped and reported."),
    ]
}

#[rustfmt::skip]
fn template() -> Vec<Property> {
    let at_once = Duration {
        unit: Unit::Milliseconds,
        zero: "no wait",
    };
    vec![
        spring("template.mandatory", Flag, Unset("as `publisher-returns`"), "as `publisher-returns`", "Whether a message that no queue takes comes back."),
        spring("template.receive-timeout", at_once, Is("0"), "0", "How long `receive` waits for a message."),
        spring("template.reply-timeout", MS, Is("5s"), "5s", "How long `convert_send_and_receive` waits for the reply."),
        spring("template.exchange", Text, Is(""), "empty", "The exchange of a publish that names none."),
        spring("template.routing-key", Text, Is(""), "empty", "The routing key of a publish that names none."),
        spring("template.default-receive-queue", Text, Unset("`receive` names its queue"), "not set", "The queue of a `receive` that names none."),
        renamed("template.queue", "template.default-receive-queue", ""),
        refused("template.observation-enabled", "false", Some("true"), "spans are always made; a subscriber filters them"),
        refused("template.allowed-list-patterns", "not set", None, "nothing here deserializes classes by name"),
        ours("template.resend", Choice(&["until-deadline", "never"]), Is("until-deadline"), "What is sent again, under the same message id, when a connection or channel dies."),
    ]
}

#[rustfmt::skip]
fn retry() -> Vec<Property> {
    vec![
        spring("template.retry.enabled", Flag, Is("false"), "false", "Also sends nacked and transiently refused messages again inside the deadline, marked as possible duplicates."),
        spring("template.retry.max-retries", Whole { min: 0, max: 1_000_000, }, Is("3"), "3", "Attempts after the first."),
        renamed("template.retry.max-attempts", "template.retry.max-retries", "it counts the attempts after the first"),
        spring("template.retry.initial-interval", MS, Is("1000ms"), "1000ms", "The wait before the second attempt."),
        spring("template.retry.multiplier", Decimal { min: 1.0 }, Is("1.0"), "1.0", "The factor from one wait to the next."),
        spring("template.retry.max-interval", MS, Is("10000ms"), "10000ms", "The longest wait."),
    ]
}
