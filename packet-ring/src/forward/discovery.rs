//! The messages by which stations find each other's MAC addresses: ARP (RFC 826) and the neighbour
//! messages of IPv6 (RFC 4861), read and written as whole frames.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ethernet::{CachedHeader, EthernetHeader, VlanTag, ether_type};
use super::ip::{IpHeader, protocol};
use super::{MacAddress, checksum};
use crate::pool::{NoRoom, PacketBuf};

/// A question for, or an announcement of, a station's MAC address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Discovery {
    /// Who has `target`?
    Solicitation {
        /// Who asks; `None` when it has no address yet (an ARP probe, duplicate address detection).
        sender: Option<(IpAddr, MacAddress)>,
        /// Whom it looks for.
        target: IpAddr,
    },
    /// `target` is at `mac`.
    Advertisement {
        /// Whose address it is.
        target: IpAddr,
        /// Where it is.
        mac: MacAddress,
        /// Whether it answers a question, and so shows that the way there and back works.
        solicited: bool,
        /// Whether it replaces an address known before.
        overrides: bool,
        /// To whom the frame goes.
        to: (IpAddr, MacAddress),
    },
}

impl Discovery {
    /// Reads a frame. `None` for all frames that are no such message or not right in every detail.
    pub fn parse(frame: &[u8]) -> Option<Self> {
        let header = EthernetHeader::parse(frame)?;
        let packet = frame.get(header.len()..)?;
        match header.ether_type {
            ether_type::ARP => Self::parse_arp(packet),
            ether_type::IPV6 => Self::parse_nd(&header, packet),
            _ => None,
        }
    }

    /// Writes the message as a frame from `source` into an empty buffer.
    ///
    /// Solicitations go to everybody, or to the group of the target; `to` sends one to a known address
    /// alone, to see whether it is still there. Advertisements go where they say.
    ///
    /// # Errors
    ///
    /// [`NoRoom`] when the buffer is too small.
    pub fn write(
        &self,
        source: (IpAddr, MacAddress),
        to: Option<MacAddress>,
        tag: Option<VlanTag>,
        into: &mut PacketBuf,
    ) -> Result<(), NoRoom> {
        into.clear();
        let target = match self {
            Self::Solicitation { target, .. } | Self::Advertisement { target, .. } => *target,
        };
        match (target, source.0) {
            (IpAddr::V4(target), IpAddr::V4(from)) => {
                self.write_arp(target, (from, source.1), to, tag, into)
            }
            (IpAddr::V6(target), IpAddr::V6(from)) => {
                self.write_nd(target, (from, source.1), to, tag, into)
            }
            // Asking in one family for an address of the other makes no sense; nothing is written.
            _ => Ok(()),
        }
    }

    fn parse_arp(packet: &[u8]) -> Option<Self> {
        let packet = packet.first_chunk::<28>()?;
        if packet[..6] != [0, 1, 8, 0, 6, 4] {
            return None;
        }
        let mac = |at: usize| Some(MacAddress(*packet.get(at..)?.first_chunk::<6>()?));
        let address = |at: usize| Some(Ipv4Addr::from(*packet.get(at..)?.first_chunk::<4>()?));
        let (sender_mac, sender, target) = (mac(8)?, address(14)?, address(24)?);
        if !sender_mac.is_station() {
            return None;
        }
        match packet[6..8] {
            // A gratuitous request announces its sender.
            [0, 1] if sender == target => Some(Self::Advertisement {
                target: sender.into(),
                mac: sender_mac,
                solicited: false,
                overrides: true,
                to: (sender.into(), MacAddress::BROADCAST),
            }),
            [0, 1] => Some(Self::Solicitation {
                sender: (!sender.is_unspecified()).then_some((sender.into(), sender_mac)),
                target: target.into(),
            }),
            [0, 2] => Some(Self::Advertisement {
                target: sender.into(),
                mac: sender_mac,
                solicited: true,
                overrides: true,
                to: (target.into(), mac(18)?),
            }),
            _ => None,
        }
    }

