//! Answers of which nothing is kept (RFC 3261 §8.2.7): to those who have not shown who they are,
//! and by those who have no time.

use core::hash::{BuildHasher, Hasher};
use core::time::Duration;

use memchr::{memchr, memmem};
use rand_core::Rng;

use super::way_back::WayBack;
use crate::auth::Algorithm;
use crate::auth::server::Authenticator;
use crate::flow::{Flow, Transmit};
use crate::header::{CSeqRef, CallIdRef, FromRef, HeaderView as _, ToRef, ViaRef};
use crate::keyed::{KeyedHash, hex};
use crate::message::{Outline, StartLine};
use crate::text::write_number;
use crate::{HeaderName, MessageView, StatusCode};

/// Answers requests in front of an [`Endpoint`](super::Endpoint), without a transaction and
/// without a copy of the request.
///
/// The To tag is made of the request and a secret, so that a repeated request gets the same answer,
/// and the ACK for it is known again.
///
/// ```
/// use rand_chacha::ChaCha20Rng;
/// use rand_core::SeedableRng;
/// use sip_core::endpoint::Stateless;
/// use sip_core::{Flow, Limits, MessageView, StatusCode};
///
/// let invite = b"INVITE sip:102@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
///     From: <sip:101@h>;tag=1\r\nTo: <sip:102@h>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n";
/// let view = MessageView::parse(invite, &Limits::default()).unwrap();
/// let flow = Flow::udp("192.0.2.9:5060".parse().unwrap(), "192.0.2.1:5060".parse().unwrap());
/// let stateless = Stateless::new(&mut ChaCha20Rng::from_seed([7; 32]));
/// let answer = stateless.answer(&view, &flow, StatusCode::SERVICE_UNAVAILABLE, Some(5)).unwrap();
/// assert!(answer.bytes.starts_with(b"SIP/2.0 503 Service Unavailable\r\n"));
/// ```
#[derive(Debug)]
pub struct Stateless {
    hash: KeyedHash,
    mark: [u8; MARK],
}

impl Stateless {
    /// Draws the secret.
    pub fn new(random: &mut dyn Rng) -> Self {
        let mut mark = [0; MARK];
        mark.copy_from_slice(hex(random.next_u64()).get(..MARK).unwrap_or(&[b'x'; MARK]));
        Self { hash: KeyedHash::new(random), mark }
    }

    /// The response to a request, with `Retry-After` in seconds where given. `None` for an ACK, for
    /// a response, and for a request whose Via, From, To, Call-ID or CSeq cannot be read.
    pub fn answer(
        &self,
        request: &MessageView<'_>,
        flow: &Flow,
        status: StatusCode,
        retry_after: Option<u32>,
    ) -> Option<Transmit> {
        let StartLine::Request { method, .. } = request.start_line() else { return None };
        if method == "ACK" {
            return None;
        }
        let tag = self.tag(request)?;
        let to: ToRef<'_> = request.require().ok()?;
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(b"SIP/2.0 ");
        write_number(&mut out, status.code().into());
        out.push(b' ');
        out.extend_from_slice(status.reason().as_bytes());
        out.extend_from_slice(b"\r\n");
        let mut reply = None;
        for via in request.all::<ViaRef<'_>>() {
            let via = via.ok()?;
            let line = match &reply {
                Some(_) => None,
                None => {
                    let (line, back) = WayBack::of(&via, flow).into_line();
                    reply = Some(back);
                    line
                }
            };
            match line {
                Some(line) => out.extend_from_slice(&line),
                None => {
                    out.extend_from_slice(b"Via: ");
                    out.extend_from_slice(via.as_bytes());
                }
            }
            out.extend_from_slice(b"\r\n");
        }
        for (name, label) in [
            (HeaderName::From, &b"From: "[..]),
            (HeaderName::To, b"To: "),
            (HeaderName::CallId, b"Call-ID: "),
            (HeaderName::CSeq, b"CSeq: "),
        ] {
            out.extend_from_slice(label);
            out.extend_from_slice(request.raw(name.clone()).next()?);
            if name == HeaderName::To && to.tag().is_none() {
                out.extend_from_slice(b";tag=");
                out.extend_from_slice(&tag);
            }
            out.extend_from_slice(b"\r\n");
        }
        if let Some(seconds) = retry_after {
            out.extend_from_slice(b"Retry-After: ");
            write_seconds(&mut out, seconds);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        Some(Transmit { flow: reply?, bytes: out.into() })
    }

