//! What is written is read again as it was: every typed header, URIs and whole messages.

#[macro_use]
#[path = "support/all_headers.rs"]
mod all_headers;

use core::fmt::Debug;
use core::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use sip_core::header::*;
use sip_core::message::{Method, ReasonPhrase};
use sip_core::uri::{Host, HostName, HostPort, SipUri, TelUri, Uri};
use sip_core::{
    HeaderName, Limits, Message, MessageView, Request, Response, StatusCode, Token, Transport,
};

fn token_text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9!%*_+`'~.-]{1,8}"
}

fn token() -> impl Strategy<Value = Token> {
    token_text().prop_map(|text| Token::new(text).unwrap())
}

/// Text for people: anything but line ends.
fn text() -> impl Strategy<Value = String> {
    "[^\r\n]{0,12}"
}

/// Text of headers that are nothing but text.
fn plain_text() -> impl Strategy<Value = String> {
    "([^\\p{Cc} ]([^\\p{Cc}]{0,8}[^\\p{Cc} ])?)?"
}

fn params() -> impl Strategy<Value = Params> {
    vec(("x[a-z]{1,3}", option::of(text())), 0..4).prop_map(|all| {
        let mut params = Params::default();
        for (name, value) in all {
            params.set(&name, value.as_deref()).unwrap();
        }
        params
    })
}

fn host() -> impl Strategy<Value = Host> {
    prop_oneof![
        "[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,3})?(\\.[a-z_][a-z0-9]{0,3}){0,2}\\.?"
            .prop_map(|name| Host::Name(HostName::new(&name).unwrap())),
        any::<u32>().prop_map(|bits| Host::V4(Ipv4Addr::from(bits))),
        any::<u128>().prop_map(|bits| Host::V6(Ipv6Addr::from(bits))),
    ]
}

fn sip_uri() -> impl Strategy<Value = SipUri> {
    let parts = (option::of("[^\r]{1,8}"), option::of("[^\r]{0,4}"), host(), any::<Option<u16>>());
    let params = vec(("[^\r]{1,4}", option::of("[^\r]{1,4}")), 0..3);
    let headers = vec(("[^\r]{1,4}", "[^\r]{0,6}"), 0..3);
    (parts, params, headers, any::<bool>()).prop_map(
        |((user, password, host, port), params, headers, secure)| {
            let mut uri = SipUri::new(&user.unwrap_or_default(), host, port).with_secure(secure);
            if let Some(password) = password {
                uri = uri.with_password(&password);
            }
            for (name, value) in params {
                uri = uri.with_param(&name, value.as_deref()).unwrap();
            }
            for (name, value) in headers {
                uri = uri.with_header(&name, value).unwrap();
            }
            uri
        },
    )
}

fn uri() -> impl Strategy<Value = Uri> {
    prop_oneof![
        3 => sip_uri().prop_map(Uri::Sip),
        1 => "\\+[0-9().-]{0,6}[0-9](;ext=[0-9]{1,3})?"
            .prop_map(|number| Uri::Tel(TelUri::global(&number).unwrap())),
        1 => "[0-9*#a-f]{1,6}".prop_map(|number| {
            Uri::Tel(TelUri::local(&number, "example.com").unwrap())
        }),
        1 => "(http|urn|x-y.z):[a-z0-9/:@;?&=+$,._~!*'()%41-]{1,10}"
            .prop_filter_map("no URI", |text| Uri::parse(text).ok()),
    ]
}

fn address() -> impl Strategy<Value = NameAddr> {
    (option::of(text()), uri(), params(), option::of(token_text())).prop_map(
        |(display_name, uri, params, tag)| {
            let mut address = NameAddr { display_name, uri, params };
            if let Some(tag) = tag {
                address.set_tag(&tag).unwrap();
            }
            address
        },
    )
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        Just(Method::Invite),
        Just(Method::Register),
        token_text().prop_map(|name| Method::parse(&name).unwrap()),
    ]
}

fn cseq() -> impl Strategy<Value = CSeq> {
    (any::<u32>(), method()).prop_map(|(number, method)| CSeq::new(number, method))
}

fn call_id() -> impl Strategy<Value = CallId> {
    "[a-zA-Z0-9!%*_+`'~()<>:\\\\\"/?{}\\[\\].-]{1,10}(@[a-z0-9]{1,5})?"
        .prop_map(|id| CallId::new(&id).unwrap())
}

