//! A call as it goes when nothing goes wrong, over UDP and TCP.

mod common;

use common::*;
use sip_core::header::{Contact, From, MaxForwards, RecordRoute, Route, Via};
use sip_core::{HeaderName, Method, Transport};

#[test]
fn invite_ring_answer_talk_and_hang_up() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut lab = Lab::with(transport, |_| {});
        let (call, asked) = lab.invited();
        assert_eq!(asked.dialog, None);

        let bobs = lab.respond(Bob, &asked, 180).expect("an early dialog");
        lab.settle();
        let ringing = lab.expect_response(Alice, 180);
        assert_eq!(ringing.id, call);
        let alices = ringing.dialog.expect("an early dialog");
        assert_eq!(to_tag(&ringing.response), lab.alice.dialog(alices).unwrap().remote_tag());

        lab.run(secs(10));
        assert_eq!(lab.respond(Bob, &asked, 200), Some(bobs));
        lab.settle();
        let answered = lab.expect_response(Alice, 200);
        assert_eq!((answered.id, answered.dialog), (call, Some(alices)));
        lab.ack(Alice, alices);
        lab.settle();
        assert_eq!(lab.expect_ack(Bob).0, bobs);

        lab.run(secs(100));
        let bye = lab.request_in(Bob, bobs, Method::Bye);
        lab.settle();
        let asked = lab.expect_request(Alice, Method::Bye);
        assert_eq!(asked.dialog, Some(alices));
        lab.respond(Alice, &asked, 200);
        assert_eq!(lab.alice.dialogs(), 0);
        lab.settle();
        assert_eq!(lab.expect_response(Bob, 200).id, bye);
        assert_eq!(lab.bob.dialogs(), 0);
        lab.ladder_is(
            "     0 --> INVITE
                  0 <-- 180
              10000 <-- 200
              10000 --> ACK
             110000 <-- BYE
             110000 --> 200",
        );
        lab.no_event(Alice);
        lab.no_event(Bob);
        lab.rest();
    }
}

#[test]
fn what_the_user_leaves_out_is_filled_in() {
    let mut lab = Lab::with(Transport::Udp, |config| {
        config.user_agent = Some("Lab/1".to_owned());
    });
    lab.invite(Alice);
    let invite = lab.take_one("INVITE");
    let request = invite.request();
    let via = request.headers.require::<Via>().unwrap();
    assert_eq!(via.sent_by.to_string(), "192.0.2.1:5060");
    assert_eq!(via.rport(), Some(None));
    assert!(via.branch().unwrap().starts_with("z9hG4bK"));
    assert_eq!(request.headers.require::<MaxForwards>().unwrap().0, 70);
    assert!(request.headers.require::<From>().unwrap().tag().is_some());
    for name in [
        HeaderName::CallId,
        HeaderName::CSeq,
        HeaderName::To,
        HeaderName::Allow,
        HeaderName::UserAgent,
    ] {
        assert!(request.headers.contains(name.clone()), "{name:?}");
    }
    let contact = request.headers.require::<Contact>().unwrap();
    assert_eq!(contact.address().unwrap().uri.to_string(), "sip:alice@192.0.2.1:5060");

    lab.deliver(invite);
    let asked = lab.expect_request(Bob, Method::Invite);
    lab.respond(Bob, &asked, 200);
    let answer = lab.take_one("200").response();
    let contact = answer.headers.require::<Contact>().unwrap();
    assert_eq!(contact.address().unwrap().uri.to_string(), "sip:bob@192.0.2.2:5060");
    assert!(answer.headers.contains(HeaderName::Allow));
    assert!(answer.headers.contains(HeaderName::Server));
}

#[test]
fn record_route_is_copied_and_becomes_the_route_set_on_both_sides() {
    let mut lab = Lab::new();
    let (now, flow) = (lab.now, lab.flow(Alice));
    lab.alice.invite(now, request(Method::Invite, Alice), flow).unwrap();
    let invite = lab.take_one("INVITE");
    // What two proxies on the way have added; the second is nearer to Bob.
    let text = String::from_utf8(invite.bytes.to_vec()).unwrap().replacen(
        "\r\n",
        "\r\nRecord-Route: <sip:192.0.2.2:5060;lr;p2>\r\nRecord-Route: <sip:192.0.2.1;lr;p1>\r\n",
        1,
    );
    lab.deliver(Packet { bytes: text.into(), ..invite });
    let asked = lab.expect_request(Bob, Method::Invite);
    let bobs = lab.respond(Bob, &asked, 200).unwrap();
    let answer = lab.take_one("200");
    let recorded: Vec<String> = answer
        .response()
        .headers
        .all::<RecordRoute>()
        .map(|route| route.unwrap().uri.to_string())
        .collect();
    assert_eq!(recorded, ["sip:192.0.2.2:5060;lr;p2", "sip:192.0.2.1;lr;p1"]);
    lab.deliver(answer);
    let alices = lab.expect_response(Alice, 200).dialog.unwrap();
    lab.ack(Alice, alices);
    let ack = lab.take_one("ACK");
    let routes: Vec<String> =
        ack.request().headers.all::<Route>().map(|route| route.unwrap().uri.to_string()).collect();
    assert_eq!(routes, ["sip:192.0.2.1;lr;p1", "sip:192.0.2.2:5060;lr;p2"]);
    assert_eq!(ack.request().uri.to_string(), "sip:bob@192.0.2.2:5060");
    // The next hop is the first route.
    assert_eq!(ack.flow.remote.to_string(), "192.0.2.1:5060");
    lab.deliver(ack);
    assert_eq!(lab.expect_ack(Bob).0, bobs);
    let routes: Vec<String> =
        lab.bob.dialog(bobs).unwrap().routes().iter().map(|route| route.uri.to_string()).collect();
    assert_eq!(routes, ["sip:192.0.2.2:5060;lr;p2", "sip:192.0.2.1;lr;p1"]);
}

#[test]
fn an_unanswered_invite_gets_100_after_200_ms() {
    let mut lab = Lab::new();
    lab.invite(Alice);
    lab.run(ms(300));
    lab.ladder_is(
        "  0 --> INVITE
         200 <-- 100",
    );
    lab.expect_response(Alice, 100);
    lab.no_event(Alice);
}

#[test]
fn a_long_ringing_phone_repeats_its_180_each_minute() {
    let mut lab = Lab::new();
    let asked = lab.called();
    lab.respond(Bob, &asked, 180);
    lab.run(secs(130));
    lab.ladder_is(
        "     0 --> INVITE
              0 <-- 180
          60000 <-- 180
         120000 <-- 180",
    );
    lab.respond(Bob, &asked, 486);
    lab.ignore_events(Alice);
    lab.rest();
}

#[test]
fn requests_outside_a_dialog() {
    let mut lab = Lab::new();
    let options = lab.request(Alice, Method::Options);
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Options);
    assert_eq!(lab.respond(Bob, &asked, 200), None);
    lab.settle();
    let told = lab.expect_response(Alice, 200);
    assert_eq!((told.id, told.dialog), (options, None));
    assert!(told.response.headers.contains(HeaderName::Allow));
    lab.rest();
}
