//! Writes a compound packet into a buffer of the caller's.

use super::xr::Block;
use super::{App, Feedback, ReportBlock, SdesItem, SenderInfo, packet_type};
use crate::Ssrc;

/// Appends packets to a buffer; one that does not fit leaves those before it whole.
#[derive(Debug)]
pub struct CompoundWriter<'b> {
    buf: &'b mut [u8],
    len: usize,
    reduced_size: bool,
}

impl<'b> CompoundWriter<'b> {
    /// A compound that has to begin with a report (RFC 3550 section 6.1).
    pub fn new(buf: &'b mut [u8]) -> CompoundWriter<'b> {
        CompoundWriter { buf, len: 0, reduced_size: false }
    }

    /// A compound that may begin with anything; to be negotiated (RFC 5506).
    pub fn reduced_size(buf: &'b mut [u8]) -> CompoundWriter<'b> {
        CompoundWriter { buf, len: 0, reduced_size: true }
    }

    /// Appends an SR.
    ///
    /// # Errors
    ///
    /// [`RtcpWriteError`]: the caller's misuse; nothing is appended. A packet holds 31 blocks.
    pub fn sender_report(
        &mut self,
        ssrc: Ssrc,
        info: SenderInfo,
        blocks: impl IntoIterator<Item = ReportBlock>,
    ) -> Result<(), RtcpWriteError> {
        self.packet(packet_type::SR, |writer| {
            writer.put(&ssrc.0.to_be_bytes())?;
            writer.put(&info.to_bytes())?;
            writer.blocks(blocks)
        })
    }

    /// Appends an RR.
    ///
    /// # Errors
    ///
    /// [`RtcpWriteError`]: the caller's misuse; nothing is appended. A packet holds 31 blocks.
    pub fn receiver_report(
        &mut self,
        ssrc: Ssrc,
        blocks: impl IntoIterator<Item = ReportBlock>,
    ) -> Result<(), RtcpWriteError> {
        self.packet(packet_type::RR, |writer| {
            writer.put(&ssrc.0.to_be_bytes())?;
            writer.blocks(blocks)
        })
    }

    /// Appends an SDES with a chunk for each source.
    ///
    /// # Errors
    ///
    /// [`RtcpWriteError`]: the caller's misuse; nothing is appended. A packet holds 31 chunks; an
    /// item's kind is not 0 and its value at most 255 octets.
    pub fn sdes(&mut self, chunks: &[(Ssrc, &[SdesItem<'_>])]) -> Result<(), RtcpWriteError> {
        self.packet(packet_type::SDES, |writer| {
            for (ssrc, items) in chunks {
                writer.put(&ssrc.0.to_be_bytes())?;
                for item in *items {
                    if item.kind == 0 {
                        return Err(RtcpWriteError::ItemKind);
                    }
                    writer.put(&[item.kind])?;
                    writer.put_text(item.value)?;
                }
                // At least one null octet ends the list.
                writer.put(&[0])?;
                writer.align()?;
            }
            count(chunks.len())
        })
    }

    /// Appends a BYE.
    ///
    /// # Errors
    ///
    /// [`RtcpWriteError`]: the caller's misuse; nothing is appended. A packet holds 31 sources and
    /// a reason of at most 255 octets.
    pub fn bye(&mut self, sources: &[Ssrc], reason: Option<&[u8]>) -> Result<(), RtcpWriteError> {
        self.packet(packet_type::BYE, |writer| {
            for source in sources {
                writer.put(&source.0.to_be_bytes())?;
            }
            if let Some(reason) = reason {
                writer.put_text(reason)?;
                writer.align()?;
            }
            count(sources.len())
        })
    }

    /// Appends an APP.
    ///
    /// # Errors
    ///
    /// [`RtcpWriteError`]: the caller's misuse; nothing is appended. The subtype is at most 31 and
    /// the data whole words.
    pub fn app(&mut self, app: &App<'_>) -> Result<(), RtcpWriteError> {
        self.packet(packet_type::APP, |writer| {
            writer.put(&app.ssrc.0.to_be_bytes())?;
            writer.put(&app.name)?;
            writer.put(app.data)?;
            count(usize::from(app.subtype))
        })
    }

    /// Appends an XR.
    ///
    /// # Errors
    ///
    /// [`RtcpWriteError`]: the caller's misuse; nothing is appended. Blocks are whole words.
    pub fn extended_report(
        &mut self,
        ssrc: Ssrc,
        blocks: &[Block<'_>],
    ) -> Result<(), RtcpWriteError> {
        self.packet(packet_type::XR, |writer| {
            writer.put(&ssrc.0.to_be_bytes())?;
            blocks.iter().try_for_each(|block| block.write(writer))?;
            Ok(0)
        })
    }

    /// Appends an RTPFB or PSFB.
    ///
    /// # Errors
    ///
    /// [`RtcpWriteError`]: the caller's misuse; nothing is appended. The format is at most 31 and
    /// the control information whole words.
    pub fn feedback(&mut self, feedback: &Feedback<'_>) -> Result<(), RtcpWriteError> {
        self.feedback_with(feedback, |writer| writer.put(feedback.fci))
    }

    /// Appends a packet of any type, `body` being what follows the common header.
    ///
    /// # Errors
    ///
    /// [`RtcpWriteError`]: the caller's misuse; nothing is appended. The count is at most 31 and
    /// the body whole words.
    pub fn raw(
        &mut self,
        packet_type: u8,
        count_field: u8,
        body: &[u8],
    ) -> Result<(), RtcpWriteError> {
        self.packet(packet_type, |writer| {
            writer.put(body)?;
            count(usize::from(count_field))
        })
    }

    /// Octets written so far.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Has nothing been written?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Ends the compound and returns its length.
    pub fn finish(self) -> usize {
        self.len
    }

    /// The head of `feedback`, with control information that `fci` writes.
    pub(super) fn feedback_with(
        &mut self,
        feedback: &Feedback<'_>,
        fci: impl FnOnce(&mut Self) -> Result<(), RtcpWriteError>,
    ) -> Result<(), RtcpWriteError> {
        self.packet(feedback.packet_type(), |writer| {
            writer.put(&feedback.sender.0.to_be_bytes())?;
            writer.put(&feedback.media.0.to_be_bytes())?;
            fci(writer)?;
            count(usize::from(feedback.format))
        })
    }

    /// Writes the common header around `body`, which returns the count field; all or nothing.
    fn packet(
        &mut self,
        packet_type: u8,
        body: impl FnOnce(&mut Self) -> Result<u8, RtcpWriteError>,
    ) -> Result<(), RtcpWriteError> {
        let report = matches!(packet_type, packet_type::SR | packet_type::RR);
        if self.len == 0 && !self.reduced_size && !report {
            return Err(RtcpWriteError::ReportFirst);
        }
        let start = self.len;
        let result = self.put(&[0; 4]).and_then(|()| body(self)).and_then(|count| {
            let len = self.len - start;
            let words = u16::try_from(len / 4 - 1);
            match (len % 4, words, self.buf.get_mut(start..start + 4)) {
                (0, Ok(words), Some(head)) => {
                    let [high, low] = words.to_be_bytes();
                    head.copy_from_slice(&[0x80 | count, packet_type, high, low]);
                    Ok(())
                }
                _ => Err(RtcpWriteError::Length(len)),
            }
        });
        if result.is_err() {
            self.len = start;
        }
        result
    }

    fn blocks(
        &mut self,
        blocks: impl IntoIterator<Item = ReportBlock>,
    ) -> Result<u8, RtcpWriteError> {
        let mut written = 0;
        for block in blocks {
            written += 1;
            count(written)?;
            self.put(&block.to_bytes())?;
        }
        count(written)
    }

    fn put_text(&mut self, text: &[u8]) -> Result<(), RtcpWriteError> {
        let len = u8::try_from(text.len()).map_err(|_| RtcpWriteError::TextTooLong(text.len()))?;
        self.put(&[len])?;
        self.put(text)
    }

    fn align(&mut self) -> Result<(), RtcpWriteError> {
        let missing = self.len.next_multiple_of(4) - self.len;
        self.put([0; 3].get(..missing).unwrap_or_default())
    }

    /// Writes over what stands at `at`.
    pub(super) fn amend(&mut self, at: usize, octets: &[u8]) -> Result<(), RtcpWriteError> {
        let place =
            self.buf.get_mut(at..at + octets.len()).ok_or(RtcpWriteError::BufferTooSmall)?;
        place.copy_from_slice(octets);
        Ok(())
    }

    pub(super) fn put(&mut self, octets: &[u8]) -> Result<(), RtcpWriteError> {
        let end = self.len + octets.len();
        let slot = self.buf.get_mut(self.len..end).ok_or(RtcpWriteError::BufferTooSmall)?;
        slot.copy_from_slice(octets);
        self.len = end;
        Ok(())
    }
}

fn count(number: usize) -> Result<u8, RtcpWriteError> {
    match u8::try_from(number) {
        Ok(count) if count < 32 => Ok(count),
        _ => Err(RtcpWriteError::TooMany(number)),
    }
}

/// Why a packet was not appended. Always the caller's misuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RtcpWriteError {
    /// The packet does not fit into what is left of the buffer.
    #[error("RTCP packet does not fit into the buffer")]
    BufferTooSmall,
    /// A compound begins with SR or RR unless reduced size is negotiated.
    #[error("RTCP compound has to begin with a report")]
    ReportFirst,
    /// More blocks, chunks or sources than five bits count, or a subtype above 31.
    #[error("{0} does not fit into the count field of an RTCP packet (31)")]
    TooMany(usize),
    /// An item or a reason over 255 octets.
    #[error("text of {0} octets is over 255")]
    TextTooLong(usize),
    /// Item type 0 is the end of the list.
    #[error("SDES item type 0 is reserved")]
    ItemKind,
    /// The packet is not whole words, or over 65,536 of them.
    #[error("RTCP packet of {0} octets is not a whole number of words up to 65,536")]
    Length(usize),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, Packet};

    #[test]
    fn a_packet_that_does_not_fit_leaves_the_rest_whole() {
        let mut buf = [0; 20];
        let mut writer = CompoundWriter::new(&mut buf);
        writer.receiver_report(Ssrc(1), []).unwrap();
        let name = SdesItem::cname(b"longer than that");
        assert_eq!(writer.sdes(&[(Ssrc(1), &[name])]), Err(RtcpWriteError::BufferTooSmall));
        writer.bye(&[Ssrc(1)], None).unwrap();
        let len = writer.finish();
        assert_eq!(len, 16);
        assert_eq!(Compound::parse(&buf[..len]).unwrap().packets().count(), 2);
    }

    #[test]
    fn the_first_packet_is_a_report() {
        let mut buf = [0; 64];
        assert_eq!(
            CompoundWriter::new(&mut buf).bye(&[Ssrc(1)], None),
            Err(RtcpWriteError::ReportFirst)
        );
        let mut writer = CompoundWriter::reduced_size(&mut buf);
        assert!(writer.is_empty());
        writer.bye(&[Ssrc(1)], None).unwrap();
        assert_eq!(writer.len(), 8);
    }

    #[test]
    fn counts_and_lengths_have_their_limits() {
        let mut buf = [0; 2048];
        let mut writer = CompoundWriter::reduced_size(&mut buf);
        assert_eq!(writer.bye(&[Ssrc(0); 32], None), Err(RtcpWriteError::TooMany(32)));
        assert_eq!(writer.bye(&[], Some(&[b'x'; 256])), Err(RtcpWriteError::TextTooLong(256)));
        assert_eq!(writer.raw(210, 32, &[]), Err(RtcpWriteError::TooMany(32)));
        assert_eq!(writer.raw(210, 0, &[1]), Err(RtcpWriteError::Length(5)));
        let null = SdesItem { kind: 0, value: b"" };
        assert_eq!(writer.sdes(&[(Ssrc(0), &[null])]), Err(RtcpWriteError::ItemKind));
        assert!(writer.is_empty());
    }

    #[test]
    fn items_of_every_length_end_with_a_null() {
        for len in 0..8 {
            let mut buf = [0xff; 64];
            let mut writer = CompoundWriter::reduced_size(&mut buf);
            let value = &b"abcdefgh"[..len];
            writer.sdes(&[(Ssrc(1), &[SdesItem::cname(value)]), (Ssrc(2), &[])]).unwrap();
            let end = writer.finish();
            let compound = Compound::parse_reduced_size(&buf[..end]).unwrap();
            let Some(Packet::Sdes(sdes)) = compound.packets().next() else { panic!("no SDES") };
            assert!(sdes.chunks().map(|chunk| chunk.cname()).eq([Some(value), None]));
        }
    }
}
