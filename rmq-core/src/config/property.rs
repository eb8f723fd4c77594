//! What is known about one property: the row of the table.

use super::duration::Unit;

/// One row: a property of `rabbit.yml`.
#[derive(Debug, Clone)]
pub(super) struct Property {
    /// Its path below `rabbitmq:`. `*` stands for a name that the user chooses, `[]` for each
    /// item of a list.
    pub(super) path: String,
    pub(super) kind: Kind,
    pub(super) default: Preset,
    pub(super) spring: Spring,
    pub(super) verdict: Verdict,
    /// What it is for, as docs/properties.md says it.
    pub(super) meaning: &'static str,
}

/// What a property is when nobody sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Preset {
    /// This value, written as in the file.
    Is(&'static str),
    /// No value; then this happens.
    Unset(&'static str),
}

/// What Spring has under that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spring {
    /// A property with this default.
    Default(&'static str),
    /// A name that Spring once had.
    Former,
    /// Nothing: the property is ours.
    Nothing,
}

/// What becomes of a property that is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It works.
    Works,
    /// Refused, with the name it has now.
    Renamed {
        /// The whole path, or the last name where the section stays the same.
        to: &'static str,
        note: &'static str,
    },
    /// Refused as not supported yet, except with a value that is what happens anyway.
    Refused {
        except: Option<&'static str>,
        note: &'static str,
    },
}

/// The type of a property's value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Text,
    Secret,
    Flag,
    Whole {
        min: u64,
        max: u64,
    },
    Signed,
    Decimal {
        min: f64,
    },
    Duration {
        unit: Unit,
        /// What zero means; empty where zero is not allowed.
        zero: &'static str,
    },
    Size {
        min: u64,
        max: u64,
    },
    Choice(&'static [&'static str]),
    Words,
    /// `4` or `2-8`.
    Concurrency,
    /// A list of sections, each with properties of its own.
    Sections,
    /// A section of free names and values.
    Arguments,
}

impl Kind {
    /// A duration in milliseconds that cannot be zero.
    pub(super) const MILLIS: Self = Self::Duration {
        unit: Unit::Milliseconds,
        zero: "",
    };

    /// What a value must be, as a message says it.
    pub(super) fn expected(self) -> String {
        match self {
            Self::Text | Self::Secret => "text".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Whole { min, max } if max == u64::MAX => format!("a whole number from {min} up"),
            Self::Whole { min, max } => format!("a whole number from {min} to {max}"),
            Self::Signed => "a whole number, negative ones too".to_owned(),
            Self::Decimal { min } => format!("a number of at least {min}"),
            Self::Duration { unit, zero } => {
                let least = if zero.is_empty() { " above zero" } else { "" };
                format!(
                    "a duration{least} such as 5s, 500ms or PT5S (a plain number is in {})",
                    unit.as_str()
                )
            }
            Self::Size { min, max } if max == u64::MAX && min <= 1 => {
                "a size such as 64MB (a plain number is in bytes)".to_owned()
            }
            Self::Size { min, max } => format!("a size such as 64KB, from {min} to {max} bytes"),
            Self::Choice(names) => format!("one of {}", names.join(", ")),
            Self::Words => "a list, or text with commas".to_owned(),
            Self::Concurrency => {
                "a number of consumers such as 4, or a range such as 2-8".to_owned()
            }
            Self::Sections => "a list of sections".to_owned(),
            Self::Arguments => "a section of names and values".to_owned(),
        }
    }
}

impl Property {
    /// The environment variable that sets it, `<NAME>` for a name that the user chooses.
    pub(super) fn variable(&self) -> Option<String> {
        let single = !matches!(self.kind, Kind::Sections | Kind::Arguments);
        (single && !self.path.contains('[')).then(|| {
            let parts = self.path.split('.').map(|part| match part {
                "*" => "<NAME>".to_owned(),
                part => super::key::variable(part),
            });
            format!("RABBIT_{}", parts.collect::<Vec<_>>().join("_"))
        })
    }
}

/// A property that Spring has.
pub(super) fn spring(
    path: &str,
    kind: Kind,
    default: Preset,
    springs: &'static str,
    meaning: &'static str,
) -> Property {
    let spring = Spring::Default(springs);
    Property {
        path: path.to_owned(),
        kind,
        default,
        spring,
        verdict: Verdict::Works,
        meaning,
    }
}

/// A property of our own.
pub(super) fn ours(path: &str, kind: Kind, default: Preset, meaning: &'static str) -> Property {
    let spring = Spring::Nothing;
    Property {
        path: path.to_owned(),
        kind,
        default,
        spring,
        verdict: Verdict::Works,
        meaning,
    }
}

/// A property of Spring's that is refused.
pub(super) fn refused(
    path: &str,
    springs: &'static str,
    except: Option<&'static str>,
    note: &'static str,
) -> Property {
    Property {
        path: path.to_owned(),
        kind: Kind::Text,
        default: Preset::Unset(""),
        spring: Spring::Default(springs),
        verdict: Verdict::Refused { except, note },
        meaning: note,
    }
}

/// A name that Spring gave up.
pub(super) fn renamed(path: &str, to: &'static str, note: &'static str) -> Property {
    Property {
        path: path.to_owned(),
        kind: Kind::Text,
        default: Preset::Unset(""),
        spring: Spring::Former,
        verdict: Verdict::Renamed { to, note },
        meaning: note,
    }
}
