use std::sync::Arc;
use std::time::Duration;

use crate::app::{Ledger, RabbitApp, RabbitBuilder};
use crate::error::Error;
use crate::listener::ListenerLedger;
use crate::template::RabbitTemplate;
use crate::time::Deadline;
use crate::transport::EmbeddedBroker;

use super::log::Log;
use super::turn::Turn;
use super::{Fate, NotSeen};

/// How long a harness waits for what a test expects, unless it is told otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// An application around the listeners under test, on a broker inside the process; on a real one where `RABBIT_ADDRESSES` is set.
///
/// A test publishes with [`template`](Self::template) and asks by message id what became of the message at a listener:
/// [`settled`](Self::settled) waits, and what it gives says acknowledged, dead-lettered and why, parked or requeued. Nothing
/// sleeps, and a wait that ends in vain says what the listener has seen instead.
///
/// # On a real broker
/// Set `RABBIT_ADDRESSES` (and `RABBIT_USERNAME`, `RABBIT_PASSWORD`, `RABBIT_VIRTUAL_HOST` where they differ) and the same test
/// runs there. Tests that consume from the same queue take turns, also across processes: while a harness runs it holds an exclusive
/// queue `rmq-harness.turn.<queue>` for each of its queues, and the broker frees it however the test ends. Tests of
/// different queues run at the same time. Nothing is purged: a message that an earlier run left behind is delivered, too, so
/// that a test there asks for its own message ids and not for totals.
///
/// # Examples
/// ```
/// use rmq_core::prelude::*;
/// use rmq_core::testing::RabbitHarness;
///
/// #[rabbit_config]
/// struct Shop;
///
/// #[rabbit_listener(queue = "harness.names", retry(max_attempts = 1), config = Shop)]
/// async fn on_name(name: String) -> Result<(), String> {
///     if name.is_empty() { Err("nobody".to_owned()) } else { Ok(()) }
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), rmq_core::Error> {
/// let builder = Shop::builder().only(listeners![on_name]).declare(Queue::quorum("harness.names"));
/// let rabbit = RabbitHarness::start(builder).await?;
/// let sent = rabbit.template().convert_and_send("", "harness.names", "Ada").await?;
/// let fate = rabbit.settled("on_name", sent.message_id()).await?;
/// assert!(fate.is_acknowledged(), "{fate}");
///
/// let sent = rabbit.template().convert_and_send("", "harness.names", "").await?;
/// let fate = rabbit.settled("on_name", sent.message_id()).await?;
/// assert!(fate.is_dead_lettered(), "{fate}");
/// assert_eq!(fate.cause(), Some("nobody"));
/// assert!(rabbit.stop().await?.adds_up());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RabbitHarness {
    app: RabbitApp,
    log: Arc<Log>,
    patience: Duration,
}

impl RabbitHarness {
    /// Starts what the builder says, on a broker of its own that knows the login of the settings, or on the one that
    /// the builder was given (`builder().broker(..)`).
    ///
    /// # Errors
    /// As the builder's start. On a broker that others use, too, also when another test has kept its turn at a queue for
    /// five minutes.
    pub async fn start(builder: RabbitBuilder) -> Result<Self, Error> {
        let shared = builder.shares_its_broker();
        let builder = if shared {
            builder
        } else {
            builder.for_a_test()
        };
        let log: Arc<Log> = Arc::default();
        let turn = Turn {
            log: Arc::clone(&log),
            shared,
        };
        Ok(Self {
            app: builder.rehearse(Arc::new(turn)).start().await?,
            log,
            patience: PATIENCE,
        })
    }

    /// Waits this long for what a test expects. Default 10 s.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The application.
    #[must_use]
    pub const fn app(&self) -> &RabbitApp {
        &self.app
    }

    /// Its template.
    #[must_use]
    pub fn template(&self) -> RabbitTemplate {
        self.app.template()
    }

    /// The broker inside the process, to script faults and to read its record; `None` on a real one.
    #[must_use]
    pub fn broker(&self) -> Option<&Arc<EmbeddedBroker>> {
        self.app.broker()
    }

    /// Waits until a listener has taken a message up; its handler may still run.
    ///
    /// # Cancel safety
    /// Nothing is consumed: a dropped wait can be made again.
    ///
    /// # Errors
    /// When there is no such listener, or at the deadline: with what the listener was given instead.
    pub async fn seen(&self, listener: &str, message_id: &str) -> Result<Fate, Error> {
        self.wait_for(listener, message_id, |_| true).await
    }

    /// Waits until a listener has settled a message, and gives what became of it. A message that came back to its queue
    /// counts, too: [`wait_for`](Self::wait_for) can wait for more.
    ///
    /// # Cancel safety
    /// Nothing is consumed: a dropped wait can be made again.
    ///
    /// # Errors
    /// When there is no such listener, or at the deadline: with what has become of the message so far, and what the listener
    /// was given besides.
    pub async fn settled(&self, listener: &str, message_id: &str) -> Result<Fate, Error> {
        self.wait_for(listener, message_id, |fate| fate.end().is_some())
            .await
    }

    /// Waits until the fate of a message at a listener is as asked for: `|fate| fate.deliveries() == 2`, say.
    ///
    /// # Cancel safety
    /// Nothing is consumed: a dropped wait can be made again.
    ///
    /// # Errors
    /// As [`settled`](Self::settled).
    pub async fn wait_for(
        &self,
        listener: &str,
        message_id: &str,
        holds: impl Fn(&Fate) -> bool,
    ) -> Result<Fate, Error> {
        // A listener that is not there would never see it.
        self.app.listeners().get(listener)?;
        let deadline = Deadline::after(self.patience);
        let waited = self.log.wait(listener, message_id, deadline, holds).await;
        Ok(waited.map_err(|seen| NotSeen {
            listener: listener.to_owned(),
            message_id: message_id.to_owned(),
            waited: self.patience,
            seen,
        })?)
    }

    /// Waits until a listener has settled so many deliveries, whatever their ends, and gives the counts.
    ///
    /// # Errors
    /// When there is no such listener, or it had settled fewer at the deadline: the error says what it had done.
    pub async fn settled_count(
        &self,
        listener: &str,
        deliveries: u64,
    ) -> Result<ListenerLedger, Error> {
        let all = |counts: &ListenerLedger| {
            counts.deliveries.delivered - counts.deliveries.in_flight >= deliveries
        };
        let listeners = self.app.listeners();
        Ok(listeners
            .wait_for(listener, Deadline::after(self.patience), all)
            .await?)
    }

    /// Stops, and gives the last ledger.
    ///
    /// # Errors
    /// Every message that was not settled, by id.
    pub async fn stop(self) -> Result<Ledger, Error> {
        self.app.stop().await?;
        Ok(self.app.ledger())
    }
}
