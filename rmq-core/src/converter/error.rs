use std::any::type_name;
use std::borrow::Cow;
use std::fmt;

use bytestring::ByteString;

use crate::error::OperationError;
use crate::message::Message;

/// A value could not be written as a body, or a body not be read as a value.
///
/// It names the type, what is wrong and, for JSON, where. It never holds a part of the payload.
#[derive(Clone, PartialEq, Eq)]
pub struct ConversionError(Box<Inner>);

#[derive(Clone, PartialEq, Eq)]
struct Inner {
    direction: Direction,
    type_name: &'static str,
    detail: Cow<'static, str>,
    position: Option<(usize, usize)>,
    body: Option<(usize, Option<ByteString>)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Write,
    Read,
}

impl ConversionError {
    /// A body could not be read as a `T`. The detail is a sentence without a part of the payload.
    #[must_use]
    pub fn reading<T: ?Sized>(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Direction::Read, type_name::<T>(), detail.into())
    }

    /// As [`reading`](Self::reading), with the name of the type, as [`Target::type_name`](super::Target::type_name) gives it.
    #[must_use]
    pub fn reading_named(type_name: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Direction::Read, type_name, detail.into())
    }

    /// A value could not be written. The detail is a sentence without a part of the payload.
    #[must_use]
    pub fn writing_named(type_name: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Direction::Write, type_name, detail.into())
    }

    fn new(direction: Direction, type_name: &'static str, detail: Cow<'static, str>) -> Self {
        Self(Box::new(Inner {
            direction,
            type_name,
            detail,
            position: None,
            body: None,
        }))
    }

    /// The same error with the line and column of the body (both from 1) where it was found.
    #[must_use]
    pub fn at(mut self, line: usize, column: usize) -> Self {
        self.0.position = Some((line, column));
        self
    }

    /// The same error with the size and content type of the message.
    #[must_use]
    pub fn about(mut self, message: &Message) -> Self {
        let content_type = message.properties().content_type.clone();
        self.0.body = Some((message.body().len(), content_type));
        self
    }

    /// The name of the Rust type.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        self.0.type_name
    }

    /// What is wrong, without where.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Line and column of the body (both from 1) where it was found, for text formats.
    #[must_use]
    pub fn position(&self) -> Option<(usize, usize)> {
        self.0.position
    }
}

impl fmt::Display for ConversionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        match inner.direction {
            Direction::Write => write!(f, "a `{}` cannot be written as a body", inner.type_name)?,
            Direction::Read => {
                f.write_str("the body ")?;
                if let Some((length, content_type)) = &inner.body {
                    write!(f, "({length} bytes, ")?;
                    match content_type {
                        Some(content_type) => write!(f, "{}) ", Brief(content_type))?,
                        None => f.write_str("no content type) ")?,
                    }
                }
                write!(f, "is not a `{}`", inner.type_name)?;
            }
        }
        write!(f, ": {}", inner.detail)?;
        match inner.position {
            Some((line, column)) => write!(f, " at line {line} column {column}"),
            None => Ok(()),
        }
    }
}

/// Text of a stranger, short and on one line.
struct Brief<'a>(&'a str);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.0.chars().take(60);
        head.flat_map(char::escape_debug)
            .try_for_each(|c| fmt::Write::write_char(f, c))
    }
}

impl fmt::Debug for ConversionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConversionError({self})")
    }
}

impl std::error::Error for ConversionError {}

impl OperationError for ConversionError {
    fn code(&self) -> &'static str {
        match self.0.direction {
            Direction::Write => "RMQ-CONVERT-WRITE",
            Direction::Read => "RMQ-CONVERT-READ",
        }
    }

    fn is_transient(&self) -> bool {
        false
    }
}
