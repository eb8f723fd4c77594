//! Returns and confirms are paired right, however many are in flight.

use rmq_core::message::Message;
use rmq_core::transport::Verdict;

use crate::rig::{Publisher, count, link, name, queue, soon, waiting};

pub async fn every_tenth_unroutable_of_five_thousand_in_flight_has_no_wrong_verdict(address: &str) {
    let link = link(address).await;
    let channel = link.open_channel(soon()).await.unwrap();
    let queue = queue(&channel).await;
    let nowhere = name("nobody-listens-here");
    let mut publisher = Publisher::open(&link).await;
    for round in 0..count(200, 10) as u64 {
        let tokens = round * 5_000..(round + 1) * 5_000;
        for token in tokens.clone() {
            let key = if token % 10 == 3 { &nowhere } else { &queue };
            // Everybody has the same message id: it must not matter.
            publisher.publish(
                key,
                &Message::new(token.to_be_bytes().to_vec()).with_message_id("the same"),
                token,
            );
        }
        let verdicts = publisher.verdicts(5_000).await;
        for token in tokens {
            match (&verdicts[&token], token % 10 == 3) {
                (Verdict::Ack, false) => {}
                (Verdict::Returned(returned), true) => {
                    assert_eq!(returned.message().body()[..], token.to_be_bytes());
                }
                (verdict, _) => panic!("{token}: {verdict:?}"),
            }
        }
        assert_eq!(publisher.channel.in_flight(), 0);
        assert_eq!(channel.purge_queue(&queue, soon()).await.unwrap(), 4_500);
    }
    channel
        .delete_queue(&queue, false, false, soon())
        .await
        .unwrap();
    link.close(soon()).await;
}

pub async fn a_full_queue_nacks_the_right_ones(address: &str) {
    let link = link(address).await;
    let channel = link.open_channel(soon()).await.unwrap();
    let full = name(&rmq_tests::broker::unique("full"));
    let arguments = vec![
        ("x-max-length".into(), 10_i32.into()),
        ("x-overflow".into(), "reject-publish".into()),
    ];
    channel
        .declare_queue(&full, false, true, false, false, arguments, soon())
        .await
        .unwrap();
    let open = queue(&channel).await;
    let mut publisher = Publisher::open(&link).await;
    for token in 0..1_000 {
        publisher.publish(
            if token % 2 == 0 { &full } else { &open },
            &Message::new("m"),
            token,
        );
    }
    let verdicts = publisher.verdicts(1_000).await;
    let nacked = (0..1_000)
        .filter(|token| matches!(verdicts[token], Verdict::Nack))
        .count() as u32;
    assert!((0..500).all(|half| matches!(verdicts[&(2 * half + 1)], Verdict::Ack)));
    assert_eq!(nacked, 500 - waiting(&channel, &full).await);
    assert_eq!(waiting(&channel, &open).await, 500);
    for queue in [full, open] {
        channel
            .delete_queue(&queue, false, false, soon())
            .await
            .unwrap();
    }
    link.close(soon()).await;
}
