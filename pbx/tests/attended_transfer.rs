//! Attended transfer (RFC 5589 §7) as ladders: two calls of one telephone become one of the others.

mod office;

use insta::assert_snapshot;
use office::{Scene, extension};
use pbx::call::CallId;
use pbx::record::{EndedBy, Transfer};
use sip_core::sdp::Direction;
use testkit::{Answering, Seen};

fn transferred_by_102() -> Option<Box<Transfer>> {
    Some(Box::new(Transfer { by: extension("102"), from: CallId(1) }))
}

/// Alice has called Bob, who holds her and has called Carol.
fn consulting(answer: Answering, seconds: u64) -> Scene {
    let mut scene = Scene::new(3);
    scene.answering(3, answer);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(3);
    scene.act(2, |bob, now| bob.modify(now, Direction::SendOnly));
    scene.run_for_seconds(1);
    scene.act(2, |bob, now| {
        bob.swap();
        bob.call(now, "103");
    });
    scene.run_for_seconds(seconds);
    scene.forget();
    scene
}

const AFTER_2: Answering = Answering::After(std::time::Duration::from_secs(2));

fn directions(scene: &Scene, phones: [u8; 2]) -> [Option<Direction>; 2] {
    phones.map(|n| {
        let session = scene.phone(n).session();
        session.and_then(|session| session.negotiated().map(|agreed| agreed.direction))
    })
}

#[test]
fn an_attended_transfer() {
    let mut scene = consulting(AFTER_2, 3);
    scene.act(2, |bob, now| bob.transfer_to_consultation(now));
    scene.run_for_seconds(3);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob                      carol
    8.000             |                         |<------ REFER 101 -------|                         |
    8.001             |                         |------- 202 REFER ------>|                         |
    8.001             |                         |--- NOTIFY (sipfrag) --->|                         |
    8.001             |                         |---------- BYE --------->|                         |
    8.001             |<-- INVITE 101 (sdp) ----|                         |                         |
    8.002             |                         |<----- 200 NOTIFY -------|                         |
    8.002             |                         |<------- 200 BYE --------|                         |
    8.002             |--- 200 INVITE (sdp) --->|                         |                         |
    8.003             |                         |--- NOTIFY (sipfrag) --->|                         |
    8.003             |<--------- ACK ----------|                         |                         |
    8.004             |                         |<----- 200 NOTIFY -------|                         |
    9.001             |                         |---------- BYE --------->|                         |
    9.002             |                         |<------- 200 BYE --------|                         |
    ");
    let told = [Seen::Reported(100), Seen::HungUp, Seen::Reported(200), Seen::HungUp];
    assert_eq!(scene.seen(2), told);
    assert_eq!(directions(&scene, [1, 3]), [Some(Direction::SendRecv); 2]);
    assert_eq!(scene.office().media.streams(), 2);
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.run_for_seconds(1);
    assert_eq!(scene.seen(3).last(), Some(&Seen::HungUp));
    let [second, first, third] = &scene.office().records[..] else { panic!("three records") };
    assert_eq!((&first.caller, &first.answered_by), (&extension("101"), &Some(extension("102"))));
    assert_eq!((&second.caller, &second.answered_by), (&extension("102"), &Some(extension("103"))));
    assert_eq!((first.ended_by, second.ended_by), (EndedBy::Callee, EndedBy::Caller));
    assert_eq!((&third.caller, &third.answered_by), (&extension("101"), &Some(extension("103"))));
    assert_eq!((third.dialled.as_str(), third.status), ("103", 200));
    assert_eq!(third.transfer, transferred_by_102());
    assert_eq!(third.ended_by, EndedBy::Caller);
    assert_eq!(third.billable_seconds(), 3);
    assert_eq!((first.transfer.as_ref(), second.transfer.as_ref()), (None, None));
    scene.rest();
}

#[test]
fn the_target_is_put_on_hold_in_one_breath_with_refer() {
    let mut scene = consulting(AFTER_2, 3);
    scene.act(2, |bob, now| bob.modify(now, Direction::SendOnly));
    scene.act(2, |bob, now| bob.transfer_to_consultation(now));
    // She hears the other at once, not when what was put off is tried again.
    scene.run_for(std::time::Duration::from_millis(500));
    assert_eq!(directions(&scene, [1, 3]), [Some(Direction::SendRecv); 2], "{:?}", scene.seen(3));
    scene.run_for_seconds(3);
    assert_eq!(scene.seen(2).last(), Some(&Seen::HungUp));
    assert!(!scene.phone(2).is_busy());
    assert_eq!(scene.office().media.streams(), 2);
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
}

