//! Opening, closing and misusing channels.

use rmq_tests::raw::{Frame, basic, channels};

use crate::stage::{Broker, Outcome};

on_each_broker! {
    many_channels_are_open_at_once
    a_closed_channel_number_is_free_again
    opening_a_channel_twice_closes_the_connection
    a_method_on_a_channel_that_is_not_open_closes_the_connection
    a_channel_error_leaves_the_other_channels_alone
    a_channel_number_is_free_again_after_the_broker_closed_it
    what_is_sent_between_a_close_and_its_answer_is_ignored
    an_active_flow_is_agreed_to
    stopping_the_flow_is_not_implemented
    an_unknown_method_ends_the_connection
}

async fn many_channels_are_open_at_once(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    let mut all = Vec::new();
    for id in 1..=200 {
        all.push(connection.channel(id).await?);
    }
    for channel in all {
        channel.round_trip().await?;
    }
    Ok(())
}

async fn a_closed_channel_number_is_free_again(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    for _ in 0..3 {
        let channel = connection.channel(7).await?;
        channel.round_trip().await?;
        channel.close().await?;
    }
    Ok(())
}

async fn opening_a_channel_twice_closes_the_connection(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let closed = channel.refused_hard(channels::Open {}).await?;
    assert_eq!(
        (closed.code, closed.method),
        (504, (20, 10)),
        "{}",
        closed.text
    );
    assert_eq!(closed.text, "CHANNEL_ERROR - second 'channel.open' seen");
    Ok(())
}

async fn a_method_on_a_channel_that_is_not_open_closes_the_connection(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    connection.send(5, basic::Qos::default()).await?;
    let closed = connection.closed().await?;
    assert_eq!(closed.code, 504);
    assert_eq!(closed.text, "CHANNEL_ERROR - expected 'channel.open'");
    Ok(())
}

async fn a_channel_error_leaves_the_other_channels_alone(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    let (bad, good) = (connection.channel(1).await?, connection.channel(2).await?);
    let queue = good.own_queue(Default::default()).await?;
    good.publish_texts("", &queue, &["kept"]).await?;
    assert_eq!(
        bad.refused(basic::Ack {
            delivery_tag: 1,
            multiple: false
        })
        .await?
        .code,
        406
    );
    assert_eq!(good.take_all(&queue).await?, ["kept"]);
    Ok(())
}

async fn a_channel_number_is_free_again_after_the_broker_closed_it(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    for _ in 0..20 {
        let channel = connection.channel(1).await?;
        channel
            .refused(basic::Ack {
                delivery_tag: 1,
                multiple: false,
            })
            .await?;
    }
    connection.channel(1).await?.round_trip().await
}

async fn what_is_sent_between_a_close_and_its_answer_is_ignored(broker: Broker) -> Outcome {
    let connection = broker.connection().await?;
    let channel = connection.channel(1).await?;
    let queue = channel.own_queue(Default::default()).await?;
    channel
        .send(basic::Ack {
            delivery_tag: 1,
            multiple: false,
        })
        .await?;
    channel
        .publish("", &queue, rmq_tests::raw::Content::new("too late"))
        .await?;
    assert_eq!(channel.closed().await?.code, 406);
    let again = connection.channel(1).await?;
    assert_eq!(again.take(&queue).await?, None);
    Ok(())
}

async fn an_active_flow_is_agreed_to(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    assert!(channel.call(channels::Flow { active: true }).await?.active);
    Ok(())
}

async fn stopping_the_flow_is_not_implemented(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let closed = channel
        .refused_hard(channels::Flow { active: false })
        .await?;
    assert_eq!(
        (closed.code, closed.text.as_str()),
        (540, "NOT_IMPLEMENTED - active=false")
    );
    Ok(())
}

async fn an_unknown_method_ends_the_connection(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    channel
        .connection()
        .send_frames(&[Frame::spelled(1, 60, 999, &[])])
        .await?;
    // RabbitMQ drops the connection; a close with a code would do as well.
    match channel.connection().closed().await {
        Ok(closed) => assert!(closed.code >= 500, "{closed}"),
        Err(error) => assert!(error.to_string().contains("End came"), "{error}"),
    }
    Ok(())
}
