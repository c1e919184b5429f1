//! Extended reports (RFC 3611): seven kinds of block about a source or a receiver.
//!
//! ```
//! use rtp_core::Ssrc;
//! use rtp_core::rtcp::xr::{Block, VoipMetrics};
//! use rtp_core::rtcp::{Compound, CompoundWriter, Packet};
//!
//! let metrics = VoipMetrics { loss_rate: 26, round_trip_ms: 80, ..VoipMetrics::unknown(Ssrc(7)) };
//! let mut buf = [0; 64];
//! let mut writer = CompoundWriter::new(&mut buf);
//! writer.receiver_report(Ssrc(1), [])?;
//! writer.extended_report(Ssrc(1), &[Block::VoipMetrics(metrics)])?;
//! let len = writer.finish();
//!
//! let compound = Compound::parse(&buf[..len])?;
//! let Some(Packet::ExtendedReport(report)) = compound.packets().nth(1) else { panic!() };
//! assert_eq!(report.blocks().next(), Some(Block::VoipMetrics(metrics)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod dlrr;
mod receipt_times;
mod run_length;
mod summary;
mod voip;

pub use dlrr::{Dlrr, DlrrBlocks};
pub use receipt_times::ReceiptTimes;
pub use run_length::{Chunk, RunLength, encode_runs};
pub use summary::{HopCount, StatisticsSummary};
pub use voip::{JitterBufferKind, LossConcealment, ReceiverConfig, VoipMetrics};

use super::{CompoundWriter, RtcpWriteError};
use crate::{NtpTime, Ssrc};

/// Block types (RFC 3611 section 4).
pub mod block_type {
    /// Loss RLE.
    pub const LOSS_RLE: u8 = 1;
    /// Duplicate RLE.
    pub const DUPLICATE_RLE: u8 = 2;
    /// Packet Receipt Times.
    pub const RECEIPT_TIMES: u8 = 3;
    /// Receiver Reference Time.
    pub const REFERENCE_TIME: u8 = 4;
    /// DLRR.
    pub const DLRR: u8 = 5;
    /// Statistics Summary.
    pub const SUMMARY: u8 = 6;
    /// VoIP Metrics.
    pub const VOIP_METRICS: u8 = 7;
}

/// XR: blocks from one participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtendedReport<'a> {
    /// Who sends the report.
    pub ssrc: Ssrc,
    body: &'a [u8],
}

impl<'a> ExtendedReport<'a> {
    /// The blocks in it, in order.
    pub fn blocks(&self) -> impl Iterator<Item = Block<'a>> + use<'a> {
        let mut rest = self.body;
        core::iter::from_fn(move || {
            let (block, behind) = Block::split(rest)?;
            rest = behind;
            Some(block)
        })
    }

