//! Arguments of declarations: free names, values typed as YAML types them.

use super::super::reader::Reader;
use super::super::tree::{Node, Shape};
use crate::message::Value;

/// Reads the `arguments` of an item.
pub(super) fn arguments(reader: &mut Reader<'_>) -> Vec<(String, Value)> {
    let Some(found) = reader.found("arguments") else {
        return Vec::new();
    };
    let mut arguments: Vec<(String, Value)> = Vec::new();
    for entry in found.node.entries() {
        if arguments.iter().any(|(name, _)| *name == entry.key) {
            reader.fault("arguments", "holds one name twice", "keep one of the two");
            continue;
        }
        arguments.push((entry.key.clone(), value(&entry.value)));
    }
    arguments
}

/// A plain scalar is what YAML says it is; a quoted one is text.
fn value(node: &Node) -> Value {
    match &node.shape {
        Shape::List(items) => Value::Array(items.iter().map(value).collect()),
        Shape::Map(entries) => Value::Table(
            entries
                .iter()
                .map(|entry| (entry.key.as_str().into(), value(&entry.value)))
                .collect(),
        ),
        Shape::Scalar { text, quoted: true } => Value::from(text.clone()),
        Shape::Scalar { .. } if node.is_empty() => Value::Void,
        Shape::Scalar { text, .. } => plain(text),
    }
}

fn plain(text: &str) -> Value {
    match text {
        "true" | "True" | "TRUE" => return Value::from(true),
        "false" | "False" | "FALSE" => return Value::from(false),
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>() {
        return Value::from(number);
    }
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    match text.parse::<f64>() {
        Ok(number) if numeric && number.is_finite() => Value::from(number),
        _ => Value::from(text.to_owned()),
    }
}
