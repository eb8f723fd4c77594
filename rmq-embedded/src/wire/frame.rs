//! Splits the byte stream at the seven-byte frame header.

/// Last byte of every frame.
pub(crate) const FRAME_END: u8 = 0xCE;
/// Bytes a frame has around its payload.
pub(crate) const OVERHEAD: usize = 8;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    Method,
    Header,
    Body,
    Heartbeat,
}

/// One whole frame inside the read buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: FrameKind,
    pub(crate) channel: u16,
    pub(crate) payload: &'a [u8],
}

/// Why bytes are not a frame. None of these can be read past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameFault {
    UnknownType {
        kind: u8,
        channel: u16,
        size: u32,
    },
    TooLarge {
        kind: u8,
        channel: u16,
        size: u32,
        max: u32,
    },
    BadEnd {
        kind: u8,
        channel: u16,
        size: u32,
        end: u8,
    },
}

/// The first frame in `bytes` and its length with header and end; `None` while it is not whole.
///
/// `frame_max` counts header and end; the claim in the header is checked before anything is waited for.
pub(crate) fn next_frame(
    bytes: &[u8],
    frame_max: u32,
) -> Result<Option<(Frame<'_>, usize)>, FrameFault> {
    let Some((head, rest)) = bytes.split_first_chunk::<7>() else {
        return Ok(None);
    };
    let [kind, c1, c2, s1, s2, s3, s4] = *head;
    let channel = u16::from_be_bytes([c1, c2]);
    let size = u32::from_be_bytes([s1, s2, s3, s4]);
    let Some(frame_kind) = kind_of(kind) else {
        return Err(FrameFault::UnknownType {
            kind,
            channel,
            size,
        });
    };
    let max = frame_max.saturating_sub(OVERHEAD as u32);
    if size > max {
        return Err(FrameFault::TooLarge {
            kind,
            channel,
            size,
            max,
        });
    }
    let length = size as usize;
    match (rest.get(..length), rest.get(length)) {
        (Some(payload), Some(&FRAME_END)) => {
            let frame = Frame {
                kind: frame_kind,
                channel,
                payload,
            };
            Ok(Some((frame, length + OVERHEAD)))
        }
        (Some(_), Some(&end)) => Err(FrameFault::BadEnd {
            kind,
            channel,
            size,
            end,
        }),
        _ => Ok(None),
    }
}

fn kind_of(byte: u8) -> Option<FrameKind> {
    match byte {
        1 => Some(FrameKind::Method),
        2 => Some(FrameKind::Header),
        3 => Some(FrameKind::Body),
        8 => Some(FrameKind::Heartbeat),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_split_once_it_is_whole() {
        let bytes = [3, 0, 1, 0, 0, 0, 2, 7, 8, FRAME_END, 8];
        for cut in 0..10 {
            assert!(
                next_frame(&bytes[..cut], 4096).unwrap().is_none(),
                "whole at {cut}"
            );
        }
        let (frame, used) = next_frame(&bytes, 4096).unwrap().unwrap();
        assert_eq!(
            (frame.kind, frame.channel, frame.payload, used),
            (FrameKind::Body, 1, &[7, 8][..], 10)
        );
    }

    #[test]
    fn a_giant_claim_is_refused_before_its_bytes_come() {
        let claim = [3, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF];
        assert!(matches!(
            next_frame(&claim, 131_072),
            Err(FrameFault::TooLarge { max: 131_064, .. })
        ));
    }

    #[test]
    fn a_wrong_end_byte_and_a_wrong_type_are_faults() {
        assert!(matches!(
            next_frame(&[8, 0, 0, 0, 0, 0, 0, 1], 4096),
            Err(FrameFault::BadEnd { end: 1, .. })
        ));
        assert!(matches!(
            next_frame(&[0; 8], 4096),
            Err(FrameFault::UnknownType { kind: 0, .. })
        ));
    }
}
