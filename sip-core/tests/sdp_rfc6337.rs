//! RFC 6337: offers and answers as SIP carries them.

use sip_core::sdp::{
    AnswerError, Direction, Limits, Local, OfferAnswer, Rejection, SessionDescription, StateError,
};

fn ua(last: u8, port: u16) -> OfferAnswer {
    OfferAnswer::new(Local::new([192, 0, 2, last].into(), port))
}

/// Over the wire and back.
fn carried(sdp: &SessionDescription) -> SessionDescription {
    SessionDescription::parse(&sdp.to_bytes(), &Limits::strict()).unwrap()
}

/// One exchange in which everything is well.
fn exchange(offerer: &mut OfferAnswer, answerer: &mut OfferAnswer) {
    let offer = offerer.make_offer().unwrap();
    answerer.receive_offer(&carried(&offer)).unwrap();
    let (answer, theirs) = answerer.make_answer().unwrap();
    let ours = offerer.receive_answer(&carried(&answer)).unwrap();
    assert_eq!(ours.direction, theirs.direction.reversed());
    assert_eq!(ours.codecs[0].send_payload_type, theirs.codecs[0].receive_payload_type);
}

fn direction(ua: &OfferAnswer) -> Direction {
    ua.negotiated().unwrap().direction
}

/// §3.1.1: the answer in an unreliable 183 is a preview; the one in the 200 counts.
#[test]
fn an_early_answer_may_be_corrected() {
    let (mut a, mut b) = (ua(1, 4_000), ua(2, 5_000));
    let offer = a.make_offer().unwrap();
    b.receive_offer(&offer).unwrap();
    let (answer, _) = b.make_answer().unwrap();

    let early = a.receive_early_answer(&answer).unwrap();
    assert!(early.send);
    assert!(a.has_local_offer());
    assert_eq!(a.make_offer(), Err(StateError::LocalOfferPending));

    // The 2xx repeats it: the usual case. Nothing changes.
    let mut usual = a.clone();
    assert_eq!(usual.receive_answer(&b.local_description().unwrap()).unwrap(), early);
    assert!(!usual.has_local_offer());

    // A peer that changes its mind is heard.
    let mut moved = answer.clone();
    moved.media[0].port = 6_000;
    assert_eq!(a.receive_answer(&moved).unwrap().remote.unwrap().port(), 6_000);
}

#[test]
fn a_final_response_without_body_confirms_the_early_answer() {
    let (mut a, mut b) = (ua(1, 4_000), ua(2, 5_000));
    assert_eq!(a.confirm_early_answer(), Err(AnswerError::NoOffer));
    b.receive_offer(&a.make_offer().unwrap()).unwrap();
    let early = a.receive_early_answer(&b.make_answer().unwrap().0).unwrap();
    assert_eq!(a.confirm_early_answer().unwrap(), early);
    assert!(!a.has_local_offer());
}

/// RFC 3261 §13.2.1: after a reliable answer the same body in the 2xx means nothing new.
#[test]
fn the_same_answer_twice() {
    let (mut a, mut b) = (ua(1, 4_000), ua(2, 5_000));
    b.receive_offer(&a.make_offer().unwrap()).unwrap();
    let (answer, _) = b.make_answer().unwrap();
    let first = a.receive_answer(&answer).unwrap();
    assert_eq!(a.receive_answer(&answer).unwrap(), first);
    assert_eq!(a.receive_early_answer(&answer).unwrap(), first);
    let mut other = answer.clone();
    other.origin.session_version += 1;
    assert_eq!(a.receive_answer(&other), Err(AnswerError::NoOffer));
}

/// §2.2: each early dialog of a forked INVITE has an answer of its own.
#[test]
fn forks_negotiate_apart() {
    let mut a = ua(1, 4_000);
    let offer = a.make_offer().unwrap();
    let mut fork = a.clone();
    for (dialog, port) in [(&mut a, 5_000), (&mut fork, 6_000)] {
        let mut b = ua(2, port);
        b.receive_offer(&offer).unwrap();
        let (answer, _) = b.make_answer().unwrap();
        assert_eq!(dialog.receive_answer(&answer).unwrap().remote.unwrap().port(), port);
    }
}

/// §2.1, pattern 2: INVITE without a body, offer in the 200, answer in the ACK.
#[test]
fn the_callee_may_offer() {
    let (mut a, mut b) = (ua(1, 4_000), ua(2, 5_000));
    exchange(&mut b, &mut a);
    assert_eq!(direction(&a), Direction::SendRecv);
}

/// §3.2, §3.3: a refused new offer leaves the session alone.
#[test]
fn a_refused_offer_changes_nothing() {
    let (mut a, mut b) = (ua(1, 4_000), ua(2, 5_000));
    exchange(&mut a, &mut b);
    let before = a.negotiated().cloned();
    a.local_mut().direction = Direction::SendOnly;
    let refused = a.make_offer().unwrap();
    a.rollback();
    assert_eq!(a.negotiated(), before.as_ref());
    // The refused version is not used for something else.
    a.local_mut().direction = Direction::SendRecv;
    let next = a.make_offer().unwrap();
    assert_eq!(next.origin.session_version, refused.origin.session_version + 1);
}

