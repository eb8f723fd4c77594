use super::{CallbackDescriptor, ListenerDescriptor};

/// One thing that was named outright: what `listeners![..]` makes of each of its names.
#[derive(Debug, Clone, Copy)]
pub enum Registration {
    /// A listener.
    Listener(&'static ListenerDescriptor),
    /// A callback.
    Callback(&'static CallbackDescriptor),
}

impl From<&'static ListenerDescriptor> for Registration {
    fn from(listener: &'static ListenerDescriptor) -> Self {
        Self::Listener(listener)
    }
}

impl From<&'static CallbackDescriptor> for Registration {
    fn from(callback: &'static CallbackDescriptor) -> Self {
        Self::Callback(callback)
    }
}

/// Listeners and callbacks that were named outright, for `builder().only(listeners![..])`.
#[derive(Debug, Clone, Default)]
pub struct Registrations {
    pub(super) listeners: Vec<&'static ListenerDescriptor>,
    pub(super) callbacks: Vec<&'static CallbackDescriptor>,
}

impl Registrations {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    #[must_use]
    pub fn with(mut self, registration: impl Into<Registration>) -> Self {
        match registration.into() {
            Registration::Listener(listener) => self.listeners.push(listener),
            Registration::Callback(callback) => self.callbacks.push(callback),
        }
        self
    }

    /// The listeners, in the order they were named.
    #[must_use]
    pub fn listeners(&self) -> &[&'static ListenerDescriptor] {
        &self.listeners
    }

    /// The callbacks, in the order they were named.
    #[must_use]
    pub fn callbacks(&self) -> &[&'static CallbackDescriptor] {
        &self.callbacks
    }
}
