//! Writes captures, by hand.

use std::net::SocketAddrV4;

/// How a capture is written.
#[derive(Clone, Copy, Debug)]
pub enum Format {
    /// Little-endian microseconds, Ethernet.
    Pcap,
    /// Big-endian nanoseconds, raw IP.
    PcapNanoseconds,
    /// pcapng with microseconds, Ethernet.
    PcapNg,
    /// pcapng with nanoseconds, Linux "any".
    PcapNgNanoseconds,
}

impl Format {
    pub const ALL: [Format; 4] =
        [Format::Pcap, Format::PcapNanoseconds, Format::PcapNg, Format::PcapNgNanoseconds];
}

/// IP packets with their times.
#[derive(Default)]
pub struct Capture {
    packets: Vec<(u64, Vec<u8>)>,
}

impl Capture {
    /// A datagram at `micros`.
    pub fn udp(&mut self, micros: u64, from: &str, to: &str, payload: &[u8]) {
        let (from, to) = (address(from), address(to));
        self.packets.push((micros, udp(from, to, payload)));
    }

    /// The receiver's complaint that nobody listens where such a datagram went.
    pub fn unreachable(&mut self, micros: u64, from: &str, to: &str, payload: &[u8]) {
        let (from, to) = (address(from), address(to));
        let lost = udp(from, to, payload);
        let icmp = [&[3, 3, 0, 0, 0, 0, 0, 0], &lost[..28]].concat();
        self.packets.push((micros, ip(1, to, from, &icmp)));
    }

    /// Puts the packets in the order of their times.
    pub fn sort(&mut self) {
        self.packets.sort_by_key(|(micros, _)| *micros);
    }

    pub fn write(&self, format: Format) -> Vec<u8> {
        let mut out = Vec::new();
        match format {
            Format::Pcap => {
                out.extend(0xa1b2_c3d4u32.to_le_bytes());
                out.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0]);
                for (micros, packet) in &self.packets {
                    let frame = ethernet(packet);
                    let (seconds, micros) = ((micros / 1_000_000) as u32, micros % 1_000_000);
                    let len = frame.len() as u32;
                    for word in [seconds, micros as u32, len, len] {
                        out.extend(word.to_le_bytes());
                    }
                    out.extend(frame);
                }
            }
            Format::PcapNanoseconds => {
                out.extend(0xa1b2_3c4du32.to_be_bytes());
                out.extend([0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 101]);
                for (micros, packet) in &self.packets {
                    let (seconds, micros) = ((micros / 1_000_000) as u32, micros % 1_000_000);
                    let len = packet.len() as u32;
                    for word in [seconds, micros as u32 * 1_000, len, len] {
                        out.extend(word.to_be_bytes());
                    }
                    out.extend(packet);
                }
            }
            Format::PcapNg => {
                out.extend(section());
                out.extend(block(1, &[1, 0, 0, 0, 0xff, 0xff, 0, 0]));
                for (micros, packet) in &self.packets {
                    out.extend(enhanced(*micros, &ethernet(packet)));
                }
            }
            Format::PcapNgNanoseconds => {
                out.extend(section());
                // Link type 113, if_tsresol 9.
                let options = [9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0];
                out.extend(block(1, &[&[113, 0, 0, 0, 0xff, 0xff, 0, 0], &options[..]].concat()));
                for (micros, packet) in &self.packets {
                    let cooked = [&[0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0], &packet[..]];
                    out.extend(enhanced(micros * 1_000, &cooked.concat()));
                }
            }
        }
        out
    }
}

fn section() -> Vec<u8> {
    let mut body = 0x1a2b_3c4du32.to_le_bytes().to_vec();
    body.extend([1, 0, 0, 0]);
    body.extend([0xff; 8]);
    block(0x0a0d_0d0a, &body)
}

fn enhanced(units: u64, frame: &[u8]) -> Vec<u8> {
    let mut body = vec![0; 4];
    let len = frame.len() as u32;
    for word in [(units >> 32) as u32, units as u32, len, len] {
        body.extend(word.to_le_bytes());
    }
    body.extend(frame);
    body.resize(body.len().next_multiple_of(4), 0);
    block(6, &body)
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let len = (12 + body.len() as u32).to_le_bytes();
    [&kind.to_le_bytes(), &len, body, &len].concat()
}

fn address(text: &str) -> SocketAddrV4 {
    text.parse().unwrap()
}

fn ethernet(packet: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0], packet].concat()
}

fn udp(from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let len = (8 + payload.len() as u16).to_be_bytes();
    let head = [from.port().to_be_bytes(), to.port().to_be_bytes(), len, [0, 0]].concat();
    ip(17, from, to, &[&head, payload].concat())
}

fn ip(protocol: u8, from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) -> Vec<u8> {
    let [high, low] = (20 + payload.len() as u16).to_be_bytes();
    let mut header = vec![0x45, 0, high, low, 0, 0, 0, 0, 64, protocol, 0, 0];
    header.extend(from.ip().octets());
    header.extend(to.ip().octets());
    [&header, payload].concat()
}
