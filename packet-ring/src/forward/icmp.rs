//! What a router says about packets it does not forward (RFC 792, RFC 1812, RFC 4443), and its answer to
//! a ping.

use core::net::IpAddr;

use super::checksum;
use super::ip::{IpHeader, ipv4_checksum_is_right, protocol};
use crate::pool::{NoRoom, PacketBuf};

/// Why a packet was not forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// Its hops ran out.
    TimeExceeded,
    /// No route leads there.
    NoRoute,
    /// The next hop does not answer.
    Unreachable,
    /// It is longer than the MTU of the next link and may not be cut.
    TooBig {
        /// That MTU, in bytes.
        mtu: u16,
    },
    /// A filter forbids it.
    Prohibited,
}

/// Writes the message about `packet` (which begins with its IP header) into an empty buffer, IP header
/// included, from `router` to the sender of `packet`. Returns whether there is a message: none is made
/// about ICMP errors, later fragments, or packets from or to groups (RFC 1122, 3.2.2; RFC 4443, 2.4 e).
///
/// How many are sent must be limited by the caller: see [`Limiter`].
///
/// # Errors
///
/// [`NoRoom`] when the buffer is smaller than the message; it is left empty.
pub fn report(
    problem: Problem,
    packet: &[u8],
    router: IpAddr,
    into: &mut PacketBuf,
) -> Result<bool, NoRoom> {
    let Some(header) = IpHeader::parse(packet) else { return Ok(false) };
    let too_big = matches!(problem, Problem::TooBig { .. });
    if header.is_later_fragment
        || !is_host(header.source)
        || !(is_host(header.destination) || too_big && header.destination.is_ipv6())
        || is_error(packet, &header)
        || router.is_ipv4() != header.source.is_ipv4()
    {
        return Ok(false);
    }
    into.clear();
    // As much of the packet as a message may hold: 576 bytes (RFC 1812, 4.3.2.3), 1280 (RFC 4443, 2.4 c).
    let most = if router.is_ipv4() { 576 - 28 } else { 1280 - 48 };
    let quoted = packet.get(..header.total.min(most)).unwrap_or(packet);
    let (kind, code, parameter): (u8, u8, u32) = match (router.is_ipv4(), problem) {
        (true, Problem::TimeExceeded) => (11, 0, 0),
        (true, Problem::NoRoute) => (3, 0, 0),
        (true, Problem::Unreachable) => (3, 1, 0),
        (true, Problem::TooBig { mtu }) => (3, 4, mtu.into()),
        (true, Problem::Prohibited) => (3, 13, 0),
        (false, Problem::TimeExceeded) => (3, 0, 0),
        (false, Problem::NoRoute) => (1, 0, 0),
        (false, Problem::Unreachable) => (1, 3, 0),
        (false, Problem::TooBig { mtu }) => (2, 0, mtu.into()),
        (false, Problem::Prohibited) => (1, 1, 0),
    };
    let written = write_ip(into, router, header.source, 8 + quoted.len()).and_then(|start| {
        into.extend_from_slice(&[kind, code, 0, 0])?;
        into.extend_from_slice(&parameter.to_be_bytes())?;
        into.extend_from_slice(quoted)?;
        seal(into, start, router, header.source);
        Ok(true)
    });
    if written.is_err() {
        into.clear();
    }
    written
}

/// Turns an echo request into the reply to it, in place. Returns whether it was one, to a host's address,
/// whole and with the right checksums.
pub fn answer_echo(packet: &mut PacketBuf) -> bool {
    let Some(header) = IpHeader::parse(packet) else { return false };
    let (request, reply) = match header.protocol {
        protocol::ICMP if header.source.is_ipv4() => (8, 0),
        protocol::ICMPV6 if header.source.is_ipv6() => (128, 129),
        _ => return false,
    };
    if header.is_fragment || !is_host(header.source) || !is_host(header.destination) {
        return false;
    }
    packet.truncate(header.total);
    if header.source.is_ipv4() && !ipv4_checksum_is_right(packet) {
        return false;
    }
    let Some(message) = packet.get(header.len..) else { return false };
    if message.first() != Some(&request) || message.len() < 8 {
        return false;
    }
    let sum = match header.source {
        IpAddr::V4(_) => checksum::of(message),
        IpAddr::V6(_) => checksum::with_pseudo_header(
            header.source,
            header.destination,
            protocol::ICMPV6,
            message,
        ),
    };
    if sum != 0 {
        return false;
    }
    match (header.source, header.destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            packet[12..16].copy_from_slice(&destination.octets());
            packet[16..20].copy_from_slice(&source.octets());
            let old = u16::from_be_bytes([packet[8], packet[9]]);
            packet[8] = HOPS;
            let new = u16::from_be_bytes([packet[8], packet[9]]);
            let sum = checksum::update(u16::from_be_bytes([packet[10], packet[11]]), old, new);
            packet[10..12].copy_from_slice(&sum.to_be_bytes());
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            packet[8..24].copy_from_slice(&destination.octets());
            packet[24..40].copy_from_slice(&source.octets());
            packet[7] = HOPS;
        }
        _ => return false,
    }
    let at = header.len;
    let old = u16::from_be_bytes([packet[at], packet[at + 1]]);
    packet[at] = reply;
    let new = u16::from_be_bytes([packet[at], packet[at + 1]]);
    let sum = checksum::update(u16::from_be_bytes([packet[at + 2], packet[at + 3]]), old, new);
    packet[at + 2..at + 4].copy_from_slice(&sum.to_be_bytes());
    true
}

