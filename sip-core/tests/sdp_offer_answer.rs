//! RFC 3264: offers and answers of one dialog.

use std::collections::HashSet;
use std::net::SocketAddr;

use sip_core::sdp::{
    AnswerError, AnswerWith, Codec, CodecOrder, Direction, Limits, Local, OfferAnswer, Rejection,
    Relay, SessionDescription, StateError,
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
    assert_eq!(Rejection::NoMedia.status().code(), 400);
    assert_eq!(Rejection::NoCommonCodec.status().code(), 488);
}

#[test]
fn crossing_offers_are_told_apart() {
    let offer = sdp("m=audio 4000 RTP/AVP 8\n");
    let mut ours = dialog();
    ours.make_offer().unwrap();
    assert_eq!(ours.receive_offer(&offer), Err(Rejection::Glare));
    assert_eq!(Rejection::Glare.status().code(), 491);
    assert_eq!(ours.make_offer(), Err(StateError::LocalOfferPending));
    let mut theirs = dialog();
    theirs.receive_offer(&offer).unwrap();
    assert_eq!(theirs.receive_offer(&offer), Err(Rejection::OfferPending));
    assert_eq!(theirs.make_offer(), Err(StateError::RemoteOfferPending));
    assert_eq!(theirs.receive_answer(&offer), Err(AnswerError::NoOffer));
}

fn ports(sdp: &SessionDescription) -> Vec<u16> {
    sdp.media.iter().map(|m| m.port).collect()
}

#[test]
fn streams_added_and_removed_keep_their_places() {
    let mut dialog = dialog();
    dialog.receive_offer(&sdp("m=audio 4000 RTP/AVP 8\n")).unwrap();
    let (first, _) = dialog.make_answer().unwrap();

    // The peer adds video, before long takes it away again, and moves audio to a third stream.
    dialog.receive_offer(&sdp("m=audio 4000 RTP/AVP 8\nm=video 4002 RTP/AVP 31\n")).unwrap();
    let (second, _) = dialog.make_answer().unwrap();
    assert_eq!(ports(&second), [20_000, 0]);
    assert_eq!(second.origin.session_version, first.origin.session_version + 1);

    let moved = sdp("m=audio 0 RTP/AVP 8\nm=video 0 RTP/AVP 31\nm=audio 4004 RTP/AVP 8\n");
    dialog.receive_offer(&moved).unwrap();
    let (third, media) = dialog.make_answer().unwrap();
    assert_eq!(ports(&third), [0, 0, 20_000]);
    assert_eq!((media.stream, media.remote), (2, addr("192.0.2.1:4004")));

    // Our own offers repeat all of them.
    let ours = dialog.make_offer().unwrap();
    assert_eq!(ports(&ours), [0, 0, 20_000]);
    assert_eq!(ours.media[1].kind, sip_core::sdp::MediaKind::Video);
    dialog.rollback();

    // Fewer than before is against RFC 3264 §8.
    let fewer = sdp("m=audio 4000 RTP/AVP 8\n");
    assert_eq!(dialog.receive_offer(&fewer), Err(Rejection::StreamsDropped));
    assert_eq!(dialog.negotiated().unwrap().stream, 2);
}

#[test]
fn the_stream_in_use_stays_in_use() {
    let mut dialog = dialog();
    dialog.receive_offer(&sdp("m=video 1 RTP/AVP 31\nm=audio 4000 RTP/AVP 8\n")).unwrap();
    dialog.make_answer().unwrap();
    dialog.receive_offer(&sdp("m=audio 6000 RTP/AVP 8\nm=audio 4000 RTP/AVP 8\n")).unwrap();
    assert_eq!(dialog.make_answer().unwrap().1.stream, 1);
}

#[test]
fn audio_may_end_and_begin_again() {
    let mut dialog = dialog();
    dialog.receive_offer(&sdp("m=audio 4000 RTP/AVP 8\n")).unwrap();
    dialog.make_answer().unwrap();
    dialog.receive_offer(&sdp("m=audio 0 RTP/AVP 8\n")).unwrap();
    let (answer, media) = dialog.make_answer().unwrap();
    assert_eq!(ports(&answer), [0]);
    assert!(media.codecs.is_empty() && !media.send && !media.receive);

    let ours = dialog.make_offer().unwrap();
    assert_eq!(ports(&ours), [20_000], "the free place is used again");
    let media = dialog.receive_answer(&sdp("m=audio 4000 RTP/AVP 8\n")).unwrap();
    assert!(media.send);
}

