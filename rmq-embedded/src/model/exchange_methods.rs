//! Declare and delete exchanges.

use std::sync::Arc;

use amq_protocol::protocol::{AMQPClass, exchange};

use super::arguments::{self, assert_equivalent, assert_same};
use super::bindings::Destination;
use super::exception::{Exception, Outcome};
use super::exchange::{Exchange, Kind};
use super::queue_methods::strip_line_ends;
use super::state::{At, State};
use crate::permissions::Access;

impl State {
    /// `exchange.declare`.
    pub(crate) fn declare_exchange(&mut self, at: At, declare: exchange::Declare) -> Outcome {
        let name = strip_line_ends(declare.exchange.as_str());
        let nowait = declare.nowait;
        let vhost = self.vhost_of(at.connection)?;
        if declare.passive {
            check_not_default(name)?;
            vhost.exchange(name)?;
        } else {
            let kind = declare.kind.as_str();
            let kind = Kind::parse(kind).ok_or_else(|| {
                Exception::command_invalid(format!("unknown exchange type '{kind}'"))
            })?;
            check_not_default(name)?;
            self.check_exchange_access(at, Access::Configure, name)?;
            let vhost = self.vhost_of(at.connection)?;
            match vhost.exchanges.get(name) {
                Some(current) => {
                    let label = vhost.exchange_label(name);
                    check_declared_again(current, kind, &declare, &label)?;
                }
                None => {
                    check_reserved("exchange", name)?;
                    check_alternate(&declare, &vhost.exchange_label(name))?;
                    let name: Arc<str> = Arc::from(name);
                    let mut new =
                        Exchange::new(name.clone(), kind, declare.durable, declare.arguments);
                    new.auto_delete = declare.auto_delete;
                    new.internal = declare.internal;
                    vhost.exchanges.insert(name, new);
                }
            }
        }
        if !nowait {
            let ok = exchange::AMQPMethod::DeclareOk(exchange::DeclareOk {});
            self.send(at, AMQPClass::Exchange(ok));
        }
        Ok(())
    }

    /// `exchange.delete`; one that is not there is deleted already.
    pub(crate) fn delete_exchange_method(&mut self, at: At, delete: &exchange::Delete) -> Outcome {
        let name = strip_line_ends(delete.exchange.as_str());
        check_not_default(name)?;
        self.check_exchange_access(at, Access::Configure, name)?;
        let vhost_index = self.connection(at.connection)?.vhost;
        let vhost = self.vhost_of(at.connection)?;
        if name.starts_with("amq.") && vhost.exchanges.contains_key(name) {
            let label = vhost.exchange_label(name);
            return Err(Exception::access_refused(format!(
                "deletion of system {label} not allowed"
            )));
        }
        if let Some(exchange) = vhost.exchanges.get(name) {
            if delete.if_unused && !exchange.bindings.is_empty() {
                let label = vhost.exchange_label(name);
                return Err(Exception::precondition_failed(format!("{label} in use")));
            }
            self.delete_exchange(vhost_index, &Arc::from(name));
        }
        if !delete.nowait {
            let ok = exchange::AMQPMethod::DeleteOk(exchange::DeleteOk {});
            self.send(at, AMQPClass::Exchange(ok));
        }
        Ok(())
    }

    /// Removes an exchange with the bindings from it and to it.
    pub(crate) fn delete_exchange(&mut self, vhost_index: usize, name: &Arc<str>) {
        let Some(vhost) = self.vhosts.get_mut(vhost_index) else {
            return;
        };
        let Some(removed) = vhost.exchanges.remove(name) else {
            return;
        };
        for binding in removed.bindings.iter() {
            if let Destination::Queue(id) = &binding.destination
                && let Some(queue) = self.queues.get_mut(id)
            {
                queue.bound_to.retain(|other| other != name);
            }
        }
        let sources: Vec<Arc<str>> = vhost.exchanges.keys().cloned().collect();
        let destination = Destination::Exchange(name.clone());
        for source in sources {
            self.remove_bindings_to(vhost_index, &source, &destination);
        }
    }

    /// Removes an exchange's bindings to one destination; an auto-delete exchange goes with its last binding.
    pub(crate) fn remove_bindings_to(
        &mut self,
        vhost_index: usize,
        source: &Arc<str>,
        destination: &Destination,
    ) {
        let Some(vhost) = self.vhosts.get_mut(vhost_index) else {
            return;
        };
        let Some(exchange) = vhost.exchanges.get_mut(source) else {
            return;
        };
        let removed = exchange.bindings.remove_destination(destination);
        if removed > 0 && exchange.auto_delete && exchange.bindings.is_empty() {
            self.delete_exchange(vhost_index, source);
        }
    }
}

fn check_declared_again(
    current: &Exchange,
    kind: Kind,
    declare: &exchange::Declare,
    label: &str,
) -> Outcome {
    assert_same("type", label, &kind, &current.kind)?;
    assert_same("durable", label, &declare.durable, &current.durable)?;
    assert_same(
        "auto_delete",
        label,
        &declare.auto_delete,
        &current.auto_delete,
    )?;
    assert_same("internal", label, &declare.internal, &current.internal)?;
    assert_equivalent(
        &current.arguments,
        &declare.arguments,
        label,
        &["alternate-exchange"],
    )
}

fn check_alternate(declare: &exchange::Declare, label: &str) -> Outcome {
    match arguments::lookup(&declare.arguments, "alternate-exchange") {
        Some(value) if arguments::text(value).is_none() => {
            Err(Exception::precondition_failed(format!(
                "invalid type '{}' for arg 'alternate-exchange' in {label}",
                arguments::type_name(value)
            )))
        }
        _ => Ok(()),
    }
}

pub(crate) fn check_not_default(name: &str) -> Outcome {
    if name.is_empty() {
        let text = "operation not permitted on the default exchange";
        return Err(Exception::access_refused(text));
    }
    Ok(())
}

/// Names that begin with `amq.` are the broker's.
pub(crate) fn check_reserved(kind: &str, name: &str) -> Outcome {
    if name.starts_with("amq.") {
        return Err(Exception::access_refused(format!(
            "{kind} name '{name}' contains reserved prefix 'amq.*'"
        )));
    }
    Ok(())
}
