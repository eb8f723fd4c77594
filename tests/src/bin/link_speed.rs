//! What one message costs at the level of the link, without template and listener:
//! `link_speed ADDRESS [MESSAGES]` prints microseconds of processor time per message, publishing and consuming.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use rmq_core::message::{Delivery, Message, MessageProperties};
use rmq_core::name::Name;
use rmq_core::time::Deadline;
use rmq_core::transport::{
    CloseCause, ConsumeSpec, Credentials, DeliverySink, Limits, Link, LinkSettings, Pending,
    PublishSink, Settlement, Target, Token, Verdict,
};
use tokio::sync::{Notify, mpsc};

type Failure = Box<dyn Error + Send + Sync>;

const WINDOW: u64 = 1_000;
const PREFETCH: u16 = 250;
const WAIT: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Confirms {
    settled: AtomicU64,
    wrong: AtomicU64,
    some: Notify,
}

impl PublishSink for Confirms {
    fn settled(&self, verdicts: &mut Vec<(Token, Verdict)>) {
        let wrong = verdicts
            .iter()
            .filter(|(_, verdict)| !matches!(verdict, Verdict::Ack))
            .count();
        self.wrong.fetch_add(wrong as u64, Ordering::Relaxed);
        self.settled
            .fetch_add(verdicts.len() as u64, Ordering::Release);
        self.some.notify_one();
    }

    fn closed(&self, _: &CloseCause, _: Vec<Pending>) {
        self.some.notify_one();
    }
}

struct Deliveries(mpsc::UnboundedSender<Vec<Delivery>>);

impl DeliverySink for Deliveries {
    fn deliver(&self, deliveries: &mut Vec<Delivery>) {
        // The receiver lives as long as the measurement.
        let _ = self.0.send(std::mem::take(deliveries));
    }

    fn cancelled(&self) {}

    fn closed(&self, _: &CloseCause) {}
}

struct Clock(Instant, i64);

impl Clock {
    fn cpu() -> Result<i64, Failure> {
        let usage = getrusage(UsageWho::RUSAGE_SELF)?;
        Ok(usage.user_time().num_microseconds() + usage.system_time().num_microseconds())
    }

    fn start() -> Result<Self, Failure> {
        Ok(Self(Instant::now(), Self::cpu()?))
    }

    #[allow(clippy::cast_precision_loss, reason = "figures for people")]
    fn print(&self, what: &str, messages: u64) -> Result<(), Failure> {
        let cpu = (Self::cpu()? - self.1) as f64 / messages as f64;
        let rate = messages as f64 / self.0.elapsed().as_secs_f64();
        println!("{what}: {cpu:.2} us of processor a message, {rate:.0} messages a second");
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("link_speed ADDRESS [MESSAGES]")?;
    let messages: u64 = arguments.next().map_or(Ok(200_000), |text| text.parse())?;
    let (host, port) = address.rsplit_once(':').ok_or("host:port")?;
    let link = Link::open(LinkSettings {
        name: "link_speed".into(),
        target: Target::Tcp {
            host: host.into(),
            port: port.parse()?,
            tls: None,
        },
        credentials: Credentials::Plain {
            username: "guest".into(),
            password: "guest".into(),
        },
        virtual_host: "/".into(),
        heartbeat: WAIT,
        channel_max: 0,
        frame_max: 131_072,
        connect_timeout: WAIT,
        handshake_timeout: WAIT,
        rpc_timeout: WAIT,
        limits: Limits::default(),
    })
    .await?;
    let soon = || Deadline::after(WAIT);
    let channel = link.open_channel(soon()).await?;
    let queue = Name::try_from(rmq_tests_name())?;
    channel
        .declare_queue(&queue, false, true, false, false, Vec::new(), soon())
        .await?;
    for round in 1..=3 {
        publish(&link, &queue, messages, round).await?;
        consume(&link, &queue, messages, round).await?;
    }
    latency(&link, &queue).await?;
    channel.delete_queue(&queue, false, false, soon()).await?;
    link.close(soon()).await;
    Ok(())
}

fn rmq_tests_name() -> String {
    format!("link-speed-{}", std::process::id())
}

async fn publish(link: &Link, queue: &Name, messages: u64, round: u32) -> Result<(), Failure> {
    let confirms = Arc::new(Confirms::default());
    let channel = link
        .open_publishing_channel(Arc::<Confirms>::clone(&confirms), Deadline::after(WAIT))
        .await?;
    let body = bytes::Bytes::from(vec![b'x'; 256]);
    let exchange = Name::default();
    let clock = Clock::start()?;
    for sent in 0..messages {
        while sent - confirms.settled.load(Ordering::Acquire) >= WINDOW {
            confirms.some.notified().await;
        }
        let mut properties = MessageProperties::persistent();
        properties.message_id = Some(uuid::Uuid::now_v7().to_string().into());
        let message = Message::from_parts(properties, body.clone());
        channel.publish(&exchange, queue, &message, true, sent)?;
    }
    while confirms.settled.load(Ordering::Acquire) < messages {
        confirms.some.notified().await;
    }
    clock.print(&format!("publish {round}"), messages)?;
    if confirms.wrong.load(Ordering::Relaxed) > 0 {
        return Err("a verdict was not an ack".into());
    }
    channel.close(Deadline::after(WAIT)).await;
    Ok(())
}

async fn consume(link: &Link, queue: &Name, messages: u64, round: u32) -> Result<(), Failure> {
    let channel = link.open_channel(Deadline::after(WAIT)).await?;
    channel.qos(PREFETCH, Deadline::after(WAIT)).await?;
    let (send, mut deliveries) = mpsc::unbounded_channel();
    let spec = ConsumeSpec {
        queue: queue.clone(),
        consumer_tag: Name::from_static("speed"),
        no_ack: false,
        exclusive: false,
        arguments: Vec::new(),
    };
    let clock = Clock::start()?;
    channel
        .consume(spec, Arc::new(Deliveries(send)), Deadline::after(WAIT))
        .await?;
    let mut seen = 0;
    while seen < messages {
        for delivery in deliveries.recv().await.ok_or("the channel ended")? {
            seen += 1;
            channel.settle(delivery.tag(), Settlement::Ack)?;
        }
    }
    channel.round_trip(Deadline::after(WAIT)).await?;
    clock.print(&format!("consume {round}"), messages)?;
    channel.close(Deadline::after(WAIT)).await;
    Ok(())
}

async fn latency(link: &Link, queue: &Name) -> Result<(), Failure> {
    let confirms = Arc::new(Confirms::default());
    let channel = link
        .open_publishing_channel(Arc::<Confirms>::clone(&confirms), Deadline::after(WAIT))
        .await?;
    let mut times = Vec::new();
    for token in 0..2_000 {
        let start = Instant::now();
        channel.publish(&Name::default(), queue, &Message::new("x"), true, token)?;
        while confirms.settled.load(Ordering::Acquire) <= token {
            confirms.some.notified().await;
        }
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!(
        "window 1: median {:?}, p99 {:?}",
        times.get(1_000),
        times.get(1_980)
    );
    channel.close(Deadline::after(WAIT)).await;
    Ok(())
}
