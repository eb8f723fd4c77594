//! Bind and unbind: exchanges to queues and to exchanges.

use std::sync::Arc;

use amq_protocol::protocol::{AMQPClass, exchange, queue};

use super::bindings::{Binding, Destination};
use super::exception::Outcome;
use super::exchange::{Exchange, Kind};
use super::exchange_methods::check_not_default;
use super::header_match;
use super::queue_methods::strip_line_ends;
use super::state::{At, State};
use crate::permissions::Access;

impl State {
    /// `queue.bind`.
    pub(crate) fn bind_queue(&mut self, at: At, bind: queue::Bind) -> Outcome {
        let name = self.queue_name(at, bind.queue.as_str())?;
        self.check_queue_access(at, Access::Write, &name)?;
        self.check_exchange_access(at, Access::Read, bind.exchange.as_str())?;
        let id = self.vhost_of(at.connection)?.queue(&name)?;
        self.check_access(at, id)?;
        let key = default_key(bind.queue.as_str(), bind.routing_key.as_str(), &name);
        let binding = Binding {
            destination: Destination::Queue(id),
            routing_key: Arc::from(key),
            arguments: bind.arguments,
        };
        let source = strip_line_ends(bind.exchange.as_str());
        check_not_default(source)?;
        let exchange = self.vhost_of(at.connection)?.exchange_mut(source)?;
        check_arguments(exchange, &binding)?;
        let source = exchange.name.clone();
        exchange.bindings.add(binding);
        if let Some(queue) = self.queues.get_mut(&id)
            && !queue.bound_to.contains(&source)
        {
            queue.bound_to.push(source);
        }
        if !bind.nowait {
            let ok = queue::AMQPMethod::BindOk(queue::BindOk {});
            self.send(at, AMQPClass::Queue(ok));
        }
        Ok(())
    }

    /// `queue.unbind`; a binding that is not there is removed already.
    pub(crate) fn unbind_queue(&mut self, at: At, unbind: queue::Unbind) -> Outcome {
        let name = self.queue_name(at, unbind.queue.as_str())?;
        self.check_queue_access(at, Access::Write, &name)?;
        self.check_exchange_access(at, Access::Read, unbind.exchange.as_str())?;
        let id = self.vhost_of(at.connection)?.queue(&name)?;
        self.check_access(at, id)?;
        let key = default_key(unbind.queue.as_str(), unbind.routing_key.as_str(), &name);
        let binding = Binding {
            destination: Destination::Queue(id),
            routing_key: Arc::from(key),
            arguments: unbind.arguments,
        };
        self.unbind(at, unbind.exchange.as_str(), &binding)?;
        let ok = queue::AMQPMethod::UnbindOk(queue::UnbindOk {});
        self.send(at, AMQPClass::Queue(ok));
        Ok(())
    }

    /// `exchange.bind`.
    pub(crate) fn bind_exchange(&mut self, at: At, bind: exchange::Bind) -> Outcome {
        let (source, destination) = (bind.source.as_str(), bind.destination.as_str());
        check_not_default(source)?;
        check_not_default(destination)?;
        self.check_exchange_access(at, Access::Write, destination)?;
        self.check_exchange_access(at, Access::Read, source)?;
        let vhost = self.vhost_of(at.connection)?;
        vhost.exchange(source)?;
        let destination = vhost.exchange(destination)?.name.clone();
        let binding = Binding {
            destination: Destination::Exchange(destination),
            routing_key: Arc::from(bind.routing_key.as_str()),
            arguments: bind.arguments,
        };
        let exchange = vhost.exchange_mut(source)?;
        check_arguments(exchange, &binding)?;
        exchange.bindings.add(binding);
        if !bind.nowait {
            let ok = exchange::AMQPMethod::BindOk(exchange::BindOk {});
            self.send(at, AMQPClass::Exchange(ok));
        }
        Ok(())
    }

    /// `exchange.unbind`.
    pub(crate) fn unbind_exchange(&mut self, at: At, unbind: exchange::Unbind) -> Outcome {
        let (source, destination) = (unbind.source.as_str(), unbind.destination.as_str());
        check_not_default(source)?;
        check_not_default(destination)?;
        self.check_exchange_access(at, Access::Write, destination)?;
        self.check_exchange_access(at, Access::Read, source)?;
        let vhost = self.vhost_of(at.connection)?;
        vhost.exchange(source)?;
        let destination = vhost.exchange(destination)?.name.clone();
        let binding = Binding {
            destination: Destination::Exchange(destination),
            routing_key: Arc::from(unbind.routing_key.as_str()),
            arguments: unbind.arguments,
        };
        self.unbind(at, source, &binding)?;
        if !unbind.nowait {
            let ok = exchange::AMQPMethod::UnbindOk(exchange::UnbindOk {});
            self.send(at, AMQPClass::Exchange(ok));
        }
        Ok(())
    }

    fn unbind(&mut self, at: At, source: &str, binding: &Binding) -> Outcome {
        check_not_default(source)?;
        let vhost_index = self.connection(at.connection)?.vhost;
        let exchange = self.vhost_of(at.connection)?.exchange_mut(source)?;
        let removed = exchange.bindings.remove(binding);
        let name = exchange.name.clone();
        let still_bound = exchange
            .bindings
            .iter()
            .any(|other| other.destination == binding.destination);
        let finished = removed && exchange.auto_delete && exchange.bindings.is_empty();
        if let (false, Destination::Queue(id)) = (still_bound, &binding.destination)
            && let Some(queue) = self.queues.get_mut(id)
        {
            queue.bound_to.retain(|other| *other != name);
        }
        if finished {
            self.delete_exchange(vhost_index, &name);
        }
        Ok(())
    }
}

/// Headers exchanges look at the arguments of a binding.
fn check_arguments(exchange: &Exchange, binding: &Binding) -> Outcome {
    if exchange.kind == Kind::Headers {
        header_match::check(&binding.arguments)?;
    }
    Ok(())
}

/// With neither queue nor key given, the queue's own name is the key.
fn default_key<'a>(queue: &str, key: &'a str, name: &'a str) -> &'a str {
    if queue.is_empty() && key.is_empty() {
        name
    } else {
        key
    }
}
