//! A compound packet: framing and validation (RFC 3550 section 6.1 and appendix A.2).

use super::{
    App, Bye, ExtendedReport, Feedback, FeedbackLayer, ReceiverReport, Sdes, SenderReport,
    packet_type,
};

/// A compound RTCP packet whose every part has been checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compound<'a> {
    bytes: &'a [u8],
}

impl<'a> Compound<'a> {
    /// Reads the datagram `bytes`, which has to begin with a sender or receiver report.
    ///
    /// A compound is taken or refused whole, so that nothing of a damaged one is acted upon.
    ///
    /// # Errors
    ///
    /// [`RtcpError`]: the peer's fault; the datagram is to be dropped.
    pub fn parse(bytes: &'a [u8]) -> Result<Compound<'a>, RtcpError> {
        match bytes {
            [_, packet_type::SR | packet_type::RR, ..] | [] | [_] => {}
            [_, packet_type, ..] => return Err(Flaw::FirstPacket(*packet_type).at(0)),
        }
        Self::parse_reduced_size(bytes)
    }

    /// Reads the datagram `bytes` as reduced-size RTCP, which may begin with any packet type and
    /// has to be negotiated (RFC 5506).
    ///
    /// # Errors
    ///
    /// [`RtcpError`]: the peer's fault; the datagram is to be dropped.
    pub fn parse_reduced_size(bytes: &'a [u8]) -> Result<Compound<'a>, RtcpError> {
        let mut offset = 0;
        loop {
            let rest = bytes.get(offset..).unwrap_or_default();
            let (raw, len) = Raw::split(rest).map_err(|flaw| flaw.at(offset))?;
            Packet::read(&raw).map_err(|flaw| flaw.at(offset))?;
            offset += len;
            if offset == bytes.len() {
                return Ok(Compound { bytes });
            }
            if raw.padded {
                return Err(Flaw::PaddingNotLast.at(offset - len));
            }
        }
    }

    /// The packets in it, in order.
    pub fn packets(&self) -> Packets<'a> {
        Packets { rest: self.bytes }
    }

    /// The whole datagram.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// The packets of a [`Compound`].
#[derive(Debug, Clone)]
pub struct Packets<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Packets<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        let (raw, len) = Raw::split(self.rest).ok()?;
        self.rest = self.rest.get(len..).unwrap_or_default();
        Packet::read(&raw).ok()
    }
}

