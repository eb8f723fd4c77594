use super::{Owner, Source};
use crate::handler::Callback;
use crate::message::{Confirm, ReturnedMessage};

/// Which callback, and what makes it.
#[derive(Debug, Clone, Copy)]
pub enum CallbackFunction {
    /// `#[on_confirm]`
    Confirm(fn() -> Callback<Confirm>),
    /// `#[on_return]`
    Return(fn() -> Callback<ReturnedMessage>),
}

impl CallbackFunction {
    /// The attribute's name.
    #[must_use]
    pub const fn attribute(&self) -> &'static str {
        match self {
            Self::Confirm(_) => "on_confirm",
            Self::Return(_) => "on_return",
        }
    }
}

/// What `#[on_confirm]` and `#[on_return]` leave behind.
#[derive(Debug, Clone, Copy)]
pub struct CallbackDescriptor {
    /// The function's name.
    pub function: &'static str,
    /// Where the attribute stands.
    pub source: Source,
    /// Its configuration, if it is a method or the attribute says `config`.
    pub owner: Option<Owner>,
    /// The callback.
    pub callback: CallbackFunction,
}

inventory::collect!(CallbackDescriptor);

impl CallbackDescriptor {
    /// A confirm callback of a function.
    #[must_use]
    pub const fn on_confirm(
        function: &'static str,
        source: Source,
        callback: fn() -> Callback<Confirm>,
    ) -> Self {
        Self::new(function, source, CallbackFunction::Confirm(callback))
    }

    /// A return callback of a function.
    #[must_use]
    pub const fn on_return(
        function: &'static str,
        source: Source,
        callback: fn() -> Callback<ReturnedMessage>,
    ) -> Self {
        Self::new(function, source, CallbackFunction::Return(callback))
    }

    const fn new(function: &'static str, source: Source, callback: CallbackFunction) -> Self {
        Self {
            function,
            source,
            owner: None,
            callback,
        }
    }

    /// With a configuration.
    #[must_use]
    pub const fn owner(mut self, owner: Owner) -> Self {
        self.owner = Some(owner);
        self
    }
}
