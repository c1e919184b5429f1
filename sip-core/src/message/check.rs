//! What every user agent checks before it works on a message (RFC 3261 §8.1.1, §8.2.2, §16.3).

use super::StatusCode;
use crate::error::{HeaderError, Rejection, ValueErrorKind};
use crate::header::{AuthorizationRef, ProxyAuthorizationRef};
use crate::header::{
    CSeqRef, CallIdRef, ContactRef, FromRef, HeaderName, HeaderView, Known, Lines, MaxForwards,
    RecordRouteRef, RouteRef, ToRef, ViaRef, all, beyond_first, require,
};
use crate::uri::{Uri, UriRef};

/// What a user agent takes beyond the minimum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Takes tel URIs as Request-URI; else they are answered with 416.
    pub tel: bool,
    /// Takes URNs, such as `urn:service:sos`, as Request-URI; else they are answered with 416.
    pub urn: bool,
}

/// The request line.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) uri: Target<'a>,
}

/// The Request-URI.
pub(super) enum Target<'a> {
    Read(&'a Uri),
    /// The text, and its offset.
    Unread(&'a [u8], usize),
}

pub(super) fn request(
    start: Request<'_>,
    lines: &impl Lines,
    policy: &Policy,
) -> Result<(), Rejection> {
    let target = target(&start.uri)?;
    let (top, names) = common(lines)?;
    beyond(&start, target, lines, policy, &top, names, None)
}

/// The same for a request whose top Via, From, To, Call-ID and CSeq have been read before; gives the
/// headers that are there.
pub(super) fn request_read(
    start: Request<'_>,
    lines: &impl Lines,
    policy: &Policy,
    top: &ViaRef<'_>,
    cseq: &CSeqRef<'_>,
) -> Result<Names, Rejection> {
    let target = target(&start.uri)?;
    let names = once(lines)?;
    vias(lines, top, names)?;
    beyond(&start, target, lines, policy, top, names, Some(cseq))?;
    Ok(names)
}

/// What is to be checked behind the headers that every message has.
fn beyond(
    start: &Request<'_>,
    (scheme, offset): (Scheme, usize),
    lines: &impl Lines,
    policy: &Policy,
    top: &ViaRef<'_>,
    names: Names,
    cseq_read: Option<&CSeqRef<'_>>,
) -> Result<(), Rejection> {
    hops(lines)?;
    every::<RecordRouteRef<'_>>(lines, names)?;
    every::<RouteRef<'_>>(lines, names)?;
    every::<AuthorizationRef<'_>>(lines, names)?;
    every::<ProxyAuthorizationRef<'_>>(lines, names)?;
    contacts(start.method, lines, top, names)?;
    match cseq_read {
        Some(read) => cseq(start.method, read, lines)?,
        None => cseq(start.method, &require(lines)?, lines)?,
    }
    match scheme {
        Scheme::Sip => Ok(()),
        Scheme::Tel if policy.tel => Ok(()),
        Scheme::Urn if policy.urn => Ok(()),
        _ => Err(Rejection {
            status: StatusCode::UNSUPPORTED_URI_SCHEME,
            header: None,
            offset,
            text: "the scheme of the Request-URI is not supported".into(),
        }),
    }
}

pub(super) fn response(lines: &impl Lines) -> Result<(), Rejection> {
    let (_, names) = common(lines)?;
    require::<CSeqRef<'_>>(lines)?;
    every::<RecordRouteRef<'_>>(lines, names)?;
    every::<ContactRef<'_>>(lines, names)?;
    Ok(())
}

enum Scheme {
    Sip,
    Tel,
    Urn,
    Other,
}

/// A Request-URI is well-formed and has no headers (§19.1.1); gives its scheme and its offset.
fn target(uri: &Target<'_>) -> Result<(Scheme, usize), Rejection> {
    let reject = |offset, text: String| Rejection {
        status: StatusCode::BAD_REQUEST,
        header: None,
        offset,
        text: text.into(),
    };
    let (scheme, has_headers, offset) = match uri {
        Target::Read(uri) => {
            let has_headers = uri.as_sip().is_some_and(|uri| !uri.headers_escaped().is_empty());
            (uri.scheme(), has_headers, 0)
        }
        Target::Unread(text, at) => {
            let uri = UriRef::parse(text).map_err(|error| {
                reject(at + error.offset, format!("the Request-URI is malformed: {}", error.kind))
            })?;
            let has_headers = matches!(uri, UriRef::Sip(uri) if !uri.headers_escaped().is_empty());
            (uri.scheme(), has_headers, *at)
        }
    };
    if has_headers {
        return Err(reject(offset, "the Request-URI has headers".to_owned()));
    }
    let scheme = match scheme {
        "sip" | "sips" => Scheme::Sip,
        "tel" => Scheme::Tel,
        urn if urn.eq_ignore_ascii_case("urn") => Scheme::Urn,
        _ => Scheme::Other,
    };
    Ok((scheme, offset))
}

/// Headers that may stand only once, of those whose repetition could be read in two ways. Others,
/// such as Subject, harm nobody who takes the first (§8.2.2).
const SINGLE: u128 = {
    let names = [
        Known::From,
        Known::To,
        Known::CallId,
        Known::CSeq,
        Known::MaxForwards,
        Known::ContentType,
        Known::ContentDisposition,
        Known::Expires,
        Known::Event,
        Known::SubscriptionState,
        Known::ReferTo,
        Known::ReferredBy,
        Known::Replaces,
        Known::Join,
        Known::TargetDialog,
        Known::RAck,
        Known::RSeq,
        Known::SipEtag,
        Known::SipIfMatch,
    ];
    let mut all = 0;
    let mut index = 0;
    while index < names.len() {
        all |= 1 << names[index] as u8;
        index += 1;
    }
    all
};

/// What requests and responses have in common: Via, From, To and Call-ID, well-formed. Gives the
/// top Via.
fn common<'a>(lines: &'a impl Lines) -> Result<(ViaRef<'a>, Names), Rejection> {
    let names = once(lines)?;
    let top: ViaRef<'_> = require(lines)?;
    vias(lines, &top, names)?;
    require::<FromRef<'_>>(lines)?;
    require::<ToRef<'_>>(lines)?;
    require::<CallIdRef<'_>>(lines)?;
    Ok((top, names))
}

