//! A borrowed view of an RTP packet (RFC 3550 section 5.1), and one that rewrites in place.

use crate::{PayloadType, Ssrc};

/// The fixed part of an RTP header, in octets.
pub const FIXED_HEADER_LEN: usize = 12;

/// An RTP packet, checked once and then read without copying.
///
/// Parsing checks what the header says of itself: the version, that CSRC list, header extension and
/// padding fit into the datagram. Whether the packet belongs to a stream is decided by
/// [`crate::sequence`], [`crate::session`] and [`crate::latch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    fixed: &'a [u8; FIXED_HEADER_LEN],
    bytes: &'a [u8],
    layout: Layout,
}

impl<'a> Packet<'a> {
    /// Reads the datagram `bytes`.
    ///
    /// # Errors
    ///
    /// All of [`PacketError`]: the peer's fault; the packet is to be dropped.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Packet<'a>, PacketError> {
        let (fixed, layout) = Layout::parse(bytes)?;
        Ok(Packet { fixed, bytes, layout })
    }

    /// The marker bit; for audio the first packet after silence (RFC 3551 section 4.1).
    #[inline]
    pub const fn marker(&self) -> bool {
        self.fixed[1] & 0x80 != 0
    }

    /// The payload type.
    #[inline]
    pub const fn payload_type(&self) -> PayloadType {
        PayloadType::from_octet(self.fixed[1])
    }

    /// The sequence number, which counts packets and wraps.
    #[inline]
    pub const fn sequence_number(&self) -> u16 {
        u16::from_be_bytes([self.fixed[2], self.fixed[3]])
    }

    /// The sampling instant of the first octet of the payload, in ticks of the payload's clock.
    #[inline]
    pub const fn timestamp(&self) -> u32 {
        u32::from_be_bytes([self.fixed[4], self.fixed[5], self.fixed[6], self.fixed[7]])
    }

    /// The synchronisation source.
    #[inline]
    pub const fn ssrc(&self) -> Ssrc {
        Ssrc(u32::from_be_bytes([self.fixed[8], self.fixed[9], self.fixed[10], self.fixed[11]]))
    }

    /// The contributing sources that a mixer named; at most 15.
    pub fn csrcs(&self) -> impl ExactSizeIterator<Item = Ssrc> + use<'a> {
        let end = FIXED_HEADER_LEN + 4 * usize::from(self.fixed[0] & 0x0f);
        let list = self.bytes.get(FIXED_HEADER_LEN..end).unwrap_or_default();
        list.as_chunks::<4>().0.iter().map(|octets| Ssrc(u32::from_be_bytes(*octets)))
    }

    /// The header extension, if the packet has one (RFC 3550 section 5.3.1).
    pub fn extension(&self) -> Option<Extension<'a>> {
        if self.fixed[0] & 0x10 == 0 {
            return None;
        }
        let start = FIXED_HEADER_LEN + 4 * usize::from(self.fixed[0] & 0x0f);
        let (head, data) = self.bytes.get(start..self.layout.payload_start)?.split_first_chunk()?;
        let [a, b, _, _]: [u8; 4] = *head;
        Some(Extension { profile: u16::from_be_bytes([a, b]), data })
    }

    /// The payload without padding; may be empty.
    #[inline]
    pub fn payload(&self) -> &'a [u8] {
        self.bytes.get(self.layout.payload_start..self.layout.payload_end).unwrap_or_default()
    }

    /// Octets of padding behind the payload, its count octet included; 0 when there is none.
    pub fn padding_len(&self) -> usize {
        self.bytes.len() - self.layout.payload_end
    }

    /// Octets of header in front of the payload: fixed part, CSRC list and extension.
    pub const fn header_len(&self) -> usize {
        self.layout.payload_start
    }

    /// The whole datagram.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// An RTP packet in a buffer of the caller's, whose header is rewritten in place.
///
/// This is what a relay does to each packet: other sequence numbers and SSRC, the same payload.
#[derive(Debug)]
pub struct PacketMut<'a> {
    bytes: &'a mut [u8],
    layout: Layout,
}

