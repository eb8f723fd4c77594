//! Method frames from the client: which ones there are, where their tables sit, and the parse once those were checked.

use amq_protocol::protocol::{AMQPClass, parse_class};

use super::reader::{Malformed, Reader};
use super::table::{RawTable, check_depth};

/// Tables in methods nested deeper than this are refused; amq-protocol's parser recurses.
pub(crate) const MAX_TABLE_DEPTH: usize = 32;

/// `basic.publish`, read by hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Publish<'a> {
    pub(crate) exchange: &'a str,
    pub(crate) routing_key: &'a str,
    pub(crate) mandatory: bool,
    pub(crate) immediate: bool,
}

/// A client's method, hot ones first.
#[derive(Debug)]
pub(crate) enum ClientMethod<'a> {
    Publish(Publish<'a>),
    Ack {
        tag: u64,
        multiple: bool,
    },
    Nack {
        tag: u64,
        multiple: bool,
        requeue: bool,
    },
    Reject {
        tag: u64,
        requeue: bool,
    },
    Qos {
        size: u32,
        count: u16,
        global: bool,
    },
    Other(Box<AMQPClass>),
}

/// Class and method number of a method frame.
pub(crate) fn ids(payload: &[u8]) -> Result<(u16, u16), Malformed> {
    let mut reader = Reader(payload);
    Ok((reader.u16()?, reader.u16()?))
}

/// Reads a method; [`Malformed`] where a client has no business sending it or its fields are not whole.
pub(crate) fn parse(payload: &[u8]) -> Result<ClientMethod<'_>, Malformed> {
    let ids = ids(payload)?;
    let mut fields = Reader(payload.get(4..).ok_or(Malformed)?);
    let method = match ids {
        (60, 40) => {
            fields.u16()?;
            let (exchange, routing_key) = (fields.short_str()?, fields.short_str()?);
            let bits = fields.u8()?;
            ClientMethod::Publish(Publish {
                exchange,
                routing_key,
                mandatory: bits & 1 != 0,
                immediate: bits & 2 != 0,
            })
        }
        (60, 80) => ClientMethod::Ack {
            tag: fields.u64()?,
            multiple: fields.u8()? & 1 != 0,
        },
        (60, 90) => ClientMethod::Reject {
            tag: fields.u64()?,
            requeue: fields.u8()? & 1 != 0,
        },
        (60, 120) => {
            let (tag, bits) = (fields.u64()?, fields.u8()?);
            ClientMethod::Nack {
                tag,
                multiple: bits & 1 != 0,
                requeue: bits & 2 != 0,
            }
        }
        (60, 10) => ClientMethod::Qos {
            size: fields.u32()?,
            count: fields.u16()?,
            global: fields.u8()? & 1 != 0,
        },
        _ => {
            check_tables(ids, fields)?;
            return parse_class(payload)
                .ok()
                .filter(|(rest, _)| rest.is_empty())
                .map(|(_, class)| ClientMethod::Other(Box::new(class)))
                .ok_or(Malformed);
        }
    };
    if fields.is_empty() {
        Ok(method)
    } else {
        Err(Malformed)
    }
}

/// Walks to the one table a client's method can have, and checks its depth.
fn check_tables(ids: (u16, u16), mut fields: Reader<'_>) -> Result<(), Malformed> {
    let (ticket, strings, bits) = match ids {
        (10, 11) => (false, 0, false),
        (40, 10) | (60, 20) => (true, 2, true),
        (50, 10) => (true, 1, true),
        (40, 30 | 40) | (50, 20) => (true, 3, true),
        (50, 50) => (true, 3, false),
        (10, 21 | 31 | 40 | 50 | 51 | 70)
        | (20, 10 | 20 | 21 | 40 | 41)
        | (30, 10)
        | (40, 20)
        | (50, 30 | 40)
        | (60, 30 | 31 | 70 | 100 | 110)
        | (85, 10)
        | (90, 10 | 20 | 30) => return Ok(()),
        _ => return Err(Malformed),
    };
    if ticket {
        fields.u16()?;
    }
    for _ in 0..strings {
        fields.short_bytes()?;
    }
    if bits {
        fields.u8()?;
    }
    check_depth(RawTable(fields.long_bytes()?), MAX_TABLE_DEPTH)
}

/// The name RabbitMQ's texts give a method, as in `'basic.publish'`.
pub(crate) fn name(ids: (u16, u16)) -> &'static str {
    match ids {
        (10, 11) => "connection.start_ok",
        (10, 21) => "connection.secure_ok",
        (10, 31) => "connection.tune_ok",
        (10, 40) => "connection.open",
        (10, 50) => "connection.close",
        (10, 51) => "connection.close_ok",
        (10, 70) => "connection.update_secret",
        (20, 10) => "channel.open",
        (20, 20) => "channel.flow",
        (20, 21) => "channel.flow_ok",
        (20, 40) => "channel.close",
        (20, 41) => "channel.close_ok",
        (30, 10) => "access.request",
        (40, 10) => "exchange.declare",
        (40, 20) => "exchange.delete",
        (40, 30) => "exchange.bind",
        (40, 40) => "exchange.unbind",
        (50, 10) => "queue.declare",
        (50, 20) => "queue.bind",
        (50, 30) => "queue.purge",
        (50, 40) => "queue.delete",
        (50, 50) => "queue.unbind",
        (60, 10) => "basic.qos",
        (60, 20) => "basic.consume",
        (60, 30) => "basic.cancel",
        (60, 31) => "basic.cancel_ok",
        (60, 40) => "basic.publish",
        (60, 70) => "basic.get",
        (60, 80) => "basic.ack",
        (60, 90) => "basic.reject",
        (60, 100) => "basic.recover_async",
        (60, 110) => "basic.recover",
        (60, 120) => "basic.nack",
        (85, 10) => "confirm.select",
        (90, 10) => "tx.select",
        (90, 20) => "tx.commit",
        (90, 30) => "tx.rollback",
        _ => "unknown",
    }
}
