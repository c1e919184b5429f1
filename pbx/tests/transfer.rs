//! Blind transfer (RFC 5589 §6) as ladders: who ends up with whom, and what the records say.

mod office;

use std::time::Duration;

use insta::assert_snapshot;
use office::{Scene, extension};
use pbx::call::{CallId, Cause};
use pbx::directory::Party;
use pbx::exchange::Settings;
use pbx::record::{EndedBy, Transfer};
use sip_core::sdp::Direction;
use testkit::{Answering, Faults, Seen};

fn transferred_by_102() -> Option<Box<Transfer>> {
    Some(Box::new(Transfer { by: extension("102"), from: CallId(1) }))
}

/// Bob and Alice talk; Alice called.
fn talking(phones: u8) -> Scene {
    let mut scene = Scene::new(phones);
    scene.talk();
    scene
}

/// Whether media of two telephones meet: both are in a call, and the exchange relays between just two ports.
fn are_joined(scene: &Scene, one: u8, other: u8) -> bool {
    let agreed = |n: u8| {
        let session = scene.phone(n).session();
        session.and_then(|session| session.negotiated().map(|agreed| agreed.direction))
    };
    [one, other].iter().all(|n| agreed(*n) == Some(Direction::SendRecv))
        && scene.office().media.streams() == 2
}

#[test]
fn a_blind_transfer() {
    let mut scene = talking(3);
    scene.act(2, |bob, now| bob.transfer(now, "103"));
    scene.run_for_seconds(4);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob                      carol
    4.000             |                         |<------ REFER 101 -------|                         |
    4.001             |                         |------- 202 REFER ------>|                         |
    4.001             |                         |--- NOTIFY (sipfrag) --->|                         |
    4.001             |                         |---------------- INVITE 103 (sdp) ---------------->|
    4.002             |                         |<----- 200 NOTIFY -------|                         |
    4.002             |                         |<------------------ 180 INVITE --------------------|
    6.002             |                         |<--------------- 200 INVITE (sdp) -----------------|
    6.003             |                         |----------------------- ACK ---------------------->|
    6.003             |                         |--- NOTIFY (sipfrag) --->|                         |
    6.004             |                         |<----- 200 NOTIFY -------|                         |
    7.003             |                         |---------- BYE --------->|                         |
    7.004             |                         |<------- 200 BYE --------|                         |
    ");
    assert_eq!(scene.seen(2), [Seen::Reported(100), Seen::Reported(200), Seen::HungUp]);
    assert!(are_joined(&scene, 1, 3) && !scene.phone(2).is_busy());
    let record = scene.record();
    assert_eq!(
        (record.caller.clone(), record.answered_by.clone()),
        (extension("101"), Some(extension("102")))
    );
    assert_eq!((record.cause, record.ended_by), (Cause::NORMAL_CLEARING, EndedBy::Callee));
    assert_eq!(record.transfer, None);
    scene.run_for_seconds(5);
    scene.act(3, |carol, now| carol.hang_up(now));
    scene.run_for_seconds(1);
    assert_eq!(scene.seen(1).last(), Some(&Seen::HungUp));
    let [first, second] = &scene.office().records[..] else { panic!("two records") };
    assert_eq!((&second.caller, second.dialled.as_str()), (&extension("101"), "103"));
    assert_eq!((&second.answered_by, second.status), (&Some(extension("103")), 200));
    assert_eq!(second.transfer, transferred_by_102());
    assert_eq!(second.ended_by, EndedBy::Callee);
    assert_eq!(second.sip_call_id, first.sip_call_id, "it is the leg that called");
    assert!(second.answered >= Some(first.ended) && second.started < first.ended);
    assert_eq!((second.billable_seconds(), first.billable_seconds()), (6, 2));
    assert!(second.caller_media.is_some() && second.callee_media.is_some());
    scene.rest();
}

