use sip_core::uri::{Host, HostPort, SipUri, TelUri, Uri, UriRef, escape_user, unescape};

/// URIs, one a line.
///
/// What is read is written in a form that reads as the same; the view in place says the same; parts that are
/// taken out can be put in; [`Uri::equivalent`] holds for a URI and itself, and between two in both directions
/// or none.
pub fn uri(data: &[u8]) {
    let mut uris = Vec::new();
    for line in data.split(|byte| *byte == b'\n').take(16) {
        hosts(line);
        let (borrowed, owned) = (UriRef::parse(line), Uri::parse(line));
        assert_eq!(borrowed.map(|uri| uri.to_uri()), owned);
        match owned {
            Ok(uri) => uris.push(uri),
            Err(error) => assert!(error.offset <= line.len(), "{error}"),
        }
        if let Ok(text) = std::str::from_utf8(line) {
            built(text);
        }
    }
    for uri in &uris {
        let text = uri.to_string();
        let again = Uri::parse(&text).unwrap();
        assert_eq!(&again, uri, "{text}");
        assert_eq!(again.to_string(), text);
        assert!(uri.equivalent(uri) && again.equivalent(uri), "{text} is not itself");
        let _ = (uri.scheme(), uri.service(), uri.is_emergency());
        if let Some(sip) = uri.as_sip() {
            parts(sip);
        }
        if let Some(tel) = uri.as_tel() {
            number(tel);
        }
    }
    for one in &uris {
        for other in &uris {
            assert_eq!(one.equivalent(other), other.equivalent(one), "{one} and {other}");
        }
    }
}

fn hosts(text: &[u8]) {
    if let Ok(host) = Host::parse(text) {
        assert_eq!(Host::parse(host.to_string()).as_ref(), Ok(&host));
        assert_eq!(host.as_ref().to_host(), host);
        assert_ne!(host.ip().is_some(), host.name().is_some());
    }
    if let Ok(address) = HostPort::parse(text) {
        assert_eq!(HostPort::parse(address.to_string()), Ok(address));
    }
}

fn parts(uri: &SipUri) {
    let mut copy = SipUri::new("", uri.host().clone(), None).with_secure(uri.is_secure());
    copy.set_port(uri.port());
    assert_eq!(copy.host_port(), uri.host_port());
    if let Some(user) = uri.user() {
        copy.set_user(&user);
        assert_eq!(copy.user(), Some(user));
    }
    for param in uri.params().iter() {
        assert!(uri.params().contains(param.name) && !param.name.is_empty());
        let _ = uri.params().get(param.name);
    }
    for (name, value) in uri.headers() {
        copy = copy.with_header(&name, &*value).unwrap();
    }
    assert!(copy.headers().eq(uri.headers()));
    assert_eq!(SipUri::parse(copy.to_string()), Ok(copy));
    let _ = (uri.transport(), uri.maddr(), uri.lr(), uri.password());
    if let Some(tel) = uri.to_tel() {
        number(&tel);
    }
    let mut bare = uri.clone();
    bare.clear_headers();
    assert_eq!(bare.headers_escaped(), "");
    assert_eq!(SipUri::parse(bare.to_string()), Ok(bare));
}

fn number(uri: &TelUri) {
    assert!(uri.digits().len() <= uri.number().len());
    assert_eq!(uri.is_global(), uri.number().starts_with('+'));
    let _ = uri.phone_context();
    let sip = uri.to_sip(Host::V4([192, 0, 2, 1].into()));
    assert_eq!(SipUri::parse(sip.to_string()).as_ref(), Ok(&sip));
    assert!(sip.is_phone());
}

/// Parts of any text make a URI that reads as it was meant.
fn built(text: &str) {
    assert_eq!(*unescape(&escape_user(text)), *text.as_bytes());
    let uri = SipUri::new(text, Host::V4([192, 0, 2, 1].into()), Some(5060)).with_password(text);
    let uri = if text.is_empty() {
        uri
    } else {
        let uri = uri.with_param(text, Some(text)).unwrap().with_param(text, None).unwrap();
        uri.with_header(text, text).unwrap()
    };
    let read = SipUri::parse(uri.to_string()).unwrap();
    assert_eq!(read, uri);
    if !text.is_empty() {
        assert_eq!(read.user_bytes().as_deref(), Some(text.as_bytes()));
        assert!(read.params().contains(text));
    }
}
