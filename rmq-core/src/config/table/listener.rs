//! Listeners: the section default and each listener by its id.

use super::super::property::Kind::{
    Choice, Concurrency, Decimal, Flag, Signed, Text, Whole, Words,
};
use super::super::property::Preset::{Is, Unset};
use super::super::property::Spring::{Default, Former, Nothing};
use super::super::property::Verdict::{Refused, Renamed, Works};
use super::super::property::{Kind, Preset, Property, Spring, ours, refused, spring};

const MS: Kind = Kind::MILLIS;
const COUNT: Kind = Whole {
    min: 1,
    max: 100_000,
};

/// A property that the section `listener.simple` and each `listeners.<id>` have: the end of its
/// path, type, default of the section, Spring's default, meaning.
type Shared = (&'static str, Kind, Preset, Spring, &'static str);

#[rustfmt::skip]
pub(super) fn rows() -> Vec<Property> {
    let types = Choice(&["simple", "direct", "stream"]);
    let mut rows = vec![spring(
        "listener.type",
        types,
        Is("simple"),
        "simple",
        "The kind of container. `direct` and `stream` are not supported yet.",
    )];
    for (end, kind, default, spring, meaning) in shared() {
        rows.push(row("listener.simple", end, kind, default, spring, meaning));
        let as_section = Unset("as in the attribute, else as `listener.simple`");
        rows.push(row("listeners.*", end, kind, as_section, Nothing, meaning));
    }
    rows.push(spring(
        "listener.simple.max-concurrency",
        COUNT,
        Unset("no scaling"),
        "no scaling",
        "The most consumers; the other way to write a range.",
    ));
    rows.extend(not_yet("listener.simple"));
    rows.extend(not_yet("listeners.*").into_iter().map(|mut row| {
        row.spring = Nothing;
        row
    }));
    rows.extend(executor());
    rows.extend(single());
    rows.extend(direct());
    rows
}

fn row(
    section: &str,
    end: &str,
    kind: Kind,
    default: Preset,
    spring: Spring,
    meaning: &'static str,
) -> Property {
    Property {
        path: format!("{section}.{end}"),
        kind,
        default,
        spring,
        verdict: Works,
        meaning,
    }
}

#[rustfmt::skip]
fn shared() -> Vec<Shared> {
    let modes = Choice(&["auto", "manual", "none"]);
    let prefetch = Whole {
        min: 1,
        max: 65_535,
    };
    let retries = Whole {
        min: 0,
        max: 1_000_000,
    };
    vec![
        ("auto-startup", Flag, Is("true"), Default("true"), "Whether it starts with the application."),
        ("acknowledge-mode", modes, Is("auto"), Default("auto"), "Who acknowledges: the container after success, the handler, or nobody (`none`: the broker forgets a message as it sends it)."),
        ("prefetch", prefetch, Is("250"), Default("250"), "Unacknowledged messages per consumer."),
        ("concurrency", Concurrency, Is("1"), Default("1"), "Consumers; a range scales between its ends."),
        ("default-requeue-rejected", Flag, Is("false"), Default("true"), "Whether a failed message goes back to its queue (delayed, counted) and not to the dead-letter queue."),
        ("retry.enabled", Flag, Is("true"), Default("false"), "Whether a failed message is tried again in the process."),
        ("retry.max-retries", retries, Is("2"), Default("3"), "Attempts after the first."),
        ("retry.initial-interval", MS, Is("1000ms"), Default("1000ms"), "The wait before the second attempt."),
        ("retry.multiplier", Decimal { min: 1.0 }, Is("2.0"), Default("1.0"), "The factor from one wait to the next."),
        ("retry.max-interval", MS, Is("10000ms"), Default("10000ms"), "The longest wait."),
        ("on-failure", Text, Is("reject"), Nothing, "What becomes of a message whose attempts are spent: `reject` (to the dead-letter queue) or `park:<queue>`."),
        ("dead-letter", Choice(&["policy", "external", "none"]), Unset("what the queue's declaration says"), Nothing, "How its dead-letter route is known where it is not declared here: `policy`, `external` or `none`."),
        ("recovery-interval", MS, Is("5s"), Nothing, "The wait before a consumer that was cancelled or could not start is started again."),
        ("consumer-timeout", MS, Is("30m"), Nothing, "The broker's `consumer_timeout`. What a consumer could not finish in a third of it is handed back, and its prefetch is made smaller."),
        ("consecutive-active-trigger", COUNT, Is("10"), Nothing, "Busy cycles in a row after which a consumer is added."),
        ("consecutive-idle-trigger", COUNT, Is("10"), Nothing, "Idle cycles in a row after which a consumer goes."),
        ("start-consumer-min-interval", MS, Is("10s"), Nothing, "The least time between two additions."),
        ("stop-consumer-min-interval", MS, Is("60s"), Nothing, "The least time between two removals."),
        ("receive-timeout", MS, Is("1s"), Nothing, "The length of a scaling cycle."),
    ]
}