fn via() -> impl Strategy<Value = Via> {
    let transport = prop_oneof![
        Just(Transport::Udp),
        Just(Transport::Wss),
        "[a-zA-Z0-9]{1,20}".prop_map(|name| Transport::parse(&name).unwrap()),
    ];
    (transport, host(), any::<Option<u16>>(), params(), option::of(token_text())).prop_map(
        |(transport, host, port, params, branch)| {
            let mut via = Via { transport, sent_by: HostPort { host, port }, params };
            if let Some(branch) = branch {
                via.set_branch(&branch).unwrap();
            }
            via
        },
    )
}

fn media_type() -> impl Strategy<Value = MediaType> {
    (token(), token(), params()).prop_map(|(kind, subtype, params)| MediaType {
        kind,
        subtype,
        params,
    })
}

fn codings() -> impl Strategy<Value = Vec<Coding>> {
    vec((token(), params()).prop_map(|(name, params)| Coding { name, params }), 0..4)
}

fn fill(params: &mut AuthParams, values: Vec<(String, String, bool)>) {
    for (name, value, quoted) in values {
        if quoted {
            params.set_quoted(&name, &value).unwrap();
        } else {
            params.set_token(&name, "0a!").unwrap();
        }
    }
}

fn auth_values() -> impl Strategy<Value = Vec<(String, String, bool)>> {
    vec((token_text(), text(), any::<bool>()), 1..5)
}

fn challenge() -> impl Strategy<Value = Challenge> {
    (text(), text(), auth_values()).prop_map(|(realm, nonce, values)| {
        let mut challenge = Challenge::digest(&realm, &nonce);
        fill(challenge.params_mut(), values);
        challenge
    })
}

fn credentials() -> impl Strategy<Value = Credentials> {
    auth_values().prop_map(|values| {
        let mut credentials = Credentials::digest();
        fill(credentials.params_mut(), values);
        credentials
    })
}

fn infos() -> impl Strategy<Value = AuthParams> {
    auth_values().prop_map(|values| {
        let mut params = AuthParams::default();
        fill(&mut params, values);
        params
    })
}

fn check<T: TypedHeader + PartialEq + Debug + Clone>(value: &T) -> Result<(), TestCaseError> {
    let mut written = Vec::new();
    value.write(&mut written);
    let shown = String::from_utf8_lossy(&written).into_owned();
    let read = T::parse(&written);
    prop_assert_eq!(read.as_ref(), Ok(value), "{}", shown);
    // Through a message, to be found behind its name.
    let mut headers = Headers::new();
    headers.set(value.clone());
    let found = headers.require::<T>();
    prop_assert_eq!(found.as_ref(), Ok(value), "{}", shown);
    Ok(())
}

macro_rules! round_trips {
    ($($test:ident: $strategy:expr;)*) => {
        proptest! {
            #![proptest_config(ProptestConfig::with_cases(96))]
            $(
                #[test]
                fn $test(value in $strategy) {
                    check(&value)?;
                }
            )*
        }
    };
}

