//! A queue of one measurement, declared and filled by a neutral hand.

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

/// A durable queue.
pub struct Queue {
    url: String,
    name: String,
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

impl Queue {
    /// Declares it.
    pub fn declare(url: &str, kind: Kind, name: &str) -> Result<Self, Failure> {
        block_on(async {
            let (_connection, channel) = channel(url).await?;
            let mut arguments = FieldTable::default();
            arguments.insert(
                "x-queue-type".into(),
                AMQPValue::LongString(kind.as_str().into()),
            );
            let options = QueueDeclareOptions {
                durable: true,
                ..QueueDeclareOptions::default()
            };
            channel
                .queue_declare(name.into(), options, arguments)
                .await?;
            Ok(Self {
                url: url.to_owned(),
                name: name.to_owned(),
            })
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts so many orders in, each confirmed.
    pub fn fill(&self, messages: u64) -> Result<(), Failure> {
        block_on(async {
            let (_connection, channel) = channel(&self.url).await?;
            channel
                .confirm_select(ConfirmSelectOptions::default())
                .await?;
            let mut pending = std::collections::VecDeque::new();
            for n in 0..messages {
                let properties = BasicProperties::default()
                    .with_delivery_mode(2)
                    .with_content_type("application/json".into())
                    .with_message_id(uuid::Uuid::new_v4().to_string().into());
                let options = BasicPublishOptions::default();
                let body = Order::new(n).json()?;
                let queue = self.name.as_str().into();
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

    /// Deletes it with what is in it.
    pub fn delete(self) -> Result<(), Failure> {
        block_on(async {
            let (_connection, channel) = channel(&self.url).await?;
            channel
                .queue_delete(self.name.as_str().into(), QueueDeleteOptions::default())
                .await?;
            Ok(())
        })
    }
}
