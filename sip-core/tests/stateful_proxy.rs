//! A stateful forking proxy on a virtual clock: RFC 3261 §16.7 to §16.10, RFC 4320.

mod common;

use core::time::Duration;

use common::forking::{CALLER, Lab, describe, parse, phone, status, text};

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::endpoint::Input;
use sip_core::header::{ProxyAuthenticate, Via, WwwAuthenticate};
use sip_core::proxy::{Config, Event, Ours, Proxy, routing_mark};
use sip_core::{Limits, Request, StatusCode, Transmit};

#[test]
fn the_first_to_answer_wins_and_the_others_are_cancelled() {
    let mut lab = Lab::new();
    let id = lab.invite(vec![vec![phone(1), phone(2), phone(3)]]);
    let legs = lab.transmits();
    assert_eq!(
        legs.iter().map(describe).collect::<Vec<_>>(),
        ["INVITE > 101", "INVITE > 102", "INVITE > 103"]
    );
    let branch =
        |sent: &Transmit| parse(sent).headers.require::<Via>().unwrap().branch().map(str::to_owned);
    let mark =
        routing_mark(&Request::parse(text("INVITE", "a", "").into(), &Limits::default()).unwrap())
            .unwrap();
    let branches: Vec<String> = legs.iter().filter_map(branch).collect();
    assert!(
        branches.iter().all(|branch| branch.ends_with(&format!("{mark:016x}"))),
        "{branches:?}"
    );
    assert_ne!(branches[0], branches[1]);

    lab.answer(&legs[0], 100, &[]);
    assert!(lab.sent().is_empty(), "100 is for one hop");
    lab.answer(&legs[0], 180, &[]);
    lab.answer(&legs[1], 183, &[]);
    assert_eq!(lab.sent(), ["180 > 9", "183 > 9"]);
    lab.answer(&legs[1], 200, &[]);
    // The third has not answered yet: its CANCEL waits (§9.1).
    assert_eq!(lab.sent(), ["200 > 9", "CANCEL > 101"]);
    assert_eq!(lab.proxy.poll_event(), Some(Event::Answered { id, status: StatusCode::OK }));
    lab.answer(&legs[2], 180, &[]);
    assert_eq!(lab.sent(), ["CANCEL > 103"], "a late 180 does not go back");
    lab.answer(&legs[0], 487, &[]);
    lab.answer(&legs[2], 487, &[]);
    assert_eq!(lab.sent(), ["ACK > 101", "ACK > 103"]);
    lab.answer(&legs[1], 200, &[]);
    assert_eq!(lab.sent(), ["200 > 9"], "each repetition goes back");
    lab.rests();
}

#[test]
fn two_phones_answering_at_once_are_both_reported() {
    let mut lab = Lab::new();
    lab.invite(vec![vec![phone(1), phone(2)]]);
    let legs = lab.transmits();
    for leg in &legs {
        lab.answer(leg, 180, &[]);
    }
    lab.transmits();
    lab.answer(&legs[0], 200, &[]);
    lab.answer(&legs[1], 200, &[]);
    assert_eq!(lab.sent(), ["200 > 9", "CANCEL > 102", "200 > 9"]);
    lab.rests();
}

/// What the caller gets when three phones answer so.
fn chosen(statuses: [u16; 3]) -> u16 {
    let mut lab = Lab::new();
    lab.invite(vec![vec![phone(1), phone(2), phone(3)]]);
    let legs = lab.transmits();
    for (leg, status) in legs.iter().zip(statuses) {
        lab.answer(leg, 180, &[]);
        lab.transmits();
        lab.answer(leg, status, &[]);
    }
    for leg in &legs {
        // What was cancelled says so.
        lab.answer(leg, 487, &[]);
    }
    let sent = lab.transmits();
    let finals: Vec<&Transmit> =
        sent.iter().filter(|sent| describe(sent).ends_with("> 9")).collect();
    assert_eq!(finals.len(), 1, "{statuses:?}");
    let status = status(&[finals[0].clone()]).status.code();
    lab.rests();
    status
}

