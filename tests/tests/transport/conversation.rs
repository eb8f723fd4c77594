//! Publish, verdict, deliver, settle, get, declare: the plain conversation.

use rmq_core::message::Message;
use rmq_core::transport::{
    Credentials, Link, LinkSettings, PublishRejected, Settlement, TransportErrorKind, Verdict,
};

use crate::rig::{Consumer, Publisher, link, name, queue, settings, soon, waiting};

pub async fn a_publish_has_its_verdict_and_a_delivery_is_acknowledged(address: &str) {
    let link = link(address).await;
    assert_eq!(link.broker().0, "RabbitMQ");
    let channel = link.open_channel(soon()).await.unwrap();
    let queue = queue(&channel).await;
    let mut publisher = Publisher::open(&link).await;
    for token in 0..100 {
        publisher.publish(
            &queue,
            &Message::new(format!("body {token}")).with_header("x-n", token as i64),
            token,
        );
    }
    publisher.publish(
        &name("nobody-listens-here"),
        &Message::new("lost").with_message_id("m1"),
        100,
    );
    let verdicts = publisher.verdicts(101).await;
    for token in 0..100 {
        assert!(matches!(verdicts[&token], Verdict::Ack), "{token}");
    }
    let Verdict::Returned(returned) = &verdicts[&100] else {
        panic!("{:?}", verdicts[&100])
    };
    assert_eq!(
        (returned.reply_code(), returned.routing_key()),
        (312, "nobody-listens-here")
    );
    assert_eq!(returned.message().message_id(), Some("m1"));
    assert_eq!(returned.message().body(), "lost");
    assert!(returned.message().properties().headers.is_empty());

    channel.qos(30, soon()).await.unwrap();
    let mut consumer = Consumer::start(&channel, &queue, false).await;
    for token in 0..100_i64 {
        let delivery = consumer.delivery().await;
        assert_eq!(delivery.message().body(), &format!("body {token}"));
        assert_eq!(
            delivery
                .message()
                .header("x-n")
                .and_then(rmq_core::message::Value::as_i64),
            Some(token)
        );
        assert_eq!(
            (
                delivery.generation(),
                delivery.routing_key(),
                delivery.redelivered()
            ),
            (channel.generation(), queue.as_str(), false)
        );
        channel.settle(delivery.tag(), Settlement::Ack).unwrap();
        assert!(channel.settle(delivery.tag(), Settlement::Ack).is_err());
    }
    assert!(channel.unproven() > 0);
    channel.round_trip(soon()).await.unwrap();
    assert_eq!(channel.unproven(), 0);
    channel.close(soon()).await;
    let other = link.open_channel(soon()).await.unwrap();
    assert_eq!(waiting(&other, &queue).await, 0);
    other
        .delete_queue(&queue, false, false, soon())
        .await
        .unwrap();
    link.close(soon()).await;
}

pub async fn a_get_gives_a_message_or_none(address: &str) {
    let link = link(address).await;
    let channel = link.open_channel(soon()).await.unwrap();
    let queue = queue(&channel).await;
    assert!(channel.get(&queue, false, soon()).await.unwrap().is_none());
    let mut publisher = Publisher::open(&link).await;
    for token in 0..3 {
        publisher.publish(&queue, &Message::new(format!("{token}")), token);
    }
    publisher.verdicts(3).await;
    let first = channel.get(&queue, false, soon()).await.unwrap().unwrap();
    assert_eq!(
        (
            first.delivery.message().body().as_ref(),
            first.remaining,
            &**first.delivery.consumer_tag()
        ),
        (&b"0"[..], 2, "")
    );
    let second = channel.get(&queue, true, soon()).await.unwrap().unwrap();
    assert!(
        channel
            .settle(second.delivery.tag(), Settlement::Ack)
            .is_err()
    );
    let third = channel.get(&queue, false, soon()).await.unwrap().unwrap();
    channel
        .settle(third.delivery.tag(), Settlement::Ack)
        .unwrap();
    channel
        .settle(first.delivery.tag(), Settlement::HandBack)
        .unwrap();
    channel.round_trip(soon()).await.unwrap();
    let again = channel.get(&queue, false, soon()).await.unwrap().unwrap();
    assert!(again.delivery.redelivered() && again.delivery.message().body() == "0");
    channel
        .settle(again.delivery.tag(), Settlement::Reject)
        .unwrap();
    channel.round_trip(soon()).await.unwrap();
    assert!(channel.get(&queue, false, soon()).await.unwrap().is_none());
    // A get on nothing closes the channel.
    channel
        .delete_queue(&queue, false, false, soon())
        .await
        .unwrap();
    let error = channel.get(&queue, false, soon()).await.unwrap_err();
    assert_eq!(
        error.kind,
        TransportErrorKind::ChannelClosed(404),
        "{error}"
    );
    link.close(soon()).await;
}

