//! A listener before it has a container.

use std::fmt;
use std::sync::Arc;

use crate::component::Components;
use crate::converter::MessageConverter;
use crate::handler::Handler;

use super::recoverer::MessageRecoverer;
use super::settings::EndpointSettings;

/// A handler, what it listens to, and what it is given.
pub struct ListenerEndpoint {
    /// Everything decided.
    pub settings: EndpointSettings,
    /// What is called.
    pub handler: Handler,
    /// What its `State` arguments come from.
    pub components: Components,
    /// Reads payloads and writes replies.
    pub converter: Arc<dyn MessageConverter>,
    /// Decides about what cannot be handled, instead of the settings' policy.
    pub recoverer: Option<Arc<dyn MessageRecoverer>>,
}

impl fmt::Debug for ListenerEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListenerEndpoint")
            .field("settings", &self.settings)
            .field("handler", &self.handler)
            .field("recoverer", &self.recoverer)
            .finish_non_exhaustive()
    }
}
