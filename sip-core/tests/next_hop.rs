//! Where requests within a dialog go (RFC 3261 §12.2.1.1, RFC 5923), and what Contact says.

mod common;

use common::*;
use sip_core::endpoint::{Address, Config, Input, NextHop};
use sip_core::header::{Contact, NameAddr};
use sip_core::{ConnectionId, DialogId, Flow, HostPort, Method, Response, StatusCode, Transport};

fn contact(text: &str) -> Contact {
    Contact::Address(NameAddr::parse(text).unwrap())
}

/// Bob answers a call from a peer at `remote` with this Contact and so many proxies in between;
/// gives where his BYE goes.
fn callee(configure: impl Fn(&mut Config), remote: Flow, contact: &str, vias: usize) -> Flow {
    let mut lab = Lab::with(Transport::Udp, configure);
    let more: String =
        (1..vias).map(|n| format!("Via: SIP/2.0/UDP 10.9.9.{n};branch=z9hG4bK{n}\r\n")).collect();
    let text = format!(
        "INVITE sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bKtop\r\n{more}\
         From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\
         Max-Forwards: 70\r\nContact: {contact}\r\n\r\n"
    );
    lab.bob.handle_input(lab.now, Input::Received { flow: remote, message: text.into() });
    let asked = lab.expect_request(Bob, Method::Invite);
    let dialog = lab.respond(Bob, &asked, 200).unwrap();
    lab.take();
    bye_goes(&mut lab, dialog)
}

fn bye_goes(lab: &mut Lab, dialog: DialogId) -> Flow {
    // An INFO goes where a BYE would, and does not wait for the ACK.
    lab.request_in(Bob, dialog, Method::Info);
    lab.take().pop().unwrap().flow
}

fn udp(remote: &str) -> Flow {
    Flow::udp(Bob.address(), remote.parse().unwrap())
}

fn tcp(remote: &str) -> Flow {
    let connection = Some(ConnectionId { index: 3, generation: 0 });
    Flow { transport: Transport::Tcp, connection, ..udp(remote) }
}

#[test]
fn behind_a_proxy_the_contact_says_where() {
    let flow = callee(|_| {}, udp("192.0.2.1:5060"), "<sip:a@192.0.2.77:5066>", 2);
    assert_eq!(flow, udp("192.0.2.77:5066"));
    let flow = callee(|_| {}, udp("192.0.2.1:5060"), "<sip:a@192.0.2.77>", 2);
    assert_eq!(flow, udp("192.0.2.77:5060"));
    let flow = callee(|_| {}, udp("192.0.2.1:5060"), "<sip:a@192.0.2.77;transport=tcp>", 2);
    assert_eq!((flow.transport, flow.connection), (Transport::Tcp, None));
    // The port of a neighbour without NAT is what it says.
    let flow = callee(|_| {}, udp("192.0.2.1:4444"), "<sip:a@192.0.2.1:5066>", 1);
    assert_eq!(flow, udp("192.0.2.1:5066"));
}

#[test]
fn behind_a_nat_the_flow_is_kept() {
    let public = udp("198.51.100.7:40123");
    assert_eq!(callee(|_| {}, public, "<sip:a@10.0.0.1:5060>", 1), public);
    // A private address from a public one, though a proxy is in between.
    assert_eq!(callee(|_| {}, public, "<sip:a@192.168.1.5:5060>", 2), public);
    // A NAT within a private network.
    let lan = udp("192.168.7.1:40123");
    assert_eq!(callee(|_| {}, lan, "<sip:a@10.0.0.1:5060>", 1), lan);
}

#[test]
fn what_cannot_be_reached_otherwise_stays_on_the_flow() {
    let flow = udp("192.0.2.1:5060");
    for contact in [
        "<sip:a@phone.example.com>",
        "<sip:a@0.0.0.0>",
        "<sip:a@224.0.1.75>",
        "<sip:a@192.0.2.77:0>",
        "<sip:a@[2001:db8::1]>",
        "<tel:+79001234567>",
    ] {
        assert_eq!(callee(|_| {}, flow, contact, 2), flow, "{contact}");
    }
}

