//! Topic patterns: `*` is one word, `#` is none or more.

/// Whether `key` matches `pattern`, word by word.
///
/// The walk remembers the last `#` and starts again one word later where the rest fails: the time is at most
/// words of the pattern times words of the key.
pub(crate) fn matches(pattern: &str, key: &str) -> bool {
    let pattern: Words<'_> = pattern.split('.').collect();
    let key: Words<'_> = if key.is_empty() {
        Words::new()
    } else {
        key.split('.').collect()
    };
    // An empty pattern is the one empty word, and matches only the empty key.
    let empty_word = [""];
    let key: &[&str] = if key.is_empty() && pattern.as_slice() == [""] {
        &empty_word
    } else {
        &key
    };
    let (mut p, mut k) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while k < key.len() {
        match pattern.get(p) {
            Some(&"#") => {
                retry = Some((p, k));
                p += 1;
            }
            Some(word) if *word == "*" || Some(word) == key.get(k) => {
                p += 1;
                k += 1;
            }
            _ => match retry {
                Some((hash, from)) => {
                    p = hash + 1;
                    k = from + 1;
                    retry = Some((hash, k));
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(p).all(|word| *word == "#")
}

type Words<'a> = Vec<&'a str>;

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_take_one_word_and_hashes_any_number() {
        for (pattern, key, expected) in [
            ("a.b", "a.b", true),
            ("a.*", "a.b", true),
            ("a.*", "a", false),
            ("a.*", "a.b.c", false),
            ("a.#", "a", true),
            ("a.#", "a.b.c", true),
            ("#", "", true),
            ("#", "a.b", true),
            ("*", "", false),
            ("", "", true),
            ("", "a", false),
            ("#.c", "a.b.c", true),
            ("#.c", "c", true),
            ("#.b.#", "a.b.c.d", true),
            ("#.x.#", "a.b.c.d", false),
            ("*.*.#", "a.b", true),
            ("*.*.#", "a", false),
            ("a.#.d.*", "a.b.c.d.e", true),
            ("#.#", "", true),
        ] {
            assert_eq!(matches(pattern, key), expected, "{pattern} against {key}");
        }
    }
}
