//! Delay since the last receiver reference time (RFC 3611 section 4.5).

use core::time::Duration;

use crate::ntp::NtpShort;
use crate::{NtpTime, Ssrc};

/// The answer to one receiver's reference time; what LSR and DLSR are for senders.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dlrr {
    /// Who sent the reference time.
    pub ssrc: Ssrc,
    /// The middle 32 bits of it; 0 when none came.
    pub last_reference: NtpShort,
    /// Time since it came; 0 when none came.
    pub delay: NtpShort,
}

impl Dlrr {
    /// Octets on the wire.
    pub const LEN: usize = 12;

    /// As it stands on the wire.
    pub fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let words = [self.ssrc.0, self.last_reference.0, self.delay.0];
        for (octets, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *octets = word.to_be_bytes();
        }
        bytes
    }

    /// The round trip that this shows to the sender of the reference time, whose clock says `now`;
    /// `None` when it has not been answered, or the figures are from the future.
    pub fn round_trip(&self, now: NtpTime) -> Option<Duration> {
        if self.last_reference == NtpShort(0) {
            return None;
        }
        let elapsed = now.short().0.wrapping_sub(self.last_reference.0);
        let round_trip = elapsed.wrapping_sub(self.delay.0);
        (round_trip as i32 >= 0).then(|| NtpShort(round_trip).to_duration())
    }
}

/// Any number of [`Dlrr`], as they stand on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DlrrBlocks<'a> {
    blocks: &'a [[u8; Dlrr::LEN]],
}

impl<'a> DlrrBlocks<'a> {
    /// Blocks made by [`Dlrr::to_bytes`].
    pub fn new(blocks: &'a [[u8; Dlrr::LEN]]) -> DlrrBlocks<'a> {
        DlrrBlocks { blocks }
    }

    /// The answers, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Dlrr> + use<'a> {
        self.blocks.iter().map(|&[s3, s2, s1, s0, l3, l2, l1, l0, d3, d2, d1, d0]| Dlrr {
            ssrc: Ssrc(u32::from_be_bytes([s3, s2, s1, s0])),
            last_reference: NtpShort(u32::from_be_bytes([l3, l2, l1, l0])),
            delay: NtpShort(u32::from_be_bytes([d3, d2, d1, d0])),
        })
    }

    pub(super) fn as_bytes(&self) -> &'a [u8] {
        self.blocks.as_flattened()
    }

    pub(super) fn read(data: &'a [u8]) -> Option<DlrrBlocks<'a>> {
        let (blocks, rest) = data.as_chunks();
        rest.is_empty().then_some(DlrrBlocks { blocks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_round_trip_is_what_is_not_delay() {
        let dlrr = Dlrr {
            ssrc: Ssrc(1),
            last_reference: NtpShort(0xb705_2000),
            delay: NtpShort(0x0005_4000),
        };
        let now = NtpTime(0xb710_8000 << 16);
        assert_eq!(dlrr.round_trip(now), Some(Duration::from_millis(6_125)));
        assert_eq!(dlrr.round_trip(NtpTime(0xb705_2001 << 16)), None);
        assert_eq!(Dlrr { last_reference: NtpShort(0), ..dlrr }.round_trip(now), None);
        let bytes = [dlrr.to_bytes()];
        assert!(DlrrBlocks::new(&bytes).iter().eq([dlrr]));
        assert!(DlrrBlocks::read(&[0; 13]).is_none());
    }
}
