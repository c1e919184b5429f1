//! Our own SSRC from elsewhere: collisions and loops (RFC 3550 section 8.2).

mod common;

use std::net::SocketAddr;

use common::{audio, ms, rng};
use rtp_core::rtcp::{Compound, Packet as Rtcp};
use rtp_core::session::{Conflict, Event, Frame, MAX_REPORT_LEN, Reception, SessionConfig};
use rtp_core::{Packet, PayloadType, Session, Ssrc};

fn session(seed: u64) -> Session {
    Session::new(SessionConfig::new("x"), ms(0), &mut rng(seed)).unwrap()
}

fn at(port: u16) -> SocketAddr {
    ([192, 0, 2, 7], port).into()
}

/// Goodbyes in the reports up to `end` seconds.
fn goodbyes(session: &mut Session, end: u64) -> Vec<Ssrc> {
    let (mut rng, mut buf, mut left) = (rng(3), [0; MAX_REPORT_LEN], Vec::new());
    while let Some(due) = session.poll_timeout().filter(|due| due.as_secs() < end) {
        session.handle_timeout(due, &mut rng);
        if let Some(len) = session.poll_transmit(due, &mut buf).unwrap() {
            for packet in Compound::parse(&buf[..len]).unwrap().packets() {
                if let Rtcp::Bye(bye) = packet {
                    left.extend(bye.sources());
                }
            }
        }
    }
    left
}

#[test]
fn a_collision_is_made_way_for_and_the_old_name_says_goodbye() {
    let mut ours = session(1);
    let frame =
        Frame { payload_type: PayloadType::PCMA, timestamp: 0, marker: false, payload_len: 160 };
    ours.sender_mut().send(ms(0), frame);
    let old = ours.ssrc();
    let bytes = audio(old.0, 1, 0);
    assert_eq!(ours.handle_rtp(ms(10), &Packet::parse(&bytes).unwrap()), Reception::OwnSsrc);
    assert_eq!(ours.poll_event(), Some(Event::SsrcCollision));
    let conflict = ours.handle_conflict(ms(10), at(1), &mut rng(2));
    let new = ours.ssrc();
    assert_eq!(conflict, Conflict::Collision { old, new });
    assert_ne!(old, new);
    // The other one is an ordinary source from now on.
    assert!(matches!(
        ours.handle_rtp(ms(30), &Packet::parse(&bytes).unwrap()),
        Reception::Counted(_)
    ));
    assert_eq!(ours.sender_mut().send(ms(40), frame).ssrc, new);
    // The goodbye is said once.
    assert_eq!(goodbyes(&mut ours, 60), [old]);
}

#[test]
fn a_loop_does_not_chase_us_through_ssrcs() {
    let mut ours = session(1);
    let mut random = rng(2);
    assert!(matches!(ours.handle_conflict(ms(0), at(1), &mut random), Conflict::Collision { .. }));
    let settled = ours.ssrc();
    // Whatever we send comes back from there.
    for second in 1..600 {
        let bytes = audio(ours.ssrc().0, second as u16, 0);
        let now = ms(1_000 * second);
        assert_eq!(ours.handle_rtp(now, &Packet::parse(&bytes).unwrap()), Reception::OwnSsrc);
        assert_eq!(ours.handle_conflict(now, at(1), &mut random), Conflict::Loop);
    }
    assert_eq!(ours.ssrc(), settled);
    // Quiet for long enough, it may be a participant again.
    let later = ms(2_000_000);
    assert!(matches!(ours.handle_conflict(later, at(1), &mut random), Conflict::Collision { .. }));
}

#[test]
fn rtcp_with_our_ssrc_is_a_conflict_too() {
    let mut ours = session(1);
    let mut report = [0x80, 201, 0, 1, 0, 0, 0, 0];
    report[4..].copy_from_slice(&ours.ssrc().0.to_be_bytes());
    ours.handle_rtcp(ms(0), &report).unwrap();
    assert_eq!(ours.poll_event(), Some(Event::SsrcCollision));
    assert_eq!(ours.sources().count(), 0);
}
