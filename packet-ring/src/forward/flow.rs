//! Which packets belong together: the hash that keeps a flow on one path, and so in order.

use core::net::IpAddr;

use super::ethernet::{EthernetHeader, ether_type};
use super::hash::keyed;
use super::ip::{IpHeader, protocol};

/// What a flow has in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowKey {
    /// Where its packets come from.
    pub source: IpAddr,
    /// Where they go.
    pub destination: IpAddr,
    /// The protocol number.
    pub protocol: u8,
    /// Ports of source and destination for TCP, UDP, SCTP and DCCP; zero for all else and for fragments,
    /// of which only the first would show them.
    pub ports: (u16, u16),
}

impl FlowKey {
    /// The flow of an IP packet; `None` when it is none.
    pub fn of(packet: &[u8]) -> Option<Self> {
        let header = IpHeader::parse(packet)?;
        let with_ports = matches!(
            header.protocol,
            protocol::TCP | protocol::UDP | protocol::SCTP | protocol::DCCP
        );
        let ports = match packet.get(header.len..).and_then(|rest| rest.first_chunk::<4>()) {
            Some(&[a, b, c, d]) if with_ports && !header.is_fragment => {
                (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
            }
            _ => (0, 0),
        };
        Some(Self {
            source: header.source,
            destination: header.destination,
            protocol: header.protocol,
            ports,
        })
    }

    /// The flow of the answers.
    pub fn reversed(self) -> Self {
        Self {
            source: self.destination,
            destination: self.source,
            protocol: self.protocol,
            ports: (self.ports.1, self.ports.0),
        }
    }

    /// A number that is the same for all packets of the flow and else, most likely, another.
    pub fn hash(&self, key: u64) -> u64 {
        let ports = u64::from(self.ports.0) << 16 | u64::from(self.ports.1);
        let words = |address: IpAddr| {
            let bits = match address {
                IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
                IpAddr::V6(address) => address.to_bits(),
            };
            ((bits >> 64) as u64, bits as u64)
        };
        let ((a, b), (c, d)) = (words(self.source), words(self.destination));
        keyed(key, [a, b, c, d, u64::from(self.protocol) << 32 | ports])
    }
}

/// The hash of an Ethernet frame for sharing load over parallel links: of its IP flow, else of its
/// addresses. Zero for what is no frame.
pub fn frame_hash(frame: &[u8], key: u64) -> u64 {
    let Some(header) = EthernetHeader::parse(frame) else { return 0 };
    let flow = match header.ether_type {
        ether_type::IPV4 | ether_type::IPV6 => frame.get(header.len()..).and_then(FlowKey::of),
        _ => None,
    };
    match flow {
        Some(flow) => flow.hash(key),
        None => keyed(key, [header.source.to_bits(), header.destination.to_bits()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forward::ip::tests::udp4;

    #[test]
    fn fragments_of_a_flow_stay_together() {
        let mut packet = udp4("10.0.0.1:1000", "10.0.0.2:2000", b"voice");
        let flow = FlowKey::of(&packet).unwrap();
        assert_eq!(flow.ports, (1000, 2000));
        assert_eq!(flow.reversed().reversed(), flow);
        assert_ne!(flow.hash(1), flow.reversed().hash(1));
        assert_ne!(flow.hash(1), flow.hash(2));
        packet[6] = 0x20;
        let first = FlowKey::of(&packet).unwrap();
        packet[6..8].copy_from_slice(&[0, 9]);
        assert_eq!(FlowKey::of(&packet), Some(first));
        assert_eq!(first.ports, (0, 0));
        assert_eq!(FlowKey::of(&packet[..19]), None);
    }

    #[test]
    fn frames_without_ip_hash_by_address() {
        let mut frame = [0; 14];
        frame[0] = 2;
        let other = frame_hash(&frame, 1);
        frame[11] = 1;
        assert_ne!(frame_hash(&frame, 1), other);
        assert_eq!(frame_hash(&frame[..13], 1), 0);
    }
}
