use super::{ListenerBinding, ListenerOptions, Owner, Source};
use crate::handler::Handler;
use crate::topology::Declarables;

/// What `#[rabbit_listener]` leaves behind.
#[derive(Debug, Clone, Copy)]
pub struct ListenerDescriptor {
    /// Its id: the function's name unless the attribute says otherwise.
    pub id: &'static str,
    /// The function's name.
    pub function: &'static str,
    /// Where the attribute stands.
    pub source: Source,
    /// Its configuration, if it is a method or the attribute says `config`.
    pub owner: Option<Owner>,
    /// The queues it names; without those of its bindings.
    pub queues: &'static [&'static str],
    /// What it declares.
    pub bindings: &'static [ListenerBinding],
    /// What else it says.
    pub options: ListenerOptions,
    /// Makes its handler.
    pub handler: fn() -> Handler,
}

inventory::collect!(ListenerDescriptor);

impl ListenerDescriptor {
    /// A listener of a function, with the function's name as id.
    #[must_use]
    pub const fn new(function: &'static str, source: Source, handler: fn() -> Handler) -> Self {
        Self {
            id: function,
            function,
            source,
            owner: None,
            queues: &[],
            bindings: &[],
            options: ListenerOptions::new(),
            handler,
        }
    }

    /// With another id.
    #[must_use]
    pub const fn id(mut self, id: &'static str) -> Self {
        self.id = id;
        self
    }

    /// With a configuration.
    #[must_use]
    pub const fn owner(mut self, owner: Owner) -> Self {
        self.owner = Some(owner);
        self
    }

    /// On these queues.
    #[must_use]
    pub const fn queues(mut self, queues: &'static [&'static str]) -> Self {
        self.queues = queues;
        self
    }

    /// On the queues of these bindings, which it declares.
    #[must_use]
    pub const fn bindings(mut self, bindings: &'static [ListenerBinding]) -> Self {
        self.bindings = bindings;
        self
    }

    /// With these options.
    #[must_use]
    pub const fn options(mut self, options: ListenerOptions) -> Self {
        self.options = options;
        self
    }

    /// The names of all queues it consumes, each once, in the order they were said.
    #[must_use]
    pub fn queue_names(&self) -> Vec<&'static str> {
        let mut names = Vec::with_capacity(self.queues.len() + self.bindings.len());
        let bound = self.bindings.iter().map(ListenerBinding::queue);
        for name in self.queues.iter().copied().chain(bound) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// What its bindings declare. A dead-letter route that the attribute says is theirs.
    pub fn declarables(&self) -> Declarables {
        let mut all = Declarables::new();
        for binding in self.bindings {
            binding.declare(&self.source, self.options.dead_letter, &mut all);
        }
        all
    }
}
