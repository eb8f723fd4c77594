//! One listener: its consumers, its state, its counts.

mod stop;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::handler::{Handler, HandlerScope};
use crate::name::Name;

use super::consumer::Consumer;
use super::control::Control;
use super::endpoint::ListenerEndpoint;
use super::handed_back::HandedBack;
use super::ledger::Counters;
use super::recoverer::MessageRecoverer;
use super::scaling::Scaling;
use super::services::Services;
use super::settings::EndpointSettings;
use super::state::ListenerState;
use super::unsettled::UnsettledDelivery;

/// What one consumer is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConsumerState {
    Starting,
    Consuming,
    NoConnection(String),
    NoQueue(String),
}

/// See the module.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) settings: Arc<EndpointSettings>,
    pub(super) handler: Arc<Handler>,
    /// One for each queue.
    pub(super) scopes: Vec<Arc<HandlerScope>>,
    pub(super) recoverer: Option<Arc<dyn MessageRecoverer>>,
    pub(super) services: Arc<Services>,
    pub(super) counters: Arc<Counters>,
    pub(super) handed_back: Arc<HandedBack>,
    inner: Mutex<Inner>,
    consumers: watch::Sender<usize>,
    state: watch::Sender<ListenerState>,
    cut_off: Mutex<Vec<UnsettledDelivery>>,
}

#[derive(Debug, Default)]
struct Inner {
    running: bool,
    /// What a stop leaves behind once the last consumer has ended.
    stops_as: Option<ListenerState>,
    /// Why a consumer has given up.
    given_up: Option<String>,
    slots: Vec<Slot>,
    serial: usize,
    scaling: Scaling,
}

#[derive(Debug)]
struct Slot {
    number: usize,
    state: ConsumerState,
    control: Arc<Control>,
    task: AbortHandle,
}

/// Takes a consumer off the list however its task ends: done, aborted, or with the runtime.
struct Leaving {
    container: Arc<Container>,
    number: usize,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.container.left(self.number);
    }
}

impl Container {
    pub(super) fn new(endpoint: ListenerEndpoint, services: &Arc<Services>) -> Arc<Self> {
        let ListenerEndpoint {
            settings,
            handler,
            components,
            converter,
            recoverer,
        } = endpoint;
        let listener = Name::try_from(settings.id.as_str()).unwrap_or_default();
        let scope = |queue: &Name| {
            Arc::new(HandlerScope {
                listener: listener.clone(),
                queue: queue.clone(),
                components: components.clone(),
                converter: Arc::clone(&converter),
            })
        };
        Arc::new(Self {
            scopes: settings.queues.iter().map(scope).collect(),
            settings: Arc::new(settings),
            handler: Arc::new(handler),
            recoverer,
            services: Arc::clone(services),
            counters: Arc::default(),
            handed_back: Arc::default(),
            inner: Mutex::default(),
            consumers: watch::Sender::new(0),
            state: watch::Sender::new(ListenerState::Stopped),
            cut_off: Mutex::default(),
        })
    }

    pub(super) fn state(&self) -> watch::Receiver<ListenerState> {
        self.state.subscribe()
    }

    /// How many consumers there are.
    pub(super) fn consumers(&self) -> usize {
        *self.consumers.borrow()
    }

    /// The connection its channels are on.
    pub(super) fn connection(&self) -> &Connection {
        if self.settings.no_ack() {
            &self.services.unacknowledged
        } else {
            &self.services.consuming
        }
    }

    /// Starts its consumers, unless they run. False while it is still stopping.
    pub(super) fn start(self: &Arc<Self>) -> bool {
        let mut inner = self.inner.lock();
        if inner.running {
            return true;
        }
        if *self.state.borrow() == ListenerState::Stopping {
            return false;
        }
        inner.running = true;
        inner.given_up = None;
        for _ in 0..self.settings.scaling.min.max(1) {
            self.spawn(&mut inner);
        }
        self.show(&inner);
        true
    }

    fn spawn(self: &Arc<Self>, inner: &mut Inner) {
        inner.serial += 1;
        let number = inner.serial;
        let control = Arc::new(Control::default());
        let task = self
            .services
            .runtime
            .spawn(Arc::clone(self).keep_running(number, Arc::clone(&control)))
            .abort_handle();
        inner.slots.push(Slot {
            number,
            state: ConsumerState::Starting,
            control,
            task,
        });
        self.consumers.send_replace(inner.slots.len());
    }

