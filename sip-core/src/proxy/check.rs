//! What a proxy checks before it forwards (RFC 3261 §16.3, RFC 5393 §4).

use core::fmt;
use std::sync::Arc;

use ring::digest;
use thiserror::Error;

use crate::header::{
    CSeq, CallId, From, MAGIC_COOKIE, MaxForwards, ProxyRequire, Route, Unsupported, Via,
};
use crate::{HeaderError, HostPort, Request, Response, SipUri, StatusCode, Token, Uri};

/// Which hosts and ports are this proxy: those that it writes into Via and Record-Route.
#[derive(Clone)]
pub struct Ours(Arc<Known>);

type Known = dyn Fn(&HostPort) -> bool + Send + Sync;

impl Ours {
    /// Asks `known` about a host and port; a port that is not written is `None`.
    pub fn by(known: impl Fn(&HostPort) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(known))
    }

    /// These addresses. Where a URI or Via leaves out its port, 5060 and 5061 are meant.
    pub fn at(addresses: Vec<HostPort>) -> Self {
        Self::by(move |asked| {
            addresses.iter().any(|own| {
                let default = |port| matches!(port, None | Some(5060 | 5061));
                own.host == asked.host
                    && (own.port == asked.port || (default(own.port) && asked.port.is_none()))
            })
        })
    }

    /// Whether this is us.
    pub fn contains(&self, address: &HostPort) -> bool {
        (self.0)(address)
    }

    pub(super) fn is(&self, uri: &Uri) -> bool {
        uri.as_sip().is_some_and(|uri| self.is_sip(uri))
    }

    pub(super) fn is_sip(&self, uri: &SipUri) -> bool {
        self.contains(&uri.host_port())
    }
}

impl fmt::Debug for Ours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ours(..)")
    }
}

/// Why a request is not forwarded; always the sender's fault.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A header is missing or malformed: 400.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// It has passed as many proxies as it may: 483.
    #[error("too many hops")]
    TooManyHops,
    /// It has been here before, unchanged: 482.
    #[error("a loop")]
    Loop,
    /// Nobody knows how to reach such a URI: 416.
    #[error("a URI of a scheme that is not routed")]
    Scheme,
    /// It asks of proxies what this one does not do: 420.
    #[error("extensions that are not supported")]
    Extension(Vec<Token>),
}

impl Refusal {
    /// What to answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Header(error) => error.status(),
            Self::TooManyHops => StatusCode::TOO_MANY_HOPS,
            Self::Loop => StatusCode::LOOP_DETECTED,
            Self::Scheme => StatusCode::UNSUPPORTED_URI_SCHEME,
            Self::Extension(_) => StatusCode::BAD_EXTENSION,
        }
    }

    /// The answer, with Unsupported where it belongs.
    pub fn response(&self, request: &Request) -> Response {
        let mut response = Response::to(request, self.status());
        if let Self::Extension(missing) = self {
            response.headers.set(Unsupported(missing.clone()));
        }
        response
    }
}

/// Checks a request that is to be forwarded, as it was received: Max-Forwards, the scheme,
/// Proxy-Require and loops. `mark` is its [`routing_mark`]; a spiral, which comes back with
/// another one, passes (RFC 5393 §4.2).
///
/// # Errors
///
/// The first reason not to forward it.
pub fn check(
    request: &Request,
    ours: &Ours,
    supported: &[Token],
    mark: u64,
) -> Result<(), Refusal> {
    if request.headers.typed::<MaxForwards>()?.is_some_and(|left| left.0 == 0) {
        return Err(Refusal::TooManyHops);
    }
    if matches!(request.uri, Uri::Other(_)) {
        return Err(Refusal::Scheme);
    }
    for via in request.headers.all::<Via>() {
        let via = via?;
        let seen = via.branch().and_then(mark_of_branch) == Some(mark);
        if seen && ours.contains(&via.sent_by) {
            return Err(Refusal::Loop);
        }
    }
    if let Some(required) = request.headers.typed::<ProxyRequire>()? {
        let known = |tag: &Token| {
            supported.iter().any(|known| known.as_str().eq_ignore_ascii_case(tag.as_str()))
        };
        let missing: Vec<Token> = required.0.into_iter().filter(|tag| !known(tag)).collect();
        if !missing.is_empty() {
            return Err(Refusal::Extension(missing));
        }
    }
    Ok(())
}

/// What a request's way depends on, in 64 bits: Request-URI, Route, Call-ID, CSeq number and From
/// tag. It is the second half of our branches, so that a request that comes back is known for a
/// loop when nothing has changed, and for a spiral when something has.
///
/// To tag and credentials are left out: a CANCEL has no credentials and an ACK has a To tag, and
/// both must get the branch of their INVITE. Requests that differ in them differ in CSeq.
///
/// # Errors
///
/// A header is missing or malformed.
pub fn routing_mark(request: &Request) -> Result<u64, HeaderError> {
    let headers = &request.headers;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut add = |text: &str| {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    };
    add(&request.uri.to_string());
    for route in headers.all::<Route>() {
        add(&route?.uri.to_string());
    }
    add("");
    add(headers.require::<CallId>()?.as_str());
    add(headers.require::<From>()?.tag().unwrap_or_default());
    add(&headers.require::<CSeq>()?.number.to_string());
    Ok(first_word(context.finish().as_ref()))
}

pub(super) fn first_word(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// The mark in a branch of ours: its last 16 digits.
fn mark_of_branch(branch: &str) -> Option<u64> {
    let digits = branch.strip_prefix(MAGIC_COOKIE).filter(|digits| digits.len() == 32)?;
    u64::from_str_radix(digits.get(16..)?, 16).ok()
}
