//! Calls from the INVITE to the end, as they go well and as they do not.

use sip_core::StatusCode;

use super::*;
use crate::failure::Failure;
use crate::phone::HangUp;

/// Alice at address 1 and Bob at address 2, who answers after a second.
fn alice_and_bob(of_alice: Settings, of_bob: Settings) -> (Town, NodeId, NodeId) {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, of_alice);
    let bob = town.phone(2, of_bob);
    (town, alice, bob)
}

#[test]
fn ring_answer_talk_and_hang_up() {
    let (mut town, alice, bob) = alice_and_bob(settings("alice"), settings("bob"));
    town.call(alice, 2);
    town.run_for(secs(4));
    town.act(alice, |phone, now| phone.hang_up(now, HangUp::Interrupted));
    town.run_for(secs(1));
    town.ladder_is(
        "                  alice                      bob
          0.000             |--- INVITE bob (sdp) --->|
          0.001             |<----- 180 INVITE -------|
          1.001             |<-- 200 INVITE (sdp) ----|
          1.002             |---------- ACK --------->|
          4.000             |---------- BYE --------->|
          4.001             |<------- 200 BYE --------|",
    );
    assert_eq!(town.handset(alice).ending(), Some(&Ending::Ours(HangUp::Interrupted)));
    assert_eq!(town.handset(bob).ending(), Some(&Ending::Theirs(None)));
    for id in [alice, bob] {
        assert!(at_rest(town.handset(id)));
        assert!(matches!(
            town.handset(id).events.last(),
            Some((_, Event::Ended { talked: Some(talked), statistics: Some(_), .. }))
                if *talked >= ms(2_998) && *talked <= ms(3_000)
        ));
    }
    let from = Event::Called { from: "alice".to_owned() };
    assert_eq!(town.handset(bob).said(|event| *event == from).len(), 1);
}

#[test]
fn a_call_ends_when_its_time_is_up_on_either_side() {
    for callers_time in [true, false] {
        let mut of = [settings("alice"), settings("bob")];
        of[usize::from(!callers_time)].longest = Some(secs(5));
        let [of_alice, of_bob] = of;
        let (mut town, alice, bob) = alice_and_bob(of_alice, of_bob);
        town.call(alice, 2);
        town.run_for(secs(10));
        let (timed, other) = if callers_time { (alice, bob) } else { (bob, alice) };
        assert_eq!(town.handset(timed).ending(), Some(&Ending::Ours(HangUp::TimeUp)));
        assert_eq!(town.handset(other).ending(), Some(&Ending::Theirs(None)));
        let talked = town.handset(timed).events.iter().find_map(|(_, event)| match event {
            Event::Ended { talked, .. } => *talked,
            _ => None,
        });
        assert_eq!(talked, Some(secs(5)));
    }
}

#[test]
fn a_second_caller_hears_that_the_line_is_busy() {
    let (mut town, alice, _) = alice_and_bob(settings("alice"), settings("bob"));
    let carol = town.phone(3, settings("carol"));
    town.call(alice, 2);
    town.run_for(secs(2));
    town.call(carol, 2);
    town.run_for(secs(1));
    let Some(Ending::Failed(Failure::Refused { status, .. })) = town.handset(carol).ending() else {
        panic!("{:?}", town.handset(carol).events);
    };
    assert_eq!(*status, StatusCode::BUSY_HERE);
    assert!(town.handset(alice).phone.is_busy(), "the first call goes on");
}

#[test]
fn nobody_answers() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, Settings { patience: secs(20), ..settings("alice") });
    let bob = town.scripted(2, 1, testkit::Answering::Never);
    town.call(alice, 2);
    town.run_for(secs(30));
    town.ladder_is(
        "                 alice                    scripted
          0.000             |--- INVITE bob (sdp) --->|
          0.001             |<----- 180 INVITE -------|
         20.000             |-------- CANCEL -------->|
         20.001             |<----- 200 CANCEL -------|
         20.001             |<----- 487 INVITE -------|
         20.002             |---------- ACK --------->|",
    );
    let failed = Ending::Failed(Failure::NoAnswer(secs(20)));
    assert_eq!(town.handset(alice).ending(), Some(&failed));
    assert!(town.seen(bob).contains(&testkit::Seen::Cancelled));
    assert!(at_rest(town.handset(alice)));
}

