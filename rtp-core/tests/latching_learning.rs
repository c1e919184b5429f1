//! What a latch learns, and when: NAT, early packets, re-INVITE, hold, silence.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{audio, ms};
use rtp_core::Packet;
use rtp_core::latch::{
    Latch, LatchConfig, Phase, Policy, Refusal, RtcpAddress, Signalled, Verdict,
};

const SIGNALLED: &str = "10.0.0.5:4000";
const NATTED: &str = "198.51.100.7:31000";
const REBOUND: &str = "198.51.100.7:32000";
const ELSEWHERE: &str = "203.0.113.9:6000";

fn at(address: &str) -> SocketAddr {
    address.parse().expect("the tests name valid addresses")
}

fn signalled() -> Signalled {
    Signalled { signalling_host: Some(at(NATTED).ip()), ..Signalled::at(at(SIGNALLED)) }
}

fn latch(policy: Policy) -> Latch {
    Latch::new(LatchConfig { policy, ..LatchConfig::default() }, signalled())
}

/// `count` packets, one every 20 ms from `start` on, with one SSRC an address.
fn send(latch: &mut Latch, start: Duration, from: &str, count: u64) -> Vec<Verdict> {
    let from = at(from);
    (0..count)
        .map(|index| {
            let now = start + ms(20 * index);
            let number = (now.as_millis() / 20) as u16;
            let bytes = audio(u32::from(from.port()), number, 0);
            latch.handle_rtp(now, from, &Packet::parse(&bytes).unwrap())
        })
        .collect()
}

fn accepted(verdicts: &[Verdict]) -> usize {
    verdicts.iter().filter(|verdict| verdict.is_accept()).count()
}

#[test]
fn the_signalled_address_settles_with_its_first_packet() {
    for policy in [Policy::SignalledOnly, Policy::Symmetric, Policy::AnyPort, Policy::AnyHost] {
        let mut latch = latch(policy);
        assert_eq!(latch.destination(), Some(at(SIGNALLED)));
        assert_eq!(latch.peer(), None);
        assert_eq!(send(&mut latch, ms(0), SIGNALLED, 1), [Verdict::Accept]);
        assert_eq!(latch.phase(ms(0)), Phase::Settled);
        assert_eq!(latch.peer(), Some(at(SIGNALLED)));
    }
}

#[test]
fn a_phone_behind_a_nat_is_found() {
    let mut latch = latch(Policy::Symmetric);
    let verdicts = send(&mut latch, ms(0), NATTED, 5);
    let probation = Verdict::Drop(Refusal::Probation);
    assert_eq!(verdicts[..2], [probation; 2]);
    assert_eq!(accepted(&verdicts[2..]), 3);
    assert_eq!(latch.destination(), Some(at(NATTED)));
    assert_eq!(latch.phase(ms(100)), Phase::Learning);
    // Two seconds after it was learned it is fixed.
    assert_eq!(latch.phase(ms(2_040)), Phase::Settled);
}

#[test]
fn the_signalled_address_takes_over_within_the_window_only() {
    let mut early = latch(Policy::Symmetric);
    send(&mut early, ms(0), NATTED, 5);
    assert_eq!(accepted(&send(&mut early, ms(500), SIGNALLED, 1)), 1);
    assert_eq!(early.destination(), Some(at(SIGNALLED)));
    assert_eq!(accepted(&send(&mut early, ms(520), NATTED, 100)), 0, "and keeps its place");

    let mut late = latch(Policy::Symmetric);
    send(&mut late, ms(0), NATTED, 5);
    assert_eq!(accepted(&send(&mut late, ms(2_100), SIGNALLED, 100)), 0);
    assert_eq!(late.destination(), Some(at(NATTED)));
}

#[test]
fn policies_differ_in_whom_they_believe() {
    let learned = |policy, signalled, from| {
        let mut latch = Latch::new(LatchConfig { policy, ..LatchConfig::default() }, signalled);
        accepted(&send(&mut latch, ms(0), from, 200)) > 0
    };
    let direct = Signalled::at(at(NATTED));
    use Policy::*;
    for (policy, nat, other_port, anyone) in [
        (SignalledOnly, false, false, false),
        (Symmetric, true, false, false),
        (AnyPort, true, true, false),
        (AnyHost, true, true, true),
    ] {
        assert_eq!(learned(policy, signalled(), NATTED), nat, "{policy:?}");
        assert_eq!(learned(policy, direct, REBOUND), other_port, "{policy:?}");
        assert_eq!(learned(policy, signalled(), ELSEWHERE), anyone, "{policy:?}");
    }
}

