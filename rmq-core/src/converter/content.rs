use crate::message::MessageProperties;

/// The form of a body that every [`Target`](super::Target) can read by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON.
    Json,
    /// Text: a `String` gets it as it is; what is not a text (a number, a struct) is read as JSON.
    Text,
    /// Bytes: a `Vec<u8>` gets them as they are, a `String` if they are UTF-8; a number or a struct is read as JSON.
    Bytes,
}

impl Form {
    /// The form that a content type promises: `text/...` is text, `application/octet-stream` bytes, all else (none and
    /// unknown ones too) JSON.
    #[must_use]
    pub fn of(properties: &MessageProperties) -> Self {
        match properties.content_type() {
            None | Some("application/json") => Self::Json,
            Some(content_type) => Self::of_content_type(content_type),
        }
    }

    fn of_content_type(content_type: &str) -> Self {
        let mime = content_type.split(';').next().unwrap_or_default().trim();
        let starts = |prefix: &str| {
            mime.get(..prefix.len())
                .is_some_and(|head| head.eq_ignore_ascii_case(prefix))
        };
        if mime.eq_ignore_ascii_case("text/json") {
            Self::Json
        } else if starts("text/") {
            Self::Text
        } else if mime.eq_ignore_ascii_case("application/octet-stream") {
            Self::Bytes
        } else {
            Self::Json
        }
    }
}

/// The compression a body is under, if its content encoding names one. Spring writes the charset there, which is none.
pub(super) fn compression(properties: &MessageProperties) -> Option<&str> {
    let encoding = properties.content_encoding.as_deref()?;
    let known = [
        "gzip", "x-gzip", "deflate", "compress", "br", "zstd", "lz4", "snappy",
    ];
    known
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(encoding.trim()))
}