impl<'a> PacketMut<'a> {
    /// Reads the datagram `bytes`; the same checks as [`Packet::parse`].
    ///
    /// # Errors
    ///
    /// All of [`PacketError`]: the peer's fault; the packet is to be dropped.
    pub fn parse(bytes: &'a mut [u8]) -> Result<PacketMut<'a>, PacketError> {
        let (_, layout) = Layout::parse(bytes)?;
        Ok(PacketMut { bytes, layout })
    }

    /// Sets the marker bit.
    pub fn set_marker(&mut self, marker: bool) {
        let octet = self.bytes.get(1).copied().unwrap_or_default();
        self.put(1, [octet & 0x7f | u8::from(marker) << 7]);
    }

    /// Sets the payload type.
    pub fn set_payload_type(&mut self, payload_type: PayloadType) {
        let octet = self.bytes.get(1).copied().unwrap_or_default();
        self.put(1, [octet & 0x80 | payload_type.value()]);
    }

    /// Sets the sequence number.
    pub fn set_sequence_number(&mut self, sequence_number: u16) {
        self.put(2, sequence_number.to_be_bytes());
    }

    /// Sets the timestamp.
    pub fn set_timestamp(&mut self, timestamp: u32) {
        self.put(4, timestamp.to_be_bytes());
    }

    /// Sets the synchronisation source.
    pub fn set_ssrc(&mut self, ssrc: Ssrc) {
        self.put(8, ssrc.0.to_be_bytes());
    }

    /// The payload without padding, to be changed in place.
    pub fn payload_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.layout.payload_start..self.layout.payload_end).unwrap_or_default()
    }

    /// The whole datagram.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes
    }

    /// The buffer does not shrink after `parse`, so the slot is always there.
    fn put<const N: usize>(&mut self, at: usize, octets: [u8; N]) {
        if let Some(slot) = self.bytes.get_mut(at..at + N) {
            slot.copy_from_slice(&octets);
        }
    }
}

/// An RTP header extension: 16 bits that its profile defines, and whole words of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension<'a> {
    /// "Defined by profile"; 0xBEDE and 0x1000 to 0x100F mean RFC 8285 elements.
    pub profile: u16,
    /// The data behind the extension's own header; its length is a multiple of four octets.
    pub data: &'a [u8],
}

impl<'a> Extension<'a> {
    /// The profile value of the one-octet form of RFC 8285 section 4.2.
    pub const ONE_BYTE: u16 = 0xbede;

    /// The elements of RFC 8285, padding skipped; none when the profile is another.
    /// [`crate::extension`] writes them.
    ///
    /// Reading stops at identifier 15 of the one-octet form and at an element that does not fit,
    /// as section 4.2 asks.
    pub fn elements(&self) -> impl Iterator<Item = Element<'a>> + use<'a> {
        let (mut rest, one_byte) = match self.profile {
            Self::ONE_BYTE => (self.data, true),
            0x1000..=0x100f => (self.data, false),
            _ => (&[][..], true),
        };
        core::iter::from_fn(move || {
            let trimmed = rest.iter().position(|&octet| octet != 0)?;
            let (&first, tail) = rest.get(trimmed..)?.split_first()?;
            let (id, len, tail) = if one_byte {
                (first >> 4, usize::from(first & 0x0f) + 1, tail)
            } else {
                let (&len, tail) = tail.split_first()?;
                (first, usize::from(len), tail)
            };
            if one_byte && id == 15 || len > tail.len() {
                rest = &[];
                return None;
            }
            let (data, tail) = tail.split_at(len);
            rest = tail;
            Some(Element { id, data })
        })
    }
}

/// One element of a header extension (RFC 8285).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// The local identifier that SDP's `extmap` binds; 0 in the one-octet form is malformed.
    pub id: u8,
    /// The element's data.
    pub data: &'a [u8],
}

/// Why a datagram is not an RTP packet. Always the peer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PacketError {
    /// Shorter than what its header says it holds.
    #[error("RTP packet of {len} octets needs at least {needed}")]
    Truncated {
        /// Octets that the header calls for, as far as it could be read.
        needed: usize,
        /// Octets there are.
        len: usize,
    },
    /// Not version 2.
    #[error("RTP version {0} is not 2")]
    Version(u8),
    /// The padding count is zero or reaches into the header (RFC 3550 appendix A.1).
    #[error("RTP padding of {count} octets does not fit into {available}")]
    Padding {
        /// What the last octet says.
        count: u8,
        /// Octets behind the header.
        available: usize,
    },
}

