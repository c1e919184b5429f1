//! UDP datagrams, and complaints about them, in captured packets.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::anyhow;
use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, NetSlice, SlicedPacket, TransportSlice};
use pcap_parser::pcap::{parse_pcap_frame, parse_pcap_frame_be, parse_pcap_header};
use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapNGSlice};

/// What was captured.
pub(crate) enum Seen<'a> {
    Datagram(Datagram<'a>),
    /// ICMP says that nobody listens there.
    Unreachable(SocketAddr),
}

pub(crate) struct Datagram<'a> {
    /// Since some start that all datagrams of a capture share.
    pub(crate) time: Duration,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) payload: &'a [u8],
}

/// The first block of a pcapng file, whatever its byte order.
const PCAPNG: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Hands over what a capture holds, in its order. What is not UDP is passed over.
pub(crate) fn read(bytes: &[u8], mut take: impl FnMut(Seen<'_>)) -> anyhow::Result<()> {
    // The iterators of the reader give the same error for ever: the first one ends the loop.
    if bytes.starts_with(&PCAPNG) {
        let mut interfaces = Vec::new();
        for block in PcapNGSlice::from_slice(bytes).map_err(|_| anyhow!("no pcapng header"))? {
            match block.map_err(|_| anyhow!("a damaged or incomplete block"))? {
                PcapBlockOwned::NG(block) => next_generation(&block, &mut interfaces, &mut take),
                _ => continue,
            }
        }
    } else {
        let (mut rest, header) =
            parse_pcap_header(bytes).map_err(|_| anyhow!("neither pcap nor pcapng"))?;
        // The reader's own iterator takes all frames for little-endian.
        let parse = if header.is_bigendian() { parse_pcap_frame_be } else { parse_pcap_frame };
        while !rest.is_empty() {
            let (behind, packet) =
                parse(rest).map_err(|_| anyhow!("a damaged or incomplete packet"))?;
            rest = behind;
            let fraction = packet.ts_usec.into();
            let fraction = if header.is_nanosecond_precision() {
                Duration::from_nanos(fraction)
            } else {
                Duration::from_micros(fraction)
            };
            let time = Duration::from_secs(packet.ts_sec.into()) + fraction;
            frame(header.network, time, packet.data, &mut take);
        }
    }
    Ok(())
}

/// What a pcapng file says of an interface.
struct Interface {
    link: Linktype,
    /// Units a second.
    resolution: u64,
    /// Seconds.
    offset: i64,
}

fn next_generation(
    block: &Block<'_>,
    interfaces: &mut Vec<Interface>,
    take: &mut impl FnMut(Seen<'_>),
) {
    match block {
        // Interfaces are numbered from 0 again.
        Block::SectionHeader(_) => interfaces.clear(),
        Block::InterfaceDescription(interface) => interfaces.push(Interface {
            link: interface.linktype,
            resolution: interface.ts_resolution().filter(|&units| units > 0).unwrap_or(1_000_000),
            offset: interface.ts_offset(),
        }),
        Block::EnhancedPacket(packet) => {
            let interface = usize::try_from(packet.if_id).ok().and_then(|id| interfaces.get(id));
            let Some(interface) = interface else { return };
            let units = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
            let (seconds, rest) = (units / interface.resolution, units % interface.resolution);
            let nanoseconds = u128::from(rest) * 1_000_000_000 / u128::from(interface.resolution);
            let seconds = seconds.saturating_add_signed(interface.offset);
            let time = Duration::new(seconds, u32::try_from(nanoseconds).unwrap_or(0));
            let captured = usize::try_from(packet.caplen).ok();
            let data = captured.and_then(|len| packet.data.get(..len)).unwrap_or(packet.data);
            frame(interface.link, time, data, take);
        }
        // Simple packets have no time, and without time there is nothing to measure.
        _ => {}
    }
}

fn frame(link: Linktype, time: Duration, data: &[u8], take: &mut impl FnMut(Seen<'_>)) {
    let Some(packet) = slice(link, data) else { return };
    let (source, destination) = match &packet.net {
        Some(NetSlice::Ipv4(ip)) => {
            let header = ip.header();
            (IpAddr::from(header.source_addr()), IpAddr::from(header.destination_addr()))
        }
        Some(NetSlice::Ipv6(ip)) => {
            let header = ip.header();
            (header.source_addr().into(), header.destination_addr().into())
        }
        _ => return,
    };
    match &packet.transport {
        Some(TransportSlice::Udp(udp)) => take(Seen::Datagram(Datagram {
            time,
            from: SocketAddr::new(source, udp.source_port()),
            to: SocketAddr::new(destination, udp.destination_port()),
            payload: udp.payload(),
        })),
        // Destination unreachable: port (RFC 792), the same in IPv6 (RFC 4443).
        Some(TransportSlice::Icmpv4(icmp)) => unreachable(icmp.slice(), [3, 3], take),
        Some(TransportSlice::Icmpv6(icmp)) => unreachable(icmp.slice(), [1, 4], take),
        _ => {}
    }
}

/// What ICMP complains about stands behind its eight octets, as far as it was kept.
fn unreachable(icmp: &[u8], wanted: [u8; 2], take: &mut impl FnMut(Seen<'_>)) {
    if !icmp.starts_with(&wanted) {
        return;
    }
    let Some(packet) = icmp.get(8..).and_then(|data| LaxSlicedPacket::from_ip(data).ok()) else {
        return;
    };
    let destination = match &packet.net {
        Some(LaxNetSlice::Ipv4(ip)) => IpAddr::from(ip.header().destination_addr()),
        Some(LaxNetSlice::Ipv6(ip)) => ip.header().destination_addr().into(),
        _ => return,
    };
    if let Some(TransportSlice::Udp(udp)) = &packet.transport {
        take(Seen::Unreachable(SocketAddr::new(destination, udp.destination_port())));
    }
}

/// The headers of a packet. Fragments are passed over: RTP has none.
fn slice(link: Linktype, data: &[u8]) -> Option<SlicedPacket<'_>> {
    match link {
        Linktype::ETHERNET => SlicedPacket::from_ethernet(data).ok(),
        Linktype::LINUX_SLL => SlicedPacket::from_linux_sll(data).ok(),
        Linktype::LINUX_SLL2 => {
            let (protocol, packet) = (data.first_chunk()?, data.get(20..)?);
            SlicedPacket::from_ether_type(EtherType(u16::from_be_bytes(*protocol)), packet).ok()
        }
        Linktype::NULL | Linktype::LOOP => SlicedPacket::from_ip(data.get(4..)?).ok(),
        // Raw IP has had several numbers.
        Linktype::RAW | Linktype::IPV4 | Linktype::IPV6 | Linktype(12 | 14) => {
            SlicedPacket::from_ip(data).ok()
        }
        _ => None,
    }
}
