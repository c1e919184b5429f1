use std::fmt::Debug;

use bytes::Bytes;
use sip_core::header::*;
use sip_core::{
    HeaderName, Host, Limits, Message, MessageView, Method, Request, SipUri, TypedHeader,
};

/// The header lines of a stranger's request.
///
/// Every typed header that can be read is written in a form that reads as the same: alone, in a list of headers
/// and in a message. What reads in place reads as what owns its text. What a parameter means can be set again.
pub fn sip_headers(data: &[u8]) {
    let mut bytes = b"OPTIONS sip:h SIP/2.0\r\n".to_vec();
    bytes.extend_from_slice(data);
    let Ok(message) = Message::parse(Bytes::from(bytes.clone()), &Limits::default()) else {
        return;
    };
    let headers = message.headers();
    macro_rules! round_trips {
        ($($name:ident)*) => { $( round_trip::<$name>(headers); )* };
    }
    round_trips! {
        Accept AcceptEncoding AcceptLanguage AlertInfo Allow AllowEvents
        AuthenticationInfo Authorization CSeq CallId CallInfo Contact ContentDisposition
        ContentEncoding ContentId ContentLanguage ContentLength ContentType Date Diversion ErrorInfo
        Event Expires FlowTimer From Geolocation GeolocationError GeolocationRouting HistoryInfo
        Identity IdentityInfo InReplyTo InfoPackage Join MaxForwards MimeVersion MinExpires MinSe
        Organization PAccessNetworkInfo PAssertedIdentity PAssociatedUri PCalledPartyId PEarlyMedia
        PPreferredIdentity Path Priority Privacy ProxyAuthenticate ProxyAuthenticationInfo
        ProxyAuthorization ProxyRequire RAck RSeq Reason RecordRoute RecvInfo ReferSub ReferTo
        ReferredBy RemotePartyId Replaces ReplyTo Require
        RetryAfter Route Server ServiceRoute SessionExpires SipEtag SipIfMatch Subject
        SubscriptionState Supported TargetDialog Timestamp To Unsupported UserAgent Via Warning
        WwwAuthenticate
    }
    if let Ok(view) = MessageView::parse(&bytes, &Limits::default()) {
        in_place(&view, headers);
    }
    meanings(headers);
}

/// The values of `T`, however they share lines, survive being written.
fn round_trip<T: TypedHeader + PartialEq + Debug + Clone>(headers: &Headers) {
    let values: Vec<T> = headers.all::<T>().flatten().take(50).collect();
    if values.is_empty() {
        return;
    }
    let mut request =
        Request::new(Method::Options, SipUri::new("", Host::V4([192, 0, 2, 1].into()), None));
    for value in &values {
        let mut written = Vec::new();
        value.write(&mut written);
        assert_eq!(T::parse(&written).as_ref(), Ok(value), "{}", written.escape_ascii());

        let mut alone = Headers::new();
        alone.set(value.clone());
        assert_eq!(alone.len(), 1);
        let read: Vec<_> = alone.all::<T>().collect();
        assert_eq!(read, [Ok(value.clone())], "{}", written.escape_ascii());
        request.headers.push(value.clone());
    }
    if T::NAME == HeaderName::ContentLength {
        return;
    }
    // Without a limit of values: what was written on one line may now stand on many.
    let limits = Limits { bytes: usize::MAX, ..Limits::default() };
    let Ok(read) = Request::parse(request.to_bytes(), &limits) else {
        assert!(request.to_bytes().len() > limits.header_bytes);
        return;
    };
    assert_eq!(read.headers.len(), values.len() + 1, "no line is forged or lost");
    let again: Vec<T> = read.headers.all::<T>().map(Result::unwrap).collect();
    assert_eq!(again, values);
}