/// Where the payload lies; both are at most the datagram's length and in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    payload_start: usize,
    payload_end: usize,
}

impl Layout {
    #[inline]
    fn parse(bytes: &[u8]) -> Result<(&[u8; FIXED_HEADER_LEN], Layout), PacketError> {
        let len = bytes.len();
        let Some(fixed) = bytes.first_chunk::<FIXED_HEADER_LEN>() else {
            return Err(PacketError::Truncated { needed: FIXED_HEADER_LEN, len });
        };
        // The common packet: version 2 without padding, extension or CSRC.
        if fixed[0] == 0x80 {
            return Ok((fixed, Layout { payload_start: FIXED_HEADER_LEN, payload_end: len }));
        }
        Ok((fixed, Layout::parse_rare(fixed, bytes)?))
    }

    fn parse_rare(fixed: &[u8; FIXED_HEADER_LEN], bytes: &[u8]) -> Result<Layout, PacketError> {
        let len = bytes.len();
        let payload_start = header_len(fixed, bytes)?;
        let mut payload_end = len;
        if fixed[0] & 0x20 != 0 {
            let available = len - payload_start;
            let count = bytes.last().copied().unwrap_or(0);
            if count == 0 || usize::from(count) > available {
                return Err(PacketError::Padding { count, available });
            }
            payload_end -= usize::from(count);
        }
        Ok(Layout { payload_start, payload_end })
    }
}

/// Octets of header in front of the payload, which fit into `bytes`.
fn header_len(fixed: &[u8; FIXED_HEADER_LEN], bytes: &[u8]) -> Result<usize, PacketError> {
    let len = bytes.len();
    let version = fixed[0] >> 6;
    if version != 2 {
        return Err(PacketError::Version(version));
    }
    let mut payload_start = FIXED_HEADER_LEN + 4 * usize::from(fixed[0] & 0x0f);
    if fixed[0] & 0x10 != 0 {
        let head = bytes.get(payload_start..).and_then(|rest| rest.first_chunk::<4>());
        payload_start += 4;
        let Some(&[_, _, high, low]) = head else {
            return Err(PacketError::Truncated { needed: payload_start, len });
        };
        payload_start += 4 * usize::from(u16::from_be_bytes([high, low]));
    }
    if payload_start > len {
        return Err(PacketError::Truncated { needed: payload_start, len });
    }
    Ok(payload_start)
}

/// What can be read of a packet whose payload, and so its padding, is encrypted.
#[cfg(feature = "srtp")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct PrefixHeader {
    pub(crate) ssrc: Ssrc,
    pub(crate) sequence_number: u16,
    /// Octets in front of the payload.
    pub(crate) len: usize,
}

