//! A back-to-back user agent: the offer of one leg becomes the offer to the other.

use sip_core::sdp::{
    Codec, Direction, Limits, Local, OfferAnswer, PayloadMap, Rejection, Relay, SessionDescription,
};

fn sdp(tail: &str) -> SessionDescription {
    let head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";
    let body = format!("{head}{}", tail.replace('\n', "\r\n"));
    SessionDescription::parse(body.as_bytes(), &Limits::strict()).unwrap()
}

/// Two legs of one call, as the exchange in the middle holds them.
struct Call {
    relay: Relay,
    a: OfferAnswer,
    b: OfferAnswer,
}

impl Call {
    fn new() -> Self {
        let leg = |port| {
            let mut local = Local::new([198, 51, 100, 7].into(), port);
            local.pass_through = true;
            OfferAnswer::new(local)
        };
        Self { relay: Relay::default(), a: leg(20_000), b: leg(20_002) }
    }

    /// A's offer in, B's offer out.
    fn offer(&mut self, offer: &str) -> SessionDescription {
        self.a.receive_offer(&sdp(offer)).unwrap();
        self.relay.offer(&self.a, self.b.local_mut()).unwrap();
        self.b.make_offer().unwrap()
    }

    /// B's answer in, A's answer out.
    fn answer(&mut self, answer: &str) -> Result<SessionDescription, Rejection> {
        let negotiated = self.b.receive_answer(&sdp(answer)).unwrap();
        self.relay.answer(&mut self.a, &negotiated)?;
        Ok(self.a.make_answer()?.0)
    }

    fn map(&self) -> [Vec<PayloadMap>; 2] {
        let (a, b) = (self.a.negotiated().unwrap(), self.b.negotiated().unwrap());
        [self.relay.payload_map(a, b), self.relay.payload_map(b, a)]
    }
}

fn numbers(sdp: &SessionDescription) -> Vec<u8> {
    sdp.media.iter().find(|m| m.port != 0).unwrap().payload_types().collect()
}

fn copy(receive: u8, send: u8) -> PayloadMap {
    PayloadMap::Copy { receive, send }
}

fn event(receive: u8, send: u8) -> PayloadMap {
    PayloadMap::TelephoneEvent { receive, send, from_rate: 8_000, to_rate: 8_000 }
}

#[test]
fn the_offer_goes_on_with_our_address_and_its_codecs() {
    let mut call = Call::new();
    let offer = call.offer(
        "m=video 4002 RTP/AVP 31\nm=audio 4000 RTP/AVP 98 0 97 101\na=rtpmap:98 opus/48000/2\n\
         a=fmtp:98 useinbandfec=1\na=rtpmap:97 iLBC/8000\na=fmtp:97 mode=20\na=rtpmap:101 telephone-event/8000\n\
         a=fmtp:101 0-15\na=ptime:30\na=maxptime:60\n",
    );
    assert_eq!(
        offer.to_string(),
        "v=0\r\no=- 0 0 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\n\
         m=audio 20002 RTP/AVP 98 0 97 8 101 96\r\na=rtpmap:98 opus/48000/2\r\na=fmtp:98 useinbandfec=1\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:97 iLBC/8000\r\na=fmtp:97 mode=20\r\na=rtpmap:8 PCMA/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=rtpmap:96 telephone-event/48000\r\n\
         a=fmtp:96 0-16\r\na=ptime:30\r\na=maxptime:60\r\na=sendrecv\r\n"
    );
    let answer = call
        .answer("m=audio 6000 RTP/AVP 120 121\na=rtpmap:120 opus/48000/2\na=fmtp:120 maxplaybackrate=8000\n\
                 a=rtpmap:121 telephone-event/48000\n")
        .unwrap();
    assert_eq!(answer.media[0].port, 0);
    assert_eq!(answer.media[1].port, 20_000);
    assert_eq!(answer.media[1].fmtp(98), Some("maxplaybackrate=8000"));
    assert_eq!(numbers(&answer), [98, 101]);
    let [to_b, to_a] = call.map();
    assert_eq!(to_b[0], copy(98, 120));
    assert_eq!(to_a[0], copy(98, 98));
    // A's events are on a clock of 8 kHz, B's on one of 48 kHz.
    assert_eq!(
        to_b[1],
        PayloadMap::TelephoneEvent { receive: 101, send: 121, from_rate: 8_000, to_rate: 48_000 }
    );
}

