//! Session timers (RFC 4028): agreement, refreshes from either side, 422, and what happens when
//! nobody refreshes.

mod common;

use common::*;
use insta::assert_snapshot;
use sip_core::endpoint::{Config, Event};
use sip_core::header::{MinSe, Reason, Refresher, Require, SessionExpires, Supported};
use sip_core::{HeaderName, Method, Response, StatusCode, Token, Transport};

fn timers(interval: u32, min: u32) -> impl Fn(&mut Config) {
    move |config| {
        extended(&["timer"])(config);
        config.session_timer.interval = interval;
        config.session_timer.min = min;
    }
}

/// A call whose 2xx is kept.
fn call(lab: &mut Lab) -> (sip_core::DialogId, sip_core::DialogId, Response) {
    let asked = lab.called();
    let bobs = lab.respond(Bob, &asked, 200).unwrap();
    lab.settle();
    let told = lab.expect_response(Alice, 200);
    let alices = told.dialog.unwrap();
    lab.ack(Alice, alices);
    lab.settle();
    lab.expect_ack(Bob);
    lab.clear_ladder();
    (alices, bobs, told.response)
}

/// Endpoints that refresh every hundred seconds, and take no UPDATE.
fn without_update(config: &mut Config) {
    config.supported = vec![Token::from_static("timer")];
    config.session_timer.interval = 200;
}

/// A call with session descriptions: the caller's `v=0`, the callee's `v=1`.
fn described_call(lab: &mut Lab) -> (sip_core::DialogId, sip_core::DialogId) {
    let (now, flow) = (lab.now, lab.flow(Alice));
    lab.alice.invite(now, offering(request(Method::Invite, Alice)), flow).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Invite);
    let bobs = answer(lab, Bob, &asked, "v=1\r\n");
    lab.settle();
    let (alices, _) = lab.acknowledge();
    lab.clear_ladder();
    (alices, bobs)
}

fn answer(lab: &mut Lab, side: Side, asked: &Asked, body: &'static str) -> sip_core::DialogId {
    let mut response = describing(Response::to(&asked.request, StatusCode::OK));
    response.body = body.into();
    let now = lab.now;
    lab.endpoint(side).respond(now, asked.id, response).unwrap().unwrap()
}

fn refreshed(lab: &mut Lab, side: Side) -> Response {
    match lab.event(side) {
        Event::SessionRefreshed { response, .. } => response,
        other => panic!("{other:?} and no refresh"),
    }
}

fn answer_updates(lab: &mut Lab, side: Side) {
    while let Some(event) = lab.endpoint(side).poll_event() {
        if let Event::Request { id, request, .. } = event {
            assert_eq!(request.method, Method::Update);
            let now = lab.now;
            lab.endpoint(side).respond(now, id, Response::to(&request, StatusCode::OK)).unwrap();
        }
    }
    lab.settle();
}

