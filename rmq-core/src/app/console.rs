//! No program is mute: where nobody has installed a tracing subscriber, what matters most goes to stderr.

#![allow(clippy::print_stderr, reason = "that is what this file is for")]

/// Tells it as an event, or on stderr where no subscriber would show it.
pub(super) fn tell(text: &str) {
    if is_mute() {
        eprintln!("{text}");
    } else {
        tracing::info!(target: "rmq", "{text}");
    }
}

/// As [`tell`], for what must not be overlooked.
pub(super) fn warn(text: &str) {
    if is_mute() {
        eprintln!("{text}");
    } else {
        tracing::warn!(target: "rmq", "{text}");
    }
}

/// What is in the log anyway, where there is no log.
pub(super) fn tell_if_mute(text: &str) {
    if is_mute() {
        eprintln!("{text}");
    }
}

fn is_mute() -> bool {
    tracing::dispatcher::get_default(|dispatch| dispatch.is::<tracing::subscriber::NoSubscriber>())
}