#[test]
fn the_caller_transfers() {
    let mut scene = talking(3);
    scene.act(1, |alice, now| alice.transfer(now, "103"));
    scene.run_for_seconds(5);
    assert_eq!(scene.seen(1), [Seen::Reported(100), Seen::Reported(200), Seen::HungUp]);
    assert!(are_joined(&scene, 2, 3));
    let record = scene.record();
    assert_eq!((record.cause, record.ended_by), (Cause::NORMAL_CLEARING, EndedBy::Caller));
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.run_for_seconds(1);
    let second = scene.office().records.last().unwrap();
    assert_eq!((&second.caller, &second.answered_by), (&extension("102"), &Some(extension("103"))));
    assert_eq!(second.ended_by, EndedBy::Caller);
    assert!(!second.sip_call_id.is_empty());
    scene.rest();
}

#[test]
fn a_transferor_that_says_bye_itself_gets_none() {
    let mut scene = talking(3);
    scene.act(2, |bob, now| bob.transfer(now, "103"));
    scene.run_for(Duration::from_millis(2_500));
    assert_eq!(scene.seen(2), [Seen::Reported(100), Seen::Reported(200)]);
    scene.world.network().forget();
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.run_for_seconds(3);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob                      carol
    6.500             |                         |<--------- BYE ----------|                         |
    6.501             |                         |-------- 200 BYE ------->|                         |
    ");
    assert!(are_joined(&scene, 1, 3));
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
    assert_eq!(scene.office().records.len(), 2);
}

#[test]
fn a_busy_target_gives_the_call_back() {
    let mut scene = talking(3);
    scene.answering(3, Answering::Refuse(486));
    scene.act(2, |bob, now| bob.transfer(now, "103"));
    scene.run_for_seconds(2);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob                      carol
    4.000             |                         |<------ REFER 101 -------|                         |
    4.001             |                         |------- 202 REFER ------>|                         |
    4.001             |                         |--- NOTIFY (sipfrag) --->|                         |
    4.001             |                         |---------------- INVITE 103 (sdp) ---------------->|
    4.002             |                         |<----- 200 NOTIFY -------|                         |
    4.002             |                         |<------------------ 486 INVITE --------------------|
    4.003             |                         |----------------------- ACK ---------------------->|
    4.003             |                         |--- NOTIFY (sipfrag) --->|                         |
    4.004             |                         |<----- 200 NOTIFY -------|                         |
    ");
    assert_eq!(scene.seen(2), [Seen::Reported(100), Seen::Reported(486)]);
    assert!(are_joined(&scene, 1, 2));
    let record = scene.record();
    assert_eq!((record.cause, record.answered), (Cause::USER_BUSY, None));
    assert_eq!(record.transfer, transferred_by_102());
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.run_for_seconds(1);
    assert_eq!(scene.seen(2).last(), Some(&Seen::HungUp));
    assert_eq!(scene.office().records[1].call, CallId(1));
    assert!(scene.office().records[1].caller_media.is_some());
    scene.rest();
}

#[test]
fn an_unknown_number_gives_the_call_back() {
    let mut scene = talking(2);
    scene.act(2, |bob, now| bob.transfer(now, "555"));
    scene.run_for_seconds(1);
    assert_eq!(scene.seen(2), [Seen::Reported(100), Seen::Reported(404)]);
    assert!(are_joined(&scene, 1, 2));
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.rest();
}

#[test]
fn a_target_that_does_not_answer_gives_the_call_back() {
    let mut scene = talking(3);
    scene.answering(3, Answering::Never);
    scene.act(2, |bob, now| bob.transfer(now, "103"));
    scene.run_for_seconds(24);
    assert_eq!(scene.seen(2), [Seen::Reported(100)]);
    scene.run_for_seconds(3);
    assert_eq!(scene.seen(2), [Seen::Reported(100), Seen::Reported(480)]);
    assert_eq!(scene.seen(3), [Seen::Called, Seen::Cancelled]);
    assert!(are_joined(&scene, 1, 2));
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.rest();
}

