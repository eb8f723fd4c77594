//! What each kind of frame from the broker means.

use std::sync::Arc;

use crate::message::{Delivery, HeaderLimits, ReturnedMessage, table};

use super::content::{Carrier, Complete};
use super::frame::{self, Fields, MethodId};
use super::inbound::Inbound;
use super::lease::Lease;
use super::reader::{Stop, blocked, protocol};
use super::shared::Shared;
use super::tune::Tune;
use super::{CloseCause, Got, Settlement};

pub(super) fn to_lapin(shared: &Shared, whole: &[u8]) -> Result<(), Stop> {
    if shared.to_lapin.push(|out| out.extend_from_slice(whole)) {
        Ok(())
    } else {
        Err(protocol("more control frames than anybody asked for"))
    }
}

/// A method on channel zero.
pub(super) fn connection_method(shared: &Shared, payload: &[u8], whole: &[u8]) -> Result<(), Stop> {
    let mut fields = Fields(payload);
    match fields.u32()? {
        frame::CONNECTION_START => {
            start(shared, fields)?;
            to_lapin(shared, whole)
        }
        frame::CONNECTION_SECURE => {
            Err(protocol("the broker asks for more than user and password"))
        }
        frame::CONNECTION_TUNE => {
            let agreed = shared.tuned(Tune::read(&mut fields)?);
            shared
                .to_lapin
                .push(|out| agreed.for_lapin().write(out, frame::CONNECTION_TUNE));
            Ok(())
        }
        frame::CONNECTION_BLOCKED => {
            blocked(shared, Some(fields.short()?));
            Ok(())
        }
        frame::CONNECTION_UNBLOCKED => {
            blocked(shared, None);
            Ok(())
        }
        frame::CONNECTION_CLOSE => {
            let cause = close_cause(fields, true)?;
            shared.outbox.append().frames(0, |out| {
                frame::method(out, 0, frame::CONNECTION_CLOSE_OK, |_| {});
            });
            Err(Stop::Cause(cause))
        }
        frame::CONNECTION_CLOSE_OK => {
            to_lapin(shared, whole)?;
            Err(Stop::Cause(shared.lost_cause("the broker said goodbye")))
        }
        _ => to_lapin(shared, whole),
    }
}

/// The broker introduces itself. Its properties reach lapin's parser, which recurses: their depth is checked first.
fn start(shared: &Shared, mut fields: Fields<'_>) -> Result<(), Stop> {
    fields.u16()?;
    let properties = bytes::Bytes::copy_from_slice(fields.long()?);
    let properties = table::read(&properties, HeaderLimits::default().levels())
        .map_err(|error| protocol(format!("server properties: {error}")))?;
    let text = |name: &str| {
        let value = properties.iter().find(|(key, _)| key == name);
        value
            .and_then(|(_, value)| value.as_str())
            .unwrap_or_default()
            .to_owned()
    };
    shared
        .broker
        .get_or_init(|| (text("product"), text("version")));
    Ok(())
}

/// Code, text, class and method of a close.
pub(super) fn close_cause(mut fields: Fields<'_>, link: bool) -> Result<CloseCause, Stop> {
    Ok(CloseCause {
        link,
        code: fields.u16()?,
        text: frame::text(fields.short()?),
        class: fields.u16()?,
        method: fields.u16()?,
        by_us: false,
    })
}

/// An ack or a nack of publishes.
pub(super) fn confirm(
    lease: &Lease,
    inbound: &mut Inbound,
    id: MethodId,
    mut fields: Fields<'_>,
) -> Result<(), Stop> {
    let (tag, bits) = (fields.u64()?, fields.u8()?);
    let nack = id == frame::BASIC_NACK;
    lease
        .confirmed(tag, bits & 1 != 0, nack, &mut inbound.verdicts)
        .map_err(|_| {
            protocol(format!(
                "channel {}: a confirm of publish {tag}, which does not wait for one",
                lease.number
            ))
        })
}

