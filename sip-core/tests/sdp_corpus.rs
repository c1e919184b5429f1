//! The shared corpus: what each body must do.

mod sdp_support;

use std::fs;

use sdp_support::{body, corpus, manifest};
use sip_core::MessageView;
use sip_core::sdp::{Codec, Limits, Local, OfferAnswer, SessionDescription};

/// Offers whose stated status depends on demands for SRTP, with the status of an answerer that has none. The
/// list must neither grow nor go stale.
const DEVIATIONS: &[(&str, u16, &str)] = &[
    ("pjsua-300_srtp_crypto_case_insensitive", 488, "only SRTP is offered"),
    ("pjsua-300_srtp_duplicated_crypto_tag", 200, "a=crypto means nothing on RTP/AVP without SRTP"),
    ("pjsua-300_srtp_invalid_crypto_tag_non_numeric", 200, "a=crypto on RTP/AVP"),
    ("pjsua-300_srtp_receive_no_key_1", 200, "a=crypto on RTP/AVP"),
    ("pjsua-300_srtp_receive_no_key_2", 200, "a=crypto on RTP/AVP"),
    ("pjsua-300_srtp_receive_no_key_3", 200, "a=crypto on RTP/AVP"),
    ("pjsua-320_srtp2_no_crypto", 488, "only SRTP is offered"),
    ("pjsua-323_srtp2_receive_too_long_key", 488, "only SRTP is offered"),
    ("pjsua-323_srtp2_unsupported_crypto", 488, "only SRTP is offered"),
];

/// What the scripts give the answerer that an offer is put before.
struct Script {
    name: &'static str,
    codecs: Vec<Codec>,
    /// The parameters of the codec that the answer has to take.
    fmtp: Option<&'static str>,
}

/// Scripts that test how parameters of codecs are agreed on: the answerer has these codecs in every form.
fn scripts_of_codecs() -> Vec<Script> {
    let g7221 = |rate: u32| {
        [24_000, 32_000, 48_000]
            .map(|bits| Codec::new("G7221", rate).with_fmtp(format!("bitrate={bits}")))
            .to_vec()
    };
    let amr = |name: &'static str, rate: u32| {
        vec![Codec::new(name, rate), Codec::new(name, rate).with_fmtp("octet-align=1")]
    };
    let script = |name, codecs, fmtp| Script { name, codecs, fmtp };
    let (narrow, wide) = (|| g7221(16_000), || g7221(32_000));
    let (amr_nb, amr_wb) = (|| amr("AMR", 8_000), || amr("AMR-WB", 16_000));
    vec![
        script("pjsua-400_fmtp_g7221_with_bitrate", narrow(), Some("bitrate=24000")),
        script("pjsua-401_fmtp_g7221_with_bitrate_24000", narrow(), Some("bitrate=24000")),
        script("pjsua-401_fmtp_g7221_with_bitrate_32000", narrow(), Some("bitrate=32000")),
        script("pjsua-402_fmtp_g7221_uwb_with_bitrate", wide(), Some("bitrate=24000")),
        script("pjsua-402_fmtp_g7221_uwb_with_bitrate_24000", wide(), Some("bitrate=24000")),
        script("pjsua-402_fmtp_g7221_uwb_with_bitrate_32000", wide(), Some("bitrate=32000")),
        script("pjsua-402_fmtp_g7221_uwb_with_bitrate_48000", wide(), Some("bitrate=48000")),
        script("pjsua-410_fmtp_amrnb_offer_octet_align", amr_nb(), Some("octet-align=1")),
        script("pjsua-411_fmtp_amrnb_offer_band_eff", amr_nb(), None),
        script("pjsua-412_fmtp_amrnb_offer_band_eff2", amr_nb(), None),
        script("pjsua-413_fmtp_amrwb_offer_octet_align", amr_wb(), Some("octet-align=1")),
        script("pjsua-414_fmtp_amrwb_offer_band_eff", amr_wb(), None),
        script("pjsua-415_fmtp_amrwb_offer_band_eff2", amr_wb(), None),
    ]
}

/// The only fault of this one is in its request, which has two Replaces.
const TWO_REPLACES: &str = "pjsua-160_err_duplicate_replaces";

#[test]
fn offers_get_the_status_stated() {
    let Some(corpus) = corpus() else { return };
    let mut found = Vec::new();
    let scripts = scripts_of_codecs();
    let (mut seen, mut scripts_seen) = (0, 0);
    for entry in manifest(&corpus).iter().filter(|e| e.category == "sdp/pjsua-sendto") {
        let stated = entry.expected.split("-> ").nth(1).and_then(|text| text.get(..3)).unwrap();
        let stated: u16 = stated.parse().unwrap();
        let offer = fs::read(&entry.file).unwrap();
        let strict = answer_status(&offer, &Limits::strict());
        assert_eq!(strict, answer_status(&offer, &Limits::default()), "{}", entry.name);
        seen += 1;
        if let Some(script) = scripts.iter().find(|script| script.name == entry.name) {
            assert_eq!(strict, 488, "{}: without the codecs of the script", entry.name);
            agree(&offer, script);
            scripts_seen += 1;
            assert_eq!(stated, 200);
        } else if entry.name == TWO_REPLACES {
            let request = invite_with_two_replaces(&offer);
            let view = MessageView::parse(&request, &sip_core::Limits::default()).unwrap();
            let status = view.check(&Default::default()).unwrap_err().status.code();
            assert_eq!((status, strict), (stated, 200));
        } else if strict != stated {
            found.push((entry.name.clone(), strict));
        }
    }
    let listed: Vec<_> =
        DEVIATIONS.iter().map(|(name, status, _)| (name.to_string(), *status)).collect();
    assert_eq!(found, listed);
    assert!(seen >= 60, "only {seen} offers in the corpus");
    assert_eq!(scripts_seen, scripts.len());
}