round_trips! {
    accept: vec(media_type(), 0..4).prop_map(Accept);
    accept_encoding: codings().prop_map(AcceptEncoding);
    accept_language: codings().prop_map(AcceptLanguage);
    alert_info: address().prop_map(AlertInfo);
    allow: vec(method(), 0..4).prop_map(Allow);
    allow_events: vec(token(), 0..4).prop_map(AllowEvents);
    authentication_info: infos().prop_map(AuthenticationInfo);
    authorization: credentials().prop_map(Authorization);
    call_ids: call_id();
    call_info: address().prop_map(CallInfo);
    contact: prop_oneof![1 => Just(Contact::Star), 9 => address().prop_map(Contact::Address)];
    content_disposition: (token(), params())
        .prop_map(|(kind, params)| ContentDisposition { kind, params });
    content_encoding: vec(token(), 1..4).prop_map(ContentEncoding);
    content_id: plain_text().prop_map(|text| ContentId::new(text).unwrap());
    content_language: vec(token(), 1..4).prop_map(ContentLanguage);
    content_length: any::<u32>().prop_map(ContentLength);
    content_type: media_type().prop_map(ContentType);
    cseqs: cseq();
    date: (0..253_402_300_800u64).prop_map(Date::from_unix);
    diversion: address().prop_map(Diversion);
    error_info: address().prop_map(ErrorInfo);
    event: (token(), params()).prop_map(|(package, params)| Event { package, params });
    expires: any::<u32>().prop_map(Expires);
    flow_timer: any::<u32>().prop_map(FlowTimer);
    from: address().prop_map(From);
    geolocation: address().prop_map(Geolocation);
    geolocation_error: (token(), params())
        .prop_map(|(code, params)| GeolocationError { code, params });
    geolocation_routing: token_text().prop_map(|text| GeolocationRouting::new(&text).unwrap());
    history_info: address().prop_map(HistoryInfo);
    identity: plain_text().prop_map(|text| Identity::new(text).unwrap());
    identity_info: address().prop_map(IdentityInfo);
    in_reply_to: vec(call_id(), 1..4).prop_map(InReplyTo);
    info_package: (token(), params()).prop_map(|(package, params)| InfoPackage { package, params });
    join: (call_id(), token_text(), token_text(), params())
        .prop_map(|(call_id, to_tag, from_tag, params)| Join { call_id, to_tag, from_tag, params });
    max_forwards: any::<u8>().prop_map(MaxForwards);
    mime_version: token_text().prop_map(|text| MimeVersion::new(&text).unwrap());
    min_expires: any::<u32>().prop_map(MinExpires);
    min_se: (any::<u32>(), params()).prop_map(|(seconds, params)| MinSe { seconds, params });
    organization: plain_text().prop_map(|text| Organization::new(text).unwrap());
    p_access_network_info: plain_text().prop_map(|text| PAccessNetworkInfo::new(text).unwrap());
    p_asserted_identity: address().prop_map(PAssertedIdentity);
    p_associated_uri: address().prop_map(PAssociatedUri);
    p_called_party_id: address().prop_map(PCalledPartyId);
    p_early_media: vec(token(), 0..4).prop_map(PEarlyMedia);
    p_preferred_identity: address().prop_map(PPreferredIdentity);
    path: address().prop_map(Path);
    priority: token_text().prop_map(|text| Priority::new(&text).unwrap());
    privacy: vec(token(), 1..4).prop_map(Privacy);
    proxy_authenticate: challenge().prop_map(ProxyAuthenticate);
    proxy_authentication_info: infos().prop_map(ProxyAuthenticationInfo);
    proxy_authorization: credentials().prop_map(ProxyAuthorization);
    proxy_require: vec(token(), 1..4).prop_map(ProxyRequire);
    rack: (any::<u32>(), cseq()).prop_map(|(response, cseq)| RAck { response, cseq });
    reason: (token(), params()).prop_map(|(protocol, params)| Reason { protocol, params });
    record_route: address().prop_map(RecordRoute);
    recv_info: vec((token(), params()), 0..4).prop_map(|packages| {
        packages.into_iter().map(|(package, params)| InfoPackage { package, params }).collect()
    })
    .prop_map(RecvInfo);
    refer_sub: (any::<bool>(), params())
        .prop_map(|(subscribe, params)| ReferSub { subscribe, params });
    refer_to: address().prop_map(ReferTo);
    referred_by: address().prop_map(ReferredBy);
    remote_party_id: address().prop_map(RemotePartyId);
    replaces: (call_id(), token_text(), token_text(), params())
        .prop_map(|(call_id, to_tag, from_tag, params)| Replaces { call_id, to_tag, from_tag, params });
    reply_to: address().prop_map(ReplyTo);
    require: vec(token(), 1..4).prop_map(Require);
    retry_after: (any::<u32>(), option::of("[^\r\n()\\\\\\p{Cc}]{0,8}"), params())
        .prop_map(|(seconds, comment, params)| RetryAfter { seconds, comment, params });
    route: address().prop_map(Route);
    rseq: any::<u32>().prop_map(RSeq);
    server: plain_text().prop_map(|text| Server::new(text).unwrap());
    service_route: address().prop_map(ServiceRoute);
    session_expires: (any::<u32>(), params())
        .prop_map(|(seconds, params)| SessionExpires { seconds, params });
    sip_etag: token_text().prop_map(|text| SipEtag::new(&text).unwrap());
    sip_if_match: token_text().prop_map(|text| SipIfMatch::new(&text).unwrap());
    subject: plain_text().prop_map(|text| Subject::new(text).unwrap());
    subscription_state: (token(), params())
        .prop_map(|(state, params)| SubscriptionState { state, params });
    supported: vec(token(), 0..4).prop_map(Supported);
    target_dialog: (call_id(), token_text(), token_text(), params())
        .prop_map(|(call_id, local_tag, remote_tag, params)| {
            TargetDialog { call_id, local_tag, remote_tag, params }
        });
    timestamp: ("[0-9]{1,5}(\\.[0-9]{0,3})?", option::of("[0-9]{1,2}(\\.[0-9]{0,3})?"))
        .prop_map(|(sent, delay)| Timestamp { sent, delay });
    to: address().prop_map(To);
    unsupported: vec(token(), 1..4).prop_map(Unsupported);
    user_agent: plain_text().prop_map(|text| UserAgent::new(text).unwrap());
    vias: via();
    warning: (100..1000u16, "[a-z0-9.:-]{1,8}", text())
        .prop_map(|(code, agent, text)| Warning::new(code, &agent, text).unwrap());
    www_authenticate: challenge().prop_map(WwwAuthenticate);
}