    fn parse_nd(ethernet: &EthernetHeader, packet: &[u8]) -> Option<Self> {
        let header = IpHeader::parse(packet)?;
        // 255 hops: it has not been forwarded, so it comes from this link (RFC 4861, 7.1).
        if header.protocol != protocol::ICMPV6 || header.ttl != 255 || header.is_fragment {
            return None;
        }
        let message = packet.get(header.len..header.total)?;
        let sum = checksum::with_pseudo_header(
            header.source,
            header.destination,
            protocol::ICMPV6,
            message,
        );
        let [kind, code, _, _, flags, _, _, _] = *message.first_chunk::<8>()?;
        if sum != 0 || code != 0 || message.len() < 24 {
            return None;
        }
        let target = Ipv6Addr::from(*message.get(8..)?.first_chunk::<16>()?);
        if target.is_multicast() {
            return None;
        }
        let link_layer = |wanted| option(message.get(24..)?, wanted);
        match kind {
            135 => {
                let unspecified = header.source.is_unspecified();
                let mac = link_layer(1);
                if unspecified && mac.is_some() {
                    return None;
                }
                let mac = mac.unwrap_or(ethernet.source);
                let sender = (!unspecified && mac.is_station()).then_some((header.source, mac));
                Some(Self::Solicitation { sender, target: target.into() })
            }
            136 => {
                let mac = link_layer(2).unwrap_or(ethernet.source);
                let solicited = flags & 0x40 != 0;
                if (solicited && header.destination.is_multicast()) || !mac.is_station() {
                    return None;
                }
                Some(Self::Advertisement {
                    target: target.into(),
                    mac,
                    solicited,
                    overrides: flags & 0x20 != 0,
                    to: (header.destination, ethernet.destination),
                })
            }
            _ => None,
        }
    }

    fn write_arp(
        &self,
        target: Ipv4Addr,
        (from, mac): (Ipv4Addr, MacAddress),
        to: Option<MacAddress>,
        tag: Option<VlanTag>,
        into: &mut PacketBuf,
    ) -> Result<(), NoRoom> {
        // Sender and target of the ARP packet, and the operation.
        let (operation, sender, asked, asked_mac, destination) = match self {
            Self::Solicitation { .. } => {
                (1, from, target, MacAddress::default(), to.unwrap_or(MacAddress::BROADCAST))
            }
            Self::Advertisement { to, solicited, .. } => {
                let asked = match to.0 {
                    IpAddr::V4(address) if *solicited => address,
                    _ => target,
                };
                let operation = if *solicited { 2 } else { 1 };
                (operation, target, asked, to.1, to.1)
            }
        };
        let header = EthernetHeader { destination, source: mac, tag, ether_type: ether_type::ARP };
        into.extend_from_slice(&[0, 1, 8, 0, 6, 4, 0, operation])?;
        into.extend_from_slice(&mac.0)?;
        into.extend_from_slice(&sender.octets())?;
        into.extend_from_slice(&asked_mac.0)?;
        into.extend_from_slice(&asked.octets())?;
        CachedHeader::new(&header).prepend_to(into)
    }

    fn write_nd(
        &self,
        target: Ipv6Addr,
        (from, mac): (Ipv6Addr, MacAddress),
        to: Option<MacAddress>,
        tag: Option<VlanTag>,
        into: &mut PacketBuf,
    ) -> Result<(), NoRoom> {
        let (kind, flags, option, destination, destination_mac) = match self {
            Self::Solicitation { .. } => match to {
                Some(mac) => (135, 0, 1, target, mac),
                None => {
                    let (group, mac) = solicited_group(target);
                    (135, 0, 1, group, mac)
                }
            },
            Self::Advertisement { solicited, overrides, to, .. } => {
                let everybody = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
                let address = match to.0 {
                    IpAddr::V6(address) if !address.is_unspecified() => address,
                    _ => everybody,
                };
                // This speaks for routers, hence the first flag.
                let flags = 0x80 | u8::from(*solicited) << 6 | u8::from(*overrides) << 5;
                (136, flags, 2, address, to.1)
            }
        };
        let mut packet = [0; 72];
        packet[0] = 0x60;
        packet[5] = 32;
        packet[6] = protocol::ICMPV6;
        packet[7] = 255;
        packet[8..24].copy_from_slice(&from.octets());
        packet[24..40].copy_from_slice(&destination.octets());
        packet[40] = kind;
        packet[44] = flags;
        packet[48..64].copy_from_slice(&target.octets());
        packet[64..66].copy_from_slice(&[option, 1]);
        packet[66..72].copy_from_slice(&mac.0);
        let sum = checksum::with_pseudo_header(
            from.into(),
            destination.into(),
            protocol::ICMPV6,
            &packet[40..],
        );
        packet[42..44].copy_from_slice(&sum.to_be_bytes());
        let header = EthernetHeader {
            destination: destination_mac,
            source: mac,
            tag,
            ether_type: ether_type::IPV6,
        };
        into.extend_from_slice(&packet)?;
        CachedHeader::new(&header).prepend_to(into)
    }
}

