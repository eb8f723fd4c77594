//! A listener that answers: the request is acknowledged only after its reply was confirmed.

use rmq_core::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
struct QuoteRequest {
    article: String,
    pieces: u64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Quote {
    total_cents: u64,
}

#[rabbit_config(file = "request_reply/rabbit.yml")]
struct RabbitMqConfiguration;

#[rabbit_listener(queue = "request-reply.quotes")]
async fn quote(request: QuoteRequest) -> Reply<Quote> {
    Reply::new(Quote {
        total_cents: request.pieces * 250,
    })
}

#[tokio::main]
async fn main() -> Result<(), rmq_core::Error> {
    let rabbit = RabbitMqConfiguration::start().await?;
    let request = QuoteRequest {
        article: "tea".to_owned(),
        pieces: 4,
    };
    let quote: Quote = rabbit
        .template()
        .convert_send_and_receive("", "request-reply.quotes", &request)
        .await?;
    println!(
        "{} pieces of {} cost {} cents",
        request.pieces, request.article, quote.total_cents
    );
    rabbit.stop().await?;
    println!("{}", rabbit.ledger());
    Ok(())
}
