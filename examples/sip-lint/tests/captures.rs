//! Messages in captures: both formats in both byte orders, the links that are read, and what is left.

mod common;

use std::fs;

use common::{lint, verdicts};

const OPTIONS: &str = "OPTIONS sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
     From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

const ETHERNET: u32 = 1;
const RAW: u32 = 101;
const COOKED: u32 = 113;
const COOKED_2: u32 = 276;

const UDP: u8 = 17;
const TCP: u8 = 6;

const WHOLE: u16 = 0x4000;
const MORE: u16 = 0x2000;

fn ipv4(protocol: u8, transport: &[u8], flags: u16) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend((20 + transport.len() as u16).to_be_bytes());
    packet.extend([0, 9]);
    packet.extend(flags.to_be_bytes());
    packet.extend([64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    packet.extend(transport);
    packet
}

/// With an extension header when it is a fragment: its offset in bytes, and whether more follow.
fn ipv6(protocol: u8, transport: &[u8], fragment: Option<(u16, bool)>) -> Vec<u8> {
    let extension = fragment.map_or(vec![], |(offset, more)| {
        let mut header = vec![protocol, 0];
        header.extend((offset | u16::from(more)).to_be_bytes());
        header.extend([0, 0, 0, 9]);
        header
    });
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(((extension.len() + transport.len()) as u16).to_be_bytes());
    packet.extend([if fragment.is_some() { 44 } else { protocol }, 64]);
    for host in [1, 2] {
        packet.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
    }
    packet.extend(extension);
    packet.extend(transport);
    packet
}

/// In a frame with these tags of virtual networks.
fn ethernet(tags: &[u16], packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![2; 12];
    for tag in tags {
        frame.extend([0x81, 0]);
        frame.extend(tag.to_be_bytes());
    }
    frame.extend(ether_type(packet));
    frame.extend(packet);
    frame
}

fn ether_type(packet: &[u8]) -> [u8; 2] {
    if packet[0] >> 4 == 4 { [8, 0] } else { [0x86, 0xdd] }
}

/// As Linux captures on `any` interface.
fn cooked(packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0];
    frame.extend(ether_type(packet));
    frame.extend(packet);
    frame
}

fn cooked_2(packet: &[u8]) -> Vec<u8> {
    let mut frame = ether_type(packet).to_vec();
    frame.extend([0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 2, 2, 2, 2, 2, 0, 0]);
    frame.extend(packet);
    frame
}

fn udp(payload: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0x13, 0xc4, 0x13, 0xc4];
    datagram.extend((8 + payload.len() as u16).to_be_bytes());
    datagram.extend([0, 0]);
    datagram.extend(payload);
    datagram
}

fn tcp(sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = vec![0x13, 0xc4, 0x13, 0xc5];
    segment.extend(sequence.to_be_bytes());
    segment.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(payload);
    segment
}

fn frame(protocol: u8, transport: &[u8], flags: u16) -> Vec<u8> {
    ethernet(&[], &ipv4(protocol, transport, flags))
}

/// Frames with a datagram, what is no SIP, a fragmented datagram, and a connection whose segments come out of
/// order and twice.
fn frames() -> Vec<Vec<u8>> {
    let broken = OPTIONS.replace("CSeq", "X");
    let datagram = udp(OPTIONS.as_bytes());
    let (first, second) = datagram.split_at(64);
    let stream = [OPTIONS, "\r\n\r\n", &broken].concat().into_bytes();
    let part =
        |from: usize, to: usize| tcp(u32::MAX.wrapping_add(from as u32), 0x18, &stream[from..to]);
    vec![
        frame(UDP, &udp(OPTIONS.as_bytes()), WHOLE),
        frame(UDP, &udp(b"\x80\x00no SIP"), WHOLE),
        frame(UDP, &udp(b"\r\n\r\n"), WHOLE),
        frame(UDP, first, MORE),
        frame(UDP, second, 8),
        frame(TCP, &tcp(u32::MAX - 1, 2, b""), WHOLE),
        frame(TCP, &part(0, 10), WHOLE),
        frame(TCP, &part(100, stream.len()), WHOLE),
        frame(TCP, &part(0, 20), WHOLE),
        frame(TCP, &part(15, 120), WHOLE),
    ]
}

/// How numbers are written.
#[derive(Clone, Copy, Debug)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u16(self, number: u16) -> [u8; 2] {
        match self {
            Order::Little => number.to_le_bytes(),
            Order::Big => number.to_be_bytes(),
        }
    }

    fn u32(self, number: u32) -> [u8; 4] {
        match self {
            Order::Little => number.to_le_bytes(),
            Order::Big => number.to_be_bytes(),
        }
    }
}

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;

fn pcap(order: Order, magic: u32, link: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = order.u32(magic).to_vec();
    file.extend([order.u16(2), order.u16(4)].concat());
    file.extend([0; 8]);
    file.extend([order.u32(65_535), order.u32(link)].concat());
    for frame in frames {
        file.extend([order.u32(1_700_000_000), order.u32(999_999)].concat());
        file.extend(order.u32(frame.len() as u32).repeat(2));
        file.extend(frame);
    }
    file
}

fn pcapng(order: Order, link: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    let block = |kind: u32, content: &[u8]| {
        let mut padded = content.to_vec();
        padded.resize(content.len().next_multiple_of(4), 0);
        let length = order.u32(12 + padded.len() as u32);
        [&order.u32(kind)[..], &length, &padded, &length].concat()
    };
    let mut header = order.u32(0x1a2b_3c4d).to_vec();
    header.extend([order.u16(1), order.u16(0)].concat());
    header.extend([0xff; 8]);
    let mut file = block(0x0a0d_0d0a, &header);
    let mut interface = order.u16(link as u16).to_vec();
    interface.extend([0; 6]);
    file.extend(block(1, &interface));
    for frame in frames {
        let mut content = vec![0; 12];
        content.extend(order.u32(frame.len() as u32).repeat(2));
        content.extend(frame);
        file.extend(block(6, &content));
    }
    file
}

