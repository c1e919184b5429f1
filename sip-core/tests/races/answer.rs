//! 2xx, ACK and forks (RFC 3261 §13.2.2.4, §13.3.1.4, RFC 6026).

use crate::common::*;
use sip_core::dialog::DialogState;
use sip_core::endpoint::{Error, Event};
use sip_core::header::{Contact, ContentType, NameAddr, RecordRoute};
use sip_core::transaction::Failure;
use sip_core::{Method, Response, StatusCode, Transport};

#[test]
fn a_2xx_is_sent_for_32_s_without_ack_on_any_transport() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut lab = Lab::with(transport, |_| {});
        let asked = lab.called();
        let bobs = lab.respond(Bob, &asked, 200).unwrap();
        lab.run(secs(60));
        lab.ladder_is(
            "    0 --> INVITE
                 0 <-- 200
               500 <-- 200
              1500 <-- 200
              3500 <-- 200
              7500 <-- 200
             11500 <-- 200
             15500 <-- 200
             19500 <-- 200
             23500 <-- 200
             27500 <-- 200
             31500 <-- 200",
        );
        assert_eq!(lab.event(Bob), Event::AckTimeout { dialog: bobs });
        lab.no_event(Bob);
        // What the standard asks for then.
        lab.request_in(Bob, bobs, Method::Bye);
        lab.settle();
        lab.expect_response(Alice, 200);
        let bye = lab.expect_request(Alice, Method::Bye);
        lab.answer(Alice, &bye, 200);
        lab.rest();
    }
}

#[test]
fn every_repeated_2xx_gets_the_same_ack() {
    let mut lab = Lab::new();
    let asked = lab.called();
    lab.respond(Bob, &asked, 200);
    let first = lab.take_one("200");
    lab.deliver(first.clone());
    let alices = lab.expect_response(Alice, 200).dialog.unwrap();
    let body = "v=0\r\n";
    lab.alice.ack(lab.now, alices, Some((ContentType::sdp(), body.into()))).unwrap();
    let ack = lab.take_one("ACK");
    assert_eq!(&ack.request().body[..], body.as_bytes());
    for _ in 0..3 {
        lab.deliver(first.clone());
        assert_eq!(lab.take_one("ACK").bytes, ack.bytes);
        lab.no_event(Alice);
    }
    lab.deliver(ack.clone());
    let (_, request) = lab.expect_ack(Bob);
    assert_eq!(&request.body[..], body.as_bytes());
    lab.deliver(ack);
    lab.no_event(Bob);
    lab.run(secs(20));
    assert_eq!(lab.pump(), [""; 0]);
}

#[test]
fn a_2xx_repeated_before_the_user_acknowledges_is_told_once() {
    let mut lab = Lab::new();
    let asked = lab.called();
    lab.respond(Bob, &asked, 200);
    lab.run(secs(2));
    let alices = lab.expect_response(Alice, 200).dialog.unwrap();
    lab.no_event(Alice);
    lab.ack(Alice, alices);
    lab.settle();
    lab.expect_ack(Bob);
    lab.clear_ladder();
    lab.run(secs(20));
    lab.ladder_is("");
}

#[test]
fn a_late_180_after_the_200_is_not_told() {
    let mut lab = Lab::new();
    let asked = lab.called();
    lab.respond(Bob, &asked, 180);
    let late = lab.take_one("180");
    let alices = lab.answer(Bob, &asked, 200).dialog.unwrap();
    lab.ack(Alice, alices);
    lab.deliver(late);
    lab.settle();
    lab.no_event(Alice);
    assert_eq!(lab.alice.dialog(alices).unwrap().state(), DialogState::Confirmed);
}

/// What another fork would have answered: the same response with another To tag and Contact.
fn forked(packet: &Packet, tag: &str) -> Packet {
    let response = packet.response();
    let own = to_tag(&response);
    let text = String::from_utf8(packet.bytes.to_vec())
        .unwrap()
        .replace(&own, tag)
        .replace("<sip:bob@192.0.2.2:5060>", &format!("<sip:{tag}@192.0.2.2:5060>"));
    Packet { bytes: text.into(), ..packet.clone() }
}

