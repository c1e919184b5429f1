//! SIP messages for other programs: to Homer or sngrep as they pass (HEP3), and as a pcap of one call
//! afterwards.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};

use bytes::Bytes;
use etherparse::PacketBuilder;
use jiff::Timestamp;
use sip_core::header::CallIdRef;
use sip_core::{Flow, Limits, MessageView, Transport};

/// A message as it passed.
#[derive(Clone, Debug)]
pub(super) struct Passage {
    pub(super) at: Timestamp,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) transport: Transport,
    /// Whether we have sent it.
    pub(super) sent: bool,
    pub(super) message: Bytes,
}

impl Passage {
    pub(super) fn received(at: Timestamp, flow: &Flow, message: &Bytes) -> Self {
        Self {
            at,
            from: flow.remote,
            to: flow.local,
            transport: flow.transport,
            sent: false,
            message: message.clone(),
        }
    }

    pub(super) fn sent(at: Timestamp, flow: &Flow, message: &Bytes) -> Self {
        let (from, to) = (flow.local, flow.remote);
        Self { from, to, sent: true, ..Self::received(at, flow, message) }
    }
}

/// Sends every message to a capture server. What it does not take at once is lost: a call must not
/// wait for somebody who watches.
#[derive(Debug)]
pub(super) struct Hep {
    socket: UdpSocket,
    agent: u32,
    pub(super) lost: u64,
}

impl Hep {
    /// # Errors
    ///
    /// There is no way to that address.
    pub(super) fn to(server: SocketAddr, agent: u32) -> io::Result<Self> {
        let any: IpAddr = match server {
            SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0))?;
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, agent, lost: 0 })
    }

    pub(super) fn send(&mut self, passage: &Passage) {
        let sent =
            hep3(passage, self.agent).is_some_and(|packet| self.socket.send(&packet).is_ok());
        self.lost += u64::from(!sent);
    }
}

/// A HEP3 packet: chunks of vendor, type, length and content. `None` for a message that does not fit
/// into a datagram with them.
fn hep3(passage: &Passage, agent: u32) -> Option<Vec<u8>> {
    const FAMILY: u16 = 1;
    const PROTOCOL: u16 = 2;
    const SOURCE_PORT: u16 = 7;
    const DESTINATION_PORT: u16 = 8;
    const SECONDS: u16 = 9;
    const MICROSECONDS: u16 = 10;
    const KIND: u16 = 11;
    const AGENT: u16 = 12;
    const PAYLOAD: u16 = 15;
    const SIP: u8 = 1;

    let mut out = Vec::with_capacity(passage.message.len() + 128);
    out.extend_from_slice(b"HEP3\0\0");
    let mut chunk = |kind: u16, content: &[u8]| {
        out.extend_from_slice(&[0, 0]);
        out.extend_from_slice(&kind.to_be_bytes());
        // The whole is measured below.
        out.extend_from_slice(&((content.len() + 6) as u16).to_be_bytes());
        out.extend_from_slice(content);
    };
    let (from, to) = (passage.from.ip().to_canonical(), passage.to.ip().to_canonical());
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            chunk(FAMILY, &[2]);
            chunk(3, &from.octets());
            chunk(4, &to.octets());
        }
        (from, to) => {
            let v6 = |address| match address {
                IpAddr::V4(v4) => v4.to_ipv6_mapped(),
                IpAddr::V6(v6) => v6,
            };
            chunk(FAMILY, &[10]);
            chunk(5, &v6(from).octets());
            chunk(6, &v6(to).octets());
        }
    }
    chunk(PROTOCOL, &[if passage.transport == Transport::Udp { 17 } else { 6 }]);
    chunk(SOURCE_PORT, &passage.from.port().to_be_bytes());
    chunk(DESTINATION_PORT, &passage.to.port().to_be_bytes());
    let since = passage.at.as_microsecond();
    let seconds = u32::try_from(since.div_euclid(1_000_000)).unwrap_or_default();
    chunk(SECONDS, &seconds.to_be_bytes());
    chunk(MICROSECONDS, &(since.rem_euclid(1_000_000) as u32).to_be_bytes());
    chunk(KIND, &[SIP]);
    chunk(AGENT, &agent.to_be_bytes());
    chunk(PAYLOAD, &passage.message);
    let length = u16::try_from(out.len()).ok()?;
    out.get_mut(4..6)?.copy_from_slice(&length.to_be_bytes());
    Some(out)
}

/// The last messages, so that a call can still be looked at when something was wrong with it.
#[derive(Debug)]
pub(super) struct Memory {
    passages: VecDeque<Passage>,
    bytes: usize,
    most: usize,
}

impl Memory {
    pub(super) fn new(most: usize) -> Self {
        Self { passages: VecDeque::new(), bytes: 0, most }
    }

    pub(super) fn keep(&mut self, passage: Passage) {
        self.bytes += cost(&passage);
        self.passages.push_back(passage);
        while self.bytes > self.most {
            let Some(oldest) = self.passages.pop_front() else { break };
            self.bytes -= cost(&oldest);
        }
    }