pub async fn a_message_whose_get_was_given_up_goes_back(address: &str) {
    let link = link(address).await;
    let channel = link.open_channel(soon()).await.unwrap();
    let queue = queue(&channel).await;
    let mut publisher = Publisher::open(&link).await;
    publisher.publish(&queue, &Message::new("m"), 1);
    publisher.settled().await;
    {
        let get = channel.get(&queue, false, soon());
        tokio::pin!(get);
        // Polled once, so that it is sent, and dropped.
        tokio::select! {
            biased;
            _ = &mut get => panic!("answered before it was sent"),
            () = std::future::ready(()) => {}
        }
    }
    channel.round_trip(soon()).await.unwrap();
    // Behind the hand-back.
    channel.round_trip(soon()).await.unwrap();
    let again = channel.get(&queue, false, soon()).await.unwrap().unwrap();
    assert!(again.delivery.redelivered());
    channel
        .delete_queue(&queue, false, false, soon())
        .await
        .unwrap();
    link.close(soon()).await;
}

pub async fn topology_is_declared_bound_unbound_and_deleted(address: &str) {
    let link = link(address).await;
    let channel = link.open_channel(soon()).await.unwrap();
    let queue = queue(&channel).await;
    let [first, second] = ["first", "second"].map(|kind| name(&rmq_tests::broker::unique(kind)));
    for exchange in [&first, &second] {
        channel
            .declare_exchange(
                exchange,
                "topic",
                false,
                true,
                false,
                false,
                Vec::new(),
                soon(),
            )
            .await
            .unwrap();
        channel
            .declare_exchange(
                exchange,
                "topic",
                true,
                true,
                false,
                false,
                Vec::new(),
                soon(),
            )
            .await
            .unwrap();
    }
    let every = name("#");
    channel
        .bind_exchange(&second, &first, &every, Vec::new(), soon())
        .await
        .unwrap();
    channel
        .bind_queue(
            &queue,
            &second,
            &every,
            vec![("x-note".into(), "bound".into())],
            soon(),
        )
        .await
        .unwrap();
    let mut publisher = Publisher::open(&link).await;
    publisher
        .channel
        .publish(&first, &name("a.b"), &Message::new("m"), true, 1)
        .unwrap();
    assert!(matches!(publisher.settled().await, (1, Verdict::Ack)));
    channel
        .unbind_queue(
            &queue,
            &second,
            &every,
            vec![("x-note".into(), "bound".into())],
            soon(),
        )
        .await
        .unwrap();
    publisher
        .channel
        .publish(&first, &name("a.b"), &Message::new("m"), true, 2)
        .unwrap();
    assert!(matches!(
        publisher.settled().await,
        (2, Verdict::Returned(_))
    ));
    channel
        .unbind_exchange(&second, &first, &every, Vec::new(), soon())
        .await
        .unwrap();
    assert_eq!(waiting(&channel, &queue).await, 1);
    assert_eq!(channel.purge_queue(&queue, soon()).await.unwrap(), 1);
    assert_eq!(
        channel
            .delete_queue(&queue, true, true, soon())
            .await
            .unwrap(),
        0
    );
    let mine = channel
        .declare_queue(&name(""), false, false, true, true, Vec::new(), soon())
        .await
        .unwrap();
    assert!(mine.queue.starts_with("amq.gen-") && mine.messages == 0 && mine.consumers == 0);
    for exchange in [&first, &second] {
        channel
            .delete_exchange(exchange, true, soon())
            .await
            .unwrap();
    }
    link.close(soon()).await;
}

