//! Answers.

use rmq_core::handler::{Outcome, Reply};
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
