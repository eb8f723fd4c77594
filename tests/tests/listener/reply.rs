//! Answers.

use rmq_core::handler::Outcome;
use rmq_core::prelude::*;
use rmq_tests::broker::unique;
use rmq_tests::raw::{Content, FieldTable, Properties};

use super::rig::{Rig, endpoint, handler, listener, stop, until};

pub async fn an_answer_is_confirmed_before_its_request_is_acknowledged(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("quorum").await;
    let answers = unique("answers");
    rig.declare_with(&answers, FieldTable::default()).await;
    let handler =
        handler(
            |seen| async move { Outcome::Reply(Reply::new(format!("re: {}", seen.body)).into()) },
        );
    let registry = rig
        .start(endpoint(listener("answers", &queue), handler))
        .await;
    let ask = |to: &str, correlation: &str| {
        let properties = Properties::default()
            .with_reply_to(to.into())
            .with_correlation_id(correlation.into());
        Content::with("hello", properties).unwrap()
    };
    rig.send(&queue, ask(&answers, "c1")).await;
    rig.until_ready(&answers, 1).await;
    let answer = rig.channel.take(&answers).await.unwrap().unwrap();
    assert_eq!(answer.text(), "\"re: hello\"");
    let properties = answer.properties().unwrap();
    assert_eq!(properties.correlation_id().as_ref().unwrap().as_str(), "c1");

    // Spring's form: an exchange and a key.
    rig.send(&queue, ask(&format!("amq.direct/{answers}"), "c2"))
        .await;
    // Nobody is bound there, so the answer is returned: the request is not acknowledged but dead-lettered.
    rig.until_ready(&format!("{queue}.dlq"), 1).await;
    rig.channel
        .bind(&answers, "amq.direct", &answers)
        .await
        .unwrap();
    rig.send(&queue, ask(&format!("amq.direct/{answers}"), "c3"))
        .await;
    rig.until_ready(&answers, 1).await;
    stop(&registry).await;
    let ledger = registry.ledger().deliveries;
    assert_eq!(
        (ledger.acknowledged, ledger.dead_lettered),
        (2, 1),
        "{ledger}"
    );
}

pub async fn an_answer_to_nobody_is_a_failure(address: &str) {
    let rig = Rig::new(address).await;
    let queue = rig.queue("classic").await;
    rig.send(&queue, Content::new("hello")).await;
    let handler = handler(|_| async { Outcome::Reply(Reply::new("hi").into()) });
    let registry = rig
        .start(endpoint(listener("nobody", &queue), handler))
        .await;
    rig.until_ready(&format!("{queue}.dlq"), 1).await;
    until("settled", || async {
        registry.ledger().deliveries.dead_lettered == 1
    })
    .await;
    stop(&registry).await;
    assert_eq!(registry.ledger().deliveries.retries, 0);
}

#[rabbit_config]
struct Office;

#[rabbit_listener(
    config = Office,
    queue = "reply.doubles",
    concurrency = "4",
    retry(max_attempts = 2, initial_interval = "1ms")
)]
async fn double(number: u32) -> Result<Reply<u32>, String> {
    if number == 13 {
        return Err("not this one".to_owned());
    }
    Ok(Reply::new(number * 2))
}

async fn office(address: &str, listeners: rmq_core::registry::Registrations) -> RabbitApp {
    let builder = Office::builder()
        .environment([("RABBIT_ADDRESSES", address)])
        .properties(
            "office.yml",
            "rabbitmq: { template: { reply-timeout: 20s } }\n",
        )
        .only(listeners)
        .declare(Queue::quorum("reply.doubles"));
    builder.start().await.unwrap()
}

/// Over direct reply-to, from one program to another.
pub async fn each_requester_gets_the_answer_of_a_listener(address: &str) {
    let answers = office(address, listeners![double]).await;
    let asks = office(address, listeners![]).await;
    let requests: Vec<_> = (100..300u32)
        .map(|number| {
            let template = asks.template();
            tokio::spawn(async move {
                let answer: u32 = template
                    .convert_send_and_receive("", "reply.doubles", &number)
                    .await
                    .unwrap();
                assert_eq!(answer, number * 2);
            })
        })
        .collect();
    for request in requests {
        request.await.unwrap();
    }
    // One without an answer, and without a consequence for those behind it.
    let template = asks.template();
    let refused = async {
        let dead = until("its dead letter", || async {
            answers.ledger().delivered.deliveries.dead_lettered == 1
        });
        tokio::select! {
            end = template.convert_send_and_receive::<_, u32>("", "reply.doubles", &13) => {
                panic!("{end:?}");
            }
            () = dead => {}
        }
    };
    let answered = template.convert_send_and_receive::<_, u32>("", "reply.doubles", &14);
    let ((), answered) = tokio::join!(refused, answered);
    assert_eq!(answered.unwrap(), 28);
    asks.stop().await.unwrap();
    answers.stop().await.unwrap();
    let asked = asks.ledger().published;
    assert_eq!((asked.sent, asked.confirmed), (202, 202), "{asked}");
    let ledger = answers.ledger();
    let replies = ledger.published;
    assert_eq!((replies.sent, replies.confirmed), (201, 201), "{replies}");
    let requests = ledger.delivered.deliveries;
    assert_eq!(
        (requests.acknowledged, requests.dead_lettered),
        (201, 1),
        "{requests}"
    );
}
