//! RTP bleed: every way a third party may try to get at a call, by name. Whatever it does, nothing is
//! sent to it and nothing it sends is used.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{audio, ms, packet};
use rtp_core::latch::{
    Latch, LatchConfig, Phase, Policy, Refusal, RtcpAddress, Signalled, Verdict,
};
use rtp_core::{Header, Packet, PayloadType, PayloadTypeSet, Ssrc};

const PEER: &str = "198.51.100.7:4000";
/// The same host as the peer: what a loopback test or a shared NAT looks like.
const NEIGHBOUR: &str = "198.51.100.7:5000";
const THIRD: &str = "203.0.113.66:4000";
const PEER_SSRC: u32 = 0xaaaa_aaaa;
const THIRD_SSRC: u32 = 0xbbbb_bbbb;

/// A phone behind a NAT: what its SDP says, and where its packets come from.
const PRIVATE: &str = "10.0.0.5:4000";
const NATTED: &str = "198.51.100.7:31000";

fn at(address: &str) -> SocketAddr {
    address.parse().expect("the tests name valid addresses")
}

fn direct() -> Signalled {
    Signalled { signalling_host: Some(at(PEER).ip()), ..Signalled::at(at(PEER)) }
}

fn behind_nat() -> Signalled {
    Signalled { signalling_host: Some(at(NATTED).ip()), ..Signalled::at(at(PRIVATE)) }
}

/// The media server's port: every packet that would leave it is counted by where it goes.
struct Port {
    latch: Latch,
    now: Duration,
    number: u16,
    third: u16,
    sent: Vec<SocketAddr>,
    accepted: Vec<SocketAddr>,
}

impl Port {
    fn new(signalled: Signalled) -> Port {
        Port::with(LatchConfig::default(), signalled)
    }

    fn with(config: LatchConfig, signalled: Signalled) -> Port {
        let latch = Latch::new(config, signalled);
        Port { latch, now: ms(0), number: 100, third: 7_000, sent: vec![], accepted: vec![] }
    }

    /// 20 ms in which the named addresses send one packet each, the attacker's in between, and we
    /// send one to wherever media goes.
    fn tick(&mut self, senders: &[&str]) {
        for sender in senders {
            let from = at(sender);
            let legitimate = [PEER, NATTED, PRIVATE].contains(sender);
            let (ssrc, number) = if legitimate {
                self.number += 1;
                (PEER_SSRC, self.number)
            } else {
                self.third += 1;
                (THIRD_SSRC, self.third)
            };
            self.take(from, &audio(ssrc, number, 160 * u32::from(number)));
        }
        self.now += ms(20);
    }

    fn take(&mut self, from: SocketAddr, bytes: &[u8]) -> Verdict {
        let packet = Packet::parse(bytes).expect("the tests send valid packets");
        let verdict = self.latch.handle_rtp(self.now, from, &packet);
        if verdict.is_accept() {
            self.accepted.push(from);
        }
        self.sent.extend(self.latch.destination());
        self.sent.extend(self.latch.rtcp_destination());
        verdict
    }

    fn ticks(&mut self, count: usize, senders: &[&str]) {
        for _ in 0..count {
            self.tick(senders);
        }
    }

    /// Not one packet to, and none from, anyone but `peers`.
    fn assert_only(&self, peers: &[&str]) {
        for (what, addresses) in [("sent to", &self.sent), ("accepted from", &self.accepted)] {
            let stranger = addresses.iter().find(|address| {
                // RTCP goes to the port above.
                let below = SocketAddr::new(address.ip(), address.port() - 1);
                !peers.iter().any(|peer| at(peer) == **address || at(peer) == below)
            });
            assert_eq!(stranger, None, "{what}");
        }
    }
}

