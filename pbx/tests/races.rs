//! Messages that cross: each race by name, as a ladder, with every table empty afterwards.

mod office;

use std::time::Duration;

use insta::assert_snapshot;
use office::Scene;
use pbx::call::Cause;
use pbx::exchange::{Command, Input, Settings};
use pbx::record::EndedBy;
use sip_core::sdp::Direction;
use testkit::{Answering, Faults, Seen};

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A network slow enough for two messages to meet on it.
fn slow(phones: u8) -> Scene {
    let faults = Faults { delay: ms(50), ..Faults::NONE };
    Scene::with(phones, faults, 7, Settings::default())
}

#[test]
fn the_answer_crosses_the_cancel_of_the_caller() {
    let mut scene = slow(2);
    scene.answering(2, Answering::After(ms(1_000)));
    scene.act(1, |alice, now| alice.call(now, "102"));
    // Bob answers 1,200 ms after; the CANCEL reaches the exchange before his 200 does.
    scene.run_for(ms(1_190));
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.run_for_seconds(2);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob
    1.000             |--- INVITE 102 (sdp) --->|                         |
    1.050             |<----- 401 INVITE -------|                         |
    1.100             |---------- ACK --------->|                         |
    1.100             |--- INVITE 102 (sdp) --->|                         |
    1.150             |                         |--- INVITE 102 (sdp) --->|
    1.200             |                         |<----- 180 INVITE -------|
    1.250             |<----- 180 INVITE -------|                         |
    2.190             |-------- CANCEL -------->|                         |
    2.200             |                         |<-- 200 INVITE (sdp) ----|
    2.240             |<----- 200 CANCEL -------|                         |
    2.240             |<----- 487 INVITE -------|                         |
    2.240             |                         |-------- CANCEL -------->|
    2.250             |                         |---------- ACK --------->|
    2.250             |                         |---------- BYE --------->|
    2.290             |---------- ACK --------->|                         |
    2.290             |                         |<----- 200 CANCEL -------|
    2.300             |                         |<------- 200 BYE --------|
    ");
    assert_eq!(scene.seen(1), [Seen::Progress(180), Seen::Refused(487)]);
    assert_eq!(scene.seen(2), [Seen::Called, Seen::Acknowledged, Seen::HungUp]);
    assert_eq!((scene.record().status, scene.record().answered), (487, None));
    scene.rest();
}

#[test]
fn the_cancel_comes_after_our_200() {
    let mut scene = slow(2);
    scene.answering(2, Answering::After(ms(1_000)));
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for(ms(1_270));
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.run_for_seconds(2);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob
    1.000             |--- INVITE 102 (sdp) --->|                         |
    1.050             |<----- 401 INVITE -------|                         |
    1.100             |---------- ACK --------->|                         |
    1.100             |--- INVITE 102 (sdp) --->|                         |
    1.150             |                         |--- INVITE 102 (sdp) --->|
    1.200             |                         |<----- 180 INVITE -------|
    1.250             |<----- 180 INVITE -------|                         |
    2.200             |                         |<-- 200 INVITE (sdp) ----|
    2.250             |                         |---------- ACK --------->|
    2.250             |<-- 200 INVITE (sdp) ----|                         |
    2.270             |-------- CANCEL -------->|                         |
    2.300             |---------- ACK --------->|                         |
    2.320             |<----- 200 CANCEL -------|                         |
    ");
    // The CANCEL has no effect; the caller's user is told of the answer and has to hang up.
    assert_eq!(scene.seen(1), [Seen::Progress(180), Seen::Accepted]);
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.run_for_seconds(1);
    assert_eq!(scene.record().ended_by, EndedBy::Caller);
    scene.rest();
}