#[test]
fn the_best_response_is_chosen() {
    for (statuses, best) in [
        ([486, 404, 500], 486),
        ([500, 404, 486], 404),
        ([404, 302, 401], 302),
        ([404, 407, 486], 407),
        ([404, 415, 480], 415),
        ([408, 486, 503], 486),
        ([404, 603, 302], 603),
        ([500, 503, 502], 500),
        ([503, 503, 503], 500),
    ] {
        assert_eq!(chosen(statuses), best, "{statuses:?}");
    }
}

#[test]
fn challenges_of_all_branches_go_back_together() {
    let mut lab = Lab::new();
    lab.invite(vec![vec![phone(1), phone(2), phone(3)]]);
    let legs = lab.transmits();
    lab.answer(&legs[0], 401, &[("WWW-Authenticate", "Digest realm=\"one\", nonce=\"1\"")]);
    lab.answer(&legs[1], 404, &[]);
    lab.answer(&legs[2], 407, &[("Proxy-Authenticate", "Digest realm=\"two\", nonce=\"2\"")]);
    let response = status(&lab.transmits());
    assert_eq!(response.headers.all::<WwwAuthenticate>().count(), 1);
    assert_eq!(response.headers.all::<ProxyAuthenticate>().count(), 1);
    lab.rests();
}

#[test]
fn groups_are_tried_in_turn() {
    let mut lab = Lab::new();
    lab.invite(vec![vec![phone(1), phone(2)], Vec::new(), vec![phone(3)]]);
    let legs = lab.transmits();
    lab.answer(&legs[0], 486, &[]);
    lab.answer(&legs[1], 480, &[]);
    let next = lab.transmits();
    let sent: Vec<String> = next.iter().map(describe).collect();
    assert_eq!(sent, ["ACK > 101", "ACK > 102", "INVITE > 103"]);
    lab.answer(&next[2], 200, &[]);
    assert_eq!(lab.sent(), ["200 > 9"]);
    lab.rests();

    // The ring timer of its user.
    let mut lab = Lab::new();
    let id = lab.invite(vec![vec![phone(1)], vec![phone(2)]]);
    let legs = lab.transmits();
    lab.answer(&legs[0], 180, &[]);
    lab.transmits();
    lab.proxy.give_up(lab.now, id);
    assert_eq!(lab.sent(), ["CANCEL > 101", "INVITE > 102"]);
    lab.rests();
}

#[test]
fn a_cancel_is_answered_and_passed_on() {
    let mut lab = Lab::new();
    lab.invite(vec![vec![phone(1), phone(2)], vec![phone(3)]]);
    let legs = lab.transmits();
    lab.answer(&legs[0], 180, &[]);
    lab.transmits();
    lab.receive(CALLER, text("CANCEL", "a", ""));
    assert_eq!(lab.sent(), ["200 > 9", "CANCEL > 101"]);
    lab.receive(CALLER, text("CANCEL", "a", ""));
    assert_eq!(lab.sent(), ["200 > 9"], "a repetition");
    lab.answer(&legs[1], 183, &[]);
    assert_eq!(lab.sent(), ["CANCEL > 102", "183 > 9"]);
    lab.answer(&legs[0], 487, &[]);
    // A 200 that crosses the CANCEL is a call all the same.
    lab.answer(&legs[1], 200, &[]);
    assert_eq!(lab.sent(), ["ACK > 101", "200 > 9"]);
    lab.rests();

    let mut lab = Lab::new();
    let id = lab.asked("INVITE", "a");
    lab.receive(CALLER, text("CANCEL", "a", ""));
    assert_eq!(lab.sent(), ["200 > 9", "487 > 9"], "nothing was tried yet");
    lab.proxy.forward(lab.now, id, vec![phone(1)]).unwrap();
    assert!(lab.sent().is_empty(), "and nothing is any more");
    lab.rests();

    let mut lab = Lab::new();
    lab.receive(CALLER, text("CANCEL", "other", ""));
    assert_eq!(lab.sent(), ["481 > 9"]);
    lab.rests();
}

