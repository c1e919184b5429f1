//! Routes on the way in and out (RFC 3261 §16.4 and §16.6, RFC 5658).

use super::Ours;
use crate::header::{MaxForwards, NameAddr, RecordRoute as RecordRouteHeader, Route};
use crate::{HeaderError, HeaderName, Request, SipUri, Uri};

/// Hops of a request's Route that were this proxy itself, in order: what it has written into
/// Record-Route or Path comes back here, parameters and user part included.
pub type Passed = Vec<NameAddr>;

/// Repairs and shortens the routes of a request (§16.4): where a strict router has put our own URI
/// into the Request-URI, the last Route is the true one; a `maddr` that is us is taken off; and so
/// are the first Routes that are us, both of a double Record-Route.
///
/// # Errors
///
/// A Route is malformed; the request may have changed and is not to be forwarded.
pub fn preprocess(request: &mut Request, ours: &Ours) -> Result<Passed, HeaderError> {
    let mut passed = Passed::new();
    let mut routes: Vec<NameAddr> =
        request.headers.all::<Route>().map(|r| r.map(|r| r.0)).collect::<Result<_, _>>()?;
    let before = routes.len();
    // Our Record-Routes have `lr`, so that a strict router sends it back as the Request-URI.
    let strict = request.uri.as_sip().is_some_and(|uri| uri.lr() && ours.is_sip(uri));
    if strict && let Some(last) = routes.pop() {
        passed.push(NameAddr::new(core::mem::replace(&mut request.uri, last.uri)));
    }
    if let Uri::Sip(uri) = &mut request.uri
        && let Some(host) = uri.maddr()
    {
        let address = crate::HostPort::new(host, uri.port());
        if ours.contains(&address) {
            uri.params_mut().remove("maddr");
            uri.params_mut().remove("transport");
            uri.set_port(None);
        }
    }
    while routes.first().is_some_and(|route| ours.is(&route.uri)) {
        passed.push(routes.remove(0));
    }
    if routes.len() != before {
        write(request, routes);
    }
    Ok(passed)
}

/// Where a request goes next: its first Route, else its Request-URI.
///
/// # Errors
///
/// The Route is malformed.
pub fn next_hop(request: &Request) -> Result<Uri, HeaderError> {
    let route = request.headers.typed::<Route>()?;
    Ok(route.map_or_else(|| request.uri.clone(), |route| route.0.uri))
}

/// How a proxy stays in the way of a dialog.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum RecordRoute {
    /// It does not.
    #[default]
    No,
    /// By one address that both sides reach.
    Single(SipUri),
    /// By one on each side, where transport, family or network differ (RFC 5658 §5).
    Double {
        /// The address that the sender reaches.
        inward: SipUri,
        /// The address that the next hop reaches.
        outward: SipUri,
    },
}

/// The request as it is sent on (§16.6, steps 1 to 6), still without our Via: to `target`, where
/// one is given, with one hop less to go, with our Record-Route, and turned inside out for a next
/// hop that is a strict router.
///
/// # Errors
///
/// Max-Forwards or a Route is malformed.
pub fn forward(
    request: &Request,
    target: Option<&Uri>,
    record_route: &RecordRoute,
) -> Result<Request, HeaderError> {
    let mut copy = request.clone();
    if let Some(target) = target {
        copy.uri = target.clone();
        if let Uri::Sip(uri) = &mut copy.uri {
            // A Request-URI has no headers and no method (§19.1.1).
            uri.clear_headers();
            uri.params_mut().remove("method");
        }
    }
    let left = copy.headers.typed::<MaxForwards>()?.map_or(70, |left| left.0.saturating_sub(1));
    copy.headers.set(MaxForwards(left));
    let hops: [Option<&SipUri>; 2] = match record_route {
        RecordRoute::No => [None, None],
        RecordRoute::Single(uri) => [Some(uri), None],
        RecordRoute::Double { inward, outward } => [Some(inward), Some(outward)],
    };
    for uri in hops.into_iter().flatten() {
        let mut uri = uri.clone();
        // A name that is no token cannot be: it is `lr`.
        let _ = uri.params_mut().set("lr", None);
        copy.headers.push_front(RecordRouteHeader(NameAddr::new(uri)));
    }
    let mut routes: Vec<NameAddr> =
        copy.headers.all::<Route>().map(|r| r.map(|r| r.0)).collect::<Result<_, _>>()?;
    let strict = routes.first().and_then(|route| route.uri.as_sip()).is_some_and(|uri| !uri.lr());
    if strict {
        let first = routes.remove(0);
        routes.push(NameAddr::new(core::mem::replace(&mut copy.uri, first.uri)));
        write(&mut copy, routes);
    }
    Ok(copy)
}

fn write(request: &mut Request, routes: Vec<NameAddr>) {
    request.headers.remove(HeaderName::Route);
    for route in routes {
        request.headers.push(Route(route));
    }
}
