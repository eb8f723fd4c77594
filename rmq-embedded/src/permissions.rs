//! What a user may touch.

/// The names a user may configure, write to and read from, and the vhosts it may open.
///
/// RabbitMQ takes regular expressions here; this broker takes beginnings of names. An empty text is the beginning of every name.
///
/// # Examples
///
/// ```
/// use rmq_embedded::{EmbeddedBroker, Permissions};
///
/// let reader = Permissions::none().read("orders.");
/// let builder = EmbeddedBroker::builder().limited_user("reader", "secret", reader);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Permissions {
    vhosts: Option<Vec<String>>,
    configure: Vec<String>,
    write: Vec<String>,
    read: Vec<String>,
}

impl Permissions {
    /// Any vhost may be opened, and nothing in it touched.
    pub fn none() -> Self {
        Self::default()
    }

    /// Only this vhost may be opened, and those of further calls.
    pub fn vhost(mut self, name: impl Into<String>) -> Self {
        self.vhosts.get_or_insert_default().push(name.into());
        self
    }

    /// Queues and exchanges whose names begin so may be declared and deleted.
    pub fn configure(mut self, beginning: impl Into<String>) -> Self {
        self.configure.push(beginning.into());
        self
    }

    /// Exchanges whose names begin so may be published to (the default one is `amq.default`), queues bound.
    pub fn write(mut self, beginning: impl Into<String>) -> Self {
        self.write.push(beginning.into());
        self
    }

    /// Queues whose names begin so may be consumed and purged, exchanges bound from.
    pub fn read(mut self, beginning: impl Into<String>) -> Self {
        self.read.push(beginning.into());
        self
    }

    pub(crate) fn opens(&self, vhost: &str) -> bool {
        self.vhosts
            .as_ref()
            .is_none_or(|vhosts| vhosts.iter().any(|own| own == vhost))
    }

    pub(crate) fn allow(&self, access: Access, name: &str) -> bool {
        let beginnings = match access {
            Access::Configure => &self.configure,
            Access::Write => &self.write,
            Access::Read => &self.read,
        };
        beginnings
            .iter()
            .any(|beginning| name.starts_with(beginning.as_str()))
    }
}

/// One of RabbitMQ's three kinds of access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Configure,
    Write,
    Read,
}