#[test]
fn repetitions_are_absorbed_and_answered_again() {
    let mut lab = Lab::new();
    lab.invite(vec![vec![phone(1)]]);
    let legs = lab.transmits();
    lab.receive(CALLER, text("INVITE", "a", ""));
    assert!(lab.proxy.poll_event().is_none());
    assert!(lab.sent().is_empty(), "100 has its time");
    lab.answer(&legs[0], 486, &[]);
    assert_eq!(lab.sent(), ["ACK > 101", "486 > 9"]);
    lab.receive(CALLER, text("INVITE", "a", ""));
    assert_eq!(lab.sent(), ["486 > 9"]);
    lab.receive(CALLER, text("ACK", "a", ""));
    while lab.proxy.poll_event().is_some_and(|event| !matches!(event, Event::Ack { .. })) {}
    lab.rests();
}

#[test]
fn silence_becomes_408_and_what_cannot_be_sent_500() {
    let mut lab = Lab::new();
    lab.invite(vec![vec![phone(1)]]);
    let statuses: Vec<String> = core::iter::from_fn(|| {
        let sent = lab.wait();
        (!sent.is_empty()).then_some(sent)
    })
    .flatten()
    .map(|sent| describe(&sent))
    .collect();
    assert!(statuses.contains(&"408 > 9".to_owned()), "{statuses:?}");
    lab.rests();

    let mut lab = Lab::new();
    lab.invite(vec![vec![phone(1)]]);
    lab.transmits();
    lab.proxy.handle_input(lab.now, Input::FlowFailed { flow: phone(1).flow });
    assert_eq!(lab.sent(), ["500 > 9"]);
    lab.rests();

    // To anything but an INVITE a 408 would come too late (RFC 4320 §4.2).
    let mut lab = Lab::new();
    let id = lab.asked("OPTIONS", "o");
    lab.proxy.forward(lab.now, id, vec![phone(1)]).unwrap();
    let mut all = lab.sent();
    loop {
        let sent = lab.wait();
        if sent.is_empty() {
            break;
        }
        all.extend(sent.iter().map(describe));
    }
    // But that it is not answered yet, it says once.
    assert_eq!(all.iter().filter(|sent| *sent == "100 > 9").count(), 1, "{all:?}");
    all.retain(|sent| sent != "100 > 9");
    assert!(all.iter().all(|sent| sent == "OPTIONS > 101"), "{all:?}");
    lab.rests();
}

#[test]
fn timer_c_ends_a_phone_that_rings_for_ever() {
    let mut lab = Lab::new();
    lab.invite(vec![vec![phone(1)]]);
    let legs = lab.transmits();
    lab.now = Duration::from_secs(1);
    lab.answer(&legs[0], 180, &[]);
    lab.now = Duration::from_secs(100);
    // It starts again with each of them.
    lab.answer(&legs[0], 180, &[]);
    lab.transmits();
    let sent = lab.wait();
    assert_eq!(
        (lab.now, describe(&sent[0])),
        (Duration::from_secs(281), "CANCEL > 101".to_owned())
    );
    lab.answer(&legs[0], 487, &[]);
    assert_eq!(lab.sent(), ["ACK > 101", "487 > 9"]);
    lab.rests();
}

#[test]
fn an_ack_for_a_2xx_passes_through_and_a_stray_2xx_does_not() {
    let mut lab = Lab::new();
    lab.invite(vec![vec![phone(1)]]);
    let legs = lab.transmits();
    lab.answer(&legs[0], 200, &[]);
    lab.transmits();
    lab.receive(CALLER, text("ACK", "ack", ""));
    let ack = core::iter::from_fn(|| lab.proxy.poll_event())
        .find_map(|event| match event {
            Event::Ack { request, .. } => Some(request),
            _ => None,
        })
        .unwrap();
    lab.proxy.forward_ack(&ack, &phone(1)).unwrap();
    assert_eq!(lab.sent(), ["ACK > 101"]);
    lab.rests();
    // After everything is forgotten (RFC 6026).
    lab.answer(&legs[0], 200, &[]);
    lab.answer(&legs[0], 180, &[]);
    assert!(lab.sent().is_empty());
}

