//! A client for these tests: it sends and sees frames one by one, over an in-memory link.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use std::time::Duration;

use amq_protocol::frame::{AMQPFrame, WriteContext, gen_frame, parse_frame};
use amq_protocol::protocol::basic::AMQPProperties;
use amq_protocol::protocol::{AMQPClass, basic, channel, confirm, connection, exchange, queue};
use amq_protocol::types::{AMQPValue, FieldTable, ShortString};
use rmq_embedded::EmbeddedBroker;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Everything a test waits for comes within this time or fails it.
pub const DEADLINE: Duration = Duration::from_secs(10);

pub struct Client {
    stream: DuplexStream,
    input: Vec<u8>,
    name: Option<String>,
    channel_max: u16,
}

/// A delivered, fetched or returned message.
#[derive(Debug)]
pub struct Content {
    pub method: basic::AMQPMethod,
    pub properties: AMQPProperties,
    pub body: Vec<u8>,
}

impl Content {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn delivery(&self) -> &basic::Deliver {
        match &self.method {
            basic::AMQPMethod::Deliver(deliver) => deliver,
            other => panic!("not a delivery: {other:?}"),
        }
    }

    pub fn header(&self, key: &str) -> Option<&AMQPValue> {
        self.properties.headers().as_ref()?.inner().get(key)
    }
}

impl Client {
    /// Connected as guest to `/`, heartbeats off.
    pub async fn connect(broker: &EmbeddedBroker) -> Self {
        let mut client = Self::raw(broker);
        client.login().await;
        client
    }

    /// Connected as a client that gives itself this name.
    pub async fn connect_named(broker: &EmbeddedBroker, name: &str) -> Self {
        let mut client = Self::raw(broker);
        client.name = Some(name.to_owned());
        client.login().await;
        client
    }

    /// A link on which nothing was said yet.
    pub fn raw(broker: &EmbeddedBroker) -> Self {
        Self {
            stream: broker.connect(),
            input: Vec::new(),
            name: None,
            channel_max: 2047,
        }
    }

    /// Connected with this highest channel number.
    pub async fn connect_tuned(broker: &EmbeddedBroker, channel_max: u16) -> Self {
        let mut client = Self::raw(broker);
        client.channel_max = channel_max;
        client.login().await;
        client
    }

    pub async fn login(&mut self) {
        self.login_with(0).await;
    }

    pub async fn login_with(&mut self, heartbeat: u16) {
        self.login_as("\0guest\0guest", heartbeat).await;
    }

    pub async fn login_as(&mut self, response: &str, heartbeat: u16) {
        self.send_bytes(b"AMQP\x00\x00\x09\x01").await;
        self.next().await;
        self.start_ok("PLAIN", response).await;
        self.next().await;
        let tune = connection::TuneOk {
            channel_max: self.channel_max,
            frame_max: 131_072,
            heartbeat,
        };
        self.send(
            0,
            AMQPClass::Connection(connection::AMQPMethod::TuneOk(tune)),
        )
        .await;
        let open = connection::Open {
            virtual_host: "/".into(),
        };
        self.send(0, AMQPClass::Connection(connection::AMQPMethod::Open(open)))
            .await;
        match self.next().await {
            AMQPFrame::Method(0, AMQPClass::Connection(connection::AMQPMethod::OpenOk(_))) => {}
            other => panic!("no open-ok but {other:?}"),
        }
    }