/// How many messages may be sent: so many a second, and so many at once (RFC 1812, 4.3.2.8; RFC 4443,
/// 2.4 f).
#[derive(Debug, Clone)]
pub struct Limiter {
    rate: u32,
    burst: u32,
    /// Of a thousandth of a message.
    tokens: u64,
    filled: core::time::Duration,
}

impl Limiter {
    /// `rate` messages a second, `burst` at once.
    pub fn new(rate: u32, burst: u32) -> Self {
        Self { rate, burst, tokens: u64::from(burst) * 1000, filled: core::time::Duration::ZERO }
    }

    /// Whether one may be sent now; if so it counts as sent.
    pub fn allow(&mut self, now: core::time::Duration) -> bool {
        let passed = now.saturating_sub(self.filled).as_millis().min(1 << 40) as u64;
        let most = u64::from(self.burst) * 1000;
        if passed > 0 {
            self.tokens = (self.tokens + passed * u64::from(self.rate)).min(most);
            self.filled = now;
        }
        let allowed = self.tokens >= 1000;
        if allowed {
            self.tokens -= 1000;
        }
        allowed
    }
}

/// Routers' own packets start with this many hops (RFC 1700).
pub(super) const HOPS: u8 = 64;

/// Writes an IP header for an ICMP message of `len` bytes; returns where the message starts.
fn write_ip(into: &mut PacketBuf, from: IpAddr, to: IpAddr, len: usize) -> Result<usize, NoRoom> {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut header = [0; 20];
            header[0] = 0x45;
            header[1] = 0xc0; // internetwork control (RFC 1812, 4.3.2.5)
            header[2..4].copy_from_slice(&((20 + len) as u16).to_be_bytes());
            header[8] = HOPS;
            header[9] = protocol::ICMP;
            header[12..16].copy_from_slice(&from.octets());
            header[16..20].copy_from_slice(&to.octets());
            let sum = checksum::of(&header);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            into.extend_from_slice(&header)?;
            Ok(20)
        }
        (from, to) => {
            let octets = |address| match address {
                IpAddr::V4(address) => core::net::Ipv4Addr::to_ipv6_mapped(&address).octets(),
                IpAddr::V6(address) => address.octets(),
            };
            let mut header = [0; 40];
            header[0] = 0x60;
            header[4..6].copy_from_slice(&(len as u16).to_be_bytes());
            header[6] = protocol::ICMPV6;
            header[7] = HOPS;
            header[8..24].copy_from_slice(&octets(from));
            header[24..40].copy_from_slice(&octets(to));
            into.extend_from_slice(&header)?;
            Ok(40)
        }
    }
}

/// Writes the checksum of the message from `start` on.
fn seal(packet: &mut PacketBuf, start: usize, from: IpAddr, to: IpAddr) {
    let Some(message) = packet.get_mut(start..) else { return };
    let sum = match from {
        IpAddr::V4(_) => checksum::of(message),
        IpAddr::V6(_) => checksum::with_pseudo_header(from, to, protocol::ICMPV6, message),
    };
    if let Some(field) = message.get_mut(2..4) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
}

fn is_error(packet: &[u8], header: &IpHeader) -> bool {
    let Some(kind) = packet.get(header.len) else {
        return matches!(header.protocol, protocol::ICMP | protocol::ICMPV6);
    };
    match header.protocol {
        // All but echo, timestamp, information and address mask.
        protocol::ICMP => !matches!(kind, 0 | 8 | 13..=18),
        // Errors have the highest bit clear; redirects are no better.
        protocol::ICMPV6 => *kind < 128 || *kind == 137,
        _ => false,
    }
}

