//! SIP messages in captured packets.

use core::cell::Cell;
use core::net::{IpAddr, SocketAddr};

use anyhow::anyhow;
use bytes::Bytes;
use etherparse::defrag::IpDefragPool;
use etherparse::{
    EtherType, IpNumber, NetSlice, SlicedPacket, TcpSlice, TransportSlice, UdpSlice, ip_number,
};
use pcap_parser::pcap::{parse_pcap_frame, parse_pcap_frame_be, parse_pcap_header};
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapNGSlice};

use crate::streams::{Streams, Way, is_sip};

/// The first block of a pcapng file, whatever its byte order.
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Those of a pcap file: microseconds and nanoseconds, of both byte orders.
const PCAP: [[u8; 4]; 4] = [
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0xa1, 0xb2, 0x3c, 0x4d],
    [0x4d, 0x3c, 0xb2, 0xa1],
];

/// Whether a file starts like a pcap or pcapng capture.
pub(crate) fn is_capture(bytes: &[u8]) -> bool {
    bytes.first_chunk().is_some_and(|magic| *magic == PCAPNG || PCAP.contains(magic))
}

/// What takes a message and the number of the packet, from 1, that completed it.
pub(crate) trait Take: FnMut(usize, Bytes) -> anyhow::Result<()> {}
impl<F: FnMut(usize, Bytes) -> anyhow::Result<()>> Take for F {}

/// What of a capture could not be judged, by no fault of the messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    /// Packets of links that are not known here.
    links: usize,
    /// Packets that were cut when they were captured, or are damaged.
    cut: usize,
    /// Packets that came in fragments, some of which are missing.
    fragments: usize,
    /// Messages over TCP that are not whole.
    messages: usize,
}

impl Left {
    /// A sentence for each kind.
    pub(crate) fn notes(self) -> impl Iterator<Item = String> {
        let kinds = [
            (self.links, "of a kind of link that is not read"),
            (self.cut, "cut short or damaged"),
            (self.fragments, "in fragments of which some are missing"),
        ];
        let note = |count: usize, what: &str, which: &str| {
            let s = if count == 1 { "" } else { "s" };
            (count > 0).then(|| format!("{count} {what}{s} {which}: not judged"))
        };
        let packets =
            kinds.into_iter().filter_map(move |(count, which)| note(count, "packet", which));
        packets.chain(note(self.messages, "message", "over TCP without an end"))
    }
}

/// Hands over each message.
pub(crate) fn messages(bytes: &[u8], mut take: impl Take) -> anyhow::Result<Left> {
    let mut packets = Packets::default();
    // The iterators of the reader give the same error for ever: the first one ends the loop.
    if bytes.starts_with(&PCAPNG) {
        for block in PcapNGSlice::from_slice(bytes).map_err(|_| anyhow!("no pcapng header"))? {
            match block.map_err(|_| anyhow!("a damaged or incomplete block"))? {
                PcapBlockOwned::NG(block) => packets.block(&block, &mut take)?,
                _ => continue,
            }
        }
    } else {
        let (mut rest, header) = parse_pcap_header(bytes).map_err(|_| anyhow!("no pcap header"))?;
        // The upper bits say whether frames end with a checksum, which nobody here reads.
        packets.links.push(Linktype(header.network.0 & 0xffff));
        // The reader's own iterator takes all packets for little-endian.
        let parse = if header.is_bigendian() { parse_pcap_frame_be } else { parse_pcap_frame };
        while !rest.is_empty() {
            let (behind, packet) =
                parse(rest).map_err(|_| anyhow!("a damaged or incomplete packet"))?;
            rest = behind;
            packets.packet(0, packet.data, &mut take)?;
        }
    }
    packets.finish(&mut take)
}

/// What is known of a capture so far.
#[derive(Default)]
struct Packets {
    /// What kind of packets each interface gives.
    links: Vec<Linktype>,
    count: usize,
    fragments: IpDefragPool,
    streams: Streams,
    left: Left,
}

impl Packets {
    fn block(&mut self, block: &Block<'_>, take: &mut impl Take) -> anyhow::Result<()> {
        match block {
            // Interfaces are numbered from 0 again.
            Block::SectionHeader(_) => self.links.clear(),
            Block::InterfaceDescription(interface) => self.links.push(interface.linktype),
            Block::EnhancedPacket(packet) => {
                let length = usize::try_from(packet.caplen)?;
                let data = packet.data.get(..length).unwrap_or(packet.data);
                return self.packet(usize::try_from(packet.if_id)?, data, take);
            }
            Block::SimplePacket(packet) => return self.packet(0, packet.data, take),
            _ => {}
        }
        Ok(())
    }

