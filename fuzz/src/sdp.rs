use sip_core::sdp::{
    Candidate, Codec, Crypto, Fingerprint, Fmtp, Group, IcePwd, IceUfrag, Limits, Media, Mid, Rtcp,
    Rtpmap, SessionDescription, Setup, TelephoneEvents, TypedAttribute,
};

/// A session description from a stranger.
///
/// Nothing panics; what is read is written in a form that reads as the same; what the strict reader takes the
/// lenient one takes alike; errors point into the body.
pub fn sdp(data: &[u8]) {
    let lenient = SessionDescription::parse(data, &Limits::default());
    let strict = SessionDescription::parse(data, &Limits::strict());
    for error in [lenient.as_ref().err(), strict.as_ref().err()].into_iter().flatten() {
        assert!(error.offset <= data.len() && error.line >= 1, "{error}");
        assert!(matches!(error.status().code(), 400 | 413));
    }
    if let Ok(strict) = &strict {
        assert_eq!(lenient.as_ref(), Ok(strict), "strict is a part of lenient");
    }
    let Ok(description) = lenient else { return };

    let written = description.to_bytes();
    let again =
        SessionDescription::parse(&written, &Limits { bytes: usize::MAX, ..Limits::default() });
    // Only a time that was missing is written out, so a body at the limit of lines may pass it.
    let Ok(again) = again else { return };
    assert_eq!(again, description);
    assert_eq!(again.to_bytes(), written);

    for fault in description.faults() {
        let level = match fault.stream {
            None => &description.attributes,
            Some(at) => &description.media[at].attributes,
        };
        let attribute = level.iter().nth(fault.attribute).unwrap();
        assert!(attribute.is(fault.error.name));
        assert!(fault.error.offset <= attribute.value().unwrap_or_default().len());
    }
    attributes(&description.attributes);
    for media in &description.media {
        attributes(&media.attributes);
        stream(&description, media);
    }
}

fn stream(description: &SessionDescription, media: &Media) {
    for number in media.payload_types() {
        assert!(number < 128);
        if let Some(codec) = Codec::of(media, number) {
            assert!(codec.is_compatible(&codec) && codec.clock_rate > 0 && codec.channels > 0);
            assert_eq!(codec.payload_type, Some(number));
            let _ = codec.fmtp.as_deref().map(TelephoneEvents::parse);
        }
    }
    assert_ne!(media.ptime(), Some(0));
    assert_ne!(media.max_ptime(), Some(0));
    let _ = (description.direction_of(media), description.connection_of(media));
    assert_eq!(media.declined().port, 0);
    assert!(!media.declined().formats.is_empty());
}

fn attributes(list: &sip_core::sdp::Attributes) {
    round_trip::<Rtpmap>(list);
    round_trip::<Fmtp>(list);
    round_trip::<Rtcp>(list);
    round_trip::<Crypto>(list);
    round_trip::<Fingerprint>(list);
    round_trip::<Setup>(list);
    round_trip::<Mid>(list);
    round_trip::<Group>(list);
    round_trip::<Candidate>(list);
    round_trip::<IceUfrag>(list);
    round_trip::<IcePwd>(list);
}

fn round_trip<T: TypedAttribute + PartialEq + std::fmt::Debug>(list: &sip_core::sdp::Attributes) {
    for value in list.typed_all::<T>().flatten() {
        let mut written = Vec::new();
        value.write(&mut written);
        assert_eq!(T::parse(&written).as_ref(), Ok(&value));
    }
}