fn is_host(address: IpAddr) -> bool {
    let broadcast = match address {
        IpAddr::V4(address) => address.is_broadcast(),
        IpAddr::V6(_) => false,
    };
    !(broadcast || address.is_multicast() || address.is_unspecified() || address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::ip::tests::{ip6, udp4};
    use crate::pool::{PacketPool, PoolConfig};
    use core::time::Duration;

    fn buffer() -> PacketBuf {
        PacketPool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).unwrap().take().unwrap()
    }

    fn is_sealed(packet: &[u8]) -> bool {
        let header = IpHeader::parse(packet).unwrap();
        let message = &packet[header.len..header.total];
        match header.source {
            IpAddr::V4(_) => ipv4_checksum_is_right(packet) && checksum::of(message) == 0,
            IpAddr::V6(_) => {
                checksum::with_pseudo_header(header.source, header.destination, 58, message) == 0
            }
        }
    }

    #[test]
    fn time_exceeded_quotes_the_packet() {
        let packet = udp4("10.0.0.1:1000", "192.0.2.9:33434", &[7; 1000]);
        let mut message = buffer();
        let router = "10.0.0.254".parse().unwrap();
        assert_eq!(report(Problem::TimeExceeded, &packet, router, &mut message), Ok(true));
        let header = IpHeader::parse(&message).unwrap();
        assert_eq!((header.source, header.destination), (router, "10.0.0.1".parse().unwrap()));
        assert_eq!(message.len(), 576);
        assert_eq!(message[20..22], [11, 0]);
        assert_eq!(message[28..], packet[..548]);
        assert!(is_sealed(&message));
        // About an error nothing is said.
        let error = message.to_vec();
        assert_eq!(report(Problem::NoRoute, &error, router, &mut message), Ok(false));

        let packet = ip6("2001:db8::1", "2001:db8:9::1", 17, &[0; 1400]);
        let router = "2001:db8::fe".parse().unwrap();
        assert_eq!(report(Problem::TooBig { mtu: 1280 }, &packet, router, &mut message), Ok(true));
        assert_eq!(
            (message.len(), &message[40..48]),
            (1280, &[2, 0, message[42], message[43], 0, 0, 5, 0][..])
        );
        assert!(is_sealed(&message));
    }

    #[test]
    fn groups_and_later_fragments_get_no_message() {
        let router = "10.0.0.254".parse().unwrap();
        let mut message = buffer();
        let mut silent =
            |packet: &[u8]| report(Problem::NoRoute, packet, router, &mut message) == Ok(false);
        assert!(silent(&udp4("10.0.0.1:1", "224.0.0.5:2", b"")));
        assert!(silent(&udp4("10.0.0.1:1", "255.255.255.255:2", b"")));
        assert!(silent(&udp4("0.0.0.0:1", "10.0.0.9:2", b"")));
        let mut fragment = udp4("10.0.0.1:1", "10.9.0.1:2", b"");
        fragment[7] = 1;
        assert!(silent(&fragment));
        assert!(
            silent(&ip6("2001:db8::1", "2001:db8::2", 17, b"")),
            "the router's address is IPv4"
        );
        assert!(silent(b""));
    }

    #[test]
    fn a_ping_is_answered_and_nothing_else() {
        let mut packet = buffer();
        let message = [128, 0, 0, 0, 0, 1, 0, 2, 9, 9];
        packet.extend_from_slice(&ip6("2001:db8::1", "2001:db8::2", 58, &message)).unwrap();
        assert!(!answer_echo(&mut packet), "a wrong checksum");
        let [from, to] = ["2001:db8::1", "2001:db8::2"].map(|text| text.parse().unwrap());
        seal(&mut packet, 40, from, to);
        assert!(answer_echo(&mut packet));
        assert!(is_sealed(&packet));
        assert_eq!((packet[40], &packet[44..50]), (129, &[0, 1, 0, 2, 9, 9][..]));
        assert_eq!(IpHeader::parse(&packet).unwrap().destination, from);
        assert!(!answer_echo(&mut packet), "a reply is not answered");

        packet.clear();
        let [from, to] = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse().unwrap());
        write_ip(&mut packet, from, to, 10).unwrap();
        packet.extend_from_slice(&[8, 0, 0, 0, 0, 1, 0, 2, 9, 9]).unwrap();
        packet.extend_from_slice(&[0; 16]).unwrap();
        let mut padded = packet;
        padded.truncate(30);
        seal(&mut padded, 20, from, to);
        padded.extend_from_slice(&[0xee; 16]).unwrap();
        assert!(answer_echo(&mut padded));
        assert_eq!((padded.len(), padded[20]), (30, 0), "padding is cut off");
        assert!(is_sealed(&padded));
    }

    #[test]
    fn messages_are_limited() {
        let mut limiter = Limiter::new(10, 3);
        let at = Duration::from_millis;
        let sent = (0..100).filter(|_| limiter.allow(at(0))).count();
        assert_eq!(sent, 3);
        assert!(!limiter.allow(at(99)));
        assert!(limiter.allow(at(200)));
        let sent = (0..1000).filter(|n| limiter.allow(at(1000 + n))).count();
        assert!((10..=13).contains(&sent), "{sent}");
    }
}
