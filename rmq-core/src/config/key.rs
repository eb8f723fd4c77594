//! One name, however it is written: `prefetch-count`, `prefetchCount`, `prefetch_count`.

/// The form in which names are compared: letters and digits, in lower case.
pub(super) fn uniform(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Whether two names are one: `on_order`, `on-order` and `onOrder` are. So ids of `listeners` and
/// names of `brokers` are compared.
#[must_use]
pub fn is_same_name(one: &str, other: &str) -> bool {
    uniform(one) == uniform(other)
}

/// A name as messages may show it: as written if it looks like a name, else nothing, because what
/// stands where a name should be can be a value that slipped.
pub(super) fn shown(name: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!name.is_empty() && name.len() <= 60 && name.chars().all(plain)).then_some(name)
}

/// The part of a variable's name that stands for a property: capitals, `_` for `.` and `-`.
pub(super) fn variable(path: &str) -> String {
    path.chars()
        .map(|c| {
            if c.is_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect()
}

/// The candidate that was probably meant by `name`.
pub(super) fn nearest<'c>(
    name: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let name = uniform(name);
    candidates
        .into_iter()
        .map(|candidate| {
            (
                strsim::damerau_levenshtein(&name, &uniform(candidate)),
                candidate,
            )
        })
        .filter(|(distance, candidate)| *distance <= (candidate.len() / 3).clamp(1, 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spellings_of_a_name_are_one() {
        for name in [
            "virtual-host",
            "virtualHost",
            "virtual_host",
            "VIRTUAL_HOST",
            "virtualhost",
        ] {
            assert_eq!(uniform(name), "virtualhost");
        }
    }

    #[test]
    fn a_typo_finds_its_name_and_a_stranger_finds_none() {
        let names = ["prefetch", "concurrency", "host", "port"];
        assert_eq!(nearest("prefech", names), Some("prefetch"));
        assert_eq!(nearest("concurency", names), Some("concurrency"));
        assert_eq!(nearest("hots", names), Some("host"));
        assert_eq!(nearest("cluster", names), None);
    }

    #[test]
    fn what_does_not_look_like_a_name_is_not_shown() {
        assert_eq!(shown("pre-fetch"), Some("pre-fetch"));
        assert_eq!(shown("password:hunter2"), None);
        assert_eq!(shown("two words"), None);
    }
}
