//! Early media (RFC 3960): answers in provisional responses, each for its own early dialog, and the
//! one that counts when the call is answered.

mod common;

use std::collections::BTreeMap;

use common::*;
use insta::assert_snapshot;
use sip_core::DialogId;
use sip_core::header::ContentType;
use sip_core::sdp::{Direction, Limits, Local, Negotiated, OfferAnswer, SessionDescription};
use sip_core::{Method, Response, StatusCode};

fn describe(response: &mut Response, sdp: &SessionDescription) {
    response.headers.set(ContentType::sdp());
    response.body = sdp.to_bytes();
}

/// A caller who keeps a session for each dialog, and what the callee answers.
struct Call {
    lab: Lab,
    asked: Asked,
    /// The offer, from which each dialog's session starts.
    offered: OfferAnswer,
    sessions: BTreeMap<DialogId, OfferAnswer>,
    callee: OfferAnswer,
    answer: SessionDescription,
}

impl Call {
    fn new() -> Self {
        Self::answered_with(Direction::SendRecv)
    }

    /// The callee has the call and has made up its answer, and nothing is sent yet.
    fn answered_with(direction: Direction) -> Self {
        let mut lab = Lab::new();
        let mut offered = OfferAnswer::new(Local::new([192, 0, 2, 1].into(), 4_000));
        let mut invite = request(Method::Invite, Alice);
        invite.headers.set(ContentType::sdp());
        invite.body = offered.make_offer().unwrap().to_bytes();
        let (now, flow) = (lab.now, lab.flow(Alice));
        lab.alice.invite(now, invite, flow).unwrap();
        lab.settle();
        let asked = lab.expect_request(Bob, Method::Invite);
        let mut callee = OfferAnswer::new(Local::new([192, 0, 2, 2].into(), 5_000));
        callee.local_mut().direction = direction;
        let offer = SessionDescription::parse(&asked.request.body, &Limits::strict()).unwrap();
        callee.receive_offer(&offer).unwrap();
        let (answer, _) = callee.make_answer().unwrap();
        Self { lab, asked, offered, sessions: BTreeMap::new(), callee, answer }
    }

    /// Bob's response as it is under way; with his answer or without a body.
    fn sent(&mut self, code: u16, described: bool) -> Packet {
        let mut response = Response::to(&self.asked.request, StatusCode::new(code).unwrap());
        if described {
            describe(&mut response, &self.answer);
        }
        self.lab.bob.respond(self.lab.now, self.asked.id, response).unwrap();
        self.lab.take_one(&code.to_string())
    }

    /// The response reaches Alice, who negotiates in its dialog.
    fn told(&mut self, packet: Packet) -> (DialogId, Option<Negotiated>) {
        let code = packet.response().status.code();
        self.lab.deliver(packet);
        let told = self.lab.expect_response(Alice, code);
        let dialog = told.dialog.unwrap();
        let session = self.sessions.entry(dialog).or_insert_with(|| self.offered.clone());
        let body = &told.response.body;
        let answer =
            (!body.is_empty()).then(|| SessionDescription::parse(body, &Limits::strict()).unwrap());
        match (code, answer) {
            (200, Some(answer)) => drop(session.receive_answer(&answer).unwrap()),
            (200, None) => drop(session.confirm_early_answer().unwrap()),
            (_, Some(answer)) => drop(session.receive_early_answer(&answer).unwrap()),
            (_, None) => {}
        }
        (dialog, session.negotiated().cloned())
    }

    fn port(&self, dialog: DialogId) -> u16 {
        port(self.sessions[&dialog].negotiated())
    }
}

fn port(negotiated: Option<&Negotiated>) -> u16 {
    negotiated.unwrap().remote.unwrap().port()
}

/// The same from another telephone: its own tag, and its own port for the media.
fn forked(packet: &Packet, tag: &str, port: u16) -> Packet {
    let own = to_tag(&packet.response());
    let text = String::from_utf8(packet.bytes.to_vec()).unwrap();
    let text = text.replace(&own, tag).replace("m=audio 5000", &format!("m=audio {port}"));
    Packet { bytes: text.into(), ..packet.clone() }
}

/// §3.1: media may flow as soon as the 183 has answered, in both directions.
#[test]
fn a_183_opens_the_session() {
    let mut call = Call::new();
    let progress = call.sent(183, true);
    let (dialog, early) = call.told(progress);
    let early = early.unwrap();
    assert!(early.send && early.direction == Direction::SendRecv);
    assert_eq!(call.port(dialog), 5_000);
    assert_eq!(call.callee.negotiated().unwrap().remote.unwrap().port(), 4_000);
}

