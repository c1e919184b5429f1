//! Sender and receiver reports (RFC 3550 sections 6.4.1 and 6.4.2).

use crate::ntp::NtpShort;
use crate::{NtpTime, Ssrc};

/// SR: what a source has sent, and what it received from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderReport<'a> {
    /// Who sends the report.
    pub ssrc: Ssrc,
    /// What it has sent.
    pub info: SenderInfo,
    /// What it received, a block a source.
    pub blocks: ReportBlocks<'a>,
    /// A profile-specific extension; usually empty.
    pub extension: &'a [u8],
}

/// RR: what a source received from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiverReport<'a> {
    /// Who sends the report.
    pub ssrc: Ssrc,
    /// What it received, a block a source.
    pub blocks: ReportBlocks<'a>,
    /// A profile-specific extension; usually empty.
    pub extension: &'a [u8],
}

/// The sender part of a sender report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderInfo {
    /// When the report was sent, by the sender's wall clock.
    pub ntp_time: NtpTime,
    /// The same instant by the clock of the RTP timestamps.
    pub rtp_timestamp: u32,
    /// RTP packets sent since the start; wraps.
    pub packet_count: u32,
    /// Octets of payload sent since the start; wraps.
    pub octet_count: u32,
}

/// What one receiver saw of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source reported upon.
    pub ssrc: Ssrc,
    /// The share of packets lost since the previous report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the start, -2^23 to 2^23 - 1; negative when duplicates came.
    pub cumulative_lost: i32,
    /// Wraps in the high half, highest sequence number in the low half.
    pub highest_sequence: u32,
    /// Interarrival jitter, in ticks of the RTP clock.
    pub jitter: u32,
    /// The middle 32 bits of the last sender report's NTP time; 0 when none came.
    pub last_sr: NtpShort,
    /// Time since that report came; 0 when none came.
    pub delay_since_last_sr: NtpShort,
}

impl ReportBlock {
    /// Octets of a block on the wire.
    pub const LEN: usize = 24;

    pub(super) fn to_bytes(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let lost = self.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
        let words = [
            self.ssrc.0,
            u32::from(self.fraction_lost) << 24 | lost,
            self.highest_sequence,
            self.jitter,
            self.last_sr.0,
            self.delay_since_last_sr.0,
        ];
        for (octets, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *octets = word.to_be_bytes();
        }
        bytes
    }

    fn from_bytes(bytes: &[u8; Self::LEN]) -> ReportBlock {
        let [ssrc, loss, highest_sequence, jitter, lsr, dlsr] = words(bytes);
        ReportBlock {
            ssrc: Ssrc(ssrc),
            fraction_lost: (loss >> 24) as u8,
            // Shifting the sign bit of the 24-bit field up and back extends it.
            cumulative_lost: (loss << 8) as i32 >> 8,
            highest_sequence,
            jitter,
            last_sr: NtpShort(lsr),
            delay_since_last_sr: NtpShort(dlsr),
        }
    }
}

/// The report blocks of one packet, at most 31.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportBlocks<'a> {
    rest: &'a [[u8; ReportBlock::LEN]],
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(ReportBlock::from_bytes(first))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.rest.len(), Some(self.rest.len()))
    }
}

impl ExactSizeIterator for ReportBlocks<'_> {}

impl<'a> SenderReport<'a> {
    pub(super) fn read(count: u8, body: &'a [u8]) -> Option<SenderReport<'a>> {
        let (head, body) = body.split_first_chunk::<24>()?;
        let [ssrc, ntp_high, ntp_low, rtp_timestamp, packet_count, octet_count] = words(head);
        let (blocks, extension) = split_blocks(count, body)?;
        let info = SenderInfo {
            ntp_time: NtpTime(u64::from(ntp_high) << 32 | u64::from(ntp_low)),
            rtp_timestamp,
            packet_count,
            octet_count,
        };
        Some(SenderReport { ssrc: Ssrc(ssrc), info, blocks, extension })
    }
}

impl<'a> ReceiverReport<'a> {
    pub(super) fn read(count: u8, body: &'a [u8]) -> Option<ReceiverReport<'a>> {
        let (ssrc, body) = body.split_first_chunk::<4>()?;
        let (blocks, extension) = split_blocks(count, body)?;
        Some(ReceiverReport { ssrc: Ssrc(u32::from_be_bytes(*ssrc)), blocks, extension })
    }
}

impl SenderInfo {
    pub(super) fn to_bytes(self) -> [u8; 20] {
        let mut bytes = [0; 20];
        let ntp = self.ntp_time.0;
        let words = [
            (ntp >> 32) as u32,
            ntp as u32,
            self.rtp_timestamp,
            self.packet_count,
            self.octet_count,
        ];
        for (octets, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *octets = word.to_be_bytes();
        }
        bytes
    }
}

fn split_blocks(count: u8, body: &[u8]) -> Option<(ReportBlocks<'_>, &[u8])> {
    let (blocks, extension) = body.split_at_checked(usize::from(count) * ReportBlock::LEN)?;
    Some((ReportBlocks { rest: blocks.as_chunks().0 }, extension))
}

fn words(bytes: &[u8; 24]) -> [u32; 6] {
    let mut words = [0; 6];
    for (word, octets) in words.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*octets);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cumulative_loss_is_a_signed_24_bit_number() {
        let block = |cumulative_lost| ReportBlock {
            ssrc: Ssrc(1),
            fraction_lost: 0x80,
            cumulative_lost,
            highest_sequence: 0x0001_0002,
            jitter: 3,
            last_sr: NtpShort(4),
            delay_since_last_sr: NtpShort(5),
        };
        for lost in [0, 1, -1, 0x7f_ffff, -0x80_0000] {
            assert_eq!(ReportBlock::from_bytes(&block(lost).to_bytes()), block(lost));
        }
        for (lost, clamped) in [(i32::MAX, 0x7f_ffff), (i32::MIN, -0x80_0000)] {
            let read = ReportBlock::from_bytes(&block(lost).to_bytes());
            assert_eq!(read.cumulative_lost, clamped);
        }
    }

    #[test]
    fn what_follows_the_blocks_is_the_extension() {
        let mut body = [0; 4 + 24 + 4];
        body[27] = 9;
        body[31] = 7;
        let report = ReceiverReport::read(1, &body).unwrap();
        assert_eq!(report.blocks.len(), 1);
        assert_eq!(report.extension, [0, 0, 0, 7]);
        assert!(ReceiverReport::read(2, &body).is_none());
        assert!(SenderReport::read(1, &body).is_none());
    }
}
