use std::collections::BTreeSet;

use super::connection::{channel_closed, unexpected};
use super::method::{Method, Request};
use super::{
    AMQPClass, Closed, Connection, Content, Event, FieldTable, Frame, Message, RawError, basic,
    channels, confirm, exchange, queue,
};
use crate::broker::unique;

/// The channel that stores what a test needs in a queue.
const STORING: u16 = 1999;

/// A channel of a [`Connection`]. It keeps the order of what it was told.
#[derive(Clone, Debug)]
pub struct Channel {
    connection: Connection,
    id: u16,
}

impl Channel {
    pub(crate) fn new(connection: Connection, id: u16) -> Self {
        Self { connection, id }
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u16 {
        self.id
    }

    /// The connection that it belongs to.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Sends a method and waits for nothing.
    ///
    /// # Errors
    /// The broker is gone.
    pub async fn send(&self, method: impl Method) -> Result<(), RawError> {
        self.connection.send(self.id, method).await
    }

    /// The next event.
    ///
    /// # Errors
    /// None came within the deadline.
    pub async fn event(&self) -> Result<Event, RawError> {
        self.connection.event(self.id).await
    }

    /// The next event as this method.
    ///
    /// # Errors
    /// It is another one.
    pub async fn expect<M: Method>(&self) -> Result<M, RawError> {
        self.connection.expect(self.id).await
    }

    /// Sends a request and waits for its answer; messages and confirms that come before stay for later.
    ///
    /// # Errors
    /// The broker closed the channel or the connection, or answered something else.
    pub async fn call<R: Request>(&self, request: R) -> Result<R::Answer, RawError> {
        self.send(request).await?;
        self.answer().await
    }

    /// Sends a request in bytes of the test's own and waits for the answer.
    ///
    /// # Errors
    /// As [`Channel::call`].
    pub async fn call_spelled<M: Method>(
        &self,
        class: u16,
        method: u16,
        arguments: &[u8],
    ) -> Result<M, RawError> {
        let frame = Frame::spelled(self.id, class, method, arguments);
        self.connection.send_frames(&[frame]).await?;
        self.answer().await
    }

    async fn answer<M: Method>(&self) -> Result<M, RawError> {
        let mut inner = self.connection.lock().await;
        let mut passed = Vec::new();
        let found = loop {
            match inner.event(self.id).await? {
                Event::Method(method) if !comes_by_itself(&method) => {
                    break M::unwrap_from(method)
                        .map_err(|other| unexpected(std::any::type_name::<M>(), *other));
                }
                Event::End => break Err(RawError::new("the stream ended where an answer was due")),
                other => passed.push(other),
            }
        };
        inner.put_back(self.id, passed);
        found
    }

    /// Waits until the broker closes this channel, and agrees. What came before is dropped.
    ///
    /// # Errors
    /// It closed the connection instead, or nothing.
    pub async fn closed(&self) -> Result<Closed, RawError> {
        loop {
            match self.event().await? {
                Event::Method(AMQPClass::Channel(channels::AMQPMethod::Close(close))) => {
                    self.send(channels::CloseOk {}).await?;
                    return Ok(channel_closed(close));
                }
                Event::End => {
                    return Err(RawError::new(
                        "the stream ended where channel.close was due",
                    ));
                }
                _ => {}
            }
        }
    }

    /// Sends a request that the broker answers by closing this channel.
    ///
    /// # Errors
    /// It did something else.
    pub async fn refused(&self, request: impl Method) -> Result<Closed, RawError> {
        self.send(request).await?;
        self.closed().await
    }

    /// Sends a request that the broker answers by closing the whole connection.
    ///
    /// # Errors
    /// It did something else.
    pub async fn refused_hard(&self, request: impl Method) -> Result<Closed, RawError> {
        self.send(request).await?;
        self.connection.closed().await
    }

    /// A round trip: what was sent before has been handled, and what the broker answered to it is here.
    ///
    /// # Errors
    /// The broker closed.
    pub async fn round_trip(&self) -> Result<(), RawError> {
        let exchange = "amq.direct".into();
        let kind = "direct".into();
        let passive = exchange::Declare {
            exchange,
            kind,
            passive: true,
            ..Default::default()
        };
        self.call(passive).await.map(drop)
    }

    /// Puts the channel into confirm mode.
    ///
    /// # Errors
    /// The broker closed.
    pub async fn confirm_select(&self) -> Result<(), RawError> {
        self.call(confirm::Select { nowait: false }).await.map(drop)
    }

    /// An own queue of this connection, classic, that goes with it. Gives its name.
    ///
    /// # Errors
    /// The broker closed.
    pub async fn own_queue(&self, arguments: FieldTable) -> Result<String, RawError> {
        let name = unique("own");
        let queue = name.as_str().into();
        let declare = queue::Declare {
            queue,
            exclusive: true,
            arguments,
            ..Default::default()
        };
        self.call(declare).await?;
        Ok(name)
    }

    /// A durable queue with these arguments. Gives its name.
    ///
    /// # Errors
    /// The broker closed.
    pub async fn durable_queue(&self, arguments: FieldTable) -> Result<String, RawError> {
        let name = unique("durable");
        let queue = name.as_str().into();
        let declare = queue::Declare {
            queue,
            durable: true,
            arguments,
            ..Default::default()
        };
        self.call(declare).await?;
        Ok(name)
    }

    /// A durable exchange of this type. Gives its name.
    ///
    /// # Errors
    /// The broker closed.
    pub async fn exchange(&self, kind: &str, arguments: FieldTable) -> Result<String, RawError> {
        let name = unique(kind);
        let declare = exchange::Declare {
            exchange: name.as_str().into(),
            kind: kind.into(),
            durable: true,
            arguments,
            ..Default::default()
        };
        self.call(declare).await?;
        Ok(name)
    }

    /// Binds a queue.
    ///
    /// # Errors
    /// The broker closed.
    pub async fn bind(&self, queue: &str, exchange: &str, key: &str) -> Result<(), RawError> {
        self.bind_with(queue, exchange, key, FieldTable::default())
            .await
    }

    /// Binds a queue with arguments.
    ///
    /// # Errors
    /// The broker closed.
    pub async fn bind_with(
        &self,
        queue: &str,
        exchange: &str,
        key: &str,
        arguments: FieldTable,
    ) -> Result<(), RawError> {
        let bind = queue::Bind {
            queue: queue.into(),
            exchange: exchange.into(),
            routing_key: key.into(),
            nowait: false,
            arguments,
        };
        self.call(bind).await.map(drop)
    }

    /// How many messages are ready in a queue, and how many consumers it has.
    ///
    /// # Errors
    /// There is no such queue.
    pub async fn counts(&self, queue: &str) -> Result<(u32, u32), RawError> {
        let queue = queue.into();
        let passive = queue::Declare {
            queue,
            passive: true,
            ..Default::default()
        };
        let ok = self.call(passive).await?;
        Ok((ok.message_count, ok.consumer_count))
    }

    /// One message by get, to be settled; `None` if the queue has none.
    ///
    /// # Errors
    /// The broker closed.
    pub async fn get(&self, queue: &str) -> Result<Option<Message>, RawError> {
        self.send(basic::Get {
            queue: queue.into(),
            no_ack: false,
        })
        .await?;
        self.got().await
    }

    /// One message by get that needs no settling.
    ///
    /// # Errors
    /// The broker closed.
    pub async fn take(&self, queue: &str) -> Result<Option<Message>, RawError> {
        self.send(basic::Get {
            queue: queue.into(),
            no_ack: true,
        })
        .await?;
        self.got().await
    }

    /// The bodies of all messages that are ready in a queue, taken from it in order.
    ///
    /// # Errors
    /// The broker closed.
    pub async fn take_all(&self, queue: &str) -> Result<Vec<String>, RawError> {
        let mut all = Vec::new();
        while let Some(message) = self.take(queue).await? {
            all.push(message.text());
        }
        Ok(all)
    }

    /// Publishes texts with one key, in this order, and waits until every queue has them: see
    /// [`Channel::store`].
    ///
    /// # Errors
    /// The broker closed.
    pub async fn publish_texts(
        &self,
        exchange: &str,
        key: &str,
        texts: &[&str],
    ) -> Result<(), RawError> {
        let contents: Vec<Content> = texts
            .iter()
            .map(|text| Content::new((*text).to_owned()))
            .collect();
        self.store(exchange, key, &contents).await
    }

    /// Publishes texts on this very channel, and waits until the broker has read them.
    ///
    /// # Errors
    /// The broker closed.
    pub async fn send_texts(
        &self,
        exchange: &str,
        key: &str,
        texts: &[&str],
    ) -> Result<(), RawError> {
        for text in texts {
            self.publish(exchange, key, Content::new((*text).to_owned()))
                .await?;
        }
        self.round_trip().await
    }

    /// Publishes on a confirming channel of its own, and waits until every queue has taken or refused it.
    ///
    /// A round trip alone would not do: RabbitMQ counts a queue before the messages that wait at its door.
    ///
    /// # Errors
    /// The broker closed.
    pub async fn store(
        &self,
        exchange: &str,
        key: &str,
        contents: &[Content],
    ) -> Result<(), RawError> {
        let own = self.connection.channel(STORING).await?;
        own.confirm_select().await?;
        for content in contents {
            own.publish(exchange, key, content.clone()).await?;
        }
        let mut told = BTreeSet::new();
        while told.len() < contents.len() {
            let (tag, multiple) = match own.event().await? {
                Event::Method(AMQPClass::Basic(basic::AMQPMethod::Ack(ack))) => {
                    (ack.delivery_tag, ack.multiple)
                }
                Event::Method(AMQPClass::Basic(basic::AMQPMethod::Nack(nack))) => {
                    (nack.delivery_tag, nack.multiple)
                }
                Event::Method(other) => return Err(unexpected("a verdict", other)),
                other => return Err(RawError::new(format!("a verdict was due, not {other:?}"))),
            };
            told.extend(if multiple { 1..=tag } else { tag..=tag });
        }
        own.close().await
    }

    async fn got(&self) -> Result<Option<Message>, RawError> {
        let mut inner = self.connection.lock().await;
        let mut passed = Vec::new();
        let found = loop {
            match inner.event(self.id).await? {
                Event::Method(AMQPClass::Basic(basic::AMQPMethod::GetEmpty(_))) => break Ok(None),
                Event::Message(message) if message.left.is_some() => break Ok(Some(message)),
                Event::Method(method) if !comes_by_itself(&method) => {
                    break Err(unexpected("an answer to basic.get", method));
                }
                Event::End => break Err(RawError::new("the stream ended where a get waited")),
                other => passed.push(other),
            }
        };
        inner.put_back(self.id, passed);
        found
    }

    /// Consumes from a queue with acknowledgements. Gives the tag of the consumer.
    ///
    /// # Errors
    /// The broker closed.
    pub async fn consume(&self, queue: &str) -> Result<String, RawError> {
        self.consume_with(basic::Consume {
            queue: queue.into(),
            ..Default::default()
        })
        .await
    }

    /// Consumes as `consume` says; an empty tag is given one by the broker.
    ///
    /// # Errors
    /// The broker closed.
    pub async fn consume_with(&self, consume: basic::Consume) -> Result<String, RawError> {
        Ok(self.call(consume).await?.consumer_tag.to_string())
    }

    /// The next message that is delivered.
    ///
    /// # Errors
    /// Something else came.
    pub async fn delivery(&self) -> Result<Message, RawError> {
        match self.event().await? {
            Event::Message(message) if message.returned.is_none() => Ok(message),
            Event::Method(other) => Err(unexpected("a delivery", other)),
            other => Err(RawError::new(format!(
                "a delivery was due, and {other:?} came"
            ))),
        }
    }

    /// As many deliveries.
    ///
    /// # Errors
    /// Something else came.
    pub async fn deliveries(&self, count: usize) -> Result<Vec<Message>, RawError> {
        let mut all = Vec::new();
        while all.len() < count {
            all.push(self.delivery().await?);
        }
        Ok(all)
    }

    /// What the channel was told and nobody asked for yet, after the queue had its say: round trips
    /// through the queue and the channel, so that what was on its way has arrived.
    ///
    /// # Errors
    /// The broker closed.
    pub async fn told(&self, queue: &str) -> Result<Vec<Event>, RawError> {
        self.counts(queue).await?;
        self.counts(queue).await?;
        self.round_trip().await?;
        Ok(self.connection.lock().await.drain(self.id))
    }

    /// Acknowledges one delivery.
    ///
    /// # Errors
    /// The broker is gone.
    pub async fn ack(&self, delivery_tag: u64) -> Result<(), RawError> {
        self.send(basic::Ack {
            delivery_tag,
            multiple: false,
        })
        .await
    }

    /// Rejects one delivery.
    ///
    /// # Errors
    /// The broker is gone.
    pub async fn reject(&self, delivery_tag: u64, requeue: bool) -> Result<(), RawError> {
        self.send(basic::Reject {
            delivery_tag,
            requeue,
        })
        .await
    }

    /// At most so many unsettled deliveries for each consumer that starts from now on.
    ///
    /// # Errors
    /// The broker closed.
    pub async fn prefetch(&self, prefetch_count: u16) -> Result<(), RawError> {
        self.call(basic::Qos {
            prefetch_count,
            global: false,
        })
        .await
        .map(drop)
    }

    /// Closes the channel in good order.
    ///
    /// # Errors
    /// The broker did not agree.
    pub async fn close(&self) -> Result<(), RawError> {
        self.call(channels::Close {
            reply_code: 200,
            ..Default::default()
        })
        .await
        .map(drop)
    }
}

/// Methods that answer no request.
fn comes_by_itself(method: &AMQPClass) -> bool {
    use basic::AMQPMethod::{Ack, Cancel, Nack};
    matches!(method, AMQPClass::Basic(Ack(_) | Nack(_) | Cancel(_)))
        || matches!(method, AMQPClass::Channel(channels::AMQPMethod::Flow(_)))
}
