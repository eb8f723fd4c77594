//! Sizes: `64MB`, or a plain number of bytes. A kilobyte has 1,024 bytes, as Spring's does.

/// Reads a size in bytes; `None` if it is none or does not fit.
pub(super) fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let factor: u64 = match suffix {
        "" | "B" => 1,
        "KB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        "TB" => 1 << 40,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_count_in_1024() {
        for (text, bytes) in [
            ("64MB", 67_108_864),
            ("1KB", 1_024),
            ("10B", 10),
            ("7", 7),
            ("2GB", 2_147_483_648),
        ] {
            assert_eq!(parse(text), Some(bytes), "{text}");
        }
        for text in ["", "MB", "64 MB", "64mb", "64MiB", "-1", "99999999TB"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