#[test]
fn forked_200s_are_each_acknowledged_and_the_losers_ended() {
    let mut lab = Lab::new();
    let (call, asked) = lab.invited();
    lab.respond(Bob, &asked, 180);
    let ringing = lab.take_one("180");
    for tag in ["fork1", "fork2", "fork3"] {
        lab.deliver(forked(&ringing, tag));
    }
    let forks: Vec<_> = (0..3).map(|_| lab.expect_response(Alice, 180).dialog.unwrap()).collect();
    assert_eq!(lab.alice.dialogs(), 3);

    lab.respond(Bob, &asked, 200);
    let answer = lab.take_one("200");
    for (tag, dialog) in [("fork1", forks[0]), ("fork2", forks[1])] {
        lab.deliver(forked(&answer, tag));
        let told = lab.expect_response(Alice, 200);
        assert_eq!((told.id, told.dialog), (call, Some(dialog)));
    }
    // One that never rang.
    lab.deliver(forked(&answer, "fork4"));
    let late = lab.expect_response(Alice, 200).dialog.unwrap();
    assert!(!forks.contains(&late));

    for (dialog, user) in [(forks[0], "fork1"), (forks[1], "fork2"), (late, "fork4")] {
        lab.ack(Alice, dialog);
        let ack = lab.take_one("ACK").request();
        assert_eq!(ack.uri.to_string(), format!("sip:{user}@192.0.2.2:5060"));
    }
    for dialog in [forks[1], late] {
        lab.request_in(Alice, dialog, Method::Bye);
        lab.take_one("BYE");
    }
    // The fork that only rang is over when no more 2xx can come.
    lab.run_cut_off(secs(33));
    assert!(lab.alice.dialog(forks[2]).is_none());
    assert_eq!(lab.alice.dialogs(), 1);
}

#[test]
fn more_forks_than_the_limit_are_dropped() {
    let mut lab = Lab::with(Transport::Udp, |config| config.capacity.forks = 2);
    let asked = lab.called();
    lab.respond(Bob, &asked, 200);
    let answer = lab.take_one("200");
    for tag in ["a1", "a2", "a3", "a4"] {
        lab.deliver(forked(&answer, tag));
    }
    lab.expect_response(Alice, 200);
    lab.expect_response(Alice, 200);
    lab.no_event(Alice);
    assert_eq!(lab.alice.dialogs(), 2);
    assert_eq!(lab.alice.statistics().stray_responses, 2);
}

#[test]
fn a_refusal_ends_every_early_dialog() {
    let mut lab = Lab::new();
    let asked = lab.called();
    lab.respond(Bob, &asked, 183);
    let progress = lab.take_one("183");
    lab.deliver(forked(&progress, "fork1"));
    lab.deliver(progress);
    assert_eq!(lab.alice.dialogs(), 2);
    lab.respond(Bob, &asked, 486);
    lab.settle();
    assert_eq!((lab.alice.dialogs(), lab.bob.dialogs()), (0, 0));
    lab.rest();
}

#[test]
fn the_2xx_decides_route_set_and_target() {
    let mut lab = Lab::new();
    let asked = lab.called();
    let route = |text: &str| RecordRoute(NameAddr::parse(text).unwrap());
    let mut ringing = Response::to(&asked.request, StatusCode::RINGING);
    ringing.headers.push(route("<sip:192.0.2.2:5070;lr>"));
    lab.bob.respond(lab.now, asked.id, ringing).unwrap();
    lab.settle();
    let alices = lab.expect_response(Alice, 180).dialog.unwrap();
    assert_eq!(lab.alice.dialog(alices).unwrap().routes().len(), 1);

    let mut answer = Response::to(&asked.request, StatusCode::OK);
    answer.headers.push(route("<sip:192.0.2.2:5071;lr>"));
    answer.headers.push(route("<sip:192.0.2.2:5072;lr>"));
    answer.headers.push(Contact::Address(NameAddr::parse("<sip:bob@192.0.2.2:5073>").unwrap()));
    lab.bob.respond(lab.now, asked.id, answer).unwrap();
    lab.settle();
    assert_eq!(lab.expect_response(Alice, 200).dialog, Some(alices));
    let dialog = lab.alice.dialog(alices).unwrap();
    let routes: Vec<String> = dialog.routes().iter().map(|route| route.uri.to_string()).collect();
    assert_eq!(routes, ["sip:192.0.2.2:5072;lr", "sip:192.0.2.2:5071;lr"]);
    assert_eq!(dialog.target().to_string(), "sip:bob@192.0.2.2:5073");
    lab.ack(Alice, alices);
    let ack = lab.take_one("ACK");
    assert_eq!(ack.flow.remote.port(), 5072);
}

