use bytes::Bytes;
use sip_core::header::{CSeq, CallId, Contact, From, HeaderView, Route, To, Via, ViaRef};
use sip_core::message::{Policy, StartLine};
use sip_core::{
    Fault, HeaderError, HeaderName, Headers, Limit, Limits, Message, MessageView, Rejection,
    Response, StatusCode, Token, error::ParseErrorKind,
};

/// A datagram from a stranger.
///
/// Nothing panics, whatever is cut off its end; the view in place and the owned message say the same; what is
/// read is written in a form that reads as the same and is written as the same; an answer to it can be read.
pub fn sip_message(data: &[u8]) {
    let tight = Limits {
        bytes: 600,
        header_bytes: 400,
        headers: 8,
        values: 3,
        params: 3,
        ..Limits::default()
    };
    for limits in [Limits::default(), tight] {
        agree(data, &limits);
    }
    for cut in (0..data.len()).step_by((data.len() / 16).max(1)) {
        agree(data.get(..cut).unwrap_or_default(), &Limits::default());
    }
    if let Some(answer) = Response::to_malformed(data, StatusCode::BAD_REQUEST) {
        let read = Message::parse(answer.to_bytes(), &roomy()).unwrap();
        assert_eq!(read.to_bytes(), answer.to_bytes());
    }
    let Ok(message) = Message::parse(Bytes::copy_from_slice(data), &Limits::default()) else {
        return;
    };
    round_trip(&message);
    edit(message);
}

/// View and owned message, under the same limits.
fn agree(data: &[u8], limits: &Limits) {
    let view = MessageView::parse(data, limits);
    let owned = Message::parse(Bytes::copy_from_slice(data), limits);
    let (view, owned) = match (view, owned) {
        (Ok(view), Ok(owned)) => (view, owned),
        (Err(view), Err(owned)) => {
            assert_eq!(view, owned);
            assert!(view.offset <= data.len(), "{view}");
            assert!(matches!(view.status().code(), 400 | 505 | 513));
            assert_eq!(view.fault() == Fault::Limit, matches!(view.kind, ParseErrorKind::Limit(_)));
            return;
        }
        (Ok(view), Err(error)) => {
            // The view has not read the Request-URI.
            let unread = view.uri().unwrap_err();
            assert_eq!(error.kind, ParseErrorKind::RequestUri(unread.kind));
            assert_eq!(error.offset, unread.offset);
            let _ = (view.check(&Policy::default()), values(&view));
            return;
        }
        (Err(error), Ok(_)) => panic!("the view alone refuses: {error}"),
    };
    assert!(data.len() <= limits.bytes && view.len() <= limits.headers);
    match (view.start_line(), &owned) {
        (StartLine::Request { method, .. }, Message::Request(request)) => {
            assert_eq!(
                (method, view.method().as_ref()),
                (request.method.as_str(), Some(&request.method))
            );
            assert_eq!(view.uri().unwrap().unwrap().to_uri(), request.uri);
            assert!(view.is_request() && view.status().is_none());
        }
        (StartLine::Response { status, reason }, Message::Response(response)) => {
            assert_eq!((status, reason), (response.status, response.reason.as_bytes()));
            assert!(!view.is_request() && view.method().is_none());
        }
        (view, owned) => panic!("{view:?} is not {owned:?}"),
    }
    assert_eq!((view.len(), view.is_empty()), (owned.headers().len(), owned.headers().is_empty()));
    for ((seen, value), (name, kept)) in view.headers().zip(owned.headers().iter()) {
        assert_eq!(HeaderName::parse(seen).as_ref(), Some(name), "{seen}");
        assert_eq!(value, kept);
    }
    assert_eq!(view.body(), &owned.body()[..]);
    assert!(view.body().len() + view.trailing().len() <= data.len());
    for policy in [Policy::default(), Policy { tel: true, urn: true }] {
        let (one, other) = (view.check(&policy), owned.check(&policy));
        assert_eq!(one.as_ref().map_err(fault), other.as_ref().map_err(fault));
        if let Err(rejection) = one {
            assert!(rejection.offset <= data.len(), "{rejection}");
            assert!((400..600).contains(&rejection.status.code()));
        }
    }
    assert_eq!(values(&view), values(owned.headers()));
    let vias = view.all::<ViaRef<'_>>().map(|via| via.map(|via| via.to_via()));
    assert!(vias.eq(owned.headers().all::<Via>()));
    assert!(owned.headers().all::<Via>().count() <= limits.values + 1);
}

/// A rejection but for the place in the Request-URI, which the owned message no longer knows.
fn fault(rejection: &Rejection) -> (StatusCode, Option<HeaderName>, String, Option<usize>) {
    let offset = rejection.header.is_some().then_some(rejection.offset);
    let text = match rejection.header {
        Some(_) => rejection.text.to_string(),
        None => String::new(),
    };
    (rejection.status, rejection.header.clone(), text, offset)
}