#[test]
fn a_codec_in_common_is_taken_whatever_a_prefers() {
    let mut call = Call::new();
    assert_eq!(
        numbers(&call.offer("m=audio 4000 RTP/AVP 0 8 101\na=rtpmap:101 telephone-event/8000\n")),
        [0, 8, 101]
    );
    let answer =
        call.answer("m=audio 6000 RTP/AVP 8 96\na=rtpmap:96 telephone-event/8000\n").unwrap();
    // PCMA first, since B has it; PCMU stays possible, since it can be changed.
    assert_eq!(numbers(&answer), [8, 0, 101]);
    let [to_b, to_a] = call.map();
    let PayloadMap::Transcode { receive: 0, send: 8, from, to } = &to_b[1] else {
        panic!("{to_b:?}")
    };
    assert!(from.is_same_encoding(&Codec::PCMU) && to.is_same_encoding(&Codec::PCMA));
    assert_eq!((&to_b[0], &to_b[2]), (&copy(8, 8), &event(101, 96)));
    assert_eq!(to_a, [copy(8, 8), event(101, 101)]);
    let (a, b) = (call.a.negotiated().unwrap(), call.b.negotiated().unwrap());
    assert!(!call.relay.must_transcode(a, b) && !call.relay.must_transcode(b, a));
}

#[test]
fn without_a_common_codec_the_laws_are_changed_into_each_other() {
    let mut call = Call::new();
    assert_eq!(numbers(&call.offer("m=audio 4000 RTP/AVP 0\n")), [0, 8, 101]);
    let answer = call.answer("m=audio 6000 RTP/AVP 8\n").unwrap();
    assert_eq!(numbers(&answer), [0]);
    let [to_b, to_a] = call.map();
    assert!(matches!(to_b[0], PayloadMap::Transcode { receive: 0, send: 8, .. }));
    assert!(matches!(to_a[0], PayloadMap::Transcode { receive: 8, send: 0, .. }));
    let (a, b) = (call.a.negotiated().unwrap(), call.b.negotiated().unwrap());
    assert!(call.relay.must_transcode(a, b) && call.relay.must_transcode(b, a));
}

#[test]
fn what_cannot_be_changed_is_not_promised() {
    let mut call = Call::new();
    // G.729 alone: PCMU and PCMA would lead nowhere, so B does not see them.
    assert_eq!(numbers(&call.offer("m=audio 4000 RTP/AVP 18\na=fmtp:18 annexb=no\n")), [18, 101]);
    let answer = call.answer("m=audio 6000 RTP/AVP 18\n").unwrap();
    assert_eq!(numbers(&answer), [18]);

    // B takes only G.729: then PCMA, which A offered too, is not answered.
    let mut call = Call::new();
    assert_eq!(numbers(&call.offer("m=audio 4000 RTP/AVP 8 18\n")), [8, 18, 0, 101]);
    let answer = call.answer("m=audio 6000 RTP/AVP 18\n").unwrap();
    assert_eq!(numbers(&answer), [18]);
    assert_eq!(call.map(), [vec![copy(18, 18)], vec![copy(18, 18)]]);
}

#[test]
fn framing_must_agree_end_to_end() {
    let mut call = Call::new();
    let offer = call.offer(
        "m=audio 4000 RTP/AVP 97 98\na=rtpmap:97 AMR/8000\na=rtpmap:98 AMR/8000\na=fmtp:98 octet-align=1\n",
    );
    assert_eq!(numbers(&offer)[..2], [97, 98]);
    let answer = call
        .answer(
            "m=audio 6000 RTP/AVP 98\na=rtpmap:98 AMR/8000\na=fmtp:98 octet-align=1;mode-set=7\n",
        )
        .unwrap();
    assert_eq!(numbers(&answer), [98]);
    assert_eq!(answer.media[0].fmtp(98), Some("octet-align=1;mode-set=7"));
}

