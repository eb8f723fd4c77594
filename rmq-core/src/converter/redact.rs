//! What serde says about a body, without the parts of the body that it quotes.

use serde_json::error::Category;

use super::ConversionError;

/// A failure to read, with its place. Of the value's fault only the forms that serde itself words are kept, and of
/// those only what comes from the type; a sentence of a type's own `Deserialize` may quote the payload.
pub(super) fn reading(type_name: &'static str, error: &serde_json::Error) -> ConversionError {
    let said = error.to_string();
    let sentence = said
        .rsplit_once(" at line ")
        .map_or(&*said, |(head, _)| head);
    let detail = match error.classify() {
        Category::Data => without_values(sentence).unwrap_or_else(|| {
            "its JSON is well-formed, and the type refuses a value in it".into()
        }),
        Category::Syntax | Category::Eof | Category::Io => {
            format!("its JSON is broken: {sentence}")
        }
    };
    let error_with_detail = ConversionError::reading_named(type_name, detail);
    match error.line() {
        0 => error_with_detail,
        line => error_with_detail.at(line, error.column()),
    }
}

/// A failure to write.
pub(super) fn writing(error: &serde_json::Error) -> &'static str {
    match error.to_string().as_str() {
        "key must be a string" => {
            "a key of one of its maps is not a text, and JSON has no other keys"
        }
        "float key must be finite (got NaN or +/-inf)" => {
            "a key of one of its maps is not a finite number"
        }
        _ => "its `Serialize` refused",
    }
}

fn without_values(sentence: &str) -> Option<String> {
    for name in ["missing field `", "duplicate field `"] {
        if let Some(rest) = sentence.strip_prefix(name) {
            return rest.ends_with('`').then(|| sentence.to_owned());
        }
    }
    if let Some(rest) = sentence.strip_prefix("unknown field `") {
        return Some(format!(
            "it has a field that the type does not know{}",
            expected(rest)?
        ));
    }
    if let Some(rest) = sentence.strip_prefix("unknown variant `") {
        return Some(format!(
            "it names a variant that the type does not have{}",
            expected(rest)?
        ));
    }
    if let Some(rest) = sentence.strip_prefix("invalid length ") {
        return Some(format!(
            "a part of it has a wrong length{}",
            expected(rest)?
        ));
    }
    let rest = sentence
        .strip_prefix("invalid type: ")
        .or_else(|| sentence.strip_prefix("invalid value: "))?;
    Some(format!("it holds {}{}", found(rest)?, expected(rest)?))
}

/// Behind the last `, expected `: what the type wants. What the body held stands before it.
fn expected(rest: &str) -> Option<String> {
    if rest.ends_with(", there are no fields") || rest.ends_with(", there are no variants") {
        return Some(", and it has none".into());
    }
    let (_, wanted) = rest.rsplit_once(", expected ")?;
    Some(format!(" where {wanted} is expected"))
}

/// The kind of thing that was found, without its value.
fn found(rest: &str) -> Option<&'static str> {
    const KINDS: [(&str, &str); 10] = [
        ("boolean", "a boolean"),
        ("integer", "an integer"),
        ("number", "a number"),
        ("floating point", "a floating point number"),
        ("character", "a character"),
        ("string", "a string"),
        ("byte array", "bytes"),
        ("null", "null"),
        ("sequence", "an array"),
        ("map", "an object"),
    ];
    KINDS
        .into_iter()
        .find(|(kind, _)| rest.starts_with(kind))
        .map(|(_, words)| words)
}
