//! amqprs, as its own examples use it.

use amqprs::callbacks::ChannelCallback;
use amqprs::channel::{
    BasicAckArguments, BasicConsumeArguments, BasicGetArguments, BasicPublishArguments,
    BasicQosArguments, BasicRejectArguments, Channel, ConfirmSelectArguments, ConsumerMessage,
    ExchangeDeclareArguments, QueueBindArguments, QueueDeclareArguments, QueueDeleteArguments,
    QueuePurgeArguments, QueueUnbindArguments,
};
use amqprs::connection::{Connection, OpenConnectionArguments};
use amqprs::{Ack, BasicProperties, Cancel, CloseChannel, FieldTable, FieldValue, Nack, Return};
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::client::{Client, Feed, Got, Spec, Verdict};

pub(crate) struct Amqprs {
    connection: Connection,
    channel: Channel,
    told: Mutex<UnboundedReceiver<Told>>,
}

impl std::fmt::Debug for Amqprs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Amqprs").finish_non_exhaustive()
    }
}

pub(crate) struct AmqprsFeed(UnboundedReceiver<ConsumerMessage>);

impl Feed for AmqprsFeed {
    async fn next(&mut self) -> Got {
        let message = self.0.recv().await.expect("the consumer lives");
        let deliver = message.deliver.expect("a delivery");
        Got {
            tag: deliver.delivery_tag(),
            redelivered: deliver.redelivered(),
            body: message.content.unwrap_or_default(),
        }
    }
}

/// What the callbacks hear.
enum Told {
    Returned,
    Acked,
    Nacked,
    Closed(u16),
}

struct Ear(UnboundedSender<Told>);

impl Ear {
    fn tell(&self, told: Told) {
        // The test is over once nobody listens.
        let _ = self.0.send(told);
    }
}

type Heard<T> = Result<T, amqprs::error::Error>;

#[async_trait::async_trait]
impl ChannelCallback for Ear {
    async fn close(&mut self, _: &Channel, close: CloseChannel) -> Heard<()> {
        self.tell(Told::Closed(close.reply_code()));
        Ok(())
    }
    async fn cancel(&mut self, _: &Channel, _: Cancel) -> Heard<()> {
        Ok(())
    }
    async fn flow(&mut self, _: &Channel, active: bool) -> Heard<bool> {
        Ok(active)
    }
    async fn publish_ack(&mut self, _: &Channel, _: Ack) {
        self.tell(Told::Acked);
    }
    async fn publish_nack(&mut self, _: &Channel, _: Nack) {
        self.tell(Told::Nacked);
    }
    async fn publish_return(&mut self, _: &Channel, _: Return, _: BasicProperties, _: Vec<u8>) {
        self.tell(Told::Returned);
    }
}

impl Amqprs {
    async fn asked(&self, arguments: QueueDeclareArguments) -> Result<u32, u16> {
        match self.channel.queue_declare(arguments).await {
            Ok(Some((_, messages, _))) => Ok(messages),
            Ok(None) => panic!("an answer was asked for"),
            Err(_) => match self.told.lock().await.recv().await {
                Some(Told::Closed(code)) => Err(code),
                _ => panic!("the reason of the close was due"),
            },
        }
    }
}

impl Client for Amqprs {
    type Feed = AmqprsFeed;

    async fn open(host: &str, port: u16) -> Self {
        let arguments = OpenConnectionArguments::new(host, port, "guest", "guest");
        let connection = Connection::open(&arguments).await.unwrap();
        let channel = connection.open_channel(None).await.unwrap();
        let (sender, told) = unbounded_channel();
        channel.register_callback(Ear(sender)).await.unwrap();
        channel
            .confirm_select(ConfirmSelectArguments::default())
            .await
            .unwrap();
        Self {
            connection,
            channel,
            told: Mutex::new(told),
        }
    }