#[test]
fn hold_passes_through_both_ways() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    let mut call = Call::new();
    call.offer("m=audio 4000 RTP/AVP 8\n");
    call.answer("m=audio 6000 RTP/AVP 8\n").unwrap();
    for (tail, to_b, from_b, to_a) in [
        ("a=sendonly\n", SendOnly, "a=recvonly\n", RecvOnly),
        ("a=inactive\n", Inactive, "a=inactive\n", Inactive),
        ("c=IN IP4 0.0.0.0\n", SendOnly, "a=recvonly\n", RecvOnly),
        ("", SendRecv, "", SendRecv),
        ("", SendRecv, "a=sendonly\n", SendOnly),
        ("a=recvonly\n", RecvOnly, "a=sendonly\n", SendOnly),
        ("", SendRecv, "c=IN IP4 0.0.0.0\n", SendOnly),
    ] {
        let offer = call.offer(&format!("m=audio 4000 RTP/AVP 8\n{tail}"));
        assert_eq!(offer.media[0].direction(), Some(to_b), "{tail}");
        let answer = call.answer(&format!("m=audio 6000 RTP/AVP 8\n{from_b}")).unwrap();
        assert_eq!(answer.media[0].direction(), Some(to_a), "{tail} {from_b}");
    }
}

#[test]
fn the_other_leg_may_offer_as_well() {
    let mut call = Call::new();
    call.offer("m=audio 4000 RTP/AVP 0 100\na=rtpmap:100 telephone-event/8000\n");
    call.answer("m=audio 6000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\n").unwrap();
    // B holds.
    let Call { relay, a, b } = &mut call;
    b.receive_offer(&sdp(
        "m=audio 6000 RTP/AVP 0 101\na=rtpmap:101 telephone-event/8000\na=sendonly\n",
    ))
    .unwrap();
    relay.offer(b, a.local_mut()).unwrap();
    let to_a = a.make_offer().unwrap();
    assert_eq!(to_a.media[0].direction(), Some(Direction::SendOnly));
    // Leg A keeps the numbers it agreed on with A.
    assert_eq!(numbers(&to_a), [0, 8, 100]);
    let negotiated = a
        .receive_answer(&sdp(
            "m=audio 4000 RTP/AVP 0 100\na=rtpmap:100 telephone-event/8000\na=recvonly\n",
        ))
        .unwrap();
    relay.answer(b, &negotiated).unwrap();
    let (to_b, media) = b.make_answer().unwrap();
    assert_eq!(to_b.media[0].direction(), Some(Direction::RecvOnly));
    assert!(!media.send && media.receive);
}

#[test]
fn the_packet_time_follows_b() {
    let mut call = Call::new();
    let offer = call.offer("m=audio 4000 RTP/AVP 8\na=ptime:20\n");
    assert_eq!(offer.media[0].ptime(), Some(20));
    let answer = call.answer("m=audio 6000 RTP/AVP 8\na=ptime:40\n").unwrap();
    assert_eq!(answer.media[0].ptime(), Some(40));
    assert_eq!(call.a.negotiated().unwrap().ptime_ms, 20, "A is sent what A asked for");
    assert_eq!(call.b.negotiated().unwrap().ptime_ms, 40);
}

#[test]
fn nothing_in_common_is_told_and_can_be_refused() {
    let mut call = Call::new();
    call.offer("m=audio 4000 RTP/AVP 18 8\n");
    call.relay.transcode.clear();
    let answered = call.b.receive_answer(&sdp("m=audio 6000 RTP/AVP 0\n")).unwrap();
    assert_eq!(call.relay.answer(&mut call.a, &answered), Err(Rejection::NoCommonCodec));
    assert!(call.a.pending_offer().is_some());
    call.a.rollback();
    assert_eq!(call.relay.answer(&mut call.a, &answered), Err(Rejection::NothingToAnswer));
    assert_eq!(call.relay.offer(&call.a, call.b.local_mut()), Err(Rejection::NothingToAnswer));
}

#[test]
fn redundancy_and_comfort_noise_end_here() {
    let mut call = Call::new();
    let offer = call.offer(
        "m=audio 4000 RTP/AVP 121 8 13\na=rtpmap:121 red/8000\na=fmtp:121 8/8\na=rtpmap:13 CN/8000\n",
    );
    assert_eq!(numbers(&offer), [8, 0, 101]);
}

#[test]
fn the_static_number_is_used_even_when_a_had_another() {
    let mut call = Call::new();
    let offer = call.offer("m=audio 4000 RTP/AVP 99\na=rtpmap:99 PCMU/8000\n");
    assert_eq!(numbers(&offer), [0, 8, 101]);
    let answer = call.answer("m=audio 6000 RTP/AVP 0\n").unwrap();
    assert_eq!(numbers(&answer), [99]);
    assert_eq!(call.map(), [vec![copy(99, 0)], vec![copy(0, 99)]]);
}
