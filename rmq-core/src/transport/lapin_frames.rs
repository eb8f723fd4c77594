//! What lapin writes, cut into frames, checked and put on the wire.
//!
//! Three frames are the link's own: lapin's `start-ok` and `update-secret` hold a placeholder where the secret goes, so that
//! lapin, which logs what it sends, never has it; its `tune-ok` becomes the numbers really agreed on.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};

use crate::message::{Value, table};

use super::Credentials;
use super::frame::{self, Fields, Prefix};
use super::lease::Lease;
use super::shared::Shared;

/// AMQP 0-9-1's protocol header: the one thing lapin writes that is not a frame.
const PROTOCOL_HEADER: &[u8; 8] = b"AMQP\0\0\x09\x01";

/// Cuts lapin's stream.
#[derive(Debug, Default)]
pub(super) struct LapinFrames {
    partial: BytesMut,
    began: bool,
}

impl LapinFrames {
    /// Takes what lapin wrote. An error ends lapin's stream.
    pub(super) fn written(&mut self, bytes: &[u8], shared: &Arc<Shared>) -> Result<(), String> {
        self.partial.extend_from_slice(bytes);
        if !self.began {
            if self.partial.len() < PROTOCOL_HEADER.len() {
                return Ok(());
            }
            let header = self.partial.split_to(PROTOCOL_HEADER.len());
            shared
                .outbox
                .append()
                .frames(0, |out| out.extend_from_slice(&header));
            self.began = true;
        }
        while let Some(prefix) = Prefix::read(&self.partial) {
            let whole = prefix.size + frame::OVERHEAD;
            if self.partial.len() < whole {
                break;
            }
            let frame = self.partial.split_to(whole);
            // An argument table may be larger than a frame of this connection: the broker would drop the connection.
            if whole > shared.outbox.frame_max() && shared.negotiated().is_some() {
                shared.protocol_error(&format!(
                    "a control method of {whole} bytes does not fit a frame of this connection"
                ));
                return Err("frame too large".into());
            }
            one(prefix, &frame, shared)?;
        }
        Ok(())
    }
}

fn one(prefix: Prefix, frame: &[u8], shared: &Arc<Shared>) -> Result<(), String> {
    let mut fields = Fields(frame.get(frame::PREFIX..).unwrap_or_default());
    // lapin's heartbeats are switched off, and it never sends content.
    if prefix.kind != frame::METHOD {
        return Ok(());
    }
    let id = fields.u32().map_err(|_| "cut method")?;
    match (prefix.channel, id) {
        (0, frame::CONNECTION_START_OK) => start_ok(shared),
        (0, frame::CONNECTION_TUNE_OK) => {
            let agreed = shared.negotiated().ok_or("tune-ok without tune")?;
            shared
                .outbox
                .append()
                .frames(0, |out| agreed.write(out, frame::CONNECTION_TUNE_OK));
            Ok(())
        }
        (0, frame::CONNECTION_UPDATE_SECRET) => update_secret(shared, fields),
        (0, frame::CONNECTION_CLOSE) => {
            // The broker reads no acknowledgement behind it.
            shared.leases.all().iter().for_each(|lease| lease.gather());
            let mut out = shared.outbox.append();
            out.frames(0, |out| out.extend_from_slice(frame));
            Ok(())
        }
        (0, _) => {
            shared
                .outbox
                .append()
                .frames(0, |out| out.extend_from_slice(frame));
            Ok(())
        }
        (channel, frame::CHANNEL_OPEN) => {
            let lease = Lease::new(
                channel,
                Arc::clone(&shared.outbox),
                shared.limits,
                shared.runtime.clone(),
            );
            if !shared.leases.register(lease) {
                return Err("the link has ended".into());
            }
            shared
                .outbox
                .append()
                .frames(channel, |out| out.extend_from_slice(frame));
            Ok(())
        }
        // The link has answered the broker's close already.
        (_, frame::CHANNEL_CLOSE_OK) => Ok(()),
        (channel, id) => {
            let lease = shared.leases.get(channel);
            let sent = lease.is_some_and(|lease| lease.control_frame(id, frame));
            // The broker has closed the channel, and lapin does not know it: the link takes its leave. Any other
            // frame is dropped, and its caller hears of the close from the link.
            if !sent && id == frame::CHANNEL_CLOSE {
                shared.close_ok_to_lapin(channel);
            }
            Ok(())
        }
    }
}

fn start_ok(shared: &Shared) -> Result<(), String> {
    let (name, credentials) = shared.take_credentials().ok_or("a second start-ok")?;
    let (mechanism, response) = match credentials {
        Credentials::Plain { username, password } => ("PLAIN", format!("\0{username}\0{password}")),
        Credentials::External => ("EXTERNAL", String::new()),
    };
    let able = |name: &'static str| (name.into(), Value::Bool(true));
    let capabilities = [
        "publisher_confirms",
        "exchange_exchange_bindings",
        "basic.nack",
        "consumer_cancel_notify",
        "connection.blocked",
        "consumer_priorities",
        "authentication_failure_close",
        "per_consumer_qos",
        "direct_reply_to",
    ];
    let properties = [
        ("product".into(), "rmq".into()),
        ("version".into(), env!("CARGO_PKG_VERSION").into()),
        ("platform".into(), "Rust".into()),
        ("connection_name".into(), name.into()),
        (
            "capabilities".into(),
            Value::Table(capabilities.into_iter().map(able).collect()),
        ),
    ];
    shared.outbox.append().frames(0, |out| {
        frame::method(out, 0, frame::CONNECTION_START_OK, |out| {
            table::with_length(out, |out| table::write_fields(out, &properties));
            table::write_short(out, mechanism);
            table::with_length(out, |out| out.put_slice(response.as_bytes()));
            table::write_short(out, "en_US");
        });
    });
    Ok(())
}

fn update_secret(shared: &Shared, mut fields: Fields<'_>) -> Result<(), String> {
    let secret = shared
        .take_secret()
        .ok_or("update-secret without a secret")?;
    fields.long().map_err(|_| "cut method")?;
    let reason = fields.short().map_err(|_| "cut method")?;
    shared.outbox.append().frames(0, |out| {
        frame::method(out, 0, frame::CONNECTION_UPDATE_SECRET, |out| {
            table::with_length(out, |out| out.put_slice(secret.as_bytes()));
            table::write_short(out, &frame::text(reason));
        });
    });
    Ok(())
}
