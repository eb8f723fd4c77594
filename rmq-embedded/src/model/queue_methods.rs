//! Declare, delete and purge queues; who may touch them.

use std::collections::VecDeque;
use std::sync::Arc;

use amq_protocol::protocol::{AMQPClass, queue};

use super::arguments::{assert_equivalent, assert_same};
use super::bindings::Destination;
use super::exception::{Exception, Outcome};
use super::exchange_methods::check_reserved;
use super::ids::{ConnectionId, QueueId};
use super::queue::Queue;
use super::queue_options::{QueueOptions, compared_keys};
use super::ready::Ready;
use super::reply_to;
use super::state::{At, State};
use crate::permissions::Access;

impl State {
    /// `queue.declare`.
    pub(crate) fn declare_queue(&mut self, at: At, declare: queue::Declare) -> Outcome {
        let given = strip_line_ends(declare.queue.as_str());
        if given.starts_with(reply_to::REPLY_TO) {
            return self.declare_reply_queue(at, given);
        }
        let vhost = self.vhost_of(at.connection)?;
        let name: Arc<str> = match given {
            "" if declare.passive => match self.channel(at)?.last_queue.clone() {
                Some(last) => last,
                None => Arc::from(""),
            },
            "" => Arc::from(format!("amq.gen-{}", reply_to::token())),
            given => {
                if !declare.passive && !vhost.queues.contains_key(given) {
                    check_reserved("queue", given)?;
                }
                Arc::from(given)
            }
        };
        if !declare.passive {
            self.check_queue_access(at, Access::Configure, &name)?;
        }
        let vhost = self.vhost_of(at.connection)?;
        let existing = vhost.queues.get(&*name).copied();
        let id = match existing {
            Some(id) => {
                self.check_declared_again(at, id, &declare)?;
                id
            }
            None if declare.passive => {
                return Err(vhost
                    .queue(&name)
                    .err()
                    .unwrap_or_else(|| Exception::not_found("no such queue")));
            }
            None => self.create_queue(at, name.clone(), &declare)?,
        };
        self.channel(at)?.last_queue = Some(name.clone());
        let now = self.now();
        let Some(queue) = self.queues.get_mut(&id) else {
            return Ok(());
        };
        queue.last_used = now;
        let ok = queue::DeclareOk {
            queue: (&*name).into(),
            message_count: queue.ready.len() as u32,
            consumer_count: queue.consumers.len() as u32,
        };
        if !declare.nowait {
            self.send(at, AMQPClass::Queue(queue::AMQPMethod::DeclareOk(ok)));
        }
        Ok(())
    }

    fn check_declared_again(&mut self, at: At, id: QueueId, declare: &queue::Declare) -> Outcome {
        self.check_access(at, id)?;
        let Some(queue) = self.queues.get(&id) else {
            return Ok(());
        };
        if declare.passive {
            return Ok(());
        }
        let label = self.queue_label(queue);
        let durable = declare.durable && !declare.exclusive;
        assert_same("durable", &label, &durable, &queue.durable)?;
        assert_same(
            "auto_delete",
            &label,
            &declare.auto_delete,
            &queue.auto_delete,
        )?;
        if declare.exclusive != queue.owner.is_some() {
            return Err(locked(&label));
        }
        let keys = compared_keys(queue.is_quorum());
        assert_equivalent(&queue.arguments, &declare.arguments, &label, &keys)
    }

    fn create_queue(
        &mut self,
        at: At,
        name: Arc<str>,
        declare: &queue::Declare,
    ) -> Outcome<QueueId> {
        let default_limit = self.settings.default_delivery_limit;
        let vhost_index = self.connection(at.connection)?.vhost;
        let label = self.vhost_of(at.connection)?.queue_label(&name);
        let mut options = QueueOptions::read(&declare.arguments, &label)?;
        if options.quorum {
            check_quorum(declare, &label)?;
            options.delivery_limit = options.delivery_limit.or(default_limit);
        }
        let id = self.new_id();
        let queue = Queue {
            id,
            name: name.clone(),
            vhost: vhost_index,
            durable: declare.durable && !declare.exclusive,
            auto_delete: declare.auto_delete,
            owner: declare.exclusive.then_some(at.connection),
            arguments: declare.arguments.clone(),
            ready: Ready::new(options.max_priority.unwrap_or(0)),
            options,
            unacked: 0,
            consumers: VecDeque::new(),
            had_consumer: false,
            active: None,
            next_position: 0,
            last_used: self.now(),
            has_expiring: false,
            head_timer: None,
            bound_to: Vec::new(),
            dead: VecDeque::new(),
        };
        self.queues.insert(id, queue);
        self.vhost_of(at.connection)?.queues.insert(name, id);
        self.watch_unused(id);
        Ok(id)
    }

