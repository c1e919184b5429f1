//! The state Accepted of INVITE transactions (RFC 6026): what comes after a 2xx, on both sides.
//! The machines themselves are compared with the RFC's figures in `transaction_machines.rs`.

mod common;

use common::*;
use insta::assert_snapshot;
use sip_core::endpoint::{Event, Input};
use sip_core::transaction::Failure;
use sip_core::{Method, Transport};

/// What another fork would have sent: the same response with another To tag.
fn forked(packet: &Packet, tag: &str) -> Packet {
    let own = to_tag(&packet.response());
    let text = String::from_utf8(packet.bytes.to_vec()).unwrap().replace(&own, tag);
    Packet { bytes: text.into(), ..packet.clone() }
}

/// The INVITE, and the 200 that waits to be delivered.
fn answered(lab: &mut Lab) -> (Packet, Asked, Packet) {
    lab.invite(Alice);
    let invite = lab.take_one("INVITE");
    lab.deliver(invite.clone());
    let asked = lab.expect_request(Bob, Method::Invite);
    lab.respond(Bob, &asked, 200);
    let answer = lab.take_one("200");
    (invite, asked, answer)
}

/// §7.1: in Accepted the INVITE that comes again is absorbed: neither answered by the transaction
/// nor told. RFC 3261 had ended the transaction, and the user saw a second call.
#[test]
fn a_retransmitted_invite_is_absorbed() {
    let mut lab = Lab::new();
    let (invite, _, answer) = answered(&mut lab);
    for _ in 0..3 {
        lab.deliver(invite.clone());
        assert_eq!(lab.pump(), [""; 0]);
    }
    lab.no_event(Bob);
    lab.deliver(answer);
    lab.acknowledge();
    // Also after the ACK, up to Timer L.
    lab.run(ms(31_999));
    lab.deliver(invite);
    assert_eq!(lab.pump(), [""; 0]);
    lab.no_event(Bob);
    assert_eq!(lab.bob.dialogs(), 1);
}

/// §7.1: the 2xx is its user's to repeat; the transaction lets each pass, also on a reliable
/// transport.
#[test]
fn the_2xx_is_repeated_until_the_ack() {
    for transport in [Transport::Udp, Transport::Tcp] {
        let mut lab = Lab::with(transport, |_| {});
        let (_, _, answer) = answered(&mut lab);
        lab.now += ms(1);
        let mut again = Vec::new();
        while again.len() < 3 {
            lab.now = lab.bob.poll_timeout().unwrap();
            lab.bob.handle_timeout(lab.now);
            again.extend(lab.take().into_iter().filter(|packet| packet.from == Bob));
        }
        assert!(again.iter().all(|packet| packet.bytes == answer.bytes));
        lab.deliver(answer);
        lab.acknowledge();
        lab.clear_ladder();
        lab.run(secs(31));
        lab.ladder_is("");
    }
}

/// §7.1: ACKs in Accepted go to the user, who is told of the first; repeated ones say nothing new.
#[test]
fn an_ack_is_told_once() {
    let mut lab = Lab::new();
    let (_, _, answer) = answered(&mut lab);
    lab.deliver(answer);
    let alices = lab.expect_response(Alice, 200).dialog.unwrap();
    lab.ack(Alice, alices);
    let ack = lab.take_one("ACK");
    lab.deliver(ack.clone());
    lab.expect_ack(Bob);
    for _ in 0..3 {
        lab.deliver(ack.clone());
    }
    lab.no_event(Bob);
    assert_eq!(lab.pump(), [""; 0]);
}

/// An ACK that belongs to no call is dropped: ACKs are never answered.
#[test]
fn a_stray_ack_is_dropped() {
    let mut lab = Lab::new();
    let (_, _, answer) = answered(&mut lab);
    lab.deliver(answer);
    let alices = lab.expect_response(Alice, 200).dialog.unwrap();
    lab.ack(Alice, alices);
    let ack = lab.take_one("ACK");
    let text = String::from_utf8(ack.bytes.to_vec()).unwrap();
    let tag = to_tag(&sip_core::Response::to(&ack.request(), sip_core::StatusCode::OK));
    for stray in [text.replace(&tag, "another"), text.replace("Call-ID: ", "Call-ID: x")] {
        lab.deliver(Packet { bytes: stray.into(), ..ack.clone() });
        lab.no_event(Bob);
        assert_eq!(lab.pump(), [""; 0]);
    }
    lab.deliver(ack);
    lab.expect_ack(Bob);
}

