//! lapin, as its own examples use it.

use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, BasicQosOptions,
    BasicRejectOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, Consumer, ErrorKind,
    ExchangeKind,
};

use crate::client::{Client, Feed, Got, Spec, Verdict};

#[derive(Debug)]
pub(crate) struct Lapin {
    connection: Connection,
    channel: Channel,
}

pub(crate) struct LapinFeed(Consumer);

impl Feed for LapinFeed {
    async fn next(&mut self) -> Got {
        let delivery = self
            .0
            .next()
            .await
            .expect("the consumer lives")
            .expect("a delivery");
        Got {
            tag: delivery.delivery_tag,
            redelivered: delivery.redelivered,
            body: delivery.data.clone(),
        }
    }
}

fn code(error: &lapin::Error) -> u16 {
    match error.kind() {
        ErrorKind::ProtocolError(error) => error.get_id(),
        other => panic!("not a refusal: {other:?}"),
    }
}

fn arguments(spec: &Spec) -> FieldTable {
    let mut table = FieldTable::default();
    let mut text = |name: &str, value: &str| {
        table.insert(name.into(), AMQPValue::LongString(value.into()));
    };
    if spec.room.is_some() {
        text("x-overflow", "reject-publish");
    }
    if let Some(dead) = &spec.dead_letters {
        text("x-dead-letter-exchange", "");
        text("x-dead-letter-routing-key", dead);
    }
    if let Some(room) = spec.room {
        table.insert("x-max-length".into(), AMQPValue::LongInt(room));
    }
    table
}

impl Client for Lapin {
    type Feed = LapinFeed;

    async fn open(host: &str, port: u16) -> Self {
        let url = format!("amqp://guest:guest@{host}:{port}/%2f");
        let connection = Connection::connect(&url, ConnectionProperties::default())
            .await
            .unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .unwrap();
        Self {
            connection,
            channel,
        }
    }

    async fn declare(&self, spec: &Spec) -> Result<u32, u16> {
        let options = QueueDeclareOptions {
            durable: spec.durable,
            exclusive: spec.exclusive,
            ..Default::default()
        };
        let declared = self
            .channel
            .queue_declare(spec.name.as_str().into(), options, arguments(spec))
            .await;
        declared
            .map(|queue| queue.message_count())
            .map_err(|error| code(&error))
    }

    async fn look(&self, queue: &str) -> Result<u32, u16> {
        let options = QueueDeclareOptions {
            passive: true,
            ..Default::default()
        };
        let found = self
            .channel
            .queue_declare(queue.into(), options, FieldTable::default())
            .await;
        found
            .map(|queue| queue.message_count())
            .map_err(|error| code(&error))
    }

    async fn exchange(&self, name: &str, kind: &str) {
        let kind = match kind {
            "direct" => ExchangeKind::Direct,
            "topic" => ExchangeKind::Topic,
            _ => ExchangeKind::Fanout,
        };
        let options = ExchangeDeclareOptions {
            durable: true,
            ..Default::default()
        };
        self.channel
            .exchange_declare(name.into(), kind, options, FieldTable::default())
            .await
            .unwrap();
    }

    async fn bind(&self, queue: &str, exchange: &str, key: &str) {
        self.channel
            .queue_bind(
                queue.into(),
                exchange.into(),
                key.into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await
            .unwrap();
    }

    async fn unbind(&self, queue: &str, exchange: &str, key: &str) {
        self.channel
            .queue_unbind(
                queue.into(),
                exchange.into(),
                key.into(),
                FieldTable::default(),
            )
            .await
            .unwrap();
    }

    async fn publish(&self, exchange: &str, key: &str, body: &[u8]) -> Verdict {
        let options = BasicPublishOptions {
            mandatory: true,
            ..Default::default()
        };
        let properties = BasicProperties::default().with_delivery_mode(2);
        let confirm = self
            .channel
            .basic_publish(exchange.into(), key.into(), options, body, properties)
            .await
            .unwrap();
        match confirm.await.unwrap() {
            Confirmation::Ack(None) => Verdict::Acked,
            Confirmation::Ack(Some(_)) => Verdict::Returned,
            Confirmation::Nack(_) => Verdict::Nacked,
            Confirmation::NotRequested => panic!("not in confirm mode"),
        }
    }

    async fn get(&self, queue: &str) -> Option<Got> {
        let options = BasicGetOptions { no_ack: false };
        let message = self
            .channel
            .basic_get(queue.into(), options)
            .await
            .unwrap()?;
        Some(Got {
            tag: message.delivery.delivery_tag,
            redelivered: message.delivery.redelivered,
            body: message.delivery.data.clone(),
        })
    }

    async fn consume(&self, queue: &str, prefetch: u16) -> LapinFeed {
        self.channel
            .basic_qos(prefetch, BasicQosOptions::default())
            .await
            .unwrap();
        let consumer = self.channel.basic_consume(
            queue.into(),
            "".into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        LapinFeed(consumer.await.unwrap())
    }

    async fn ack(&self, tag: u64) {
        self.channel
            .basic_ack(tag, BasicAckOptions::default())
            .await
            .unwrap();
    }

    async fn reject(&self, tag: u64, requeue: bool) {
        self.channel
            .basic_reject(tag, BasicRejectOptions { requeue })
            .await
            .unwrap();
    }

    async fn purge(&self, queue: &str) -> u32 {
        self.channel
            .queue_purge(queue.into(), QueuePurgeOptions::default())
            .await
            .unwrap()
    }

    async fn delete(&self, queue: &str) -> u32 {
        self.channel
            .queue_delete(queue.into(), QueueDeleteOptions::default())
            .await
            .unwrap()
    }

    async fn close(self) {
        self.connection.close(200, "".into()).await.unwrap();
    }
}