#[test]
fn a_stranger_waits_for_the_whole_window() {
    let mut latch = latch(Policy::AnyHost);
    let verdicts = send(&mut latch, ms(0), ELSEWHERE, 120);
    assert_eq!(accepted(&verdicts[..100]), 0, "for two seconds it is sent nothing");
    assert_eq!(accepted(&verdicts[100..]), 20);
    assert_eq!(latch.destination(), Some(at(ELSEWHERE)));

    let mut contested = self::latch(Policy::AnyHost);
    send(&mut contested, ms(0), ELSEWHERE, 50);
    send(&mut contested, ms(1_000), NATTED, 5);
    assert_eq!(contested.destination(), Some(at(NATTED)), "someone better came in time");
}

#[test]
fn a_re_invite_with_another_address_is_learned_anew() {
    let mut latch = latch(Policy::Symmetric);
    send(&mut latch, ms(0), NATTED, 200);
    let moved = Signalled::at(at(ELSEWHERE));
    latch.signal(moved);
    assert_eq!(latch.phase(ms(4_000)), Phase::Waiting);
    assert_eq!(latch.destination(), Some(at(ELSEWHERE)), "media goes there at once");
    assert_eq!(accepted(&send(&mut latch, ms(4_000), NATTED, 100)), 0);
    assert_eq!(accepted(&send(&mut latch, ms(6_000), ELSEWHERE, 100)), 100);
    assert_eq!(latch.peer(), Some(at(ELSEWHERE)));
}

#[test]
fn what_is_on_its_way_when_the_peer_moves_does_not_draw_media_back() {
    // Behind the same NAT, from another port: the old one's last packets come after the re-INVITE.
    let mut latch = latch(Policy::Symmetric);
    send(&mut latch, ms(0), NATTED, 200);
    latch.signal(Signalled { media: Some(at("10.0.0.5:4002")), ..signalled() });
    assert_eq!(accepted(&send(&mut latch, ms(4_000), NATTED, 10)), 0);
    assert_eq!(accepted(&send(&mut latch, ms(4_100), REBOUND, 5)), 3);
    assert_eq!(latch.destination(), Some(at(REBOUND)));
    assert_eq!(accepted(&send(&mut latch, ms(4_200), NATTED, 10)), 0);
    // A peer that never left, whatever its SDP says, is found again after a window.
    latch.signal(Signalled { media: Some(at("10.0.0.5:4004")), ..signalled() });
    let verdicts = send(&mut latch, ms(5_000), REBOUND, 120);
    assert_eq!(accepted(&verdicts), 20);
    assert_eq!(latch.destination(), Some(at(REBOUND)));
}

#[test]
fn a_phone_that_roams_is_learned_by_its_new_host() {
    let mut latch = latch(Policy::Symmetric);
    send(&mut latch, ms(0), NATTED, 200);
    // The same private address behind another NAT, as the signalling shows.
    latch.signal(Signalled { signalling_host: Some(at(ELSEWHERE).ip()), ..signalled() });
    assert_eq!(accepted(&send(&mut latch, ms(4_000), ELSEWHERE, 5)), 3);
    assert_eq!(latch.destination(), Some(at(ELSEWHERE)));
}

#[test]
fn hold_keeps_the_peers_place() {
    let mut latch = latch(Policy::Symmetric);
    send(&mut latch, ms(0), NATTED, 200);
    for address in [None, Some(at("0.0.0.0:4000")), Some(at("10.0.0.5:0"))] {
        latch.signal(Signalled { media: address, ..signalled() });
        assert_eq!((latch.destination(), latch.rtcp_destination()), (None, None));
        assert_eq!(latch.peer(), Some(at(NATTED)));
        latch.signal(signalled());
        assert_eq!(latch.destination(), Some(at(NATTED)));
        assert_eq!(latch.phase(ms(10_000)), Phase::Settled);
    }
}

