use core::net::{IpAddr, Ipv4Addr};
use core::ops::RangeInclusive;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use super::{Directed, Stage};
use crate::forward::checksum;
use crate::forward::ip::{IpHeader, protocol};

/// Hides IPv4 hosts behind one address: each address and port inside gets a port outside, the same towards
/// everybody (RFC 4787, REQ-1), for UDP, TCP and pings. Everything else, fragments too, is dropped.
#[derive(Debug)]
pub struct SourceNat {
    config: NatConfig,
    /// Ports outside by host inside.
    mappings: BTreeMap<Host, u16>,
    /// Hosts inside by protocol and port outside, and when last seen.
    ports: BTreeMap<(u8, u16), (Host, Duration)>,
    by_age: BTreeSet<(Duration, (u8, u16))>,
    next: u16,
}

/// Addresses and limits of a [`SourceNat`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NatConfig {
    /// The address outside.
    pub outside: Ipv4Addr,
    /// Ports outside; as many mappings of each protocol there may be. Default 49,152 to 65,535.
    pub ports: RangeInclusive<u16>,
    /// How long a silent mapping lasts. Default 300 s (RFC 4787, REQ-5); use more for TCP.
    pub timeout: Duration,
}

impl NatConfig {
    /// The usual limits behind this address.
    pub fn behind(outside: Ipv4Addr) -> Self {
        Self { outside, ports: 49_152..=65_535, timeout: Duration::from_secs(300) }
    }
}

/// Protocol, address, and port or ping identifier.
type Host = (u8, Ipv4Addr, u16);

impl SourceNat {
    /// A translation without mappings.
    pub fn new(config: NatConfig) -> Self {
        let next = *config.ports.start();
        Self {
            config,
            mappings: BTreeMap::new(),
            ports: BTreeMap::new(),
            by_age: BTreeSet::new(),
            next,
        }
    }

    /// Translates a packet in place. Returns whether it may go on; if not, it is as it was.
    pub fn translate(&mut self, now: Duration, from_inside: bool, packet: &mut [u8]) -> bool {
        self.forget(now);
        let Some(header) = IpHeader::parse(packet) else { return false };
        let (IpAddr::V4(source), IpAddr::V4(destination)) = (header.source, header.destination)
        else {
            return false;
        };
        let Some(ports) = Ports::of(&header, packet, from_inside) else { return false };
        let old = ports.read(packet);
        if from_inside {
            let Some(port) = self.map(now, (header.protocol, source, old)) else { return false };
            ports.rewrite(packet, source, self.config.outside, old, port);
        } else {
            if destination != self.config.outside {
                return false;
            }
            let key = (header.protocol, old);
            let Some((host, seen)) = self.ports.get_mut(&key) else { return false };
            self.by_age.remove(&(*seen, key));
            *seen = now;
            self.by_age.insert((now, key));
            let (_, inside, port) = *host;
            ports.rewrite(packet, destination, inside, old, port);
        }
        true
    }

    /// Mappings in force.
    pub fn len(&self) -> usize {
        self.mappings.len()
    }

    /// Whether there is no mapping.
    pub fn is_empty(&self) -> bool {
        self.mappings.is_empty()
    }

    /// The port outside of a host inside; `None` when all are taken.
    fn map(&mut self, now: Duration, host: Host) -> Option<u16> {
        if let Some(&port) = self.mappings.get(&host) {
            let key = (host.0, port);
            if let Some((_, seen)) = self.ports.get_mut(&key) {
                self.by_age.remove(&(*seen, key));
                *seen = now;
                self.by_age.insert((now, key));
            }
            return Some(port);
        }
        let range = self.config.ports.clone();
        for _ in range.clone() {
            let port = self.next;
            self.next = if port >= *range.end() { *range.start() } else { port + 1 };
            let key = (host.0, port);
            if !self.ports.contains_key(&key) {
                self.mappings.insert(host, port);
                self.ports.insert(key, (host, now));
                self.by_age.insert((now, key));
                return Some(port);
            }
        }
        None
    }

    fn forget(&mut self, now: Duration) {
        let oldest = now.saturating_sub(self.config.timeout);
        while let Some((seen, key)) = self.by_age.first().copied()
            && seen < oldest
        {
            self.by_age.pop_first();
            if let Some((host, _)) = self.ports.remove(&key) {
                self.mappings.remove(&host);
            }
        }
    }
}

impl<P: AsMut<[u8]> + Send> Stage<Directed<P>> for SourceNat {
    fn process(
        &mut self,
        now: Duration,
        input: &mut Vec<Directed<P>>,
        output: &mut Vec<Directed<P>>,
    ) {
        output.extend(input.drain(..).filter_map(|mut item| {
            self.translate(now, item.from_inside, item.packet.as_mut()).then_some(item)
        }));
    }
}

/// Where a packet has what is to be changed.
struct Ports {
    /// The address: 12 or 16.
    address: usize,
    port: usize,
    /// The transport's checksum, and whether it covers the addresses.
    checksum: usize,
    pseudo_header: bool,
    /// A checksum of zero means none.
    optional: bool,
}

