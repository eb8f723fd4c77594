//! Publishing with a known fate; receiving on request; requests and replies.
//!
//! caller -> converter -> post processors, id, trace ([`prepare`](self)) -> window -> gate -> channel -> verdict ->
//! settlement -> caller and callbacks.

mod callback_run;
mod callbacks;
mod channel;
mod confirmed;
mod engine;
mod error;
mod fetch;
mod message_id;
mod pending_confirm;
mod post_processor;
mod prepare;
mod publish;
mod rabbit_template;
mod receive;
mod receive_error;
mod received;
mod request_error;
mod rpc;
mod settings;
mod unsettled;

pub(crate) use callbacks::as_callback;
pub use callbacks::{Callbacks, ConfirmCallback, ReturnCallback};
pub use confirmed::Confirmed;
pub use error::{PublishError, PublishErrorKind, RefusedReason};
pub use pending_confirm::PendingConfirm;
pub use post_processor::MessagePostProcessor;
pub(crate) use prepare::is_direct_reply;
pub use publish::{Publish, Sending};
pub use rabbit_template::{RabbitTemplate, TemplateParts};
pub use receive_error::{ReceiveError, ReceiveErrorKind};
pub use received::{Received, SettleError};
pub use request_error::{RequestError, RequestErrorKind};
pub use settings::{CallbackSettings, ResendPolicy, RetrySettings, TemplateSettings};
pub use unsettled::UnsettledPublish;