#[test]
fn fax_is_refused_and_the_call_goes_on() {
    let mut dialog = dialog();
    dialog.receive_offer(&sdp("m=audio 4000 RTP/AVP 8\n")).unwrap();
    dialog.make_answer().unwrap();
    let before = dialog.negotiated().cloned();
    let fax = sdp("m=image 4000 udptl t38\na=T38FaxVersion:0\n");
    assert_eq!(dialog.receive_offer(&fax).unwrap_err().status().code(), 488);
    assert_eq!(dialog.negotiated(), before.as_ref());
    // Beside audio it is declined.
    dialog.receive_offer(&sdp("m=audio 4000 RTP/AVP 8\nm=image 5000 udptl t38\n")).unwrap();
    let (answer, _) = dialog.make_answer().unwrap();
    assert_eq!(answer.media[1].port, 0);
    assert!(answer.to_string().contains("m=image 0 udptl t38\r\n"));
}

#[test]
fn codecs_are_chosen_by_the_answerer() {
    let offer = sdp("m=audio 4000 RTP/AVP 0 8 18\n");
    let order = |order: CodecOrder, with: AnswerWith| {
        let mut local = local();
        (local.order, local.answer_with) = (order, with);
        let mut dialog = OfferAnswer::new(local);
        dialog.receive_offer(&offer).unwrap();
        let (answer, media) = dialog.make_answer().unwrap();
        let numbers: Vec<u8> = answer.media[0].payload_types().collect();
        assert_eq!(media.codec().unwrap().send_payload_type, numbers[0]);
        numbers
    };
    assert_eq!(order(CodecOrder::Local, AnswerWith::All), [8, 0]);
    assert_eq!(order(CodecOrder::Offer, AnswerWith::All), [0, 8]);
    assert_eq!(order(CodecOrder::Offer, AnswerWith::First), [0]);

    // The other way round, the peer's answer decides what we send.
    let mut offerer = dialog();
    offerer.make_offer().unwrap();
    let media = offerer.receive_answer(&sdp("m=audio 4000 RTP/AVP 0 8\n")).unwrap();
    let names: Vec<_> = media.codecs.iter().map(|c| c.codec.name.as_ref()).collect();
    assert_eq!(names, ["PCMU", "PCMA"]);
}

#[test]
fn dynamic_numbers_are_taken_over_and_kept() {
    let mut dialog = dialog();
    dialog.local_mut().codecs = vec![Codec::new("iLBC", 8_000), Codec::PCMA];
    let offer = sdp("m=audio 4000 RTP/AVP 111 8 97\na=rtpmap:111 ILBC/8000\na=fmtp:111 mode=20\n\
                     a=rtpmap:97 telephone-event/8000\na=fmtp:97 0-11\n");
    dialog.receive_offer(&offer).unwrap();
    let (answer, media) = dialog.make_answer().unwrap();
    assert_eq!(answer.media[0].payload_types().collect::<Vec<_>>(), [111, 8, 97]);
    assert_eq!(media.codecs[0].fmtp.as_deref(), Some("mode=20"));
    assert!(!media.telephone_event.unwrap().events.contains(12));

    // Our offer later uses the same numbers, and none of them for something new.
    dialog.local_mut().codecs.push(Codec::new("speex", 8_000));
    let ours = dialog.make_offer().unwrap();
    let media = &ours.media[0];
    assert_eq!(media.payload_types().collect::<Vec<_>>(), [111, 8, 96, 97]);
    assert_eq!(media.rtpmap(96), Some(("speex", 8_000, 1)));
}

#[test]
fn a_number_never_changes_its_meaning() {
    let mut dialog = dialog();
    dialog.local_mut().codecs = vec![Codec::new("speex", 8_000), Codec::PCMA];
    let first = dialog.make_offer().unwrap();
    assert_eq!(first.media[0].rtpmap(96).unwrap().0, "speex");
    dialog.receive_answer(&sdp("m=audio 4000 RTP/AVP 8\n")).unwrap();
    dialog.local_mut().codecs = vec![Codec::new("opus", 48_000), Codec::PCMA];
    let second = dialog.make_offer().unwrap();
    assert_eq!(second.media[0].rtpmap(96), None);
    assert_eq!(second.media[0].rtpmap(97).unwrap().0, "opus");
}

