//! Whether a user may do what it asks for.

use super::exception::{Exception, Outcome};
use super::state::{At, State};
use crate::permissions::Access;

impl State {
    /// 403 where the user may not touch a queue that way.
    pub(crate) fn check_queue_access(&mut self, at: At, access: Access, name: &str) -> Outcome {
        if self.is_limited(at, access, name) {
            let label = self.vhost_of(at.connection)?.queue_label(name);
            return Err(self.refused(at, &label));
        }
        Ok(())
    }

    /// 403 where the user may not touch an exchange that way. The default exchange goes by `amq.default`.
    pub(crate) fn check_exchange_access(&mut self, at: At, access: Access, name: &str) -> Outcome {
        let name = if name.is_empty() { "amq.default" } else { name };
        if self.is_limited(at, access, name) {
            let label = self.vhost_of(at.connection)?.exchange_label(name);
            return Err(self.refused(at, &label));
        }
        Ok(())
    }

    fn is_limited(&self, at: At, access: Access, name: &str) -> bool {
        let connection = self.connections.get(&at.connection);
        let permissions = connection.and_then(|connection| connection.permissions.as_ref());
        permissions.is_some_and(|permissions| !permissions.allow(access, name))
    }

    fn refused(&self, at: At, label: &str) -> Exception {
        let user = self
            .connections
            .get(&at.connection)
            .map_or("", |connection| &connection.user);
        Exception::access_refused(format!("access to {label} refused for user '{user}'"))
    }
}