#[test]
fn the_caller_refreshes_by_default() {
    let mut lab = Lab::with(Transport::Udp, timers(1800, 90));
    let (alices, _, accepted) = call(&mut lab);
    let expires: SessionExpires = accepted.headers.require().unwrap();
    assert_eq!((expires.seconds, expires.refresher()), (1800, Some(Refresher::Uac)));
    assert!(accepted.headers.require::<Require>().unwrap().contains("timer"));
    for _ in 0..3 {
        lab.run(secs(900));
        answer_updates(&mut lab, Bob);
    }
    assert_snapshot!(lab.draw(), @"
    900000 --> UPDATE
    900000 <-- 200
    1800000 --> UPDATE
    1800000 <-- 200
    2700000 --> UPDATE
    2700000 <-- 200
    ");
    lab.no_event(Alice);
    let bye = lab.ask_in(Alice, alices, Method::Bye);
    lab.respond(Bob, &bye, 200);
    lab.settle();
    lab.rest();
}

#[test]
fn the_callee_refreshes_when_the_caller_cannot() {
    let mut lab = Lab::new();
    lab.bob = Lab::with(Transport::Udp, timers(600, 90)).bob;
    let mut invite = request(Method::Invite, Alice);
    // The caller knows UPDATE, but no session timers.
    invite.headers.push(sip_core::header::Allow(vec![Method::Invite, Method::Update]));
    let flow = lab.flow(Alice);
    lab.alice.invite(lab.now, invite, flow).unwrap();
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Invite);
    lab.respond(Bob, &asked, 200).unwrap();
    lab.settle();
    let told = lab.expect_response(Alice, 200);
    let expires: SessionExpires = told.response.headers.require().unwrap();
    assert_eq!((expires.seconds, expires.refresher()), (600, Some(Refresher::Uas)));
    assert!(!told.response.headers.contains(HeaderName::Require));
    lab.ack(Alice, told.dialog.unwrap());
    lab.settle();
    lab.clear_ladder();
    for _ in 0..2 {
        lab.run(secs(300));
        answer_updates(&mut lab, Alice);
    }
    // Each refresh is answered without Session-Expires: there is no session timer any more.
    assert_snapshot!(lab.draw(), @r"
      300000 <-- UPDATE
      300000 --> 200
    ");
}

#[test]
fn too_brief_an_interval_is_refused_and_asked_for_again() {
    let mut lab = Lab::with(Transport::Udp, timers(100, 90));
    lab.bob = Lab::with(Transport::Udp, timers(1800, 300)).bob;
    let (call, asked) = lab.invited();
    let headers = &asked.request.headers;
    assert_eq!(headers.require::<SessionExpires>().unwrap().seconds, 300);
    assert_eq!(headers.require::<MinSe>().unwrap().seconds, 300);
    assert_eq!(number(&asked.request) % 0x8000_0000, number(&asked.request));
    let told = lab.answer(Bob, &asked, 200);
    assert_eq!(told.id, call, "for the user it is one call");
    assert_eq!(told.response.headers.require::<SessionExpires>().unwrap().seconds, 300);
    lab.ack(Alice, told.dialog.unwrap());
    lab.settle();
    assert_snapshot!(lab.draw(), @r"
      0 --> INVITE
      0 <-- 422
      0 --> ACK
      0 --> INVITE
      0 <-- 200
      0 --> ACK
    ");
    // The first attempt's transaction ends without a word.
    lab.run(secs(40));
    lab.no_event(Alice);
}

#[test]
fn a_422_that_asks_for_nothing_new_is_told() {
    let mut lab = Lab::with(Transport::Udp, timers(1800, 90));
    let asked = lab.called();
    let mut refusal = Response::to(&asked.request, StatusCode::SESSION_INTERVAL_TOO_SMALL);
    refusal.headers.set(MinSe::new(90));
    lab.bob.respond(lab.now, asked.id, refusal).unwrap();
    lab.settle();
    lab.expect_response(Alice, 422);
    lab.rest();
}

#[test]
fn who_knows_no_session_timers_is_not_refused() {
    let mut lab = Lab::with(Transport::Udp, timers(1800, 300));
    let mut invite = request(Method::Invite, Alice);
    invite.headers.push(SessionExpires::new(120));
    invite.headers.push(Supported(vec![Token::from_static("path")]));
    let flow = lab.flow(Alice);
    lab.alice.invite(lab.now, invite, flow).unwrap();
    lab.settle();
    lab.expect_request(Bob, Method::Invite);
}

#[test]
fn a_session_that_nobody_refreshes_ends_with_bye() {
    let mut lab = Lab::with(Transport::Udp, timers(90, 90));
    let (alices, bobs, _) = call(&mut lab);
    // Alice has lost her mind; Bob waits for her refresh.
    lab.alice.abandon(lab.now, alices).unwrap();
    lab.run(secs(70));
    assert_snapshot!(lab.draw(), @r"
      60000 <-- BYE
      60000 --> 481
    ");
    match lab.event(Bob) {
        Event::SessionExpired { dialog, bye } => {
            assert_eq!(dialog, bobs);
            assert!(bye.is_some());
        }
        other => panic!("{other:?}"),
    }
    lab.expect_response(Bob, 481);
    lab.rest();
}

#[test]
fn the_bye_says_why() {
    let mut lab = Lab::with(Transport::Udp, timers(90, 90));
    call(&mut lab);
    lab.run_cut_off(secs(46));
    // The refresh got lost, and so did its repetitions.
    lab.run_cut_off(secs(13));
    lab.run(secs(2));
    assert!(matches!(lab.event(Alice), Event::SessionExpired { .. }));
    let bye = lab.expect_request(Alice, Method::Bye);
    assert_eq!(bye.request.headers.all::<Reason>().next().unwrap().unwrap().cause(), Some(408));
}

#[test]
fn a_refresh_that_finds_no_dialog_ends_the_session() {
    let mut lab = Lab::with(Transport::Udp, timers(200, 90));
    let (alices, bobs, _) = call(&mut lab);
    lab.bob.abandon(lab.now, bobs).unwrap();
    lab.run(secs(101));
    assert_snapshot!(lab.draw(), @r"
      100000 --> UPDATE
      100000 <-- 481
      100000 --> BYE
      100000 <-- 481
    ");
    assert!(matches!(lab.event(Alice), Event::SessionExpired { dialog, .. } if dialog == alices));
    lab.expect_response(Alice, 481);
    lab.rest();
}

#[test]
fn without_update_the_user_is_asked_for_a_re_invite() {
    let mut lab = Lab::with(Transport::Udp, |config| {
        config.supported = vec![Token::from_static("timer")];
        config.session_timer.interval = 200;
        config.session_timer.re_invite = false;
    });
    let (alices, bobs) = described_call(&mut lab);
    lab.run(secs(100));
    assert!(matches!(lab.event(Alice), Event::SessionRefreshDue { dialog } if dialog == alices));
    let asked = lab.ask_in(Alice, alices, Method::Invite);
    let refresh: SessionExpires = asked.request.headers.require().unwrap();
    assert_eq!((refresh.seconds, refresh.refresher()), (200, Some(Refresher::Uac)));
    lab.answer(Bob, &asked, 200);
    lab.ack(Alice, alices);
    lab.run(secs(99));
    assert!(lab.alice.dialog(alices).is_some() && lab.bob.dialog(bobs).is_some());
    lab.expect_ack(Bob);
    // Not again: both give up, a third of the interval early.
    lab.run(secs(70));
    assert_eq!((lab.alice.dialogs(), lab.bob.dialogs()), (1, 1), "the BYEs wait for answers");
    assert!(matches!(lab.event(Alice), Event::SessionRefreshDue { .. }));
    assert!(matches!(lab.event(Alice), Event::SessionExpired { .. }));
}

#[test]
fn roles_stay_when_the_other_side_sends_a_re_invite() {
    let mut lab = Lab::with(Transport::Udp, timers(1800, 90));
    let (_, bobs, _) = call(&mut lab);
    let asked = lab.ask_in(Bob, bobs, Method::Invite);
    let refresh: SessionExpires = asked.request.headers.require().unwrap();
    // Bob is now the client of the request; Alice stays the refresher.
    assert_eq!(refresh.refresher(), Some(Refresher::Uas));
    lab.answer(Alice, &asked, 200);
    lab.ack(Bob, bobs);
    lab.settle();
    lab.ignore_events(Alice);
    lab.clear_ladder();
    lab.run(secs(901));
    answer_updates(&mut lab, Bob);
    assert_snapshot!(lab.draw(), @"
    900000 --> UPDATE
    900500 --> UPDATE
    901000 <-- 200
    ");
}

#[test]
fn without_update_the_caller_repeats_its_offer() {
    let mut lab = Lab::with(Transport::Udp, without_update);
    let (alices, bobs) = described_call(&mut lab);
    for round in 1..=3 {
        lab.run(secs(100));
        let asked = lab.expect_request(Bob, Method::Invite);
        assert_eq!(asked.dialog, Some(bobs));
        assert_eq!(asked.request.body, sdp().1, "what she said before");
        let refresh: SessionExpires = asked.request.headers.require().unwrap();
        assert_eq!((refresh.seconds, refresh.refresher()), (200, Some(Refresher::Uac)));
        assert!(asked.request.headers.contains(HeaderName::Contact));
        answer(&mut lab, Bob, &asked, "v=2\r\n");
        lab.settle();
        assert_eq!(refreshed(&mut lab, Alice).body, "v=2\r\n", "the {round}th answer is told");
        assert_eq!(lab.expect_ack(Bob).0, bobs);
    }
    assert_snapshot!(lab.draw(), @"
    100000 --> INVITE
    100000 <-- 200
    100000 --> ACK
    200000 --> INVITE
    200000 <-- 200
    200000 --> ACK
    300000 --> INVITE
    300000 <-- 200
    300000 --> ACK
    ");
    lab.no_event(Alice);
    let bye = lab.ask_in(Alice, alices, Method::Bye);
    lab.respond(Bob, &bye, 200);
    lab.settle();
    lab.rest();
}

#[test]
fn what_was_said_last_is_what_was_agreed() {
    let mut lab = Lab::with(Transport::Udp, |config| {
        without_update(config);
        config.session_timer.refresher = Refresher::Uas;
    });
    let (_, bobs) = described_call(&mut lab);
    // A new offer of Bob's is refused, another is taken.
    for (body, code) in [("v=7\r\n", 488), ("v=8\r\n", 200)] {
        let mut offer = offering(skeleton(Method::Invite));
        offer.body = body.into();
        lab.bob.request_in(lab.now, bobs, offer).unwrap();
        lab.settle();
        let asked = lab.expect_request(Alice, Method::Invite);
        if code == 200 {
            answer(&mut lab, Alice, &asked, "v=9\r\n");
        } else {
            lab.respond(Alice, &asked, code);
        }
        lab.settle();
        lab.expect_response(Bob, code);
        if code == 488 {
            lab.run(secs(100));
            let asked = lab.expect_request(Alice, Method::Invite);
            assert_eq!(asked.request.body, "v=1\r\n", "the refused offer counts for nothing");
            answer(&mut lab, Alice, &asked, "v=0\r\n");
            lab.settle();
            refreshed(&mut lab, Bob);
            lab.expect_ack(Alice);
        } else {
            lab.ack(Bob, bobs);
            lab.settle();
            lab.expect_ack(Alice);
        }
    }
    lab.run(secs(100));
    let asked = lab.expect_request(Alice, Method::Invite);
    assert_eq!(asked.request.body, "v=8\r\n");
}

#[test]
fn an_answer_in_the_ack_is_repeated() {
    let mut lab = Lab::with(Transport::Udp, without_update);
    let asked = lab.called();
    answer(&mut lab, Bob, &asked, "v=1\r\n");
    lab.settle();
    let alices = lab.expect_response(Alice, 200).dialog.unwrap();
    lab.alice.ack(lab.now, alices, Some(sdp())).unwrap();
    lab.settle();
    lab.expect_ack(Bob);
    lab.run(secs(100));
    assert_eq!(lab.expect_request(Bob, Method::Invite).request.body, sdp().1);
}

#[test]
fn a_refresh_waits_for_the_invite_in_progress_and_for_glare() {
    let mut lab = Lab::with(Transport::Udp, without_update);
    let (alices, _) = described_call(&mut lab);
    lab.run(secs(99));
    // The user's own re-INVITE is under way when the refresh is due, and is refused.
    let mut hold = offering(skeleton(Method::Invite));
    hold.body = "v=5\r\n".into();
    lab.alice.request_in(lab.now, alices, hold).unwrap();
    lab.run(secs(2));
    let asked = lab.expect_request(Bob, Method::Invite);
    lab.respond(Bob, &asked, 488);
    lab.settle();
    lab.expect_response(Alice, 100);
    lab.expect_response(Alice, 488);
    lab.clear_ladder();
    lab.run(secs(2));
    let asked = lab.expect_request(Bob, Method::Invite);
    assert_eq!(asked.request.body, sdp().1);
    lab.respond(Bob, &asked, 491);
    lab.run(secs(5));
    let asked = lab.expect_request(Bob, Method::Invite);
    answer(&mut lab, Bob, &asked, "v=1\r\n");
    lab.settle();
    refreshed(&mut lab, Alice);
    lab.no_event(Alice);
    assert_snapshot!(lab.draw(), @"
    102000 --> INVITE
    102200 <-- 100
    103000 <-- 491
    103000 --> ACK
    105240 --> INVITE
    105440 <-- 100
    108000 <-- 200
    108000 --> ACK
    ");
}

#[test]
fn a_peer_that_takes_no_update_after_all_gets_a_re_invite() {
    let mut lab = Lab::with(Transport::Udp, |config| {
        extended(&["timer"])(config);
        config.session_timer.interval = 200;
    });
    described_call(&mut lab);
    lab.run(secs(100));
    let asked = lab.expect_request(Bob, Method::Update);
    lab.respond(Bob, &asked, 405);
    lab.settle();
    let asked = lab.expect_request(Bob, Method::Invite);
    answer(&mut lab, Bob, &asked, "v=1\r\n");
    lab.settle();
    refreshed(&mut lab, Alice);
    lab.no_event(Alice);
}

#[test]
fn a_re_invite_that_finds_no_dialog_or_no_answer_ends_the_session() {
    for lost in [false, true] {
        let mut lab = Lab::with(Transport::Udp, without_update);
        let (alices, bobs) = described_call(&mut lab);
        lab.bob.abandon(lab.now, bobs).unwrap();
        match lost {
            true => lab.run_cut_off(secs(133)),
            false => lab.run(secs(101)),
        }
        assert!(
            matches!(lab.event(Alice), Event::SessionExpired { dialog, .. } if dialog == alices)
        );
        lab.run(secs(1));
        lab.ignore_events(Alice);
        lab.rest();
    }
}

#[test]
fn a_bye_during_a_refresh_ends_the_call() {
    let mut lab = Lab::with(Transport::Udp, without_update);
    let (alices, _) = described_call(&mut lab);
    lab.run(secs(100));
    let refresh = lab.expect_request(Bob, Method::Invite);
    let bye = lab.ask_in(Alice, alices, Method::Bye);
    lab.respond(Bob, &bye, 200);
    lab.settle();
    // The end of the call has answered the re-INVITE 487; Alice does not hear of that.
    assert!(matches!(lab.event(Bob), Event::Cancelled { id } if id == refresh.id));
    lab.expect_response(Alice, 200);
    lab.no_event(Alice);
    lab.rest();
}