/// Types that end in `Ref` say what their owners say, errors included.
fn in_place(view: &MessageView<'_>, headers: &Headers) {
    macro_rules! addresses {
        ($($borrowed:ident $owned:ident)*) => { $(
            let read = view.all::<$borrowed<'_>>().map(|r| r.map(|address| address.to_name_addr()));
            assert!(read.eq(headers.all::<$owned>().map(|r| r.map(|address| address.0))));
        )* };
    }
    addresses! {
        FromRef From ToRef To RouteRef Route RecordRouteRef RecordRoute PathRef Path ReferToRef ReferTo
    }
    let vias = view.all::<ViaRef<'_>>().map(|via| via.map(|via| via.to_via()));
    assert!(vias.eq(headers.all::<Via>()));
    for (borrowed, owned) in view.all::<ViaRef<'_>>().zip(headers.all::<Via>()) {
        let (Ok(borrowed), Ok(owned)) = (borrowed, owned) else { continue };
        assert_eq!(borrowed.branch(), owned.branch());
        assert_eq!(borrowed.transaction(), owned.transaction());
        assert_eq!((borrowed.received(), borrowed.rport()), (owned.received(), owned.rport()));
        let _ = (owned.maddr(), owned.ttl(), owned.port_or_default());
    }
    let numbers =
        view.all::<CSeqRef<'_>>().map(|r| r.map(|cseq| (cseq.number(), cseq.method().to_owned())));
    let owned = headers.all::<CSeq>().map(|r| r.map(|cseq| (cseq.number, cseq.method.to_string())));
    assert!(numbers.eq(owned));
    let ids = view.all::<CallIdRef<'_>>().map(|r| r.map(|id| id.as_str().to_owned()));
    assert!(ids.eq(headers.all::<CallId>().map(|r| r.map(|id| id.to_string()))));
}

/// What accessors say is in range, and what is said can be set.
fn meanings(headers: &Headers) {
    let contacts = headers.all::<Contact>().flatten();
    let addresses = contacts.filter_map(|contact| contact.address().cloned());
    let addresses = addresses.chain(headers.all::<From>().flatten().map(|from| from.0));
    for mut address in addresses.take(20) {
        assert!(address.q().ok().flatten().is_none_or(|q| q <= 1000));
        let _ = address.expires();
        params(&address.params);
        address.set_tag("a6c85cf").unwrap();
        assert_eq!(address.tag(), Some("a6c85cf"));
        assert_eq!(NameAddr::parse(address.to_string()).as_ref(), Ok(&address));
        address.clear_tag();
        assert_eq!(NameAddr::parse(address.to_string()).map(|read| read.tag().is_none()), Ok(true));
        let named = address.clone().with_display_name("\"\\<sip:x@y>;\u{1}\r\n,");
        let read = NameAddr::parse(named.to_string()).unwrap();
        assert_eq!((read.uri, read.params), (address.uri, address.params));
    }
    for reason in headers.all::<Reason>().flatten() {
        let _ = reason.cause();
        params(&reason.params);
    }
    for date in headers.all::<Date>().flatten() {
        assert_eq!(Date::from_unix(date.to_unix()).to_unix(), date.to_unix());
    }
    for accept in headers.all::<Accept>().flatten() {
        assert!(accept.0.iter().all(|kind| kind.q() <= 1000 && kind.admits(kind)));
    }
    for credentials in headers.all::<Authorization>().flatten() {
        let _ = (credentials.nc(), credentials.username(), credentials.userhash());
    }
    for challenge in headers.all::<WwwAuthenticate>().flatten() {
        let _ = (challenge.qop(), challenge.stale(), challenge.domain());
    }
}

fn params(params: &Params) {
    assert_eq!(Params::parse(params.as_str()).as_ref(), Ok(params));
    let mut copy = Params::default();
    for param in params.iter() {
        let text = param.text();
        copy.set(param.name, param.value.map(|_| &*text)).unwrap();
        assert_eq!(copy.text(param.name), Some(text));
        assert_eq!(Params::parse(copy.as_str()).as_ref(), Ok(&copy));
    }
    for param in params.iter() {
        copy.remove(param.name);
        assert!(!copy.contains(param.name));
    }
    assert!(copy.is_empty());
}
