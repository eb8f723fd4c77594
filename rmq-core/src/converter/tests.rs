use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::*;
use crate::error::OperationError as _;
use crate::message::{Message, MessageProperties};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    id: u64,
    #[serde(default)]
    customer: Customer,
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
enum Customer {
    #[default]
    Unknown,
    Named(String),
}

fn message(content_type: Option<&'static str>, body: &'static str) -> Message {
    let message = Message::new(body);
    match content_type {
        Some(content_type) => message.with_content_type(content_type),
        None => message,
    }
}

fn read<T: serde::de::DeserializeOwned>(
    content_type: Option<&'static str>,
    body: &'static str,
) -> Result<T, ConversionError> {
    decode(&JsonConverter, &message(content_type, body))
}

#[test]
fn json_is_written_with_its_content_type_and_read_back() {
    let order = Order {
        id: 7,
        customer: Customer::Named("Ada".into()),
    };
    let mut properties = MessageProperties::persistent();
    let body = encode(&JsonConverter, &order, &mut properties).unwrap();
    assert_eq!(properties.content_type(), Some("application/json"));
    let message = Message::from_parts(properties, body);
    assert_eq!(decode::<Order>(&JsonConverter, &message).unwrap(), order);
}

#[test]
fn a_body_without_or_with_an_unknown_content_type_is_read_as_json() {
    for content_type in [
        None,
        Some("application/json; charset=utf-8"),
        Some("application/vnd.shop+json"),
        Some("text/json"),
    ] {
        assert_eq!(read::<Order>(content_type, r#"{"id":1}"#).unwrap().id, 1);
        assert_eq!(read::<String>(content_type, r#""a""#).unwrap(), "a");
    }
}

#[test]
fn a_text_body_is_the_text_and_numbers_and_structs_in_it_are_json() {
    let text = Some("text/plain; charset=UTF-8");
    assert_eq!(
        read::<String>(text, "it's \"raw\"").unwrap(),
        "it's \"raw\""
    );
    assert_eq!(
        read::<Option<String>>(text, "x").unwrap().as_deref(),
        Some("x")
    );
    assert_eq!(read::<u32>(text, "42").unwrap(), 42);
    assert_eq!(read::<Vec<u32>>(text, "[1,2]").unwrap(), [1, 2]);
    assert_eq!(read::<Order>(text, r#"{"id":3}"#).unwrap().id, 3);
    assert!(read::<u32>(text, "42 and more").is_err());
}

#[test]
fn an_octet_stream_is_its_bytes() {
    let octets = Some("application/octet-stream");
    assert_eq!(read::<Vec<u8>>(octets, "\u{1}ab").unwrap(), b"\x01ab");
    assert_eq!(read::<String>(octets, "ab").unwrap(), "ab");
    assert_eq!(read::<Order>(octets, r#"{"id":3}"#).unwrap().id, 3);
    let broken =
        Message::new(Bytes::from_static(b"\xff\xfe")).with_content_type("application/octet-stream");
    assert!(decode::<String>(&JsonConverter, &broken).is_err());
}

#[test]
fn where_the_sender_set_a_text_content_type_a_text_is_written_raw() {
    let mut properties = MessageProperties::persistent();
    properties.content_type = Some("text/plain".into());
    let body = encode(&JsonConverter, "it's \"raw\"", &mut properties).unwrap();
    assert_eq!(&body[..], b"it's \"raw\"");
    assert_eq!(properties.content_type(), Some("text/plain"));
}

#[test]
fn a_compressed_body_is_refused_and_a_charset_as_encoding_is_not() {
    let mut message = message(None, r#"{"id":1}"#);
    message.properties_mut().content_encoding = Some("UTF-8".into());
    assert_eq!(decode::<Order>(&JsonConverter, &message).unwrap().id, 1);
    message.properties_mut().content_encoding = Some("GZIP".into());
    let error = decode::<Order>(&JsonConverter, &message).unwrap_err();
    assert!(error.to_string().contains("gzip"), "{error}");
}

/// Every way for serde to quote the payload: none of them gets through.
#[test]
fn an_undecodable_body_names_type_and_place_and_never_the_payload() {
    let cases = [
        (
            r#"{"id":"s3cret"}"#,
            "it holds a string where u64 is expected",
            Some((1, 14)),
        ),
        (
            r#"{"id":"s3cret, expected s3cret"}"#,
            "it holds a string where u64 is expected",
            Some((1, 31)),
        ),
        (
            r#"{"id":-70031}"#,
            "it holds an integer where u64 is expected",
            Some((1, 12)),
        ),
        (
            r#"{"id":7.0031}"#,
            "it holds a floating point number where u64 is expected",
            Some((1, 12)),
        ),
        (
            r#"{"id":["s3cret"]}"#,
            "it holds an array where u64 is expected",
            Some((1, 6)),
        ),
        (
            r#"{"id":null}"#,
            "it holds null where u64 is expected",
            Some((1, 10)),
        ),
        (
            r#"{"customer":"Unknown"}"#,
            "missing field `id`",
            Some((1, 22)),
        ),
        (r#"{"id":1,"id":2}"#, "duplicate field `id`", Some((1, 12))),
        (
            r#"{"s3cret":1}"#,
            "it has a field that the type does not know where `id` or `customer` is expected",
            Some((1, 9)),
        ),
        (
            "{\"id\":1,\n\"customer\":\"s3cret\"}",
            "it names a variant that the type does not have where `Unknown` or `Named` is expected",
            Some((2, 19)),
        ),
        (
            r#""s3cret""#,
            "it holds a string where struct Order is expected",
            Some((1, 8)),
        ),
        (
            r#"{"id":1,"s3cret"#,
            "its JSON is broken: EOF while parsing a string",
            Some((1, 15)),
        ),
        (
            "",
            "its JSON is broken: EOF while parsing a value",
            Some((1, 0)),
        ),
        (
            r#"{"id":1} s3cret"#,
            "its JSON is broken: trailing characters",
            Some((1, 10)),
        ),
    ];
    for (body, detail, position) in cases {
        let error = read::<Order>(Some("application/json"), body).unwrap_err();
        assert_eq!(error.detail(), detail, "{body}");
        assert_eq!(error.position(), position, "{body}");
        let told = format!("{error} {error:?}");
        assert!(!told.contains("s3cret") && !told.contains("0031"), "{told}");
        assert!(told.contains("converter::tests::Order"), "{told}");
        assert_eq!(error.code(), "RMQ-CONVERT-READ");
    }
}

#[derive(Debug)]
struct Chatty;

impl<'de> Deserialize<'de> for Chatty {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Err(serde::de::Error::custom(format!("cannot use {text}")))
    }
}

#[test]
fn a_type_that_quotes_the_payload_itself_is_not_quoted() {
    let error = read::<Chatty>(None, r#""s3cret""#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the body (8 bytes, no content type) is not a `rmq_core::converter::tests::Chatty`: its JSON is well-formed, and the type refuses a value in it"
    );
}

#[test]
fn a_value_without_a_json_form_is_refused_without_quoting_it() {
    let map = std::collections::BTreeMap::from([(vec!["s3cret"], 1)]);
    let error = encode(&JsonConverter, &map, &mut MessageProperties::persistent()).unwrap_err();
    assert!(
        error.to_string().contains("a key of one of its maps"),
        "{error}"
    );
    assert!(error.type_name().contains("BTreeMap"), "{error}");
}

/// Any other format goes through `erased-serde`.
struct Erased;

impl MessageConverter for Erased {
    fn write(
        &self,
        payload: &dyn Payload,
        properties: &mut MessageProperties,
    ) -> Result<Bytes, ConversionError> {
        properties.content_type = Some("application/x-erased".into());
        let mut out = Vec::new();
        let mut json = serde_json::Serializer::new(&mut out);
        payload
            .serialize(&mut <dyn erased_serde::Serializer>::erase(&mut json))
            .map_err(|_| ConversionError::writing_named(payload.type_name(), "no"))?;
        Ok(out.into())
    }

    fn read(&self, message: &Message, into: &mut dyn Target) -> Result<(), ConversionError> {
        let mut json = serde_json::Deserializer::from_slice(message.body());
        let read = into.deserialize(&mut <dyn erased_serde::Deserializer<'_>>::erase(&mut json));
        read.map_err(|_| ConversionError::reading_named(into.type_name(), "no"))
    }
}

#[test]
fn a_converter_of_another_format_writes_and_reads_through_erased_serde() {
    let order = Order {
        id: 9,
        customer: Customer::default(),
    };
    let mut properties = MessageProperties::default();
    let body = encode(&Erased, &order, &mut properties).unwrap();
    let message = Message::from_parts(properties, body);
    assert_eq!(decode::<Order>(&Erased, &message).unwrap(), order);
}

/// Says it read a value, and did not.
struct Silent;

impl MessageConverter for Silent {
    fn write(
        &self,
        payload: &dyn Payload,
        _: &mut MessageProperties,
    ) -> Result<Bytes, ConversionError> {
        payload.to_json()
    }

    fn read(&self, _: &Message, _: &mut dyn Target) -> Result<(), ConversionError> {
        Ok(())
    }
}

#[test]
fn a_converter_that_gives_no_value_is_an_error_and_not_a_panic() {
    let error = decode::<Order>(&Silent, &Message::new("{}")).unwrap_err();
    assert!(error.detail().contains("gave no value"), "{error}");
}
