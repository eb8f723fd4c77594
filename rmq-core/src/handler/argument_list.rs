use std::fmt;
use std::marker::PhantomData;

use super::{
    Argument, ArgumentFacts, Follows, LeavesSettling, NoAcknowledger, NoPayload, Rejection,
    SettlesByHand, TakesMessage,
};

/// The arguments of a function, in order, taken from a call `C`.
pub trait ArgumentList<C> {
    /// The values, as nested pairs: `(((), first), second)`.
    type Values;

    /// Takes all of them, from the first to the last.
    ///
    /// # Errors
    /// The first one's rejection.
    fn extract(&self, call: &C) -> Result<Self::Values, Rejection>;

    /// Adds what each of them is.
    fn describe(&self, facts: &mut Vec<ArgumentFacts>);

    /// What each of them is.
    fn facts(&self) -> Vec<ArgumentFacts> {
        let mut facts = Vec::new();
        self.describe(&mut facts);
        facts
    }
}

impl<C> ArgumentList<C> for () {
    type Values = ();

    fn extract(&self, _: &C) -> Result<(), Rejection> {
        Ok(())
    }

    fn describe(&self, _: &mut Vec<ArgumentFacts>) {}
}

impl<L: ArgumentList<C>, T, Via, C> ArgumentList<C> for (L, Argument<T, Via, C>) {
    type Values = (L::Values, T);

    fn extract(&self, call: &C) -> Result<Self::Values, Rejection> {
        let (before, last) = self;
        let values = before.extract(call)?;
        Ok((values, (last.read)(last, call)?))
    }

    fn describe(&self, facts: &mut Vec<ArgumentFacts>) {
        let (before, last) = self;
        before.describe(facts);
        facts.push(last.facts());
    }
}

/// A list of arguments while it is written down; `S` is its state, for the compiler alone.
pub struct Arguments<S, L> {
    list: L,
    state: PhantomData<fn() -> S>,
}

/// No arguments yet.
#[must_use]
pub const fn arguments() -> Arguments<(NoPayload, NoAcknowledger), ()> {
    Arguments {
        list: (),
        state: PhantomData,
    }
}

impl<S, L> Arguments<S, L> {
    /// Adds an argument.
    #[must_use]
    pub fn then<T, Via: Follows<S>, C>(
        self,
        argument: Argument<T, Via, C>,
    ) -> Arguments<Via::Then, (L, Argument<T, Via, C>)> {
        Arguments {
            list: (self.list, argument),
            state: PhantomData,
        }
    }

    /// The list.
    pub(crate) fn into_list(self) -> L {
        self.list
    }
}

/// The list of a listener in manual mode.
#[must_use]
pub fn manual<S: SettlesByHand, L>(list: Arguments<S, L>) -> Arguments<S, L> {
    list
}

/// The list of a listener whose mode is said, and is not manual.
#[must_use]
pub fn not_manual<S: LeavesSettling, L>(list: Arguments<S, L>) -> Arguments<S, L> {
    list
}

/// The list of a callback.
#[must_use]
pub fn with_message<S: TakesMessage, L>(list: Arguments<S, L>) -> Arguments<S, L> {
    list
}

impl<S, L> fmt::Debug for Arguments<S, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arguments").finish_non_exhaustive()
    }
}