#[test]
fn injection_before_the_peer_has_sent_anything() {
    for attacker in [THIRD, NEIGHBOUR] {
        let mut port = Port::new(direct());
        port.ticks(500, &[attacker]);
        assert_eq!(port.latch.phase(port.now), Phase::Waiting);
        assert_eq!(port.latch.counters().foreign, 500);
        assert_eq!(port.latch.counters().last_foreign, Some(at(attacker)));
        port.ticks(10, &[attacker, PEER]);
        assert_eq!(port.latch.peer(), Some(at(PEER)));
        assert_eq!(port.accepted.len(), 10, "all of the peer's packets are heard");
        port.assert_only(&[PEER]);
    }
}

#[test]
fn injection_before_a_peer_behind_a_nat_has_sent_anything() {
    let mut port = Port::new(behind_nat());
    port.ticks(500, &[THIRD]);
    port.ticks(10, &[THIRD, NATTED]);
    assert_eq!(port.latch.destination(), Some(at(NATTED)));
    assert_eq!(port.accepted.len(), 8, "two packets of probation");
    port.assert_only(&[NATTED, PRIVATE]);
}

#[test]
fn injection_during_the_learning_window() {
    let mut port = Port::new(behind_nat());
    port.ticks(5, &[NATTED]);
    assert_eq!(port.latch.phase(port.now), Phase::Learning);
    for attacker in [THIRD, NEIGHBOUR] {
        port.ticks(40, &[attacker, NATTED, attacker]);
        assert_eq!(port.latch.destination(), Some(at(NATTED)));
    }
    port.ticks(100, &[THIRD, NATTED]);
    assert_eq!(port.latch.phase(port.now), Phase::Settled);
    port.assert_only(&[NATTED, PRIVATE]);
}

#[test]
fn injection_during_probation_does_not_hold_it_up() {
    let mut port = Port::new(behind_nat());
    for _ in 0..3 {
        port.tick(&[THIRD, NATTED, THIRD]);
    }
    assert_eq!(port.latch.destination(), Some(at(NATTED)));
    port.assert_only(&[NATTED, PRIVATE]);
}

#[test]
fn injection_after_the_learning_window() {
    for (signalled, peer) in [(direct(), PEER), (behind_nat(), NATTED)] {
        let mut port = Port::new(signalled);
        port.ticks(200, &[peer]);
        assert_eq!(port.latch.phase(port.now), Phase::Settled);
        for attacker in [THIRD, NEIGHBOUR] {
            port.ticks(300, &[attacker, peer]);
            // The peer pauses, the attacker goes on.
            port.ticks(3_000, &[attacker]);
        }
        assert_eq!(port.latch.destination(), Some(at(peer)));
        assert_eq!(port.latch.counters().foreign, 2 * 3_300);
        port.assert_only(&[PEER, NATTED, PRIVATE]);
    }
}

#[test]
fn the_peers_ssrc_from_another_address() {
    for (signalled, peer) in [(direct(), PEER), (behind_nat(), NATTED)] {
        let mut port = Port::new(signalled);
        port.ticks(200, &[peer]);
        for attacker in [THIRD, NEIGHBOUR, PRIVATE] {
            // The very packets that the peer would send next.
            for step in 1..50 {
                let number = port.number + step;
                let stolen = audio(PEER_SSRC, number, 160 * u32::from(number));
                let verdict = port.take(at(attacker), &stolen);
                assert_eq!(verdict, Verdict::Drop(Refusal::Foreign), "{attacker}");
            }
        }
        port.ticks(5, &[peer]);
        port.assert_only(&[PEER, NATTED, PRIVATE]);
    }
}