pub(super) fn begin(
    inbound: &mut Inbound,
    carrier: Carrier,
    exchange: &[u8],
    routing_key: &[u8],
    text: &[u8],
) -> Result<(), Stop> {
    let begun = inbound.assembly.begin(carrier, exchange, routing_key, text);
    begun.map_err(|error| protocol(error.to_string()))
}

pub(super) fn deliver(inbound: &mut Inbound, mut fields: Fields<'_>) -> Result<(), Stop> {
    let consumer = fields.short()?;
    let (tag, redelivered) = (fields.u64()?, fields.u8()? & 1 != 0);
    let (exchange, routing_key) = (fields.short()?, fields.short()?);
    let place = inbound.consumers.place(consumer);
    let consumer = place.ok_or_else(|| {
        protocol(format!(
            "a delivery for consumer `{}`, which is not here",
            frame::text(consumer)
        ))
    })?;
    begin(
        inbound,
        Carrier::Deliver {
            consumer,
            tag,
            redelivered,
        },
        exchange,
        routing_key,
        &[],
    )
}

/// A whole message has come.
pub(super) fn content(
    lease: &Arc<Lease>,
    inbound: &mut Inbound,
    complete: Complete,
) -> Result<(), Stop> {
    match complete.carrier {
        Carrier::Deliver {
            consumer,
            tag,
            redelivered,
        } => {
            let (origin, no_ack) = inbound
                .consumers
                .facts(consumer)
                .ok_or_else(|| protocol("a delivery without its consumer"))?;
            if !registered(lease, tag, no_ack)? {
                return Ok(());
            }
            let delivery = Delivery::new(complete.content, origin, tag, redelivered);
            if !inbound.consumers.keep(consumer, delivery) {
                // Its consumer is cancelled. Stale only when the channel has ended: the broker takes it back by itself.
                let _ = lease.settle(tag, Settlement::HandBack);
            }
        }
        Carrier::Got {
            tag,
            redelivered,
            remaining,
        } => {
            let no_ack = lease
                .next_get_is_no_ack()
                .ok_or_else(|| protocol("a message that nobody fetched"))?;
            lease.answered();
            if registered(lease, tag, no_ack)? {
                let origin = Arc::new(lease.origin(bytestring::ByteString::new()));
                let delivery = Delivery::new(complete.content, origin, tag, redelivered);
                lease.got(Some(Got {
                    delivery,
                    remaining,
                }));
            }
        }
        Carrier::Return { code } => {
            let content = complete.content;
            // What cannot be read names no message.
            let glance = content.glance().unwrap_or_default();
            let id = glance
                .message_id
                .and_then(|id| std::str::from_utf8(id).ok());
            let tag = lease.tag_of(glance.headers.unwrap_or_default(), id);
            let returned = ReturnedMessage::new(
                content.message(lease.limits.headers),
                code,
                complete.text,
                content.exchange().into(),
                content.routing_key().into(),
            );
            let left_out = content
                .apart()
                .is_some_and(|apart| apart.body_left_out.is_some());
            let returned = if left_out {
                returned.without_body()
            } else {
                returned
            };
            // Told about no message, it would end as a clean ack of one that no queue took.
            tag.and_then(|tag| lease.returned(tag, Box::new(returned)).ok())
                .ok_or_else(|| {
                    protocol(format!(
                        "channel {}: a returned message that is not in flight",
                        lease.number
                    ))
                })?;
        }
    }
    Ok(())
}

/// Whether it is ours now. Not while the channel closes: nobody could settle it, and the broker takes it back by itself.
/// But what the broker has forgotten is ours whenever it comes.
fn registered(lease: &Lease, tag: u64, no_ack: bool) -> Result<bool, Stop> {
    let open = lease.delivered(tag, no_ack).map_err(|_| {
        protocol(format!(
            "channel {}: delivery tag {tag} a second time",
            lease.number
        ))
    })?;
    Ok(open || no_ack)
}
