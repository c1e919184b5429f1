//! What a user agent server answers to a request before it does anything about it, in the order of RFC 3261
//! §8.2: method, Request-URI, extensions, body, and only then whether there is such a call.
//!
//! This one takes every method that sip-core has a name for, `sip:` and `sips:`, no extension, SDP in what sets up
//! a session, text in a MESSAGE; it asks nobody for a password, is a registrar too, and has no call, subscription
//! or publication under way.

use std::borrow::Cow;

use bytes::Bytes;
use sip_core::header::{
    Accept, Contact, ContentDisposition, ContentEncoding, ContentType, Event, Expires, MediaType,
    RAck, ReferToRef, Require, ToRef,
};
use sip_core::message::multipart::{self, Part};
use sip_core::sdp::{self, SdpErrorKind, SessionDescription};
use sip_core::uri::UriRef;
use sip_core::{HeaderName, Limits, MessageView, Method, Rejection, StatusCode};

/// Why a request is not worked on; `Ok` when the UAS would go on.
pub(crate) fn answer(bytes: &Bytes, view: &MessageView<'_>) -> Result<(), Rejection> {
    let scheme = match view.check(&Default::default()) {
        Err(refusal) if refusal.status == StatusCode::UNSUPPORTED_URI_SCHEME => Err(refusal),
        Err(refusal) => return Err(refusal),
        Ok(()) => Ok(()),
    };
    let Some(method) = view.method() else { return Ok(()) };
    if method == Method::Register {
        registration(view)?;
    }
    // Nothing is ever answered to an ACK; above, it is only told apart from what is no ACK at all.
    if method == Method::Ack {
        return Ok(());
    }
    if let Method::Other(_) = method {
        return Err(refuse(StatusCode::NOT_IMPLEMENTED, None, 0, "a method that is not known"));
    }
    scheme?;
    // A CANCEL is for a transaction, and requires nothing (§8.2.2.3).
    if method == Method::Cancel {
        return Err(refuse(StatusCode::CALL_DOES_NOT_EXIST, None, 0, "there is nothing to cancel"));
    }
    of_method(view, &method)?;
    extensions(view)?;
    content(bytes, view, &method)?;
    if matches!(method, Method::Subscribe | Method::Publish) {
        event(view)?;
    }
    dialog(view, &method)
}

fn refuse(
    status: StatusCode,
    header: Option<HeaderName>,
    offset: usize,
    text: impl Into<Cow<'static, str>>,
) -> Rejection {
    Rejection { status, header, offset, text: text.into() }
}

/// The same, about a header and where it stands.
fn about(
    view: &MessageView<'_>,
    status: StatusCode,
    header: HeaderName,
    text: impl Into<Cow<'static, str>>,
) -> Rejection {
    let offset = view.offset(header.clone()).unwrap_or_default();
    refuse(status, Some(header), offset, text)
}

/// What a registrar cannot do without: an address of record that is a SIP or SIPS URI, and `*` only to remove all
/// bindings (§10.3).
fn registration(view: &MessageView<'_>) -> Result<(), Rejection> {
    let bad = |header, text| Err(about(view, StatusCode::BAD_REQUEST, header, text));
    if !matches!(view.require::<ToRef<'_>>()?.uri(), UriRef::Sip(_)) {
        return bad(HeaderName::To, "an address of record is a SIP or SIPS URI");
    }
    let contacts: Vec<Contact> = view.all().collect::<Result<_, _>>()?;
    if contacts.contains(&Contact::Star) {
        let expires = view.typed::<Expires>().ok().flatten();
        if contacts.len() > 1 {
            return bad(HeaderName::Contact, "* stands beside others");
        }
        if expires != Some(Expires(0)) {
            return bad(HeaderName::Contact, "* without Expires: 0");
        }
    }
    Ok(())
}

/// What a method cannot do without: one Refer-To (RFC 3515 §2.4.2; more than one is refused before), or the number of
/// what is acknowledged (RFC 3262 §7.2).
fn of_method(view: &MessageView<'_>, method: &Method) -> Result<(), Rejection> {
    match method {
        Method::Refer => view.require::<ReferToRef<'_>>().map(drop)?,
        Method::Prack => view.require::<RAck>().map(drop)?,
        _ => {}
    }
    Ok(())
}