#[test]
fn a_target_that_only_rings_is_rung_by_the_transferee() {
    let mut scene = consulting(Answering::Never, 3);
    scene.answering(3, AFTER_2);
    // The name of a dialog that rings is known by then.
    scene.act(2, |bob, now| bob.transfer_to_ringing(now));
    scene.run_for_seconds(5);
    assert_snapshot!(scene.ladder(), @"
                    alice                      pbx                       bob                      carol
     8.000             |                         |<------ REFER 101 -------|                         |
     8.001             |                         |------- 202 REFER ------>|                         |
     8.001             |                         |--- NOTIFY (sipfrag) --->|                         |
     8.001             |                         |------ 487 INVITE ------>|                         |
     8.001             |                         |--------------------- CANCEL --------------------->|
     8.001             |                         |---------------- INVITE 103 (sdp) ---------------->|
     8.002             |                         |<----- 200 NOTIFY -------|                         |
     8.002             |                         |<--------- ACK ----------|                         |
     8.002             |                         |<------------------ 200 CANCEL --------------------|
     8.002             |                         |<------------------ 487 INVITE --------------------|
     8.002             |                         |<------------------ 180 INVITE --------------------|
     8.003             |                         |----------------------- ACK ---------------------->|
    10.002             |                         |<--------------- 200 INVITE (sdp) -----------------|
    10.003             |                         |----------------------- ACK ---------------------->|
    10.003             |                         |--- NOTIFY (sipfrag) --->|                         |
    10.003             |<-- INVITE 101 (sdp) ----|                         |                         |
    10.004             |                         |<----- 200 NOTIFY -------|                         |
    10.004             |--- 200 INVITE (sdp) --->|                         |                         |
    10.005             |<--------- ACK ----------|                         |                         |
    11.003             |                         |---------- BYE --------->|                         |
    11.004             |                         |<------- 200 BYE --------|                         |
    ");
    assert_eq!(directions(&scene, [1, 3]), [Some(Direction::SendRecv); 2]);
    scene.act(3, |carol, now| carol.hang_up(now));
    scene.rest();
}

#[test]
fn the_consultation_is_over_before_the_refer() {
    let mut scene = consulting(AFTER_2, 3);
    let gone = scene.act(2, |bob, _| bob.reference_to_call());
    scene.act(3, |carol, now| carol.hang_up(now));
    scene.run_for_seconds(1);
    scene.act(2, |bob, now| {
        bob.swap();
        bob.refer(now, &gone);
    });
    scene.run_for_seconds(2);
    assert_eq!(scene.seen(2), [Seen::HungUp, Seen::Reported(100), Seen::Reported(481)]);
    // Alice is still there, on hold as before.
    assert_eq!(directions(&scene, [2, 1]), [Some(Direction::SendOnly), Some(Direction::RecvOnly)]);
    scene.act(2, |bob, now| bob.modify(now, Direction::SendRecv));
    scene.run_for_seconds(1);
    assert_eq!(directions(&scene, [1, 2]), [Some(Direction::SendRecv); 2]);
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.rest();
}

#[test]
fn only_a_call_of_ones_own_can_be_taken() {
    let mut scene = Scene::new(4);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.act(3, |carol, now| carol.call(now, "104"));
    scene.run_for_seconds(3);
    // Bob knows, from wherever, what Carol's call with Dave is called.
    let others = scene.act(3, |carol, _| carol.reference_to_call());
    scene.act(2, |bob, _| bob.forget());
    scene.act(2, |bob, now| bob.refer(now, &others));
    scene.run_for_seconds(2);
    assert_eq!(scene.seen(2), [Seen::Reported(100), Seen::Reported(403)]);
    // Nor can a call be joined with itself.
    scene.act(2, |bob, _| bob.forget());
    let own = scene.act(2, |bob, _| bob.reference_to_call());
    scene.act(2, |bob, now| bob.refer(now, &own));
    scene.run_for_seconds(2);
    assert_eq!(scene.seen(2), [Seen::Reported(100), Seen::Reported(400)]);
    for n in 1..=4 {
        assert!(scene.phone(n).is_busy());
    }
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.act(3, |carol, now| carol.hang_up(now));
    scene.rest();
}

#[test]
fn the_transferor_was_called_twice() {
    let mut scene = Scene::new(3);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(3);
    scene.act(2, |bob, _| bob.swap());
    scene.act(3, |carol, now| carol.call(now, "102"));
    scene.run_for_seconds(3);
    scene.act(2, |bob, now| bob.transfer_to_consultation(now));
    scene.run_for_seconds(2);
    assert_eq!(directions(&scene, [1, 3]), [Some(Direction::SendRecv); 2]);
    scene.act(3, |carol, now| carol.hang_up(now));
    scene.run_for_seconds(1);
    let third = scene.office().records.last().unwrap();
    assert_eq!((&third.caller, &third.answered_by), (&extension("101"), &Some(extension("103"))));
    assert_eq!((third.dialled.as_str(), third.ended_by), ("103", EndedBy::Callee));
    scene.rest();
}
