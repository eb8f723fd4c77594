//! RabbitMQ made declarative: every message has a known fate.
// The rooms land one after another; removed when the house is whole.
#![allow(dead_code, unused_imports)]

#[doc(hidden)]
pub mod __private;
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

pub use error::{BoxError, Error};
pub use template::{
    Confirmed, MessagePostProcessor, PendingConfirm, Publish, PublishError, PublishErrorKind,
    RabbitTemplate, ReceiveError, ReceiveErrorKind, Received, RefusedReason, RequestError,
    RequestErrorKind, Sending, SettleError,
pub use rmq_macros::{
    RabbitMessage, component, declarables, listeners, on_confirm, on_return, rabbit_config,
    rabbit_listener,
};