#[test]
fn the_transferor_hangs_up_early() {
    let mut scene = talking(3);
    scene.act(2, |bob, now| bob.transfer(now, "103"));
    scene.run_for(Duration::from_millis(500));
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.run_for_seconds(4);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob                      carol
    4.000             |                         |<------ REFER 101 -------|                         |
    4.001             |                         |------- 202 REFER ------>|                         |
    4.001             |                         |--- NOTIFY (sipfrag) --->|                         |
    4.001             |                         |---------------- INVITE 103 (sdp) ---------------->|
    4.002             |                         |<----- 200 NOTIFY -------|                         |
    4.002             |                         |<------------------ 180 INVITE --------------------|
    4.500             |                         |<--------- BYE ----------|                         |
    4.501             |                         |-------- 200 BYE ------->|                         |
    6.002             |                         |<--------------- 200 INVITE (sdp) -----------------|
    6.003             |                         |----------------------- ACK ---------------------->|
    6.003             |                         |--- NOTIFY (sipfrag) --->|                         |
    6.004             |                         |<----- 200 NOTIFY -------|                         |
    ");
    assert!(are_joined(&scene, 1, 3));
    assert_eq!(scene.record().ended_by, EndedBy::Callee);
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
}

#[test]
fn nobody_is_left_when_the_target_refuses_and_the_transferor_is_gone() {
    let mut scene = talking(3);
    scene.answering(3, Answering::Never);
    scene.act(2, |bob, now| bob.transfer(now, "103"));
    scene.run_for_seconds(1);
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.act(3, |carol, now| carol.hang_up(now));
    scene.run_for_seconds(1);
    assert_eq!(scene.seen(1), [Seen::HungUp]);
    let second = scene.office().records.last().unwrap();
    assert_eq!((second.cause, second.answered), (Cause::USER_BUSY, None));
    scene.rest();
}

#[test]
fn the_target_answers_as_the_transferee_hangs_up() {
    let faults = Faults { delay: Duration::from_millis(50), ..Faults::NONE };
    let mut scene = Scene::with(3, faults, 7, Settings::default());
    scene.talk();
    scene.act(2, |bob, now| bob.transfer(now, "103"));
    // Carol answers 2.1 s after; her 200 reaches the exchange after Alice's BYE.
    scene.run_for(Duration::from_millis(2_090));
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.run_for_seconds(2);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob                      carol
    4.000             |                         |<------ REFER 101 -------|                         |
    4.050             |                         |------- 202 REFER ------>|                         |
    4.050             |                         |--- NOTIFY (sipfrag) --->|                         |
    4.050             |                         |---------------- INVITE 103 (sdp) ---------------->|
    4.100             |                         |<----- 200 NOTIFY -------|                         |
    4.100             |                         |<------------------ 180 INVITE --------------------|
    6.090             |---------- BYE --------->|                         |                         |
    6.100             |                         |<--------------- 200 INVITE (sdp) -----------------|
    6.140             |<------- 200 BYE --------|                         |                         |
    6.140             |                         |--- NOTIFY (sipfrag) --->|                         |
    6.140             |                         |---------- BYE --------->|                         |
    6.140             |                         |--------------------- CANCEL --------------------->|
    6.150             |                         |----------------------- ACK ---------------------->|
    6.150             |                         |----------------------- BYE ---------------------->|
    6.190             |                         |<----- 200 NOTIFY -------|                         |
    6.190             |                         |<------- 200 BYE --------|                         |
    6.190             |                         |<------------------ 200 CANCEL --------------------|
    6.200             |                         |<-------------------- 200 BYE ---------------------|
    ");
    assert_eq!(scene.seen(2), [Seen::Reported(100), Seen::Reported(487), Seen::HungUp]);
    assert_eq!(scene.seen(3), [Seen::Called, Seen::Acknowledged, Seen::HungUp]);
    let records = &scene.office().records;
    assert!(records.iter().all(|record| record.ended_by == EndedBy::Caller), "{records:#?}");
    assert_eq!(records.len(), 2);
    scene.rest();
}

