//! Queues of one measurement, declared and filled by a neutral hand.

use std::future::Future;

use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use crate::Failure;
use crate::order::Order;

/// What holds the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `x-queue-type: classic`
    Classic,
    /// `x-queue-type: quorum`
    Quorum,
}

impl Kind {
    /// Its name in AMQP.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Quorum => "quorum",
        }
    }
}

/// Durable queues.
pub struct Queues {
    url: String,
    names: Vec<String>,
}

fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(future)
}

async fn channel(url: &str) -> Result<(Connection, Channel), Failure> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    Ok((connection, channel))
}

impl Queues {
    /// Declares them.
    pub fn declare(url: &str, kind: Kind, names: Vec<String>) -> Result<Self, Failure> {
        block_on(async {
            let (_connection, channel) = channel(url).await?;
            for name in &names {
                let mut arguments = FieldTable::default();
                let kind = AMQPValue::LongString(kind.as_str().into());
                arguments.insert("x-queue-type".into(), kind);
                let options = QueueDeclareOptions {
                    durable: true,
                    ..QueueDeclareOptions::default()
                };
                channel
                    .queue_declare(name.as_str().into(), options, arguments)
                    .await?;
            }
            Ok(Self {
                url: url.to_owned(),
                names,
            })
        })
    }

    /// Puts so many orders in, one queue after another, each confirmed.
    pub fn fill(&self, messages: u64) -> Result<(), Failure> {
        block_on(async {
            let (_connection, channel) = channel(&self.url).await?;
            channel
                .confirm_select(ConfirmSelectOptions::default())
                .await?;
            let mut pending = std::collections::VecDeque::new();
            for (n, name) in (0..messages).zip(self.names.iter().cycle()) {
                let properties = BasicProperties::default()
                    .with_delivery_mode(2)
                    .with_content_type("application/json".into())
                    .with_message_id(uuid::Uuid::new_v4().to_string().into());
                let options = BasicPublishOptions::default();
                let body = Order::new(n).json()?;
                let queue = name.as_str().into();
                pending.push_back(
                    channel
                        .basic_publish("".into(), queue, options, &body, properties)
                        .await?,
                );
                if pending.len() >= 2_000
                    && let Some(oldest) = pending.pop_front()
                {
                    oldest.await?;
                }
            }
            for confirm in pending {
                confirm.await?;
            }
            Ok(())
        })
    }

    /// Deletes them with what is in them.
    pub fn delete(self) -> Result<(), Failure> {
        block_on(async {
            let (_connection, channel) = channel(&self.url).await?;
            for name in &self.names {
                channel
                    .queue_delete(name.as_str().into(), QueueDeleteOptions::default())
                    .await?;
            }
            Ok(())
        })
    }
}
