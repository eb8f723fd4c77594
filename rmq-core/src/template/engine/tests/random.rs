//! Whatever happens, in whatever order: each message sent has exactly one end, the callback and the ledger say the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use proptest::prelude::*;

use crate::message::{Confirm, Message, PublishOutcome};
use crate::template::callbacks::Callbacks;
use crate::template::{ResendPolicy, RetrySettings, TemplateSettings};
use crate::time::Deadline;

use super::fake::{Rig, Say, connection_error, no_exchange, rig_with, socket_lost};

#[derive(Debug, Clone)]
enum Event {
    Send,
    /// A verdict for one of those in flight, picked by a number.
    Verdict(Say, usize),
    /// The channel ends; the number picks one that had returned.
    End(u8, usize),
    Link(bool),
    Wait(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => Just(Event::Send),
        5 => (
            prop_oneof![4 => Just(Say::Ack), 1 => Just(Say::Nack), 1 => Just(Say::Return)],
            any::<usize>()
        ).prop_map(|(say, index)| Event::Verdict(say, index)),
        2 => (0u8..3, any::<usize>()).prop_map(|(cause, index)| Event::End(cause, index)),
        1 => any::<bool>().prop_map(Event::Link),
        2 => (0u64..20_000).prop_map(Event::Wait),
    ]
}

type Ends = Arc<Mutex<BTreeMap<String, Vec<PublishOutcome>>>>;

fn note(ends: &Ends) -> Callbacks {
    let ends = Arc::clone(ends);
    Callbacks {
        on_confirm: Some(Arc::new(move |confirm: Confirm| {
            let ends = Arc::clone(&ends);
            Box::pin(async move {
                let id = confirm.correlation_id().to_owned();
                ends.lock().entry(id).or_default().push(confirm.outcome());
            })
        })),
        on_return: None,
    }
}

/// Lets every other task run as far as it can without time passing.
async fn settle_down() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

async fn act(
    rig: &Rig,
    event: &Event,
    waiting: &mut Vec<tokio::task::JoinHandle<(String, PublishOutcome)>>,
) {
    match event {
        Event::Send => {
            let id = format!("m{}", waiting.len());
            let message = Message::new("body").with_message_id(id.clone());
            let publish = rig.template.send("e", "k", message);
            waiting.push(tokio::spawn(async move {
                let outcome = match publish.await {
                    Ok(confirmed) => {
                        assert_eq!(confirmed.message_id(), id);
                        PublishOutcome::Confirmed
                    }
                    Err(error) => {
                        assert_eq!(error.message_id(), id);
                        assert!(error.message().is_some());
                        error.kind().outcome()
                    }
                };
                (id, outcome)
            }));
        }
        Event::Verdict(say, index) => {
            if let Some(channel) = rig.source.last().filter(|channel| !channel.is_closed()) {
                let unsettled = channel.unsettled();
                if let Some(id) = unsettled.get(index % unsettled.len().max(1)) {
                    channel.say(&[(id, *say)]);
                }
            }
        }
        Event::End(cause, index) => {
            if let Some(channel) = rig.source.last() {
                let unsettled = channel.unsettled();
                let returned = unsettled.get(index % (unsettled.len() + 1));
                let returned: Vec<&str> = returned.iter().map(|id| id.as_str()).collect();
                let cause = match cause {
                    0 => no_exchange(),
                    1 => connection_error(),
                    _ => socket_lost(),
                };
                if cause.link {
                    rig.source.reconnect();
                }
                channel.end(&cause, &returned);
            }
        }
        Event::Link(up) => rig.source.set_up(*up),
        Event::Wait(milliseconds) => {
            tokio::time::sleep(Duration::from_millis(*milliseconds)).await;
        }
    }
    settle_down().await;
}

async fn run(settings: TemplateSettings, events: Vec<Event>) {
    let ends = Ends::default();
    let rig = rig_with(settings, note(&ends));
    let mut waiting = Vec::new();
    for event in &events {
        act(&rig, event, &mut waiting).await;
        let counts = rig.template.counts();
        assert!(counts.adds_up(), "{counts}");
    }
    let sent = waiting.len();
    let left = rig
        .template
        .stop(Deadline::after(Duration::from_secs(1)))
        .await;
    let mut told = BTreeMap::new();
    for task in waiting {
        let (id, outcome) = tokio::time::timeout(Duration::from_secs(3_600), task)
            .await
            .expect("nobody hangs")
            .unwrap();
        told.insert(id, vec![outcome]);
    }
    assert_eq!(told.len(), sent);
    assert_eq!(
        *ends.lock(),
        told,
        "callers and callbacks are told the same, once"
    );
    let counts = rig.template.counts();
    assert_eq!(counts.sent, sent as u64, "{counts}");
    let count = |outcome| told.values().filter(|ends| ends[0] == outcome).count() as u64;
    assert_eq!(counts.confirmed, count(PublishOutcome::Confirmed));
    assert_eq!(counts.returned, count(PublishOutcome::Returned));
    assert_eq!(counts.nacked, count(PublishOutcome::Nacked));
    assert_eq!(counts.refused, count(PublishOutcome::Refused));
    assert_eq!(counts.unknown, count(PublishOutcome::Unknown));
    for publish in &left {
        let told = &told[&publish.message_id.to_string()];
        assert_eq!(*told, [publish.kind.outcome()], "{publish}");
    }
    rig.assert_at_rest();
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_message_sent_has_exactly_one_end(
        events in proptest::collection::vec(event(), 1..120),
        window in 1usize..20,
        retry in any::<bool>(),
        never in proptest::bool::weighted(0.2),
    ) {
        let settings = TemplateSettings {
            window_messages: window,
            retry: retry.then(RetrySettings::default),
            resend: if never { ResendPolicy::Never } else { ResendPolicy::UntilDeadline },
            ..TemplateSettings::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(settings, events));
    }
}