#[test]
fn nothing_is_accepted_before_an_address_is_named() {
    let config = LatchConfig { policy: Policy::AnyPort, ..LatchConfig::default() };
    let mut latch = Latch::new(config, Signalled { media: None, ..signalled() });
    assert_eq!(accepted(&send(&mut latch, ms(0), NATTED, 100)), 0);
    assert_eq!(latch.destination(), None);
    latch.signal(signalled());
    assert_eq!(accepted(&send(&mut latch, ms(2_000), NATTED, 5)), 3);
}

#[test]
fn relearning_needs_a_quiet_peer() {
    let mut latch = latch(Policy::Symmetric);
    send(&mut latch, ms(0), NATTED, 200);
    latch.relearn();
    // The peer is still there: another port of its host does not get in between.
    assert_eq!(accepted(&send(&mut latch, ms(4_000), REBOUND, 50)), 0);
    assert_eq!(accepted(&send(&mut latch, ms(5_000), NATTED, 1)), 1);
    assert_eq!(latch.phase(ms(5_000)), Phase::Settled);
    assert_eq!(accepted(&send(&mut latch, ms(5_020), REBOUND, 300)), 0, "the door is closed again");
    // The NAT has forgotten the mapping while the call was on hold.
    latch.relearn();
    assert_eq!(latch.destination(), Some(at(NATTED)), "until something better is known");
    assert_eq!(accepted(&send(&mut latch, ms(30_000), REBOUND, 5)), 3);
    assert_eq!(latch.destination(), Some(at(REBOUND)));
}

#[test]
fn a_stated_silence_lets_another_port_in() {
    let config = LatchConfig { silence: Some(Duration::from_secs(10)), ..LatchConfig::default() };
    let mut latch = Latch::new(config, signalled());
    send(&mut latch, ms(0), NATTED, 200);
    assert_eq!(accepted(&send(&mut latch, ms(4_000), REBOUND, 450)), 0, "nine seconds");
    assert_eq!(accepted(&send(&mut latch, ms(14_000), REBOUND, 5)), 3, "over ten");
    assert_eq!(latch.destination(), Some(at(REBOUND)));
    // A peer that speaks again after a pause just goes on.
    assert_eq!(accepted(&send(&mut latch, ms(60_000), REBOUND, 5)), 5);
}

#[test]
fn probation_forgives_losses_but_not_disorder() {
    let try_numbers = |numbers: &[u16]| {
        let mut latch = latch(Policy::Symmetric);
        for (index, number) in (0..).zip(numbers) {
            let bytes = audio(1, *number, 0);
            let packet = Packet::parse(&bytes).unwrap();
            latch.handle_rtp(ms(20 * index), at(NATTED), &packet);
        }
        latch.peer().is_some()
    };
    assert!(try_numbers(&[65_534, 0, 3]));
    assert!(!try_numbers(&[5, 5, 5, 5]), "repetitions prove nothing");
    assert!(!try_numbers(&[10, 9, 8, 7, 6]));
    assert!(!try_numbers(&[10, 1_000, 2_000, 3_000]));
    assert!(try_numbers(&[10, 1_000, 1_001, 1_002]));
}

#[test]
fn ipv4_in_ipv6_is_the_same_host() {
    let mut latch = latch(Policy::Symmetric);
    let mapped = "[::ffff:198.51.100.7]:31000";
    send(&mut latch, ms(0), mapped, 5);
    // Kept as the socket gave it, so that the same socket can send there.
    assert_eq!(latch.destination(), Some(at(mapped)));
    assert_eq!(accepted(&send(&mut latch, ms(100), NATTED, 5)), 5);
    let mut direct = self::latch(Policy::SignalledOnly);
    assert_eq!(accepted(&send(&mut direct, ms(0), "[::ffff:10.0.0.5]:4000", 1)), 1);
}

#[test]
fn rtcp_goes_where_signalling_says() {
    let with = |rtcp| Latch::new(LatchConfig::default(), Signalled { rtcp, ..signalled() });
    assert_eq!(with(RtcpAddress::Muxed).rtcp_destination(), Some(at(SIGNALLED)));
    assert_eq!(with(RtcpAddress::NextPort).rtcp_destination(), Some(at("10.0.0.5:4001")));
    let named = RtcpAddress::At(at(ELSEWHERE));
    assert_eq!(with(named).rtcp_destination(), Some(at(ELSEWHERE)));
    let mut muxed = with(RtcpAddress::Muxed);
    send(&mut muxed, ms(0), NATTED, 5);
    assert_eq!(muxed.rtcp_destination(), Some(at(NATTED)));
}