/// Properties of Spring's containers that are refused.
#[rustfmt::skip]
fn not_yet(section: &str) -> Vec<Property> {
    let row = |end: &str, springs, except, note| {
        let mut row = refused(&format!("{section}.{end}"), springs, None, note);
        row.verdict = Refused { except, note };
        row
    };
    let mut rows = vec![
        row("idle-event-interval", "off", None, "there are no idle events"),
        row("de-batching-enabled", "true", Some("false"), "batches made by a producer are not split"),
        row("force-stop", "false", Some("true"), "a stop finishes running handlers and hands back what was not started"),
        row("observation-enabled", "false", Some("true"), "spans are always made; a subscriber filters them"),
        row("missing-queues-fatal", "true", Some("false"), "a listener whose queue is missing shows it and comes back when it can"),
        row("retry.stateless", "true", Some("true"), "retries happen in the process"),
        row("batch-size", "1", Some("1"), "there are no batches; acknowledgements are gathered without it"),
        row("consumer-batch-enabled", "false", Some("false"), "there are no batches"),
    ];
    rows.push(former(section, "transaction-size", "batch-size", ""));
    rows.push(former(
        section,
        "retry.max-attempts", "max-retries",
        "it counts the attempts after the first",
    ));
    rows
}

fn former(section: &str, end: &str, to: &'static str, note: &'static str) -> Property {
    Property {
        path: format!("{section}.{end}"),
        kind: Text,
        default: Unset(""),
        spring: Former,
        verdict: Renamed { to, note },
        meaning: note,
    }
}

#[rustfmt::skip]
fn executor() -> Vec<Property> {
    let size = Whole {
        min: 1,
        max: 100_000,
    };
    let queue = Whole {
        min: 0,
        max: 10_000_000,
    };
    let policies = Choice(&["caller-runs", "abort", "discard", "discard-oldest"]);
    vec![
        ours("listener.simple.executor.core-size", size, Is("16"), "Handlers at once before anything queues."),
        ours("listener.simple.executor.max-size", size, Is("16"), "The most handlers at once."),
        ours("listener.simple.executor.queue-capacity", queue, Is("500"), "Deliveries that may wait for a handler."),
        ours("listener.simple.executor.thread-name-prefix", Text, Is("rabbitExecutor-"), "How the names of the threads for plain functions begin."),
        ours("listener.simple.executor.rejection-policy", policies, Is("caller-runs"), "What happens when all is full: the consumer runs the handler itself, or hands the delivery back and pauses (`abort`). The discard policies are refused: they lose messages."),
        ours("listener.simple.executor.await-termination", Flag, Is("true"), "Whether a stop waits for running handlers."),
        ours("listener.simple.executor.await-termination-period", MS, Is("30s"), "How long."),
    ]
}

/// What only a listener by its id has.
#[rustfmt::skip]
fn single() -> Vec<Property> {
    vec![
        ours("listeners.*.queue", Text, Unset("as in the attribute"), "The queue it consumes."),
        ours("listeners.*.queues", Words, Unset("as in the attribute"), "The queues it consumes."),
        ours("listeners.*.exclusive", Flag, Unset("as in the attribute, else false"), "Whether it must be the queue's only consumer."),
        ours("listeners.*.priority", Signed, Unset("as in the attribute, else 0"), "Its consumer priority."),
    ]
}

fn direct() -> Vec<Property> {
    const NOTE: &str = "the direct container is not there yet; use `listener.simple`";
    let mut rows: Vec<Property> = [
        ("auto-startup", "true"),
        ("acknowledge-mode", "auto"),
        ("prefetch", "250"),
        ("default-requeue-rejected", "true"),
        ("idle-event-interval", "off"),
        ("de-batching-enabled", "true"),
        ("force-stop", "false"),
        ("observation-enabled", "false"),
        ("missing-queues-fatal", "false"),
        ("retry.enabled", "false"),
        ("retry.stateless", "true"),
        ("retry.max-retries", "3"),
        ("retry.initial-interval", "1000ms"),
        ("retry.multiplier", "1.0"),
        ("retry.max-interval", "10000ms"),
        ("consumers-per-queue", "1"),
    ]
    .map(|(end, springs)| refused(&format!("listener.direct.{end}"), springs, None, NOTE))
    .into();
    rows.push(former(
        "listener.direct",
        "retry.max-attempts",
        "max-retries",
        NOTE,
    ));
    let stream = "the stream protocol is not spoken yet";
    rows.push(refused(
        "listener.stream.native-listener",
        "false",
        None,
        stream,
    ));
    rows.push(refused(
        "listener.stream.observation-enabled",
        "false",
        None,
        stream,
    ));
    rows
}
