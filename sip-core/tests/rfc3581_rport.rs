//! Where responses go (RFC 3261 §18.2, RFC 3581).

mod common;

use common::*;
use sip_core::endpoint::Input;
use sip_core::header::Via;
use sip_core::{ConnectionId, Flow, Method, Transport};

/// Sends a request with this top Via from `remote`; gives where the answer goes and the Via in it.
fn answer_to(via: &str, transport: Transport, remote: &str) -> (Flow, Via) {
    let mut lab = Lab::new();
    let connection = transport.is_reliable().then_some(ConnectionId { index: 7, generation: 1 });
    let flow =
        Flow { transport, local: Bob.address(), remote: remote.parse().unwrap(), connection };
    let text = format!(
        "OPTIONS sip:bob@x SIP/2.0\r\nVia: SIP/2.0/{transport} {via}\r\n\
         Via: SIP/2.0/UDP first.example.com;branch=z9hG4bKfirst\r\n\
         From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\
         Max-Forwards: 70\r\n\r\n"
    );
    lab.bob.handle_input(lab.now, Input::Received { flow, message: text.into() });
    let asked = lab.expect_request(Bob, Method::Options);
    lab.respond(Bob, &asked, 200);
    let answer = lab.take_one("200");
    let vias: Vec<Via> = answer.response().headers.all::<Via>().map(Result::unwrap).collect();
    assert_eq!(vias.len(), 2);
    assert_eq!(vias[1].branch(), Some("z9hG4bKfirst"));
    (answer.flow, vias[0].clone())
}

#[test]
fn without_rport_the_sent_by_port_is_used() {
    let (flow, via) = answer_to("192.0.2.1:5070;branch=z9hG4bK1", Transport::Udp, "192.0.2.1:9999");
    assert_eq!(flow.remote, "192.0.2.1:5070".parse().unwrap());
    assert_eq!((via.received(), via.rport()), (None, None));

    let (flow, _) = answer_to("192.0.2.1;branch=z9hG4bK1", Transport::Udp, "192.0.2.1:9999");
    assert_eq!(flow.remote, "192.0.2.1:5060".parse().unwrap());
}

#[test]
fn a_name_or_another_address_is_marked_with_received() {
    for sent_by in ["phone.example.com", "10.0.0.5:5060"] {
        let via = format!("{sent_by};branch=z9hG4bK1");
        let (flow, via) = answer_to(&via, Transport::Udp, "198.51.100.7:9999");
        assert_eq!(via.received(), Some("198.51.100.7".parse().unwrap()));
        assert_eq!(flow.remote, "198.51.100.7:5060".parse().unwrap());
    }
}

#[test]
fn rport_brings_the_answer_back_through_a_nat() {
    let via = "10.0.0.5:5060;rport;branch=z9hG4bK1";
    let (flow, via) = answer_to(via, Transport::Udp, "198.51.100.7:40123");
    assert_eq!(flow.remote, "198.51.100.7:40123".parse().unwrap());
    assert_eq!(via.rport(), Some(Some(40123)));
    assert_eq!(via.received(), Some("198.51.100.7".parse().unwrap()));
    assert_eq!(via.branch(), Some("z9hG4bK1"));
    // Received is written with rport even where it says nothing new (RFC 3581 §4).
    let via = "192.0.2.1:5060;branch=z9hG4bK1;rport";
    let (_, via) = answer_to(via, Transport::Udp, "192.0.2.1:5060");
    assert_eq!(via.received(), Some("192.0.2.1".parse().unwrap()));
    // What a peer claims about itself is overwritten.
    let via = "192.0.2.1;branch=z9hG4bK1;rport=1;received=203.0.113.1";
    let (flow, via) = answer_to(via, Transport::Udp, "192.0.2.1:5062");
    assert_eq!(flow.remote, "192.0.2.1:5062".parse().unwrap());
    assert_eq!(via.received(), Some("192.0.2.1".parse().unwrap()));
}

#[test]
fn a_maddr_aims_answers_at_nobody() {
    let via = "192.0.2.1;maddr=203.0.113.9;branch=z9hG4bK1";
    let (flow, _) = answer_to(via, Transport::Udp, "192.0.2.1:5060");
    assert_eq!(flow.remote, "192.0.2.1:5060".parse().unwrap());
}

#[test]
fn on_a_stream_the_answer_stays_on_the_connection() {
    let via = "10.0.0.5:5060;branch=z9hG4bK1";
    let (flow, _) = answer_to(via, Transport::Tcp, "198.51.100.7:40123");
    assert_eq!(flow.connection, Some(ConnectionId { index: 7, generation: 1 }));
    assert_eq!(flow.remote, "198.51.100.7:40123".parse().unwrap());
}

#[test]
fn when_the_connection_is_lost_another_is_opened_to_the_sent_by_port() {
    let mut lab = Lab::tcp();
    let asked = lab.called();
    lab.respond(Bob, &asked, 180);
    lab.settle();
    let lost = lab.flow(Bob);
    lab.bob.handle_input(lab.now, Input::FlowFailed { flow: lost });
    // The 180 that may not have arrived, and later the 200.
    let again = lab.take_one("180");
    assert_eq!((again.flow.connection, again.flow.remote), (None, Alice.address()));
    lab.respond(Bob, &asked, 200);
    let answer = lab.take_one("200");
    assert_eq!((answer.flow.connection, answer.flow.remote), (None, Alice.address()));
    // The dialog looks for another connection, too.
    lab.deliver(answer);
    lab.ignore_events(Alice);
    lab.ignore_events(Bob);
}

#[test]
fn a_connection_lost_after_the_ack_is_nobodys_business() {
    let mut lab = Lab::tcp();
    let (_, bobs) = lab.call();
    let lost = lab.flow(Bob);
    lab.bob.handle_input(lab.now, Input::FlowFailed { flow: lost });
    assert_eq!(lab.pump(), [""; 0]);
    lab.no_event(Bob);
    // The next request looks for a connection.
    lab.request_in(Bob, bobs, Method::Bye);
    assert_eq!(lab.take_one("BYE").flow.connection, None);
}

#[test]
fn a_2xx_without_ack_is_repeated_on_the_next_connection() {
    let mut lab = Lab::tcp();
    let asked = lab.called();
    lab.respond(Bob, &asked, 200);
    lab.take_one("200");
    let lost = lab.flow(Bob);
    lab.bob.handle_input(lab.now, Input::FlowFailed { flow: lost });
    lab.run(ms(500));
    assert_eq!(lab.bob.dialogs(), 1);
    lab.ladder_is(
        "  0 --> INVITE
           0 <-- 200
         500 <-- 200",
    );
    lab.expect_response(Alice, 200);
}