    /// A consumer that panics, which is a bug of this crate, is replaced; its channel's end gives back what it held.
    async fn keep_running(self: Arc<Self>, number: usize, control: Arc<Control>) {
        let _leaving = Leaving {
            container: Arc::clone(&self),
            number,
        };
        loop {
            let consumer = Consumer::new(Arc::clone(&self), number, Arc::clone(&control));
            match AssertUnwindSafe(consumer.run()).catch_unwind().await {
                Ok(Ok(())) => break,
                Ok(Err(given_up)) => {
                    self.inner.lock().given_up = Some(given_up);
                    break;
                }
                Err(_panic) => {}
            }
            control.leave();
            tracing::error!(listener = %self.settings.id, "a consumer panicked; it is started again");
            self.consumer_is(
                number,
                ConsumerState::NoConnection("the consumer panicked".to_owned()),
            );
            tokio::select! {
                () = control.quiet.cancelled() => break,
                () = tokio::time::sleep(self.settings.recovery_interval) => {}
            }
        }
    }

    /// A consumer's task has ended.
    fn left(&self, number: usize) {
        let mut inner = self.inner.lock();
        inner.slots.retain(|slot| slot.number != number);
        self.consumers.send_replace(inner.slots.len());
        if !inner.slots.is_empty() {
            self.show(&inner);
        } else if !inner.running {
            if let Some(state) = inner.stops_as.take() {
                self.become_(state);
            }
        } else if let Some(cause) = inner.given_up.take() {
            inner.running = false;
            self.become_(ListenerState::Failed { cause });
        } else {
            self.show(&inner);
        }
    }

    pub(super) fn consumer_is(&self, number: usize, state: ConsumerState) {
        let mut inner = self.inner.lock();
        if let Some(slot) = inner.slots.iter_mut().find(|slot| slot.number == number) {
            slot.state = state;
            self.show(&inner);
        }
    }

    /// Makes the listener's state of its consumers' states.
    fn show(&self, inner: &Inner) {
        if !inner.running {
            return;
        }
        let states = || inner.slots.iter().map(|slot| &slot.state);
        let state = if states().any(|state| *state == ConsumerState::Consuming) {
            ListenerState::Consuming
        } else {
            states()
                .find_map(|state| match state {
                    ConsumerState::NoQueue(cause) => Some(ListenerState::WaitingForQueue {
                        cause: cause.clone(),
                    }),
                    ConsumerState::NoConnection(cause) => {
                        Some(ListenerState::WaitingForConnection {
                            cause: cause.clone(),
                        })
                    }
                    ConsumerState::Starting | ConsumerState::Consuming => None,
                })
                .unwrap_or(ListenerState::Starting)
        };
        self.become_(state);
    }

    fn become_(&self, state: ListenerState) {
        self.state.send_if_modified(|shown| {
            if *shown == state {
                return false;
            }
            tracing::info!(listener = %self.settings.id, from = %shown, to = %state, "listener");
            *shown = state;
            true
        });
    }

    /// One more consumer, if the range and the time since the last one allow it.
    pub(super) fn scale_up(self: &Arc<Self>) {
        let mut inner = self.inner.lock();
        let there = inner.slots.len();
        if inner.running
            && inner
                .scaling
                .may_start(&self.settings.scaling, there, Instant::now())
        {
            tracing::info!(listener = %self.settings.id, consumers = there + 1, "one more consumer: it is busy");
            self.spawn(&mut inner);
        }
    }

    /// Whether this consumer, being idle, ends; from then on it is on its way out and counts as gone.
    pub(super) fn scale_down(&self, number: usize) -> bool {
        let mut inner = self.inner.lock();
        let stays = |slot: &&Slot| !slot.control.quiet.is_cancelled();
        let there = inner.slots.iter().filter(stays).count();
        let may = inner.running
            && inner
                .scaling
                .may_stop(&self.settings.scaling, there, Instant::now());
        if may && let Some(slot) = inner.slots.iter().find(|slot| slot.number == number) {
            slot.control.quiet.cancel();
            tracing::info!(listener = %self.settings.id, number, consumers = there - 1, "one consumer less: it is idle");
        }
        may
    }

    /// Hands back what has waited too long behind running handlers.
    pub(super) async fn check_age(&self) {
        let sessions: Vec<_> = {
            let inner = self.inner.lock();
            let controls = inner.slots.iter().map(|slot| slot.control.session());
            controls.flatten().collect()
        };
        for session in sessions {
            session.check_age().await;
        }
    }

    /// Declares the topology again, if this queue belongs to it.
    pub(super) async fn declare_again(&self, queue: &Name) {
        self.services.declare_again(self.connection(), queue).await;
    }

    /// Whether the queue is there now.
    pub(super) async fn is_there(&self, queue: &Name) -> bool {
        self.services.is_there(self.connection(), queue).await
    }
}
