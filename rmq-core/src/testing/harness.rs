use std::time::Duration;

use crate::app::{Ledger, RabbitApp, RabbitBuilder};
use crate::error::Error;
use crate::listener::ListenerLedger;
use crate::template::RabbitTemplate;
use crate::time::Deadline;

/// How long a harness waits for what a test expects.
const PATIENCE: Duration = Duration::from_secs(10);

/// An application around the listeners under test, on a broker inside the process; on a real one where `RABBIT_ADDRESSES` is set.
///
/// # Examples
/// ```
/// use rmq_core::prelude::*;
/// use rmq_core::testing::RabbitHarness;
///
/// #[rabbit_config]
/// struct Shop;
///
/// #[rabbit_listener(queue = "harness.names", config = Shop)]
/// async fn on_name(name: String) -> Result<(), String> {
///     if name.is_empty() { Err("nobody".to_owned()) } else { Ok(()) }
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), rmq_core::Error> {
/// let builder = Shop::builder().only(listeners![on_name]).declare(Queue::quorum("harness.names"));
/// let rabbit = RabbitHarness::start(builder).await?;
/// rabbit.template().convert_and_send("", "harness.names", "Ada").await?;
/// assert_eq!(rabbit.settled("on_name", 1).await?.deliveries.acknowledged, 1);
/// rabbit.stop().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct RabbitHarness(RabbitApp);

impl RabbitHarness {
    /// Starts what the builder says, on a broker of its own that knows the login of the settings, or on the one that
    /// the builder was given (`builder().broker(..)`).
    ///
    /// # Errors
    /// As the builder's start.
    pub async fn start(builder: RabbitBuilder) -> Result<Self, Error> {
        let on_a_real_broker = std::env::var_os("RABBIT_ADDRESSES").is_some();
        let builder = if on_a_real_broker {
            builder
        } else {
            builder.for_a_test()
        };
        Ok(Self(builder.start().await?))
    }

    /// The application.
    #[must_use]
    pub const fn app(&self) -> &RabbitApp {
        &self.0
    }

    /// Its template.
    #[must_use]
    pub fn template(&self) -> RabbitTemplate {
        self.0.template()
    }

    /// Waits until a listener has settled so many deliveries, whatever their ends, and gives the counts.
    ///
    /// # Errors
    /// When there is no such listener, or it had settled fewer after 10 s: the error says what it had done.
    pub async fn settled(&self, listener: &str, deliveries: u64) -> Result<ListenerLedger, Error> {
        let all = |counts: &ListenerLedger| {
            counts.deliveries.delivered - counts.deliveries.in_flight >= deliveries
        };
        let listeners = self.0.listeners();
        Ok(listeners
            .wait_for(listener, Deadline::after(PATIENCE), all)
            .await?)
    }

    /// Stops, and gives the last ledger.
    ///
    /// # Errors
    /// Every message that was not settled, by id.
    pub async fn stop(self) -> Result<Ledger, Error> {
        self.0.stop().await?;
        Ok(self.0.ledger())
    }
}
