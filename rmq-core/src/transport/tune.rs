//! What link and broker agree on, and what lapin is told instead.

use std::time::Duration;

use bytes::{BufMut, BytesMut};

use super::frame::{self, Cut, Fields};

/// lapin keeps 32 frames of the agreed size, twice; it writes and reads control methods only.
const LAPIN_FRAME_MAX: u32 = 32 * 1024;

/// The three numbers of `connection.tune`. Zero means no limit, and no heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tune {
    pub(super) channel_max: u16,
    pub(super) frame_max: u32,
    /// In seconds.
    pub(super) heartbeat: u16,
}

impl Tune {
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, Cut> {
        Ok(Self {
            channel_max: fields.u16()?,
            frame_max: fields.u32()?,
            heartbeat: fields.u16()?,
        })
    }

    /// The lower of what both want. Our heartbeat of zero switches it off; the broker's leaves it to us.
    pub(super) fn agree(ours: Self, theirs: Self) -> Self {
        let lower = |ours: u32, theirs: u32| match (ours, theirs) {
            (0, other) | (other, 0) => other,
            (ours, theirs) => ours.min(theirs),
        };
        let short = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
        Self {
            channel_max: short(lower(ours.channel_max.into(), theirs.channel_max.into())),
            frame_max: match lower(ours.frame_max, theirs.frame_max) {
                0 => u32::MAX,
                agreed => agreed.max(frame::SMALLEST_FRAME_MAX),
            },
            heartbeat: match ours.heartbeat {
                0 => 0,
                ours => short(lower(ours.into(), theirs.heartbeat.into())),
            },
        }
    }

    /// What lapin is told: it must not judge the peer by what it reads, which is next to nothing.
    pub(super) fn for_lapin(self) -> Self {
        Self {
            frame_max: self.frame_max.min(LAPIN_FRAME_MAX),
            heartbeat: 0,
            ..self
        }
    }

    pub(super) fn heartbeat(self) -> Option<Duration> {
        (self.heartbeat > 0).then(|| Duration::from_secs(self.heartbeat.into()))
    }

    /// Appends `connection.tune` or `connection.tune-ok`.
    pub(super) fn write(self, out: &mut BytesMut, id: frame::MethodId) {
        frame::method(out, 0, id, |out| {
            out.put_u16(self.channel_max);
            out.put_u32(self.frame_max);
            out.put_u16(self.heartbeat);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn tune(channel_max: u16, frame_max: u32, heartbeat: u16) -> Tune {
        Tune {
            channel_max,
            frame_max,
            heartbeat,
        }
    }

    #[test]
    fn the_lower_wins_and_zero_has_no_say() {
        assert_eq!(
            Tune::agree(tune(0, 131_072, 10), tune(2047, 131_072, 60)),
            tune(2047, 131_072, 10)
        );
        assert_eq!(
            Tune::agree(tune(16, 4096, 60), tune(2047, 131_072, 0)),
            tune(16, 4096, 60)
        );
        assert_eq!(
            Tune::agree(tune(0, 0, 0), tune(0, 0, 60)),
            tune(0, u32::MAX, 0)
        );
    }

    #[test]
    fn lapin_is_told_no_heartbeat_and_a_small_frame() {
        assert_eq!(
            tune(16, u32::MAX, 60).for_lapin(),
            tune(16, LAPIN_FRAME_MAX, 0)
        );
    }
}
