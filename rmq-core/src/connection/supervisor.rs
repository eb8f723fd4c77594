//! The task that keeps one connection open.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use tokio::time::Instant;

use crate::time::Deadline;
use crate::transport::LinkState;

use super::address_order::AddressOrder;
use super::attempt::{Failed, Succeeded, attempt};
use super::pause::Pauses;
use super::refresh::keep_fresh;
use super::refusals::Refusals;
use super::shared::Shared;
use super::slot::Slot;
use super::state::Move;
use super::{AttemptError, ConnectError, ConnectErrorKind, ConnectionSettings, OpenConnection};

/// Opens, watches and opens again, until it is stopped or the start fails.
pub(super) struct Supervisor {
    shared: Arc<Shared>,
    settings: Arc<ConnectionSettings>,
    order: AddressOrder,
    pauses: Pauses,
    generation: u64,
    /// The last error of each address.
    failures: BTreeMap<usize, AttemptError>,
}

impl Supervisor {
    /// Spawns it, unless the connection has one or had one.
    pub(super) fn spawn(shared: &Arc<Shared>, start: Deadline) {
        if shared.supervised.swap(true, Ordering::AcqRel) {
            return;
        }
        let settings = Arc::clone(&shared.settings);
        let supervisor = Self {
            shared: Arc::clone(shared),
            order: AddressOrder::new(settings.addresses.len(), settings.shuffle),
            pauses: Pauses::new(settings.back_off),
            generation: 0,
            failures: BTreeMap::new(),
            settings,
        };
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            let run = AssertUnwindSafe(supervisor.run(start)).catch_unwind();
            if run.await.is_err() {
                // A fault of ours; nobody may wait for a connection that nobody opens.
                tracing::error!(connection = %shared.name(), "the supervisor panicked; the connection is closed");
                drop(shared.take_back());
                shared.happened(Move::Close);
                shared.happened(Move::Closed);
            }
        });
    }

    async fn run(mut self, start: Deadline) {
        let shared = Arc::clone(&self.shared);
        let failed = tokio::select! {
            biased;
            () = shared.stop.cancelled() => None,
            error = self.keep_open(start) => Some(error),
        };
        let name = shared.name();
        if let Some(error) = failed {
            tracing::error!(connection = %name, error = %error, "the connection could not be started");
            shared.happened(Move::Fail(error));
            return;
        }
        shared.happened(Move::Close);
        if let Some(slot) = shared.take_back() {
            let by = *shared.close_by.lock();
            let by = by.unwrap_or_else(|| Deadline::after(self.settings.close_timeout));
            slot.link.close(by).await;
        }
        shared.happened(Move::Closed);
        tracing::info!(connection = %name, "connection closed");
    }

    /// Ends only when the start failed.
    async fn keep_open(&mut self, start: Deadline) -> ConnectError {
        if self.settings.addresses.is_empty() {
            let sentence = format!(
                "connection `{}` cannot be opened: no broker address is given; set `rabbitmq.addresses` or `rabbitmq.host`",
                self.shared.name()
            );
            return ConnectError::new(ConnectErrorKind::Unreachable, sentence);
        }
        let mut slot = match start.limit(self.open(true)).await {
            Ok(Ok(slot)) => slot,
            Ok(Err(error)) => return error,
            Err(_elapsed) => return self.start_deadline_passed(),
        };
        loop {
            let opened = Instant::now();
            let cause = tokio::select! {
                cause = self.watch(&slot) => cause,
                never = keep_fresh(&self.shared, &slot) => match never {},
            };
            self.lost(cause, opened.elapsed());
            drop(slot);
            slot = match self.open(false).await {
                Ok(slot) => slot,
                Err(error) => return error,
            };
        }
    }

    /// Rounds over the addresses, for ever; at start until somebody must change something first.
    async fn open(&mut self, starting: bool) -> Result<Arc<Slot>, ConnectError> {
        if !starting && self.pauses.is_resumed() {
            tokio::time::sleep(self.pauses.next()).await;
        }
        loop {
            if let Some(slot) = self.round(starting).await? {
                return Ok(slot);
            }
            let pause = self.pauses.next();
            tracing::debug!(connection = %self.shared.name(), ?pause, "every address was tried; waiting");
            tokio::time::sleep(pause).await;
        }
    }

    async fn round(&mut self, starting: bool) -> Result<Option<Arc<Slot>>, ConnectError> {
        let settings = Arc::clone(&self.settings);
        let mut refusals = Refusals::default();
        for index in self.order.round() {
            let Some(address) = settings.addresses.get(index) else {
                continue;
            };
            let known = refusals
                .logins()
                .iter()
                .filter_map(|&index| settings.addresses.get(index));
            if known.into_iter().any(|other| other.same_login(address)) {
                continue;
            }
            self.shared.happened(Move::Try);
            match attempt(&self.shared, address, self.generation + 1).await {
                Ok(Succeeded {
                    link,
                    connection,
                    login,
                }) => {
                    let slot = Slot::new(
                        link,
                        connection.generation,
                        login,
                        self.shared.purpose,
                        Arc::clone(&settings),
                    );
                    return Ok(Some(self.opened(Arc::new(slot), connection)));
                }
                Err(failed) => {
                    self.try_failed(index, &failed, starting);
                    if !starting {
                        continue;
                    }
                    refusals.note(index, &failed);
                    if let (true, Some(hook)) = (failed.error.permanent, failed.hook) {
                        return Err(setup_failed(&self.shared.name(), &failed.error, hook.error));
                    }
                }
            }
        }
        let last_word = refusals.last_word();
        match last_word.and_then(|index| self.failures.get(&index)) {
            Some(error) => Err(self.refused(error)),
            None => Ok(None),
        }
    }

    fn opened(&mut self, slot: Arc<Slot>, connection: OpenConnection) -> Arc<Slot> {
        self.generation = connection.generation;
        self.order.connected();
        self.failures.clear();
        tracing::info!(
            connection = %self.shared.name(),
            address = %connection.address,
            generation = connection.generation,
            broker = %connection.product,
            version = %connection.version,
            "connection open"
        );
        self.shared.give_out(Arc::clone(&slot));
        self.shared.happened(Move::Opened(connection));
        slot
    }

    fn try_failed(&mut self, index: usize, failed: &Failed, starting: bool) {
        let error = failed.error.clone();
        let name = self.shared.name();
        if error.permanent && !starting {
            tracing::error!(
                connection = %name, address = %error.address, kind = ?error.kind, error = %error.text,
                "somebody must change something before this connection can be opened again; trying on"
            );
        } else {
            tracing::warn!(
                connection = %name, address = %error.address, kind = ?error.kind, error = %error.text,
                "could not connect"
            );
        }
        self.shared.happened(Move::TryFailed(error.clone()));
        self.failures.insert(index, error);
    }

    /// Follows the link until it ends, and says why.
    async fn watch(&self, slot: &Slot) -> String {
        let mut link = slot.link.state();
        loop {
            let now = link.borrow_and_update().clone();
            match now {
                LinkState::Open => {
                    if self.shared.happened(Move::Unblocked) {
                        tracing::info!(connection = %self.shared.name(), "the broker takes publishes again");
                    }
                }
                LinkState::Blocked(reason) => {
                    tracing::warn!(connection = %self.shared.name(), reason = %reason, "the broker takes no publishes");
                    let reason = reason.to_string();
                    let at = SystemTime::now();
                    self.shared.happened(Move::Blocked { reason, at });
                }
                LinkState::Closed(cause) => return cause.to_string(),
            }
            tokio::select! {
                changed = link.changed() => if changed.is_err() {
                    return "the link ended without saying why".to_owned();
                },
                why = slot.retired() => {
                    slot.link.close(Deadline::after(self.settings.close_timeout)).await;
                    return format!("replaced: {why}");
                }
            }
        }
    }

    fn lost(&mut self, cause: String, lifetime: Duration) {
        let shared = Arc::clone(&self.shared);
        self.pauses.lived(lifetime);
        shared.lost.fetch_add(1, Ordering::Relaxed);
        let address = shared
            .state()
            .borrow()
            .connection()
            .map_or_else(String::new, |connection| connection.address.clone());
        tracing::warn!(connection = %shared.name(), address = %address, cause = %cause, "connection lost; opening it again");
        let cause = AttemptError {
            address,
            kind: ConnectErrorKind::Lost,
            text: cause,
            permanent: false,
        };
        let at = SystemTime::now();
        shared.happened(Move::Lost { cause, at });
        drop(shared.take_back());
    }

    fn refused(&self, error: &AttemptError) -> ConnectError {
        let what = match error.kind {
            ConnectErrorKind::Authentication => {
                "the broker refused the login; check `username` and `password`, or the client certificate"
            }
            ConnectErrorKind::VirtualHost => {
                "the virtual host is not there or this user may not enter it; create it (`rabbitmqctl add_vhost`), \
                 or give the user permissions on it (`rabbitmqctl set_permissions -p`)"
            }
            _ => {
                "the broker's certificate was not accepted; check `ssl.trust-store` and the host name"
            }
        };
        let sentence = format!(
            "connection `{}` cannot be opened: {what}",
            self.shared.name()
        );
        ConnectError::with_attempts(error.kind, sentence, self.tried())
    }

    fn start_deadline_passed(&self) -> ConnectError {
        let sentence = format!(
            "connection `{}` was not open when the start deadline passed; every address and its last error:",
            self.shared.name()
        );
        ConnectError::with_attempts(ConnectErrorKind::Deadline, sentence, self.tried())
    }

    /// Every address with its last error; one whose try was still going on has none.
    fn tried(&self) -> Vec<AttemptError> {
        let addresses = self.settings.addresses.iter().enumerate();
        let all = addresses.map(|(index, address)| {
            self.failures.get(&index).cloned().unwrap_or_else(|| {
                let text = "no answer so far, or not tried".to_owned();
                AttemptError {
                    address: address.target.to_string(),
                    kind: ConnectErrorKind::Deadline,
                    text,
                    permanent: false,
                }
            })
        });
        all.collect()
    }
}

fn setup_failed(name: &str, failed: &AttemptError, source: crate::error::BoxError) -> ConnectError {
    let sentence = format!(
        "connection `{name}` is open at {} but cannot be used: {}",
        failed.address, failed.text
    );
    ConnectError::with_source(ConnectErrorKind::Setup, sentence, source)
}
