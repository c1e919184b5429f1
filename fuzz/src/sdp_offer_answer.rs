use sip_core::sdp::{Direction, Limits, Local, Negotiated, OfferAnswer, Relay, SessionDescription};

/// A dialog, or two joined ones, with a peer that says anything at any time.
///
/// The input is a script in its first section and bodies in the following ones; sections are parted by a line
/// of `%%`. Each letter of the script is a step, those that need a body take the next one, from the start again
/// after the last. Upper case is leg A, lower case leg B:
///
/// | letter | step |
/// |---|---|
/// | `O` | make an offer |
/// | `R` | receive an offer |
/// | `M` | make an answer |
/// | `A` | receive an answer |
/// | `E` | receive an early answer |
/// | `C` | confirm it |
/// | `X` | give up the offer under way |
/// | `H` | change the direction |
/// | `P` | take any codec, or not |
/// | `F` | pass the offer that waits on the other leg on to this one |
/// | `G` | pass this leg's answer on to the other |
pub fn sdp_offer_answer(data: &[u8]) {
    let mut sections = split(data);
    let script = sections.remove(0);
    let bodies: Vec<SessionDescription> = sections
        .into_iter()
        .take(8)
        .filter_map(|body| SessionDescription::parse(body, &Limits::default()).ok())
        .collect();
    let mut next = bodies.iter().cycle();
    let mut legs = [Leg::new(20_000), Leg::new(20_002)];
    for &letter in script.iter().take(64) {
        let leg = usize::from(letter.is_ascii_lowercase());
        let body = match letter.to_ascii_uppercase() {
            b'R' | b'A' | b'E' => next.next(),
            _ => None,
        };
        step(&mut legs, leg, letter.to_ascii_uppercase(), body);
    }
}

fn step(legs: &mut [Leg; 2], at: usize, letter: u8, body: Option<&SessionDescription>) {
    let relay = Relay::default();
    let [a, b] = legs;
    let (leg, other) = if at == 0 { (a, b) } else { (b, a) };
    match (letter, body) {
        (b'O', _) => {
            if let Ok(offer) = leg.dialog.make_offer() {
                leg.check_sent(&offer);
            }
        }
        (b'R', Some(offer)) => {
            if let Err(rejection) = leg.dialog.receive_offer(offer) {
                assert!(matches!(rejection.status().code(), 400 | 488 | 491 | 500));
            }
        }
        (b'M', _) => {
            let offer = leg.dialog.pending_offer().cloned();
            if let Ok((answer, negotiated)) = leg.dialog.make_answer() {
                let offer = offer.expect("an answer needs an offer");
                leg.check_sent(&answer);
                assert_eq!(answer.media.len(), offer.media.len());
                for (ours, theirs) in answer.media.iter().zip(&offer.media) {
                    assert_eq!((&ours.kind, &ours.protocol), (&theirs.kind, &theirs.protocol));
                    assert!(ours.port == 0 || theirs.port != 0, "a declined stream stays so");
                }
                check(&negotiated);
            }
        }
        (b'A', Some(answer)) => {
            if let Ok(negotiated) = leg.dialog.receive_answer(answer) {
                check(&negotiated);
            }
            assert!(!leg.dialog.has_local_offer());
        }
        (b'E', Some(answer)) => {
            if let Ok(negotiated) = leg.dialog.receive_early_answer(answer) {
                check(&negotiated);
            }
        }
        (b'C', _) => {
            let _ = leg.dialog.confirm_early_answer();
        }
        (b'X', _) => leg.dialog.rollback(),
        (b'H', _) => {
            let local = leg.dialog.local_mut();
            local.direction = match local.direction {
                Direction::SendRecv => Direction::SendOnly,
                Direction::SendOnly => Direction::Inactive,
                Direction::Inactive => Direction::RecvOnly,
                Direction::RecvOnly => Direction::SendRecv,
            };
        }
        (b'P', _) => {
            let local = leg.dialog.local_mut();
            local.pass_through = !local.pass_through;
            local.rtcp_mux = !local.rtcp_mux;
        }
        (b'F', _) => {
            let _ = relay.offer(&other.dialog, leg.dialog.local_mut());
        }
        (b'G', _) => {
            if let Some(negotiated) = leg.dialog.negotiated()
                && relay.answer(&mut other.dialog, negotiated).is_ok()
                && let Some(theirs) = other.dialog.negotiated()
            {
                assert!(relay.payload_map(negotiated, theirs).len() <= 256);
                let _ = relay.must_transcode(theirs, negotiated);
            }
        }
        _ => {}
    }
}

/// One leg, and what must not change in it.
struct Leg {
    dialog: OfferAnswer,
    streams: usize,
    version: u64,
}

impl Leg {
    fn new(port: u16) -> Self {
        let mut local = Local::new([192, 0, 2, 7].into(), port);
        local.session_id = 1;
        Self { dialog: OfferAnswer::new(local), streams: 0, version: 0 }
    }

    fn check_sent(&mut self, sent: &SessionDescription) {
        let read = SessionDescription::parse(
            &sent.to_bytes(),
            &Limits { lines: 10_000, ..Limits::strict() },
        );
        assert_eq!(read.as_ref(), Ok(sent), "what is sent is well formed");
        assert_eq!(self.dialog.local_description().as_ref(), Some(sent));
        assert_eq!(self.dialog.local_body(), Some(&sent.to_bytes()));
        assert!(sent.origin.session_version >= self.version, "the version never falls");
        assert_eq!(sent.origin.session_id, 1);
        self.version = sent.origin.session_version;
        let port = self.dialog.local().port;
        assert!(sent.media.iter().filter(|media| media.port != 0).count() <= 1);
        assert!(sent.media.iter().all(|media| media.port == 0 || media.port == port));
        if !self.dialog.has_local_offer() {
            assert!(sent.media.len() >= self.streams, "streams are never dropped");
            self.streams = sent.media.len();
        }
        for media in &sent.media {
            let mut numbers: Vec<u8> = media.payload_types().collect();
            if media.port != 0 {
                numbers.sort_unstable();
                assert!(numbers.windows(2).all(|pair| pair[0] != pair[1]), "no number twice");
            }
        }
    }
}

fn check(negotiated: &Negotiated) {
    assert!((10..=200).contains(&negotiated.ptime_ms));
    assert!(!negotiated.send || negotiated.direction.sends());
    assert_eq!(negotiated.receive, negotiated.direction.receives());
    assert!(!negotiated.send || negotiated.remote.is_some() || negotiated.remote_name.is_some());
    assert!(!negotiated.rtcp_mux || negotiated.remote_rtcp == negotiated.remote);
    for remote in [negotiated.remote, negotiated.remote_rtcp].into_iter().flatten() {
        assert!(remote.port() != 0 && !remote.ip().is_multicast() && !remote.ip().is_unspecified());
    }
    if !negotiated.codecs.is_empty() {
        for codec in &negotiated.codecs {
            assert!(codec.send_payload_type < 128 && codec.receive_payload_type < 128);
            assert!(!codec.codec.is_auxiliary());
        }
    }
}

fn split(data: &[u8]) -> Vec<&[u8]> {
    let mut sections = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.windows(4).position(|window| window == b"\n%%\n") {
        sections.push(&rest[..at]);
        rest = &rest[at + 4..];
    }
    sections.push(rest);
    sections
}
