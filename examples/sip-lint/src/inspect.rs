//! Everything that is wrong with the headers of a message, whether it matters to anybody or not.

use sip_core::header::*;
use sip_core::message::StartLine;
use sip_core::{HeaderError, HeaderName, MessageView, Method};

use crate::report::Problem;

/// Reads every header that has a type, and looks for what should be there.
pub(crate) fn problems(view: &MessageView<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    malformed(view, &mut problems);
    untidy(view, &mut problems);
    problems.sort_by_key(|problem| problem.offset);
    problems
}

fn malformed(view: &MessageView<'_>, problems: &mut Vec<Problem>) {
    macro_rules! read {
        ($($name:ident)*) => { $( read::<$name>(view, problems); )* };
    }
    read! {
        Accept AcceptEncoding AcceptLanguage AlertInfo Allow AllowEvents AuthenticationInfo Authorization
        CSeq CallId CallInfo Contact ContentDisposition ContentEncoding ContentId ContentLanguage ContentLength
        ContentType Date Diversion ErrorInfo Event Expires FlowTimer From Geolocation GeolocationError
        GeolocationRouting HistoryInfo Identity IdentityInfo InReplyTo InfoPackage Join MaxForwards MimeVersion
        MinExpires MinSe Organization PAccessNetworkInfo PAssertedIdentity PAssociatedUri PCalledPartyId
        PEarlyMedia PPreferredIdentity Path Priority Privacy ProxyAuthenticate ProxyAuthenticationInfo
        ProxyAuthorization ProxyRequire RAck RSeq Reason RecordRoute RecvInfo ReferSub ReferTo ReferredBy
        RemotePartyId Replaces ReplyTo Require RetryAfter Route Server ServiceRoute SessionExpires SipEtag
        SipIfMatch Subject SubscriptionState Supported TargetDialog Timestamp To Unsupported UserAgent Via
        Warning WwwAuthenticate
    }
}

/// One header, wherever it stands; one that may stand once must not stand twice (RFC 3261 §7.3.1).
fn read<T: TypedHeader>(view: &MessageView<'_>, problems: &mut Vec<Problem>) {
    let mut lines = 0;
    for value in view.all::<T>() {
        lines += 1;
        match value {
            Err(HeaderError { header, offset, kind }) => {
                problems.push(Problem::new(Some(&header), offset, kind.to_string()));
            }
            Ok(_) if lines == 2 && T::SHAPE == Shape::Single => {
                let offset = view.offset(T::NAME).unwrap_or_default();
                problems.push(Problem::new(Some(&T::NAME), offset, "given more than once"));
            }
            Ok(_) => {}
        }
    }
}

/// What no one refuses, and a careful sender does not do.
fn untidy(view: &MessageView<'_>, problems: &mut Vec<Problem>) {
    let mut tell = |header: Option<HeaderName>, offset, text: &'static str| {
        problems.push(Problem::new(header.as_ref(), offset, text));
    };
    if !view.has_empty_line() {
        tell(None, view.body_offset(), "the empty line after the headers is missing");
    }
    if !view.trailing().is_empty() {
        let offset = view.body_offset() + view.body().len();
        tell(None, offset, "bytes after the body, which are ignored in a datagram");
    }
    for contact in view.all::<Contact>().flatten() {
        let Contact::Address(address) = contact else { continue };
        if address.q().is_err() || address.expires().is_err() {
            let offset = view.offset(HeaderName::Contact).unwrap_or_default();
            tell(Some(HeaderName::Contact), offset, "a q or expires that is no such number");
        }
    }
    let has_body = !view.body().trim_ascii().is_empty();
    if has_body && view.offset(HeaderName::ContentType).is_none() {
        tell(Some(HeaderName::ContentType), 0, "missing, and there is a body");
    }
    if let Ok(Some(from)) = view.typed::<FromRef<'_>>()
        && from.tag().is_none()
    {
        let offset = view.offset(HeaderName::From).unwrap_or_default();
        tell(Some(HeaderName::From), offset, "no tag, as before RFC 3261");
    }
    if let Ok(Some(via)) = view.typed::<ViaRef<'_>>()
        && via.transaction().is_none()
    {
        let offset = view.offset(HeaderName::Via).unwrap_or_default();
        tell(
            Some(HeaderName::Via),
            offset,
            "no branch that starts with z9hG4bK, as before RFC 3261",
        );
    }
    match view.start_line() {
        StartLine::Request { .. } => {
            if view.offset(HeaderName::MaxForwards).is_none() {
                tell(Some(HeaderName::MaxForwards), 0, "missing, as before RFC 3261");
            }
        }
        StartLine::Response { status, .. } => {
            let method = view.typed::<CSeq>().ok().flatten().map(|cseq| cseq.method);
            if status.is_success()
                && method == Some(Method::Invite)
                && view.offset(HeaderName::Contact).is_none()
            {
                tell(Some(HeaderName::Contact), 0, "missing, and the ACK has nowhere to go");
            }
            if let Ok(Some(to)) = view.typed::<ToRef<'_>>()
                && to.tag().is_none()
                && status.code() > 100
            {
                let offset = view.offset(HeaderName::To).unwrap_or_default();
                tell(Some(HeaderName::To), offset, "no tag, as before RFC 3261");
            }
        }
    }
}
