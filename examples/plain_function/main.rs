//! A plain function runs on the pool's own named threads: the place for work that blocks.

use rmq_core::prelude::*;
use tokio::sync::mpsc;

#[rabbit_config(file = "plain_function/rabbit.yml")]
struct RabbitMqConfiguration;

#[rabbit_listener(queue = "plain.pictures", concurrency = "2")]
fn shrink(picture: String, done: State<mpsc::Sender<String>>) {
    let thread = std::thread::current();
    let pool = thread
        .name()
        .unwrap_or("?")
        .trim_end_matches(char::is_numeric);
    done.blocking_send(format!("{picture} on {pool}N")).ok();
}

#[tokio::main]
async fn main() -> Result<(), rmq_core::Error> {
    let (done, mut pictures) = mpsc::channel::<String>(4);
    let rabbit = RabbitMqConfiguration::builder().state(done).start().await?;
    for picture in ["cat.png", "dog.png"] {
        rabbit
            .template()
            .convert_and_send("", "plain.pictures", &picture)
            .await?;
        println!("{}", pictures.recv().await.unwrap_or_default());
    }
    rabbit.stop().await?;
    Ok(())
}
