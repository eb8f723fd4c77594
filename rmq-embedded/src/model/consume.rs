//! Consumers: start, cancel, qos; confirm mode; the end of a channel.

use std::sync::Arc;

use amq_protocol::protocol::{AMQPClass, basic, confirm};
use amq_protocol::types::AMQPValue;

use super::arguments;
use super::channel::Subscription;
use super::confirm::Confirms;
use super::exception::{Exception, Outcome};
use super::ids::QueueId;
use super::queue::Consumer;
use super::reply_to::REPLY_TO;
use super::state::{At, State};
use crate::record::Event;

impl State {
    /// `basic.consume`.
    pub(crate) fn consume(&mut self, at: At, consume: basic::Consume) -> Outcome {
        let requested = consume.consumer_tag.as_str();
        if consume.queue.as_str() == REPLY_TO {
            return self.consume_replies(at, &consume);
        }
        if self.channel(at)?.consumers.contains_key(requested) {
            return Err(Exception::not_allowed(format!(
                "attempt to reuse consumer tag '{requested}'"
            )));
        }
        let queue = self.named_queue(at, consume.queue.as_str())?;
        self.check_access(at, queue)?;
        self.check_read(at, queue)?;
        self.check_global_qos(at, queue)?;
        let priority = priority(&consume)?;
        self.check_exclusive_use(queue, consume.exclusive)?;
        let tag: Arc<str> = match requested {
            "" => Arc::from(format!("amq.ctag-{}", super::reply_to::token())),
            given => Arc::from(given),
        };
        let id = self.new_id();
        let channel = self.channel(at)?;
        channel
            .consumers
            .insert(tag.clone(), Subscription { queue, id });
        let consumer = Consumer {
            id,
            connection: at.connection,
            channel: at.channel,
            tag: tag.clone(),
            no_ack: consume.no_ack,
            exclusive: consume.exclusive,
            priority,
            prefetch: channel.prefetch,
            unacked: 0,
        };
        let now = self.now();
        if let Some(queue) = self.queues.get_mut(&queue) {
            queue.last_used = now;
            queue.add_consumer(consumer);
        }
        if !consume.nowait {
            self.send_consume_ok(at, &tag);
        }
        self.deliver(queue);
        Ok(())
    }

    pub(crate) fn send_consume_ok(&self, at: At, tag: &str) {
        let ok = basic::ConsumeOk {
            consumer_tag: tag.into(),
        };
        self.send(at, AMQPClass::Basic(basic::AMQPMethod::ConsumeOk(ok)));
    }

    /// Quorum queues know no prefetch of a whole channel.
    fn check_global_qos(&mut self, at: At, id: QueueId) -> Outcome {
        let limited = self.channel(at)?.channel_prefetch > 0;
        match self.queues.get(&id) {
            Some(queue) if limited && queue.is_quorum() => {
                let label = self.queue_label(queue);
                Err(Exception::not_implemented(format!(
                    "{label} does not support global qos"
                )))
            }
            _ => Ok(()),
        }
    }

    fn check_exclusive_use(&mut self, id: QueueId, exclusive: bool) -> Outcome {
        let Some(queue) = self.queues.get(&id) else {
            return Ok(());
        };
        let taken = queue.consumers.iter().any(|other| other.exclusive);
        if taken || exclusive && !queue.consumers.is_empty() {
            let label = self.queue_label(queue);
            return Err(Exception::access_refused(format!(
                "{label} in exclusive use"
            )));
        }
        Ok(())
    }

    /// `basic.cancel`.
    pub(crate) fn cancel(&mut self, at: At, cancel: &basic::Cancel) -> Outcome {
        let tag = cancel.consumer_tag.as_str();
        let channel = self.channel(at)?;
        if channel
            .replies
            .as_ref()
            .is_some_and(|(own, _)| &**own == tag)
        {
            self.cancel_replies(at);
        } else if let Some(subscription) = channel.consumers.remove(tag) {
            self.remove_consumer(subscription);
        }
        if !cancel.nowait {
            let ok = basic::CancelOk {
                consumer_tag: tag.into(),
            };
            self.send(at, AMQPClass::Basic(basic::AMQPMethod::CancelOk(ok)));
        }
        Ok(())
    }

