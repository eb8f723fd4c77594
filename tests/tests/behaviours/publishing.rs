//! What becomes of a publish.

use amq_protocol::types::FieldArray;
use rmq_tests::broker::unique;
use rmq_tests::raw::table::{table, text};
use rmq_tests::raw::{AMQPValue, Content, FieldTable, Properties, basic};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    order_is_kept
    a_missing_exchange_closes_the_channel
    what_was_published_before_a_channel_error_stays
    immediate_is_not_implemented
    an_unroutable_message_is_dropped_in_silence
    an_unroutable_mandatory_message_is_returned
    a_returned_message_is_whole
    a_routed_mandatory_message_is_not_returned
    the_user_id_of_another_user_is_refused
    the_own_user_id_is_fine
    an_expiration_that_is_no_number_is_refused
    a_carbon_copy_reaches_its_queue
    a_blind_carbon_copy_reaches_its_queue_and_is_not_shown
    a_carbon_copy_that_is_no_list_is_refused
}

async fn order_is_kept(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    let all: Vec<String> = (0..500).map(|number| number.to_string()).collect();
    let texts: Vec<&str> = all.iter().map(String::as_str).collect();
    channel.publish_texts("", &queue, &texts).await?;
    assert_eq!(channel.take_all(&queue).await?, all);
    Ok(())
}

async fn a_missing_exchange_closes_the_channel(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let name = unique("missing");
    channel.publish(&name, "key", Content::new("x")).await?;
    let closed = channel.closed().await?;
    assert_eq!((closed.code, closed.method), (404, (60, 40)));
    assert_eq!(
        closed.text,
        format!("NOT_FOUND - no exchange '{name}' in vhost '/'")
    );
    Ok(())
}

async fn what_was_published_before_a_channel_error_stays(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    let channel = connection.channel(1).await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel.publish("", &queue, Content::new("before")).await?;
    channel
        .publish(&unique("missing"), "key", Content::new("bad"))
        .await?;
    channel.publish("", &queue, Content::new("after")).await?;
    channel.closed().await?;
    assert_eq!(
        connection.channel(1).await?.take_all(&queue).await?,
        ["before"]
    );
    Ok(())
}

async fn immediate_is_not_implemented(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let method = basic::Publish {
        immediate: true,
        ..Default::default()
    };
    let frames = channel.publish_frames(method, &Content::new("x"))?;
    channel.connection().send_frames(&frames).await?;
    let closed = channel.connection().closed().await?;
    assert_eq!(
        (closed.code, closed.text.as_str()),
        (540, "NOT_IMPLEMENTED - immediate=true")
    );
    Ok(())
}

async fn an_unroutable_message_is_dropped_in_silence(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel
        .publish("", &unique("nobody"), Content::new("x"))
        .await?;
    assert!(channel.told(&queue).await?.is_empty());
    Ok(())
}

async fn an_unroutable_mandatory_message_is_returned(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let key = unique("nobody");
    channel
        .publish_with("amq.direct", &key, true, Content::new("x"))
        .await?;
    let rmq_tests::raw::Event::Message(message) = channel.event().await? else {
        panic!("a return was due")
    };
    assert_eq!(message.returned, Some((312, "NO_ROUTE".to_owned())));
    assert_eq!(
        (message.exchange.as_str(), message.routing_key),
        ("amq.direct", key)
    );
    Ok(())
}

async fn a_returned_message_is_whole(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let properties = Properties::default()
        .with_message_id("id-1".into())
        .with_delivery_mode(2)
        .with_headers(table([("tenant", text("a"))]));
    let content = Content::with(vec![9_u8; 300_000], properties)?;
    channel
        .publish_with("", &unique("nobody"), true, content.clone())
        .await?;
    let rmq_tests::raw::Event::Message(message) = channel.event().await? else {
        panic!("a return was due")
    };
    assert_eq!(message.content.body, content.body);
    assert_eq!(
        message
            .properties()?
            .message_id()
            .as_ref()
            .map(|id| id.as_str()),
        Some("id-1")
    );
    assert_eq!(message.header("tenant")?, Some(text("a")));
    Ok(())
}

async fn a_routed_mandatory_message_is_not_returned(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    channel
        .publish_with("", &queue, true, Content::new("x"))
        .await?;
    assert!(channel.told(&queue).await?.is_empty());
    assert_eq!(channel.take_all(&queue).await?, ["x"]);
    Ok(())
}

async fn the_user_id_of_another_user_is_refused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let content = Content::with("x", Properties::default().with_user_id("somebody".into()))?;
    channel.publish("", "anywhere", content).await?;
    let closed = channel.closed().await?;
    assert_eq!(closed.code, 406);
    assert_eq!(
        closed.text,
        "PRECONDITION_FAILED - user_id property set to 'somebody' but authenticated user was 'guest'"
    );
    Ok(())
}

async fn the_own_user_id_is_fine(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    let content = Content::with("x", Properties::default().with_user_id("guest".into()))?;
    channel.publish("", &queue, content).await?;
    channel.round_trip().await?;
    assert_eq!(channel.take_all(&queue).await?, ["x"]);
    Ok(())
}

async fn an_expiration_that_is_no_number_is_refused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let queue = channel.own_queue(FieldTable::default()).await?;
    let content = Content::with("x", Properties::default().with_expiration("soon".into()))?;
    channel.publish("", &queue, content).await?;
    let closed = channel.closed().await?;
    assert_eq!(closed.code, 406, "{}", closed.text);
    assert!(
        closed.text.contains("invalid expiration 'soon'"),
        "{}",
        closed.text
    );
    Ok(())
}

fn copies(header: &str, keys: &[&str]) -> Properties {
    let mut list = FieldArray::default();
    for key in keys {
        list.push(text(key));
    }
    Properties::default().with_headers(table([(header, AMQPValue::FieldArray(list))]))
}

async fn a_carbon_copy_reaches_its_queue(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let main = channel.own_queue(FieldTable::default()).await?;
    let copy = channel.own_queue(FieldTable::default()).await?;
    channel
        .publish("", &main, Content::with("x", copies("CC", &[&copy]))?)
        .await?;
    channel.round_trip().await?;
    assert_eq!(channel.take_all(&main).await?, ["x"]);
    let message = channel.take(&copy).await?.expect("a copy");
    assert!(message.header("CC")?.is_some());
    Ok(())
}

async fn a_blind_carbon_copy_reaches_its_queue_and_is_not_shown(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let main = channel.own_queue(FieldTable::default()).await?;
    let copy = channel.own_queue(FieldTable::default()).await?;
    channel
        .publish("", &main, Content::with("x", copies("BCC", &[&copy]))?)
        .await?;
    channel.round_trip().await?;
    for queue in [main, copy] {
        let message = channel.take(&queue).await?.expect("a message");
        assert_eq!(message.header("BCC")?, None);
    }
    Ok(())
}

async fn a_carbon_copy_that_is_no_list_is_refused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let headers = table([("CC", text("nobody"))]);
    let content = Content::with("x", Properties::default().with_headers(headers))?;
    channel.publish("", "anywhere", content).await?;
    let closed = channel.closed().await?;
    assert_eq!(closed.code, 406, "{}", closed.text);
    Ok(())
}