#[test]
fn a_connection_to_the_right_host_is_used_whatever_its_port() {
    let flow = tcp("192.0.2.1:40123");
    for contact in ["<sip:a@192.0.2.1:5060;transport=tcp>", "<sip:a@192.0.2.1>"] {
        assert_eq!(callee(|_| {}, flow, contact, 1), flow, "{contact}");
    }
    let other = callee(|_| {}, flow, "<sip:a@192.0.2.9;transport=tcp>", 2);
    assert_eq!((other.connection, other.remote), (None, "192.0.2.9:5060".parse().unwrap()));
}

#[test]
fn the_flow_may_be_kept_by_configuration() {
    let flow = udp("192.0.2.1:5060");
    let kept = |config: &mut Config| config.next_hop = NextHop::SameFlow;
    assert_eq!(callee(kept, flow, "<sip:a@192.0.2.77:5066>", 2), flow);
}

#[test]
fn a_phone_called_on_its_registered_flow_is_answered_there() {
    let mut lab = Lab::new();
    // Registered as 10.0.0.9 from behind the NAT that is at Bob's address.
    let mut invite = request(Method::Invite, Alice);
    invite.uri = "sip:bob@10.0.0.9:5060".parse().unwrap();
    let flow = lab.flow(Alice);
    lab.alice.invite(lab.now, invite, flow).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Invite);
    let mut answer = Response::to(&asked.request, StatusCode::OK);
    answer.headers.push(contact("<sip:bob@10.0.0.9:5060>"));
    lab.bob.respond(lab.now, asked.id, answer).unwrap();
    lab.settle();
    let dialog = lab.expect_response(Alice, 200).dialog.unwrap();
    lab.ack(Alice, dialog);
    let ack = lab.take_one("ACK");
    assert_eq!(ack.flow, flow);
    assert_eq!(ack.request().uri.to_string(), "sip:bob@10.0.0.9:5060");
}

#[test]
fn our_contact_stays_the_same_through_the_dialog() {
    let mut lab = Lab::new();
    let mut invite = request(Method::Invite, Alice);
    invite.headers.push(contact("<sip:line7@192.0.2.1:5060;ob>"));
    let flow = lab.flow(Alice);
    lab.alice.invite(lab.now, invite, flow).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Invite);
    let mut answer = Response::to(&asked.request, StatusCode::OK);
    answer.headers.push(contact("<sip:desk@192.0.2.2>"));
    let bobs = lab.bob.respond(lab.now, asked.id, answer).unwrap().unwrap();
    lab.settle();
    let (alices, _) = lab.acknowledge();

    lab.request_in(Alice, alices, Method::Invite);
    let again = lab.take_one("INVITE");
    let named = again.request().headers.require::<Contact>().unwrap();
    assert_eq!(named, contact("<sip:line7@192.0.2.1:5060;ob>"));
    lab.deliver(again);
    let asked = lab.expect_request(Bob, Method::Invite);
    lab.respond(Bob, &asked, 200);
    let answer = lab.take_one("200");
    let named = answer.response().headers.require::<Contact>().unwrap();
    assert_eq!(named, contact("<sip:desk@192.0.2.2>"));
    assert_eq!(
        lab.bob.dialog(bobs).unwrap().contact().unwrap().to_string(),
        "<sip:desk@192.0.2.2>"
    );
}

#[test]
fn the_address_that_we_name_may_depend_on_the_peer() {
    let mut lab = Lab::with(Transport::Tcp, |config| {
        config.address = Address::by(|flow| match flow.remote.ip().to_string().as_str() {
            "192.0.2.2" => HostPort::parse("pbx.example.com:5070").unwrap(),
            _ => flow.local.into(),
        });
    });
    lab.invite(Alice);
    let invite = lab.take_one("INVITE").request();
    let via = invite.headers.require::<sip_core::header::Via>().unwrap();
    assert_eq!(via.sent_by.to_string(), "pbx.example.com:5070");
    let named = invite.headers.require::<Contact>().unwrap();
    let uri = named.address().unwrap().uri.to_string();
    assert_eq!(uri, "sip:alice@pbx.example.com:5070;transport=tcp");
}
