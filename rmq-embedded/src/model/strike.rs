//! Scripted faults where they strike.

use std::sync::Arc;

use super::deliver::{Handover, hand_over};
use super::exception::{Exception, Outcome, Scope, name_of};
use super::ids::{ConnectionId, ConsumerId, QueueId};
use super::message::{Entry, Message};
use super::state::{At, State};
use super::timers::Due;
use crate::fault::{Action, AtPublish, Occasion, Point};
use crate::link::outbox::End;
use crate::record::Event;
use crate::wire::encode;

/// Whether the work a fault struck on is still to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    GoOn,
    Instead,
}

impl State {
    /// Holds an occasion against the rules, and records what struck.
    fn strike(&mut self, at: At, occasion: Occasion<'_>) -> Option<Action> {
        let name = self
            .connections
            .get(&at.connection)
            .and_then(|one| one.name.clone());
        let occasion = Occasion {
            connection_name: name.as_deref(),
            channel: at.channel,
            ..occasion
        };
        let action = self.rules.strike(&occasion)?;
        self.note(at, || Event::Fault {
            action: action.name(),
        });
        Some(action)
    }

    /// A client connected.
    pub(crate) fn strike_connection(&mut self, at: At) {
        if self.rules.watch(Point::Connection)
            && let Some(action) = self.strike(at, Occasion::at(Point::Connection))
        {
            // Nothing was said yet, so there is nothing an exception could answer.
            if self.carry_out(at, &action).is_err() {
                self.cut_link(at.connection);
            }
        }
    }

    /// A method arrived.
    pub(crate) fn strike_method(&mut self, at: At, method: &str) -> Option<Action> {
        if !self.rules.watch(Point::Method) {
            return None;
        }
        self.strike(
            at,
            Occasion {
                method,
                ..Occasion::at(Point::Method)
            },
        )
    }

    /// An ack, nack or reject arrived.
    pub(crate) fn strike_ack(&mut self, at: At) -> Option<Action> {
        if !self.rules.watch(Point::Ack) {
            return None;
        }
        self.strike(at, Occasion::at(Point::Ack))
    }

    /// A whole message arrived and is routed.
    pub(crate) fn strike_publish(
        &mut self,
        at: At,
        message: &Message,
        queues: &[QueueId],
    ) -> Option<Action> {
        if !self.rules.watch(Point::Publish) {
            return None;
        }
        let names: Vec<Arc<str>> = queues
            .iter()
            .filter_map(|id| Some(self.queues.get(id)?.name.clone()))
            .collect();
        let occasion = Occasion {
            exchange: &message.exchange,
            routing_key: &message.routing_key,
            queues: &names,
            ..Occasion::at(Point::Publish)
        };
        self.strike(at, occasion)
    }

    /// A message is about to go to a consumer.
    pub(crate) fn strike_delivery(&mut self, id: QueueId, index: usize) -> Option<Action> {
        if !self.rules.watch(Point::Delivery) {
            return None;
        }
        let queue = self.queues.get(&id)?;
        let consumer = queue.consumers.get(index)?;
        let at = At {
            connection: consumer.connection,
            channel: consumer.channel,
        };
        let names = [queue.name.clone()];
        self.strike(
            at,
            Occasion {
                queues: &names,
                ..Occasion::at(Point::Delivery)
            },
        )
    }

    /// Does what every point can do; exceptions are for the caller to raise.
    pub(crate) fn carry_out(&mut self, at: At, action: &Action) -> Outcome<Flow> {
        let outbox = self.connection(at.connection)?.outbox.clone();
        match action {
            Action::Cut | Action::CutAfter => self.cut_link(at.connection),
            Action::Reset => {
                outbox.end(End::Reset);
                self.disconnected(at.connection);
            }
            Action::CloseChannel { code, text } => {
                return Err(scripted(Scope::Channel, *code, text));
            }
            Action::CloseConnection { code, text } => {
                return Err(scripted(Scope::Connection, *code, text));
            }
            Action::StaySilent => {
                self.end_batch(at.connection);
                outbox.mute();
            }
            Action::Kill => self.kill(),
            Action::Restart => self.power_cycle(),
            Action::StopReading => {
                outbox.stop_reading(true);
                return Ok(Flow::GoOn);
            }
            Action::Block => {
                self.set_alarm(true);
                return Ok(Flow::GoOn);
            }
            _ => return Ok(Flow::GoOn),
        }
        Ok(Flow::Instead)
    }

    /// Lets a client hear what was said so far, and no more; what it held goes back at once.
    pub(crate) fn cut_link(&mut self, id: ConnectionId) {
        self.end_batch(id);
        if let Some(connection) = self.connections.get(&id) {
            connection.outbox.end(End::AfterFlush);
        }
        self.disconnected(id);
    }

