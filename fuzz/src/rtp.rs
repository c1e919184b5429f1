use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use rtp_core::demux::{Kind, classify};
use rtp_core::header::Header;
use rtp_core::latch::{Latch, LatchConfig, Phase, Policy, Signalled};
use rtp_core::session::{MAX_REPORT_LEN, SessionConfig};
use rtp_core::telephone_event::{EventReceiver, EventReceiverConfig, EventReport};
use rtp_core::{Packet, PacketMut, PayloadType, Session, Ssrc, rtcp::Compound};

use crate::records::records;

/// Datagrams on a media port, each with the address it comes from and the time since the one before.
///
/// The first byte chooses whom the latch believes; records follow, see `src/records.rs`. A view covers its
/// datagram and no more; a header that is rewritten reads as it was meant and leaves the payload alone; a header
/// that is written from what was read is the same. Events are bounded, and so are sources and reports. A settled
/// peer keeps its place; without a policy that lets it, no address but the signalled one gets a packet.
pub fn rtp(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    packet(data);
    packet(rest);
    let policies = [Policy::SignalledOnly, Policy::Symmetric, Policy::AnyPort, Policy::AnyHost];
    let policy = policies[usize::from(first % 4)];
    let signalled: SocketAddr = ([192, 0, 2, 1], 4_000).into();
    let config = LatchConfig { policy, ..LatchConfig::default() };
    let host = (first & 4 != 0).then_some([192, 0, 2, 2].into());
    let signalling = Signalled { signalling_host: host, ..Signalled::at(signalled) };
    let mut latch = Latch::new(config, signalling);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut session = Session::new(SessionConfig::new("x"), Duration::ZERO, &mut random).unwrap();
    let mut events = EventReceiver::new(EventReceiverConfig::default());
    let mut report = [0; MAX_REPORT_LEN];
    let mut settled = None;
    let mut now = Duration::ZERO;
    for record in records(rest) {
        packet(record.bytes);
        now += record.after;
        let from = address(record.from);
        if let Ok(packet) = Packet::parse(record.bytes) {
            let before = latch.counters().accepted;
            let verdict = latch.handle_rtp(now, from, &packet);
            assert_eq!(latch.counters().accepted, before + u64::from(verdict.is_accept()));
            if verdict.is_accept() {
                assert_eq!(latch.peer(), Some(from));
            }
            let _ = session.handle_rtp(now, &packet);
            let _ = events.handle_packet(now, &packet);
            let payload_type = packet.payload_type();
            let relayed =
                session.sender_mut().relay(now, &packet, payload_type, packet.payload().len());
            assert!(relayed.is_none_or(|header| header.ssrc == session.ssrc()));
        }
        let _ = latch.handle_rtcp(from, Ssrc(1));
        let _ = session.handle_rtcp(now, record.bytes);
        session.handle_timeout(now, &mut random);
        events.handle_timeout(now);
        if let Some(length) = session.poll_transmit(now, &mut report).unwrap() {
            assert!(Compound::parse(&report[..length]).is_ok());
        }
        let destination = latch.destination().unwrap();
        believed(policy, host.is_some(), signalled, destination);
        assert!(latch.rtcp_destination().is_some());
        if let Some(settled) = settled {
            assert_eq!(destination, settled, "a settled peer keeps its place");
        } else if latch.phase(now) == Phase::Settled {
            settled = Some(destination);
        }
    }
    assert!(session.sources().count() <= 8);
    assert!(std::iter::from_fn(|| session.poll_event()).count() <= 16);
    assert!(std::iter::from_fn(|| events.poll_event()).count() <= 32);
}

/// Hosts 192.0.2.1 (the peer's), .2 (its NAT's) to .4, at ports from 4000 on.
fn address(number: u8) -> SocketAddr {
    ([192, 0, 2, 1 + (number & 3)], 4_000 + u16::from(number >> 2 & 3)).into()
}

fn believed(policy: Policy, translated: bool, signalled: SocketAddr, destination: SocketAddr) {
    let behind_nat = translated && destination.ip() == address(1).ip();
    assert!(
        destination == signalled
            || match policy {
                Policy::SignalledOnly => false,
                Policy::Symmetric => behind_nat,
                Policy::AnyPort => behind_nat || destination.ip() == signalled.ip(),
                Policy::AnyHost => true,
            },
        "{policy:?}: media goes to {destination}"
    );
}

fn packet(bytes: &[u8]) {
    let kind = classify(bytes);
    let Ok(packet) = Packet::parse(bytes) else { return };
    assert!(matches!(kind, Kind::Rtp | Kind::Rtcp), "{kind:?}");
    let (payload, padding) = (packet.payload(), packet.padding_len());
    assert_eq!(packet.header_len() + payload.len() + padding, bytes.len());
    assert_eq!(packet.as_bytes(), bytes);
    assert!(packet.payload_type().value() < 128);
    let csrcs: Vec<Ssrc> = packet.csrcs().collect();
    assert!(csrcs.len() <= 15);
    if let Some(extension) = packet.extension() {
        assert!(extension.data.len().is_multiple_of(4));
        let data: usize = extension.elements().map(|element| 1 + element.data.len()).sum();
        assert!(data <= extension.data.len());
    }

    let header = Header {
        marker: packet.marker(),
        payload_type: packet.payload_type(),
        sequence_number: packet.sequence_number(),
        timestamp: packet.timestamp(),
        ssrc: packet.ssrc(),
        csrcs: &csrcs,
        extension: packet.extension(),
    };
    let mut written = vec![0; bytes.len()];
    let padding = u8::try_from(padding).unwrap();
    assert_eq!(header.write_packet(payload, padding, &mut written), Ok(bytes.len()));
    let end = bytes.len() - usize::from(padding);
    assert_eq!(written.get(..end), bytes.get(..end));
    assert_eq!(written.last(), bytes.last());
    assert!(header.write_packet(payload, padding, &mut written[1..]).is_err());

    let mut copy = bytes.to_vec();
    let mut rewritten = PacketMut::parse(&mut copy).unwrap();
    rewritten.set_marker(!header.marker);
    rewritten.set_payload_type(PayloadType::PCMA);
    rewritten.set_sequence_number(!header.sequence_number);
    rewritten.set_timestamp(!header.timestamp);
    rewritten.set_ssrc(Ssrc(!header.ssrc.0));
    let read = Packet::parse(rewritten.as_bytes()).unwrap();
    assert_eq!((read.marker(), read.payload_type()), (!header.marker, PayloadType::PCMA));
    assert_eq!(
        (read.sequence_number(), read.timestamp()),
        (!header.sequence_number, !header.timestamp)
    );
    assert_eq!((read.ssrc(), read.payload()), (Ssrc(!header.ssrc.0), payload));
    assert!(read.csrcs().eq(csrcs.iter().copied()) && read.extension() == packet.extension());

    if let Ok(reports) = EventReport::parse(payload) {
        for (report, octets) in reports.zip(payload.as_chunks::<4>().0) {
            let [code, flags, high, low] = *octets;
            assert_eq!(report.to_bytes(), [code, flags & 0xbf, high, low]);
        }
    }
}
