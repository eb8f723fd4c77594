//! The values that attributes and the file share.

/// When a delivery is acknowledged (`acknowledge-mode`; Spring's `AcknowledgeMode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AcknowledgeMode {
    /// By us, after the handler succeeded.
    #[default]
    Auto,
    /// By the handler, through its `Acknowledger`.
    Manual,
    /// By nobody: the broker forgets a message when it has sent it. A message can be lost.
    None,
}

impl AcknowledgeMode {
    /// The names of the file and of the attribute.
    pub(super) const NAMES: [(&'static str, Self); 3] = [
        ("auto", Self::Auto),
        ("manual", Self::Manual),
        ("none", Self::None),
    ];
}

/// How many consumers a listener has (`concurrency`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Concurrency {
    /// The least; at least 1.
    pub min: u32,
    /// The most; not below `min`.
    pub max: u32,
}

impl Default for Concurrency {
    fn default() -> Self {
        Self { min: 1, max: 1 }
    }
}

impl Concurrency {
    /// The most consumers that can be asked for.
    const MOST: u32 = 100_000;

    /// Between `min` and `max` consumers.
    #[must_use]
    pub const fn new(min: u32, max: u32) -> Self {
        Self { min, max }
    }

    /// A fixed number.
    #[must_use]
    pub const fn fixed(consumers: u32) -> Self {
        Self::new(consumers, consumers)
    }

    /// Reads `4` or `2-8`; `None` if it is neither, zero, or the wrong way round.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (min, max) = text.split_once('-').unwrap_or((text, text));
        let number = |part: &str| part.trim().parse().ok();
        let range = Self {
            min: number(min)?,
            max: number(max)?,
        };
        (range.min >= 1 && range.min <= range.max && range.max <= Self::MOST).then_some(range)
    }
}

/// What becomes of a message whose attempts are spent (`on-failure`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// It is rejected: the broker moves it to the dead-letter queue.
    #[default]
    Reject,
    /// It is published again to this queue with the cause in its headers, then acknowledged.
    Park(String),
}

impl OnFailure {
    /// Reads `reject` or `park:<queue>`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().split_once(':') {
            None => text
                .trim()
                .eq_ignore_ascii_case("reject")
                .then_some(Self::Reject),
            Some((word, queue)) => {
                let queue = queue.trim();
                let park = word.trim().eq_ignore_ascii_case("park") && !queue.is_empty();
                park.then(|| Self::Park(queue.to_owned()))
            }
        }
    }
}

/// How the dead-letter route of a listener's queue is known (`dead-letter`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeadLetterSource {
    /// By the declared topology. A listener does not start where that does not know it.
    #[default]
    Declared,
    /// A policy on the broker gives the queue one.
    Policy,
    /// It is arranged elsewhere.
    External,
    /// There is none: rejected messages are deleted.
    None,
}

impl DeadLetterSource {
    /// The names of the file and of the attribute.
    pub(super) const NAMES: [(&'static str, Self); 3] = [
        ("policy", Self::Policy),
        ("external", Self::External),
        ("none", Self::None),
    ];

    /// Reads `policy`, `external` or `none`.
    #[must_use]
    pub fn from_name(text: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, source)| *source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concurrency_is_a_number_or_a_range() {
        for (text, expected) in [
            ("4", Some((4, 4))),
            ("2-8", Some((2, 8))),
            (" 2 - 8 ", Some((2, 8))),
            ("0", None),
            ("8-2", None),
            ("2-", None),
            ("x", None),
            ("-1", None),
            ("1-2-3", None),
            ("1-999999999", None),
        ] {
            assert_eq!(
                Concurrency::parse(text).map(|range| (range.min, range.max)),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn on_failure_rejects_or_parks() {
        assert_eq!(OnFailure::parse("reject"), Some(OnFailure::Reject));
        assert_eq!(
            OnFailure::parse("park:orders.parked"),
            Some(OnFailure::Park("orders.parked".into()))
        );
        for text in ["park:", "park", "drop", "reject:x", ""] {
            assert_eq!(OnFailure::parse(text), None, "{text}");
        }
    }
}
