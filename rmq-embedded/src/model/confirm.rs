//! Confirm mode: publish tags, and acks gathered until they are written.

use crate::wire::encode;

/// The publish tags of a channel in confirm mode.
#[derive(Debug, Default)]
pub(crate) struct Confirms {
    /// The tag of the last publish.
    last: u64,
    /// Acked but not yet written, ascending.
    waiting: Vec<u64>,
    /// Highest tag below which everything is confirmed on the wire.
    settled_below: u64,
    /// Confirmed on the wire out of order, above `settled_below`.
    settled_above: Vec<u64>,
}

impl Confirms {
    /// The tag of the next publish.
    pub(crate) fn take_tag(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Notes that `tag` can be acked; written by [`Self::flush`].
    pub(crate) fn ack(&mut self, tag: u64) {
        self.waiting.push(tag);
    }

    /// Writes a nack at once, behind the acks that wait.
    pub(crate) fn nack(&mut self, channel: u16, tag: u64, out: &mut Vec<u8>) {
        self.flush(channel, out);
        encode::nack(out, channel, tag, false);
        self.settle(tag);
    }

    /// Whether acks wait to be written.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Writes what waits: one cumulative ack up to the first gap, single ones behind it.
    ///
    /// Gives the tags it named, each with whether it was cumulative.
    pub(crate) fn flush(&mut self, channel: u16, out: &mut Vec<u8>) -> Vec<(u64, bool)> {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.sort_unstable();
        let mut written = Vec::new();
        for tag in &waiting {
            self.settle(*tag);
        }
        let covered = waiting.partition_point(|tag| *tag <= self.settled_below);
        let (below, single) = waiting.split_at(covered);
        if let Some(last) = below.last() {
            written.push((*last, below.len() > 1));
        }
        for tag in single {
            written.push((*tag, false));
        }
        for (tag, multiple) in &written {
            encode::ack(out, channel, *tag, *multiple);
        }
        waiting.clear();
        self.waiting = waiting;
        written
    }

    /// Notes tags that were confirmed past this gathering.
    pub(crate) fn settle_all(&mut self, tags: &[u64]) {
        for tag in tags {
            self.settle(*tag);
        }
    }

    fn settle(&mut self, tag: u64) {
        if tag <= self.settled_below {
            return;
        }
        if tag != self.settled_below + 1 {
            let at = self.settled_above.partition_point(|other| *other < tag);
            self.settled_above.insert(at, tag);
            return;
        }
        self.settled_below = tag;
        let run = (tag + 1..)
            .zip(&self.settled_above)
            .take_while(|(a, b)| a == *b)
            .count();
        self.settled_above.drain(..run);
        self.settled_below += run as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::Confirms;

    /// Tag and `multiple` of every ack or nack in `out`.
    fn verdicts(out: &[u8]) -> Vec<(bool, u64, bool)> {
        out.chunks(21)
            .map(|frame| {
                let tag = frame[11..19]
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
                (frame[10] == 80, tag, frame[19] == 1)
            })
            .collect()
    }

    #[test]
    fn what_waits_goes_out_in_one_ack_up_to_the_first_gap() {
        let (mut confirms, mut out) = (Confirms::default(), Vec::new());
        for tag in [1, 2, 4] {
            confirms.ack(tag);
        }
        confirms.flush(1, &mut out);
        assert_eq!(verdicts(&out), [(true, 2, true), (true, 4, false)]);
    }

    #[test]
    fn a_cumulative_ack_never_names_a_nacked_tag() {
        let (mut confirms, mut out) = (Confirms::default(), Vec::new());
        confirms.nack(1, 3, &mut out);
        confirms.ack(1);
        confirms.ack(2);
        confirms.flush(1, &mut out);
        assert_eq!(verdicts(&out), [(false, 3, false), (true, 2, true)]);
    }
}