#[test]
fn as_many_codecs_as_there_are_numbers() {
    let mut dialog = dialog();
    let codec = |n: u32| Codec::new("X", 8_000 + n);
    dialog.local_mut().codecs = (0..200).map(codec).collect();
    dialog.local_mut().telephone_event = false;
    dialog.local_mut().rtcp_mux = true;
    let offer = dialog.make_offer().unwrap();
    let numbers: Vec<u8> = offer.media[0].payload_types().collect();
    assert_eq!(numbers.len(), 32 + 29);
    assert!(numbers.iter().all(|n| (96..128).contains(n) || (35..64).contains(n)));
}

#[test]
fn telephone_events_follow_the_clock_of_the_codec() {
    let mut dialog = dialog();
    let mut opus = Codec::new("opus", 48_000);
    opus.channels = 2;
    dialog.local_mut().codecs = vec![opus, Codec::PCMA];
    let offer = "m=audio 4000 RTP/AVP 96 8 100 101\na=rtpmap:96 opus/48000/2\n\
                 a=rtpmap:100 telephone-event/48000\na=rtpmap:101 telephone-event/8000\n";
    dialog.receive_offer(&sdp(offer)).unwrap();
    let (_, media) = dialog.make_answer().unwrap();
    assert_eq!(media.telephone_event.unwrap().send_payload_type, 100);
    assert_eq!(media.telephone_event_for(&Codec::PCMA).unwrap().send_payload_type, 101);

    // Only PCMA in common: the other clock is not answered.
    let mut narrow = OfferAnswer::new(local());
    narrow.receive_offer(&sdp(offer)).unwrap();
    let (answer, media) = narrow.make_answer().unwrap();
    assert_eq!(answer.media[0].payload_types().collect::<Vec<_>>(), [8, 101]);
    assert_eq!(media.telephone_events.len(), 1);
    // Events that we do not want are not answered.
    narrow.local_mut().telephone_event = false;
    narrow.receive_offer(&sdp(offer)).unwrap();
    assert_eq!(narrow.make_answer().unwrap().0.media[0].formats.len(), 1);
}

#[test]
fn numbers_that_come_twice_are_answered_once() {
    let mut dialog = dialog();
    let offer = "m=audio 4000 RTP/AVP 8 101 8 101 102\na=rtpmap:101 telephone-event/8000\n\
                 a=rtpmap:102 telephone-event/8000\n";
    dialog.receive_offer(&sdp(offer)).unwrap();
    let (answer, media) = dialog.make_answer().unwrap();
    assert_eq!(answer.media[0].payload_types().collect::<Vec<_>>(), [8, 101]);
    assert_eq!(media.telephone_events.len(), 1);
}

#[test]
fn packet_times_stay_within_reason() {
    let ptime = |tail: &str, ours: Option<u32>| {
        let mut dialog = dialog();
        dialog.local_mut().ptime = ours;
        dialog.receive_offer(&sdp(&format!("m=audio 4000 RTP/AVP 8\n{tail}"))).unwrap();
        let (answer, media) = dialog.make_answer().unwrap();
        (media.ptime_ms, answer.media[0].ptime())
    };
    assert_eq!(ptime("", None), (20, None));
    assert_eq!(ptime("", Some(30)), (30, Some(30)));
    assert_eq!(ptime("a=ptime:40\n", None), (40, Some(40)));
    assert_eq!(ptime("a=ptime:40\n", Some(20)), (40, Some(20)));
    assert_eq!(ptime("a=maxptime:10\n", None), (10, None));
    assert_eq!(ptime("a=ptime:4294967295\na=maxptime:1\n", None), (10, Some(10)));
    assert_eq!(ptime("a=ptime:4294967295\n", None), (200, Some(200)));
    assert_eq!(ptime("a=ptime:4294967296\n", None), (20, None));
    assert_eq!(ptime("a=ptime:0\n", None), (20, None));
}