#[test]
fn an_early_answer_of_a_refused_offer_is_forgotten() {
    let (mut a, mut b) = (ua(1, 4_000), ua(2, 5_000));
    exchange(&mut a, &mut b);
    let before = a.negotiated().cloned();
    a.local_mut().port = 4_010;
    b.local_mut().port = 5_010;
    b.receive_offer(&a.make_offer().unwrap()).unwrap();
    let (answer, _) = b.make_answer().unwrap();
    a.receive_early_answer(&answer).unwrap();
    a.receive_early_answer(&answer).unwrap();
    assert_ne!(a.negotiated(), before.as_ref());
    a.rollback();
    assert_eq!(a.negotiated(), before.as_ref());
}

/// §4.2: offers that cross are both refused; the later try wins.
#[test]
fn glare_ends_in_an_agreement() {
    let (mut a, mut b) = (ua(1, 4_000), ua(2, 5_000));
    exchange(&mut a, &mut b);
    let (from_a, from_b) = (a.make_offer().unwrap(), b.make_offer().unwrap());
    assert_eq!(a.receive_offer(&from_b).unwrap_err().status().code(), 491);
    assert_eq!(b.receive_offer(&from_a).unwrap_err().status().code(), 491);
    a.rollback();
    b.rollback();
    exchange(&mut b, &mut a);
}

/// RFC 3261 §14.2: a second offer before the first is answered.
#[test]
fn a_second_offer_waits() {
    let (mut a, mut b) = (ua(1, 4_000), ua(2, 5_000));
    let offer = a.make_offer().unwrap();
    b.receive_offer(&offer).unwrap();
    assert_eq!(b.receive_offer(&offer), Err(Rejection::OfferPending));
    assert_eq!(Rejection::OfferPending.status().code(), 500);
    b.rollback();
    assert_eq!(b.make_answer().unwrap_err(), Rejection::NothingToAnswer);
}

/// §5.3: each side holds and resumes on its own; what is asked for is one's own wish, not what holds now.
#[test]
fn hold_from_both_sides() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    let (mut a, mut b) = (ua(1, 4_000), ua(2, 5_000));
    exchange(&mut a, &mut b);

    a.local_mut().direction = SendOnly;
    exchange(&mut a, &mut b);
    assert_eq!((direction(&a), direction(&b)), (SendOnly, RecvOnly));
    assert!(b.negotiated().unwrap().is_held() && !a.negotiated().unwrap().is_held());

    // B holds as well.
    b.local_mut().direction = SendOnly;
    exchange(&mut b, &mut a);
    assert_eq!((direction(&a), direction(&b)), (Inactive, Inactive));

    // A resumes while B still holds.
    a.local_mut().direction = SendRecv;
    exchange(&mut a, &mut b);
    assert_eq!((direction(&a), direction(&b)), (RecvOnly, SendOnly));

    // B resumes; an offer made while on hold asks for both ways.
    b.local_mut().direction = SendRecv;
    exchange(&mut b, &mut a);
    assert_eq!((direction(&a), direction(&b)), (SendRecv, SendRecv));
}

/// §5.3: an offer for another reason, made while on hold, must not put the peer on hold in turn.
#[test]
fn a_refresh_while_on_hold_keeps_the_hold() {
    let (mut a, mut b) = (ua(1, 4_000), ua(2, 5_000));
    exchange(&mut a, &mut b);
    a.local_mut().direction = Direction::SendOnly;
    exchange(&mut a, &mut b);
    let refresh = b.make_offer().unwrap();
    assert_eq!(refresh.media[0].direction(), Some(Direction::SendRecv));
    a.receive_offer(&refresh).unwrap();
    let (answer, _) = a.make_answer().unwrap();
    assert_eq!(b.receive_answer(&answer).unwrap().direction, Direction::RecvOnly);
}

/// §5.4: the old way to hold.
#[test]
fn hold_by_address_and_back() {
    let (mut a, mut b) = (ua(1, 4_000), ua(2, 5_000));
    exchange(&mut a, &mut b);
    let offer = a.make_offer().unwrap().to_string();
    let held = offer.replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0");
    b.receive_offer(&SessionDescription::parse(held.as_bytes(), &Limits::strict()).unwrap())
        .unwrap();
    let (answer, media) = b.make_answer().unwrap();
    assert!(!media.send && media.remote.is_none() && media.remote_rtcp.is_none());
    assert_eq!(answer.media[0].port, 5_000, "the stream stays open");
    a.receive_answer(&answer).unwrap();
    exchange(&mut a, &mut b);
    assert!(b.negotiated().unwrap().send);
}

/// RFC 3264 §8: a refresh without change keeps the version on both sides.
#[test]
fn a_refresh_changes_no_version() {
    let (mut a, mut b) = (ua(1, 4_000), ua(2, 5_000));
    exchange(&mut a, &mut b);
    let versions = |a: &OfferAnswer, b: &OfferAnswer| {
        [a, b].map(|ua| ua.local_description().unwrap().origin.session_version)
    };
    let before = versions(&a, &b);
    exchange(&mut a, &mut b);
    exchange(&mut a, &mut b);
    assert_eq!(versions(&a, &b), before);
}
