//! Registrations, and who may see the password's proof.

use sip_core::HostPort;
use sip_core::auth::client::Credentials;

use super::server::PASSWORD;
use super::*;
use crate::phone::Login;

const SERVER: u8 = 9;

fn with_password(user: &str, password: &str) -> Settings {
    let server = address(SERVER);
    let login = Login { credentials: Credentials::new(user, password), server };
    Settings { domain: Some(HostPort::from(server)), login: Some(login), ..settings(user) }
}

fn register(town: &mut Town, id: NodeId, expires: u32) {
    let flow = Flow::udp(town.handset(id).address, address(SERVER));
    town.act(id, |phone, now| phone.register(now, flow, expires).expect("a REGISTER"));
}

fn seen(town: &Town, id: NodeId) -> Vec<(Duration, String)> {
    match town.world.node(id) {
        Somebody::Server(server) => server.seen.clone(),
        _ => panic!("no server"),
    }
}

#[test]
fn a_registration_is_refreshed_in_time_and_taken_back() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, with_password("101", PASSWORD));
    let server = town.server(SERVER);
    register(&mut town, alice, 3_600);
    town.run_for(secs(65));
    town.act(alice, |phone, now| phone.unregister(now));
    town.run_for(secs(1));
    town.ladder_is(
        "                   101                      server
          0.000             |------- REGISTER ------->|
          0.001             |<---- 401 REGISTER ------|
          0.002             |------- REGISTER ------->|
          0.003             |<---- 200 REGISTER ------|
         60.004             |------- REGISTER ------->|
         60.005             |<---- 401 REGISTER ------|
         60.006             |------- REGISTER ------->|
         60.007             |<---- 200 REGISTER ------|
         65.000             |------- REGISTER ------->|
         65.001             |<---- 401 REGISTER ------|
         65.002             |------- REGISTER ------->|
         65.003             |<---- 200 REGISTER ------|",
    );
    let contact = "<sip:101@192.0.2.1:5060>";
    let texts: Vec<String> = seen(&town, server).into_iter().map(|(_, text)| text).collect();
    assert_eq!(texts, [3_600, 3_600, 0].map(|expires| format!("{contact} {expires}")));
    let said: Vec<_> = town.handset(alice).events.iter().map(|(_, event)| event.clone()).collect();
    let granted = |first| Event::Registered { seconds: 120, first };
    assert_eq!(said, [granted(true), granted(false), Event::Unregistered]);
    assert_eq!(call_ids(&mut town), 1, "one Call-ID for all of a registration's requests");
}

/// How many different Call-IDs crossed the network.
fn call_ids(town: &mut Town) -> usize {
    let id = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.lines().find(|line| line.starts_with("Call-ID")).map(str::to_owned)
    };
    let passages = town.world.network().passages();
    let ids: std::collections::BTreeSet<_> =
        passages.iter().filter_map(|passage| id(&passage.datagram.bytes)).collect();
    ids.len()
}

#[test]
fn a_wrong_password_is_tried_once() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, with_password("101", "wrong"));
    town.server(SERVER);
    register(&mut town, alice, 60);
    town.run_for(secs(600));
    let Some((_, Event::NotRegistered { failure, retry: None })) =
        town.handset(alice).events.first()
    else {
        panic!("{:?}", town.handset(alice).events);
    };
    assert!(matches!(failure, Failure::WrongPassword(_)), "{failure}");
    assert_eq!(town.world.network().passages().len(), 4, "two requests, two answers");
}

#[test]
fn a_time_that_is_too_brief_is_lengthened() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, with_password("101", PASSWORD));
    let server = town.server(SERVER);
    town.tell(server, |server| server.least = 100);
    register(&mut town, alice, 60);
    town.run_for(secs(1));
    let registered = Event::Registered { seconds: 100, first: true };
    assert_eq!(town.handset(alice).events.last().map(|(_, event)| event), Some(&registered));
}

#[test]
fn a_server_that_dies_is_tried_again_until_it_is_back() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, with_password("101", PASSWORD));
    let server = town.server(SERVER);
    register(&mut town, alice, 120);
    town.run_for(secs(10));
    town.tell(server, |server| server.dead = true);
    town.run_for(secs(100));
    let failed = Event::NotRegistered {
        failure: Failure::NoResponse(address(SERVER)),
        retry: Some(secs(10)),
    };
    assert!(!town.handset(alice).said(|event| *event == failed).is_empty());
    town.tell(server, |server| server.dead = false);
    town.run_for(secs(60));
    let again = Event::Registered { seconds: 120, first: false };
    assert_eq!(town.handset(alice).events.last().map(|(_, event)| event), Some(&again));
}

#[test]
fn a_server_that_was_never_there_is_a_failure() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, with_password("101", PASSWORD));
    register(&mut town, alice, 120);
    town.run_for(secs(200));
    let failure = Failure::NoResponse(address(SERVER));
    let only = [Event::NotRegistered { failure, retry: None }];
    let said: Vec<_> = town.handset(alice).events.iter().map(|(_, event)| event.clone()).collect();
    assert_eq!(said, only);
}

#[test]
fn unregistering_waits_for_the_register_under_way() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, with_password("101", PASSWORD));
    let server = town.server(SERVER);
    register(&mut town, alice, 120);
    town.act(alice, |phone, now| phone.unregister(now));
    town.run_for(secs(1));
    assert_eq!(seen(&town, server).len(), 2, "first the one, then its removal");
    assert_eq!(town.handset(alice).said(|event| *event == Event::Unregistered).len(), 1);
    assert!(at_rest(town.handset(alice)));
}

#[test]
fn every_binding_is_taken_back_at_once() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, with_password("101", PASSWORD));
    let server = town.server(SERVER);
    let flow = Flow::udp(address(1), address(SERVER));
    town.act(alice, |phone, now| phone.clear(now, flow).expect("a REGISTER"));
    town.run_for(secs(1));
    assert_eq!(seen(&town, server)[0].1, "* 0");
    assert_eq!(town.handset(alice).said(|event| *event == Event::Unregistered).len(), 1);
}

#[test]
fn calls_are_let_in_by_the_password_and_refused_without() {
    let refused = |settings: Settings| {
        let mut town = Town::new(Faults::NONE);
        let alice = town.phone(1, settings);
        town.server(SERVER);
        town.call(alice, SERVER);
        town.run_for(secs(5));
        assert!(at_rest(town.handset(alice)));
        match town.handset(alice).ending() {
            Some(Ending::Failed(failure)) => failure.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert!(refused(with_password("101", PASSWORD)).starts_with("486"));
    assert!(refused(with_password("101", "wrong")).contains("refuses user name or password"));
    assert!(refused(settings("101")).contains("a password is wanted (401)"));
}

#[test]
fn a_stranger_who_asks_for_the_password_gets_no_proof_of_it() {
    let mut town = Town::new(Faults::NONE);
    let alice = town.phone(1, with_password("101", PASSWORD));
    town.server(8);
    town.call(alice, 8);
    town.run_for(secs(5));
    let Some(Ending::Failed(Failure::PasswordWanted(_))) = town.handset(alice).ending() else {
        panic!("{:?}", town.handset(alice).events);
    };
    let told = |passage: &testkit::Passage| {
        String::from_utf8_lossy(&passage.datagram.bytes).contains("Authorization: Digest username")
    };
    assert!(!town.world.network().passages().iter().any(told));
}