/// What a few typed headers are read as.
fn values(lines: &impl Typed) -> [Result<Option<String>, HeaderError>; 6] {
    [
        lines.text::<Via>(),
        lines.text::<From>(),
        lines.text::<To>(),
        lines.text::<CallId>(),
        lines.text::<CSeq>(),
        lines.text::<Contact>(),
    ]
}

trait Typed {
    fn text<T: for<'a> HeaderView<'a> + std::fmt::Debug>(
        &self,
    ) -> Result<Option<String>, HeaderError>;
}

impl Typed for MessageView<'_> {
    fn text<T: for<'a> HeaderView<'a> + std::fmt::Debug>(
        &self,
    ) -> Result<Option<String>, HeaderError> {
        Ok(self.typed::<T>()?.map(|value| format!("{value:?}")))
    }
}

impl Typed for Headers {
    fn text<T: for<'a> HeaderView<'a> + std::fmt::Debug>(
        &self,
    ) -> Result<Option<String>, HeaderError> {
        Ok(self.typed::<T>()?.map(|value| format!("{value:?}")))
    }
}

/// Room for what writing adds: a Content-Length, and the line ends of a message that had none.
fn roomy() -> Limits {
    Limits { bytes: usize::MAX, headers: 1_000, ..Limits::default() }
}

fn round_trip(message: &Message) {
    let written = message.to_bytes();
    let again = match Message::parse(written.clone(), &roomy()) {
        Ok(again) => again,
        Err(error) => {
            assert_eq!(error.kind, ParseErrorKind::Limit(Limit::HeaderBytes), "{error}");
            return;
        }
    };
    assert_eq!(again.to_bytes(), written);
    assert_eq!(again.body(), message.body());
    match (&again, message) {
        (Message::Request(again), Message::Request(request)) => {
            assert_eq!((&again.method, &again.uri), (&request.method, &request.uri));
        }
        (Message::Response(again), Message::Response(response)) => {
            assert_eq!((again.status, &again.reason), (response.status, &response.reason));
        }
        _ => panic!("{message:?} became {again:?}"),
    }
    let but_length = |headers: &Headers| -> Vec<(HeaderName, Vec<u8>)> {
        let all = headers.iter().map(|(name, value)| (name.clone(), value.to_vec()));
        all.filter(|(name, _)| *name != HeaderName::ContentLength).collect()
    };
    assert_eq!(but_length(again.headers()), but_length(message.headers()));
    if let Message::Request(request) = message {
        let answer = Response::to(request, StatusCode::TRYING);
        let read = Message::parse(answer.to_bytes(), &roomy()).unwrap();
        assert_eq!(read.to_bytes(), answer.to_bytes());
    }
}

/// What a proxy and a user agent do to headers leaves a message that can be read.
fn edit(mut message: Message) {
    let headers = message.headers_mut();
    let vias = headers.all::<Via>().count();
    if let Ok(Some(via)) = headers.pop_front::<Via>() {
        assert_eq!(headers.all::<Via>().count().min(90), (vias - 1).min(90));
        headers.push_front(via.clone());
        assert_eq!(headers.require::<Via>().as_ref(), Ok(&via));
        let mut marked = via;
        marked.set_rport(Some(5060));
        marked.set_received([192, 0, 2, 1].into());
        headers.set_front(marked.clone());
        assert_eq!(headers.require::<Via>(), Ok(marked));
    }
    if let Ok(Some(mut to)) = headers.typed::<To>() {
        to.set_tag("314159").unwrap();
        headers.set(to.clone());
        // One that had as many semicolons as are read has now one more.
        if to.to_string().matches(';').count() <= Limits::default().params {
            assert_eq!(headers.all::<To>().collect::<Vec<_>>(), [Ok(to)]);
        }
    }
    let routes: Vec<Route> = headers.all::<Route>().flatten().collect();
    headers.remove(HeaderName::Route);
    for route in &routes {
        headers.push(route.clone());
    }
    assert!(headers.all::<Route>().flatten().take(90).eq(routes.into_iter().take(90)));
    let name = HeaderName::Other(Token::from_static("X-Fuzz"));
    headers.push_raw(name, "1").unwrap();
    let (written, lines) = (message.to_bytes(), message.headers().len());
    match Message::parse(written, &roomy()) {
        Ok(again) => {
            let counted = usize::from(!message.headers().contains(HeaderName::ContentLength));
            assert_eq!(again.headers().len(), lines + counted, "no line is forged or lost");
        }
        Err(error) => {
            assert_eq!(error.kind, ParseErrorKind::Limit(Limit::HeaderBytes), "{error}");
        }
    }
}
