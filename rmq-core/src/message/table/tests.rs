use super::*;

fn sample() -> Vec<(ByteString, Value)> {
    vec![
        ("void".into(), Value::Void),
        ("flag".into(), true.into()),
        ("i8".into(), Value::I8(-1)),
        ("u8".into(), Value::U8(255)),
        ("i16".into(), Value::I16(-300)),
        ("u16".into(), Value::U16(60_000)),
        ("i32".into(), Value::I32(-70_000)),
        ("u32".into(), Value::U32(4_000_000_000)),
        ("i64".into(), Value::I64(i64::MIN)),
        ("f64".into(), Value::F64(0.5)),
        ("decimal".into(), Value::Decimal(2, 995)),
        ("text".into(), "größe".into()),
        ("bytes".into(), Value::Bytes(Bytes::from_static(&[0, 255]))),
        ("time".into(), Value::Timestamp(1_700_000_000)),
        ("list".into(), Value::Array(vec![1i32.into(), "two".into()])),
        (
            "table".into(),
            Value::Table(vec![("inner".into(), false.into())]),
        ),
    ]
}

fn written(fields: &[(ByteString, Value)]) -> Bytes {
    let mut out = BytesMut::new();
    write_fields(&mut out, fields);
    out.freeze()
}

fn nested_levels(levels: usize) -> Bytes {
    let mut content: Vec<u8> = Vec::new();
    for _ in 0..levels {
        let mut outer = vec![1, b'n', b'F'];
        outer.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        outer.extend(&content);
        content = outer;
    }
    content.into()
}

#[test]
fn every_type_is_read_as_it_was_written() {
    assert_eq!(read(&written(&sample()), 8).unwrap(), sample());
}

#[test]
fn every_truncation_is_an_error_or_a_shorter_table_and_never_a_panic() {
    let whole = written(&sample());
    for end in 0..whole.len() {
        let _ = read(&whole.slice(..end), 8);
        let _ = without(&whole.slice(..end), "text");
    }
}

#[test]
fn deep_tables_are_refused_without_recursion() {
    assert_eq!(check(&nested_levels(7), 8), Ok(()));
    assert_eq!(check(&nested_levels(8), 8), Err(TableError::TooDeep(8)));
    assert_eq!(
        check(&nested_levels(20_000), 8),
        Err(TableError::TooDeep(8))
    );
}

#[test]
fn a_text_is_found_wherever_it_stands_and_nothing_else_is() {
    let content = written(&sample());
    assert_eq!(find_text(&content, "text"), Some("größe".as_bytes()));
    assert_eq!(find_text(&content, "list"), None);
    assert_eq!(find_text(&content, "inner"), None);
    let mut behind_deep = nested_levels(10_000).to_vec();
    behind_deep.extend(&content);
    assert_eq!(find_text(&behind_deep, "text"), Some("größe".as_bytes()));
    for end in 0..content.len() {
        let _ = find_text(content.get(..end).unwrap(), "table");
    }
}

#[test]
fn a_field_is_cut_out_wherever_it_stands() {
    for (index, (name, _)) in sample().iter().enumerate() {
        let mut expected = sample();
        expected.remove(index);
        assert_eq!(without(&written(&sample()), name), written(&expected));
    }
    assert_eq!(without(&written(&sample()), "absent"), written(&sample()));
}
