//! What the targets of header families share: each reads the lines of its family out of a stranger's request.
//!
//! Every typed header that can be read is written in a form that reads as the same: alone, in a list of headers
//! and in a message. What reads in place reads as what owns its text. What a parameter means can be set again.

use std::fmt::Debug;

use bytes::Bytes;
use sip_core::header::*;
use sip_core::{
    HeaderName, Host, Limits, Message, MessageView, Method, Request, SipUri, TypedHeader,
};

/// The request with these header lines, unless it is none.
pub fn with_headers(lines: &[u8], test: impl FnOnce(&MessageView<'_>, &Headers)) {
    let mut bytes = b"OPTIONS sip:h SIP/2.0\r\n".to_vec();
    bytes.extend_from_slice(lines);
    let Ok(message) = Message::parse(Bytes::from(bytes.clone()), &Limits::default()) else {
        return;
    };
    if let Ok(view) = MessageView::parse(&bytes, &Limits::default()) {
        test(&view, message.headers());
    }
}

/// [`round_trip`] for each of these types.
macro_rules! round_trips {
    ($headers:expr; $($name:ident)*) => { $( $crate::headers::round_trip::<$name>($headers); )* };
}

/// The borrowed addresses say what their owners say, errors included, and what is said can be set.
macro_rules! addresses {
    ($view:expr, $headers:expr; $($borrowed:ident $owned:ident)*) => { $(
        let read = $view.all::<$borrowed<'_>>().map(|r| r.map(|address| address.to_name_addr()));
        assert!(read.eq($headers.all::<$owned>().map(|r| r.map(|address| address.0))));
        for address in $headers.all::<$owned>().flatten().take(20) {
            $crate::headers::address(address.0);
        }
    )* };
}

pub(crate) use {addresses, round_trips};

/// The values of `T`, however they share lines, survive being written.
pub fn round_trip<T: TypedHeader + PartialEq + Debug + Clone>(headers: &Headers) {
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

/// What an address says is in range, and can be set.
pub fn address(mut address: NameAddr) {
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

/// What parameters say can be set again, and all of it removed.
pub fn params(params: &Params) {
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
