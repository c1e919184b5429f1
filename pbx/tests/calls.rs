//! Calls between extensions as ladders: who sent what to whom, and what the record says.

mod office;

use std::time::Duration;

use insta::assert_snapshot;
use office::Scene;
use pbx::call::Cause;
use pbx::directory::Party;
use pbx::record::EndedBy;
use sip_core::sdp::Direction;
use testkit::{Answering, Seen};

#[test]
fn answered_call_ended_by_the_caller() {
    let mut scene = Scene::new(2);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(12);
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.run_for_seconds(1);
    assert_snapshot!(scene.ladder(), @"
                    alice                      pbx                       bob
     1.000             |--- INVITE 102 (sdp) --->|                         |
     1.001             |<----- 401 INVITE -------|                         |
     1.002             |---------- ACK --------->|                         |
     1.002             |--- INVITE 102 (sdp) --->|                         |
     1.003             |                         |--- INVITE 102 (sdp) --->|
     1.004             |                         |<----- 180 INVITE -------|
     1.005             |<----- 180 INVITE -------|                         |
     3.004             |                         |<-- 200 INVITE (sdp) ----|
     3.005             |                         |---------- ACK --------->|
     3.005             |<-- 200 INVITE (sdp) ----|                         |
     3.006             |---------- ACK --------->|                         |
    13.000             |---------- BYE --------->|                         |
    13.001             |<------- 200 BYE --------|                         |
    13.001             |                         |---------- BYE --------->|
    13.002             |                         |<------- 200 BYE --------|
    ");

    let record = scene.record();
    assert_eq!(record.caller, Party::Extension("101".into()));
    assert_eq!(record.dialled, "102");
    assert_eq!(record.answered_by, Some(Party::Extension("102".into())));
    assert_eq!((record.cause, record.ended_by), (Cause::NORMAL_CLEARING, EndedBy::Caller));
    assert_eq!(record.status, 200);
    assert_eq!(record.billable_seconds(), 9);
    scene.rest();
}

#[test]
fn answered_call_ended_by_the_called_party() {
    let mut scene = Scene::new(2);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(4);
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.run_for_seconds(1);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob
    1.000             |--- INVITE 102 (sdp) --->|                         |
    1.001             |<----- 401 INVITE -------|                         |
    1.002             |---------- ACK --------->|                         |
    1.002             |--- INVITE 102 (sdp) --->|                         |
    1.003             |                         |--- INVITE 102 (sdp) --->|
    1.004             |                         |<----- 180 INVITE -------|
    1.005             |<----- 180 INVITE -------|                         |
    3.004             |                         |<-- 200 INVITE (sdp) ----|
    3.005             |                         |---------- ACK --------->|
    3.005             |<-- 200 INVITE (sdp) ----|                         |
    3.006             |---------- ACK --------->|                         |
    5.000             |                         |<--------- BYE ----------|
    5.001             |                         |-------- 200 BYE ------->|
    5.001             |<--------- BYE ----------|                         |
    5.002             |-------- 200 BYE ------->|                         |
    ");
    let record = scene.record();
    assert_eq!((record.cause, record.ended_by), (Cause::NORMAL_CLEARING, EndedBy::Callee));
    scene.rest();
}

#[test]
fn early_media_reaches_the_caller() {
    let mut scene = Scene::new(2);
    scene.answering(2, Answering::EarlyMedia(Duration::from_secs(1)));
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(3);
    assert_eq!(scene.seen(1), [Seen::Progress(183), Seen::Accepted]);
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.run_for_seconds(1);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob
    1.000             |--- INVITE 102 (sdp) --->|                         |
    1.001             |<----- 401 INVITE -------|                         |
    1.002             |---------- ACK --------->|                         |
    1.002             |--- INVITE 102 (sdp) --->|                         |
    1.003             |                         |--- INVITE 102 (sdp) --->|
    1.004             |                         |<-- 183 INVITE (sdp) ----|
    1.005             |<-- 183 INVITE (sdp) ----|                         |
    2.004             |                         |<-- 200 INVITE (sdp) ----|
    2.005             |                         |---------- ACK --------->|
    2.005             |<-- 200 INVITE (sdp) ----|                         |
    2.006             |---------- ACK --------->|                         |
    4.000             |---------- BYE --------->|                         |
    4.001             |<------- 200 BYE --------|                         |
    4.001             |                         |---------- BYE --------->|
    4.002             |                         |<------- 200 BYE --------|
    ");
    assert_eq!(scene.record().billable_seconds(), 1, "from the answer, not from the early media");
    scene.rest();
}

#[test]
fn busy() {
    let mut scene = Scene::new(2);
    scene.answering(2, Answering::Refuse(486));
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(1);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob
    1.000             |--- INVITE 102 (sdp) --->|                         |
    1.001             |<----- 401 INVITE -------|                         |
    1.002             |---------- ACK --------->|                         |
    1.002             |--- INVITE 102 (sdp) --->|                         |
    1.003             |                         |--- INVITE 102 (sdp) --->|
    1.004             |                         |<----- 486 INVITE -------|
    1.005             |                         |---------- ACK --------->|
    1.005             |<----- 486 INVITE -------|                         |
    1.006             |---------- ACK --------->|                         |
    ");
    let record = scene.record();
    assert_eq!((record.cause, record.ended_by), (Cause::USER_BUSY, EndedBy::Callee));
    assert_eq!((record.status, record.answered, record.answered_by.as_ref()), (486, None, None));
    scene.rest();
}

#[test]
fn no_answer() {
    let mut scene = Scene::new(2);
    scene.answering(2, Answering::Never);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(30);
    assert_eq!(scene.seen(1), [Seen::Progress(180), Seen::Refused(480)]);
    assert_eq!(scene.seen(2), [Seen::Called, Seen::Cancelled]);
    assert_snapshot!(scene.ladder(), @"
                    alice                      pbx                       bob
     1.000             |--- INVITE 102 (sdp) --->|                         |
     1.001             |<----- 401 INVITE -------|                         |
     1.002             |---------- ACK --------->|                         |
     1.002             |--- INVITE 102 (sdp) --->|                         |
     1.003             |                         |--- INVITE 102 (sdp) --->|
     1.004             |                         |<----- 180 INVITE -------|
     1.005             |<----- 180 INVITE -------|                         |
    26.003             |                         |-------- CANCEL -------->|
    26.003             |<----- 480 INVITE -------|                         |
    26.004             |                         |<----- 200 CANCEL -------|
    26.004             |                         |<----- 487 INVITE -------|
    26.004             |---------- ACK --------->|                         |
    26.005             |                         |---------- ACK --------->|
    ");
    let record = scene.record();
    assert_eq!((record.cause, record.ended_by), (Cause::NO_ANSWER, EndedBy::Exchange));
    assert_eq!((record.ended.duration_since(record.started)).as_secs(), 25);
    scene.rest();
}

#[test]
fn the_caller_gives_up() {
    let mut scene = Scene::new(2);
    scene.answering(2, Answering::Never);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(3);
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.run_for_seconds(1);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob
    1.000             |--- INVITE 102 (sdp) --->|                         |
    1.001             |<----- 401 INVITE -------|                         |
    1.002             |---------- ACK --------->|                         |
    1.002             |--- INVITE 102 (sdp) --->|                         |
    1.003             |                         |--- INVITE 102 (sdp) --->|
    1.004             |                         |<----- 180 INVITE -------|
    1.005             |<----- 180 INVITE -------|                         |
    4.000             |-------- CANCEL -------->|                         |
    4.001             |<----- 200 CANCEL -------|                         |
    4.001             |<----- 487 INVITE -------|                         |
    4.001             |                         |-------- CANCEL -------->|
    4.002             |---------- ACK --------->|                         |
    4.002             |                         |<----- 200 CANCEL -------|
    4.002             |                         |<----- 487 INVITE -------|
    4.003             |                         |---------- ACK --------->|
    ");
    let record = scene.record();
    assert_eq!((record.cause, record.ended_by), (Cause::NORMAL_CLEARING, EndedBy::Caller));
    assert_eq!((record.status, record.answered), (487, None));
    scene.rest();
}

#[test]
fn a_telephone_that_does_not_react() {
    let mut scene = Scene::new(2);
    scene.answering(2, Answering::Dead);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(40);
    assert_eq!(scene.seen(1), [Seen::Refused(480)]);
    assert_eq!(scene.record().cause, Cause::NO_ANSWER);
    scene.rest();
}

#[test]
fn a_number_that_nobody_has() {
    let mut scene = Scene::new(2);
    scene.act(1, |alice, now| alice.call(now, "555"));
    scene.run_for_seconds(1);
    assert_eq!(scene.seen(1), [Seen::Refused(404)]);
    assert_eq!(scene.record().cause, Cause::UNALLOCATED_NUMBER);
    scene.rest();
}

#[test]
fn hold_and_resume_pass_through() {
    let mut scene = Scene::new(2);
    scene.talk();
    scene.act(1, |alice, now| alice.modify(now, Direction::SendOnly));
    scene.run_for_seconds(1);
    scene.act(1, |alice, now| alice.modify(now, Direction::SendRecv));
    scene.run_for_seconds(1);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob
    4.000             |--- INVITE 102 (sdp) --->|                         |
    4.001             |                         |--- INVITE 102 (sdp) --->|
    4.002             |                         |<-- 200 INVITE (sdp) ----|
    4.003             |                         |---------- ACK --------->|
    4.003             |<-- 200 INVITE (sdp) ----|                         |
    4.004             |---------- ACK --------->|                         |
    5.000             |--- INVITE 102 (sdp) --->|                         |
    5.001             |                         |--- INVITE 102 (sdp) --->|
    5.002             |                         |<-- 200 INVITE (sdp) ----|
    5.003             |                         |---------- ACK --------->|
    5.003             |<-- 200 INVITE (sdp) ----|                         |
    5.004             |---------- ACK --------->|                         |
    ");
    assert_eq!(
        scene.seen(2),
        [
            Seen::Offered(Direction::SendOnly),
            Seen::Acknowledged,
            Seen::Offered(Direction::SendRecv),
            Seen::Acknowledged
        ]
    );
    let agreed = scene.phone(1).session().unwrap().negotiated().unwrap();
    assert_eq!(agreed.direction, Direction::SendRecv);
    scene.act(2, |bob, now| bob.hang_up(now));
    scene.rest();
}

#[test]
fn the_caller_leaves_the_offer_to_us() {
    let mut scene = Scene::new(2);
    scene.act(1, |alice, _| alice.settings().delayed_offer = true);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(4);
    let agreed = scene.phone(1).session().unwrap().negotiated().unwrap();
    assert!(agreed.send && agreed.receive);
    assert_eq!(scene.office().media.streams(), 2);
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.run_for_seconds(1);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx                       bob
    1.000             |------ INVITE 102 ------>|                         |
    1.001             |<----- 401 INVITE -------|                         |
    1.002             |---------- ACK --------->|                         |
    1.002             |------ INVITE 102 ------>|                         |
    1.003             |                         |--- INVITE 102 (sdp) --->|
    1.004             |                         |<----- 180 INVITE -------|
    1.005             |<----- 180 INVITE -------|                         |
    3.004             |                         |<-- 200 INVITE (sdp) ----|
    3.005             |                         |---------- ACK --------->|
    3.005             |<-- 200 INVITE (sdp) ----|                         |
    3.006             |------- ACK (sdp) ------>|                         |
    5.000             |---------- BYE --------->|                         |
    5.001             |<------- 200 BYE --------|                         |
    5.001             |                         |---------- BYE --------->|
    5.002             |                         |<------- 200 BYE --------|
    ");
    scene.rest();
}

#[test]
fn echo_test() {
    let mut scene = Scene::new(1);
    scene.act(1, |alice, now| alice.call(now, "600"));
    scene.run_for_seconds(5);
    scene.act(1, |alice, now| alice.hang_up(now));
    scene.run_for_seconds(1);
    assert_snapshot!(scene.ladder(), @"
                   alice                      pbx
    1.000             |--- INVITE 600 (sdp) --->|
    1.001             |<----- 401 INVITE -------|
    1.002             |---------- ACK --------->|
    1.002             |--- INVITE 600 (sdp) --->|
    1.003             |<-- 200 INVITE (sdp) ----|
    1.004             |---------- ACK --------->|
    6.000             |---------- BYE --------->|
    6.001             |<------- 200 BYE --------|
    ");
    let record = scene.record();
    assert_eq!(record.answered_by, Some(Party::Service("echo".into())));
    scene.rest();
}
