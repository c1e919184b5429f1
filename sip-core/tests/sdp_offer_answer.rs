//! RFC 3264: offers and answers of one dialog.

use std::net::SocketAddr;

use sip_core::sdp::{
    AnswerError, Codec, Direction, Limits, Local, OfferAnswer, Rejection, SessionDescription,
    StateError,
};

const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";

fn sdp(tail: &str) -> SessionDescription {
    whole(&format!("{HEAD}{}", tail.replace('\n', "\r\n")))
}

fn whole(text: &str) -> SessionDescription {
    SessionDescription::parse(text.as_bytes(), &Limits::strict()).unwrap()
}

fn local() -> Local {
    let mut local = Local::new([198, 51, 100, 7].into(), 20_000);
    local.session_id = 77;
    local
}

fn dialog() -> OfferAnswer {
    OfferAnswer::new(local())
}

fn addr(text: &str) -> Option<SocketAddr> {
    Some(text.parse().unwrap())
}

#[test]
fn a_first_offer_reads_as_expected() {
    let offer = dialog().make_offer().unwrap();
    assert_eq!(
        offer.to_string(),
        "v=0\r\no=- 77 0 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n"
    );
}

#[test]
fn an_answer_declines_what_is_not_audio_and_keeps_the_order() {
    let offer = sdp(
        "m=video 4000 RTP/AVP 31\nm=audio 5000 RTP/AVP 0 96\na=rtpmap:96 telephone-event/8000\n\
                     m=image 6000 udptl t38\nm=audio 7000 RTP/AVP 0\n",
    );
    let mut dialog = dialog();
    dialog.receive_offer(&offer).unwrap();
    let (answer, media) = dialog.make_answer().unwrap();
    let ports: Vec<u16> = answer.media.iter().map(|m| m.port).collect();
    assert_eq!(ports, [0, 20_000, 0, 0]);
    assert_eq!(media.stream, 1);
    assert_eq!(media.remote, addr("192.0.2.1:5000"));
    assert_eq!(media.remote_rtcp, addr("192.0.2.1:5001"));
    assert_eq!(media.telephone_event.unwrap().send_payload_type, 96);
}

#[test]
fn the_answer_picks_each_sides_numbers() {
    let mut dialog = dialog();
    dialog.local_mut().codecs = vec![Codec::new("opus", 48_000), Codec::PCMA];
    dialog.local_mut().codecs[0].channels = 2;
    let offer = dialog.make_offer().unwrap();
    assert_eq!(offer.media[0].payload_types().collect::<Vec<_>>(), [96, 8, 101, 97]);
    let answer = sdp("m=audio 4000 RTP/AVP 120 121\na=rtpmap:120 opus/48000/2\n\
                      a=rtpmap:121 telephone-event/48000\na=ptime:40\n");
    let media = dialog.receive_answer(&answer).unwrap();
    assert_eq!(media.codecs.len(), 1);
    assert_eq!(media.codecs[0].send_payload_type, 120);
    assert_eq!(media.codecs[0].receive_payload_type, 96);
    let event = media.telephone_event.unwrap();
    assert_eq!((event.send_payload_type, event.receive_payload_type), (121, 97));
    assert_eq!(media.ptime_ms, 40);
}

#[test]
fn versions_rise_only_with_changes() {
    let mut dialog = dialog();
    let first = dialog.make_offer().unwrap();
    dialog.receive_answer(&sdp("m=audio 4000 RTP/AVP 8\n")).unwrap();
    let same = dialog.make_offer().unwrap();
    assert_eq!(first, same);
    dialog.rollback();
    dialog.local_mut().direction = Direction::SendOnly;
    let hold = dialog.make_offer().unwrap();
    assert_eq!(hold.origin.session_version, first.origin.session_version + 1);
    assert_eq!(hold.media[0].direction(), Some(Direction::SendOnly));
}

#[test]
fn hold_in_every_form() {
    for (tail, expected) in [
        ("m=audio 4000 RTP/AVP 8\na=sendonly\n", Direction::RecvOnly),
        ("m=audio 4000 RTP/AVP 8\na=recvonly\n", Direction::SendOnly),
        ("m=audio 4000 RTP/AVP 8\na=inactive\n", Direction::Inactive),
        ("m=audio 4000 RTP/AVP 8\nc=IN IP4 0.0.0.0\n", Direction::RecvOnly),
        ("a=sendonly\nm=audio 4000 RTP/AVP 8\n", Direction::RecvOnly),
        ("a=inactive\nm=audio 4000 RTP/AVP 8\na=sendonly\n", Direction::RecvOnly),
    ] {
        let mut dialog = dialog();
        dialog.receive_offer(&sdp(tail)).unwrap();
        let (answer, media) = dialog.make_answer().unwrap();
        assert_eq!(answer.media[0].direction(), Some(expected), "{tail}");
        assert_eq!(media.send, expected.sends(), "{tail}");
        assert_eq!(media.receive, expected.receives(), "{tail}");
    }
}

#[test]
fn offers_that_cannot_be_taken() {
    let refused = |offer: &SessionDescription| dialog().receive_offer(offer).unwrap_err();
    let of = |tail: &str| refused(&sdp(tail));
    assert_eq!(of(""), Rejection::NoMedia);
    assert_eq!(of("m=video 4000 RTP/AVP 0\n"), Rejection::NoAudio);
    assert_eq!(of("m=audio 4000 RTP/SAVP 0\n"), Rejection::Transport);
    assert_eq!(of("m=audio 4000 RTP/XAVP 0\n"), Rejection::Transport);
    assert_eq!(of("m=audio 4000 RTP/AVP 18\n"), Rejection::NoCommonCodec);
    assert_eq!(of("m=audio 4000 RTP/AVP 0\nc=IN IP4 224.2.1.1/127\n"), Rejection::NoAddress);
    assert_eq!(of("m=audio 0 RTP/AVP 0\n"), Rejection::NoAudio);
    assert_eq!(Rejection::NoMedia.status(), 400);
    assert_eq!(Rejection::NoCommonCodec.status(), 488);
}

#[test]
fn crossing_offers_are_told_apart() {
    let offer = sdp("m=audio 4000 RTP/AVP 8\n");
    let mut ours = dialog();
    ours.make_offer().unwrap();
    assert_eq!(ours.receive_offer(&offer), Err(Rejection::Glare));
    assert_eq!(Rejection::Glare.status(), 491);
    assert_eq!(ours.make_offer(), Err(StateError::LocalOfferPending));
    let mut theirs = dialog();
    theirs.receive_offer(&offer).unwrap();
    assert_eq!(theirs.receive_offer(&offer), Err(Rejection::OfferPending));
    assert_eq!(theirs.make_offer(), Err(StateError::RemoteOfferPending));
    assert_eq!(theirs.receive_answer(&offer), Err(AnswerError::NoOffer));
}