/// The codecs of the script are agreed on, in the form that it asks for.
fn agree(offer: &[u8], script: &Script) {
    let offer = SessionDescription::parse(offer, &Limits::strict()).unwrap();
    let mut local = Local::new([127, 0, 0, 1].into(), 4_000);
    local.codecs = script.codecs.clone();
    let mut dialog = OfferAnswer::new(local);
    dialog.receive_offer(&offer).unwrap();
    let (answer, negotiated) = dialog.make_answer().unwrap();
    let stream = &answer.media[negotiated.stream];
    let first = stream.payload_types().next().unwrap();
    assert_eq!(stream.fmtp(first), script.fmtp, "{}", script.name);
    let offered = Codec::of(&offer.media[negotiated.stream], first).unwrap();
    assert!(offered.is_compatible(&Codec::of(stream, first).unwrap()), "{}", script.name);
}

fn invite_with_two_replaces(offer: &[u8]) -> Vec<u8> {
    let head = format!(
        "INVITE sip:bob@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n\
         From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:bob@127.0.0.1>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:a@127.0.0.1>\r\nReplaces: 2;from-tag=1;to-tag=2\r\nReplaces: 3;from-tag=1;to-tag=2\r\n\
         Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n",
        offer.len()
    );
    [head.as_bytes(), offer].concat()
}

/// What a UAS of PCMU and PCMA would answer to an INVITE with this body, checking its answer too.
fn answer_status(body: &[u8], limits: &Limits) -> u16 {
    let offer = match SessionDescription::parse(body, limits) {
        Ok(offer) => offer,
        Err(error) => return error.status().code(),
    };
    let mut dialog = OfferAnswer::new(Local::new([127, 0, 0, 1].into(), 4_000));
    if let Err(rejection) = dialog.receive_offer(&offer) {
        return rejection.status().code();
    }
    let (answer, negotiated) = dialog.make_answer().unwrap();
    assert_eq!(answer.media.len(), offer.media.len());
    for (at, (answered, offered)) in answer.media.iter().zip(&offer.media).enumerate() {
        assert_eq!((&answered.kind, &answered.protocol), (&offered.kind, &offered.protocol));
        assert_eq!(answered.port != 0, at == negotiated.stream);
    }
    let written = answer.to_bytes();
    assert_eq!(SessionDescription::parse(&written, &Limits::strict()).as_ref(), Ok(&answer));
    200
}

#[test]
fn bodies_of_messages_are_written_back_byte_for_byte() {
    let Some(corpus) = corpus() else { return };
    let mut seen = 0;
    for entry in manifest(&corpus) {
        let category = entry.category.split('/').next().unwrap_or_default();
        if !matches!(category, "rfc-flows" | "rfc5118" | "rfc4475") {
            continue;
        }
        let message = fs::read(&entry.file).unwrap();
        // Some flows of the RFCs name a body and leave it out.
        let text = body(&message).filter(|body| !body.trim_ascii().is_empty());
        let Some(body) = text else { continue };
        let description = SessionDescription::parse(body, &Limits::default());
        if !body.starts_with(b"v=") {
            // As the RFC prints it: the first line of the description is missing.
            assert!(description.is_err(), "{}", entry.name);
            continue;
        }
        let description = description.unwrap_or_else(|error| panic!("{}: {error}", entry.name));
        let written = description.to_string();
        let again = SessionDescription::parse(written.as_bytes(), &Limits::strict());
        assert_eq!(again.as_ref(), Ok(&description), "{}", entry.name);
        let strict = SessionDescription::parse(body, &Limits::strict());
        if entry.name == "mismatch02" {
            // The body of this torture message has neither s= nor t=.
            assert!(strict.is_err());
            continue;
        }
        assert_eq!(strict.as_ref(), Ok(&description), "{}", entry.name);
        let crlf =
            String::from_utf8(body.to_vec()).unwrap().replace("\r\n", "\n").replace('\n', "\r\n");
        assert_eq!(written.trim_end(), crlf.trim_end(), "{}", entry.name);
        seen += 1;
    }
    assert!(seen >= 60, "only {seen} bodies");
}

#[test]
fn bodies_shaped_after_advisories_do_what_is_stated() {
    let Some(corpus) = corpus() else { return };
    let mut seen = 0;
    for entry in manifest(&corpus).iter().filter(|e| e.category == "own-regress") {
        let message = fs::read(&entry.file).unwrap();
        let Some(body) = body(&message) else { continue };
        seen += 1;
        let status = answer_status(body, &Limits::default());
        let stated = match entry.name.as_str() {
            "AST-2018-002-pt-2p32" => 400,
            // Their faults are in SIP headers; their descriptions have no media.
            "AST-2017-014-no-contact"
            | "GHSA-mrq5-identity-no-semicolon"
            | "sngrep-541-empty-warning" => 400,
            _ => 200,
        };
        assert_eq!(status, stated, "{}", entry.name);
    }
    assert!(seen >= 5, "only {seen} bodies");
}
