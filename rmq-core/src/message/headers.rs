use std::fmt;
use std::sync::OnceLock;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use super::{HeaderLimits, TableError, Value, table};

/// The header in which a publish whose id is the user's carries its generation and tag, so that a return finds its
/// message. Hidden from users.
pub const PRIVATE_HEADER: &str = "x-rmq-publish";

/// A message's headers, in the order they were set.
///
/// Headers that came from the broker stay bytes until they are read. A table that is cut off, too long or nested
/// too deep ([`HeaderLimits`]) reads as empty and says so in [`Headers::fault`]; a listener's container
/// dead-letters such a message, intact, before its handler runs.
#[derive(Clone, Default)]
pub struct Headers {
    /// From the broker, if there were any. Apart, because a message that is sent has none.
    broker: Option<Box<BrokerTable>>,
    /// Set here, behind those from the broker.
    own: Vec<(ByteString, Value)>,
}

#[derive(Clone)]
struct BrokerTable {
    /// The table's content.
    raw: Bytes,
    limits: HeaderLimits,
    read: OnceLock<Result<Vec<(ByteString, Value)>, TableError>>,
}

impl BrokerTable {
    fn fields(&self) -> &[(ByteString, Value)] {
        let read = self.read.get_or_init(|| {
            self.limits.check_length(self.raw.len())?;
            let mut fields = table::read(&self.raw, self.limits.levels())?;
            fields.retain(|(name, _)| name != PRIVATE_HEADER);
            Ok(fields)
        });
        read.as_deref().unwrap_or_default()
    }

    fn fault(&self) -> Option<TableError> {
        match self.read.get() {
            Some(read) => read.as_ref().err().copied(),
            None => self.limits.check(&self.raw).err(),
        }
    }

    fn remove(&mut self, name: &str) -> Option<Value> {
        self.raw = table::without(&self.raw, name);
        let mut removed = None;
        if let Some(Ok(fields)) = self.read.get_mut() {
            while let Some(index) = fields.iter().position(|(key, _)| key == name) {
                removed = Some(fields.remove(index).1);
            }
        }
        removed
    }
}

impl Headers {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Headers as the broker sent them: a table's content without its length prefix.
    #[must_use]
    pub fn from_wire(content: Bytes, limits: HeaderLimits) -> Self {
        let none = content.is_empty();
        let table = BrokerTable {
            raw: content,
            limits,
            read: OnceLock::new(),
        };
        Self {
            broker: (!none).then(|| Box::new(table)),
            own: Vec::new(),
        }
    }

    fn broker_fields(&self) -> &[(ByteString, Value)] {
        self.broker.as_deref().map_or(&[], BrokerTable::fields)
    }

    /// Why the broker's table could not be read, if it could not.
    #[must_use]
    pub fn fault(&self) -> Option<TableError> {
        self.broker.as_deref()?.fault()
    }

    /// A header's value. The one set last wins.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let mut both = self
            .own
            .iter()
            .rev()
            .chain(self.broker_fields().iter().rev());
        both.find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Whether a header is there.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Every header in the order they were set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.broker_fields()
            .iter()
            .chain(&self.own)
            .map(|(name, value)| (&**name, value))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.broker_fields().len() + self.own.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sets a header; an earlier one of that name is gone. The name has at most 255 bytes: the template refuses
    /// a message with a longer one.
    pub fn insert(&mut self, name: impl Into<ByteString>, value: impl Into<Value>) {
        let name = name.into();
        self.remove(&name);
        self.own.push((name, value.into()));
    }

    /// Removes a header and gives it back.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        if let Some(broker) = &mut self.broker
            && broker.fields().iter().any(|(key, _)| key == name)
        {
            return broker.remove(name);
        }
        let index = self.own.iter().position(|(key, _)| key == name)?;
        Some(self.own.remove(index).1)
    }

    /// The first header name that AMQP cannot carry (over 255 bytes), if any.
    #[must_use]
    pub fn name_too_long(&self) -> Option<&str> {
        self.own
            .iter()
            .map(|(name, _)| &**name)
            .find(|name| name.len() > 255)
    }

    /// Whether nothing would be written.
    #[must_use]
    pub fn is_empty_on_the_wire(&self) -> bool {
        let from_broker = self.broker.as_ref();
        self.own.is_empty() && from_broker.is_none_or(|broker| broker.raw.is_empty())
    }

    /// Appends the table's content, without the length prefix and without a private header: an earlier publish may have
    /// left one in it, and a copy of another client's headers may bring one.
    pub fn write(&self, out: &mut BytesMut) {
        if let Some(broker) = &self.broker {
            out.extend_from_slice(&table::without(&broker.raw, PRIVATE_HEADER));
        }
        let own = self.own.iter().filter(|(name, _)| name != PRIVATE_HEADER);
        table::write_fields(out, own);
    }
}

impl fmt::Debug for Headers {
    /// Names only: a value may be anything, a token too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.iter().map(|(name, _)| name))
            .finish()
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<N: Into<ByteString>, V: Into<Value>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(headers: I) -> Self {
        let mut all = Self::new();
        for (name, value) in headers {
            all.insert(name, value);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_broker(fields: &[(ByteString, Value)]) -> Headers {
        let mut content = BytesMut::new();
        table::write_fields(&mut content, fields);
        Headers::from_wire(
            content.freeze(),
            HeaderLimits {
                bytes: 200,
                depth: 2,
            },
        )
    }

    fn on_the_wire(headers: &Headers) -> BytesMut {
        let mut out = BytesMut::new();
        headers.write(&mut out);
        out
    }

    #[test]
    fn the_private_header_is_neither_seen_nor_sent_again() {
        let headers = from_broker(&[
            (PRIVATE_HEADER.into(), "1.2".into()),
            ("x-tenant".into(), "acme".into()),
        ]);
        assert_eq!(headers.iter().count(), 1);
        let mut copied = Headers::new();
        copied.insert(PRIVATE_HEADER, "1.2");
        assert!(on_the_wire(&copied).is_empty());
        assert_eq!(headers.get(PRIVATE_HEADER), None);
        assert_eq!(
            on_the_wire(&headers),
            on_the_wire(&from_broker(&[("x-tenant".into(), "acme".into())]))
        );
    }

    #[test]
    fn a_table_over_a_limit_reads_as_empty_says_why_and_is_still_sent_on_whole() {
        let deep = Value::Table(vec![(
            "a".into(),
            Value::Table(vec![("b".into(), true.into())]),
        )]);
        let mut headers = from_broker(&[("deep".into(), deep)]);
        assert_eq!(headers.fault(), Some(TableError::TooDeep(2)));
        assert!(headers.is_empty());
        let before = on_the_wire(&headers);
        headers.insert("x-cause", "too deep");
        assert!(on_the_wire(&headers).starts_with(&before));

        let long = from_broker(&[("long".into(), "x".repeat(300).into())]);
        assert!(matches!(
            long.fault(),
            Some(TableError::TooLong { limit: 200, .. })
        ));
    }

    #[test]
    fn the_last_value_set_wins_and_replaces_the_brokers() {
        let mut headers = from_broker(&[("a".into(), 1i32.into()), ("b".into(), 2i32.into())]);
        headers.insert("a", 3i32);
        assert_eq!(headers.get("a"), Some(&Value::I32(3)));
        assert_eq!(headers.len(), 2);
        assert_eq!(headers.remove("b"), Some(Value::I32(2)));
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("a", &Value::I32(3))]);
    }
}