#[test]
fn refer_while_held_takes_the_transferee_off_hold() {
    let mut scene = talking(3);
    scene.act(2, |bob, now| bob.modify(now, Direction::SendOnly));
    scene.run_for_seconds(1);
    scene.world.network().forget();
    scene.act(2, |bob, now| bob.transfer(now, "103"));
    scene.run_for_seconds(4);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob                      carol
    5.000             |                         |<------ REFER 101 -------|                         |
    5.001             |                         |------- 202 REFER ------>|                         |
    5.001             |                         |--- NOTIFY (sipfrag) --->|                         |
    5.001             |                         |---------------- INVITE 103 (sdp) ---------------->|
    5.002             |                         |<----- 200 NOTIFY -------|                         |
    5.002             |                         |<------------------ 180 INVITE --------------------|
    7.002             |                         |<--------------- 200 INVITE (sdp) -----------------|
    7.003             |                         |----------------------- ACK ---------------------->|
    7.003             |                         |--- NOTIFY (sipfrag) --->|                         |
    7.003             |<-- INVITE 101 (sdp) ----|                         |                         |
    7.004             |                         |<----- 200 NOTIFY -------|                         |
    7.004             |--- 200 INVITE (sdp) --->|                         |                         |
    7.005             |<--------- ACK ----------|                         |                         |
    8.003             |                         |---------- BYE --------->|                         |
    8.004             |                         |<------- 200 BYE --------|                         |
    ");
    assert!(are_joined(&scene, 1, 3));
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
}

/// Three telephones whose messages take a while.
fn talking_slowly() -> Scene {
    let faults = Faults { delay: Duration::from_millis(50), ..Faults::NONE };
    let mut scene = Scene::with(3, faults, 7, Settings::default());
    scene.talk();
    scene
}

#[test]
fn refer_in_one_breath_with_hold() {
    let mut scene = talking_slowly();
    scene.act(2, |bob, now| bob.modify(now, Direction::SendOnly));
    scene.act(2, |bob, now| bob.transfer(now, "103"));
    scene.run_for_seconds(4);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob                      carol
    4.000             |                         |<-- INVITE 101 (sdp) ----|                         |
    4.000             |                         |<------ REFER 101 -------|                         |
    4.050             |<-- INVITE 101 (sdp) ----|                         |                         |
    4.050             |                         |------- 202 REFER ------>|                         |
    4.050             |                         |--- NOTIFY (sipfrag) --->|                         |
    4.050             |                         |--- 200 INVITE (sdp) --->|                         |
    4.050             |                         |---------------- INVITE 103 (sdp) ---------------->|
    4.100             |--- 200 INVITE (sdp) --->|                         |                         |
    4.100             |                         |<----- 200 NOTIFY -------|                         |
    4.100             |                         |<--------- ACK ----------|                         |
    4.100             |                         |<------------------ 180 INVITE --------------------|
    4.150             |<--------- ACK ----------|                         |                         |
    6.100             |                         |<--------------- 200 INVITE (sdp) -----------------|
    6.150             |                         |----------------------- ACK ---------------------->|
    6.150             |                         |--- NOTIFY (sipfrag) --->|                         |
    6.150             |<-- INVITE 101 (sdp) ----|                         |                         |
    6.200             |                         |<----- 200 NOTIFY -------|                         |
    6.200             |--- 200 INVITE (sdp) --->|                         |                         |
    6.250             |<--------- ACK ----------|                         |                         |
    7.150             |                         |---------- BYE --------->|                         |
    7.200             |                         |<------- 200 BYE --------|                         |
    ");
    let seen = [Seen::Reported(100), Seen::Modified(200), Seen::Reported(200), Seen::HungUp];
    assert_eq!(scene.seen(2), seen);
    assert!(are_joined(&scene, 1, 3), "{:?}", scene.seen(1));
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
}

