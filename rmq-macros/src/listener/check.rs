//! Rules between keys. Each shows what it refuses.

use syn::Ident;

use super::parse::{Acknowledge, ListenerAttribute};
use crate::attribute::Given;
use crate::diagnostics::Diagnostics;
use crate::signature::Home;

pub(super) fn listener(said: &ListenerAttribute, function: &Ident, home: Home) -> syn::Result<()> {
    let mut wrong = Diagnostics::default();
    queues(said, function, &mut wrong);
    acknowledge(said, &mut wrong);
    exclusive(said, &mut wrong);
    retry(said, &mut wrong);
    if let (Home::Configuration, Some(config)) = (home, &said.config) {
        wrong.at(
            config.span,
            "a method belongs to its type: drop `config`, or make it a free function",
        );
    }
    wrong.into_result(())
}

/// `queue = "a", queues = ["b"]`, and none at all
fn queues(said: &ListenerAttribute, function: &Ident, wrong: &mut Diagnostics) {
    match (&said.queue, &said.queues, &said.bindings) {
        (None, None, None) => wrong.on(
            function,
            "which queue does it listen to? Write `#[rabbit_listener(queue = \"..\")]`, or `queues = [..]`, or `bindings(..)`",
        ),
        (Some(_), Some(queues), _) => {
            wrong.at(queues.span, "`queue` and `queues` at once: put all names into `queues`");
        }
        (queue, queues, Some(bindings)) if queue.is_some() || queues.is_some() => wrong.at(
            bindings.span,
            "`bindings` names the queues itself: drop `queue` or `queues`, or listen in a second function",
        ),
        _ => {}
    }
}

/// `ack = "none", dead_letter = "policy"`
fn acknowledge(said: &ListenerAttribute, wrong: &mut Diagnostics) {
    if said
        .ack
        .as_ref()
        .is_none_or(|ack| ack.value != Acknowledge::None)
    {
        return;
    }
    let gone = "`ack = \"none\"`: the broker forgets a message when it has sent it";
    if let Some(dead_letter) = &said.dead_letter {
        wrong.at(
            dead_letter.span,
            format!("nothing is dead-lettered under {gone}: drop one of the two"),
        );
    }
    if let Some(on_failure) = &said.on_failure {
        wrong.at(
            on_failure.span,
            format!("nothing is rejected or parked under {gone}: drop one of the two"),
        );
    }
}

/// `exclusive = true, concurrency = 4`
fn exclusive(said: &ListenerAttribute, wrong: &mut Diagnostics) {
    let is_exclusive = said.exclusive.as_ref().is_some_and(|flag| flag.value.0);
    if let Some(Given { value, span }) = &said.concurrency
        && is_exclusive
        && value.max > 1
    {
        wrong.at(*span, "an exclusive consumer is the only one of its queue: write `concurrency = 1`, or drop `exclusive`");
    }
}

/// `retry(initial_interval = "10s", max_interval = "1s")`
fn retry(said: &ListenerAttribute, wrong: &mut Diagnostics) {
    let Some(retry) = &said.retry else { return };
    if let (Some(initial), Some(max)) = (&retry.0.initial_interval, &retry.0.max_interval)
        && initial.value.0 > max.value.0
    {
        wrong.at(max.span, "the longest wait is shorter than the first: raise `max_interval` or lower `initial_interval`");
    }
}