    pub(super) fn read(body: &'a [u8]) -> Option<ExtendedReport<'a>> {
        let (ssrc, body) = body.split_first_chunk::<4>()?;
        let mut rest = body;
        while !rest.is_empty() {
            (_, rest) = Block::split(rest)?;
        }
        Some(ExtendedReport { ssrc: Ssrc(u32::from_be_bytes(*ssrc)), body })
    }
}

/// One block of an extended report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Block<'a> {
    /// Which packets of a source came (section 4.1).
    LossRle(RunLength<'a>),
    /// Which packets of a source came once only (section 4.2).
    DuplicateRle(RunLength<'a>),
    /// When packets of a source came (section 4.3).
    ReceiptTimes(ReceiptTimes<'a>),
    /// The reporter's wall clock, to be answered with a [`Dlrr`] (section 4.4).
    ReferenceTime(NtpTime),
    /// Answers to reference times (section 4.5).
    Dlrr(DlrrBlocks<'a>),
    /// Loss, duplicates, jitter and hops of a source (section 4.6).
    Summary(StatisticsSummary),
    /// How a call sounds (section 4.7).
    VoipMetrics(VoipMetrics),
    /// A type that this crate does not interpret, or a known one of a wrong length; to be skipped
    /// (section 3).
    Unknown(UnknownBlock<'a>),
}

/// A block that this crate does not interpret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownBlock<'a> {
    /// The block type.
    pub block_type: u8,
    /// The octet behind it, of the type's own meaning.
    pub specific: u8,
    /// The contents, whole words.
    pub data: &'a [u8],
}

impl<'a> Block<'a> {
    fn split(bytes: &'a [u8]) -> Option<(Block<'a>, &'a [u8])> {
        let (&[block_type, specific, high, low], rest) = bytes.split_first_chunk::<4>()?;
        let len = 4 * usize::from(u16::from_be_bytes([high, low]));
        let (data, rest) = rest.split_at_checked(len)?;
        Some((Block::read(block_type, specific, data), rest))
    }

    fn read(block_type: u8, specific: u8, data: &'a [u8]) -> Block<'a> {
        let known = match block_type {
            block_type::LOSS_RLE => RunLength::read(specific, data).map(Block::LossRle),
            block_type::DUPLICATE_RLE => RunLength::read(specific, data).map(Block::DuplicateRle),
            block_type::RECEIPT_TIMES => {
                ReceiptTimes::read(specific, data).map(Block::ReceiptTimes)
            }
            block_type::REFERENCE_TIME => data
                .as_array::<8>()
                .map(|octets| Block::ReferenceTime(NtpTime(u64::from_be_bytes(*octets)))),
            block_type::DLRR => DlrrBlocks::read(data).map(Block::Dlrr),
            block_type::SUMMARY => StatisticsSummary::read(specific, data).map(Block::Summary),
            block_type::VOIP_METRICS => VoipMetrics::read(data).map(Block::VoipMetrics),
            _ => None,
        };
        known.unwrap_or(Block::Unknown(UnknownBlock { block_type, specific, data }))
    }

    pub(super) fn write(&self, writer: &mut CompoundWriter<'_>) -> Result<(), RtcpWriteError> {
        let start = writer.len();
        // Type, specific octet, and a length that is known afterwards.
        writer.put(&[0; 4])?;
        let (block_type, specific) = match self {
            Block::LossRle(runs) => (block_type::LOSS_RLE, runs.write(writer)?),
            Block::DuplicateRle(runs) => (block_type::DUPLICATE_RLE, runs.write(writer)?),
            Block::ReceiptTimes(times) => (block_type::RECEIPT_TIMES, times.write(writer)?),
            Block::ReferenceTime(time) => {
                writer.put(&time.0.to_be_bytes())?;
                (block_type::REFERENCE_TIME, 0)
            }
            Block::Dlrr(blocks) => {
                writer.put(blocks.as_bytes())?;
                (block_type::DLRR, 0)
            }
            Block::Summary(summary) => (block_type::SUMMARY, summary.write(writer)?),
            Block::VoipMetrics(metrics) => {
                writer.put(&metrics.to_bytes())?;
                (block_type::VOIP_METRICS, 0)
            }
            Block::Unknown(block) => {
                writer.put(block.data)?;
                (block.block_type, block.specific)
            }
        };
        let len = writer.len() - start;
        match u16::try_from(len / 4 - 1) {
            Ok(words) if len.is_multiple_of(4) => {
                let [high, low] = words.to_be_bytes();
                writer.amend(start, &[block_type, specific, high, low])
            }
            _ => Err(RtcpWriteError::Length(len)),
        }
    }
}

/// SSRC, first number and the one behind the last: how three kinds of block begin.
fn read_range(data: &[u8]) -> Option<(Ssrc, u16, u16, &[u8])> {
    let (&[s3, s2, s1, s0, b1, b0, e1, e0], rest) = data.split_first_chunk::<8>()?;
    Some((
        Ssrc(u32::from_be_bytes([s3, s2, s1, s0])),
        u16::from_be_bytes([b1, b0]),
        u16::from_be_bytes([e1, e0]),
        rest,
    ))
}

fn write_range(
    writer: &mut CompoundWriter<'_>,
    (ssrc, begin, end): (Ssrc, u16, u16),
) -> Result<(), RtcpWriteError> {
    writer.put(&ssrc.0.to_be_bytes())?;
    writer.put(&begin.to_be_bytes())?;
    writer.put(&end.to_be_bytes())
}

/// The numbers that a thinned block speaks of: those from `begin` on that are multiples of
/// 2^`thinning`, and lie before `end`.
fn thinned(begin: u16, end: u16, thinning: u8) -> impl Iterator<Item = u16> {
    let step = 1u32 << thinning.min(15);
    let span = u32::from(end.wrapping_sub(begin));
    let first = u32::from(begin).next_multiple_of(step) - u32::from(begin);
    (0..)
        .map(move |n| first + n * step)
        .take_while(move |&offset| offset < span)
        .map(move |offset| begin.wrapping_add(offset as u16))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn thinning_leaves_multiples() {
        assert_eq!(thinned(10, 14, 0).collect::<Vec<_>>(), [10, 11, 12, 13]);
        assert_eq!(thinned(10, 30, 3).collect::<Vec<_>>(), [16, 24]);
        assert_eq!(thinned(65_534, 2, 0).collect::<Vec<_>>(), [65_534, 65_535, 0, 1]);
        assert_eq!(thinned(65_533, 4, 1).collect::<Vec<_>>(), [65_534, 0, 2]);
        assert_eq!(thinned(5, 5, 0).count(), 0);
        assert_eq!(thinned(6, 5, 15).collect::<Vec<_>>(), [32_768, 0]);
        assert_eq!(thinned(6, 5, 0).count(), 65_535);
    }

    #[test]
    fn a_known_type_of_a_wrong_length_is_skipped() {
        let bytes = [7, 0, 0, 1, 1, 2, 3, 4, 4, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2];
        let report = [&[0, 0, 0, 9][..], &bytes].concat();
        let blocks: Vec<Block<'_>> = ExtendedReport::read(&report).unwrap().blocks().collect();
        let unknown = UnknownBlock { block_type: 7, specific: 0, data: &[1, 2, 3, 4] };
        assert_eq!(blocks, [Block::Unknown(unknown), Block::ReferenceTime(NtpTime(1 << 32 | 2))]);
    }

    #[test]
    fn a_block_longer_than_its_report_is_refused() {
        assert!(ExtendedReport::read(&[0, 0, 0, 9, 200, 0, 0, 1]).is_none());
        assert!(ExtendedReport::read(&[0, 0, 0, 9, 200, 0]).is_none());
        assert!(ExtendedReport::read(&[0, 0, 0]).is_none());
        assert_eq!(ExtendedReport::read(&[0, 0, 0, 9]).unwrap().blocks().count(), 0);
    }
}