    /// A delivery a fault struck on.
    pub(crate) fn faulty_delivery(
        &mut self,
        id: QueueId,
        consumer: ConsumerId,
        entry: Entry,
        action: &Action,
    ) {
        let Some(at) = self.consumer_at(id, consumer) else {
            return;
        };
        match action {
            Action::Withhold => self.give(id, consumer, entry, Handover::Unwritten),
            Action::Duplicate { redelivered } => {
                let mut again = entry.clone();
                again.redelivered |= redelivered;
                self.give(id, consumer, entry, Handover::Whole);
                self.give(id, consumer, again, Handover::Whole);
            }
            Action::CutInFrame => {
                self.give(id, consumer, entry, Handover::Half);
                self.cut_link(at.connection);
            }
            Action::CutAfter => {
                self.give(id, consumer, entry, Handover::Whole);
                self.cut_link(at.connection);
            }
            Action::CloseChannel { code, text } => {
                self.give(id, consumer, entry, Handover::Whole);
                self.close_channel(at, &scripted(Scope::Channel, *code, text), (0, 0));
            }
            Action::CancelConsumer => {
                self.give(id, consumer, entry, Handover::Whole);
                let queue = self.queues.get_mut(&id);
                if let Some(consumer) = queue.and_then(|queue| queue.remove_consumer(consumer)) {
                    self.notify_cancel(&consumer);
                }
            }
            Action::StopReading | Action::Block => {
                self.give(id, consumer, entry, Handover::Whole);
                // Neither can fail: the consumer's connection was found above.
                drop(self.carry_out(at, action));
            }
            instead => {
                if let Some(queue) = self.queues.get_mut(&id) {
                    queue.ready.put_back(entry);
                }
                if let Err(exception) = self.carry_out(at, instead) {
                    self.raise(at, &exception, (0, 0));
                }
            }
        }
    }

    fn consumer_at(&self, id: QueueId, consumer: ConsumerId) -> Option<At> {
        let queue = self.queues.get(&id)?;
        let found = queue.consumers.iter().find(|one| one.id == consumer)?;
        Some(At {
            connection: found.connection,
            channel: found.channel,
        })
    }

    fn give(&mut self, id: QueueId, consumer: ConsumerId, entry: Entry, how: Handover) {
        let Some(queue) = self.queues.get_mut(&id) else {
            return;
        };
        if let Some(index) = queue.consumers.iter().position(|one| one.id == consumer) {
            hand_over(queue, index, entry, &mut self.connections, &self.log, how);
        }
    }

    /// Confirms a stored publish the way a fault wants it.
    pub(crate) fn faulty_confirm(&mut self, at: At, tag: u64, action: AtPublish) {
        match action {
            AtPublish::Hold => self.held_confirms.push((at, tag)),
            AtPublish::Delay(delay) => {
                let due = self.now() + delay.as_millis() as u64;
                self.timers.set(due, Due::Confirm(at, tag));
            }
            AtPublish::Gather(count) => {
                let tags = self.gather(at, tag, count);
                if let Some(last) = tags.iter().max() {
                    self.write_confirms(at, &tags, |out| encode::ack(out, at.channel, *last, true));
                    self.note(at, || Event::Confirmed {
                        tag: *last,
                        multiple: true,
                        ack: true,
                    });
                }
            }
            AtPublish::Reverse(count) => {
                for tag in self.gather(at, tag, count).into_iter().rev() {
                    self.write_confirms(at, &[tag], |out| encode::ack(out, at.channel, tag, false));
                    self.note(at, || Event::Confirmed {
                        tag,
                        multiple: false,
                        ack: true,
                    });
                }
            }
            AtPublish::CutInConfirm => {
                self.end_batch(at.connection);
                let half = |out: &mut Vec<u8>| {
                    let start = out.len();
                    encode::ack(out, at.channel, tag, false);
                    out.truncate(start + (out.len() - start) / 2);
                };
                self.write_confirms(at, &[], half);
                self.cut_link(at.connection);
            }
            AtPublish::Nack { .. } => self.confirm(at, tag, true),
            AtPublish::Withhold | AtPublish::Return { ack: false } => {}
            AtPublish::Return { ack: true } => self.confirm(at, tag, false),
            AtPublish::CutAfterStoring | AtPublish::CutAfterReturn => self.cut_link(at.connection),
        }
    }

    /// All gathered tags of a channel once there are `count` of them; until then none.
    fn gather(&mut self, at: At, tag: u64, count: usize) -> Vec<u64> {
        self.gathered_confirms.push((at, tag));
        let mine = |(whose, _): &(At, u64)| *whose == at;
        if self
            .gathered_confirms
            .iter()
            .filter(|one| mine(one))
            .count()
            < count
        {
            return Vec::new();
        }
        let (taken, kept) = self.gathered_confirms.drain(..).partition(mine);
        self.gathered_confirms = kept;
        let taken: Vec<(At, u64)> = taken;
        taken.into_iter().map(|(_, tag)| tag).collect()
    }

    fn write_confirms(&mut self, at: At, tags: &[u64], fill: impl FnOnce(&mut Vec<u8>)) {
        self.flush_confirms(at);
        let Some(connection) = self.connections.get_mut(&at.connection) else {
            return;
        };
        let channel = connection.channels.get_mut(&at.channel);
        if let Some(confirms) = channel.and_then(|channel| channel.confirms.as_mut()) {
            confirms.settle_all(tags);
        }
        connection.outbox.write(fill);
    }

    /// Confirms what was held back.
    pub(crate) fn release_confirms(&mut self) {
        for (at, tag) in std::mem::take(&mut self.held_confirms) {
            self.confirm(at, tag, false);
            self.end_batch(at.connection);
        }
    }

    /// Adds an event to the record, where there is one.
    pub(crate) fn note(&self, at: At, event: impl FnOnce() -> Event) {
        if self.log.is_on() {
            self.log.add(at.connection, at.channel, event());
        }
    }
}

/// A close with a test's own code and text; RabbitMQ's name is put before a text that has none.
fn scripted(scope: Scope, code: u16, text: &str) -> Exception {
    let text = if text.contains(" - ") {
        text.to_owned()
    } else {
        format!("{} - {text}", name_of(code))
    };
    Exception { scope, code, text }
}
