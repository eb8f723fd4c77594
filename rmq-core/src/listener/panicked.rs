//! User code beside the handler: it may panic, and that harms the delivery it was for and no other.
//!
//! A panic that reached the consumer would end its channel, and every delivery that waits there would go back to the
//! queue with one more towards its delivery limit.

use std::any::Any;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt;

/// A recoverer, a converter or a post processor panicked.
#[derive(Debug, thiserror::Error)]
#[error("{what} panicked: {text}")]
pub(super) struct Panicked {
    what: &'static str,
    text: String,
}

impl Panicked {
    fn of(what: &'static str, panic: &(dyn Any + Send)) -> Self {
        Self {
            what,
            text: panic_text(panic).to_owned(),
        }
    }
}

/// What a panic said.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message")
}

/// Calls user code: its panic is an error.
pub(super) fn call<T>(what: &'static str, call: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| Panicked::of(what, &*panic))
}

/// Calls and awaits user code: a panic of either is an error.
pub(super) async fn call_async<F: Future>(
    what: &'static str,
    call: impl FnOnce() -> F,
) -> Result<F::Output, Panicked> {
    let called = AssertUnwindSafe(async { call().await }).catch_unwind();
    called.await.map_err(|panic| Panicked::of(what, &*panic))
}

/// The error with its sources, each once. Where its own code cannot say it, the sentence is about that.
pub(super) fn in_words(error: &(dyn Error + 'static)) -> String {
    call("an error's own Display", || with_sources(error)).unwrap_or_else(|panic| panic.to_string())
}

fn with_sources(error: &(dyn Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut words = said.clone();
    let mut source = error.source();
    for _ in 0..16 {
        let Some(next) = source else { break };
        let text = next.to_string();
        if !said.contains(&text) {
            words.push_str(": ");
            words.push_str(&text);
            said = text;
        }
        source = next.source();
    }
    words
}
