//! The Spring configuration of `RabbitMqConfiguration.java`, in Rust, on the same application.yml.
//!
//! | Spring bean | here |
//! |---|---|
//! | `MessageConverter` (JSON) | the default |
//! | `RabbitTemplate` with mandatory, confirm and return callback | `#[on_confirm]`, `#[on_return]`; mandatory is on |
//! | `ThreadPoolTaskExecutor` 16, 16, 500, `rabbitExecutor-`, caller-runs | the default, or `listener.simple.executor` |
//! | `SimpleRabbitListenerContainerFactory` | the default |
//!
//! The file names no address, as in Spring: that means `localhost:5672`. For the test of this example, and for
//! you if you have no broker, it starts the embedded one when RABBIT_ADDRESSES is not set.

use rmq_core::EmbeddedBroker;
use rmq_core::prelude::*;

#[rabbit_config(file = "spring_mirror/rabbit.yml")]
struct RabbitMqConfiguration;

#[rabbit_config]
impl RabbitMqConfiguration {
    #[on_confirm]
    async fn confirmed(&self, confirm: Confirm) {
        println!(
            "confirm: ack={} cause={:?}",
            confirm.is_ack(),
            confirm.cause()
        );
    }

    #[on_return]
    async fn returned(&self, message: ReturnedMessage) {
        println!(
            "returned: {} bytes, {} {}, exchange `{}`, key `{}`",
            message.message().body().len(),
            message.reply_code(),
            message.reply_text(),
            message.exchange(),
            message.routing_key()
        );
    }

    #[declarables]
    fn topology(&self) -> Declarables {
        Declarables::new().with(Queue::quorum("mirror.letters"))
    }

    #[rabbit_listener(queue = "mirror.letters")]
    async fn read(&self, letter: String) {
        println!("read: {letter}");
    }
}

#[tokio::main]
async fn main() -> Result<(), rmq_core::Error> {
    let mut builder = RabbitMqConfiguration::builder();
    if std::env::var_os("RABBIT_ADDRESSES").is_none() {
        builder = builder.broker(EmbeddedBroker::start().await?);
    }
    let rabbit = builder.start().await?;
    let template = rabbit.template();
    template
        .convert_and_send("", "mirror.letters", &"dear reader")
        .await?;
    if let Err(error) = template
        .convert_and_send("", "mirror.nowhere", &"dear nobody")
        .await
    {
        println!("the caller: {:?}, {}", error.kind(), error.code());
    }
    rabbit.stop().await?;
    println!("{}", rabbit.ledger());
    Ok(())
}