#[test]
fn rtcp_goes_where_the_peer_says() {
    let rtcp = |tail: &str| {
        let mut dialog = dialog();
        dialog.local_mut().rtcp_mux = true;
        dialog.receive_offer(&sdp(tail)).unwrap();
        let (answer, media) = dialog.make_answer().unwrap();
        assert_eq!(answer.media[0].rtcp_mux(), media.rtcp_mux);
        (media.remote_rtcp, media.rtcp_mux)
    };
    assert_eq!(rtcp("m=audio 4000 RTP/AVP 8\n"), (addr("192.0.2.1:4001"), false));
    assert_eq!(rtcp("m=audio 4000 RTP/AVP 8\na=rtcp:5000\n"), (addr("192.0.2.1:5000"), false));
    assert_eq!(
        rtcp("m=audio 4000 RTP/AVP 8\na=rtcp:5000 IN IP4 192.0.2.9\n"),
        (addr("192.0.2.9:5000"), false)
    );
    assert_eq!(
        rtcp("m=audio 4000 RTP/AVP 8\na=rtcp:5000\na=rtcp-mux\n"),
        (addr("192.0.2.1:4000"), true)
    );
    assert_eq!(rtcp("m=audio 65535 RTP/AVP 8\n"), (None, false));
    assert_eq!(rtcp("m=audio 4000 RTP/AVP 8\na=rtcp:70000\n"), (addr("192.0.2.1:4001"), false));
    assert_eq!(rtcp("m=audio 4000 RTP/AVP 8\na=rtcp:5000 IN IP4 224.0.0.1\n"), (None, false));
    assert_eq!(rtcp("m=audio 4000 RTP/AVP 8\na=rtcp:0\n"), (None, false));
    // A payload type that looks like RTCP keeps the ports apart (RFC 5761 §4).
    let clash = "m=audio 4000 RTP/AVP 72\na=rtpmap:72 PCMA/8000\na=rtcp-mux\n";
    assert_eq!(rtcp(clash), (addr("192.0.2.1:4001"), false));
}

#[test]
fn our_own_rtcp_port_is_said_when_it_is_not_the_next() {
    let mut dialog = dialog();
    dialog.local_mut().rtcp_mux = true;
    dialog.local_mut().rtcp_port = Some(20_001);
    assert!(!dialog.make_offer().unwrap().to_string().contains("a=rtcp:"));
    dialog.rollback();
    dialog.local_mut().rtcp_port = Some(20_000);
    let offer = dialog.make_offer().unwrap().to_string();
    assert!(offer.contains("a=rtcp:20000\r\n") && offer.contains("a=rtcp-mux\r\n"));
    // No multiplexing unless both want it.
    let media = dialog.receive_answer(&sdp("m=audio 4000 RTP/AVP 8\n")).unwrap();
    assert!(!media.rtcp_mux);
}

#[test]
fn an_address_by_name_is_handed_on() {
    let mut dialog = dialog();
    let offer = whole(
        "v=0\r\no=- 1 1 IN IP4 ua.example.com\r\ns=-\r\nc=IN IP4 ua.example.com\r\nt=0 0\r\n\
         m=audio 4000 RTP/AVP 8\r\n",
    );
    dialog.receive_offer(&offer).unwrap();
    let (_, media) = dialog.make_answer().unwrap();
    assert_eq!(media.remote, None);
    assert_eq!(media.remote_name, Some(("ua.example.com".to_owned(), 4_000)));
    assert!(media.send);
}

#[test]
fn ip_version_6_end_to_end() {
    let mut dialog = OfferAnswer::new(Local::new("2001:db8::7".parse().unwrap(), 20_000));
    let offer = whole(
        "v=0\r\no=- 1 1 IN IP6 2001:db8::1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n\
         c=IN IP6 2001:db8::1\r\n",
    );
    dialog.receive_offer(&offer).unwrap();
    let (answer, media) = dialog.make_answer().unwrap();
    assert_eq!(media.remote, addr("[2001:db8::1]:4000"));
    assert!(answer.to_string().contains("c=IN IP6 2001:db8::7\r\n"));
    // `::` asks for silence just as 0.0.0.0 does.
    let hold = whole(&offer.to_string().replace("c=IN IP6 2001:db8::1", "c=IN IP6 ::"));
    dialog.receive_offer(&hold).unwrap();
    assert!(dialog.make_answer().unwrap().1.is_held());
}