/// Which headers are there at all, and which more than once, a bit each.
#[derive(Clone, Copy)]
pub(crate) struct Names {
    seen: u128,
    again: u128,
}

impl Names {
    pub(crate) fn has(self, known: Known) -> bool {
        self.seen >> known as u8 & 1 != 0
    }

    fn repeats(self, known: Known) -> bool {
        self.again >> known as u8 & 1 != 0
    }
}

/// What may stand only once does.
fn once(lines: &impl Lines) -> Result<Names, Rejection> {
    let mut names = Names { seen: 0, again: 0 };
    for known in lines.names() {
        let bit = 1 << known as u8;
        let again = names.seen & bit;
        names.seen |= bit;
        if again == 0 {
            continue;
        }
        names.again |= again;
        if again & SINGLE != 0 {
            let again = lines.lines().filter(|line| line.known == known).nth(1);
            return Err(Rejection {
                status: StatusCode::BAD_REQUEST,
                header: known.name(),
                offset: again.map_or(0, |line| line.offset()),
                text: "given more than once".into(),
            });
        }
    }
    Ok(names)
}

/// All Vias are well-formed, the top one read before.
fn vias(lines: &impl Lines, top: &ViaRef<'_>, names: Names) -> Result<(), Rejection> {
    if names.repeats(Known::Via) || !is_alone(Known::Via, lines) {
        for via in beyond_first::<ViaRef<'_>, _>(lines) {
            via?;
        }
    }
    if top.branch_bytes().eq_ignore_ascii_case(b"z9hG4bK") {
        return Err(bad(lines, HeaderName::Via, "the branch has nothing behind its cookie"));
    }
    Ok(())
}

/// Max-Forwards is a number. One beyond its range counts as absent (RFC 4475 §3.1.2.4).
fn hops(lines: &impl Lines) -> Result<(), Rejection> {
    match crate::header::find::<MaxForwards>(lines) {
        Err(error) if error.kind != ValueErrorKind::Range => Err(error.into()),
        _ => Ok(()),
    }
}

/// Whether the first line of that name holds one value for sure, as nearly all do.
fn is_alone(name: Known, lines: &impl Lines) -> bool {
    let line = lines.first_known(name);
    line.is_none_or(|line| memchr::memchr(b',', line.value()).is_none())
}

fn every<'a, T: HeaderView<'a>>(lines: &'a impl Lines, names: Names) -> Result<(), Rejection> {
    if !names.has(T::NAME.known()) {
        return Ok(());
    }
    for value in all::<T, _>(lines) {
        value?;
    }
    Ok(())
}

/// Contacts are well-formed; a request that can make a dialog has exactly one SIP or SIPS URI,
/// whatever others it has (§8.1.1.8), or a telephone number instead, which a gateway answers where it
/// came from. Where RFC 2543 wrote the request, which knew no branch, it may have none.
fn contacts(
    method: &str,
    lines: &impl Lines,
    top: &ViaRef<'_>,
    names: Names,
) -> Result<(), Rejection> {
    let reject = |text| bad(lines, HeaderName::Contact, text);
    let makes_dialog = matches!(method, "INVITE" | "SUBSCRIBE" | "REFER");
    let (mut count, mut others, mut telephones) = (0usize, false, false);
    let mut take = |contact: ContactRef<'_>| {
        match contact {
            ContactRef::Star if makes_dialog => return Err(reject("* has no meaning here")),
            ContactRef::Address(address) if !matches!(address.uri(), UriRef::Sip(_)) => {
                others = true;
                telephones |= matches!(address.uri(), UriRef::Tel(_));
            }
            _ => count += 1,
        }
        Ok(())
    };
    if names.has(Known::Contact)
        && !names.repeats(Known::Contact)
        && is_alone(Known::Contact, lines)
    {
        take(require(lines)?)?;
    } else if names.has(Known::Contact) {
        for contact in all::<ContactRef<'_>, _>(lines) {
            take(contact?)?;
        }
    }
    match count {
        0 if telephones => Ok(()),
        0 if makes_dialog && others => Err(reject("no SIP or SIPS URI")),
        0 if makes_dialog && !top.branch_bytes().is_empty() => Err(reject("missing")),
        2.. if makes_dialog => Err(reject("more than one")),
        _ => Ok(()),
    }
}

