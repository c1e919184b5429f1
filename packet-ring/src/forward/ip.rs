//! What forwarding reads of IPv4 and IPv6 headers (RFC 791, RFC 8200).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Protocol numbers.
pub mod protocol {
    /// ICMP (RFC 792).
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// DCCP.
    pub const DCCP: u8 = 33;
    /// ICMPv6 (RFC 4443).
    pub const ICMPV6: u8 = 58;
    /// SCTP.
    pub const SCTP: u8 = 132;
}

/// An IP header, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpHeader {
    /// Where the packet comes from.
    pub source: IpAddr,
    /// Where it goes.
    pub destination: IpAddr,
    /// What it carries; behind IPv6 extension headers, as far as they can be read.
    pub protocol: u8,
    /// Bytes until what it carries: options and extension headers are part of it.
    pub len: usize,
    /// Bytes of the packet as the header says; a frame may have padding behind.
    pub total: usize,
    /// TTL or hop limit.
    pub ttl: u8,
    /// Whether it is a piece of a packet.
    pub is_fragment: bool,
    /// Whether it is a piece other than the first.
    pub is_later_fragment: bool,
    /// Whether routers must not fragment it; always so for IPv6.
    pub dont_fragment: bool,
}

impl IpHeader {
    /// Reads the header of a packet. `None` when it is neither IPv4 nor IPv6, cut short, or says lengths
    /// that cannot be. The checksum of IPv4 is not looked at: see [`ipv4_checksum_is_right`].
    pub fn parse(packet: &[u8]) -> Option<Self> {
        match packet.first()? >> 4 {
            4 => Self::parse_v4(packet),
            6 => Self::parse_v6(packet),
            _ => None,
        }
    }