impl Ports {
    fn of(header: &IpHeader, packet: &[u8], from_inside: bool) -> Option<Self> {
        if header.is_fragment {
            return None;
        }
        let (address, second) = if from_inside { (12, 0) } else { (16, 2) };
        let len = header.len;
        let ports = match header.protocol {
            protocol::UDP => Self {
                address,
                port: len + second,
                checksum: len + 6,
                pseudo_header: true,
                optional: true,
            },
            protocol::TCP => Self {
                address,
                port: len + second,
                checksum: len + 16,
                pseudo_header: true,
                optional: false,
            },
            protocol::ICMP => {
                // A request goes out, a reply comes in.
                let wanted = if from_inside { 8 } else { 0 };
                if packet.get(len) != Some(&wanted) {
                    return None;
                }
                Self {
                    address,
                    port: len + 4,
                    checksum: len + 2,
                    pseudo_header: false,
                    optional: false,
                }
            }
            _ => return None,
        };
        let end = ports.port.max(ports.checksum) + 2;
        (end <= header.total).then_some(ports)
    }

    fn read(&self, packet: &[u8]) -> u16 {
        word(packet, self.port)
    }

    fn rewrite(&self, packet: &mut [u8], from: Ipv4Addr, to: Ipv4Addr, old: u16, new: u16) {
        let sum = word(packet, self.checksum);
        if !(self.optional && sum == 0) {
            let mut sum = checksum::update(sum, old, new);
            if self.pseudo_header {
                sum = checksum::update_bytes(sum, &from.octets(), &to.octets());
            }
            // For UDP zero would mean that there is none (RFC 768).
            let sum = if self.optional && sum == 0 { 0xffff } else { sum };
            put(packet, self.checksum, &sum.to_be_bytes());
        }
        let sum = checksum::update_bytes(word(packet, 10), &from.octets(), &to.octets());
        put(packet, 10, &sum.to_be_bytes());
        put(packet, self.port, &new.to_be_bytes());
        put(packet, self.address, &to.octets());
    }
}

fn word(packet: &[u8], at: usize) -> u16 {
    packet
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |bytes| u16::from_be_bytes(*bytes))
}

fn put(packet: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = packet.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::FlowKey;
    use crate::forward::ip::ipv4_checksum_is_right;
    use crate::forward::ip::tests::udp4;
    use std::format;

    fn nat() -> SourceNat {
        let config =
            NatConfig { ports: 100..=102, ..NatConfig::behind("192.0.2.1".parse().unwrap()) };
        SourceNat::new(config)
    }

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn is_right(packet: &[u8]) -> bool {
        let header = IpHeader::parse(packet).unwrap();
        let rest = &packet[header.len..header.total];
        let sum =
            checksum::with_pseudo_header(header.source, header.destination, header.protocol, rest);
        ipv4_checksum_is_right(packet) && sum == 0
    }

    #[test]
    fn there_and_back() {
        let mut nat = nat();
        let mut out = udp4("10.0.0.7:5000", "198.51.100.1:53", b"question");
        assert!(nat.translate(at(0), true, &mut out));
        let flow = FlowKey::of(&out).unwrap();
        assert_eq!((flow.source, flow.ports.0), ("192.0.2.1".parse().unwrap(), 100));
        assert!(is_right(&out));
        let mut back = udp4("198.51.100.1:53", "192.0.2.1:100", b"answer");
        assert!(nat.translate(at(1), false, &mut back));
        assert_eq!(FlowKey::of(&back).unwrap().ports.1, 5000);
        assert!(is_right(&back));
        let mut stranger = udp4("198.51.100.1:53", "192.0.2.1:101", b"?");
        assert!(!nat.translate(at(1), false, &mut stranger));
    }

    #[test]
    fn ports_run_out_and_come_back() {
        let mut nat = nat();
        let out = |nat: &mut SourceNat, seconds, host: u8| {
            nat.translate(
                at(seconds),
                true,
                &mut udp4(&format!("10.0.0.{host}:9"), "198.51.100.1:53", b""),
            )
        };
        assert!((1..4).all(|host| out(&mut nat, 0, host)));
        assert!(!out(&mut nat, 0, 4));
        assert!(out(&mut nat, 200, 2));
        assert!(out(&mut nat, 301, 4), "those silent for long gave way");
        assert_eq!(nat.len(), 2);
    }

    #[test]
    fn no_checksum_stays_none() {
        let mut out = udp4("10.0.0.7:5000", "198.51.100.1:53", b"");
        out[26..28].fill(0);
        assert!(nat().translate(at(0), true, &mut out));
        assert_eq!(out[26..28], [0, 0]);
        assert!(ipv4_checksum_is_right(&out));
        out[6] = 0x20;
        assert!(!nat().translate(at(0), true, &mut out), "a fragment");
        assert!(!nat().translate(at(0), true, &mut out[..10]));
    }
}
