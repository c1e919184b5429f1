//! Properties: what is written is read as it was, and nothing that comes in panics.

use std::net::IpAddr;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sip_core::sdp::{
    Address, AddressFamily, Attributes, Bandwidth, Candidate, Connection, Crypto, CryptoKey,
    Fingerprint, Fmtp, Format, Group, IcePwd, IceUfrag, Limits, Local, Media, MediaKind, Mid,
    OfferAnswer, Origin, Protocol, Rtcp, Rtpmap, SessionDescription, Setup, TelephoneEvents, Text,
    Time, TypedAttribute,
};

fn text(pattern: &'static str) -> impl Strategy<Value = Text> {
    proptest::string::string_regex(pattern).unwrap().prop_map(|s| Text::try_from(s).unwrap())
}

/// Any bytes that may stand in a line, not only UTF-8.
fn byte_string() -> impl Strategy<Value = Text> {
    vec(any::<u8>(), 0..40).prop_map(|mut bytes| {
        bytes.retain(|b| !matches!(b, b'\r' | b'\n' | 0));
        Text::new(bytes).unwrap()
    })
}

fn token() -> impl Strategy<Value = Text> {
    text("[!#$%&'*+.0-9A-Z^_`a-z{|}~-]{1,12}")
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        any::<IpAddr>().prop_map(Address::from),
        text("[a-z][a-z0-9-]{0,9}(\\.[a-z][a-z0-9]{0,5}){0,2}")
            .prop_map(|name| Address::host_name(AddressFamily::V4, name).unwrap()),
    ]
}

fn connection() -> impl Strategy<Value = Connection> {
    (address(), option::of(any::<u8>()), option::of(any::<u32>())).prop_map(
        |(address, ttl, count)| {
            let v4 = address.family() == AddressFamily::V4;
            let count = if v4 && ttl.is_none() { None } else { count };
            Connection { address, ttl: ttl.filter(|_| v4), count }
        },
    )
}

fn bandwidth() -> impl Strategy<Value = Bandwidth> {
    (token(), any::<u64>()).prop_map(|(kind, value)| Bandwidth { kind, value })
}

fn time() -> impl Strategy<Value = Time> {
    (any::<u64>(), any::<u64>(), vec(byte_string(), 0..3), option::of(byte_string()))
        .prop_map(|(start, stop, repeats, zone)| Time { start, stop, repeats, zone })
}

fn rtpmap() -> impl Strategy<Value = Rtpmap> {
    (0u8..128, token(), 1u32.., 1u8..).prop_map(|(payload_type, encoding, clock_rate, channels)| {
        Rtpmap { payload_type, encoding, clock_rate, channels }
    })
}

fn fmtp() -> impl Strategy<Value = Fmtp> {
    (token(), text("[!-~]([ -~]{0,20}[!-~])?"))
        .prop_map(|(format, parameters)| Fmtp { format, parameters })
}

fn crypto() -> impl Strategy<Value = Crypto> {
    let key = (token(), text("[A-Za-z0-9+/=|^:]{1,40}"))
        .prop_map(|(method, info)| CryptoKey { method, info });
    (0u32..1_000_000_000, token(), vec(key, 1..3), vec(text("[!-~]{1,10}"), 0..3)).prop_map(
        |(tag, suite, keys, session_parameters)| Crypto { tag, suite, keys, session_parameters },
    )
}

fn candidate() -> impl Strategy<Value = Candidate> {
    (
        text("[A-Za-z0-9+/]{1,32}"),
        1u16..=256,
        token(),
        any::<u32>(),
        text("[!-~]{1,20}"),
        any::<u16>(),
        token(),
        vec((text("[!-~]{1,8}"), text("[!-~]{1,8}")), 0..4),
    )
        .prop_map(
            |(foundation, component, transport, priority, address, port, kind, extensions)| {
                Candidate {
                    foundation,
                    component,
                    transport,
                    priority,
                    address,
                    port,
                    kind,
                    extensions,
                }
            },
        )
}

fn attributes() -> impl Strategy<Value = Attributes> {
    let one = prop_oneof![
        token().prop_map(|name| listed(|list| list.push_flag(name.as_str().unwrap()).unwrap())),
        (token(), byte_string()).prop_map(|(name, value)| {
            listed(|list| list.push(name.as_str().unwrap(), value.as_bytes()).unwrap())
        }),
        rtpmap().prop_map(|value| listed(|list| list.push_typed(&value))),
        fmtp().prop_map(|value| listed(|list| list.push_typed(&value))),
        crypto().prop_map(|value| listed(|list| list.push_typed(&value))),
        candidate().prop_map(|value| listed(|list| list.push_typed(&value))),
    ];
    vec(one, 0..6).prop_map(|lists| lists.iter().flat_map(|list| list.iter()).collect())
}

