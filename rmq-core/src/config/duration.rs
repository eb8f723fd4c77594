//! Durations: `5s`, `500ms`, ISO-8601, or a plain number in the property's unit.

use std::time::Duration;

/// The unit of a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Milliseconds,
    Seconds,
}

impl Unit {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
        }
    }
}

/// Reads a duration; `None` if it is none, is negative, or does not fit.
pub(super) fn parse(text: &str, unit: Unit) -> Option<Duration> {
    let text = text.trim();
    if text.starts_with(['P', 'p']) {
        return iso(text);
    }
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let suffix = match suffix {
        "" => unit.as_str(),
        suffix => suffix,
    };
    let nanos: u64 = match suffix {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        other => seconds_of(other)?.checked_mul(1_000_000_000)?,
    };
    Some(Duration::from_nanos(number.checked_mul(nanos)?))
}

fn seconds_of(suffix: &str) -> Option<u64> {
    match suffix {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3_600),
        "d" => Some(86_400),
        _ => None,
    }
}

/// `P1DT2H3M4.5S`, as Java's `Duration` reads it: days are 24 hours, no years, months or weeks.
fn iso(text: &str) -> Option<Duration> {
    let upper = text.to_ascii_uppercase();
    let body = upper.strip_prefix('P')?;
    let (days, clock) = match body.split_once('T') {
        Some((days, clock)) if !clock.is_empty() => (days, clock),
        Some(_) => return None,
        None => (body, ""),
    };
    let mut total = Duration::ZERO;
    let days = match days {
        "" if clock.is_empty() => return None,
        "" => 0,
        days => days.strip_suffix('D')?.parse::<u64>().ok()?,
    };
    total = total.checked_add(Duration::from_secs(days.checked_mul(86_400)?))?;
    let mut rest = clock;
    for (letter, seconds) in [('H', 3_600), ('M', 60)] {
        if let Some((number, behind)) = rest.split_once(letter) {
            let number: u64 = number.parse().ok()?;
            total = total.checked_add(Duration::from_secs(number.checked_mul(seconds)?))?;
            rest = behind;
        }
    }
    if rest.is_empty() {
        return Some(total);
    }
    let seconds = rest.strip_suffix('S')?;
    let plain = |c: char| c.is_ascii_digit() || c == '.';
    if !seconds.chars().all(plain) {
        return None;
    }
    total.checked_add(Duration::try_from_secs_f64(seconds.parse().ok()?).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_spring_reads_them() {
        for (text, millis) in [
            ("5s", 5_000),
            ("500ms", 500),
            ("1m", 60_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
            ("250", 250),
            ("0", 0),
            ("PT5S", 5_000),
            ("pt0.5s", 500),
            ("PT1H30M", 5_400_000),
            ("P1DT1S", 86_401_000),
            ("P2D", 172_800_000),
        ] {
            assert_eq!(
                parse(text, Unit::Milliseconds),
                Some(Duration::from_millis(millis)),
                "{text}"
            );
        }
        assert_eq!(parse("60", Unit::Seconds), Some(Duration::from_secs(60)));
        for text in [
            "",
            "s",
            "-1",
            "5 s",
            "5sec",
            "P",
            "PT",
            "PT5",
            "PT1M1H",
            "1.5s",
            "99999999999999999999",
            "PT-5S",
            "PTinfS",
        ] {
            assert_eq!(parse(text, Unit::Milliseconds), None, "{text}");
        }
    }
}