#[test]
fn another_ssrc_in_the_peers_name() {
    let mut port = Port::new(direct());
    port.ticks(200, &[PEER]);
    // Spoofed source address: as long as the peer sends, the other SSRC is not heard.
    for number in 0..200 {
        let verdict = port.take(at(PEER), &audio(THIRD_SSRC, number, 0));
        assert_eq!(verdict, Verdict::Drop(Refusal::Ssrc));
        port.tick(&[PEER]);
    }
    assert_eq!(port.latch.counters().ssrc, 200);
    // Without order it is not heard even when the peer is quiet.
    for number in 0..200u16 {
        let verdict = port.take(at(PEER), &audio(THIRD_SSRC, number.wrapping_mul(7_919), 0));
        assert_eq!(verdict, Verdict::Drop(Refusal::Ssrc));
    }
    // A peer whose own source changes is heard again after its probation.
    let verdicts: Vec<_> =
        (0..5).map(|number| port.take(at(PEER), &audio(0xcccc, number, 0)).is_accept()).collect();
    assert_eq!(verdicts, [false, false, true, true, true]);
    let old = audio(PEER_SSRC, port.number + 1, 0);
    assert_eq!(port.take(at(PEER), &old), Verdict::Drop(Refusal::Ssrc));
}

#[test]
fn a_payload_type_that_was_not_negotiated() {
    let types = PayloadTypeSet::EMPTY.with(PayloadType::PCMA).with(PayloadType::COMFORT_NOISE);
    let mut port =
        Port::with(LatchConfig { payload_types: types, ..LatchConfig::default() }, direct());
    let video = packet(Header::new(PayloadType::from_octet(96), 1, 0, Ssrc(PEER_SSRC)), &[0; 900]);
    // Not even the signalled address settles with it.
    assert_eq!(port.take(at(PEER), &video), Verdict::Drop(Refusal::PayloadType));
    assert_eq!(port.latch.phase(port.now), Phase::Waiting);
    port.ticks(5, &[PEER]);
    assert_eq!(port.take(at(PEER), &video), Verdict::Drop(Refusal::PayloadType));
    assert_eq!(port.latch.counters().payload_type, 2);
    // After a new answer it may come.
    port.latch.set_payload_types(types.with(PayloadType::from_octet(96)));
    assert_eq!(port.take(at(PEER), &video), Verdict::Accept);
}

#[test]
fn a_goodbye_in_the_peers_name() {
    for rtcp in [RtcpAddress::Muxed, RtcpAddress::NextPort] {
        for (signalled, peer) in [(direct(), PEER), (behind_nat(), NATTED)] {
            let mut port = Port::new(Signalled { rtcp, ..signalled });
            let spoof = |port: &mut Port| {
                for attacker in [THIRD, NEIGHBOUR, "203.0.113.66:4001"] {
                    if peer == NATTED && attacker == NEIGHBOUR && rtcp != RtcpAddress::Muxed {
                        // Another port of a NATed peer's host is where its RTCP may come from, once
                        // it knows the SSRC; see `a_natted_peers_rtcp_is_learned_once`.
                        continue;
                    }
                    let verdict = port.latch.handle_rtcp(at(attacker), Ssrc(PEER_SSRC));
                    assert_eq!(verdict, Verdict::Drop(Refusal::Foreign), "{attacker}");
                }
            };
            spoof(&mut port);
            port.ticks(10, &[peer]);
            spoof(&mut port);
            port.ticks(200, &[peer]);
            spoof(&mut port);
            assert_eq!(port.latch.counters().rtcp_accepted, 0);
            assert!(port.latch.counters().rtcp_dropped >= 6);
            port.ticks(1, &[peer]);
            port.assert_only(&[PEER, NATTED, PRIVATE]);
        }
    }
}

#[test]
fn a_natted_peers_rtcp_is_learned_once() {
    let mut port = Port::new(behind_nat());
    port.ticks(5, &[NATTED]);
    let (rtcp, other) = (at("198.51.100.7:31007"), at("198.51.100.7:31009"));
    // Who does not know the SSRC of the media is not believed.
    assert!(!port.latch.handle_rtcp(other, Ssrc(THIRD_SSRC)).is_accept());
    assert!(port.latch.handle_rtcp(rtcp, Ssrc(PEER_SSRC)).is_accept());
    assert_eq!(port.latch.rtcp_destination(), Some(rtcp));
    for ssrc in [PEER_SSRC, THIRD_SSRC] {
        assert!(!port.latch.handle_rtcp(other, Ssrc(ssrc)).is_accept());
    }
    assert!(port.latch.handle_rtcp(rtcp, Ssrc(PEER_SSRC)).is_accept());
    assert!(port.latch.handle_rtcp(at(NATTED), Ssrc(PEER_SSRC)).is_accept(), "muxed unasked");
}