fn listed(fill: impl FnOnce(&mut Attributes)) -> Attributes {
    let mut list = Attributes::new();
    fill(&mut list);
    list
}

fn kind() -> impl Strategy<Value = MediaKind> {
    prop_oneof![
        Just(MediaKind::Audio),
        Just(MediaKind::Video),
        Just(MediaKind::Text),
        Just(MediaKind::Application),
        Just(MediaKind::Message),
        Just(MediaKind::Image),
        text("x-[a-z]{1,8}").prop_map(MediaKind::Other),
    ]
}

fn media() -> impl Strategy<Value = Media> {
    let rtp = (
        prop_oneof![
            Just(Protocol::rtp_avp()),
            Just(Protocol::rtp_savp()),
            Just(Protocol::rtp_avpf())
        ],
        vec((0u8..128).prop_map(Format::Payload), 1..6),
    );
    let other = (
        text("[A-Za-z]{1,5}(/[A-Z]{1,5})?").prop_map(|text| Protocol::new(text).unwrap()),
        vec(text("[a-z][a-z0-9*-]{0,8}").prop_map(Format::Other), 1..3),
    )
        .prop_filter("RTP has payload types", |(protocol, _)| !protocol.is_rtp());
    (
        (kind(), any::<u16>(), option::of(1u16..), prop_oneof![rtp, other]),
        option::of(byte_string()),
        vec(connection(), 1..3),
        vec(bandwidth(), 0..3),
        option::of(byte_string()),
        attributes(),
    )
        .prop_map(
            |(
                (kind, port, port_count, (protocol, formats)),
                information,
                connections,
                bandwidths,
                key,
                attributes,
            )| {
                Media {
                    kind,
                    port,
                    port_count,
                    protocol,
                    formats,
                    information,
                    connections,
                    bandwidths,
                    key,
                    attributes,
                }
            },
        )
}

fn description() -> impl Strategy<Value = SessionDescription> {
    (
        (text("[!-~]{1,12}"), any::<u64>(), any::<u64>(), address()),
        (byte_string(), option::of(byte_string()), option::of(byte_string())),
        (vec(byte_string(), 0..3), vec(byte_string(), 0..3)),
        option::of(connection()),
        vec(bandwidth(), 0..3),
        vec(time(), 1..4),
        option::of(byte_string()),
        attributes(),
        vec(media(), 0..4),
    )
        .prop_map(
            |(
                origin,
                (name, information, uri),
                (emails, phones),
                connection,
                bandwidths,
                times,
                key,
                attributes,
                media,
            )| {
                let (username, session_id, session_version, address) = origin;
                SessionDescription {
                    origin: Origin { username, session_id, session_version, address },
                    name,
                    information,
                    uri,
                    emails,
                    phones,
                    connection,
                    bandwidths,
                    times,
                    key,
                    attributes,
                    media,
                }
            },
        )
}

/// A body of an ordinary call with some bytes changed.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    const BODY: &[u8] = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nb=AS:64\r\nt=0 0\r\n\
        a=group:BUNDLE a\r\nm=audio 4000/2 RTP/AVP 0 8 96 101\r\nc=IN IP6 2001:db8::1\r\na=rtpmap:96 opus/48000/2\r\n\
        a=fmtp:96 useinbandfec=1\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n\
        a=rtcp:4001 IN IP4 192.0.2.1\r\na=rtcp-mux\r\na=sendonly\r\nm=video 0 RTP/AVP 31\r\n";
    let change = (
        any::<prop::sample::Index>(),
        prop_oneof![
            any::<u8>().prop_map(Some),
            prop::sample::select(b"\r\n =:/0123456789avmoc".to_vec()).prop_map(Some),
            Just(None),
        ],
    );
    vec(change, 0..6).prop_map(|changes| {
        let mut body = BODY.to_vec();
        for (index, change) in changes {
            let at = index.index(body.len());
            match change {
                Some(byte) => body[at] = byte,
                None => {
                    body.remove(at);
                }
            }
        }
        body
    })
}

