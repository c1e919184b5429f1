//! Writes an RTP header into a buffer of the caller's (RFC 3550 section 5.1).

use crate::packet::{Extension, FIXED_HEADER_LEN};
use crate::{PayloadType, Ssrc};

/// What goes in front of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// The marker bit.
    pub marker: bool,
    /// The payload type.
    pub payload_type: PayloadType,
    /// The sequence number.
    pub sequence_number: u16,
    /// The timestamp, in ticks of the payload's clock.
    pub timestamp: u32,
    /// The synchronisation source.
    pub ssrc: Ssrc,
    /// Contributing sources, at most 15.
    pub csrcs: &'a [Ssrc],
    /// A header extension.
    pub extension: Option<Extension<'a>>,
}

impl Header<'static> {
    /// A header without marker, contributing sources and extension: 12 octets.
    pub const fn new(
        payload_type: PayloadType,
        sequence_number: u16,
        timestamp: u32,
        ssrc: Ssrc,
    ) -> Header<'static> {
        Header {
            marker: false,
            payload_type,
            sequence_number,
            timestamp,
            ssrc,
            csrcs: &[],
            extension: None,
        }
    }
}

impl Header<'_> {
    /// Octets that [`Header::write`] takes.
    pub fn encoded_len(&self) -> usize {
        let extension = self.extension.map_or(0, |extension| 4 + extension.data.len());
        FIXED_HEADER_LEN + 4 * self.csrcs.len() + extension
    }

    /// Writes the header to the front of `buf` and returns its length; what lies behind (a payload
    /// that is already in place, say) is left alone.
    ///
    /// # Errors
    ///
    /// [`WriteError`]: the caller's misuse; `buf` is unchanged.
    #[inline]
    pub fn write(&self, buf: &mut [u8]) -> Result<usize, WriteError> {
        let needed = self.check()?;
        if buf.len() < needed {
            return Err(WriteError::BufferTooSmall { needed, len: buf.len() });
        }
        let Some((fixed, rest)) = buf.split_first_chunk_mut::<FIXED_HEADER_LEN>() else {
            return Err(WriteError::BufferTooSmall { needed, len: 0 });
        };
        *fixed = self.fixed(false);
        if needed > FIXED_HEADER_LEN {
            self.write_variable(rest);
        }
        Ok(needed)
    }

    /// Writes header, `payload` and `padding` octets of padding; returns the packet's length.
    ///
    /// # Errors
    ///
    /// [`WriteError`]: the caller's misuse; `buf` is unchanged.
    #[inline]
    pub fn write_packet(
        &self,
        payload: &[u8],
        padding: u8,
        buf: &mut [u8],
    ) -> Result<usize, WriteError> {
        if padding > 0 || !self.csrcs.is_empty() || self.extension.is_some() {
            return self.write_rare(payload, padding, buf);
        }
        let (needed, len) = (FIXED_HEADER_LEN + payload.len(), buf.len());
        let too_small = WriteError::BufferTooSmall { needed, len };
        let packet = buf.get_mut(..needed).ok_or(too_small)?;
        let (fixed, body) = packet.split_first_chunk_mut::<FIXED_HEADER_LEN>().ok_or(too_small)?;
        *fixed = self.fixed(false);
        // A length known beforehand is copied in a few moves, without a call: 20 ms of G.711.
        match (body.as_mut_array::<160>(), payload.as_array::<160>()) {
            (Some(body), Some(payload)) => *body = *payload,
            _ => body.copy_from_slice(payload),
        }
        Ok(needed)
    }

    /// A packet with all that a header may have.
    fn write_rare(&self, payload: &[u8], padding: u8, buf: &mut [u8]) -> Result<usize, WriteError> {
        let header_len = self.check()?;
        let needed = header_len + payload.len() + usize::from(padding);
        let len = buf.len();
        let too_small = WriteError::BufferTooSmall { needed, len };
        let packet = buf.get_mut(..needed).ok_or(too_small)?;
        let (fixed, rest) = packet.split_first_chunk_mut::<FIXED_HEADER_LEN>().ok_or(too_small)?;
        *fixed = self.fixed(padding > 0);
        self.write_variable(rest);
        let (_, rest) = rest.split_at_mut(header_len - FIXED_HEADER_LEN);
        let (body, pad) = rest.split_at_mut(payload.len());
        body.copy_from_slice(payload);
        pad.fill(0);
        if let Some(count) = pad.last_mut() {
            *count = padding;
        }
        Ok(needed)
    }

    fn check(&self) -> Result<usize, WriteError> {
        if self.csrcs.len() > 15 {
            return Err(WriteError::TooManyCsrcs(self.csrcs.len()));
        }
        if let Some(extension) = self.extension {
            let len = extension.data.len();
            if !len.is_multiple_of(4) || len / 4 > usize::from(u16::MAX) {
                return Err(WriteError::ExtensionLength(len));
            }
        }
        Ok(self.encoded_len())
    }

    #[inline]
    fn fixed(&self, padding: bool) -> [u8; FIXED_HEADER_LEN] {
        let [s1, s0] = self.sequence_number.to_be_bytes();
        let [t3, t2, t1, t0] = self.timestamp.to_be_bytes();
        let [c3, c2, c1, c0] = self.ssrc.0.to_be_bytes();
        let first = 0x80
            | u8::from(padding) << 5
            | u8::from(self.extension.is_some()) << 4
            | self.csrcs.len() as u8;
        let second = u8::from(self.marker) << 7 | self.payload_type.value();
        [first, second, s1, s0, t3, t2, t1, t0, c3, c2, c1, c0]
    }

    /// CSRC list and extension into `rest`, which starts behind the fixed part and is long enough.
    fn write_variable(&self, rest: &mut [u8]) {
        let (list, rest) = rest.split_at_mut(4 * self.csrcs.len());
        for (octets, csrc) in list.as_chunks_mut::<4>().0.iter_mut().zip(self.csrcs) {
            *octets = csrc.0.to_be_bytes();
        }
        let Some(extension) = self.extension else { return };
        let Some((head, rest)) = rest.split_first_chunk_mut::<4>() else { return };
        let [p1, p0] = extension.profile.to_be_bytes();
        let [l1, l0] = ((extension.data.len() / 4) as u16).to_be_bytes();
        *head = [p1, p0, l1, l0];
        if let Some(data) = rest.get_mut(..extension.data.len()) {
            data.copy_from_slice(extension.data);
        }
    }
}

