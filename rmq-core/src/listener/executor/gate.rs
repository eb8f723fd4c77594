//! Who may run, who waits, who is turned away: the rule of Java's thread pool, without threads.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::ExecutorSettings;

/// The answer to somebody who asks for a place.
#[derive(Debug)]
pub(super) enum Entry {
    Place,
    Line(oneshot::Receiver<()>),
    Full,
}

#[derive(Debug, Default)]
pub(super) struct Gate {
    running: usize,
    line: VecDeque<oneshot::Sender<()>>,
}

impl Gate {
    #[cfg(test)]
    pub(super) fn running(&self) -> usize {
        self.running
    }

    pub(super) fn waiting(&self) -> usize {
        self.line.len()
    }

    /// Up to core-size run, then queue-capacity wait, then up to max-size run, then nobody else.
    ///
    /// While somebody waits, at least core-size run: a place that comes free goes to the line first.
    pub(super) fn enter(&mut self, settings: &ExecutorSettings) -> Entry {
        if self.running < settings.core_size {
            self.running += 1;
            return Entry::Place;
        }
        if self.line.len() < settings.queue_capacity {
            let (call, turn) = oneshot::channel();
            self.line.push_back(call);
            return Entry::Line(turn);
        }
        if self.running < settings.max_size {
            self.running += 1;
            return Entry::Place;
        }
        Entry::Full
    }

    /// Gives a place up: to the first in line who still waits, else to nobody.
    pub(super) fn leave(&mut self) {
        while let Some(next) = self.line.pop_front() {
            if next.send(()).is_ok() {
                return;
            }
        }
        self.running = self.running.saturating_sub(1);
    }

    /// Takes those out of the line who no longer wait, so that they hold no place in it.
    pub(super) fn forget_who_left(&mut self) {
        self.line.retain(|call| !call.is_closed());
    }
}