    /// As [`answer`](Self::answer), of a request's outline and into `out`: the flow that the response
    /// is to be sent by. `None` leaves `out` as it was.
    pub fn write(
        &self,
        request: &Outline<'_>,
        flow: &Flow,
        status: StatusCode,
        retry_after: Option<u32>,
        out: &mut Vec<u8>,
    ) -> Option<Flow> {
        let reply = self.begin(request, flow, status, &self.tag_of(request), out)?;
        if let Some(seconds) = retry_after {
            out.extend_from_slice(b"Retry-After: ");
            write_seconds(out, seconds);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        Some(reply)
    }

    /// The challenge to a request without credentials, in at most so many bytes: with one offer an
    /// algorithm, the best first, or with the last alone if they are too long together. `None` when that
    /// is too long as well, for an ACK, and for a request with credentials or one that requires extensions:
    /// then the request is to be read in full.
    ///
    /// Who asks has to show first who it is (RFC 3261 §8.2): until then what else it says is of no
    /// interest, and nothing is kept of it.
    #[expect(clippy::too_many_arguments, reason = "what a challenge is made of")]
    pub fn challenge(
        &self,
        now: Duration,
        request: &Outline<'_>,
        flow: &Flow,
        authenticator: &Authenticator,
        algorithms: &[Algorithm],
        most: usize,
        random: &mut dyn Rng,
    ) -> Option<Transmit> {
        if request.is_signed() || request.has_demands() {
            return None;
        }
        let (status, name) = authenticator.asks_by();
        let mut out = Vec::with_capacity(512 + 256 * algorithms.len());
        // Nobody acknowledges it: the part that is common to all tags is left out.
        let tag = self.tag_of(request);
        let tag = tag.get(MARK..).unwrap_or_default();
        let reply = self.begin(request, flow, status, tag, &mut out)?;
        let begun = out.len();
        let nonce = authenticator.next_nonce(now, random);
        let end = b"Content-Length: 0\r\n\r\n";
        for skipped in [0, algorithms.len().saturating_sub(1)] {
            out.truncate(begun);
            for algorithm in algorithms.iter().skip(skipped) {
                out.extend_from_slice(name.as_str().as_bytes());
                out.extend_from_slice(b": ");
                authenticator.write_offer(&nonce, *algorithm, false, &mut out);
                out.extend_from_slice(b"\r\n");
            }
            out.extend_from_slice(end);
            if out.len() <= most {
                return Some(Transmit { flow: reply, bytes: out.into() });
            }
        }
        None
    }

    /// Writes a response up to the headers that are its own: the flow that it is to be sent by. `None`
    /// leaves `out` as it was.
    fn begin(
        &self,
        request: &Outline<'_>,
        flow: &Flow,
        status: StatusCode,
        tag: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<Flow> {
        if request.method() == "ACK" {
            return None;
        }
        let (top, others) = request.vias().split_first()?;
        let top = ViaRef::read(top).ok()?;
        out.reserve(512);
        out.extend_from_slice(b"SIP/2.0 ");
        write_number(out, status.code().into());
        out.push(b' ');
        out.extend_from_slice(status.reason().as_bytes());
        out.extend_from_slice(b"\r\n");
        let (_, reply) = WayBack::write(&top, flow, out);
        for via in others {
            out.extend_from_slice(b"\r\nVia: ");
            out.extend_from_slice(via);
        }
        out.extend_from_slice(b"\r\nFrom: ");
        out.extend_from_slice(request.from());
        out.extend_from_slice(b"\r\nTo: ");
        out.extend_from_slice(request.to());
        if request.to_tag().is_empty() {
            out.extend_from_slice(b";tag=");
            out.extend_from_slice(tag);
        }
        out.extend_from_slice(b"\r\nCall-ID: ");
        out.extend_from_slice(request.call_id());
        out.extend_from_slice(b"\r\nCSeq: ");
        out.extend_from_slice(request.cseq());
        out.extend_from_slice(b"\r\n");
        Some(reply)
    }

    /// As [`knows`](Self::knows), by a glance at the To line of an ACK as it lies: `false` says nothing.
    ///
    /// It goes by the part that all tags of ours have in common, and no dialog has. Whoever was
    /// answered once can write it himself, and have nothing but messages of his own dropped.
    pub fn knows_at_sight(&self, ack: &[u8]) -> bool {
        let lines = [&b"\r\nTo:"[..], b"\r\nt:"];
        let Some(start) = lines.iter().find_map(|name| memmem::find(ack, name)) else {
            return false;
        };
        let line = ack.get(start + 2..).unwrap_or_default();
        let line = line.get(..memchr(b'\r', line).unwrap_or(0)).unwrap_or_default();
        let Some((_, end)) = line.split_at_checked(line.len().saturating_sub(TAG + 5)) else {
            return false;
        };
        end.strip_prefix(b";tag=").is_some_and(|tag| tag.starts_with(&self.mark))
    }

    /// Whether a request is the ACK for an answer that [`answer`](Self::answer) has given: it can
    /// be dropped.
    pub fn knows(&self, ack: &MessageView<'_>) -> bool {
        let to = ack.require::<ToRef<'_>>();
        to.is_ok_and(|to| {
            !to.tag_bytes().is_empty()
                && Some(to.tag_bytes()) == self.tag(ack).as_ref().map(|tag| &tag[..])
        })
    }

    fn tag(&self, request: &MessageView<'_>) -> Option<[u8; TAG]> {
        let call_id = request.require::<CallIdRef<'_>>().ok()?;
        let from = request.require::<FromRef<'_>>().ok()?;
        let number = request.require::<CSeqRef<'_>>().ok()?.number();
        Some(self.tag_from(call_id.as_bytes(), from.tag_bytes(), number))
    }

    fn tag_of(&self, request: &Outline<'_>) -> [u8; TAG] {
        self.tag_from(request.call_id(), request.from_tag(), request.number())
    }

    /// Call-ID, From tag and number are the same in a request, its repetitions and its ACK.
    fn tag_from(&self, call_id: &[u8], from_tag: &[u8], number: u32) -> [u8; TAG] {
        let mut hasher = self.hash.build_hasher();
        hasher.write(call_id);
        hasher.write(b" ");
        hasher.write(from_tag);
        hasher.write_u32(number);
        let mut tag = [0; TAG];
        let (mark, rest) = tag.split_at_mut(MARK);
        mark.copy_from_slice(&self.mark);
        rest.copy_from_slice(&hex(hasher.finish()));
        tag
    }
}

/// What all tags begin with.
const MARK: usize = 8;
const TAG: usize = MARK + 16;

/// Two digits at least: many answers to one peer are then of one length, and the system takes them as one.
fn write_seconds(out: &mut Vec<u8>, seconds: u32) {
    if seconds < 10 {
        out.push(b'0');
    }
    write_number(out, seconds.into());
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::{Limits, Message};

    const INVITE: &[u8] = b"INVITE sip:102@h SIP/2.0\r\n\
        v: SIP/2.0/UDP p;branch=z9hG4bKp, SIP/2.0/UDP 192.0.2.1:5062;rport;branch=z9hG4bK1\r\n\
        Via: SIP/2.0/TCP 192.0.2.7;branch=z9hG4bK0\r\nf: <sip:101@h>;tag=1\r\nt: <sip:102@h>\r\n\
        i: 1\r\nCSeq: 7 INVITE\r\nContent-Type: x/y\r\nContent-Length: 3\r\n\r\nabc";

    fn flow() -> Flow {
        Flow::udp("192.0.2.9:5060".parse().unwrap(), "192.0.2.1:5070".parse().unwrap())
    }

    fn answer(stateless: &Stateless, bytes: &[u8]) -> Option<Transmit> {
        let view = MessageView::parse(bytes, &Limits::default()).unwrap();
        stateless.answer(&view, &flow(), StatusCode::SERVICE_UNAVAILABLE, Some(9))
    }

    #[test]
    fn an_answer_is_a_response_to_the_request_and_its_ack_is_known() {
        let stateless = Stateless::new(&mut ChaCha8Rng::seed_from_u64(1));
        let sent = answer(&stateless, INVITE).unwrap();
        let text = core::str::from_utf8(&sent.bytes).unwrap();
        // Without rport in the top Via the answer goes to its port at the address it came from.
        assert_eq!(sent.flow.remote, "192.0.2.1:5060".parse().unwrap());
        let expected = "SIP/2.0 503 Service Unavailable\r\n\
            Via: SIP/2.0/UDP p;branch=z9hG4bKp;received=192.0.2.1\r\n\
            Via: SIP/2.0/UDP 192.0.2.1:5062;rport;branch=z9hG4bK1\r\n\
            Via: SIP/2.0/TCP 192.0.2.7;branch=z9hG4bK0\r\nFrom: <sip:101@h>;tag=1\r\n\
            To: <sip:102@h>;tag=";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.ends_with("CSeq: 7 INVITE\r\nRetry-After: 09\r\nContent-Length: 0\r\n\r\n"));
        assert_eq!(answer(&stateless, INVITE).unwrap().bytes, sent.bytes, "repeated");
        let Ok(Message::Response(response)) = Message::parse(sent.bytes, &Limits::default()) else {
            panic!("no response");
        };
        let to = response.headers.require::<ToRef<'_>>().unwrap();
        let ack = |tag: &str| {
            format!(
                "ACK sip:102@h SIP/2.0\r\nVia: SIP/2.0/UDP p;branch=z9hG4bKp\r\n\
                 From: <sip:101@h>;tag=1\r\nTo: <sip:102@h>;tag={tag}\r\nCall-ID: 1\r\n\
                 CSeq: 7 ACK\r\n\r\n"
            )
        };
        let knows = |ack: &str| {
            let view = MessageView::parse(ack.as_bytes(), &Limits::default()).unwrap();
            assert_eq!(stateless.answer(&view, &flow(), StatusCode::NOT_FOUND, None), None);
            stateless.knows(&view)
        };
        assert!(knows(&ack(to.tag().unwrap())));
        assert!(!knows(&ack("0123456789abcdef")));
        for broken in ["", "ACK", "\r\nTo:", "\r\nTo:\r\n", "\r\nTo:;tag=", "\r\nt:x;tag=1\r\n"] {
            assert!(!stateless.knows_at_sight(broken.as_bytes()), "{broken}");
        }
    }

    #[test]
    fn an_outline_gets_the_same_answer() {
        let stateless = Stateless::new(&mut ChaCha8Rng::seed_from_u64(1));
        let plain = core::str::from_utf8(INVITE).unwrap();
        let plain = plain.replace("v: SIP/2.0/UDP p;branch=z9hG4bKp, ", "Via: ");
        let plain = plain.replace("f:", "From:").replace("t:", "To:").replace("i:", "Call-ID:");
        for text in [
            plain.clone(),
            plain.replace(";rport", ""),
            plain.replace(";rport", " ; port;received=192.0.2.3"),
            plain.replace("192.0.2.1:", "p:"),
        ] {
            let sent = answer(&stateless, text.as_bytes()).unwrap();
            let outline = Outline::of(text.as_bytes()).unwrap();
            let (mut out, status) = (Vec::new(), StatusCode::SERVICE_UNAVAILABLE);
            let reply = stateless.write(&outline, &flow(), status, Some(9), &mut out);
            assert_eq!((reply, &out[..]), (Some(sent.flow), &sent.bytes[..]));
            let ack = String::from_utf8(out).unwrap();
            let tag = ack.split("To: <sip:102@h>").nth(1).unwrap().lines().next().unwrap();
            let ack = text
                .replace("INVITE", "ACK")
                .replace("To: <sip:102@h>", &format!("To: <sip:102@h>{tag}"));
            assert!(stateless.knows_at_sight(ack.as_bytes()), "{ack}");
            assert!(stateless.knows_at_sight(ack.replace("\r\nTo:", "\r\nt:").as_bytes()));
            assert!(!stateless.knows_at_sight(text.as_bytes()));
            let other = Stateless::new(&mut ChaCha8Rng::seed_from_u64(2));
            assert!(!other.knows_at_sight(ack.as_bytes()));
            assert_eq!(
                stateless.write(
                    &Outline::of(ack.as_bytes()).unwrap(),
                    &flow(),
                    status,
                    None,
                    &mut Vec::new()
                ),
                None
            );
        }
        // Two in one line are for the one that reads in full.
        let two = plain.replace("Via: SIP/2.0/UDP 192", "Via: SIP/2.0/UDP p, SIP/2.0/UDP 192");
        let outline = Outline::of(two.as_bytes()).unwrap();
        let mut out = Vec::new();
        assert_eq!(stateless.write(&outline, &flow(), StatusCode::NOT_FOUND, None, &mut out), None);
        assert!(out.is_empty());
    }

    #[test]
    fn a_challenge_is_that_of_the_authenticator_and_no_longer_than_allowed() {
        let stateless = Stateless::new(&mut ChaCha8Rng::seed_from_u64(1));
        let authenticator = Authenticator::new("home", [1; 32], Default::default());
        let algorithms = [Algorithm::Sha256, Algorithm::Md5];
        let text = "REGISTER sip:h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5062;rport;branch=z9hG4bK1\r\n\
            From: <sip:101@h>;tag=1\r\nTo: <sip:101@h>\r\nCall-ID: 1\r\nCSeq: 7 REGISTER\r\n\
            Contact: <sip:101@192.0.2.1:5062>\r\n\r\n";
        let now = Duration::from_secs(9);
        let challenge = |text: &str, most| {
            let outline = Outline::of(text.as_bytes()).unwrap();
            let random = &mut ChaCha8Rng::seed_from_u64(5);
            let from = &authenticator;
            stateless.challenge(now, &outline, &flow(), from, &algorithms, most, random)
        };
        let sent = challenge(text, usize::MAX).unwrap();
        assert_eq!(sent.flow.remote, flow().remote, "it asks for rport");
        let limits = Limits::default();
        let response = crate::Response::parse(sent.bytes.clone(), &limits).unwrap();
        assert_eq!(response.check(), Ok(()));
        let request = crate::Request::parse(text.into(), &limits).unwrap();
        let random = &mut ChaCha8Rng::seed_from_u64(5);
        let whole = authenticator.challenge(now, &request, false, random);
        let offers = |headers: &crate::Headers| -> Vec<Vec<u8>> {
            headers.raw(HeaderName::WwwAuthenticate).map(<[u8]>::to_vec).collect()
        };
        assert_eq!((response.status, offers(&response.headers).len()), (whole.status, 2));
        assert_eq!(offers(&response.headers), offers(&whole.headers));
        assert_eq!(challenge(text, sent.bytes.len()), Some(sent.clone()));
        let short = challenge(text, sent.bytes.len() - 1).unwrap();
        let response = crate::Response::parse(short.bytes.clone(), &limits).unwrap();
        assert_eq!(offers(&response.headers), offers(&whole.headers)[1..]);
        assert_eq!(challenge(text, short.bytes.len() - 1), None);
        for line in ["Authorization: Digest a=b", "Require: path"] {
            let other = text.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"));
            assert_eq!(challenge(&other, usize::MAX), None, "{line}");
        }
    }

    #[test]
    fn what_cannot_be_answered_is_not() {
        let stateless = Stateless::new(&mut ChaCha8Rng::seed_from_u64(1));
        let text = core::str::from_utf8(INVITE).unwrap();
        for broken in [
            text.replace("i: 1\r\n", ""),
            text.replace("CSeq: 7", "CSeq: x"),
            text.replace("v:", "x:").replace("Via:", "y:"),
        ] {
            assert_eq!(answer(&stateless, broken.as_bytes()).map(|sent| sent.bytes), None);
        }
        assert!(answer(&stateless, b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP p\r\n\r\n").is_none());
    }
}