/// CSeq names the method of the request line (§8.1.1.5). Of a method that nobody knows, that is
/// the better answer.
fn cseq(method: &str, cseq: &CSeqRef<'_>, lines: &impl Lines) -> Result<(), Rejection> {
    if cseq.method_bytes() == method.as_bytes() {
        return Ok(());
    }
    let status = match super::Method::known(method) {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::NOT_IMPLEMENTED,
    };
    let text = "names another method than the request line";
    Err(Rejection { status, ..bad(lines, HeaderName::CSeq, text) })
}

impl From<HeaderError> for Rejection {
    fn from(error: HeaderError) -> Self {
        Rejection {
            status: error.status(),
            offset: error.offset,
            text: error.kind.to_string().into(),
            header: Some(error.header),
        }
    }
}

/// A 400 that names a header, and where its first line is.
fn bad(lines: &impl Lines, header: HeaderName, text: &'static str) -> Rejection {
    let offset = lines.named(header.clone()).next().map_or(0, |line| line.offset());
    Rejection { status: StatusCode::BAD_REQUEST, header: Some(header), offset, text: text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Message, MessageView};

    fn answer(method: &str, more: &str) -> Option<(u16, Option<HeaderName>)> {
        let text = format!(
            "{method} sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\n\
             To: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 {method}\r\nContact: <sip:a@h>\r\n{more}\r\n"
        );
        let limits = Limits::default();
        let view = MessageView::parse(text.as_bytes(), &limits).unwrap().check(&Policy::default());
        let owned = Message::parse(text.clone().into(), &limits).unwrap().check(&Policy::default());
        let of = |rejection: Rejection| (rejection.status.code(), rejection.header);
        let (view, owned) = (view.err().map(of), owned.err().map(of));
        assert_eq!(view, owned);
        view
    }

    #[test]
    fn hops() {
        for (more, is_bad) in [
            ("", false),
            ("Max-Forwards: 0\r\n", false),
            ("Max-Forwards: 256\r\n", false),
            ("Max-Forwards: 99999999999999999999\r\n", false),
            ("Max-Forwards: -1\r\n", true),
            ("Max-Forwards: \r\n", true),
            ("Max-Forwards: 70 71\r\n", true),
        ] {
            let expected = is_bad.then_some((400, Some(HeaderName::MaxForwards)));
            assert_eq!(answer("OPTIONS", more), expected, "{more}");
        }
    }

    #[test]
    fn one_contact_is_for_the_dialog() {
        let contact = Some((400, Some(HeaderName::Contact)));
        for (more, expected) in [
            ("m: mailto:a@b\r\nm: http://h/a%20b?c=d\r\nm: <tel:+1>\r\n", None),
            ("m: <sip:b@h>\r\n", contact.clone()),
            ("m: *\r\n", contact.clone()),
            ("m: sip:b@h?c=d\r\n", contact.clone()),
        ] {
            assert_eq!(answer("INVITE", more), expected, "{more}");
        }
        let text: &str = "INVITE sip:h SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK1\r\nf: <sip:a@h>;tag=1\r\n\
                    t: <sip:b@h>\r\ni: 1\r\nCSeq: 1 INVITE\r\nm: <tel:+1>\r\n\r\n";
        for (text, expected) in [(text, None), (&text.replace("tel:+1", "http://h"), contact)] {
            let view = MessageView::parse(text.as_bytes(), &Limits::default()).unwrap();
            let rejection = view.check(&Policy::default()).err();
            assert_eq!(rejection.map(|r| (r.status.code(), r.header)), expected);
        }
    }

    #[test]
    fn once_only() {
        for (line, name) in [
            ("Event: x\r\n", HeaderName::Event),
            ("Replaces: 1;to-tag=1;from-tag=2\r\n", HeaderName::Replaces),
            ("SIP-If-Match: x\r\n", HeaderName::SipIfMatch),
        ] {
            assert_eq!(answer("OPTIONS", line), None);
            assert_eq!(answer("OPTIONS", &line.repeat(2)), Some((400, Some(name))), "{line}");
        }
        assert_eq!(answer("OPTIONS", &"Subject: x\r\n".repeat(2)), None);
    }
}
