use std::net::IpAddr;
use std::time::Duration;

use packet_ring::forward::discovery::Discovery;
use packet_ring::forward::ethernet::{EthernetHeader, pop_tag, push_tag};
use packet_ring::forward::ip::{IpHeader, ipv4_checksum_is_right};
use packet_ring::forward::{FlowKey, checksum, icmp, rewrite};
use packet_ring::pipeline::{FilterConfig, NatConfig, SourceNat, StatefulFilter};
use packet_ring::pool::{PacketBuf, PacketPool, PoolConfig};

/// An Ethernet frame from a stranger, as a switch and a router see it.
///
/// A tag taken out and put in again gives the same frame; a hop less leaves a right checksum right; what is said
/// about a packet is a packet with right checksums, and nothing is said about that; an echo reply is not
/// answered; a translated packet stays right and its answer finds the way back; discovery messages survive
/// being written.
pub fn forward(data: &[u8]) {
    let pool = PacketPool::new(PoolConfig { slots: 4, ..PoolConfig::default() }).expect("memory");
    let Some(mut frame) = buffer(&pool, data) else { return };
    let Some(header) = EthernetHeader::parse(&frame) else { return };
    let kind_is_usual = frame.get(12..14) == Some(&[0x81, 0]);
    if let Some(tag) = pop_tag(&mut frame) {
        if kind_is_usual {
            push_tag(&mut frame, tag).expect("there was room for it before");
            assert_eq!(&frame[..], data);
        }
    }
    if let Some(message) = Discovery::parse(data) {
        rewritten(message, &pool);
    }
    if let Some(packet) = data.get(header.len()..) {
        packet_of(packet, &pool);
    }
}

fn buffer(pool: &PacketPool, bytes: &[u8]) -> Option<PacketBuf> {
    let mut packet = pool.take().expect("few are held");
    packet.extend_from_slice(bytes).ok()?;
    Some(packet)
}

fn rewritten(message: Discovery, pool: &PacketPool) {
    let (source, target) = match message {
        Discovery::Solicitation { sender: Some(sender), target } => (sender, target),
        Discovery::Advertisement { target, mac, .. } => ((target, mac), target),
        _ => return,
    };
    if source.0.is_ipv4() != target.is_ipv4() || source.0 == target {
        return;
    }
    let mut frame = pool.take().expect("few are held");
    message.write(source, None, None, &mut frame).expect("it fits");
    assert_eq!(Discovery::parse(&frame), Some(message));
}

fn packet_of(bytes: &[u8], pool: &PacketPool) {
    let Some(header) = IpHeader::parse(bytes) else { return };
    assert!(header.len <= header.total && header.total <= bytes.len());
    let flow = FlowKey::of(bytes).expect("what has a header has a flow");
    assert_eq!(flow.reversed().reversed(), flow);

    let was_right = ipv4_checksum_is_right(bytes);
    let Some(mut packet) = buffer(pool, bytes) else { return };
    if rewrite::hop(&mut packet).is_ok() && was_right && header.source.is_ipv4() {
        assert!(ipv4_checksum_is_right(&packet));
    }

    let router: IpAddr = if header.source.is_ipv4() {
        IpAddr::from([192, 0, 2, 1])
    } else {
        IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1])
    };
    let mut message = pool.take().expect("few are held");
    if icmp::report(icmp::Problem::TimeExceeded, bytes, router, &mut message) == Ok(true) {
        assert!(is_sealed(&message));
        let mut again = pool.take().expect("few are held");
        let about = icmp::report(icmp::Problem::NoRoute, &message, header.source, &mut again);
        assert_eq!(about, Ok(false));
    }
    drop(message);

    let Some(mut ping) = buffer(pool, bytes) else { return };
    if icmp::answer_echo(&mut ping) {
        assert!(is_sealed(&ping));
        assert!(!icmp::answer_echo(&mut ping));
    }
    drop(ping);

    let mut filter = StatefulFilter::new(FilterConfig::default());
    assert!(!filter.allows(Duration::ZERO, false, bytes));
    let mut nat = SourceNat::new(NatConfig::behind([192, 0, 2, 1].into()));
    let Some(mut out) = buffer(pool, bytes) else { return };
    if nat.translate(Duration::ZERO, true, &mut out) {
        assert_eq!(IpHeader::parse(&out).map(|header| header.source), Some(router));
        if was_right {
            assert!(ipv4_checksum_is_right(&out));
        }
    } else {
        assert_eq!(&out[..], bytes, "what may not pass stays as it was");
    }
}

fn is_sealed(packet: &[u8]) -> bool {
    let Some(header) = IpHeader::parse(packet) else { return false };
    let Some(message) = packet.get(header.len..header.total) else { return false };
    match header.source {
        IpAddr::V4(_) => ipv4_checksum_is_right(packet) && checksum::of(message) == 0,
        IpAddr::V6(_) => {
            checksum::with_pseudo_header(header.source, header.destination, 58, message) == 0
        }
    }
}
