use super::*;
use crate::error::OperationError as _;
use crate::message::{HeaderLimits, Headers, Value};

fn from_header<T: FromHeader>(message: Message) -> Result<T, Rejection> {
    take(header::<T>("tenant", "x-tenant"), &context(message))
}

fn with(value: impl Into<Value>) -> Message {
    Message::new("{}").with_header("x-tenant", value)
}

#[test]
fn headers_are_read_as_texts_numbers_and_truth_values() {
    assert_eq!(from_header::<String>(with("acme")).unwrap(), "acme");
    assert_eq!(
        from_header::<String>(with(bytes::Bytes::from_static(b"acme"))).unwrap(),
        "acme"
    );
    assert_eq!(from_header::<u8>(with(200_i64)).unwrap(), 200);
    assert_eq!(from_header::<i64>(with("-3")).unwrap(), -3);
    assert_eq!(
        from_header::<u64>(with(Value::Timestamp(u64::MAX))).unwrap(),
        u64::MAX
    );
    assert!(from_header::<bool>(with("true")).unwrap());
    assert!((from_header::<f64>(with(3_i32)).unwrap() - 3.0).abs() < f64::EPSILON);
    assert_eq!(from_header::<Value>(with(1_i32)).unwrap(), Value::I32(1));
}

#[test]
fn a_missing_or_void_header_is_none_or_a_rejection_that_names_it() {
    for message in [Message::default(), with(Value::Void)] {
        assert_eq!(
            from_header::<Option<String>>(message.clone()).unwrap(),
            None
        );
        let rejection = from_header::<String>(message).unwrap_err();
        assert_eq!(
            rejection.kind(),
            &RejectionKind::MissingHeader { header: "x-tenant" }
        );
        assert!(
            rejection.to_string().contains("take an `Option`"),
            "{rejection}"
        );
    }
}

#[test]
fn a_header_of_another_kind_is_rejected_even_as_an_option_and_without_its_value() {
    for rejection in [
        from_header::<Option<u8>>(with(70_031_i32)).unwrap_err(),
        from_header::<Option<u8>>(with("70031")).unwrap_err(),
    ] {
        let told = rejection.to_string();
        assert!(
            told.contains("not a whole number that fits a `u8`"),
            "{told}"
        );
        assert!(!told.contains("70031"), "{told}");
    }
    assert!(from_header::<u32>(with(-1_i32)).is_err());
    assert!(from_header::<bool>(with(1_i32)).is_err());
}

#[test]
fn a_header_table_that_cannot_be_read_is_told_as_such_and_not_as_a_missing_header() {
    let mut message = Message::new("{}");
    message.properties_mut().headers = Headers::from_wire(
        bytes::Bytes::from_static(b"\x01xZ"),
        HeaderLimits::default(),
    );
    let rejection = from_header::<Option<String>>(message.clone());
    // An `Option` must not read a broken table as "no such header".
    assert_eq!(rejection.unwrap_err().code(), "RMQ-ARG-HEADER-TABLE");
    assert_eq!(
        from_header::<String>(message).unwrap_err().code(),
        "RMQ-ARG-HEADER-TABLE"
    );
}