#[test]
fn both_hang_up_at_once() {
    let mut scene = slow(2);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(5);
    scene.world.network().forget();
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.run_for_seconds(2);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob
    6.000             |---------- BYE --------->|                         |
    6.000             |                         |<--------- BYE ----------|
    6.050             |<------- 200 BYE --------|                         |
    6.050             |                         |---------- BYE --------->|
    6.050             |                         |-------- 200 BYE ------->|
    6.100             |                         |<------- 200 BYE --------|
    ");
    assert_eq!(scene.office().records.len(), 1);
    scene.rest();
}

#[test]
fn our_bye_crosses_the_peers() {
    let mut scene = slow(2);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(5);
    scene.world.network().forget();
    scene.act(1, |alice, now| alice.hang_up(now));
    // Alice's BYE is with the exchange, whose BYE to Bob is on its way.
    scene.run_for(ms(75));
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.run_for_seconds(2);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob
    6.000             |---------- BYE --------->|                         |
    6.050             |<------- 200 BYE --------|                         |
    6.050             |                         |---------- BYE --------->|
    6.075             |                         |<--------- BYE ----------|
    6.100             |                         |<------- 200 BYE --------|
    6.125             |                         |-------- 200 BYE ------->|
    ");
    assert_eq!(scene.record().ended_by, EndedBy::Caller);
    scene.rest();
}

#[test]
fn both_put_on_hold_at_once() {
    let mut scene = slow(2);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(5);
    scene.world.network().forget();
    scene.act(1, |alice, now| alice.modify(now, Direction::SendOnly));
    scene.act(2, |bob, now| bob.modify(now, Direction::SendOnly));
    scene.run_for_seconds(2);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob
    6.000             |--- INVITE 102 (sdp) --->|                         |
    6.000             |                         |<-- INVITE 101 (sdp) ----|
    6.050             |                         |--- INVITE 102 (sdp) --->|
    6.050             |                         |------ 491 INVITE ------>|
    6.100             |                         |<----- 491 INVITE -------|
    6.100             |                         |<--------- ACK ----------|
    6.150             |                         |---------- ACK --------->|
    6.150             |<----- 491 INVITE -------|                         |
    6.200             |---------- ACK --------->|                         |
    ");
    let modified =
        |scene: &Scene, n| scene.seen(n).into_iter().find(|seen| matches!(seen, Seen::Modified(_)));
    assert_eq!(modified(&scene, 1), Some(Seen::Modified(491)));
    assert_eq!(modified(&scene, 2), Some(Seen::Modified(491)));
    // Later one of them tries again, and it works.
    scene.act(1, |alice, now| alice.modify(now, Direction::SendOnly));
    scene.run_for_seconds(1);
    assert!(scene.seen(1).contains(&Seen::Modified(200)));
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
}

#[test]
fn hold_meets_a_goodbye() {
    let mut scene = slow(2);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(5);
    scene.world.network().forget();
    scene.act(1, |alice, now| alice.modify(now, Direction::SendOnly));
    scene.run_for(ms(75));
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.run_for_seconds(3);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob
    6.000             |--- INVITE 102 (sdp) --->|                         |
    6.050             |                         |--- INVITE 102 (sdp) --->|
    6.075             |                         |<--------- BYE ----------|
    6.100             |                         |<----- 481 INVITE -------|
    6.125             |                         |-------- 200 BYE ------->|
    6.125             |<----- 487 INVITE -------|                         |
    6.125             |<--------- BYE ----------|                         |
    6.150             |                         |---------- ACK --------->|
    6.175             |---------- ACK --------->|                         |
    6.175             |-------- 200 BYE ------->|                         |
    ");
    assert_eq!(scene.record().ended_by, EndedBy::Callee);
    scene.rest();
}