#[cfg(feature = "srtp")]
impl PrefixHeader {
    #[inline]
    pub(crate) fn parse(bytes: &[u8]) -> Result<PrefixHeader, PacketError> {
        let len = bytes.len();
        let Some(fixed) = bytes.first_chunk::<FIXED_HEADER_LEN>() else {
            return Err(PacketError::Truncated { needed: FIXED_HEADER_LEN, len });
        };
        let &[first, _, s1, s0, _, _, _, _, c3, c2, c1, c0] = fixed;
        Ok(PrefixHeader {
            ssrc: Ssrc(u32::from_be_bytes([c3, c2, c1, c0])),
            sequence_number: u16::from_be_bytes([s1, s0]),
            len: if first == 0x80 { FIXED_HEADER_LEN } else { header_len(fixed, bytes)? },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const FIXED: [u8; 12] = [0x80, 0x88, 0x12, 0x34, 0, 0, 0, 160, 0xde, 0xad, 0xbe, 0xef];

    fn with(first: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = FIXED.to_vec();
        bytes[0] = first;
        bytes.extend_from_slice(rest);
        bytes
    }

    #[test]
    fn fixed_fields_are_read() {
        let bytes = with(0x80, &[1, 2, 3]);
        let packet = Packet::parse(&bytes).unwrap();
        assert!(packet.marker());
        assert_eq!(packet.payload_type(), PayloadType::PCMA);
        assert_eq!(packet.sequence_number(), 0x1234);
        assert_eq!(packet.timestamp(), 160);
        assert_eq!(packet.ssrc(), Ssrc(0xdead_beef));
        assert_eq!(packet.csrcs().len(), 0);
        assert_eq!(packet.extension(), None);
        assert_eq!((packet.payload(), packet.padding_len()), (&[1, 2, 3][..], 0));
    }

    #[test]
    fn csrc_extension_and_padding_are_skipped() {
        let rest = [0, 0, 0, 1, 0, 0, 0, 2, 0xbe, 0xde, 0, 1, 0x10, 7, 0, 0, 9, 9, 0, 0, 3];
        let bytes = with(0xb2, &rest);
        let packet = Packet::parse(&bytes).unwrap();
        assert_eq!(packet.csrcs().collect::<Vec<_>>(), [Ssrc(1), Ssrc(2)]);
        let extension = packet.extension().unwrap();
        assert_eq!(extension.profile, Extension::ONE_BYTE);
        assert_eq!(extension.elements().collect::<Vec<_>>(), [Element { id: 1, data: &[7] }]);
        assert_eq!((packet.payload(), packet.padding_len()), (&[9, 9][..], 3));
        assert_eq!(packet.header_len(), 28);
    }

    #[test]
    fn padding_may_be_all_there_is() {
        let bytes = with(0xa0, &[0, 0, 0, 4]);
        assert_eq!(Packet::parse(&bytes).unwrap().payload(), b"");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        use PacketError::*;
        let cases: [(u8, &[u8], PacketError); 8] = [
            (0x00, &[], Version(0)),
            (0x40, &[], Version(1)),
            (0xc0, &[], Version(3)),
            (0x8f, &[], Truncated { needed: 72, len: 12 }),
            (0x90, &[0xbe, 0xde, 0], Truncated { needed: 16, len: 15 }),
            (0x90, &[0xbe, 0xde, 0xff, 0xff], Truncated { needed: 16 + 4 * 65_535, len: 16 }),
            (0xa0, &[0], Padding { count: 0, available: 1 }),
            (0xa0, &[0, 3], Padding { count: 3, available: 2 }),
        ];
        for (first, rest, error) in cases {
            assert_eq!(Packet::parse(&with(first, rest)), Err(error), "{first:02x}");
        }
        assert_eq!(Packet::parse(&FIXED[..11]), Err(Truncated { needed: 12, len: 11 }));
        // Without a payload the last octet of the header must not be read as a padding count.
        assert_eq!(Packet::parse(&with(0xa0, &[])), Err(Padding { count: 0xef, available: 0 }));
    }

    #[test]
    fn two_octet_elements_and_broken_ones() {
        let extension = Extension { profile: 0x1000, data: &[1, 0, 0, 2, 2, 5, 6, 0] };
        let found: Vec<_> = extension.elements().collect();
        assert_eq!(found, [Element { id: 1, data: &[] }, Element { id: 2, data: &[5, 6] }]);
        let stop = Extension { profile: Extension::ONE_BYTE, data: &[0x10, 1, 0xf0, 0] };
        assert_eq!(stop.elements().count(), 1);
        let long = Extension { profile: Extension::ONE_BYTE, data: &[0x1f, 1, 1, 1] };
        assert_eq!(long.elements().count(), 0);
        let other = Extension { profile: 0x2222, data: &[0x10, 1, 0, 0] };
        assert_eq!(other.elements().count(), 0);
    }

    #[test]
    fn rewriting_touches_only_its_field() {
        let mut bytes = with(0x80, &[1, 2, 3]);
        let mut packet = PacketMut::parse(&mut bytes).unwrap();
        packet.set_marker(false);
        packet.set_payload_type(PayloadType::from_octet(101));
        packet.set_sequence_number(1);
        packet.set_timestamp(2);
        packet.set_ssrc(Ssrc(3));
        packet.payload_mut()[0] = 9;
        assert_eq!(packet.as_bytes(), [0x80, 101, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 2, 3]);
    }
}