    /// `queue.delete`; a queue that is not there is deleted already.
    pub(crate) fn delete_queue_method(&mut self, at: At, delete: &queue::Delete) -> Outcome {
        let name = self.queue_name(at, delete.queue.as_str())?;
        self.check_queue_access(at, Access::Configure, &name)?;
        let found = self.vhost_of(at.connection)?.queues.get(&*name).copied();
        let mut count = 0;
        if let Some(id) = found {
            self.check_access(at, id)?;
            if let Some(queue) = self.queues.get(&id) {
                let label = self.queue_label(queue);
                if delete.if_unused && !queue.consumers.is_empty() {
                    return Err(Exception::precondition_failed(format!("{label} in use")));
                }
                if delete.if_empty && queue.ready.len() + queue.unacked > 0 {
                    return Err(Exception::precondition_failed(format!("{label} not empty")));
                }
                count = queue.ready.len() as u32;
            }
            self.delete_queue(id);
        }
        if !delete.nowait {
            let ok = queue::AMQPMethod::DeleteOk(queue::DeleteOk {
                message_count: count,
            });
            self.send(at, AMQPClass::Queue(ok));
        }
        Ok(())
    }

    /// Removes a queue, its bindings, and auto-delete exchanges that had only it.
    pub(crate) fn delete_queue(&mut self, id: QueueId) {
        self.cancel_consumers(id);
        let Some(queue) = self.queues.remove(&id) else {
            return;
        };
        let Some(vhost) = self.vhosts.get_mut(queue.vhost) else {
            return;
        };
        vhost.queues.remove(&queue.name);
        let destination = Destination::Queue(id);
        for exchange in &queue.bound_to {
            self.remove_bindings_to(queue.vhost, exchange, &destination);
        }
    }

    /// A connection ends: its exclusive queues with it.
    pub(crate) fn delete_exclusive_queues(&mut self, owner: ConnectionId) {
        let owned: Vec<QueueId> = self
            .queues
            .values()
            .filter(|queue| queue.owner == Some(owner))
            .map(|queue| queue.id)
            .collect();
        for id in owned {
            self.delete_queue(id);
        }
    }

    /// `queue.purge`: what waits is thrown away, what was delivered stays.
    pub(crate) fn purge(&mut self, at: At, purge: &queue::Purge) -> Outcome {
        let id = self.named_queue(at, purge.queue.as_str())?;
        self.check_read(at, id)?;
        self.check_access(at, id)?;
        let Some(queue) = self.queues.get_mut(&id) else {
            return Ok(());
        };
        let count = queue.ready.drain().len() as u32;
        if !purge.nowait {
            let ok = queue::AMQPMethod::PurgeOk(queue::PurgeOk {
                message_count: count,
            });
            self.send(at, AMQPClass::Queue(ok));
        }
        Ok(())
    }

    /// 403 where the user may not read a queue.
    pub(crate) fn check_read(&mut self, at: At, id: QueueId) -> Outcome {
        match self.queues.get(&id).map(|queue| queue.name.clone()) {
            Some(name) => self.check_queue_access(at, Access::Read, &name),
            None => Ok(()),
        }
    }

    /// The queue a name stands for; the empty name is the last one declared on the channel.
    pub(crate) fn named_queue(&mut self, at: At, given: &str) -> Outcome<QueueId> {
        let name = self.queue_name(at, given)?;
        self.vhost_of(at.connection)?.queue(&name)
    }

    pub(crate) fn queue_name(&mut self, at: At, given: &str) -> Outcome<Arc<str>> {
        match strip_line_ends(given) {
            "" => self
                .channel(at)?
                .last_queue
                .clone()
                .ok_or_else(no_previous_queue),
            given => Ok(Arc::from(given)),
        }
    }

    /// An exclusive queue is for its own connection alone.
    pub(crate) fn check_access(&mut self, at: At, id: QueueId) -> Outcome {
        match self.queues.get(&id) {
            Some(queue) if queue.owner.is_some_and(|owner| owner != at.connection) => {
                Err(locked(&self.queue_label(queue)))
            }
            _ => Ok(()),
        }
    }

    /// How RabbitMQ's texts name a queue.
    pub(crate) fn queue_label(&self, queue: &Queue) -> String {
        let vhost = self.vhosts.get(queue.vhost);
        vhost
            .map(|vhost| vhost.queue_label(&queue.name))
            .unwrap_or_default()
    }
}

fn no_previous_queue() -> Exception {
    Exception::not_found("no previously declared queue")
}

fn locked(label: &str) -> Exception {
    Exception::resource_locked(format!(
        "cannot obtain exclusive access to locked {label}. It could be originally declared on another \
         connection or the exclusive property value does not match that of the original declaration."
    ))
}

/// Quorum queues are durable, shared, and live until deleted.
fn check_quorum(declare: &queue::Declare, label: &str) -> Outcome {
    let wrong = if !declare.durable {
        Some("non-durable")
    } else if declare.auto_delete {
        Some("auto-delete")
    } else if declare.exclusive {
        Some("exclusive")
    } else {
        None
    };
    if declare.queue.as_str().is_empty() {
        return Err(Exception::precondition_failed(
            "Cannot declare a server-named queue for type rabbit_quorum_queue",
        ));
    }
    match wrong {
        None => Ok(()),
        Some(wrong) => Err(Exception::precondition_failed(format!(
            "invalid property '{wrong}' for {label}"
        ))),
    }
}

/// RabbitMQ drops line ends from names.
pub(crate) fn strip_line_ends(name: &str) -> &str {
    name.trim_matches(['\r', '\n'])
}
