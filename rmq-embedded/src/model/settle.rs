//! Ack, nack, reject, recover; and what becomes of deliveries nobody settled.

use amq_protocol::protocol::{AMQPClass, basic};

use super::channel::Unacked;
use super::exception::{Exception, Outcome};
use super::ids::QueueId;
use super::message::Entry;
use super::state::{At, State};
use super::strike::Flow;
use super::transaction::Settlement;
use crate::fault::Action;
use crate::record::Event;

impl State {
    /// `basic.ack`.
    pub(crate) fn acknowledge(&mut self, at: At, tag: u64, multiple: bool) -> Outcome {
        self.note(at, || Event::Acked { tag, multiple });
        let struck = self.strike_ack(at);
        if struck == Some(Action::Withhold) || self.instead(at, struck.as_ref())? {
            return Ok(());
        }
        self.settle_taken(at, (tag, multiple), Settlement::Ack)?;
        if struck == Some(Action::CutAfter) {
            self.cut_link(at.connection);
        }
        Ok(())
    }

    /// `basic.nack` and `basic.reject`.
    pub(crate) fn refuse(&mut self, at: At, tag: u64, multiple: bool, requeue: bool) -> Outcome {
        self.note(at, || Event::Rejected {
            tag,
            multiple,
            requeue,
        });
        let struck = self.strike_ack(at);
        if struck == Some(Action::Withhold) || self.instead(at, struck.as_ref())? {
            return Ok(());
        }
        let settlement = if requeue {
            Settlement::Requeue
        } else {
            Settlement::Reject
        };
        self.settle_taken(at, (tag, multiple), settlement)?;
        if struck == Some(Action::CutAfter) {
            self.cut_link(at.connection);
        }
        Ok(())
    }

    /// `basic.recover` and its async form: everything unsettled goes back to its queue.
    pub(crate) fn recover(&mut self, at: At, requeue: bool, answer: bool) -> Outcome {
        if !requeue {
            return Err(Exception::not_implemented("requeue=false"));
        }
        self.requeue_all(at);
        if answer {
            let ok = basic::AMQPMethod::RecoverOk(basic::RecoverOk {});
            self.send(at, AMQPClass::Basic(ok));
        }
        Ok(())
    }

    /// Settles now, or in a transaction notes what is to be settled.
    fn settle_taken(&mut self, at: At, named: (u64, bool), how: Settlement) -> Outcome {
        let taken = self.take(at, named.0, named.1)?;
        if let Some(transaction) = self.channel(at)?.transaction.as_mut() {
            transaction
                .settled
                .extend(taken.into_iter().map(|delivery| (delivery, how)));
            return Ok(());
        }
        let mut queues = Queues::default();
        for delivery in taken {
            queues.note(delivery.queue);
            self.settle(at, delivery, how);
        }
        self.deliver_all(queues);
        Ok(())
    }

    /// Settles one delivery.
    pub(crate) fn settle(&mut self, at: At, delivery: Unacked, how: Settlement) {
        self.release(at, &delivery);
        match how {
            Settlement::Ack => {}
            Settlement::Requeue => self.requeue(delivery.queue, delivery.entry),
            Settlement::Reject => self.discard(delivery.queue, delivery.entry, "rejected"),
        }
    }

    /// Whether a fault takes the place of settling.
    fn instead(&mut self, at: At, struck: Option<&Action>) -> Outcome<bool> {
        match struck {
            None | Some(Action::CutAfter) => Ok(false),
            Some(action) => Ok(self.carry_out(at, action)? == Flow::Instead),
        }
    }

    fn take(&mut self, at: At, tag: u64, multiple: bool) -> Outcome<Vec<Unacked>> {
        let taken = self.channel(at)?.take_unacked(tag, multiple);
        taken.ok_or_else(|| Exception::precondition_failed(format!("unknown delivery tag {tag}")))
    }

    /// Gives the room a delivery took back to its consumer, channel and queue.
    pub(crate) fn release(&mut self, at: At, delivery: &Unacked) {
        if delivery.consumer.is_some()
            && let Some(connection) = self.connections.get_mut(&at.connection)
            && let Some(channel) = connection.channels.get_mut(&at.channel)
        {
            channel.consumer_unacked = channel.consumer_unacked.saturating_sub(1);
        }
        let Some(queue) = self.queues.get_mut(&delivery.queue) else {
            return;
        };
        queue.unacked = queue.unacked.saturating_sub(1);
        if let Some(consumer) = delivery.consumer.and_then(|id| queue.consumer_mut(id)) {
            consumer.unacked = consumer.unacked.saturating_sub(1);
        }
    }

    /// Puts a message back where it was; a quorum queue counts, and gives up at its limit.
    pub(crate) fn requeue(&mut self, id: QueueId, mut entry: Entry) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        entry.redelivered = true;
        entry.returns += 1;
        if queue.is_quorum()
            && queue
                .options
                .delivery_limit
                .is_some_and(|max| entry.returns > max)
        {
            self.discard(id, entry, "delivery_limit");
            return;
        }
        queue.ready.put_back(entry);
    }

    /// Puts everything a channel holds back and delivers it again.
    pub(crate) fn requeue_all(&mut self, at: At) {
        let Ok(channel) = self.channel(at) else {
            return;
        };
        let mut taken: Vec<Unacked> = channel.unacked.drain(..).collect();
        if let Some(transaction) = channel.transaction.as_mut() {
            taken.extend(transaction.settled.drain(..).map(|(delivery, _)| delivery));
        }
        let mut queues = Queues::default();
        for delivery in taken {
            queues.note(delivery.queue);
            self.release(at, &delivery);
            self.requeue(delivery.queue, delivery.entry);
        }
        self.deliver_all(queues);
    }

    fn deliver_all(&mut self, queues: Queues) {
        for queue in queues.0 {
            self.deliver(queue);
        }
    }
}

/// Queues something came back to, each once.
#[derive(Debug, Default)]
struct Queues(Vec<QueueId>);

impl Queues {
    fn note(&mut self, queue: QueueId) {
        if !self.0.contains(&queue) {
            self.0.push(queue);
        }
    }
}