/// The group that the owner of an address listens to (RFC 4291, 2.7.1), and its MAC address (RFC 2464, 7).
pub fn solicited_group(address: Ipv6Addr) -> (Ipv6Addr, MacAddress) {
    let [.., a, b, c] = address.octets();
    let [low, high] = [u16::from_be_bytes([b, c]), 0xff00 | u16::from(a)];
    (Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, high, low), MacAddress([0x33, 0x33, 0xff, a, b, c]))
}

/// The MAC address in an option (RFC 4861, 4.6.1).
fn option(mut options: &[u8], wanted: u8) -> Option<MacAddress> {
    while let Some(&[kind, words]) = options.first_chunk::<2>() {
        let len = usize::from(words) * 8;
        let body = options.get(2..len)?;
        if kind == wanted {
            return body.first_chunk::<6>().map(|mac| MacAddress(*mac));
        }
        options = options.get(len..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::{PacketPool, PoolConfig};

    const A: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
    const B: MacAddress = MacAddress([2, 0, 0, 0, 0, 2]);

    fn written(
        message: Discovery,
        source: (&str, MacAddress),
        to: Option<MacAddress>,
    ) -> PacketBuf {
        let pool = PacketPool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).unwrap();
        let mut frame = pool.take().unwrap();
        let source = (source.0.parse().unwrap(), source.1);
        message.write(source, to, Some(VlanTag::of(5)), &mut frame).unwrap();
        frame
    }

    #[test]
    fn questions_and_answers_are_read_as_written() {
        for (mine, other) in [("10.0.0.1", "10.0.0.2"), ("2001:db8::1", "2001:db8::2")] {
            let (me, target): (IpAddr, IpAddr) = (mine.parse().unwrap(), other.parse().unwrap());
            let question = Discovery::Solicitation { sender: Some((me, A)), target };
            for to in [None, Some(B)] {
                let frame = written(question, (mine, A), to);
                assert_eq!(Discovery::parse(&frame), Some(question));
                let header = EthernetHeader::parse(&frame).unwrap();
                assert_eq!(header.tag, Some(VlanTag::of(5)));
                assert_eq!(header.destination.is_group(), to.is_none());
                // Nothing that is cut is read.
                for len in 0..frame.len() {
                    assert_eq!(Discovery::parse(&frame[..len]), None);
                }
            }
            let answer = Discovery::Advertisement {
                target: me,
                mac: A,
                solicited: true,
                overrides: true,
                to: (target, B),
            };
            assert_eq!(Discovery::parse(&written(answer, (mine, A), None)), Some(answer));
        }
    }

    #[test]
    fn announcements_are_not_solicited() {
        let me: IpAddr = "10.0.0.1".parse().unwrap();
        let announcement = Discovery::Advertisement {
            target: me,
            mac: A,
            solicited: false,
            overrides: true,
            to: (me, MacAddress::BROADCAST),
        };
        assert_eq!(
            Discovery::parse(&written(announcement, ("10.0.0.1", A), None)),
            Some(announcement)
        );
    }

    #[test]
    fn what_came_over_a_router_is_not_believed() {
        let target = "2001:db8::2".parse().unwrap();
        let question = Discovery::Solicitation { sender: None, target };
        let mut frame = written(question, ("2001:db8::1", A), None);
        frame[18 + 7] = 254;
        assert_eq!(Discovery::parse(&frame), None);
        frame[18 + 7] = 255;
        assert!(Discovery::parse(&frame).is_some());
        frame[18 + 42] ^= 1;
        assert_eq!(Discovery::parse(&frame), None, "a wrong checksum");
    }

    #[test]
    fn an_option_of_no_length_ends_the_search() {
        assert_eq!(option(&[9, 0, 1, 1, 2, 3, 4, 5, 6], 1), None);
        assert_eq!(option(&[9, 1, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 1], 1), Some(A));
    }
}