#[test]
fn a_dead_peer_is_given_up_after_64_t1() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, settings("alice"));
    town.call(alice, 9);
    town.run_for(ms(31_999));
    assert_eq!(town.handset(alice).ending(), None);
    town.run_for(ms(1));
    let failed = Ending::Failed(Failure::NoResponse(address(9)));
    assert_eq!(town.handset(alice).ending(), Some(&failed));
}

#[test]
fn a_caller_who_gives_up_is_a_missed_call_and_the_phone_rings_again() {
    let of_bob = Settings { answering: Answering::After(secs(10)), ..settings("bob") };
    let (mut town, alice, bob) = alice_and_bob(settings("alice"), of_bob);
    town.call(alice, 2);
    town.run_for(secs(3));
    town.act(alice, |phone, now| phone.hang_up(now, HangUp::Interrupted));
    town.run_for(secs(1));
    let failed = Ending::Failed(Failure::Interrupted);
    assert_eq!(town.handset(alice).ending(), Some(&failed));
    assert_eq!(town.handset(bob).said(|event| *event == Event::Missed).len(), 1);
    assert!(at_rest(town.handset(bob)));
    town.call(alice, 2);
    town.run_for(secs(11));
    assert_eq!(town.handset(bob).said(|event| *event == Event::Answered).len(), 1);
}

#[test]
fn an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() {
    let (mut town, alice, bob) = alice_and_bob(settings("alice"), settings("bob"));
    town.call(alice, 2);
    // Bob has answered at 1.001; his 200 is under way.
    town.run_for(ms(1_001));
    town.act(alice, |phone, now| phone.hang_up(now, HangUp::Interrupted));
    town.run_for(secs(2));
    town.ladder_is(
        "                  alice                      bob
          0.000             |--- INVITE bob (sdp) --->|
          0.001             |<----- 180 INVITE -------|
          1.001             |<-- 200 INVITE (sdp) ----|
          1.001             |-------- CANCEL -------->|
          1.002             |---------- ACK --------->|
          1.002             |---------- BYE --------->|
          1.002             |<----- 200 CANCEL -------|
          1.003             |<------- 200 BYE --------|",
    );
    assert_eq!(town.handset(alice).ending(), Some(&Ending::Failed(Failure::Interrupted)));
    assert_eq!(town.handset(bob).ending(), Some(&Ending::Theirs(None)));
    assert!(at_rest(town.handset(alice)) && at_rest(town.handset(bob)));
}

#[test]
fn a_phone_that_does_not_want_calls_says_so() {
    let of_bob = Settings { answering: Answering::Never, ..settings("bob") };
    let (mut town, alice, bob) = alice_and_bob(settings("alice"), of_bob);
    town.call(alice, 2);
    town.run_for(secs(1));
    let Some(Ending::Failed(Failure::Refused { status, .. })) = town.handset(alice).ending() else {
        panic!("{:?}", town.handset(alice).events);
    };
    assert_eq!(*status, StatusCode::TEMPORARILY_UNAVAILABLE);
    assert!(town.handset(bob).events.is_empty());
}

#[test]
fn a_peer_without_our_codecs_is_refused_with_488() {
    let mut town = Town::new(Faults::NONE);
    let bob = town.phone(2, settings("bob"));
    let scripted = town.scripted(1, 2, testkit::Answering::Never);
    town.act_scripted(scripted, |phone, now| {
        phone.settings().codecs = vec![Codec::G722];
        phone.call(now, "bob");
    });
    town.run_for(secs(1));
    assert_eq!(town.seen(scripted), [testkit::Seen::Refused(488)]);
    assert!(town.handset(bob).events.is_empty());
}

#[test]
fn calls_over_a_rough_network_come_to_an_end_and_leave_nothing_open() {
    for seed in 0..20 {
        let mut town = Town::new(Faults::NONE);
        town.world = World::new(Network::new(Faults::rough(100), seed));
        let alice = town.phone(1, Settings { longest: Some(secs(3)), ..settings("alice") });
        let bob = town.phone(2, settings("bob"));
        town.call(alice, 2);
        let over = town.world.run_until(secs(120), |world| {
            let at_rest = |id| matches!(world.node(id), Somebody::Handset(phone) if at_rest(phone));
            world.now() > secs(1) && at_rest(alice) && at_rest(bob)
        });
        assert!(over, "seed {seed}");
        assert!(town.handset(alice).ending().is_some(), "seed {seed}");
    }
}