#[test]
fn the_called_party_hangs_up_before_the_caller_has_acknowledged() {
    let mut scene = slow(2);
    scene.answering(2, Answering::After(ms(500)));
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.act(2, |bob, now| bob.hang_up_at(now + ms(960)));
    scene.run_for_seconds(4);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob
    1.000             |--- INVITE 102 (sdp) --->|                         |
    1.050             |<----- 401 INVITE -------|                         |
    1.100             |---------- ACK --------->|                         |
    1.100             |--- INVITE 102 (sdp) --->|                         |
    1.150             |                         |--- INVITE 102 (sdp) --->|
    1.200             |                         |<----- 180 INVITE -------|
    1.250             |<----- 180 INVITE -------|                         |
    1.700             |                         |<-- 200 INVITE (sdp) ----|
    1.750             |                         |---------- ACK --------->|
    1.750             |<-- 200 INVITE (sdp) ----|                         |
    1.800             |---------- ACK --------->|                         |
    1.960             |                         |<--------- BYE ----------|
    2.010             |                         |-------- 200 BYE ------->|
    2.010             |<--------- BYE ----------|                         |
    2.060             |-------- 200 BYE ------->|                         |
    ");
    assert!(scene.seen(1).ends_with(&[Seen::Accepted, Seen::HungUp]));
    scene.rest();
}

#[test]
fn the_ring_time_ends_as_the_telephone_answers() {
    let faults = Faults { delay: ms(50), ..Faults::NONE };
    let settings = Settings { ring_time: ms(1_000), ..Settings::default() };
    let mut scene = Scene::with(2, faults, 7, settings);
    scene.answering(2, Answering::After(ms(920)));
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(3);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob
    1.000             |--- INVITE 102 (sdp) --->|                         |
    1.050             |<----- 401 INVITE -------|                         |
    1.100             |---------- ACK --------->|                         |
    1.100             |--- INVITE 102 (sdp) --->|                         |
    1.150             |                         |--- INVITE 102 (sdp) --->|
    1.200             |                         |<----- 180 INVITE -------|
    1.250             |<----- 180 INVITE -------|                         |
    2.120             |                         |<-- 200 INVITE (sdp) ----|
    2.150             |                         |-------- CANCEL -------->|
    2.150             |<----- 480 INVITE -------|                         |
    2.170             |                         |---------- ACK --------->|
    2.170             |                         |---------- BYE --------->|
    2.200             |                         |<----- 200 CANCEL -------|
    2.200             |---------- ACK --------->|                         |
    2.220             |                         |<------- 200 BYE --------|
    ");
    assert_eq!(scene.seen(1), [Seen::Progress(180), Seen::Refused(480)]);
    assert_eq!(scene.record().cause, Cause::NO_ANSWER);
    scene.rest();
}

#[test]
fn a_stop_says_goodbye_to_everybody() {
    let mut scene = slow(4);
    scene.answering(4, Answering::Never);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.act(3, |carol, now| carol.call(now, "104"));
    scene.run_for_seconds(5);
    scene.world.network().forget();
    scene.office_acts(|office, now| office.input(now, Input::Command(Command::Stop)));
    scene.run_for_seconds(2);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob                      carol                      dave
    6.000             |<--------- BYE ----------|                         |                         |                         |
    6.000             |                         |---------- BYE --------->|                         |                         |
    6.000             |                         |------------------- 480 INVITE ------------------->|                         |
    6.000             |                         |---------------------------------- CANCEL ---------------------------------->|
    6.050             |-------- 200 BYE ------->|                         |                         |                         |
    6.050             |                         |<------- 200 BYE --------|                         |                         |
    6.050             |                         |<---------------------- ACK -----------------------|                         |
    6.050             |                         |<------------------------------- 200 CANCEL ---------------------------------|
    6.050             |                         |<------------------------------- 487 INVITE ---------------------------------|
    6.100             |                         |------------------------------------ ACK ----------------------------------->|
    ");
    assert_eq!(scene.office().records.len(), 2);
    assert!(scene.office().records.iter().all(|record| record.ended_by == EndedBy::Exchange));
    // No new calls.
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(1);
    assert!(scene.seen(1).contains(&Seen::Refused(503)));
    scene.rest();
}