    /// The messages with this Call-ID as a pcap file. Messages of streams are shown as datagrams.
    pub(super) fn pcap(&self, call_id: &str) -> Vec<u8> {
        // Microseconds, 65,535 bytes a packet, packets that begin with an IP header.
        let mut out = Vec::new();
        out.extend_from_slice(&0xa1b2_c3d4_u32.to_le_bytes());
        out.extend_from_slice(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        out.extend_from_slice(&65_535_u32.to_le_bytes());
        out.extend_from_slice(&101_u32.to_le_bytes());
        for passage in self.passages.iter().filter(|passage| has(&passage.message, call_id)) {
            let Some(packet) = datagram(passage) else { continue };
            let since = passage.at.as_microsecond();
            let seconds = u32::try_from(since.div_euclid(1_000_000)).unwrap_or_default();
            let length = packet.len() as u32;
            for word in [seconds, since.rem_euclid(1_000_000) as u32, length, length] {
                out.extend_from_slice(&word.to_le_bytes());
            }
            out.extend_from_slice(&packet);
        }
        out
    }
}

/// What it takes to keep a message.
fn cost(passage: &Passage) -> usize {
    passage.message.len() + size_of::<Passage>()
}

fn has(message: &[u8], call_id: &str) -> bool {
    let Ok(view) = MessageView::parse(message, &Limits::default()) else { return false };
    view.typed::<CallIdRef<'_>>().is_ok_and(|id| id.is_some_and(|id| id.as_str() == call_id))
}

fn datagram(passage: &Passage) -> Option<Vec<u8>> {
    const HOPS: u8 = 64;
    let (from, to) = (passage.from, passage.to);
    let builder = match (from.ip().to_canonical(), to.ip().to_canonical()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => PacketBuilder::ipv4(from.octets(), to.octets(), HOPS),
        (IpAddr::V6(from), IpAddr::V6(to)) => PacketBuilder::ipv6(from.octets(), to.octets(), HOPS),
        _ => return None,
    };
    let builder = builder.udp(from.port(), to.port());
    let mut out = Vec::with_capacity(builder.size(passage.message.len()));
    builder.write(&mut out, &passage.message).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(n: u8, call_id: &str) -> Passage {
        let message = format!("OPTIONS sip:h SIP/2.0\r\nCall-ID: {call_id}\r\n\r\n");
        Passage {
            at: "2026-11-23T09:00:00.25Z".parse().unwrap(),
            from: SocketAddr::from(([192, 0, 2, n], 5060)),
            to: SocketAddr::from(([192, 0, 2, 100], 5062)),
            transport: Transport::Udp,
            sent: false,
            message: message.into(),
        }
    }

    #[test]
    fn a_hep3_packet_is_what_its_description_says() {
        let passage = passage(7, "a");
        let packet = hep3(&passage, 2_001).unwrap();
        assert_eq!(&packet[..4], b"HEP3");
        assert_eq!(usize::from(u16::from_be_bytes([packet[4], packet[5]])), packet.len());
        let (mut rest, mut chunks) = (&packet[6..], Vec::new());
        while !rest.is_empty() {
            let (kind, length) = (
                u16::from_be_bytes([rest[2], rest[3]]),
                usize::from(u16::from_be_bytes([rest[4], rest[5]])),
            );
            chunks.push((kind, rest[6..length].to_vec()));
            rest = &rest[length..];
        }
        let chunk = |kind| &chunks.iter().find(|(other, _)| *other == kind).unwrap().1[..];
        assert_eq!((chunk(1), chunk(2), chunk(11)), (&[2][..], &[17][..], &[1][..]));
        assert_eq!((chunk(3), chunk(4)), (&[192, 0, 2, 7][..], &[192, 0, 2, 100][..]));
        assert_eq!(
            (chunk(7), chunk(8)),
            (&5060_u16.to_be_bytes()[..], &5062_u16.to_be_bytes()[..])
        );
        assert_eq!(chunk(9), 1_795_424_400_u32.to_be_bytes());
        assert_eq!(chunk(10), 250_000_u32.to_be_bytes());
        assert_eq!(chunk(12), 2_001_u32.to_be_bytes());
        assert_eq!(chunk(15), &passage.message[..]);
    }

    #[test]
    fn a_message_too_long_for_a_datagram_is_left_out() {
        let message = Bytes::from(vec![b'x'; 65_500]);
        assert_eq!(hep3(&Passage { message, ..passage(1, "a") }, 1), None);
    }

    #[test]
    fn a_pcap_holds_the_messages_of_one_call() {
        let mut memory = Memory::new(100_000);
        for (n, call_id) in [(1, "a"), (2, "b"), (3, "a")] {
            memory.keep(passage(n, call_id));
        }
        let file = memory.pcap("a");
        let length = u32::from_le_bytes(file[32..36].try_into().unwrap()) as usize;
        assert_eq!(length, 20 + 8 + passage(1, "a").message.len());
        assert_eq!(file.len(), 24 + 2 * (16 + length), "a header, and two packets");
        // IPv4, UDP, and the message.
        let packet = &file[40..40 + length];
        assert_eq!((packet[0], packet[9], &packet[12..16]), (0x45, 17, &[192, 0, 2, 1][..]));
        assert_eq!(&packet[28..], &passage(1, "a").message[..]);
        assert_eq!(memory.pcap("c").len(), 24);
    }

    #[test]
    fn the_memory_does_not_grow_beyond_its_size() {
        let mut memory = Memory::new(10_000);
        for n in 0..1_000u32 {
            memory.keep(passage(1, &n.to_string()));
            assert!(memory.bytes <= 10_000);
        }
        assert_eq!(memory.pcap("0").len(), 24, "forgotten");
        assert!(memory.pcap("999").len() > 24);
    }
}
