//! How a publish can end, and what the caller holds then. (The fifth end, `Unknown`, needs a dead broker.)

use rmq_core::prelude::*;

#[rabbit_config(file = "publish_outcomes/rabbit.yml")]
struct RabbitMqConfiguration;

async fn publish(template: &RabbitTemplate, exchange: &str, key: &str) {
    match template.send(exchange, key, Message::new("hello")).await {
        Ok(confirmed) => println!(
            "`{exchange}` `{key}`: confirmed, sent {} time(s)",
            confirmed.attempts()
        ),
        Err(error) => {
            println!("`{exchange}` `{key}`: {error}");
            let message = error
                .into_message()
                .map_or(0, |message| message.body().len());
            println!("    we still hold the message: {message} bytes");
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), rmq_core::Error> {
    let rabbit = RabbitMqConfiguration::start().await?;
    let template = rabbit.template();
    publish(&template, "", "outcomes.open").await; //     Confirmed
    publish(&template, "", "outcomes.nobody").await; //   Returned
    publish(&template, "", "outcomes.full").await; //     Confirmed: the first one fits
    publish(&template, "", "outcomes.full").await; //     Nacked: the queue is full
    publish(&template, "no-such-exchange", "k").await; // Refused with 404
    rabbit.stop().await?;
    println!("{}", rabbit.ledger());
    Ok(())
}
