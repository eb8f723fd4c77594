//! Direct reply-to: requests and replies without a queue.

use rmq_tests::raw::{
    Channel, Content, FieldTable, Message, Properties, RawError, Verdict, basic, queue,
};

use crate::stage::{Broker, Outcome};

const PSEUDO_QUEUE: &str = "amq.rabbitmq.reply-to";

on_each_broker! {
    a_reply_reaches_who_asked
    the_address_is_made_for_the_asker
    the_consumer_must_not_acknowledge
    a_channel_has_one_such_consumer
    a_request_without_the_consumer_is_refused
    a_mandatory_reply_is_returned_although_it_arrives
    a_reply_to_one_who_left_is_returned
    the_pseudo_queue_can_be_looked_for
    an_address_that_lives_can_be_looked_for
    a_cancelled_consumer_makes_room_for_another
}

async fn asker(broker: &Broker) -> Result<Channel, RawError> {
    let channel = broker.channel().await?;
    let consume = basic::Consume {
        queue: PSEUDO_QUEUE.into(),
        no_ack: true,
        ..Default::default()
    };
    channel.consume_with(consume).await?;
    Ok(channel)
}

/// Sends a request and gives it as the server sees it.
async fn asked(asker: &Channel, server: &Channel) -> Result<(Message, String), RawError> {
    let queue = server.own_queue(FieldTable::default()).await?;
    let properties = Properties::default()
        .with_reply_to(PSEUDO_QUEUE.into())
        .with_correlation_id("1".into());
    asker
        .publish("", &queue, Content::with("question", properties)?)
        .await?;
    server.consume(&queue).await?;
    let request = server.delivery().await?;
    let address = request
        .properties()?
        .reply_to()
        .clone()
        .expect("an address");
    Ok((request, address.to_string()))
}

async fn a_reply_reaches_who_asked(broker: Broker) -> Outcome {
    let (client, server) = (asker(&broker).await?, broker.channel().await?);
    let (request, address) = asked(&client, &server).await?;
    assert_eq!(request.text(), "question");
    server.publish("", &address, Content::new("answer")).await?;
    let reply = client.delivery().await?;
    assert_eq!(
        (reply.text().as_str(), reply.exchange.as_str()),
        ("answer", "")
    );
    Ok(())
}

async fn the_address_is_made_for_the_asker(broker: Broker) -> Outcome {
    let (one, two) = (asker(&broker).await?, asker(&broker).await?);
    let (_, first) = asked(&one, &broker.channel().await?).await?;
    let (_, second) = asked(&two, &broker.channel().await?).await?;
    let begin = format!("{PSEUDO_QUEUE}.");
    assert!(first.starts_with(&begin) && second.starts_with(&begin) && first != second);
    Ok(())
}

async fn the_consumer_must_not_acknowledge(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let consume = basic::Consume {
        queue: PSEUDO_QUEUE.into(),
        ..Default::default()
    };
    let closed = channel.refused(consume).await?;
    assert_eq!(closed.code, 406);
    assert_eq!(
        closed.text,
        "PRECONDITION_FAILED - reply consumer cannot acknowledge"
    );
    Ok(())
}

async fn a_channel_has_one_such_consumer(broker: Broker) -> Outcome {
    let channel = asker(&broker).await?;
    let consume = basic::Consume {
        queue: PSEUDO_QUEUE.into(),
        no_ack: true,
        ..Default::default()
    };
    let closed = channel.refused(consume).await?;
    assert_eq!(closed.code, 406);
    assert_eq!(
        closed.text,
        "PRECONDITION_FAILED - reply consumer already set"
    );
    Ok(())
}

async fn a_request_without_the_consumer_is_refused(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let properties = Properties::default().with_reply_to(PSEUDO_QUEUE.into());
    channel
        .publish("", "anywhere", Content::with("question", properties)?)
        .await?;
    let closed = channel.closed().await?;
    assert_eq!(closed.code, 406);
    assert_eq!(
        closed.text,
        "PRECONDITION_FAILED - fast reply consumer does not exist"
    );
    Ok(())
}

async fn a_mandatory_reply_is_returned_although_it_arrives(broker: Broker) -> Outcome {
    let (client, server) = (asker(&broker).await?, broker.channel().await?);
    let (_, address) = asked(&client, &server).await?;
    server.confirm_select().await?;
    let verdict = server
        .publish_and_wait("", &address, Content::new("answer"))
        .await?;
    assert!(matches!(verdict, Verdict::Returned(_)), "{verdict:?}");
    assert_eq!(client.delivery().await?.text(), "answer");
    Ok(())
}

async fn a_reply_to_one_who_left_is_returned(broker: Broker) -> Outcome {
    let (client, server) = (asker(&broker).await?, broker.channel().await?);
    let (_, address) = asked(&client, &server).await?;
    client.connection().close().await?;
    server.confirm_select().await?;
    let verdict = server
        .publish_and_wait("", &address, Content::new("answer"))
        .await?;
    assert!(matches!(verdict, Verdict::Returned(_)), "{verdict:?}");
    Ok(())
}

async fn the_pseudo_queue_can_be_looked_for(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    let passive = queue::Declare {
        queue: PSEUDO_QUEUE.into(),
        passive: true,
        ..Default::default()
    };
    let ok = channel.call(passive).await?;
    assert_eq!(ok.queue.as_str(), PSEUDO_QUEUE);
    Ok(())
}

async fn an_address_that_lives_can_be_looked_for(broker: Broker) -> Outcome {
    let (client, server) = (asker(&broker).await?, broker.channel().await?);
    let (_, address) = asked(&client, &server).await?;
    let passive = queue::Declare {
        queue: address.as_str().into(),
        passive: true,
        ..Default::default()
    };
    server.call(passive.clone()).await?;
    client.connection().close().await?;
    crate::stage::eventually("the address is gone", async || {
        let probe = server.connection().channel(9).await?;
        match probe.call(passive.clone()).await {
            Ok(_) => probe.close().await.map(|()| false),
            Err(error) => {
                assert_eq!(
                    error.close().map(|closed| closed.code),
                    Some(404),
                    "{error}"
                );
                probe
                    .send(rmq_tests::raw::channels::CloseOk {})
                    .await
                    .map(|()| true)
            }
        }
    })
    .await
}

async fn a_cancelled_consumer_makes_room_for_another(broker: Broker) -> Outcome {
    let channel = broker.channel().await?;
    for _ in 0..2 {
        let consume = basic::Consume {
            queue: PSEUDO_QUEUE.into(),
            consumer_tag: "replies".into(),
            no_ack: true,
            ..Default::default()
        };
        channel.consume_with(consume).await?;
        channel
            .call(basic::Cancel {
                consumer_tag: "replies".into(),
                nowait: false,
            })
            .await?;
    }
    Ok(())
}
