#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use rmq_embedded_fuzz::{LOGIN, feed, frame};

/// Every method a client may send on a channel, and some that it may not.
const METHODS: [(u8, u8); 34] = [
    (10, 50), (20, 10), (20, 20), (20, 40), (20, 41), (30, 10), (40, 10), (40, 20), (40, 30), (40, 40), (50, 10),
    (50, 20), (50, 30), (50, 40), (50, 50), (60, 10), (60, 20), (60, 30), (60, 31), (60, 40), (60, 50), (60, 60),
    (60, 70), (60, 80), (60, 90), (60, 100), (60, 110), (60, 120), (85, 10), (90, 10), (90, 20), (90, 30), (99, 10),
    (0, 0),
];

#[derive(Arbitrary, Debug)]
struct Frame<'a> {
    channel: u8,
    content: Content<'a>,
}

#[derive(Arbitrary, Debug)]
enum Content<'a> {
    Method { which: u8, arguments: Vec<Field<'a>> },
    /// A publish that is whole, to the queue or exchange of this name.
    Publish { exchange: Name, key: Name, mandatory: bool, properties: &'a [u8], body: &'a [u8] },
    Header { size: u64, properties: &'a [u8] },
    Body(&'a [u8]),
    Heartbeat(&'a [u8]),
}

/// One field of a method's arguments: what a parser expects is often not what comes.
#[derive(Arbitrary, Debug)]
enum Field<'a> {
    Octet(u8),
    Short(u16),
    Long(u64),
    Name(Name),
    Text(&'a [u8]),
    Table(Vec<(Key, Value<'a>)>),
    Raw(&'a [u8]),
}

/// Few names, so that methods meet what others declared.
#[derive(Arbitrary, Debug)]
enum Name {
    Empty,
    A,
    B,
    Amq,
}

impl Name {
    fn text(&self) -> &'static [u8] {
        match self {
            Self::Empty => b"",
            Self::A => b"a",
            Self::B => b"b",
            Self::Amq => b"amq.direct",
        }
    }
}

/// Arguments that mean something.
#[derive(Arbitrary, Debug)]
enum Key {
    Ttl,
    Expires,
    MaxLength,
    MaxLengthBytes,
    Overflow,
    DeadLetterExchange,
    DeadLetterKey,
    MaxPriority,
    QueueType,
    DeliveryLimit,
    SingleActive,
    Alternate,
    Priority,
    Match,
    Other,
}

impl Key {
    fn text(&self) -> &'static [u8] {
        match self {
            Self::Ttl => b"x-message-ttl",
            Self::Expires => b"x-expires",
            Self::MaxLength => b"x-max-length",
            Self::MaxLengthBytes => b"x-max-length-bytes",
            Self::Overflow => b"x-overflow",
            Self::DeadLetterExchange => b"x-dead-letter-exchange",
            Self::DeadLetterKey => b"x-dead-letter-routing-key",
            Self::MaxPriority => b"x-max-priority",
            Self::QueueType => b"x-queue-type",
            Self::DeliveryLimit => b"x-delivery-limit",
            Self::SingleActive => b"x-single-active-consumer",
            Self::Alternate => b"alternate-exchange",
            Self::Priority => b"x-priority",
            Self::Match => b"x-match",
            Self::Other => b"k",
        }
    }
}

#[derive(Arbitrary, Debug)]
enum Value<'a> {
    Bool(bool),
    Int(i32),
    Long(i64),
    Text(&'a [u8]),
    Name(Name),
    Quorum,
    RejectPublish,
    Table(&'a [u8]),
    Other(u8, &'a [u8]),
}

fn short(out: &mut Vec<u8>, text: &[u8]) {
    let text = &text[..text.len().min(255)];
    out.push(text.len() as u8);
    out.extend_from_slice(text);
}

fn long(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn write_value(out: &mut Vec<u8>, value: &Value<'_>) {
    let mut text = |text: &[u8]| {
        out.push(b'S');
        long(out, text);
    };
    match value {
        Value::Text(bytes) => text(bytes),
        Value::Name(name) => text(name.text()),
        Value::Quorum => text(b"quorum"),
        Value::RejectPublish => text(b"reject-publish"),
        Value::Bool(yes) => out.extend_from_slice(&[b't', u8::from(*yes)]),
        Value::Int(number) => {
            out.push(b'I');
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Long(number) => {
            out.push(b'l');
            out.extend_from_slice(&number.to_be_bytes());
        }
        Value::Table(bytes) => {
            out.push(b'F');
            long(out, bytes);
        }
        Value::Other(kind, bytes) => {
            out.push(*kind);
            out.extend_from_slice(bytes);
        }
    }
}

fn write_field(out: &mut Vec<u8>, field: &Field<'_>) {
    match field {
        Field::Octet(octet) => out.push(*octet),
        Field::Short(number) => out.extend_from_slice(&number.to_be_bytes()),
        Field::Long(number) => out.extend_from_slice(&number.to_be_bytes()),
        Field::Name(name) => short(out, name.text()),
        Field::Text(bytes) => short(out, bytes),
        Field::Table(entries) => {
            let mut table = Vec::new();
            for (key, value) in entries {
                short(&mut table, key.text());
                write_value(&mut table, value);
            }
            long(out, &table);
        }
        Field::Raw(bytes) => out.extend_from_slice(bytes),
    }
}

fn write_publish(out: &mut Vec<u8>, channel: u16, names: (&Name, &Name), mandatory: bool, properties: &[u8], body: &[u8]) {
    let mut method = vec![0, 60, 0, 40, 0, 0];
    short(&mut method, names.0.text());
    short(&mut method, names.1.text());
    method.push(u8::from(mandatory));
    frame(out, 1, channel, &method);
    frame(out, 2, channel, &header(body.len() as u64, properties));
    if !body.is_empty() {
        frame(out, 3, channel, body);
    }
}

fn header(size: u64, properties: &[u8]) -> Vec<u8> {
    let mut header = vec![0, 60, 0, 0];
    header.extend_from_slice(&size.to_be_bytes());
    header.extend_from_slice(if properties.len() < 2 { &[0, 0] } else { properties });
    header
}

fuzz_target!(|frames: Vec<Frame<'_>>| {
    let mut bytes = LOGIN.to_vec();
    for one in &frames {
        // Channel 1 is open; others now and then.
        let channel = if one.channel < 200 { 1 } else { u16::from(one.channel - 200) };
        match &one.content {
            Content::Method { which, arguments } => {
                let (class, method) = METHODS[usize::from(*which) % METHODS.len()];
                let mut payload = vec![0, class, 0, method];
                for field in arguments {
                    write_field(&mut payload, field);
                }
                frame(&mut bytes, 1, channel, &payload);
            }
            Content::Publish { exchange, key, mandatory, properties, body } => {
                write_publish(&mut bytes, channel, (exchange, key), *mandatory, properties, body);
            }
            Content::Header { size, properties } => frame(&mut bytes, 2, channel, &header(*size, properties)),
            Content::Body(body) => frame(&mut bytes, 3, channel, body),
            Content::Heartbeat(payload) => frame(&mut bytes, 8, channel, payload),
        }
    }
    feed(&bytes);
});