/// The packets that completed a message, and what is answered to it.
fn found(bytes: &[u8]) -> Vec<(usize, Option<u64>)> {
    let number = |verdict: &serde_json::Value| {
        let (_, packet) = verdict["file"].as_str().unwrap().rsplit_once('#').unwrap();
        (packet.parse().unwrap(), verdict["status"].as_u64())
    };
    verdicts(["--json", "-"], bytes).iter().map(number).collect()
}

/// What is told beside the verdicts, all having been judged.
fn told(bytes: &[u8]) -> String {
    let output = lint(["--json", "-"], bytes);
    assert!(output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn both_formats_in_both_byte_orders() {
    let expected = [(1, None), (5, None), (10, None), (10, Some(400))];
    for order in [Order::Little, Order::Big] {
        for (name, bytes) in [
            ("pcap", pcap(order, MICROSECONDS, ETHERNET, &frames())),
            ("pcap with nanoseconds", pcap(order, NANOSECONDS, ETHERNET, &frames())),
            // Frames end with a checksum of four bytes.
            ("pcap with checksums", pcap(order, MICROSECONDS, 0x2400_0000 | ETHERNET, &frames())),
            ("pcapng", pcapng(order, ETHERNET, &frames())),
        ] {
            assert_eq!(found(&bytes), expected, "{name}, {order:?}");
            assert_eq!(told(&bytes), "", "{name}, {order:?}");
        }
    }
}

#[test]
fn named_files_and_cut_ones() {
    let folder = tempfile::tempdir().unwrap();
    for bytes in [
        pcap(Order::Big, MICROSECONDS, ETHERNET, &frames()),
        pcapng(Order::Little, ETHERNET, &frames()),
    ] {
        let path = folder.path().join("call.pcap");
        fs::write(&path, &bytes).unwrap();
        let verdicts = verdicts(["--json".as_ref(), path.as_os_str()], b"");
        let name = format!("{}#1", path.display());
        assert_eq!((verdicts.len(), verdicts[0]["file"].as_str()), (4, Some(&*name)));

        // One that is cut is told, after what could be judged.
        let cut = lint(["--json", "-"], &bytes[..bytes.len() - 1]);
        assert_eq!(cut.status.code(), Some(1));
        assert_eq!(cut.stdout.split(|byte| *byte == b'\n').count(), 2 + 1);
        assert!(String::from_utf8(cut.stderr).unwrap().contains("incomplete"));
        for at in (0..bytes.len()).step_by(37) {
            let _ = lint(["-"], &bytes[..at]);
        }
    }
}

#[test]
fn links_and_virtual_networks() {
    let datagram = udp(OPTIONS.as_bytes());
    let four = ipv4(UDP, &datagram, WHOLE);
    let six = ipv6(UDP, &datagram, None);
    let (first, second) = datagram.split_at(64);
    let frames = |wrap: &dyn Fn(&[u8]) -> Vec<u8>| {
        vec![
            wrap(&four),
            wrap(&six),
            wrap(&ipv6(UDP, first, Some((0, true)))),
            wrap(&ipv6(UDP, second, Some((64, false)))),
        ]
    };
    for (link, frames) in [
        (ETHERNET, frames(&|packet| ethernet(&[], packet))),
        (ETHERNET, frames(&|packet| ethernet(&[7], packet))),
        (ETHERNET, frames(&|packet| ethernet(&[7, 8], packet))),
        (COOKED, frames(&cooked)),
        (COOKED_2, frames(&cooked_2)),
        (RAW, frames(&|packet| packet.to_vec())),
        (0, frames(&|packet| [&[2, 0, 0, 0], packet].concat())),
    ] {
        for bytes in
            [pcap(Order::Big, NANOSECONDS, link, &frames), pcapng(Order::Little, link, &frames)]
        {
            assert_eq!(found(&bytes), [(1, None), (2, None), (4, None)], "link {link}");
            assert_eq!(told(&bytes), "");
        }
    }
}

#[test]
fn what_is_left_is_told() {
    let datagram = udp(OPTIONS.as_bytes());
    let whole = frame(UDP, &datagram, WHOLE);
    let told = |link, frames: &[Vec<u8>]| told(&pcap(Order::Little, MICROSECONDS, link, frames));
    let half = &OPTIONS.as_bytes()[..100];
    for (frames, note) in [
        (
            vec![frame(UDP, &datagram[..64], MORE)],
            "1 packet in fragments of which some are missing",
        ),
        (
            vec![whole[..60].to_vec(), vec![1, 2, 3], whole.clone()],
            "2 packets cut short or damaged",
        ),
        (vec![frame(TCP, &tcp(1, 0x18, half), WHOLE)], "1 message over TCP without an end"),
        (
            vec![
                frame(TCP, &tcp(0, 2, b""), WHOLE),
                frame(TCP, &tcp(9, 0x18, OPTIONS.as_bytes()), WHOLE),
            ],
            "1 message over TCP without an end",
        ),
    ] {
        assert_eq!(told(ETHERNET, &frames), format!("sip-lint: -: {note}: not judged\n"));
    }
    let note = "sip-lint: -: 1 packet of a kind of link that is not read: not judged\n";
    assert_eq!(told(147, &[whole]), note);
}
