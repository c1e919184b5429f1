//! What a router changes in a packet: one hop less to live, and the checksum with it.

use thiserror::Error;

use super::checksum;
use super::ip::IpHeader;

/// Why a packet goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HopError {
    /// This was its last hop: the sender is told by
    /// [`icmp::Problem::TimeExceeded`](super::icmp::Problem::TimeExceeded).
    #[error("the time to live has run out")]
    Expired,
    /// Neither IPv4 nor IPv6, or cut short.
    #[error("not an IP packet")]
    NotIp,
}

/// Takes one hop from a packet's TTL or hop limit (RFC 1812, 5.3.1), the checksum of IPv4 changed to match
/// (RFC 1624). The packet begins with its IP header.
///
/// # Errors
///
/// [`HopError`]; the packet stays as it was.
#[inline]
pub fn hop(packet: &mut [u8]) -> Result<(), HopError> {
    match packet.first().ok_or(HopError::NotIp)? >> 4 {
        4 => {
            let header = packet.first_chunk_mut::<20>().ok_or(HopError::NotIp)?;
            if header[8] <= 1 {
                return Err(HopError::Expired);
            }
            let old = u16::from_be_bytes([header[8], header[9]]);
            header[8] -= 1;
            let new = u16::from_be_bytes([header[8], header[9]]);
            let sum = checksum::update(u16::from_be_bytes([header[10], header[11]]), old, new);
            [header[10], header[11]] = sum.to_be_bytes();
            Ok(())
        }
        6 => {
            let header = packet.first_chunk_mut::<40>().ok_or(HopError::NotIp)?;
            if header[7] <= 1 {
                return Err(HopError::Expired);
            }
            header[7] -= 1;
            Ok(())
        }
        _ => Err(HopError::NotIp),
    }
}

/// Whether a packet fits a link's MTU, and if not, whether a router may cut it up (it may also drop it:
/// [`icmp::Problem::TooBig`](super::icmp::Problem::TooBig)).
pub fn fits(header: &IpHeader, mtu: usize) -> bool {
    header.total <= mtu
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::ip::ipv4_checksum_is_right;
    use crate::forward::ip::tests::{ip6, udp4};

    #[test]
    fn every_ttl_down_to_the_last() {
        let mut packet = udp4("10.0.0.1:1", "10.0.0.2:2", b"x");
        for ttl in (1..64).rev() {
            hop(&mut packet).unwrap();
            assert_eq!(packet[8], ttl);
            assert!(ipv4_checksum_is_right(&packet), "at {ttl}");
        }
        let before = packet.clone();
        assert_eq!(hop(&mut packet), Err(HopError::Expired));
        assert_eq!(packet, before);

        let mut packet = ip6("2001:db8::1", "2001:db8::2", 17, b"");
        hop(&mut packet).unwrap();
        assert_eq!(packet[7], 63);
        packet[7] = 0;
        assert_eq!(hop(&mut packet), Err(HopError::Expired));
        for short in [&mut [][..], &mut [0x45; 19], &mut [0x60; 39], &mut [0x50; 60]] {
            assert_eq!(hop(short), Err(HopError::NotIp));
        }
    }
}
