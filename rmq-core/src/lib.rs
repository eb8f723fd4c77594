//! RabbitMQ made declarative: every message has a known fate.
//!
//! Annotate structs and functions, configure by `rabbit.yml`, and know what became of every message. Start with
//! [`prelude`], [`rabbit_config`] and [`rabbit_listener`]; [`RabbitTemplate`] publishes, [`RabbitApp`] is what runs.
//!
//! A publish ends as *confirmed*, *returned*, *nacked*, *refused* or *unknown*, and the caller is told which. A delivery
//! ends as *acknowledged*, *dead-lettered*, *parked*, *requeued* or *left to the broker*. [`RabbitApp::ledger`] counts them.
#![cfg_attr(
    not(feature = "testing"),
    allow(
        dead_code,
        unused_imports,
        reason = "the rooms' doors are wider under `testing`, where each is tested alone"
    )
)]

#[doc(hidden)]
pub mod __private;
pub mod app;
pub mod component;
pub mod config;
pub mod converter;
pub mod error;
pub mod handler;
#[cfg(not(feature = "testing"))]
mod listener;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod listener;
pub mod message;
pub mod name;
pub mod observability;
pub mod prelude;
pub mod registry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
pub mod topology;

#[cfg(not(feature = "testing"))]
mod admin;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod admin;

#[cfg(not(feature = "testing"))]
mod connection;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod connection;

#[cfg(not(feature = "testing"))]
mod template;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod template;

#[cfg(not(feature = "testing"))]
mod transport;
#[cfg(feature = "testing")]
#[doc(hidden)]
pub mod transport;

pub use admin::{AdminError, AdminErrorKind, Difference, QueueInfo, RabbitAdmin};
pub use app::{Health, Ledger, RabbitApp, RabbitBuilder, StartError, StartReport, StopError};
pub use connection::{
    ConnectError, ConnectErrorKind, ConnectionHealth, ConnectionState, CredentialsProvider, Login,
};
pub use error::{BoxError, Error, Fault};
pub use listener::{
    FailedDelivery, ListenerError, ListenerInfo, ListenerLedger, ListenerRegistry, ListenerState,
    MessageRecoverer, UnsettledDelivery,
};
pub use template::{
    Confirmed, MessagePostProcessor, PendingConfirm, Publish, PublishError, PublishErrorKind,
    RabbitTemplate, ReceiveError, ReceiveErrorKind, Received, RefusedReason, RequestError,
    RequestErrorKind, Sending, SettleError, UnsettledPublish,
};
#[cfg(feature = "embedded")]
pub use transport::EmbeddedBroker;

pub use message::RabbitMessage;
pub use rmq_macros::{component, declarables, listeners, on_confirm, on_return};

/// ```
/// use rmq_core::prelude::*;
///
/// #[derive(serde::Serialize, RabbitMessage)]
/// #[rabbit(exchange = "orders", routing_key = "order.created")]
/// struct OrderCreated { id: u64 }
/// # fn main() {}
/// ```
pub use rmq_macros::RabbitMessage;

/// ```
/// use rmq_core::prelude::*;
///
/// #[rabbit_config(file = "rabbit.yml")]
/// struct Shop { prefix: String }
///
/// #[rabbit_config]
/// impl Shop {
///     #[component]
///     async fn greeting(&self) -> String {
///         format!("{}: ", self.prefix)
///     }
///
///     #[rabbit_listener(queue = "shop.names", concurrency = "2-8")]
///     async fn on_name(&self, name: String, greeting: State<String>) {
///         println!("{}{name}", *greeting);
///     }
///
///     #[declarables]
///     fn topology(&self) -> Declarables {
///         Declarables::new().with(Queue::quorum("shop.names"))
///     }
/// }
/// # fn main() {}
/// ```
pub use rmq_macros::rabbit_config;

/// ```
/// use rmq_core::prelude::*;
///
/// #[derive(serde::Deserialize)]
/// struct Order { id: u64 }
///
/// #[rabbit_listener(
///     bindings(queue = "orders.created", exchange = "orders", exchange_type = "topic", routing_key = "order.*"),
///     prefetch = 50,
///     retry(max_attempts = 5, initial_interval = "500ms"),
///     on_failure = "park:orders.parked",
/// )]
/// async fn on_order(
///     order: Order,
///     #[header("x-tenant")] tenant: Option<String>,
/// ) -> Result<(), Fatal> {
///     match tenant {
///         Some(_) => Ok(()),
///         None => Err(Fatal::new(format!("order {} has no tenant", order.id))),
///     }
/// }
/// # fn main() {}
/// ```
pub use rmq_macros::rabbit_listener;