#[test]
fn what_is_not_forwarded_is_answered() {
    let mut lab = Lab::new();
    let id = lab.asked("INVITE", "a");
    lab.proxy.forward(lab.now, id, Vec::new()).unwrap();
    assert_eq!(lab.sent(), ["480 > 9"]);
    lab.rests();
    lab.receive(CALLER, text("OPTIONS", "b", "").replace("Max-Forwards: 70", "Max-Forwards: 0"));
    assert_eq!(lab.sent(), ["483 > 9"]);
    lab.rests();
    for rubbish in ["", "\r\n\r\n", "rubbish", "INVITE sip:x SIP/2.0\r\n\r\n"] {
        lab.receive(CALLER, rubbish);
        assert!(lab.sent().is_empty());
    }
}

#[test]
fn memory_is_bounded() {
    let mut config = Config::new(Ours::at(vec!["192.0.2.1:5060".parse().unwrap()]));
    config.tables.servers = 10;
    config.branches = 3;
    let random = Box::new(ChaCha8Rng::seed_from_u64(1));
    let mut lab = Lab { proxy: Proxy::new(config, random), now: Duration::ZERO };
    for n in 0..100 {
        lab.receive(CALLER, text("INVITE", &format!("n{n}"), ""));
    }
    assert_eq!(lab.proxy.contexts(), 10);
    let refused = lab.sent();
    assert_eq!(refused.iter().filter(|sent| *sent == "503 > 9").count(), 90);
    let Some(Event::Request { id, .. }) = lab.proxy.poll_event() else { panic!("none") };
    lab.proxy.forward(lab.now, id, (0..50).map(phone).collect()).unwrap();
    assert_eq!(lab.sent().len(), 3);
}

/// The contacts that the proxy offers to follow.
fn offered(lab: &mut Lab) -> Vec<String> {
    match lab.proxy.poll_event() {
        Some(Event::Redirected { contacts, .. }) => {
            contacts.iter().map(|contact| contact.uri.to_string()).collect()
        }
        event => panic!("{event:?} and no redirection"),
    }
}

const MOVED: (&str, &str) =
    ("Contact", "<sip:bob@192.0.2.103:5060>;q=0.3, <sip:bob@192.0.2.102:5060>, <mailto:bob@h>");

#[test]
fn a_redirection_goes_back_by_default() {
    let mut lab = Lab::new();
    lab.invite(vec![vec![phone(1)]]);
    let sent = lab.transmits();
    lab.answer(&sent[0], 302, &[MOVED]);
    assert_eq!(lab.sent(), ["ACK > 101", "302 > 9"]);
    assert!(matches!(lab.proxy.poll_event(), Some(Event::Answered { .. })));
}

#[test]
fn a_redirection_is_followed_and_its_targets_count() {
    let mut lab = Lab::following(4);
    let id = lab.invite(vec![vec![phone(1)]]);
    let sent = lab.transmits();
    lab.answer(&sent[0], 302, &[MOVED]);
    assert_eq!(lab.sent(), ["ACK > 101"]);
    assert_eq!(offered(&mut lab), ["sip:bob@192.0.2.102:5060", "sip:bob@192.0.2.103:5060"]);
    lab.proxy.forward_in_turn(lab.now, id, vec![vec![phone(2)], vec![phone(3)]]).unwrap();
    let sent = lab.transmits();
    assert_eq!(sent.iter().map(describe).collect::<Vec<_>>(), ["INVITE > 102"]);
    assert_eq!(parse(&sent[0]).uri.to_string(), "sip:bob@192.0.2.102:5060");
    // One that leads back to where it came from, or to what is being tried, is not offered again.
    lab.answer(&sent[0], 301, &[("Contact", "<sip:bob@192.0.2.101:5060>, <sip:bob@example.com>")]);
    let sent = lab.transmits();
    assert_eq!(sent.iter().map(describe).collect::<Vec<_>>(), ["ACK > 102", "INVITE > 103"]);
    lab.answer(&sent[1], 200, &[]);
    assert_eq!(lab.sent(), ["200 > 9"]);
    lab.rests();
}

