//! Errands: when each is done, and how it ends.

use sip_core::HostPort;
use sip_core::auth::client::Credentials;

use super::server::PASSWORD;
use super::*;
use crate::errand::Errand;
use crate::phone::Login;

const SERVER: u8 = 9;

fn member(user: &str) -> Settings {
    let server = address(SERVER);
    let login = Login { credentials: Credentials::new(user, PASSWORD), server };
    Settings { domain: Some(HostPort::from(server)), login: Some(login), ..settings(user) }
}

fn to_server(n: u8) -> Flow {
    Flow::udp(address(n), address(SERVER))
}

/// Sends the phone off on its errand.
fn start(town: &mut Town, id: NodeId, errand: Errand) {
    town.world.act(id, |somebody, now| {
        let Somebody::Handset(handset) = somebody else { panic!("no phone of ours") };
        handset.run = Some(Run::start(now, errand, &mut handset.phone).expect("a start"));
    });
}

fn interrupt(town: &mut Town, id: NodeId) -> bool {
    town.world.act(id, |somebody, now| {
        let Somebody::Handset(handset) = somebody else { panic!("no phone of ours") };
        handset.run.as_mut().expect("an errand").interrupt(now, &mut handset.phone)
    })
}

fn outcome(town: &Town, id: NodeId) -> Option<Result<(), Failure>> {
    town.handset(id).outcome.as_ref().map(|(_, outcome)| outcome.clone())
}

#[test]
fn registering_is_done_when_the_server_says_so() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, member("101"));
    town.server(SERVER);
    start(&mut town, alice, Errand::Register { flow: to_server(1), expires: 60, keep: false });
    town.run_for(secs(1));
    assert_eq!(outcome(&town, alice), Some(Ok(())));
    assert_eq!(town.world.network().passages().len(), 4, "the registration stays");
}

#[test]
fn staying_registered_lasts_until_interrupted() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, member("101"));
    town.server(SERVER);
    start(&mut town, alice, Errand::Register { flow: to_server(1), expires: 120, keep: true });
    town.run_for(secs(500));
    assert_eq!(outcome(&town, alice), None);
    assert!(interrupt(&mut town, alice));
    town.run_for(secs(1));
    assert_eq!(outcome(&town, alice), Some(Ok(())));
    assert_eq!(town.handset(alice).said(|event| *event == Event::Unregistered).len(), 1);
}

#[test]
fn answering_registers_first_and_unregisters_after_one_call() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, Settings { longest: Some(secs(2)), ..settings("alice") });
    let bob = town.phone(2, member("102"));
    town.server(SERVER);
    let register = Some((to_server(2), 120));
    start(&mut town, bob, Errand::Answer { register, keep: false });
    town.run_for(secs(1));
    town.call(alice, 2);
    town.run_for(secs(10));
    assert_eq!(outcome(&town, bob), Some(Ok(())));
    assert_eq!(town.handset(bob).said(|event| *event == Event::Unregistered).len(), 1);
    town.call(alice, 2);
    town.run_for(secs(1));
    let last = town.handset(alice).events.last().map(|(_, event)| event.clone());
    let Some(Event::Ended { ending: Ending::Failed(failure), .. }) = last else {
        panic!("{last:?}")
    };
    assert!(failure.to_string().starts_with("480"), "{failure}");
}

#[test]
fn answering_for_ever_takes_one_call_after_the_other() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, Settings { longest: Some(secs(2)), ..settings("alice") });
    let bob = town.phone(2, settings("bob"));
    start(&mut town, bob, Errand::Answer { register: None, keep: true });
    for _ in 0..3 {
        town.call(alice, 2);
        town.run_for(secs(5));
    }
    assert_eq!(town.handset(bob).said(|event| *event == Event::Answered).len(), 3);
    assert_eq!(outcome(&town, bob), None);
    interrupt(&mut town, bob);
    assert_eq!(outcome(&town, bob), Some(Ok(())), "there is nothing to wait for");
}

#[test]
fn an_interrupted_conversation_is_ended_properly_and_was_no_failure() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, settings("alice"));
    let bob = town.phone(2, settings("bob"));
    let flow = Flow::udp(address(1), address(2));
    start(&mut town, alice, Errand::Call { uri: uri("bob", 2), flow });
    town.run_for(secs(3));
    assert!(interrupt(&mut town, alice));
    assert!(!interrupt(&mut town, alice), "the second time is an order");
    town.run_for(secs(1));
    assert_eq!(outcome(&town, alice), Some(Ok(())));
    assert_eq!(town.handset(bob).ending(), Some(&Ending::Theirs(None)));
}

#[test]
fn interrupted_ringing_is_cancelled_and_a_failure() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, settings("alice"));
    let bob = town.phone(2, Settings { answering: Answering::After(secs(20)), ..settings("bob") });
    let flow = Flow::udp(address(1), address(2));
    start(&mut town, alice, Errand::Call { uri: uri("bob", 2), flow });
    town.run_for(secs(3));
    interrupt(&mut town, alice);
    town.run_for(secs(1));
    assert_eq!(outcome(&town, alice), Some(Err(Failure::Interrupted)));
    assert_eq!(town.handset(bob).said(|event| *event == Event::Missed).len(), 1);
}

#[test]
fn a_peer_that_does_not_answer_goodbyes_holds_nobody_up() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, settings("alice"));
    town.phone(2, settings("bob"));
    let flow = Flow::udp(address(1), address(2));
    start(&mut town, alice, Errand::Call { uri: uri("bob", 2), flow });
    town.run_for(secs(3));
    town.world.network().set_faults(Faults { loss: 1_000, ..Faults::NONE });
    interrupt(&mut town, alice);
    town.run_for(secs(10));
    let (at, outcome) = town.handset(alice).outcome.clone().expect("an outcome");
    assert_eq!((at, outcome), (secs(8), Ok(())));
}

#[test]
fn a_call_that_fails_says_why() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, member("101"));
    town.server(SERVER);
    start(&mut town, alice, Errand::Call { uri: uri("102", SERVER), flow: to_server(1) });
    town.run_for(secs(1));
    let Some(Err(failure)) = outcome(&town, alice) else { panic!("no failure") };
    assert_eq!(failure.to_string(), "486 Busy Here: the line is busy");
}

#[test]
fn a_registration_that_fails_ends_the_waiting() {
    let mut town = Town::new(Faults::NONE);
    let bob = town.phone(2, settings("102"));
    town.server(SERVER);
    let register = Some((to_server(2), 120));
    start(&mut town, bob, Errand::Answer { register, keep: true });
    town.run_for(secs(1));
    let Some(Err(Failure::PasswordWanted(_))) = outcome(&town, bob) else { panic!("no failure") };
}