/// No extension is known (§8.2.2.3).
fn extensions(view: &MessageView<'_>) -> Result<(), Rejection> {
    let Some(required) = view.typed::<Require>()? else { return Ok(()) };
    if required.0.is_empty() {
        return Ok(());
    }
    let tags: Vec<&str> = required.0.iter().map(|tag| tag.as_str()).collect();
    let text = format!("extensions that are not known: {}", tags.join(", "));
    Err(about(view, StatusCode::BAD_EXTENSION, HeaderName::Require, text))
}

/// The body is of a kind that the method has use for (§8.2.3), and the answer may have one too.
fn content(bytes: &Bytes, view: &MessageView<'_>, method: &Method) -> Result<(), Rejection> {
    let wanted = match method {
        Method::Invite | Method::Update | Method::Prack | Method::Options => Wanted::Session,
        Method::Message => Wanted::Text,
        // What the others carry is for a package or for nobody.
        _ => return Ok(()),
    };
    if *method == Method::Invite
        && let Ok(Some(accept)) = view.typed::<Accept>()
        && !accept.admits(&ContentType::sdp())
    {
        let text = "an answer in application/sdp is not acceptable";
        return Err(about(view, StatusCode::NOT_ACCEPTABLE, HeaderName::Accept, text));
    }
    if view.body().trim_ascii().is_empty() {
        return Ok(());
    }
    let is_optional = |disposition: &Option<ContentDisposition>| {
        disposition.as_ref().is_some_and(ContentDisposition::is_optional)
    };
    let disposition = view.typed().ok().flatten();
    if is_optional(&disposition) {
        return Ok(());
    }
    let unsupported =
        |header, text| Err(about(view, StatusCode::UNSUPPORTED_MEDIA_TYPE, header, text));
    if is_strange(&disposition) {
        return unsupported(
            HeaderName::ContentDisposition,
            "a use that is not known, and required",
        );
    }
    if let Some(encoding) = view.typed::<ContentEncoding>()?
        && !encoding.0.iter().all(|coding| coding.as_str().eq_ignore_ascii_case("identity"))
    {
        return unsupported(HeaderName::ContentEncoding, "an encoding that is not known");
    }
    let Some(ContentType(kind)) = view.typed()? else {
        return unsupported(HeaderName::ContentType, "a body of no type");
    };
    let start = view.body_offset();
    let body = bytes.slice(start..start + view.body().len());
    let is_whole = view.trailing().is_empty();
    if !kind.kind.as_str().eq_ignore_ascii_case("multipart") {
        return match wanted.takes(&kind) {
            Taken::Session => session(&body, start, is_whole),
            Taken::Yes => Ok(()),
            Taken::Encrypted => {
                let text = "there is no key to decipher it";
                Err(about(view, StatusCode::UNDECIPHERABLE, HeaderName::ContentType, text))
            }
            Taken::No => unsupported(HeaderName::ContentType, "a type that is not known here"),
        };
    }
    let Ok(parts) = multipart::parts(&kind, &body, &Limits::default()) else {
        return unsupported(HeaderName::ContentType, "a body that cannot be taken apart");
    };
    // A text beside a session can be shown, or not.
    let is_plain = |kind: &MediaType| kind.is("text", "plain");
    let is_alternative = kind.subtype.as_str().eq_ignore_ascii_case("alternative");
    let mut is_understood = parts.is_empty();
    let mut is_refused = false;
    for part in &parts {
        let disposition = part.headers.typed().ok().flatten();
        if is_strange(&disposition) {
            is_refused |= !is_optional(&disposition);
            continue;
        }
        match part_kind(part).map(|kind| wanted.takes(&kind)) {
            Some(Taken::Session) => {
                session(&part.body, offset_in(bytes, &part.body).unwrap_or(start), is_whole)?;
                is_understood = true;
            }
            Some(Taken::Yes) | None => is_understood = true,
            Some(_) if part_kind(part).is_some_and(|kind| is_plain(&kind)) => {}
            Some(_) => is_refused |= !is_optional(&disposition),
        }
    }
    if is_refused && !(is_alternative && is_understood) && wanted == Wanted::Session {
        return unsupported(
            HeaderName::ContentType,
            "a part of a type or use that is not known here",
        );
    }
    Ok(())
}