    pub async fn start_ok(&mut self, mechanism: &str, response: &str) {
        let mut capabilities = FieldTable::default();
        for name in [
            "consumer_cancel_notify",
            "connection.blocked",
            "authentication_failure_close",
        ] {
            capabilities.insert(name.into(), AMQPValue::Boolean(true));
        }
        let mut properties = FieldTable::default();
        properties.insert("capabilities".into(), AMQPValue::FieldTable(capabilities));
        if let Some(name) = &self.name {
            properties.insert("connection_name".into(), text(name));
        }
        let start_ok = connection::StartOk {
            client_properties: properties,
            mechanism: mechanism.into(),
            response: response.into(),
            locale: "en_US".into(),
        };
        self.send(
            0,
            AMQPClass::Connection(connection::AMQPMethod::StartOk(start_ok)),
        )
        .await;
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub async fn send(&mut self, channel: u16, class: AMQPClass) {
        self.send_bytes(&encode(&AMQPFrame::Method(channel, class)))
            .await;
    }

    /// The next frame that is no heartbeat; `None` where the broker closed the link.
    pub async fn try_next(&mut self) -> Option<AMQPFrame> {
        loop {
            match self.try_frame().await {
                Some(AMQPFrame::Heartbeat) => {}
                other => return other,
            }
        }
    }

    /// The next frame; `None` where the broker closed the link.
    pub async fn try_frame(&mut self) -> Option<AMQPFrame> {
        let wait = async {
            loop {
                if let Ok((rest, frame)) = parse_frame(&self.input[..]) {
                    let used = self.input.len() - rest.len();
                    self.input.drain(..used);
                    return Some(frame);
                }
                match self.stream.read_buf(&mut self.input).await {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
        };
        tokio::time::timeout(DEADLINE, wait)
            .await
            .expect("no frame came in time")
    }

    pub async fn next(&mut self) -> AMQPFrame {
        self.try_next().await.expect("the broker closed the link")
    }

    /// Waits for the broker to close the link, whatever comes before.
    pub async fn closed(&mut self) {
        while self.try_next().await.is_some() {}
    }

    /// Every byte that comes until the broker closes the link, whole frames or not.
    pub async fn rest(&mut self) -> Vec<u8> {
        let read = self.stream.read_to_end(&mut self.input);
        let ended = tokio::time::timeout(DEADLINE, read).await;
        ended.expect("the link stays up").unwrap();
        std::mem::take(&mut self.input)
    }

    pub async fn method(&mut self, channel: u16) -> AMQPClass {
        match self.next().await {
            AMQPFrame::Method(number, class) if number == channel => class,
            other => panic!("expected a method on channel {channel}, got {other:?}"),
        }
    }

    pub async fn call(&mut self, channel: u16, class: AMQPClass) -> AMQPClass {
        self.send(channel, class).await;
        self.method(channel).await
    }

    pub async fn open(&mut self, number: u16) {
        let open = AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {}));
        self.call(number, open).await;
    }

    pub async fn confirms(&mut self, number: u16) {
        let select = confirm::Select { nowait: false };
        self.call(
            number,
            AMQPClass::Confirm(confirm::AMQPMethod::Select(select)),
        )
        .await;
    }

    pub async fn declare(&mut self, number: u16, declare: queue::Declare) -> queue::DeclareOk {
        match self
            .call(
                number,
                AMQPClass::Queue(queue::AMQPMethod::Declare(declare)),
            )
            .await
        {
            AMQPClass::Queue(queue::AMQPMethod::DeclareOk(ok)) => ok,
            other => panic!("not declared: {other:?}"),
        }
    }

    /// A durable queue with arguments.
    pub async fn queue(&mut self, name: &str, arguments: &[(&str, AMQPValue)]) {
        self.declare(1, durable(name, arguments)).await;
    }

    /// Messages that wait in a queue.
    pub async fn count(&mut self, name: &str) -> u32 {
        let declare = queue::Declare {
            passive: true,
            ..durable(name, &[])
        };
        self.declare(1, declare).await.message_count
    }

    pub async fn exchange(&mut self, name: &str, kind: &str) {
        self.exchange_with(name, kind, &[]).await;
    }

    pub async fn exchange_with(&mut self, name: &str, kind: &str, arguments: &[(&str, AMQPValue)]) {
        let declare = exchange::Declare {
            exchange: name.into(),
            kind: kind.into(),
            passive: false,
            durable: true,
            auto_delete: false,
            internal: false,
            nowait: false,
            arguments: table(arguments),
        };
        match self
            .call(
                1,
                AMQPClass::Exchange(exchange::AMQPMethod::Declare(declare)),
            )
            .await
        {
            AMQPClass::Exchange(exchange::AMQPMethod::DeclareOk(_)) => {}
            other => panic!("not declared: {other:?}"),
        }
    }

    pub async fn bind(&mut self, queue: &str, exchange: &str, key: &str) {
        let bind = queue::Bind {
            queue: queue.into(),
            exchange: exchange.into(),
            routing_key: key.into(),
            nowait: false,
            arguments: FieldTable::default(),
        };
        match self
            .call(1, AMQPClass::Queue(queue::AMQPMethod::Bind(bind)))
            .await
        {
            AMQPClass::Queue(queue::AMQPMethod::BindOk(_)) => {}
            other => panic!("not bound: {other:?}"),
        }
    }

    pub async fn publish(&mut self, exchange: &str, key: &str, body: &str) {
        self.publish_with(exchange, key, body, false, AMQPProperties::default())
            .await;
    }

    pub async fn publish_with(
        &mut self,
        exchange: &str,
        key: &str,
        body: &str,
        mandatory: bool,
        properties: AMQPProperties,
    ) {
        let bytes = publish_frames(1, exchange, key, body.as_bytes(), mandatory, properties);
        self.send_bytes(&bytes).await;
    }

    /// A method with content: deliver, get-ok or return.
    pub async fn content(&mut self, channel: u16) -> Content {
        let method = match self.method(channel).await {
            AMQPClass::Basic(method) => method,
            other => panic!("expected content, got {other:?}"),
        };
        let header = match self.next().await {
            AMQPFrame::Header(_, header) => header,
            other => panic!("expected a content header, got {other:?}"),
        };
        let mut body = Vec::new();
        while (body.len() as u64) < header.body_size {
            match self.next().await {
                AMQPFrame::Body(_, part) => body.extend(part),
                other => panic!("expected a body, got {other:?}"),
            }
        }
        Content {
            method,
            properties: header.properties,
            body,
        }
    }

    /// Fetches and acknowledges the next message.
    pub async fn get(&mut self, queue: &str) -> Option<Content> {
        self.get_with(queue, true).await
    }

    pub async fn get_with(&mut self, queue: &str, no_ack: bool) -> Option<Content> {
        let get = basic::Get {
            queue: queue.into(),
            no_ack,
        };
        self.send(1, AMQPClass::Basic(basic::AMQPMethod::Get(get)))
            .await;
        loop {
            if let Ok((rest, frame)) = parse_frame(&self.input[..]) {
                if let AMQPFrame::Method(_, AMQPClass::Basic(basic::AMQPMethod::GetEmpty(_))) =
                    frame
                {
                    let used = self.input.len() - rest.len();
                    self.input.drain(..used);
                    return None;
                }
                return Some(self.content(1).await);
            }
            let read = self.stream.read_buf(&mut self.input);
            let count = tokio::time::timeout(DEADLINE, read)
                .await
                .expect("no frame came in time");
            assert_ne!(count.unwrap(), 0, "the broker closed the link");
        }
    }

    /// A consumer with tag = queue name.
    pub async fn consume(&mut self, channel: u16, queue: &str, no_ack: bool) {
        self.consume_with(channel, queue, queue, no_ack, &[]).await;
    }

    pub async fn consume_with(
        &mut self,
        channel: u16,
        queue: &str,
        tag: &str,
        no_ack: bool,
        arguments: &[(&str, AMQPValue)],
    ) {
        let consume = basic::Consume {
            queue: queue.into(),
            consumer_tag: tag.into(),
            no_local: false,
            no_ack,
            exclusive: false,
            nowait: false,
            arguments: table(arguments),
        };
        match self
            .call(
                channel,
                AMQPClass::Basic(basic::AMQPMethod::Consume(consume)),
            )
            .await
        {
            AMQPClass::Basic(basic::AMQPMethod::ConsumeOk(_)) => {}
            other => panic!("not consuming: {other:?}"),
        }
    }

    pub async fn qos(&mut self, channel: u16, count: u16, global: bool) {
        let qos = basic::Qos {
            prefetch_count: count,
            global,
        };
        self.call(channel, AMQPClass::Basic(basic::AMQPMethod::Qos(qos)))
            .await;
    }

    pub async fn ack(&mut self, channel: u16, tag: u64, multiple: bool) {
        let ack = basic::Ack {
            delivery_tag: tag,
            multiple,
        };
        self.send(channel, AMQPClass::Basic(basic::AMQPMethod::Ack(ack)))
            .await;
    }

    pub async fn nack(&mut self, channel: u16, tag: u64, requeue: bool) {
        let nack = basic::Nack {
            delivery_tag: tag,
            multiple: false,
            requeue,
        };
        self.send(channel, AMQPClass::Basic(basic::AMQPMethod::Nack(nack)))
            .await;
    }

    /// The next confirm: acked, tag, multiple.
    pub async fn confirm(&mut self) -> (bool, u64, bool) {
        match self.method(1).await {
            AMQPClass::Basic(basic::AMQPMethod::Ack(ack)) => (true, ack.delivery_tag, ack.multiple),
            AMQPClass::Basic(basic::AMQPMethod::Nack(nack)) => {
                (false, nack.delivery_tag, nack.multiple)
            }
            other => panic!("expected a confirm, got {other:?}"),
        }
    }

    /// The broker's close of a channel: code and text; answered with close-ok.
    pub async fn channel_closed(&mut self, number: u16) -> (u16, String) {
        match self.method(number).await {
            AMQPClass::Channel(channel::AMQPMethod::Close(close)) => {
                let ok = channel::AMQPMethod::CloseOk(channel::CloseOk {});
                self.send(number, AMQPClass::Channel(ok)).await;
                (close.reply_code, close.reply_text.to_string())
            }
            other => panic!("expected channel.close, got {other:?}"),
        }
    }

    /// The broker's close of the connection, where what was sent can't be followed by an answer.
    pub async fn connection_closed_at_once(&mut self) -> (u16, String) {
        match self.method(0).await {
            AMQPClass::Connection(connection::AMQPMethod::Close(close)) => {
                (close.reply_code, close.reply_text.to_string())
            }
            other => panic!("expected connection.close, got {other:?}"),
        }
    }

    /// Reads raw bytes until `wanted` is among them; false where the link ends first.
    pub async fn bytes_until(&mut self, wanted: &[u8]) -> bool {
        let wait = async {
            while !self
                .input
                .windows(wanted.len())
                .any(|window| window == wanted)
            {
                if self.stream.read_buf(&mut self.input).await.unwrap_or(0) == 0 {
                    return false;
                }
            }
            self.input.clear();
            true
        };
        tokio::time::timeout(DEADLINE, wait)
            .await
            .expect("the bytes did not come in time")
    }

    /// The broker's close of the connection: code and text; answered with close-ok.
    pub async fn connection_closed(&mut self) -> (u16, String) {
        match self.method(0).await {
            AMQPClass::Connection(connection::AMQPMethod::Close(close)) => {
                let ok = connection::AMQPMethod::CloseOk(connection::CloseOk {});
                self.send(0, AMQPClass::Connection(ok)).await;
                (close.reply_code, close.reply_text.to_string())
            }
            other => panic!("expected connection.close, got {other:?}"),
        }
    }
}

pub fn encode(frame: &AMQPFrame) -> Vec<u8> {
    gen_frame(frame)(WriteContext::from(Vec::new()))
        .unwrap()
        .into_inner()
        .0
}

pub fn publish_frames(
    channel: u16,
    exchange: &str,
    key: &str,
    body: &[u8],
    mandatory: bool,
    properties: AMQPProperties,
) -> Vec<u8> {
    let publish = basic::Publish {
        exchange: exchange.into(),
        routing_key: key.into(),
        mandatory,
        immediate: false,
    };
    let publish = AMQPClass::Basic(basic::AMQPMethod::Publish(publish));
    let mut bytes = encode(&AMQPFrame::Method(channel, publish));
    let header = amq_protocol::frame::AMQPContentHeader {
        class_id: 60,
        body_size: body.len() as u64,
        properties,
    };
    bytes.extend(encode(&AMQPFrame::Header(channel, header)));
    for part in body.chunks(131_064) {
        bytes.extend(encode(&AMQPFrame::Body(channel, part.to_vec())));
    }
    bytes
}

pub fn durable(name: &str, arguments: &[(&str, AMQPValue)]) -> queue::Declare {
    queue::Declare {
        queue: name.into(),
        passive: false,
        durable: true,
        exclusive: false,
        auto_delete: false,
        nowait: false,
        arguments: table(arguments),
    }
}

pub fn table(entries: &[(&str, AMQPValue)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (key, value) in entries {
        table.insert(ShortString::from(*key), value.clone());
    }
    table
}

pub fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

pub fn int(value: i32) -> AMQPValue {
    AMQPValue::LongInt(value)
}