#[test]
fn who_refers_in_one_breath_with_hold_and_hangs_up() {
    let mut scene = talking_slowly();
    scene.act(2, |bob, now| bob.modify(now, Direction::SendOnly));
    scene.act(2, |bob, now| bob.transfer(now, "103"));
    scene.run_for(Duration::from_millis(110));
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.run_for_seconds(4);
    assert!(are_joined(&scene, 1, 3), "{:?}", scene.seen(1));
    scene.act(3, |carol, now| carol.hang_up(now));
    scene.rest();
}

#[test]
fn refer_while_the_transferee_holds() {
    let mut scene = talking_slowly();
    scene.act(1, |alice, now| alice.modify(now, Direction::SendOnly));
    scene.run_for(Duration::from_millis(80));
    scene.act(2, |bob, now| bob.transfer(now, "103"));
    scene.run_for_seconds(4);
    // Alice has her answer, and hears Carol as soon as she is taken off hold.
    assert_eq!(scene.seen(1)[..1], [Seen::Modified(200)]);
    assert!(are_joined(&scene, 1, 3), "{:?}", scene.seen(1));
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
}

#[test]
fn back_from_where_nobody_answers_after_hold_and_refer_in_one_breath() {
    let mut scene = talking_slowly();
    scene.answering(3, Answering::Refuse(486));
    scene.act(2, |bob, now| bob.modify(now, Direction::SendOnly));
    scene.act(2, |bob, now| bob.transfer(now, "103"));
    scene.run_for_seconds(4);
    assert!(scene.seen(2).contains(&Seen::Reported(486)), "{:?}", scene.seen(2));
    scene.act(2, |bob, now| bob.modify(now, Direction::SendRecv));
    scene.run_for_seconds(2);
    assert!(are_joined(&scene, 1, 2), "{:?} {:?}", scene.seen(1), scene.seen(2));
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
}

#[test]
fn the_transferees_own_change_comes_first() {
    let faults = Faults { delay: Duration::from_millis(50), ..Faults::NONE };
    let mut scene = Scene::with(3, faults, 7, Settings::default());
    scene.talk();
    scene.act(2, |bob, now| bob.modify(now, Direction::SendOnly));
    scene.run_for_seconds(1);
    scene.act(2, |bob, now| bob.transfer(now, "103"));
    // Alice holds at the moment at which she is taken off hold: both are told to wait.
    scene.run_for(Duration::from_millis(2_180));
    scene.act(1, |alice, now| alice.modify(now, Direction::SendOnly));
    scene.run_for_seconds(5);
    assert_eq!(scene.seen(1)[..2], [Seen::Offered(Direction::SendOnly), Seen::Acknowledged]);
    assert_eq!(
        scene.seen(1)[2..],
        [Seen::Modified(491), Seen::Offered(Direction::SendRecv), Seen::Acknowledged]
    );
    assert!(are_joined(&scene, 1, 3), "{:?}", scene.seen(1));
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
}

#[test]
fn two_at_once() {
    let mut scene = talking(4);
    scene.act(1, |alice, now| alice.transfer(now, "104"));
    scene.act(2, |bob, now| bob.transfer(now, "103"));
    scene.run_for(Duration::from_millis(100));
    // The second is told to wait; a second one of the same telephone is as well.
    assert_eq!(scene.seen(2), [Seen::ReferRefused(491)]);
    scene.act(1, |alice, now| alice.transfer(now, "103"));
    scene.run_for_seconds(4);
    assert_eq!(
        scene.seen(1),
        [Seen::Reported(100), Seen::ReferRefused(491), Seen::Reported(200), Seen::HungUp]
    );
    assert!(are_joined(&scene, 2, 4));
    assert!(!scene.phone(3).is_busy());
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.rest();
}