/// §8.4: in Accepted the client lets 2xx pass, each with its ACK, and nothing else: a provisional
/// response that is late and a refusal from another branch mean nothing any more.
#[test]
fn only_2xx_pass_the_client_in_accepted() {
    let mut lab = Lab::new();
    let asked = lab.called();
    lab.respond(Bob, &asked, 180);
    let ringing = lab.take_one("180");
    lab.respond(Bob, &asked, 200);
    let answer = lab.take_one("200");
    lab.clear_ladder();
    lab.deliver(answer.clone());
    let first = lab.expect_response(Alice, 200).dialog.unwrap();
    lab.ack(Alice, first);
    lab.deliver(ringing);
    let busy = String::from_utf8(forked(&answer, "busy").bytes.to_vec()).unwrap();
    let busy = busy.replace("SIP/2.0 200 OK", "SIP/2.0 486 Busy Here");
    lab.deliver(Packet { bytes: busy.into(), ..answer.clone() });
    lab.no_event(Alice);
    // A repetition, and another fork.
    lab.deliver(answer.clone());
    lab.no_event(Alice);
    lab.deliver(forked(&answer, "fork"));
    let second = lab.expect_response(Alice, 200).dialog.unwrap();
    assert_ne!(first, second);
    lab.ack(Alice, second);
    assert_snapshot!(lab.draw(), @r"
      0 --> ACK
      0 --> ACK
      0 --> ACK
    ");
}

/// Timer M: 64*T1 after the first 2xx no new one is looked for.
#[test]
fn after_timer_m_a_2xx_of_another_fork_is_stray() {
    let mut lab = Lab::new();
    let (_, _, answer) = answered(&mut lab);
    lab.deliver(answer.clone());
    let alices = lab.expect_response(Alice, 200).dialog.unwrap();
    lab.ack(Alice, alices);
    lab.settle();
    lab.run(ms(31_999));
    lab.deliver(forked(&answer, "early"));
    lab.expect_response(Alice, 200);
    lab.run(ms(1));
    lab.deliver(forked(&answer, "late"));
    lab.no_event(Alice);
    assert_eq!(lab.alice.statistics().stray_responses, 1);
}

/// Timer L: until then a call without ACK is repeated, then its user is told and the transaction is
/// gone.
#[test]
fn after_timer_l_the_server_is_gone() {
    let mut lab = Lab::new();
    let asked = lab.called();
    let bobs = lab.respond(Bob, &asked, 200).unwrap();
    lab.run_cut_off(ms(31_999));
    lab.no_event(Bob);
    lab.run_cut_off(ms(1));
    assert_eq!(lab.event(Bob), Event::AckTimeout { dialog: bobs });
    lab.no_event(Bob);
    lab.bob.abandon(lab.now, bobs).unwrap();
    lab.rest();
}

/// §8.7: that a 2xx or a repetition of it could not be sent is told at once, each time. It goes on
/// being repeated, and what ends that is the ACK, or its absence for 64*T1.
#[test]
fn a_2xx_that_cannot_be_sent_is_told_at_once() {
    for acknowledged in [true, false] {
        let mut lab = Lab::new();
        let (_, asked, answer) = answered(&mut lab);
        let flow = lab.flow(Bob);
        let failed = Event::ResponseFailed { id: asked.id, reason: Failure::Transport(flow) };
        for at in [0, 500, 1500] {
            lab.now = ms(at);
            lab.bob.handle_timeout(lab.now);
            lab.take();
            lab.no_event(Bob);
            lab.bob.handle_input(lab.now, Input::FlowFailed { flow });
            assert_eq!(lab.event(Bob), failed);
            lab.no_event(Bob);
        }
        lab.clear_ladder();
        lab.run_cut_off(secs(6));
        let ladder = lab.draw();
        let bobs: Vec<_> =
            ladder.lines().map(str::trim).filter(|line| line.contains("<--")).collect();
        assert_eq!(bobs, ["3500 <-- 200", "7500 <-- 200"]);
        if !acknowledged {
            lab.run_cut_off(secs(25));
            assert!(matches!(lab.event(Bob), Event::AckTimeout { .. }));
            continue;
        }
        lab.deliver(answer);
        lab.acknowledge();
        // From now on there is nothing left that could be lost, though the transaction stays.
        lab.bob.handle_input(lab.now, Input::FlowFailed { flow });
        lab.no_event(Bob);
    }
}

/// §8.7: the same for a re-INVITE; a call that has ended meanwhile has nobody to tell.
#[test]
fn a_2xx_to_a_re_invite_that_cannot_be_sent_is_told() {
    for ended in [false, true] {
        let mut lab = Lab::new();
        let (alices, bobs) = lab.call();
        let asked = lab.ask_in(Alice, alices, Method::Invite);
        lab.respond(Bob, &asked, 200);
        lab.take_one("200");
        if ended {
            lab.bob.abandon(lab.now, bobs).unwrap();
        }
        let flow = lab.flow(Bob);
        lab.bob.handle_input(lab.now, Input::FlowFailed { flow });
        if !ended {
            let failed = Event::ResponseFailed { id: asked.id, reason: Failure::Transport(flow) };
            assert_eq!(lab.event(Bob), failed);
        }
        lab.no_event(Bob);
    }
}

/// §8.7: of responses before the final one and of those that refuse, the same.
#[test]
fn any_response_that_cannot_be_sent_is_told() {
    for code in [180, 486] {
        let mut lab = Lab::new();
        let asked = lab.called();
        lab.respond(Bob, &asked, code);
        let flow = lab.flow(Bob);
        lab.bob.handle_input(lab.now, Input::FlowFailed { flow });
        let failed = Event::ResponseFailed { id: asked.id, reason: Failure::Transport(flow) };
        assert_eq!(lab.event(Bob), failed);
        lab.no_event(Bob);
        // The transaction goes on.
        lab.settle();
        lab.expect_response(Alice, code);
    }
}

/// When a connection breaks under a 2xx, its next repetition goes over another one (RFC 3261
/// §18.2.2).
#[test]
fn a_2xx_outlives_its_connection() {
    let mut lab = Lab::tcp();
    let (_, asked, answer) = answered(&mut lab);
    let flow = lab.flow(Bob);
    lab.bob.handle_input(lab.now, Input::FlowFailed { flow });
    lab.no_event(Bob);
    lab.now = ms(500);
    lab.bob.handle_timeout(lab.now);
    let again = lab.take_one("200");
    assert_eq!((again.bytes, again.flow.connection), (answer.bytes, None));
    assert_eq!(again.flow.remote, flow.remote);
    // When there is no other either, that is told.
    lab.bob.handle_input(lab.now, Input::FlowFailed { flow: again.flow });
    let failed = Event::ResponseFailed { id: asked.id, reason: Failure::Transport(again.flow) };
    assert_eq!(lab.event(Bob), failed);
    lab.no_event(Bob);
}

/// A CANCEL that comes in Accepted is answered and changes nothing.
#[test]
fn a_cancel_is_too_late() {
    let mut lab = Lab::new();
    let (call, asked) = lab.invited();
    lab.answer(Bob, &asked, 180);
    lab.respond(Bob, &asked, 200);
    let answer = lab.take_one("200");
    lab.clear_ladder();
    lab.alice.cancel(lab.now, call).unwrap();
    lab.settle();
    lab.no_event(Bob);
    assert_snapshot!(lab.draw(), @r"
      0 --> CANCEL
      0 <-- 200
    ");
    lab.deliver(answer);
    lab.expect_response(Alice, 200);
}