pub async fn a_declaration_that_differs_says_in_which_argument(address: &str) {
    let link = link(address).await;
    let channel = link.open_channel(soon()).await.unwrap();
    let first = name(&rmq_tests::broker::unique("different"));
    // Different: the broker's words say which argument.
    channel
        .declare_exchange(
            &first,
            "fanout",
            false,
            true,
            false,
            false,
            Vec::new(),
            soon(),
        )
        .await
        .unwrap();
    let error = channel
        .declare_exchange(
            &first,
            "topic",
            false,
            true,
            false,
            false,
            Vec::new(),
            soon(),
        )
        .await
        .unwrap_err();
    assert_eq!(error.kind, TransportErrorKind::ChannelClosed(406));
    assert!(error.text.contains("inequivalent arg 'type'"), "{error}");
    let channel = link.open_channel(soon()).await.unwrap();
    channel
        .delete_exchange(&first, false, soon())
        .await
        .unwrap();
    link.close(soon()).await;
}

pub async fn a_wrong_password_a_missing_virtual_host_and_nobody_there_are_told_apart(
    address: &str,
) {
    let wrong = Credentials::Plain {
        username: "guest".into(),
        password: "wrong".into(),
    };
    let error = Link::open(LinkSettings {
        credentials: wrong,
        ..settings(address)
    })
    .await
    .unwrap_err();
    assert_eq!(
        (error.kind, error.is_transient()),
        (TransportErrorKind::Authentication, false),
        "{error}"
    );
    let error = Link::open(LinkSettings {
        virtual_host: "not-there".into(),
        ..settings(address)
    })
    .await
    .unwrap_err();
    assert_eq!(
        (error.kind, error.is_transient()),
        (TransportErrorKind::VirtualHost, false),
        "{error}"
    );
    assert!(error.text.contains("not-there"), "{error}");
    // A port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = Link::open(settings(&free.to_string())).await.unwrap_err();
    assert_eq!(
        (error.kind, error.is_transient()),
        (TransportErrorKind::Unreachable, true),
        "{error}"
    );
}

pub async fn properties_that_do_not_fit_a_frame_are_refused_and_nothing_else_is_hurt(
    address: &str,
) {
    let link = Link::open(LinkSettings {
        frame_max: 4_096,
        ..settings(address)
    })
    .await
    .unwrap();
    let channel = link.open_channel(soon()).await.unwrap();
    let queue = queue(&channel).await;
    let mut publisher = Publisher::open(&link).await;
    publisher.publish(&queue, &Message::new("before"), 1);
    let large = Message::new("m").with_header("x-large", "x".repeat(5_000));
    let refused = publisher
        .channel
        .publish(&name(""), &queue, &large, true, 2)
        .unwrap_err();
    assert!(
        matches!(
            refused,
            PublishRejected::PropertiesTooLarge { limit: 4_096, .. }
        ),
        "{refused}"
    );
    publisher.publish(&queue, &Message::new("after"), 3);
    let verdicts = publisher.verdicts(2).await;
    assert!(matches!(
        (&verdicts[&1], &verdicts[&3]),
        (Verdict::Ack, Verdict::Ack)
    ));
    // An argument table that does not fit would make the broker drop the connection.
    let arguments = vec![("x-large".into(), "x".repeat(5_000).into())];
    let error = channel
        .declare_queue(&name("q"), false, true, false, false, arguments, soon())
        .await
        .unwrap_err();
    assert!(error.text.contains("does not fit"), "{error}");
}

pub async fn a_thousand_links_that_fail_leave_no_thread_behind(address: &str) {
    let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
    let before = threads();
    for _ in 0..crate::rig::count(1_000, 50) {
        Link::open(LinkSettings {
            virtual_host: "not-there".into(),
            ..settings(address)
        })
        .await
        .unwrap_err();
        link(address).await.close(soon()).await;
        drop(link(address).await);
    }
    // lapin's threads end on their own time; other tests run meanwhile.
    let deadline = soon();
    while threads() > before + 40 {
        assert!(
            !deadline.has_passed(),
            "{} threads, and {before} before",
            threads()
        );
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
