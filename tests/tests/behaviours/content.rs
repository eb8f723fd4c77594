//! What was published is what arrives, to the byte.

use amq_protocol::types::{DecimalValue, FieldArray, LongString};
use bytes::Bytes;
use rmq_tests::raw::table::{deep, number, table, text};
use rmq_tests::raw::{AMQPValue, Channel, Content, FieldTable, Message, Properties, RawError};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    an_empty_body_arrives
    an_empty_body_with_headers_arrives
    bodies_around_the_frame_size_arrive
    a_body_of_a_megabyte_arrives
    a_body_of_ten_megabytes_arrives
    any_octets_arrive
    all_properties_arrive
    no_properties_stay_no_properties
    header_values_of_every_type_arrive
    a_table_100_levels_deep_arrives_as_it_was
    a_table_1000_levels_deep_arrives_as_it_was
    a_table_10000_levels_deep_arrives_as_it_was
    octets_that_are_no_utf8_in_a_property_arrive
    the_delivery_mode_is_shown_as_it_was_sent
}

async fn through(channel: &Channel, content: Content) -> Result<Message, RawError> {
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.publish("", &queue, content).await?;
    channel.round_trip().await?;
    channel
        .take(&queue)
        .await?
        .ok_or_else(|| RawError::new("nothing arrived"))
}

async fn arrives(broker: &Broker, content: Content) -> Outcome {
    let channel = broker.channel().await?;
    let message = through(&channel, content.clone()).await?;
    assert_eq!(message.content.properties, content.properties);
    assert!(
        message.content.body == content.body,
        "{} bytes differ",
        content.body.len()
    );
    Ok(())
}

fn pattern(length: usize) -> Bytes {
    (0..length)
        .map(|at| u8::try_from(at % 251).unwrap())
        .collect()
}

async fn an_empty_body_arrives(broker: Broker) -> Outcome {
    arrives(&broker, Content::new("")).await
}

async fn an_empty_body_with_headers_arrives(broker: Broker) -> Outcome {
    let headers = Properties::default().with_headers(table([("a", number(1))]));
    arrives(&broker, Content::with("", headers)?).await
}

async fn bodies_around_the_frame_size_arrive(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let room = channel.connection().agreed().frame_max as usize - 8;
    for length in [
        room - 2,
        room - 1,
        room,
        room + 1,
        room + 2,
        2 * room,
        2 * room + 1,
    ] {
        let body = pattern(length);
        let message = through(&channel, Content::new(body.clone())).await?;
        assert!(message.content.body == body, "{length} bytes");
    }
    Ok(())
}

async fn a_body_of_a_megabyte_arrives(broker: Broker) -> Outcome {
    arrives(&broker, Content::new(pattern(1024 * 1024))).await
}

async fn a_body_of_ten_megabytes_arrives(broker: Broker) -> Outcome {
    arrives(&broker, Content::new(pattern(10 * 1024 * 1024))).await
}

async fn any_octets_arrive(broker: Broker) -> Outcome {
    // Octets that end frames and begin protocols among them.
    let body: Bytes = (0..=255).chain(*b"\xce\xceAMQP\x00\x00\x09\x01").collect();
    arrives(&broker, Content::new(body)).await
}

async fn all_properties_arrive(broker: Broker) -> Outcome {
    let properties = Properties::default()
        .with_content_type("application/json".into())
        .with_content_encoding("identity".into())
        .with_headers(table([("tenant", text("a"))]))
        .with_delivery_mode(2)
        .with_priority(3)
        .with_correlation_id("correlation".into())
        .with_reply_to("somewhere".into())
        .with_expiration("600000".into())
        .with_message_id("message".into())
        .with_timestamp(1_700_000_000)
        .with_type("kind".into())
        .with_user_id("guest".into())
        .with_app_id("app".into())
        .with_cluster_id("cluster".into());
    let channel = broker.channel().await?;
    let message = through(&channel, Content::with("x", properties.clone())?).await?;
    assert_eq!(message.properties()?, properties);
    Ok(())
}

async fn no_properties_stay_no_properties(broker: Broker) -> Outcome {
    arrives(&broker, Content::new("x")).await
}

async fn header_values_of_every_type_arrive(broker: Broker) -> Outcome {
    let mut list = FieldArray::default();
    list.push(number(1));
    list.push(text("two"));
    list.push(AMQPValue::FieldArray(FieldArray::default()));
    let headers = table([
        ("boolean", AMQPValue::Boolean(true)),
        ("int8", AMQPValue::ShortShortInt(-8)),
        ("uint8", AMQPValue::ShortShortUInt(200)),
        ("int16", AMQPValue::ShortInt(-1600)),
        ("uint16", AMQPValue::ShortUInt(60_000)),
        ("int32", AMQPValue::LongInt(-70_000)),
        ("uint32", AMQPValue::LongUInt(4_000_000_000)),
        ("int64", AMQPValue::LongLongInt(i64::MIN)),
        ("float", AMQPValue::Float(1.5)),
        ("double", AMQPValue::Double(-2.25)),
        (
            "decimal",
            AMQPValue::DecimalValue(DecimalValue {
                scale: 2,
                value: 314,
            }),
        ),
        ("text", AMQPValue::LongString(LongString::from("long"))),
        ("bytes", AMQPValue::ByteArray(vec![0, 1, 255].into())),
        ("list", AMQPValue::FieldArray(list)),
        ("time", AMQPValue::Timestamp(1_700_000_000)),
        (
            "table",
            AMQPValue::FieldTable(table([("inner", AMQPValue::Void)])),
        ),
        ("void", AMQPValue::Void),
    ]);
    let channel = broker.channel().await?;
    let sent = Properties::default().with_headers(headers.clone());
    let message = through(&channel, Content::with("x", sent)?).await?;
    assert_eq!(message.headers()?, headers);
    Ok(())
}

async fn a_table_100_levels_deep_arrives_as_it_was(broker: Broker) -> Outcome {
    arrives(&broker, Content::with_header_bytes("x", &deep(100))).await
}

async fn a_table_1000_levels_deep_arrives_as_it_was(broker: Broker) -> Outcome {
    arrives(&broker, Content::with_header_bytes("x", &deep(1_000))).await
}

async fn a_table_10000_levels_deep_arrives_as_it_was(broker: Broker) -> Outcome {
    arrives(&broker, Content::with_header_bytes("x", &deep(10_000))).await
}

async fn octets_that_are_no_utf8_in_a_property_arrive(broker: Broker) -> Outcome {
    // Message-id, 4 octets.
    let properties = Bytes::from_static(b"\x00\x80\x04\xff\xfe\x00\x80");
    arrives(
        &broker,
        Content {
            properties,
            body: Bytes::from_static(b"x"),
        },
    )
    .await
}

async fn the_delivery_mode_is_shown_as_it_was_sent(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    for mode in [1, 2] {
        let sent = Content::with("x", Properties::default().with_delivery_mode(mode))?;
        let message = through(&channel, sent).await?;
        assert_eq!(*message.properties()?.delivery_mode(), Some(mode));
    }
    Ok(())
}