    fn parse_v4(packet: &[u8]) -> Option<Self> {
        let header = packet.first_chunk::<20>()?;
        let [version, _, l0, l1, _, _, f0, f1, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
            *header;
        let len = usize::from(version & 0xf) * 4;
        let total = usize::from(u16::from_be_bytes([l0, l1]));
        if len < 20 || total < len || packet.len() < total {
            return None;
        }
        let fragment = u16::from_be_bytes([f0, f1]);
        Some(Self {
            source: Ipv4Addr::new(s0, s1, s2, s3).into(),
            destination: Ipv4Addr::new(d0, d1, d2, d3).into(),
            protocol,
            len,
            total,
            ttl,
            is_fragment: fragment & 0x3fff != 0,
            is_later_fragment: fragment & 0x1fff != 0,
            dont_fragment: fragment & 0x4000 != 0,
        })
    }

    fn parse_v6(packet: &[u8]) -> Option<Self> {
        let header = packet.first_chunk::<40>()?;
        let total = 40 + usize::from(u16::from_be_bytes([header[4], header[5]]));
        if packet.len() < total {
            return None;
        }
        let address = |at: usize| -> Option<IpAddr> {
            let octets = *header.get(at..)?.first_chunk::<16>()?;
            Some(Ipv6Addr::from(octets).into())
        };
        let mut protocol = header[6];
        let mut len = 40;
        let (mut is_fragment, mut is_later_fragment) = (false, false);
        // Hop-by-hop, routing, fragment, destination options; a few, not as many as fit.
        for _ in 0..8 {
            if !matches!(protocol, 0 | 43 | 44 | 60) || is_later_fragment {
                break;
            }
            let [next, words, o0, o1] = *packet.get(len..total)?.first_chunk::<4>()?;
            let size = if protocol == 44 {
                is_fragment = true;
                is_later_fragment = u16::from_be_bytes([o0, o1]) & 0xfff8 != 0;
                8
            } else {
                usize::from(words) * 8 + 8
            };
            protocol = next;
            len += size;
            if len > total {
                return None;
            }
        }
        Some(Self {
            source: address(8)?,
            destination: address(24)?,
            protocol,
            len,
            total,
            ttl: header[7],
            is_fragment,
            is_later_fragment,
            dont_fragment: true,
        })
    }
}

/// Whether the header checksum of an IPv4 packet is right; `false` for what is none.
pub fn ipv4_checksum_is_right(packet: &[u8]) -> bool {
    let len = packet.first().map_or(0, |version| usize::from(version & 0xf) * 4);
    len >= 20 && packet.get(..len).is_some_and(|header| super::checksum::of(header) == 0)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::forward::checksum;
    use alloc::vec::Vec;
    use core::net::SocketAddr;

    /// A UDP packet between IPv4 addresses, right in all checksums.
    pub(crate) fn udp4(source: &str, destination: &str, payload: &[u8]) -> Vec<u8> {
        let (source, destination): (SocketAddr, SocketAddr) =
            (source.parse().unwrap(), destination.parse().unwrap());
        let (IpAddr::V4(from), IpAddr::V4(to)) = (source.ip(), destination.ip()) else { panic!() };
        let len = (28 + payload.len()) as u16;
        let mut packet = alloc::vec![0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 64, 17, 0, 0];
        packet[2..4].copy_from_slice(&len.to_be_bytes());
        packet.extend(from.octets());
        packet.extend(to.octets());
        let sum = checksum::of(&packet);
        packet[10..12].copy_from_slice(&sum.to_be_bytes());
        for word in [source.port(), destination.port(), len - 20, 0] {
            packet.extend(word.to_be_bytes());
        }
        packet.extend(payload);
        let sum = checksum::with_pseudo_header(source.ip(), destination.ip(), 17, &packet[20..]);
        packet[26..28].copy_from_slice(&sum.to_be_bytes());
        packet
    }

    /// An IPv6 packet of any protocol.
    pub(crate) fn ip6(source: &str, destination: &str, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let mut packet = alloc::vec![0x60, 0, 0, 0, 0, 0, protocol, 64];
        packet[4..6].copy_from_slice(&(payload.len() as u16).to_be_bytes());
        packet.extend(source.parse::<Ipv6Addr>().unwrap().octets());
        packet.extend(destination.parse::<Ipv6Addr>().unwrap().octets());
        packet.extend(payload);
        packet
    }

    #[test]
    fn ipv4_is_read() {
        let mut packet = udp4("10.0.0.1:1", "10.0.0.2:2", b"hello");
        packet.extend([0; 9]);
        let header = IpHeader::parse(&packet).unwrap();
        assert_eq!((header.len, header.total, header.protocol, header.ttl), (20, 33, 17, 64));
        assert!(header.dont_fragment && !header.is_fragment && ipv4_checksum_is_right(&packet));
        packet[8] = 63;
        assert!(!ipv4_checksum_is_right(&packet));
        packet[0] = 0x44;
        assert_eq!(IpHeader::parse(&packet), None, "a header of 16 bytes");
        packet[0] = 0x4f;
        assert_eq!(IpHeader::parse(&packet), None, "a header longer than the packet");
        assert!(!ipv4_checksum_is_right(&packet[..30]));
    }

    #[test]
    fn ipv6_extension_headers_are_passed() {
        let payload = [[17, 0, 0, 0, 0, 0, 0, 0], [0, 7, 0, 9, 0, 8, 0, 0]].concat();
        let header = IpHeader::parse(&ip6("2001:db8::1", "2001:db8::2", 0, &payload)).unwrap();
        assert_eq!((header.protocol, header.len, header.total), (17, 48, 56));
        let later = [[17, 0, 0, 8, 0, 0, 0, 1], [0; 8]].concat();
        let header = IpHeader::parse(&ip6("2001:db8::1", "2001:db8::2", 44, &later)).unwrap();
        assert!(header.is_fragment && header.is_later_fragment);
        let endless = ip6("2001:db8::1", "2001:db8::2", 0, &[0, 255, 0, 0, 0, 0, 0, 0]);
        assert_eq!(IpHeader::parse(&endless), None);
        assert_eq!(IpHeader::parse(&ip6("::", "::", 17, b"")[..39]), None);
    }
}