#[test]
fn what_a_redirection_leaves_may_still_be_the_best() {
    let mut lab = Lab::following(4);
    let id = lab.invite(vec![vec![phone(1)]]);
    let sent = lab.transmits();
    lab.answer(&sent[0], 302, &[MOVED]);
    offered(&mut lab);
    lab.proxy.forward(lab.now, id, vec![phone(2), phone(3)]).unwrap();
    let sent = lab.transmits();
    let [_, second, third] = &sent[..] else { panic!("{sent:?}") };
    lab.answer(second, 486, &[]);
    lab.answer(third, 486, &[]);
    let answer = status(&lab.transmits());
    assert_eq!(answer.status.code(), 302);
    let left: Vec<_> = answer.headers.raw(sip_core::HeaderName::Contact).collect();
    assert_eq!(left, [b"<mailto:bob@h>"], "what was tried is not offered to the caller");
}

#[test]
fn a_redirection_that_nobody_wants_to_follow_goes_back() {
    let mut lab = Lab::following(4);
    let id = lab.invite(vec![vec![phone(1), phone(4)], vec![phone(5)]]);
    let sent = lab.transmits();
    lab.answer(&sent[0], 302, &[MOVED]);
    offered(&mut lab);
    lab.proxy.forward(lab.now, id, vec![]).unwrap();
    assert_eq!(lab.sent(), ["ACK > 101"], "the other one may still answer");
    lab.answer(&sent[1], 404, &[]);
    let sent = lab.transmits();
    assert_eq!(sent.iter().map(describe).collect::<Vec<_>>(), ["ACK > 104", "INVITE > 105"]);
    lab.answer(&sent[1], 480, &[]);
    assert_eq!(lab.sent(), ["ACK > 105", "302 > 9"]);
    lab.rests();
}

#[test]
fn redirections_beside_branches_that_ring() {
    let mut lab = Lab::following(4);
    let id = lab.invite(vec![vec![phone(1), phone(4)]]);
    let sent = lab.transmits();
    lab.answer(&sent[1], 180, &[]);
    lab.answer(&sent[0], 302, &[MOVED]);
    offered(&mut lab);
    assert_eq!(lab.sent(), ["180 > 9", "ACK > 101"]);
    lab.proxy.forward(lab.now, id, vec![phone(2)]).unwrap();
    let more = lab.transmits();
    assert_eq!(more.iter().map(describe).collect::<Vec<_>>(), ["INVITE > 102"], "at once");
    // The one that rings says no; the one that came later decides.
    lab.answer(&sent[1], 486, &[]);
    assert_eq!(lab.sent(), ["ACK > 104"]);
    lab.answer(&more[0], 404, &[]);
    assert_eq!(lab.sent().last().unwrap(), "302 > 9", "a mail address is left of it");
    lab.rests();
}

#[test]
fn a_cancel_ends_a_request_that_waits_for_a_decision() {
    let mut lab = Lab::following(4);
    let id = lab.invite(vec![vec![phone(1)]]);
    let sent = lab.transmits();
    lab.answer(&sent[0], 302, &[MOVED]);
    offered(&mut lab);
    lab.sent();
    lab.receive(CALLER, text("CANCEL", "a", ""));
    assert_eq!(lab.sent(), ["200 > 9", "487 > 9"]);
    lab.proxy.forward(lab.now, id, vec![phone(2)]).unwrap();
    assert!(lab.sent().is_empty());
    lab.rests();
}

#[test]
fn redirections_without_end_end() {
    let mut lab = Lab::following(3);
    let id = lab.invite(vec![vec![phone(1)]]);
    let mut sent = lab.transmits();
    for n in 2..=4 {
        lab.answer(
            sent.last().unwrap(),
            302,
            &[("Contact", &format!("<sip:bob@192.0.2.{}>", 100 + n))],
        );
        assert_eq!(offered(&mut lab).len(), 1);
        lab.proxy.forward(lab.now, id, vec![phone(n)]).unwrap();
        sent = lab.transmits();
    }
    lab.answer(sent.last().unwrap(), 302, &[("Contact", "<sip:bob@192.0.2.199>")]);
    assert_eq!(lab.sent(), ["ACK > 104", "302 > 9"]);
}
