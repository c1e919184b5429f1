//! When packets came (RFC 3611 section 4.3).

use super::{read_range, thinned, write_range};
use crate::Ssrc;
use crate::rtcp::{CompoundWriter, RtcpWriteError};

/// The arrival times of a source's packets, by the reporter's clock at the source's rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceiptTimes<'a> {
    /// The source.
    pub ssrc: Ssrc,
    /// The first sequence number reported upon.
    pub begin: u16,
    /// The one behind the last.
    pub end: u16,
    /// Only numbers that are multiples of 2^`thinning` are reported upon; 0 to 15.
    pub thinning: u8,
    /// Times as they stand on the wire, one for each packet that came, in ticks.
    pub times: &'a [[u8; 4]],
}

impl<'a> ReceiptTimes<'a> {
    /// Numbers with their times, in ticks of the RTP clock. A packet that did not come has no time,
    /// and which those are does not stand here (a Loss RLE beside this block tells).
    pub fn iter(&self) -> impl Iterator<Item = (u16, u32)> + use<'a> {
        let times = self.times.iter().map(|octets| u32::from_be_bytes(*octets));
        thinned(self.begin, self.end, self.thinning).zip(times)
    }

    pub(super) fn read(specific: u8, data: &'a [u8]) -> Option<ReceiptTimes<'a>> {
        let (ssrc, begin, end, rest) = read_range(data)?;
        let (times, []) = rest.as_chunks() else { return None };
        Some(ReceiptTimes { ssrc, begin, end, thinning: specific & 0x0f, times })
    }

    pub(super) fn write(&self, writer: &mut CompoundWriter<'_>) -> Result<u8, RtcpWriteError> {
        write_range(writer, (self.ssrc, self.begin, self.end))?;
        writer.put(self.times.as_flattened())?;
        Ok(self.thinning & 0x0f)
    }
}
