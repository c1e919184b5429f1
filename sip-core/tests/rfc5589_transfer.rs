//! Call transfer (RFC 5589) between three parties: blind, attended, and of a call on hold.

#[path = "common/stage.rs"]
mod stage;

use insta::assert_snapshot;
use sip_core::dialog::transfer;
use sip_core::endpoint::{Event, within};
use sip_core::header::{From, NameAddr, ReferTo, ReferredBy};
use sip_core::{DialogId, Flow, HeaderName, Method, Request, Response, StatusCode, Token};
use stage::{Stage, address, invite};

const TRANSFEROR: usize = 0;
const TRANSFEREE: usize = 1;
const TARGET: usize = 2;

fn stage() -> Stage {
    Stage::new(&["transferor", "transferee", "target"], |config| {
        config.supported = vec![Token::from_static("replaces"), Token::from_static("norefersub")];
    })
}

/// The transferee takes the REFER and calls where it says; the dialogs of the new call, and the
/// INVITE as the target got it.
fn follow(stage: &mut Stage) -> (DialogId, DialogId, Request) {
    let (id, _, refer) = stage.request(TRANSFEREE, Method::Refer);
    let accepted = Response::to(&refer, StatusCode::ACCEPTED);
    let reports = stage
        .act(TRANSFEREE, |endpoint, now| endpoint.accept_refer(now, id, accepted).unwrap())
        .unwrap();
    let mut new = transfer::referred(&refer).unwrap().unwrap();
    new.headers.push(From(NameAddr::parse("<sip:1@192.0.2.2>").unwrap()));
    let flow = Flow::udp(address(TRANSFEREE), address(TARGET));
    stage.act(TRANSFEREE, |endpoint, now| endpoint.invite(now, new, flow).unwrap());
    let (id, _, request) = stage.request(TARGET, Method::Invite);
    let response = Response::to(&request, StatusCode::OK);
    let callee =
        stage.act(TARGET, |endpoint, now| endpoint.respond(now, id, response).unwrap().unwrap());
    let caller = stage.response(TRANSFEREE, StatusCode::OK).unwrap();
    stage.act(TRANSFEREE, |endpoint, now| {
        endpoint.ack(now, caller, None).unwrap();
        endpoint.report(now, reports, StatusCode::OK).unwrap();
    });
    (caller, callee, request)
}

fn hang_up(stage: &mut Stage, who: usize, dialog: DialogId, peer: usize) {
    stage.act(who, |endpoint, now| endpoint.request_in(now, dialog, within(Method::Bye)).unwrap());
    loop {
        if let Event::Request { id, request, .. } = stage.event(peer) {
            let response = Response::to(&request, StatusCode::OK);
            stage.act(peer, |endpoint, now| endpoint.respond(now, id, response).unwrap());
            return;
        }
    }
}

