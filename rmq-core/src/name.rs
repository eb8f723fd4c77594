//! Names that fit AMQP's short string: at most 255 bytes of UTF-8 (AMQP 0-9-1 section 4.2.5.3).

use std::fmt;
use std::ops::Deref;

use bytestring::ByteString;
use smol_str::SmolStr;

/// The longest short string, in bytes.
pub const SHORT_STRING_LIMIT: usize = 255;

/// A queue, exchange, routing key, consumer tag: any name that travels as a short string. Cheap to clone, and up to
/// 23 bytes cheap to make: such a name allocates nothing, and most are so short.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(SmolStr);

impl Name {
    /// A name known when the program was written.
    ///
    /// # Panics
    /// When it is longer than 255 bytes; in a `const` that is an error of the compiler.
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        assert!(
            name.len() <= SHORT_STRING_LIMIT,
            "an AMQP name has at most 255 bytes"
        );
        Self(SmolStr::new_static(name))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A name is longer than AMQP can carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a name of {length} bytes does not fit AMQP's short string of 255 bytes: it begins with `{head}`"
)]
pub struct NameTooLong {
    /// Its length in bytes.
    pub length: usize,
    /// The first 32 characters.
    pub head: String,
}

impl TryFrom<&str> for Name {
    type Error = NameTooLong;

    fn try_from(name: &str) -> Result<Self, NameTooLong> {
        if name.len() <= SHORT_STRING_LIMIT {
            Ok(Self(SmolStr::new(name)))
        } else {
            Err(NameTooLong {
                length: name.len(),
                head: name.chars().take(32).collect(),
            })
        }
    }
}

impl TryFrom<ByteString> for Name {
    type Error = NameTooLong;

    fn try_from(name: ByteString) -> Result<Self, NameTooLong> {
        Self::try_from(&*name)
    }
}

impl TryFrom<String> for Name {
    type Error = NameTooLong;

    fn try_from(name: String) -> Result<Self, NameTooLong> {
        Self::try_from(name.as_str())
    }
}

impl From<Name> for ByteString {
    fn from(name: Name) -> Self {
        Self::from(name.as_str())
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}
