//! Frames to the client: hot ones written by hand, all other methods by amq-protocol.

use amq_protocol::frame::{AMQPFrame, WriteContext, gen_frame};
use amq_protocol::protocol::AMQPClass;

use super::frame::{FRAME_END, OVERHEAD};

/// Appends a frame whose payload `fill` writes.
fn framed(out: &mut Vec<u8>, kind: u8, channel: u16, fill: impl FnOnce(&mut Vec<u8>)) {
    out.push(kind);
    out.extend_from_slice(&channel.to_be_bytes());
    let size_at = out.len();
    out.extend_from_slice(&[0; 4]);
    fill(out);
    let size = (out.len() - size_at - 4) as u32;
    if let Some(slot) = out.get_mut(size_at..size_at + 4) {
        slot.copy_from_slice(&size.to_be_bytes());
    }
    out.push(FRAME_END);
}

fn short_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(text.len().min(255) as u8);
    out.extend_from_slice(text.get(..255).unwrap_or(text));
}

/// Any method. Returns false where amq-protocol can't write it, and then has written nothing.
pub(crate) fn method(out: &mut Vec<u8>, channel: u16, method: AMQPClass) -> bool {
    let frame = AMQPFrame::Method(channel, method);
    match gen_frame(&frame)(WriteContext::from(Vec::new())) {
        Ok(context) => {
            out.extend_from_slice(&context.into_inner().0);
            true
        }
        Err(error) => {
            tracing::error!(%error, "a method could not be written");
            false
        }
    }
}

/// A heartbeat.
pub(crate) fn heartbeat(out: &mut Vec<u8>) {
    out.extend_from_slice(&[8, 0, 0, 0, 0, 0, 0, FRAME_END]);
}

/// `basic.ack` to a publisher.
pub(crate) fn ack(out: &mut Vec<u8>, channel: u16, tag: u64, multiple: bool) {
    framed(out, 1, channel, |out| {
        out.extend_from_slice(&[0, 60, 0, 80]);
        out.extend_from_slice(&tag.to_be_bytes());
        out.push(u8::from(multiple));
    });
}

/// `basic.nack` to a publisher.
pub(crate) fn nack(out: &mut Vec<u8>, channel: u16, tag: u64, multiple: bool) {
    framed(out, 1, channel, |out| {
        out.extend_from_slice(&[0, 60, 0, 120]);
        out.extend_from_slice(&tag.to_be_bytes());
        out.push(u8::from(multiple));
    });
}

/// The parts of a `basic.deliver`.
#[derive(Debug)]
pub(crate) struct Deliver<'a> {
    pub(crate) consumer_tag: &'a str,
    pub(crate) delivery_tag: u64,
    pub(crate) redelivered: bool,
    pub(crate) exchange: &'a str,
    pub(crate) routing_key: &'a str,
}

/// `basic.deliver`, without its content.
pub(crate) fn deliver(out: &mut Vec<u8>, channel: u16, parts: &Deliver<'_>) {
    framed(out, 1, channel, |out| {
        out.extend_from_slice(&[0, 60, 0, 60]);
        short_string(out, parts.consumer_tag.as_bytes());
        out.extend_from_slice(&parts.delivery_tag.to_be_bytes());
        out.push(u8::from(parts.redelivered));
        short_string(out, parts.exchange.as_bytes());
        short_string(out, parts.routing_key.as_bytes());
    });
}

/// `basic.get-ok`, without its content.
pub(crate) fn get_ok(out: &mut Vec<u8>, channel: u16, parts: &Deliver<'_>, remaining: u32) {
    framed(out, 1, channel, |out| {
        out.extend_from_slice(&[0, 60, 0, 71]);
        out.extend_from_slice(&parts.delivery_tag.to_be_bytes());
        out.push(u8::from(parts.redelivered));
        short_string(out, parts.exchange.as_bytes());
        short_string(out, parts.routing_key.as_bytes());
        out.extend_from_slice(&remaining.to_be_bytes());
    });
}

/// `basic.return`, without its content.
pub(crate) fn returned(
    out: &mut Vec<u8>,
    channel: u16,
    reply: (u16, &str),
    exchange: &str,
    routing_key: &str,
) {
    framed(out, 1, channel, |out| {
        out.extend_from_slice(&[0, 60, 0, 50]);
        out.extend_from_slice(&reply.0.to_be_bytes());
        short_string(out, reply.1.as_bytes());
        short_string(out, exchange.as_bytes());
        short_string(out, routing_key.as_bytes());
    });
}

/// Content header, then the body in frames of at most `frame_max` bytes.
pub(crate) fn content(
    out: &mut Vec<u8>,
    channel: u16,
    properties: &[u8],
    body: &[u8],
    frame_max: u32,
) {
    framed(out, 2, channel, |out| {
        out.extend_from_slice(&[0, 60, 0, 0]);
        out.extend_from_slice(&(body.len() as u64).to_be_bytes());
        out.extend_from_slice(properties);
    });
    let chunk = (frame_max as usize).saturating_sub(OVERHEAD).max(1);
    for part in body.chunks(chunk) {
        framed(out, 3, channel, |out| out.extend_from_slice(part));
    }
}
