use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::observability::{DeliveryEnd, DeliveryWitness};
use crate::time::Deadline;

use super::Fate;

/// Messages whose fate is kept; the oldest are forgotten first.
const KEPT: usize = 100_000;

/// The fates of all messages that the listeners of a harness were given.
#[derive(Debug, Default)]
pub(super) struct Log {
    kept: Mutex<Kept>,
    changed: Notify,
}

type Key = (Arc<str>, Arc<str>);

#[derive(Debug, Default)]
struct Kept {
    fates: HashMap<Key, Fate>,
    /// By first delivery.
    order: VecDeque<Key>,
}

impl Log {
    /// Waits until the fate of a message is as asked for. At the deadline: what the listener was given instead.
    pub(super) async fn wait(
        &self,
        listener: &str,
        message_id: &str,
        deadline: Deadline,
        holds: impl Fn(&Fate) -> bool,
    ) -> Result<Fate, Seen> {
        let key = (Arc::from(listener), Arc::from(message_id));
        let wait = async {
            loop {
                let mut changed = pin!(self.changed.notified());
                // From here on a change is not missed.
                changed.as_mut().enable();
                let fate = self.kept.lock().fates.get(&key).cloned();
                if let Some(fate) = fate.filter(&holds) {
                    return fate;
                }
                changed.await;
            }
        };
        let seen = deadline.limit(wait).await;
        seen.map_err(|_| self.kept.lock().seen(&key))
    }

    fn note(&self, listener: &str, message_id: Option<&str>, change: impl FnOnce(&mut Fate)) {
        // Nobody can ask for a message that has no id.
        let Some(message_id) = message_id else { return };
        self.kept.lock().note(listener, message_id, change);
        self.changed.notify_waiters();
    }
}

impl Kept {
    fn note(&mut self, listener: &str, message_id: &str, change: impl FnOnce(&mut Fate)) {
        let key: Key = (Arc::from(listener), Arc::from(message_id));
        if let Some(fate) = self.fates.get_mut(&key) {
            return change(fate);
        }
        if self.order.len() >= KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.fates.remove(&oldest);
        }
        self.order.push_back(key.clone());
        change(self.fates.entry(key).or_default());
    }

    fn seen(&self, asked: &Key) -> Seen {
        let others = self.order.iter().filter(|key| key.0 == asked.0);
        let others = others.filter(|key| *key != asked);
        Seen {
            asked: self.fates.get(asked).cloned(),
            others: others
                .filter_map(|key| Some((key.1.to_string(), self.fates.get(key)?.clone())))
                .collect(),
        }
    }
}

impl DeliveryWitness for Log {
    fn begun(&self, listener: &str, message_id: Option<&str>) {
        self.note(listener, message_id, |fate| fate.deliveries += 1);
    }

    fn failed(&self, listener: &str, message_id: Option<&str>, cause: &dyn fmt::Display) {
        self.note(listener, message_id, |fate| {
            fate.causes.push(cause.to_string());
        });
    }

    fn ended(&self, listener: &str, message_id: Option<&str>, end: DeliveryEnd) {
        self.note(listener, message_id, |fate| fate.ends.push(end));
    }
}

/// What a listener had seen when a wait was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    /// Of the message asked for.
    pub(super) asked: Option<Fate>,
    /// Of all others, by id, oldest first.
    pub(super) others: Vec<(String, Fate)>,
}