#[test]
fn an_invite_without_any_response_fails_after_64_t1() {
    let mut lab = Lab::new();
    let call = lab.invite(Alice);
    lab.run_cut_off(ms(31_999));
    lab.no_event(Alice);
    lab.run_cut_off(ms(1));
    assert_eq!(lab.event(Alice), Event::Failed { id: call, reason: Failure::Timeout });
    lab.ladder_is(
        "    0 --> INVITE
           500 --> INVITE
          1500 --> INVITE
          3500 --> INVITE
          7500 --> INVITE
         15500 --> INVITE
         31500 --> INVITE",
    );
    lab.rest();
}

#[test]
fn ringing_is_not_limited() {
    let mut lab = Lab::new();
    let (call, asked) = lab.invited();
    lab.respond(Bob, &asked, 180);
    lab.run(secs(3600));
    lab.respond(Bob, &asked, 200);
    lab.settle();
    let mut last = None;
    while let Some(event) = lab.alice.poll_event() {
        last = Some(event);
    }
    assert!(matches!(last, Some(Event::Response { id, .. }) if id == call));
}

#[test]
fn there_is_nothing_to_acknowledge_before_the_2xx() {
    let mut lab = Lab::new();
    let asked = lab.called();
    let alices = lab.answer(Bob, &asked, 180).dialog.unwrap();
    assert!(matches!(lab.alice.ack(lab.now, alices, None), Err(Error::NotAllowed(_))));
}

#[test]
fn a_2xx_that_comes_after_the_bye_is_acknowledged_and_makes_no_second_call() {
    let mut lab = Lab::new();
    let asked = lab.called();
    lab.respond(Bob, &asked, 200);
    let answer = lab.take_one("200");
    lab.deliver(answer.clone());
    let alices = lab.expect_response(Alice, 200).dialog.unwrap();
    lab.ack(Alice, alices);
    let ack = lab.take_one("ACK");
    lab.hang_up(Alice, alices);
    assert_eq!(lab.alice.dialogs(), 0);
    lab.deliver(answer);
    assert_eq!(lab.take_one("ACK").bytes, ack.bytes);
    assert_eq!(lab.alice.dialogs(), 0);
    lab.no_event(Alice);
    lab.rest();
}

#[test]
fn an_early_dialog_ended_by_bye_and_answered_all_the_same_starts_anew() {
    let mut lab = Lab::new();
    let (call, asked) = lab.invited();
    lab.respond(Bob, &asked, 180);
    let ringing = lab.take_one("180");
    lab.deliver(ringing.clone());
    let early = lab.expect_response(Alice, 180).dialog.unwrap();
    lab.respond(Bob, &asked, 200);
    let answer = lab.take_one("200");
    lab.hang_up(Alice, early);
    lab.deliver(ringing);
    assert_eq!(lab.expect_response(Alice, 180).dialog, None);
    lab.deliver(answer);
    let told = lab.expect_response(Alice, 200);
    assert_eq!(told.id, call);
    let dialog = told.dialog.unwrap();
    assert_ne!(dialog, early);
    lab.ack(Alice, dialog);
    lab.request_in(Alice, dialog, Method::Bye);
    lab.settle();
    lab.expect_response(Alice, 481);
    lab.rest();
}
