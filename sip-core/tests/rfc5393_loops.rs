//! Loops told from spirals (RFC 5393 §4.2), and Max-Breadth (§5.3).

mod common;

use common::forking::{CALLER, Lab, describe, parse, phone, status, text};
use common::proxying::{checked, request, request_of};
use sip_core::proxy::{Event, Hop, MaxBreadth, Refusal, routing_mark};
use sip_core::{StatusCode, Transmit};

#[test]
fn a_loop_is_told_from_a_spiral() {
    let first = request("sip:b@example.com", "");
    let mark = routing_mark(&first).unwrap();
    let via =
        format!("Via: SIP/2.0/UDP proxy.example.com;branch=z9hG4bK0123456789abcdef{mark:016x}\n");
    assert_eq!(checked(&request("sip:b@example.com", &via)), Err(Refusal::Loop));
    // Retargeted or rerouted it is a spiral, and another request is none of it.
    for (uri, more) in [
        ("sip:c@example.com", ""),
        ("sip:b@example.com;x=y", ""),
        ("sip:b@example.com", "Route: <sip:other;lr>\n"),
    ] {
        assert_eq!(checked(&request(uri, &format!("{via}{more}"))), Ok(()), "{uri} {more}");
    }
    let stranger = via.replace("proxy.example.com", "proxy.example.net");
    assert_eq!(checked(&request("sip:b@example.com", &stranger)), Ok(()));
    // An ACK or CANCEL gets the mark of its INVITE.
    let ack = request_of("ACK", "sip:b@example.com", "Proxy-Authorization: Digest realm=\"x\"\n");
    assert_eq!(routing_mark(&ack).unwrap(), mark);
}

/// §4.2: on the wire. What comes back as it was sent is refused to the caller, and nothing is left of
/// it; what comes back for somebody else goes on.
#[test]
fn a_loop_ends_and_a_spiral_goes_on() {
    for (target, heard) in
        [(None, &["482 > 1", "ACK > 1", "482 > 9"][..]), (Some("sip:carol@192.0.2.1"), &[])]
    {
        let mut lab = Lab::new();
        let id = lab.asked("INVITE", "a");
        // The proxy's own address: it sends the request to itself.
        let mut own = phone(0);
        own.target = target.map(|target| target.parse().unwrap());
        own.flow.remote = own.flow.local;
        lab.proxy.forward(lab.now, id, vec![own.clone()]).unwrap();
        let sent = lab.transmits().remove(0);
        assert_eq!(describe(&sent), "INVITE > 1");
        let us = own.flow.remote.to_string();
        lab.receive(&us, sent.bytes);
        let mut ladder = Vec::new();
        loop {
            let sent = lab.transmits();
            if sent.is_empty() {
                break;
            }
            for sent in sent {
                ladder.push(describe(&sent));
                if sent.flow.remote == own.flow.remote {
                    lab.receive(&us, sent.bytes);
                }
            }
        }
        assert_eq!(ladder, heard);
        let asked = core::iter::from_fn(|| lab.proxy.poll_event())
            .filter(|event| matches!(event, Event::Request { .. }))
            .count();
        assert_eq!(asked, usize::from(target.is_some()), "the spiral is a request to be routed");
        lab.receive(CALLER, text("ACK", "a", ""));
        if target.is_none() {
            lab.rests();
        }
    }
}

/// A loop that another proxy closes, which has put its Via on top.
#[test]
fn a_loop_over_another_proxy_is_found_below_its_via() {
    let mut lab = Lab::new();
    let id = lab.asked("INVITE", "a");
    let unchanged = Hop { target: None, ..phone(1) };
    lab.proxy.forward(lab.now, id, vec![unchanged]).unwrap();
    let looped = String::from_utf8(lab.transmits().remove(0).bytes.to_vec()).unwrap();
    let other = "\r\nVia: SIP/2.0/UDP 192.0.2.101;branch=z9hG4bKother";
    let at = looped.find("\r\n").unwrap();
    let looped = format!("{}{other}{}", &looped[..at], &looped[at..]);
    lab.receive("192.0.2.101:5060", looped);
    assert_eq!(status(&lab.transmits()).status, StatusCode::LOOP_DETECTED);
}

fn breadth(sent: &Transmit) -> u32 {
    parse(sent).headers.require::<MaxBreadth>().unwrap().0
}

/// §5.3.3: parallel branches share it, and what a branch had can be given again when it has ended.
/// A request without it gets a default.
#[test]
fn breadth_is_divided_and_given_back() {
    let mut lab = Lab::new();
    let ask = |breadth: &str| text("INVITE", breadth, &format!("Max-Breadth: {breadth}\n"));
    lab.receive(CALLER, ask("5"));
    let Some(Event::Request { id, .. }) = lab.proxy.poll_event() else { panic!("none") };
    lab.proxy.forward_in_turn(lab.now, id, vec![vec![phone(1), phone(2)], vec![phone(3)]]).unwrap();
    let legs = lab.transmits();
    assert_eq!(legs.iter().map(breadth).collect::<Vec<_>>(), [2, 3]);
    lab.answer(&legs[0], 486, &[]);
    lab.answer(&legs[1], 486, &[]);
    let next = lab.transmits().pop().unwrap();
    assert_eq!((describe(&next), breadth(&next)), ("INVITE > 103".to_owned(), 5));

    // More targets than breadth: the first ones; none at all: 440.
    let mut lab = Lab::new();
    for (offered, expected) in [("1", "INVITE > 101"), ("0", "440 > 9")] {
        lab.receive(CALLER, ask(offered));
        let Some(Event::Request { id, .. }) = lab.proxy.poll_event() else { panic!("none") };
        lab.proxy.forward(lab.now, id, vec![phone(1), phone(2)]).unwrap();
        assert_eq!(lab.sent(), [expected]);
        while lab.proxy.poll_event().is_some() {}
    }
    let mut lab = Lab::new();
    lab.invite(vec![vec![phone(1)]]);
    assert_eq!(breadth(&lab.transmits()[0]), 60);
}