#[test]
fn without_reports() {
    let mut scene = talking(3);
    scene.act(2, |bob, now| bob.transfer_in_silence(now, "103"));
    scene.run_for_seconds(4);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob                      carol
    4.000             |                         |<------ REFER 101 -------|                         |
    4.001             |                         |------- 202 REFER ------>|                         |
    4.001             |                         |---------------- INVITE 103 (sdp) ---------------->|
    4.002             |                         |<------------------ 180 INVITE --------------------|
    6.002             |                         |<--------------- 200 INVITE (sdp) -----------------|
    6.003             |                         |----------------------- ACK ---------------------->|
    7.003             |                         |---------- BYE --------->|                         |
    7.004             |                         |<------- 200 BYE --------|                         |
    ");
    assert!(are_joined(&scene, 1, 3));
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
}

#[test]
fn to_a_service() {
    let mut scene = talking(2);
    scene.act(2, |bob, now| bob.transfer(now, "600"));
    scene.run_for_seconds(3);
    assert_eq!(scene.seen(2), [Seen::Reported(100), Seen::Reported(200), Seen::HungUp]);
    assert_eq!(scene.office().media.streams(), 1);
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.run_for_seconds(1);
    let second = scene.office().records.last().unwrap();
    assert_eq!(second.answered_by, Some(Party::Service("echo".into())));
    assert!(second.answered.is_some());
    scene.rest();
}

#[test]
fn a_codec_that_the_new_partner_lacks_is_agreed_on_anew() {
    use sip_core::sdp::Codec;
    let mut scene = Scene::new(3);
    for n in [1, 2] {
        let codecs = vec![Codec::G722, Codec::PCMA];
        scene.act(n, |phone, _| phone.settings().codecs = codecs);
    }
    scene.act(3, |carol, _| carol.settings().codecs = vec![Codec::PCMU]);
    scene.talk();
    scene.act(2, |bob, now| bob.transfer(now, "103"));
    scene.run_for_seconds(4);
    assert!(are_joined(&scene, 1, 3));
    let codec = |n: u8| {
        let agreed = scene.phone(n).session().unwrap().negotiated().unwrap();
        agreed.codec().unwrap().codec.name.to_string()
    };
    assert_eq!((codec(1), codec(3)), ("PCMA".into(), "PCMU".into()));
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.rest();
}

#[test]
fn the_outcome_is_told_whatever_gets_lost() {
    for seed in 1..=100 {
        let mut scene = Scene::with(3, Faults::NONE, seed, Settings::default());
        scene.answering(3, Answering::After(Duration::from_millis(1)));
        scene.talk();
        let lossy = Faults { loss: 150, ..Faults::NONE };
        scene.world.network().set_faults(lossy);
        scene.act(2, |bob, now| bob.transfer(now, "103"));
        scene.run_for_seconds(20);
        assert!(scene.seen(2).contains(&Seen::Reported(200)), "{seed}: {}", scene.ladder());
        scene.world.network().set_faults(Faults::NONE);
        scene.act(1, |alice, now| alice.hang_up(now));
        scene.run_for_seconds(150);
        scene.rest();
    }
}

#[test]
fn transfers_survive_a_rough_network() {
    for seed in 1..=40 {
        let mut scene = Scene::with(3, Faults::rough(60), seed, Settings::default());
        scene.act(1, |alice, now| alice.call(now, "102"));
        scene.run_for_seconds(12);
        scene.act(2, |bob, now| bob.modify(now, Direction::SendOnly));
        scene.run_for_seconds(6);
        scene.act(2, |bob, now| bob.transfer(now, "103"));
        scene.run_for_seconds(20);
        for n in 1..=3 {
            scene.act(n, |phone, now| phone.hang_up(now));
        }
        scene.run_for_seconds(60);
        for n in 1..=3 {
            scene.act(n, |phone, now| phone.hang_up(now));
        }
        // Subscriptions whose end got lost run out.
        scene.run_for_seconds(200);
        scene.rest();
    }
}