/// Every header in this file's list has a property above.
#[test]
fn no_header_is_left_out() {
    let source = include_str!("round_trip.rs");
    macro_rules! look_for {
        ($($name:ident)*) => { $(
            let name = stringify!($name);
            let direct = ["CSeq", "CallId", "Via", "Contact"].contains(&name);
            let used = [format!("({name})"), format!("{name} {{"), format!("{name}::")];
            assert!(direct || used.iter().any(|form| source.contains(form)), "{name}");
        )* };
    }
    all_headers!(look_for);
}

fn headers() -> impl Strategy<Value = Headers> {
    let unknown = ("X-[a-zA-Z0-9]{1,6}", vec(any::<u8>(), 0..12));
    (vec(via(), 0..3), address(), vec(unknown, 0..4), vec(token(), 0..3), cseq()).prop_map(
        |(vias, from, unknown, supported, cseq)| {
            let mut headers = Headers::new();
            for via in vias {
                headers.push(via);
            }
            headers.set(From(from));
            for (name, value) in unknown {
                let name = HeaderName::parse(name).unwrap();
                // What starts another line is refused, and white space around is not the value's.
                let _ = headers.push_raw(name, value.trim_ascii());
            }
            headers.push(Supported(supported));
            headers.set(cseq);
            headers
        },
    )
}