fn typed_round_trip<T: TypedAttribute + PartialEq + std::fmt::Debug>(value: &T) {
    let mut out = Vec::new();
    value.write(&mut out);
    assert_eq!(T::parse(&out).as_ref(), Ok(value), "{}", String::from_utf8_lossy(&out));
    let list = listed(|list| list.push_typed(value));
    assert_eq!(list.iter().next().unwrap().name(), T::NAME);
    assert_eq!(list.typed::<T>().unwrap().as_ref(), Some(value));
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_it_was(sdp in description()) {
        let written = sdp.to_bytes();
        let limits = Limits::strict();
        let read = SessionDescription::parse(&written, &limits);
        prop_assert_eq!(read.as_ref(), Ok(&sdp), "{}", sdp);
        prop_assert_eq!(SessionDescription::parse_bytes(&written, &limits), read);
        prop_assert_eq!(SessionDescription::parse(&written, &Limits::default()).unwrap().to_bytes(), written);
    }

    #[test]
    fn changed_bodies_settle_after_one_reading(body in mutated()) {
        if let Ok(read) = SessionDescription::parse(&body, &Limits::default()) {
            let written = read.to_bytes();
            let again = SessionDescription::parse(&written, &Limits::default());
            prop_assert_eq!(again.as_ref(), Ok(&read));
            prop_assert_eq!(again.unwrap().to_bytes(), written);
            exercise(&read);
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(body in vec(any::<u8>(), 0..200)) {
        let _ = SessionDescription::parse_bytes(&Bytes::from(body), &Limits::default());
    }

    #[test]
    fn answers_mirror_offers(offer in description()) {
        let mut dialog = OfferAnswer::new(Local::new([192, 0, 2, 9].into(), 30_000));
        dialog.local_mut().pass_through = true;
        if dialog.receive_offer(&offer).is_ok() {
            let Ok((answer, negotiated)) = dialog.make_answer() else { return Ok(()) };
            prop_assert_eq!(answer.media.len(), offer.media.len());
            let open: Vec<_> = (0..answer.media.len()).filter(|&at| answer.media[at].port != 0).collect();
            prop_assert_eq!(open, vec![negotiated.stream]);
            prop_assert_eq!(SessionDescription::parse(&answer.to_bytes(), &Limits::strict()).unwrap(), answer);
        }
    }

    #[test]
    fn typed_attributes_round_trip(
        rtpmap in rtpmap(), fmtp in fmtp(), crypto in crypto(), candidate in candidate(),
        hash in token(), bytes in vec(any::<u8>(), 1..40), mids in vec(token(), 0..4),
        ufrag in text("[A-Za-z0-9+/]{4,30}"), password in text("[A-Za-z0-9+/]{22,40}"),
        port in any::<u16>(), address in option::of(address()), setup in 0usize..4,
    ) {
        typed_round_trip(&rtpmap);
        typed_round_trip(&fmtp);
        typed_round_trip(&crypto);
        typed_round_trip(&candidate);
        typed_round_trip(&Fingerprint { hash: hash.clone(), bytes });
        typed_round_trip(&Mid(hash.clone()));
        typed_round_trip(&Group { semantics: hash, mids });
        typed_round_trip(&IceUfrag(ufrag));
        typed_round_trip(&IcePwd(password));
        typed_round_trip(&Rtcp { port, address });
        typed_round_trip(&[Setup::Active, Setup::Passive, Setup::ActPass, Setup::HoldConn][setup]);
    }

    #[test]
    fn typed_attributes_read_anything_without_a_panic(value in vec(any::<u8>(), 0..60)) {
        let _ = (Rtpmap::parse(&value), Fmtp::parse(&value), Crypto::parse(&value), Rtcp::parse(&value));
        let _ = (Candidate::parse(&value), Fingerprint::parse(&value), Group::parse(&value));
        let _ = (Mid::parse(&value), Setup::parse(&value), IcePwd::parse(&value), IceUfrag::parse(&value));
    }

    #[test]
    fn event_lists_round_trip(codes in vec(any::<u8>(), 1..30)) {
        let mut events = TelephoneEvents::NONE;
        codes.iter().for_each(|&code| events.insert(code));
        prop_assert_eq!(TelephoneEvents::parse(&events.to_string()), Ok(events));
    }
}

proptest! {
    // Each case reads a body once for every byte of it.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn cut_anywhere_nothing_panics(sdp in description()) {
        let written = sdp.to_bytes();
        for end in 0..written.len() {
            for limits in [Limits::default(), Limits::strict()] {
                if let Ok(part) = SessionDescription::parse(&written[..end], &limits) {
                    exercise(&part);
                }
            }
        }
    }
}

/// Calls what a user would call.
fn exercise(sdp: &SessionDescription) {
    let _ = sdp.faults().count();
    for media in &sdp.media {
        let _ = (media.ptime(), media.max_ptime(), media.rtcp_mux(), sdp.direction_of(media));
        let _ = sdp.connection_of(media);
    }
    let mut answerer = OfferAnswer::new(Local::new([192, 0, 2, 9].into(), 30_000));
    if answerer.receive_offer(sdp).is_ok() {
        answerer.make_answer().unwrap();
    }
    let mut offerer = OfferAnswer::new(Local::new([192, 0, 2, 9].into(), 65_535));
    offerer.make_offer().unwrap();
    let _ = offerer.receive_answer(sdp);
}