/// One packet of a compound.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packet<'a> {
    /// SR, type 200.
    SenderReport(SenderReport<'a>),
    /// RR, type 201.
    ReceiverReport(ReceiverReport<'a>),
    /// SDES, type 202.
    Sdes(Sdes<'a>),
    /// BYE, type 203.
    Bye(Bye<'a>),
    /// APP, type 204.
    App(App<'a>),
    /// RTPFB or PSFB, types 205 and 206.
    Feedback(Feedback<'a>),
    /// XR, type 207.
    ExtendedReport(ExtendedReport<'a>),
    /// A type that this crate does not interpret; to be skipped.
    Unknown(Unknown<'a>),
}

impl<'a> Packet<'a> {
    fn read(raw: &Raw<'a>) -> Result<Packet<'a>, Flaw> {
        let (count, body) = (raw.count, raw.body);
        let malformed = Flaw::Malformed(raw.packet_type);
        Ok(match raw.packet_type {
            packet_type::SR => {
                Packet::SenderReport(SenderReport::read(count, body).ok_or(malformed)?)
            }
            packet_type::RR => {
                Packet::ReceiverReport(ReceiverReport::read(count, body).ok_or(malformed)?)
            }
            packet_type::SDES => Packet::Sdes(Sdes::read(count, body).ok_or(malformed)?),
            packet_type::BYE => Packet::Bye(Bye::read(count, body).ok_or(malformed)?),
            packet_type::APP => Packet::App(App::read(count, body).ok_or(malformed)?),
            packet_type::RTPFB => Packet::Feedback(
                Feedback::read(FeedbackLayer::Transport, count, body).ok_or(malformed)?,
            ),
            packet_type::PSFB => Packet::Feedback(
                Feedback::read(FeedbackLayer::Payload, count, body).ok_or(malformed)?,
            ),
            packet_type::XR => Packet::ExtendedReport(ExtendedReport::read(body).ok_or(malformed)?),
            packet_type => Packet::Unknown(Unknown { packet_type, count, body }),
        })
    }
}

/// A packet whose type this crate does not interpret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown<'a> {
    /// The packet type.
    pub packet_type: u8,
    /// The five bits behind version and padding: a count or a format.
    pub count: u8,
    /// What follows the common header, padding taken off; whole words.
    pub body: &'a [u8],
}

/// Why a datagram is not RTCP. Always the peer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("RTCP at octet {offset}: {flaw}")]
pub struct RtcpError {
    /// Where the offending packet begins in the datagram.
    pub offset: usize,
    /// What is wrong with it.
    pub flaw: Flaw,
}

/// What is wrong with an RTCP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Flaw {
    /// Shorter than its length field says, or than the common header.
    #[error("packet is cut off")]
    Truncated,
    /// Not version 2.
    #[error("version {0} is not 2")]
    Version(u8),
    /// The compound begins with neither SR nor RR.
    #[error("compound begins with packet type {0} instead of a report")]
    FirstPacket(u8),
    /// The padding count is zero, not whole words, or longer than the packet.
    #[error("padding of {0} octets is not valid")]
    Padding(u8),
    /// Only the last packet of a compound may be padded.
    #[error("padding in a packet that is not the last")]
    PaddingNotLast,
    /// What the packet says of its contents does not fit its length.
    #[error("contents of packet type {0} do not fit its length")]
    Malformed(u8),
}

impl Flaw {
    fn at(self, offset: usize) -> RtcpError {
        RtcpError { offset, flaw: self }
    }
}

/// A packet by its common header alone.
struct Raw<'a> {
    packet_type: u8,
    count: u8,
    padded: bool,
    body: &'a [u8],
}

impl<'a> Raw<'a> {
    /// Takes one packet off the front; also its length with header and padding.
    fn split(bytes: &'a [u8]) -> Result<(Raw<'a>, usize), Flaw> {
        let Some((&[first, packet_type, high, low], rest)) = bytes.split_first_chunk::<4>() else {
            return Err(Flaw::Truncated);
        };
        if first >> 6 != 2 {
            return Err(Flaw::Version(first >> 6));
        }
        let len = 4 * usize::from(u16::from_be_bytes([high, low]));
        let mut body = rest.get(..len).ok_or(Flaw::Truncated)?;
        let padded = first & 0x20 != 0;
        if padded {
            let count = body.last().copied().unwrap_or(0);
            if count == 0 || !count.is_multiple_of(4) || usize::from(count) > len {
                return Err(Flaw::Padding(count));
            }
            body = body.get(..len - usize::from(count)).unwrap_or_default();
        }
        Ok((Raw { packet_type, count: first & 0x1f, padded, body }, 4 + len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    const EMPTY_RR: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 7];

    fn flaw(bytes: &[u8]) -> Flaw {
        Compound::parse(bytes).unwrap_err().flaw
    }

    #[test]
    fn an_empty_receiver_report_is_a_compound() {
        let compound = Compound::parse(&EMPTY_RR).unwrap();
        assert_eq!(compound.packets().count(), 1);
        assert_eq!(compound.as_bytes(), EMPTY_RR);
    }

    #[test]
    fn framing_flaws_are_named() {
        assert_eq!(flaw(&[]), Flaw::Truncated);
        assert_eq!(flaw(&[0x80]), Flaw::Truncated);
        assert_eq!(flaw(&EMPTY_RR[..7]), Flaw::Truncated);
        assert_eq!(flaw(&[0x40, 201, 0, 1, 0, 0, 0, 7]), Flaw::Version(1));
        assert_eq!(flaw(&[0x81, 203, 0, 1, 0, 0, 0, 7]), Flaw::FirstPacket(203));
        assert_eq!(flaw(&[0x80, 201, 0, 0]), Flaw::Malformed(201));
        assert_eq!(flaw(&[0x81, 201, 0, 1, 0, 0, 0, 7]), Flaw::Malformed(201));
    }

    #[test]
    fn the_error_says_where() {
        let bytes = [&EMPTY_RR[..], &[0x81, 203, 0, 9]].concat();
        assert_eq!(Compound::parse(&bytes), Err(RtcpError { offset: 8, flaw: Flaw::Truncated }));
    }

    #[test]
    fn padding_belongs_to_the_last_packet() {
        let padded = [0xa0, 201, 0, 2, 0, 0, 0, 7, 0, 0, 0, 4];
        assert!(Compound::parse(&padded).is_ok());
        assert_eq!(flaw(&[&padded[..], &EMPTY_RR[..]].concat()), Flaw::PaddingNotLast);
        for count in [0, 3, 5, 12, 255] {
            let mut bytes = padded;
            bytes[11] = count;
            assert_eq!(flaw(&bytes), Flaw::Padding(count));
        }
        // Padding that swallows the sender's SSRC leaves no report.
        let mut bytes = padded;
        bytes[11] = 8;
        assert_eq!(flaw(&bytes), Flaw::Malformed(201));
    }

    #[test]
    fn unknown_types_are_passed_over() {
        let unknown = [0x83, 210, 0, 1, 1, 2, 3, 4];
        let bytes = [&EMPTY_RR[..], &unknown, &[0x81, 203, 0, 1, 0, 0, 0, 7]].concat();
        let packets: Vec<_> = Compound::parse(&bytes).unwrap().packets().collect();
        assert_eq!(packets.len(), 3);
        assert_eq!(
            packets[1],
            Packet::Unknown(Unknown { packet_type: 210, count: 3, body: &[1, 2, 3, 4] })
        );
        assert!(matches!(packets[2], Packet::Bye(_)));
    }

    #[test]
    fn reduced_size_may_begin_with_anything() {
        let bye = [0x81, 203, 0, 1, 0, 0, 0, 7];
        assert!(Compound::parse_reduced_size(&bye).is_ok());
        assert!(Compound::parse_reduced_size(&[]).is_err());
    }

    #[test]
    fn inner_lengths_of_carried_packets_are_checked() {
        let cases: [(&[u8], bool); 5] = [
            (&[0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2], false),
            (&[0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 9, 0, 0], true),
            (&[0x81, 206, 0, 1, 0, 0, 0, 1], false),
            (&[0x80, 207, 0, 2, 0, 0, 0, 0, 4, 0, 0xff, 0xff], false),
            (&[0x80, 207, 0, 2, 0, 0, 0, 0, 4, 0, 0, 0], true),
        ];
        for (bytes, fine) in cases {
            assert_eq!(Compound::parse_reduced_size(bytes).is_ok(), fine, "{bytes:02x?}");
        }
    }
}