/// An early answer stays when later responses bring none: 180, and 200.
#[test]
fn the_early_answer_is_kept() {
    let mut call = Call::new();
    let progress = call.sent(183, true);
    let (dialog, early) = call.told(progress);
    let ringing = call.sent(180, false);
    assert_eq!(call.told(ringing), (dialog, early.clone()));
    let answer = call.sent(200, false);
    assert_eq!(call.told(answer), (dialog, early));
    assert!(!call.sessions[&dialog].has_local_offer());
    call.lab.ack(Alice, dialog);
    call.lab.settle();
    assert_snapshot!(call.lab.draw(), @r"
      0 --> INVITE
      0 <-- 183
      0 <-- 180
      0 <-- 200
      0 --> ACK
    ");
}

/// The 200 usually repeats it, and nothing changes.
#[test]
fn the_same_answer_in_the_200_changes_nothing() {
    let mut call = Call::new();
    let progress = call.sent(183, true);
    let (dialog, early) = call.told(progress);
    let answer = call.sent(200, true);
    assert_eq!(call.told(answer), (dialog, early));
}

/// §3.2: a 180 without a description says that the phone rings, and there are no media to play
/// instead of a ringing tone.
#[test]
fn a_180_without_answer_has_no_media() {
    let mut call = Call::new();
    let ringing = call.sent(180, false);
    let (dialog, early) = call.told(ringing);
    assert_eq!(early, None);
    assert!(call.sessions[&dialog].has_local_offer());
    let answer = call.sent(200, true);
    call.told(answer);
    assert_eq!(call.port(dialog), 5_000);
}

/// An announcement: the callee sends and does not want to hear.
#[test]
fn an_announcement_is_one_way() {
    let mut call = Call::answered_with(Direction::SendOnly);
    let progress = call.sent(183, true);
    let (_, early) = call.told(progress);
    let early = early.unwrap();
    assert_eq!(early.direction, Direction::RecvOnly);
    assert!(!early.send);
}

/// §3.1 and RFC 6337 §2.2: forks send early media at the same time. Each has its dialog and its own
/// answer, and the 200 of one ends the others.
#[test]
fn early_dialogs_have_answers_of_their_own() {
    let mut call = Call::new();
    let progress = call.sent(183, true);
    let forks: Vec<DialogId> = [("fork1", 6_001), ("fork2", 6_002), ("fork3", 6_003)]
        .map(|(tag, port)| call.told(forked(&progress, tag, port)).0)
        .to_vec();
    let ports: Vec<u16> = forks.iter().map(|fork| call.port(*fork)).collect();
    assert_eq!(ports, [6_001, 6_002, 6_003]);
    // One changes its early answer: it concerns no other.
    let moved = forked(&progress, "fork2", 7_002);
    assert_eq!(call.told(moved).0, forks[1]);
    let ports: Vec<u16> = forks.iter().map(|fork| call.port(*fork)).collect();
    assert_eq!(ports, [6_001, 7_002, 6_003]);

    let answer = call.sent(200, true);
    let (dialog, _) = call.told(forked(&answer, "fork3", 6_003));
    assert_eq!(dialog, forks[2]);
    assert_eq!(call.port(dialog), 6_003);
    call.lab.ack(Alice, dialog);
    call.lab.run_cut_off(secs(33));
    let left: Vec<bool> = forks.iter().map(|f| call.lab.alice.dialog(*f).is_some()).collect();
    assert_eq!(left, [false, false, true]);
}

/// The telephone that answers is not the one that was heard: its answer counts from the offer on,
/// whatever the others said before.
#[test]
fn another_phone_may_answer() {
    let mut call = Call::new();
    let progress = call.sent(183, true);
    let (heard, _) = call.told(forked(&progress, "announcement", 6_001));
    let answer = call.sent(200, true);
    let (dialog, _) = call.told(forked(&answer, "phone", 6_009));
    assert_ne!(dialog, heard);
    assert_eq!((call.port(heard), call.port(dialog)), (6_001, 6_009));
    assert!(!call.sessions[&dialog].has_local_offer());
    call.lab.ack(Alice, dialog);
    call.lab.run_cut_off(secs(33));
    assert!(call.lab.alice.dialog(heard).is_none());
    assert!(call.lab.alice.dialog(dialog).is_some());
}

/// A refusal ends what was heard early.
#[test]
fn a_refused_call_has_no_session() {
    let mut call = Call::new();
    let progress = call.sent(183, true);
    let (dialog, early) = call.told(progress);
    assert!(early.is_some());
    let busy = call.sent(486, false);
    call.lab.deliver(busy);
    call.lab.expect_response(Alice, 486);
    assert!(call.lab.alice.dialog(dialog).is_none());
    let mut session = call.sessions.remove(&dialog).unwrap();
    session.rollback();
    assert_eq!(session.negotiated(), None);
    call.lab.settle();
    call.lab.rest();
}