#[test]
fn answers_that_do_not_fit() {
    let answered = |tail: &str| {
        let mut dialog = dialog();
        dialog.make_offer().unwrap();
        let outcome = dialog.receive_answer(&sdp(tail));
        assert!(dialog.make_offer().is_ok(), "the failed offer is over");
        outcome.unwrap_err()
    };
    assert_eq!(answered(""), AnswerError::StreamCount { offered: 1, answered: 0 });
    assert_eq!(
        answered("m=audio 4000 RTP/AVP 8\nm=video 0 RTP/AVP 31\n"),
        AnswerError::StreamCount { offered: 1, answered: 2 }
    );
    assert_eq!(answered("m=video 4000 RTP/AVP 31\n"), AnswerError::StreamChanged);
    assert_eq!(answered("m=audio 4000 RTP/SAVP 8\n"), AnswerError::StreamChanged);
    assert_eq!(answered("m=audio 0 RTP/AVP 8\n"), AnswerError::Declined);
    assert_eq!(answered("m=audio 4000 RTP/AVP 18\n"), AnswerError::NoCommonCodec);
    assert_eq!(answered("m=audio 4000 RTP/AVP 101\n"), AnswerError::NoCommonCodec);
    assert_eq!(answered("m=audio 4000 RTP/AVP 8\nc=IN IP4 239.0.0.1\n"), AnswerError::NoAddress);
}

#[test]
fn an_answer_may_leave_out_what_the_offer_said() {
    let mut dialog = dialog();
    dialog.local_mut().codecs = vec![Codec::new("opus", 48_000).with_payload_type(98), Codec::PCMA];
    dialog.make_offer().unwrap();
    let media = dialog.receive_answer(&sdp("m=audio 4000 RTP/AVP 98 8 101\n")).unwrap();
    assert_eq!(media.codecs[0].codec.name, "opus");
    assert_eq!(media.telephone_event.unwrap().clock_rate, 8_000);
}

#[test]
fn the_answer_repeats_the_time_of_the_offer() {
    let offer = sdp("m=audio 4000 RTP/AVP 8\n").to_string().replace("t=0 0", "t=3149328700 0");
    let mut dialog = dialog();
    dialog.receive_offer(&whole(&offer)).unwrap();
    assert!(dialog.make_answer().unwrap().0.to_string().contains("t=3149328700 0\r\n"));
}

#[test]
fn the_origin_stays_when_the_address_moves() {
    let mut dialog = dialog();
    let first = dialog.make_offer().unwrap();
    dialog.receive_answer(&sdp("m=audio 4000 RTP/AVP 8\n")).unwrap();
    dialog.local_mut().address = [203, 0, 113, 5].into();
    dialog.local_mut().session_id = 99;
    let second = dialog.make_offer().unwrap();
    assert_eq!(second.origin.address, first.origin.address);
    assert_eq!(second.origin.session_id, 77);
    assert_eq!(second.origin.session_version, 1);
    assert!(second.to_string().contains("c=IN IP4 203.0.113.5\r\n"));
}

#[test]
fn the_largest_offer_stays_manageable() {
    let numbers: String = (0..128).map(|n| format!(" {n}")).collect();
    let maps: String =
        (0..128).map(|n| format!("a=rtpmap:{n} X{n}/8000\na=fmtp:{n} p={n}\n")).collect();
    let offer = sdp(&format!("m=audio 4000 RTP/AVP{numbers}\n{maps}"));
    let mut dialog = dialog();
    assert_eq!(dialog.receive_offer(&offer), Err(Rejection::NoCommonCodec));
    dialog.local_mut().pass_through = true;
    dialog.receive_offer(&offer).unwrap();
    assert_eq!(dialog.make_answer().unwrap_err(), Rejection::NoCommonCodec);

    // Handed on whole, as far as numbers that are not reserved last.
    let mut other = Local::new([198, 51, 100, 7].into(), 20_002);
    Relay::default().offer(&dialog, &mut other).unwrap();
    assert_eq!(other.codecs.len(), 128);
    let onward = OfferAnswer::new(other).make_offer().unwrap();
    assert!(onward.media[0].formats.len() <= 128);
    let numbers: HashSet<u8> = onward.media[0].payload_types().collect();
    assert_eq!(numbers.len(), onward.media[0].formats.len(), "no number twice");
}
