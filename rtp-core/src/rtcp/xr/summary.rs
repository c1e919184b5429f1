//! Figures of a stretch of packets (RFC 3611 section 4.6).

use super::{read_range, write_range};
use crate::Ssrc;
use crate::rtcp::{CompoundWriter, RtcpWriteError};

/// Loss, duplicates, jitter and hops of a source over a stretch of packets. What was not measured is
/// `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatisticsSummary {
    /// The source.
    pub ssrc: Ssrc,
    /// The first sequence number reported upon.
    pub begin: u16,
    /// The one behind the last.
    pub end: u16,
    /// Packets that did not come.
    pub lost: Option<u32>,
    /// Packets that came again.
    pub duplicates: Option<u32>,
    /// Differences in transit time between successive packets: least, greatest, mean and standard
    /// deviation, in ticks of the RTP clock.
    pub jitter: Option<[u32; 4]>,
    /// Hops that packets had left.
    pub hops: Option<HopCount>,
}

/// Time to live or hop limit: least, greatest, mean and standard deviation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HopCount {
    /// Of IPv4.
    Ttl([u8; 4]),
    /// Of IPv6.
    HopLimit([u8; 4]),
}

const LOST: u8 = 0x80;
const DUPLICATES: u8 = 0x40;
const JITTER: u8 = 0x20;
const TTL: u8 = 0x08;
const HOP_LIMIT: u8 = 0x10;

impl StatisticsSummary {
    pub(super) fn read(specific: u8, data: &[u8]) -> Option<StatisticsSummary> {
        let (ssrc, begin, end, rest) = read_range(data)?;
        let (figures, hops) = rest.as_array::<28>()?.split_first_chunk::<24>()?;
        let hops = *hops.as_array::<4>()?;
        let mut words = [0; 6];
        for (word, octets) in words.iter_mut().zip(figures.as_chunks::<4>().0) {
            *word = u32::from_be_bytes(*octets);
        }
        let [lost, duplicates, least, greatest, mean, deviation] = words;
        Some(StatisticsSummary {
            ssrc,
            begin,
            end,
            lost: (specific & LOST != 0).then_some(lost),
            duplicates: (specific & DUPLICATES != 0).then_some(duplicates),
            jitter: (specific & JITTER != 0).then_some([least, greatest, mean, deviation]),
            hops: match specific & (TTL | HOP_LIMIT) {
                TTL => Some(HopCount::Ttl(hops)),
                HOP_LIMIT => Some(HopCount::HopLimit(hops)),
                _ => None,
            },
        })
    }

    pub(super) fn write(&self, writer: &mut CompoundWriter<'_>) -> Result<u8, RtcpWriteError> {
        write_range(writer, (self.ssrc, self.begin, self.end))?;
        let [least, greatest, mean, deviation] = self.jitter.unwrap_or_default();
        let (lost, duplicates) = (self.lost.unwrap_or(0), self.duplicates.unwrap_or(0));
        for word in [lost, duplicates, least, greatest, mean, deviation] {
            writer.put(&word.to_be_bytes())?;
        }
        let (hops, kind) = match self.hops {
            Some(HopCount::Ttl(hops)) => (hops, TTL),
            Some(HopCount::HopLimit(hops)) => (hops, HOP_LIMIT),
            None => ([0; 4], 0),
        };
        writer.put(&hops)?;
        let flag = |present: bool, flag| if present { flag } else { 0 };
        Ok(flag(self.lost.is_some(), LOST)
            | flag(self.duplicates.is_some(), DUPLICATES)
            | flag(self.jitter.is_some(), JITTER)
            | kind)
    }
}