fn message() -> impl Strategy<Value = Message> {
    let body = vec(any::<u8>(), 0..40).prop_map(Bytes::from);
    prop_oneof![
        (method(), uri(), headers(), body.clone()).prop_map(|(method, uri, headers, body)| {
            Message::Request(Request { headers, body, ..Request::new(method, uri) })
        }),
        (100..700u16, "[^\\p{Cc}]{0,10}", headers(), body).prop_map(
            |(status, reason, headers, body)| {
                let status = StatusCode::new(status).unwrap();
                let reason = ReasonPhrase::new(reason).unwrap();
                Message::Response(Response { reason, headers, body, ..Response::new(status) })
            }
        ),
    ]
}

proptest! {
    #[test]
    fn uris(uri in uri()) {
        let text = uri.to_string();
        let read = Uri::parse(&text);
        prop_assert_eq!(read.as_ref(), Ok(&uri), "{}", text);
        prop_assert!(uri.equivalent(&uri), "{}", text);
        prop_assert_eq!(text.parse::<Uri>().unwrap().to_string(), text);
    }

    #[test]
    fn messages(message in message()) {
        let written = message.to_bytes();
        let mut read = Message::parse(written.clone(), &Limits::default()).unwrap();
        prop_assert_eq!(&read.to_bytes(), &written);
        prop_assert_eq!(read.headers_mut().remove(HeaderName::ContentLength), 1);
        prop_assert_eq!(&read, &message);
        let view = MessageView::parse(&written, &Limits::default()).unwrap();
        prop_assert_eq!(view.body(), &message.body()[..]);
        prop_assert_eq!(view.len(), message.headers().len() + 1);
    }

    #[test]
    fn cut_anywhere(message in message(), cut in any::<prop::sample::Index>()) {
        let written = message.to_bytes();
        survive(&written[..cut.index(written.len() + 1)]);
    }

    #[test]
    fn damaged_anywhere(
        message in message(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = message.to_bytes().to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survive(&bytes);
    }

    #[test]
    fn values_of_any_bytes(value in vec(any::<u8>(), 0..60)) {
        macro_rules! parse_all {
            ($($name:ident)*) => { $( let _ = $name::parse(&value); )* };
        }
        all_headers!(parse_all);
        let _ = Uri::parse(&value);
    }

    #[test]
    fn values_of_likely_bytes(value in "[\"\\\\<>;:,=@%sip?1.\\[\\]() \ta]{0,40}") {
        macro_rules! parse_all {
            ($($name:ident)*) => { $(
                if let Ok(read) = $name::parse(value.as_bytes()) {
                    check(&read)?;
                }
            )* };
        }
        all_headers!(parse_all);
        if let Ok(uri) = Uri::parse(format!("sip:{value}")) {
            prop_assert_eq!(Uri::parse(uri.to_string()), Ok(uri));
        }
    }
}

/// Whatever the bytes are, view and owned message agree, and offsets are within.
fn survive(bytes: &[u8]) {
    let limits = Limits::default();
    let view = MessageView::parse(bytes, &limits);
    let owned = Message::parse(Bytes::copy_from_slice(bytes), &limits);
    match (&view, &owned) {
        (Ok(view), Ok(owned)) => {
            assert_eq!(view.headers().count(), owned.headers().len());
            let (view, owned) = (view.check(&Default::default()), owned.check(&Default::default()));
            assert_eq!(view.is_ok(), owned.is_ok());
            for rejection in [view.err(), owned.err()].into_iter().flatten() {
                assert!(rejection.offset <= bytes.len());
            }
        }
        // The Request-URI is read by the owned message only.
        (Ok(view), Err(error)) => {
            let uri = view.uri().unwrap_err();
            assert_eq!(uri.offset, error.offset);
        }
        (Err(view), Err(owned)) => {
            assert_eq!(view, owned);
            assert!(view.offset <= bytes.len());
        }
        (Err(error), Ok(_)) => panic!("only the view refuses: {error}"),
    }
}
