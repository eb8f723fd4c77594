//! Placeholders: `${NAME}` and `${NAME:default}`, several in one value, defaults with colons and
//! with placeholders of their own.

use std::collections::BTreeMap;

/// A placeholder that could not be filled in: its name if it looks like one, and the offset in
/// characters at which it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unresolved {
    NotSet { name: String, offset: usize },
    NotClosed { offset: usize },
}

/// How deep defaults may nest.
const DEEPEST: usize = 16;

/// Fills in every placeholder of a scalar. All that cannot be filled in are told.
pub(super) fn expand(
    text: &str,
    environment: &BTreeMap<String, String>,
) -> Result<String, Vec<Unresolved>> {
    let mut missing = Vec::new();
    let expanded = fill(text, environment, 0, DEEPEST, &mut missing);
    if missing.is_empty() {
        Ok(expanded)
    } else {
        Err(missing)
    }
}

fn fill(
    text: &str,
    environment: &BTreeMap<String, String>,
    offset: usize,
    depth: usize,
    missing: &mut Vec<Unresolved>,
) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut at = offset;
    while let Some(start) = rest.find("${") {
        let (before, opened) = rest.split_at(start);
        out.push_str(before);
        at += before.chars().count();
        let end = if depth == 0 { None } else { closing(opened) };
        let Some(end) = end else {
            missing.push(Unresolved::NotClosed { offset: at });
            return out;
        };
        let (whole, behind) = opened.split_at(end + 1);
        let inner = whole.get(2..end).unwrap_or_default();
        let (name, default) = match inner.split_once(':') {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        match (environment.get(name), default) {
            (Some(value), _) => out.push_str(value),
            (None, Some(default)) => {
                let inside = at + 3 + name.chars().count();
                out.push_str(&fill(default, environment, inside, depth - 1, missing));
            }
            (None, None) => {
                missing.push(Unresolved::NotSet {
                    name: name.to_owned(),
                    offset: at,
                });
            }
        }
        at += whole.chars().count();
        rest = behind;
    }
    out.push_str(rest);
    out
}

/// The byte of the brace that closes the placeholder at the start of `text`.
fn closing(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'$' && bytes.get(at + 1) == Some(&b'{') {
            depth += 1;
            at += 1;
        } else if *byte == b'}' {
            depth -= 1;
            if depth == 0 {
                return Some(at);
            }
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> BTreeMap<String, String> {
        [("A", "1"), ("EMPTY", ""), ("TRAP", "${A}")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    #[test]
    fn placeholders_are_filled_in() {
        for (text, expected) in [
            ("plain", "plain"),
            ("${A}", "1"),
            ("x${A}y${A}z", "x1y1z"),
            ("${B:guest}", "guest"),
            ("${B:}", ""),
            ("${EMPTY:full}", ""),
            ("${URL:amqp://h:5672/v}", "amqp://h:5672/v"),
            ("${B:${A}}", "1"),
            ("${B:${C:deep}}/x", "deep/x"),
            ("${TRAP}", "${A}"),
            ("$A {A} $", "$A {A} $"),
            ("größe ${A}", "größe 1"),
        ] {
            assert_eq!(
                expand(text, &environment()).as_deref(),
                Ok(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn all_that_is_missing_is_told_with_its_offset() {
        let not_set = |name: &str, offset| Unresolved::NotSet {
            name: name.to_owned(),
            offset,
        };
        for (text, expected) in [
            ("ü${X} ${Y}", vec![not_set("X", 1), not_set("Y", 6)]),
            ("${X:${Y}}", vec![not_set("Y", 4)]),
            ("a${X", vec![Unresolved::NotClosed { offset: 1 }]),
        ] {
            assert_eq!(expand(text, &environment()), Err(expected), "{text}");
        }
    }
}