#[test]
fn a_blind_transfer() {
    let mut stage = stage();
    let (ours, _) = stage.call(TRANSFEROR, TRANSFEREE, invite(TRANSFEROR, TRANSFEREE));
    stage.ladder();
    let mut refer = within(Method::Refer);
    refer.headers.push(ReferTo(NameAddr::parse("<sip:2@192.0.2.3:5060>").unwrap()));
    refer.headers.push(ReferredBy(NameAddr::parse("<sip:0@192.0.2.1>").unwrap()));
    stage.act(TRANSFEROR, |endpoint, now| endpoint.refer_in(now, ours, refer).unwrap());
    let (_, _, request) = follow(&mut stage);
    assert!(request.headers.contains(HeaderName::ReferredBy));
    hang_up(&mut stage, TRANSFEROR, ours, TRANSFEREE);
    assert_snapshot!(stage.ladder(), @"
                 transferor                transferee                  target
    0.300             |-------- REFER 1 ------->|                         |
    0.400             |<------ 202 REFER -------|                         |
    0.400             |<-- NOTIFY (sipfrag) ----|                         |
    0.401             |------ 200 NOTIFY ------>|                         |
    0.500             |                         |------- INVITE 2 ------->|
    0.600             |                         |<----- 200 INVITE -------|
    0.700             |                         |---------- ACK --------->|
    0.700             |<-- NOTIFY (sipfrag) ----|                         |
    0.701             |------ 200 NOTIFY ------>|                         |
    0.800             |---------- BYE --------->|                         |
    0.900             |<------- 200 BYE --------|                         |
    ");
    let bodies: Vec<_> = (0..2)
        .map(|_| match stage.event(TRANSFEROR) {
            Event::Notified { request, .. } => request.body,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(bodies, ["SIP/2.0 100 Trying\r\n", "SIP/2.0 200 OK\r\n"]);
}

#[test]
fn an_attended_transfer() {
    let mut stage = stage();
    let (ours, _) = stage.call(TRANSFEROR, TRANSFEREE, invite(TRANSFEROR, TRANSFEREE));
    let (consultation, at_target) = stage.call(TRANSFEROR, TARGET, invite(TRANSFEROR, TARGET));
    stage.ladder();
    let mut refer = within(Method::Refer);
    let dialog = stage.endpoint(TRANSFEROR).dialog(consultation).unwrap();
    refer.headers.push(transfer::refer_to(dialog).unwrap());
    stage.act(TRANSFEROR, |endpoint, now| endpoint.refer_in(now, ours, refer).unwrap());
    let (_, new, request) = follow(&mut stage);
    assert!(request.headers.contains(HeaderName::Replaces));
    // The target ended the consultation by itself.
    match stage.event(TARGET) {
        Event::Replaced { dialog, by, bye } => {
            assert_eq!((dialog, by), (at_target, new));
            assert!(bye.is_some());
        }
        other => panic!("{other:?}"),
    }
    loop {
        if let Event::Request { id, request, dialog, .. } = stage.event(TRANSFEROR) {
            assert_eq!((request.method.clone(), dialog), (Method::Bye, Some(consultation)));
            let response = Response::to(&request, StatusCode::OK);
            stage.act(TRANSFEROR, |endpoint, now| endpoint.respond(now, id, response).unwrap());
            break;
        }
    }
    hang_up(&mut stage, TRANSFEROR, ours, TRANSFEREE);
    assert_snapshot!(stage.ladder(), @"
                 transferor                transferee                  target
    0.600             |-------- REFER 1 ------->|                         |
    0.700             |<------ 202 REFER -------|                         |
    0.700             |<-- NOTIFY (sipfrag) ----|                         |
    0.701             |------ 200 NOTIFY ------>|                         |
    0.800             |                         |------- INVITE 2 ------->|
    0.900             |                         |<----- 200 INVITE -------|
    0.900             |<---------------------- BYE -----------------------|
    1.000             |                         |---------- ACK --------->|
    1.000             |<-- NOTIFY (sipfrag) ----|                         |
    1.001             |------ 200 NOTIFY ------>|                         |
    1.100             |--------------------- 200 BYE -------------------->|
    1.200             |---------- BYE --------->|                         |
    1.300             |<------- 200 BYE --------|                         |
    ");
    assert_eq!(stage.endpoint(TRANSFEROR).dialogs(), 0);
    assert_eq!(stage.endpoint(TRANSFEREE).dialogs(), 1);
    assert_eq!(stage.endpoint(TARGET).dialogs(), 1);
}

#[test]
fn the_target_hangs_up_before_the_transfer_comes() {
    let mut stage = stage();
    let (ours, _) = stage.call(TRANSFEROR, TRANSFEREE, invite(TRANSFEROR, TRANSFEREE));
    let (consultation, at_target) = stage.call(TRANSFEROR, TARGET, invite(TRANSFEROR, TARGET));
    let mut refer = within(Method::Refer);
    let dialog = stage.endpoint(TRANSFEROR).dialog(consultation).unwrap();
    refer.headers.push(transfer::refer_to(dialog).unwrap());
    hang_up(&mut stage, TARGET, at_target, TRANSFEROR);
    stage.ladder();
    stage.act(TRANSFEROR, |endpoint, now| endpoint.refer_in(now, ours, refer).unwrap());
    let (id, _, refer) = stage.request(TRANSFEREE, Method::Refer);
    let accepted = Response::to(&refer, StatusCode::ACCEPTED);
    let reports = stage
        .act(TRANSFEREE, |endpoint, now| endpoint.accept_refer(now, id, accepted).unwrap())
        .unwrap();
    let mut new = transfer::referred(&refer).unwrap().unwrap();
    new.headers.push(From(NameAddr::parse("<sip:1@192.0.2.2>").unwrap()));
    let flow = Flow::udp(address(TRANSFEREE), address(TARGET));
    stage.act(TRANSFEREE, |endpoint, now| endpoint.invite(now, new, flow).unwrap());
    stage.response(TRANSFEREE, StatusCode::DECLINE);
    stage.act(TRANSFEREE, |endpoint, now| {
        endpoint.report(now, reports, StatusCode::DECLINE).unwrap();
    });
    assert_snapshot!(stage.ladder(), @"
                 transferor                transferee                  target
    0.800             |-------- REFER 1 ------->|                         |
    0.900             |<------ 202 REFER -------|                         |
    0.900             |<-- NOTIFY (sipfrag) ----|                         |
    0.901             |------ 200 NOTIFY ------>|                         |
    1.000             |                         |------- INVITE 2 ------->|
    1.001             |                         |<----- 603 INVITE -------|
    1.002             |                         |---------- ACK --------->|
    1.100             |<-- NOTIFY (sipfrag) ----|                         |
    1.101             |------ 200 NOTIFY ------>|                         |
    ");
    // The call that was to be transferred is still there.
    assert!(stage.endpoint(TRANSFEROR).dialog(ours).is_some());
}

#[test]
fn a_stranger_cannot_smuggle_headers_in() {
    let mut refer = within(Method::Refer);
    let address = NameAddr::parse(
        "<sip:2@192.0.2.3;method=INVITE?Route=%3Csip:evil%3E&Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>",
    );
    refer.headers.push(ReferTo(address.unwrap()));
    let invite = transfer::referred(&refer).unwrap().unwrap();
    assert_eq!(invite.uri.to_string(), "sip:2@192.0.2.3");
    assert!(!invite.headers.contains(HeaderName::Route));
    assert!(invite.headers.contains(HeaderName::Replaces));
    let mut other = within(Method::Refer);
    other.headers.push(ReferTo(NameAddr::parse("<sip:2@192.0.2.3;method=BYE>").unwrap()));
    assert_eq!(transfer::referred(&other).unwrap(), None);
}