    async fn declare(&self, spec: &Spec) -> Result<u32, u16> {
        let mut table = FieldTable::new();
        let mut text = |name: &str, value: &str| {
            table.insert(
                name.try_into().unwrap(),
                FieldValue::S(value.try_into().unwrap()),
            );
        };
        if spec.room.is_some() {
            text("x-overflow", "reject-publish");
        }
        if let Some(dead) = &spec.dead_letters {
            text("x-dead-letter-exchange", "");
            text("x-dead-letter-routing-key", dead);
        }
        if let Some(room) = spec.room {
            table.insert("x-max-length".try_into().unwrap(), FieldValue::I(room));
        }
        let mut arguments = QueueDeclareArguments::new(&spec.name);
        arguments
            .durable(spec.durable)
            .exclusive(spec.exclusive)
            .arguments(table);
        self.asked(arguments).await
    }

    async fn look(&self, queue: &str) -> Result<u32, u16> {
        let mut arguments = QueueDeclareArguments::new(queue);
        arguments.passive(true);
        self.asked(arguments).await
    }

    async fn exchange(&self, name: &str, kind: &str) {
        let mut arguments = ExchangeDeclareArguments::new(name, kind);
        arguments.durable(true);
        self.channel.exchange_declare(arguments).await.unwrap();
    }

    async fn bind(&self, queue: &str, exchange: &str, key: &str) {
        self.channel
            .queue_bind(QueueBindArguments::new(queue, exchange, key))
            .await
            .unwrap();
    }

    async fn unbind(&self, queue: &str, exchange: &str, key: &str) {
        self.channel
            .queue_unbind(QueueUnbindArguments::new(queue, exchange, key))
            .await
            .unwrap();
    }

    async fn publish(&self, exchange: &str, key: &str, body: &[u8]) -> Verdict {
        let mut arguments = BasicPublishArguments::new(exchange, key);
        arguments.mandatory(true);
        let properties = BasicProperties::default().with_delivery_mode(2).finish();
        self.channel
            .basic_publish(properties, body.to_vec(), arguments)
            .await
            .unwrap();
        let mut told = self.told.lock().await;
        let mut returned = false;
        loop {
            match told.recv().await.expect("a verdict") {
                Told::Returned => returned = true,
                Told::Acked if returned => return Verdict::Returned,
                Told::Acked => return Verdict::Acked,
                Told::Nacked => return Verdict::Nacked,
                Told::Closed(code) => panic!("the channel was closed with {code}"),
            }
        }
    }

    async fn get(&self, queue: &str) -> Option<Got> {
        let (got, _, body) = self
            .channel
            .basic_get(BasicGetArguments::new(queue))
            .await
            .unwrap()?;
        Some(Got {
            tag: got.delivery_tag(),
            redelivered: got.redelivered(),
            body,
        })
    }

    async fn consume(&self, queue: &str, prefetch: u16) -> AmqprsFeed {
        self.channel
            .basic_qos(BasicQosArguments::new(0, prefetch, false))
            .await
            .unwrap();
        let mut arguments = BasicConsumeArguments::new(queue, "feed");
        arguments.manual_ack(true);
        AmqprsFeed(self.channel.basic_consume_rx(arguments).await.unwrap().1)
    }

    async fn ack(&self, tag: u64) {
        self.channel
            .basic_ack(BasicAckArguments::new(tag, false))
            .await
            .unwrap();
    }

    async fn reject(&self, tag: u64, requeue: bool) {
        self.channel
            .basic_reject(BasicRejectArguments::new(tag, requeue))
            .await
            .unwrap();
    }

    async fn purge(&self, queue: &str) -> u32 {
        let purged = self
            .channel
            .queue_purge(QueuePurgeArguments::new(queue))
            .await
            .unwrap();
        purged.expect("an answer")
    }

    async fn delete(&self, queue: &str) -> u32 {
        let deleted = self
            .channel
            .queue_delete(QueueDeleteArguments::new(queue))
            .await
            .unwrap();
        deleted.expect("an answer")
    }

    async fn close(self) {
        self.channel.close().await.unwrap();
        self.connection.close().await.unwrap();
    }
}