    /// Takes a consumer off its queue; the last one takes an auto-delete queue with it.
    fn remove_consumer(&mut self, subscription: Subscription) {
        let now = self.now();
        let Some(queue) = self.queues.get_mut(&subscription.queue) else {
            return;
        };
        queue.remove_consumer(subscription.id);
        queue.last_used = now;
        if queue.auto_delete && queue.had_consumer && queue.consumers.is_empty() {
            self.delete_queue(subscription.queue);
        } else {
            self.deliver(subscription.queue);
        }
    }

    /// Takes every consumer off a queue and tells the clients that understand it.
    pub(crate) fn cancel_consumers(&mut self, id: QueueId) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        for consumer in std::mem::take(&mut queue.consumers) {
            self.notify_cancel(&consumer);
        }
    }

    /// Forgets a consumer on its channel and tells the client, where it understands it.
    pub(crate) fn notify_cancel(&mut self, consumer: &Consumer) {
        let at = At {
            connection: consumer.connection,
            channel: consumer.channel,
        };
        let Some(connection) = self.connections.get_mut(&at.connection) else {
            return;
        };
        if let Some(channel) = connection.channels.get_mut(&at.channel) {
            channel.consumers.remove(&consumer.tag);
        }
        let capable = connection.capabilities.consumer_cancel_notify;
        self.note(at, || Event::Cancelled {
            consumer: consumer.tag.clone(),
        });
        if capable {
            let cancel = basic::Cancel {
                consumer_tag: (&*consumer.tag).into(),
                nowait: true,
            };
            self.send(at, AMQPClass::Basic(basic::AMQPMethod::Cancel(cancel)));
        }
    }

    /// `basic.qos`: for consumers to come, or with `global` for the channel.
    pub(crate) fn qos(&mut self, at: At, size: u32, count: u16, global: bool) -> Outcome {
        if size != 0 {
            return Err(Exception::not_implemented(format!(
                "prefetch_size!=0 ({size})"
            )));
        }
        let channel = self.channel(at)?;
        if global {
            channel.channel_prefetch = u32::from(count);
        } else {
            channel.prefetch = u32::from(count);
        }
        self.send(
            at,
            AMQPClass::Basic(basic::AMQPMethod::QosOk(basic::QosOk {})),
        );
        if global {
            self.resume(at.connection);
        }
        Ok(())
    }

    /// `confirm.select`.
    pub(crate) fn select_confirms(&mut self, at: At, nowait: bool) -> Outcome {
        let channel = self.channel(at)?;
        if channel.transaction.is_some() {
            let text = "cannot switch from tx to confirm mode";
            return Err(Exception::precondition_failed(text));
        }
        channel.confirms.get_or_insert_with(Confirms::default);
        if !nowait {
            let ok = confirm::AMQPMethod::SelectOk(confirm::SelectOk {});
            self.send(at, AMQPClass::Confirm(ok));
        }
        Ok(())
    }

    /// Ends a channel: its consumers go, what it had not settled goes back.
    pub(crate) fn drop_channel(&mut self, at: At) {
        let Ok(channel) = self.channel(at) else {
            if let Some(connection) = self.connections.get_mut(&at.connection) {
                connection.channels.remove(&at.channel);
            }
            return;
        };
        let subscriptions: Vec<Subscription> = channel
            .consumers
            .drain()
            .map(|(_, subscription)| subscription)
            .collect();
        // Off their queues first, so that nothing that goes back comes here again.
        let mut finished = Vec::new();
        for subscription in &subscriptions {
            if let Some(queue) = self.queues.get_mut(&subscription.queue) {
                queue.remove_consumer(subscription.id);
                finished.push(subscription.queue);
            }
        }
        self.cancel_replies(at);
        self.requeue_all(at);
        if let Some(connection) = self.connections.get_mut(&at.connection) {
            connection.channels.remove(&at.channel);
        }
        let now = self.now();
        for id in finished {
            let Some(queue) = self.queues.get_mut(&id) else {
                continue;
            };
            queue.last_used = now;
            if queue.auto_delete && queue.consumers.is_empty() {
                self.delete_queue(id);
            } else {
                self.deliver(id);
            }
        }
    }
}

fn priority(consume: &basic::Consume) -> Outcome<i64> {
    let Some(value) = arguments::lookup(&consume.arguments, "x-priority") else {
        return Ok(0);
    };
    arguments::integer(value).ok_or_else(|| {
        let kind = match value {
            AMQPValue::LongString(_) => "longstr",
            other => arguments::type_name(other),
        };
        Exception::precondition_failed(format!(
            "invalid arg 'x-priority' for queue '{}': \"expected integer, got {kind}\"",
            consume.queue
        ))
    })
}
