//! Writes what waits, all of it with one call, and a heartbeat when nothing was written for a while.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::{Interval, MissedTickBehavior};

use super::CloseCause;
use super::frame;
use super::shared::Shared;
use super::tune::Tune;

/// Writes until the socket fails or the link drains.
pub(super) async fn write(shared: Arc<Shared>, mut socket: impl AsyncWrite + Unpin) -> CloseCause {
    let mut batch = BytesMut::new();
    let mut gathering = Vec::new();
    let mut heartbeat = Heartbeat::default();
    loop {
        if shared.outbox.has_work() {
            // Tasks that are ready run first: what they append goes out together.
            tokio::task::yield_now().await;
            // Gathered now and no sooner: what finished while the last write was under way goes out together.
            shared.outbox.take_to_gather(&mut gathering);
            gathering.drain(..).for_each(|lease| lease.gather());
            shared.outbox.take(&mut batch);
            if let Err(error) = write_all(&mut socket, &batch).await {
                return shared.lost_cause(&error.to_string());
            }
            heartbeat.wrote |= !batch.is_empty();
            batch.clear();
            continue;
        }
        if shared.is_draining() {
            // The socket is dropped in any case.
            let _ = socket.shutdown().await;
            return shared.lost_cause("closed");
        }
        tokio::select! {
            biased;
            () = shared.outbox.filled() => {}
            () = heartbeat.due(&shared) => {
                shared.outbox.append().frames(0, frame::heartbeat);
            }
        }
    }
}

async fn write_all(socket: &mut (impl AsyncWrite + Unpin), batch: &[u8]) -> std::io::Result<()> {
    socket.write_all(batch).await?;
    socket.flush().await
}

#[derive(Default)]
struct Heartbeat {
    ticker: Option<Interval>,
    wrote: bool,
}

impl Heartbeat {
    /// Comes when nothing was written between two ticks. Three ticks an interval: the broker hears from us within
    /// two thirds of it.
    async fn due(&mut self, shared: &Shared) {
        loop {
            if self.ticker.is_none() {
                let interval = shared.negotiated().and_then(Tune::heartbeat);
                let Some(interval) = interval else {
                    return std::future::pending().await;
                };
                let mut ticker = tokio::time::interval(interval / 3);
                ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
                ticker.reset();
                self.ticker = Some(ticker);
            }
            if let Some(ticker) = &mut self.ticker {
                ticker.tick().await;
            }
            if !std::mem::take(&mut self.wrote) {
                return;
            }
        }
    }
}
