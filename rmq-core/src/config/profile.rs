//! Profiles: which are active, and which documents belong to them.

/// Whether a document's `on-profile` holds: any item of a list; in an item `!`, `&` and `|`, with
/// `&` binding closer. `None` if it cannot be read.
pub(super) fn holds(expressions: &[String], active: &[String]) -> Option<bool> {
    let mut any = false;
    for expression in expressions {
        any |= one(expression, active)?;
    }
    Some(any)
}

fn one(expression: &str, active: &[String]) -> Option<bool> {
    let mut any = false;
    for part in expression.split('|') {
        let mut all = true;
        for word in part.split('&') {
            let word = word.trim();
            let (negated, name) = match word.strip_prefix('!') {
                Some(name) => (true, name.trim()),
                None => (false, word),
            };
            let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '+');
            if name.is_empty() || !name.chars().all(plain) {
                return None;
            }
            all &= active.iter().any(|profile| profile == name) != negated;
        }
        any |= all;
    }
    Some(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_hold_as_springs_do() {
        let active = ["dev".to_owned(), "eu".to_owned()];
        for (expression, expected) in [
            ("dev", Some(true)),
            ("prod", Some(false)),
            ("!prod", Some(true)),
            ("dev & eu", Some(true)),
            ("dev & !eu", Some(false)),
            ("prod | eu", Some(true)),
            ("prod & dev | eu", Some(true)),
            ("(dev)", None),
            ("", None),
        ] {
            assert_eq!(
                holds(&[expression.to_owned()], &active),
                expected,
                "{expression}"
            );
        }
        assert_eq!(
            holds(&["prod".to_owned(), "eu".to_owned()], &active),
            Some(true)
        );
    }
}