/// Why nothing was written. Always the caller's misuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The buffer is shorter than what is to be written.
    #[error("{needed} octets do not fit into a buffer of {len}")]
    BufferTooSmall {
        /// Octets to be written.
        needed: usize,
        /// Octets there are.
        len: usize,
    },
    /// More than 15 contributing sources.
    #[error("{0} contributing sources; at most 15 fit")]
    TooManyCsrcs(usize),
    /// The extension's data is not whole words, or over 65,535 of them.
    #[error("header extension of {0} octets is not a whole number of words up to 65,535")]
    ExtensionLength(usize),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Packet;

    const EVENT: PayloadType = PayloadType::from_octet(101);

    #[test]
    fn a_plain_header_is_twelve_octets() {
        let mut buf = [0xaa; 16];
        let header = Header { marker: true, ..Header::new(EVENT, 0x0102, 3, Ssrc(4)) };
        assert_eq!(header.write(&mut buf), Ok(12));
        assert_eq!(buf[..12], [0x80, 0x80 | 101, 1, 2, 0, 0, 0, 3, 0, 0, 0, 4]);
        assert_eq!(buf[12..], [0xaa; 4]);
    }

    #[test]
    fn everything_at_once_reads_back() {
        let csrcs = [Ssrc(10), Ssrc(11)];
        let extension = Extension { profile: 0xbede, data: &[0x10, 1, 0, 0] };
        let header = Header {
            csrcs: &csrcs,
            extension: Some(extension),
            ..Header::new(PayloadType::PCMU, 1, 2, Ssrc(3))
        };
        let mut buf = [0; 64];
        let len = header.write_packet(b"abc", 5, &mut buf).unwrap();
        assert_eq!(len, 12 + 8 + 8 + 3 + 5);
        let packet = Packet::parse(&buf[..len]).unwrap();
        assert!(packet.csrcs().eq(csrcs));
        assert_eq!(packet.extension(), Some(extension));
        assert_eq!((packet.payload(), packet.padding_len()), (&b"abc"[..], 5));
    }

    #[test]
    fn misuse_is_refused_and_leaves_the_buffer_alone() {
        let mut buf = [7; 13];
        let header = Header::new(EVENT, 0, 0, Ssrc(0));
        assert_eq!(
            header.write_packet(b"ab", 0, &mut buf),
            Err(WriteError::BufferTooSmall { needed: 14, len: 13 })
        );
        let many = [Ssrc(0); 16];
        assert_eq!(
            Header { csrcs: &many, ..header }.write(&mut buf),
            Err(WriteError::TooManyCsrcs(16))
        );
        let odd = Some(Extension { profile: 0, data: &[1, 2, 3] });
        assert_eq!(
            Header { extension: odd, ..header }.write(&mut buf),
            Err(WriteError::ExtensionLength(3))
        );
        assert_eq!(
            header.write(&mut buf[..11]),
            Err(WriteError::BufferTooSmall { needed: 12, len: 11 })
        );
        assert_eq!(buf, [7; 13]);
    }
}
