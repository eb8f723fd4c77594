//! Names and arguments in lapin's types.

use lapin::types::{AMQPValue, ByteArray, DecimalValue, FieldArray, FieldTable, ShortString};

use crate::message::Value;
use crate::name::Name;

use super::{Arguments, TransportError, TransportErrorKind};

/// A name fits by its type.
pub(super) fn short(name: &Name) -> ShortString {
    ShortString::from(name.as_str())
}

/// Arguments of a declaration or a consumer.
pub(super) fn table(arguments: &Arguments, doing: &str) -> Result<FieldTable, TransportError> {
    fields(arguments).map_err(|name| TransportError {
        kind: TransportErrorKind::Protocol,
        doing: doing.to_owned(),
        text: format!(
            "the name of an argument has {} bytes, and AMQP allows 255",
            name.len()
        ),
    })
}

fn fields(fields: &Arguments) -> Result<FieldTable, &str> {
    let mut table = FieldTable::default();
    for (name, value) in fields {
        let name = ShortString::try_new(&**name).map_err(|_| &**name)?;
        table.insert(name, converted(value)?);
    }
    Ok(table)
}

/// Recurses as deep as the caller's own value goes.
fn converted(value: &Value) -> Result<AMQPValue, &str> {
    Ok(match value {
        Value::Void => AMQPValue::Void,
        Value::Bool(value) => AMQPValue::Boolean(*value),
        Value::I8(value) => AMQPValue::ShortShortInt(*value),
        Value::U8(value) => AMQPValue::ShortShortUInt(*value),
        Value::I16(value) => AMQPValue::ShortInt(*value),
        Value::U16(value) => AMQPValue::ShortUInt(*value),
        Value::I32(value) => AMQPValue::LongInt(*value),
        Value::U32(value) => AMQPValue::LongUInt(*value),
        Value::I64(value) => AMQPValue::LongLongInt(*value),
        Value::F32(value) => AMQPValue::Float(*value),
        Value::F64(value) => AMQPValue::Double(*value),
        Value::Decimal(scale, value) => AMQPValue::DecimalValue(DecimalValue {
            scale: *scale,
            value: *value,
        }),
        Value::Text(text) => AMQPValue::LongString(text.as_bytes().to_vec().into()),
        Value::LongString(bytes) => AMQPValue::LongString(bytes.to_vec().into()),
        Value::Bytes(bytes) => AMQPValue::ByteArray(ByteArray::from(bytes.to_vec())),
        Value::Timestamp(seconds) => AMQPValue::Timestamp(*seconds),
        Value::Array(values) => {
            let values: Result<Vec<_>, _> = values.iter().map(converted).collect();
            AMQPValue::FieldArray(FieldArray::from(values?))
        }
        Value::Table(inner) => AMQPValue::FieldTable(fields(inner)?),
    })
}