#[test]
fn rtcp_alone_moves_nothing() {
    let mut port =
        Port::with(LatchConfig { policy: Policy::AnyHost, ..LatchConfig::default() }, direct());
    for _ in 0..100 {
        assert!(!port.latch.handle_rtcp(at(THIRD), Ssrc(PEER_SSRC)).is_accept());
    }
    assert_eq!(port.latch.destination(), Some(at(PEER)));
    assert!(port.latch.handle_rtcp(at("198.51.100.7:4001"), Ssrc(PEER_SSRC)).is_accept());
    assert_eq!(port.latch.phase(port.now), Phase::Waiting);
}

#[test]
fn a_port_scan() {
    for (signalled, peer) in [(direct(), PEER), (behind_nat(), NATTED)] {
        let mut port = Port::new(signalled);
        // Every port of the attacker's host, before and during the call.
        for scanned in (1_024..60_000).step_by(13) {
            let from = SocketAddr::new(at(THIRD).ip(), scanned);
            port.take(from, &audio(u32::from(scanned), scanned, 0));
            if scanned > 20_000 && scanned % 5 == 0 {
                port.tick(&[peer]);
            }
        }
        assert_eq!(port.latch.destination(), Some(at(peer)));
        port.assert_only(&[PEER, NATTED, PRIVATE]);
    }
}

#[test]
fn a_port_scan_from_the_peers_own_host() {
    let mut port = Port::new(behind_nat());
    // Single packets from other ports of the NAT do not pass probation, nor keep the peer from it.
    for round in 0..20u16 {
        for scanned in 0..3 {
            let from = SocketAddr::new(at(NATTED).ip(), 40_000 + 3 * round + scanned);
            port.take(from, &audio(THIRD_SSRC, round, 0));
        }
        port.tick(&[NATTED]);
    }
    assert_eq!(port.latch.destination(), Some(at(NATTED)));
    port.assert_only(&[NATTED, PRIVATE]);
}

#[test]
fn a_session_refresh_opens_no_window() {
    for (signalled, peer) in [(direct(), PEER), (behind_nat(), NATTED)] {
        let mut port = Port::new(signalled);
        port.ticks(200, &[peer]);
        for _ in 0..5 {
            port.latch.signal(signalled);
            assert_eq!(port.latch.phase(port.now), Phase::Settled);
            port.ticks(200, &[THIRD, NEIGHBOUR]);
        }
        assert_eq!(port.latch.destination(), Some(at(peer)));
        port.assert_only(&[PEER, NATTED, PRIVATE]);
    }
}

#[test]
fn silence_without_permission_opens_no_window() {
    let mut port = Port::new(behind_nat());
    port.ticks(200, &[NATTED]);
    port.now += Duration::from_secs(3_600);
    port.ticks(200, &[NEIGHBOUR, THIRD]);
    assert_eq!(port.latch.destination(), Some(at(NATTED)));
    port.assert_only(&[NATTED, PRIVATE]);
}

#[test]
fn no_stranger_gets_in_by_silence_even_when_strangers_may() {
    let config = LatchConfig {
        policy: Policy::AnyHost,
        silence: Some(Duration::from_secs(5)),
        ..LatchConfig::default()
    };
    let mut port = Port::with(config, direct());
    port.ticks(200, &[PEER]);
    port.now += Duration::from_secs(60);
    port.ticks(500, &[THIRD]);
    assert_eq!(port.latch.destination(), Some(at(PEER)));
    port.assert_only(&[PEER]);
}