/// What to do with a body is not known (RFC 3261 §20.11), and so as good as a type that is not (§8.2.3).
fn is_strange(disposition: &Option<ContentDisposition>) -> bool {
    let known = ["session", "render", "icon", "alert"];
    disposition.as_ref().is_some_and(|disposition| {
        !known.iter().any(|name| disposition.kind.as_str().eq_ignore_ascii_case(name))
    })
}

/// Where a slice of the message starts; none for an empty one, which is nowhere.
fn offset_in(bytes: &[u8], slice: &[u8]) -> Option<usize> {
    let offset = slice.as_ptr().addr().checked_sub(bytes.as_ptr().addr())?;
    (offset < bytes.len()).then_some(offset)
}

fn part_kind(part: &Part) -> Option<MediaType> {
    part.headers.typed::<ContentType>().ok().flatten().map(|kind| kind.0)
}

/// What a method has use for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Session,
    Text,
}

/// Whether a type is taken.
enum Taken {
    Session,
    Yes,
    Encrypted,
    No,
}

impl Wanted {
    fn takes(self, kind: &MediaType) -> Taken {
        let main = |name| kind.kind.as_str().eq_ignore_ascii_case(name);
        if kind.is("application", "pkcs7-mime") {
            let signed = kind.params.get("smime-type").is_some_and(|t| t.starts_with("signed"));
            return if signed { Taken::No } else { Taken::Encrypted };
        }
        match self {
            Wanted::Session if kind.is("application", "sdp") => Taken::Session,
            Wanted::Session => Taken::No,
            Wanted::Text if main("text") || main("message") || main("multipart") => Taken::Yes,
            Wanted::Text => Taken::No,
        }
    }
}

/// A session description must be one. What is broken in it is bad syntax; where something is missing, or of a kind
/// that we do not speak, there is only nothing to agree on. One that its Content-Length has cut in its last line is
/// left to the session.
fn session(body: &[u8], start: usize, is_whole: bool) -> Result<(), Rejection> {
    let Err(error) = SessionDescription::parse(body, &sdp::Limits::default()) else {
        return Ok(());
    };
    let rest = body.get(error.offset..).unwrap_or_default();
    if !is_whole && !rest.contains(&b'\n') {
        return Ok(());
    }
    let status = match error.kind {
        SdpErrorKind::Malformed(_)
        | SdpErrorKind::Overflow(_)
        | SdpErrorKind::ControlByte(_)
        | SdpErrorKind::Limit(_) => error.status(),
        _ => StatusCode::NOT_ACCEPTABLE_HERE,
    };
    Err(refuse(status, None, start + error.offset, format!("session description: {}", error.kind)))
}

/// Subscriptions and publications name what they are about (RFC 6665 §7.2, RFC 3903 §6).
fn event(view: &MessageView<'_>) -> Result<(), Rejection> {
    match view.typed::<Event>() {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(about(view, StatusCode::BAD_EVENT, HeaderName::Event, "missing")),
        Err(error) => Err(error.into()),
    }
}

/// No dialog is there, so none is found (§12.2.2). Registrations are made in none (§10.2).
fn dialog(view: &MessageView<'_>, method: &Method) -> Result<(), Rejection> {
    let needs_one = matches!(
        method,
        Method::Bye | Method::Prack | Method::Update | Method::Info | Method::Notify
    );
    let names_one = *method != Method::Register && view.require::<ToRef<'_>>()?.tag().is_some();
    if !needs_one && !names_one {
        return Ok(());
    }
    let text =
        if names_one { "there is no such dialog" } else { "a request that only a dialog has" };
    Err(about(view, StatusCode::CALL_DOES_NOT_EXIST, HeaderName::To, text))
}