    /// A packet of an interface. What is not IP is passed over.
    fn packet(
        &mut self,
        interface: usize,
        data: &[u8],
        take: &mut impl Take,
    ) -> anyhow::Result<()> {
        self.count += 1;
        let sliced = self.links.get(interface).and_then(|link| slice(*link, data));
        let packet = match sliced {
            Some(Ok(packet)) => packet,
            Some(Err(Cut)) => {
                self.left.cut += 1;
                return Ok(());
            }
            None => {
                self.left.links += 1;
                return Ok(());
            }
        };
        let Some((source, destination)) = packet.net.as_ref().and_then(addresses) else {
            return Ok(());
        };
        let whole = self.fragments.process_sliced_packet(&packet, (), ()).ok().flatten();
        let whole = whole.as_ref().map(|whole| (whole.ip_number, &whole.payload[..]));
        match (whole, &packet.transport) {
            (Some((number, payload)), _) => {
                self.transport(source, destination, number, payload, take)
            }
            (None, Some(TransportSlice::Udp(datagram))) => {
                self.transport(source, destination, ip_number::UDP, datagram.slice(), take)
            }
            (None, Some(TransportSlice::Tcp(segment))) => {
                self.transport(source, destination, ip_number::TCP, segment.slice(), take)
            }
            _ => Ok(()),
        }
    }

    fn finish(mut self, take: &mut impl Take) -> anyhow::Result<Left> {
        let messages = self.streams.finish(self.count, take)?;
        let fragments = Cell::new(0);
        self.fragments.retain(|()| {
            fragments.set(fragments.get() + 1);
            true
        });
        Ok(Left { fragments: fragments.get(), messages, ..self.left })
    }

    fn transport(
        &mut self,
        source: IpAddr,
        destination: IpAddr,
        number: IpNumber,
        payload: &[u8],
        take: &mut impl Take,
    ) -> anyhow::Result<()> {
        match number {
            ip_number::UDP => match UdpSlice::from_slice(payload) {
                Ok(datagram) if is_sip(datagram.payload()) => {
                    take(self.count, Bytes::copy_from_slice(datagram.payload()))
                }
                _ => Ok(()),
            },
            ip_number::TCP => match TcpSlice::from_slice(payload) {
                Ok(segment) => {
                    let way = Way {
                        source: SocketAddr::new(source, segment.source_port()),
                        destination: SocketAddr::new(destination, segment.destination_port()),
                    };
                    self.streams.segment(way, &segment, self.count, take)
                }
                Err(_) => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

/// A packet is not what its headers say.
struct Cut;

/// The headers of a packet; none when the link is not known.
fn slice(link: Linktype, data: &[u8]) -> Option<Result<SlicedPacket<'_>, Cut>> {
    let behind = |length: usize| data.get(length..).unwrap_or_default();
    let packet = match link {
        Linktype::ETHERNET => SlicedPacket::from_ethernet(data).ok(),
        Linktype::LINUX_SLL => SlicedPacket::from_linux_sll(data).ok(),
        Linktype::LINUX_SLL2 => data.first_chunk().and_then(|protocol| {
            let protocol = EtherType(u16::from_be_bytes(*protocol));
            SlicedPacket::from_ether_type(protocol, behind(20)).ok()
        }),
        Linktype::NULL | Linktype::LOOP => SlicedPacket::from_ip(behind(4)).ok(),
        // Raw IP has had several numbers.
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 | Linktype(12 | 14) => {
            SlicedPacket::from_ip(data).ok()
        }
        _ => return None,
    };
    Some(packet.ok_or(Cut))
}

fn addresses(net: &NetSlice<'_>) -> Option<(IpAddr, IpAddr)> {
    match net {
        NetSlice::Ipv4(packet) => {
            let header = packet.header();
            Some((header.source_addr().into(), header.destination_addr().into()))
        }
        NetSlice::Ipv6(packet) => {
            let header = packet.header();
            Some((header.source_addr().into(), header.destination_addr().into()))
        }
        NetSlice::Arp(_) => None,
    }
}
