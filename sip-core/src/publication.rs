//! Publishing event state (RFC 3903): the publisher's machine and the compositor's table. Both are
//! pure: they make and judge requests, an [`Endpoint`](crate::Endpoint) carries them.
//!
//! ```text
//!   Publication                                     Publications
//!   publish(body)  --- PUBLISH, body ------------>  made, ETag 1
//!   answered()    <--- 200, SIP-ETag: 1 ----------
//!   refresh()      --- PUBLISH, If-Match: 1 ----->  kept, ETag 2
//!   publish(body)  --- PUBLISH, If-Match, body -->  changed, ETag 3
//!   remove()       --- PUBLISH, If-Match, 0 ----->  gone
//!                  <-- 412 when the ETag is not known: publish anew
//! ```

use core::time::Duration;
use std::collections::HashMap;

use bytes::Bytes;
use rand_core::Rng;

use crate::header::{ContentType, Event, Expires, MinExpires, SipEtag, SipIfMatch};
use crate::keyed::{KeyedHash, push_hex};
use crate::text::Token;
use crate::{HeaderError, Request, Response, StatusCode};

/// One publication of ours.
#[derive(Clone, Debug)]
pub struct Publication {
    package: Token,
    expires: u32,
    etag: Option<SipEtag>,
    body: Option<(ContentType, Bytes)>,
}

/// What to do after the response to a PUBLISH.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Next {
    /// It stands: [`Publication::refresh`] after this long.
    RefreshAfter(Duration),
    /// The compositor has lost it, or asks for a longer time: [`Publication::publish`] again, at once.
    Again,
    /// It was removed.
    Removed,
    /// It was refused; what we have published before, if anything, still stands until it expires.
    Refused,
}

impl Publication {
    /// A publication for an event package, for so many seconds at a time.
    pub fn new(package: Token, expires: u32) -> Self {
        Self { package, expires, etag: None, body: None }
    }

    /// Whether the compositor has it.
    pub fn stands(&self) -> bool {
        self.etag.is_some()
    }

    /// Completes a PUBLISH with a state, new or changed; without one, with that of the last time.
    pub fn publish(&mut self, request: &mut Request, state: Option<(ContentType, Bytes)>) {
        if state.is_some() {
            self.body = state;
        }
        self.complete(request, self.expires);
        if let Some((kind, body)) = &self.body {
            request.headers.set(kind.clone());
            request.body = body.clone();
        }
    }

    /// Completes a PUBLISH that lets the state live on.
    pub fn refresh(&mut self, request: &mut Request) {
        if self.etag.is_none() {
            return self.publish(request, None);
        }
        self.complete(request, self.expires);
    }

    /// Completes a PUBLISH that takes the state away.
    pub fn remove(&mut self, request: &mut Request) {
        self.complete(request, 0);
    }

    fn complete(&self, request: &mut Request, expires: u32) {
        request.headers.set(Event::new(self.package.clone()));
        request.headers.set(Expires(expires));
        if let Some(etag) = &self.etag {
            // A tag is written as it was read.
            if let Ok(etag) = SipIfMatch::new(etag.as_str()) {
                request.headers.set(etag);
            }
        }
    }

    /// Takes the final response to a PUBLISH. A 401 or 407 is for the caller to deal with before.
    pub fn answered(&mut self, request: &Request, response: &Response) -> Next {
        let asked = request.headers.typed::<Expires>().ok().flatten();
        let removes = asked.is_some_and(|expires| expires.0 == 0);
        let status = response.status;
        if status.is_success() && removes {
            self.etag = None;
            return Next::Removed;
        }
        if status.is_success() {
            let Ok(Some(etag)) = response.headers.typed::<SipEtag>() else { return Next::Refused };
            self.etag = Some(etag);
            let granted = response.headers.typed::<Expires>().ok().flatten();
            let seconds = u64::from(granted.map_or(self.expires, |expires| expires.0));
            // Early enough for a few repetitions.
            return Next::RefreshAfter(Duration::from_secs(seconds - (seconds / 4).min(32)));
        }
        match status {
            // What had to be there is not: from the beginning (§4.2).
            StatusCode::CONDITIONAL_REQUEST_FAILED if self.etag.take().is_some() => {
                if removes {
                    Next::Removed
                } else {
                    Next::Again
                }
            }
            StatusCode::INTERVAL_TOO_BRIEF => match response.headers.typed::<MinExpires>() {
                Ok(Some(MinExpires(least))) if least > self.expires => {
                    self.expires = least;
                    Next::Again
                }
                _ => Next::Refused,
            },
            _ => Next::Refused,
        }
    }
}

/// How [`Publications`] behave.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The event packages that are composed; others are refused with 489.
    pub packages: Vec<Token>,
    /// The shortest life, in seconds; less is refused with 423. Default 60.
    pub min_expires: u32,
    /// The longest life, in seconds; more is shortened. Default 3,600.
    pub max_expires: u32,
    /// The most publications. Default 65,536.
    pub capacity: usize,
    /// The most bytes of a body; more is refused with 413. Default 8,192.
    pub body: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            packages: Vec::new(),
            min_expires: 60,
            max_expires: 3600,
            capacity: 65_536,
            body: 8_192,
        }
    }
}

/// One publication of somebody's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Published {
    /// Whose state, as the Request-URI names it.
    pub resource: String,
    /// The package.
    pub package: Token,
    /// The state.
    pub content_type: ContentType,
    /// Its bytes.
    pub body: Bytes,
    expires_at: Duration,
}

/// What a PUBLISH has done; the response is ready to be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judged {
    /// The response.
    pub response: Response,
    /// Whether the state of the resource may be another now, so that watchers are to be told.
    pub changed: bool,
}

/// The compositor's table of publications. Whether the sender may publish for the resource is for the
/// caller to say before.
#[derive(Debug)]
pub struct Publications {
    config: Config,
    by_tag: HashMap<String, Published, KeyedHash>,
}

impl Publications {
    /// An empty table.
    pub fn new(config: Config, random: &mut dyn Rng) -> Self {
        Self { config, by_tag: HashMap::with_hasher(KeyedHash::new(random)) }
    }

    /// How many publications there are.
    pub fn len(&self) -> usize {
        self.by_tag.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_tag.is_empty()
    }

    /// The publications of a resource.
    pub fn of<'a>(
        &'a self,
        resource: &'a str,
        package: &'a str,
    ) -> impl Iterator<Item = &'a Published> {
        self.by_tag.values().filter(move |published| {
            published.resource == resource
                && published.package.as_str().eq_ignore_ascii_case(package)
        })
    }

    /// Takes a PUBLISH (§6).
    pub fn receive(&mut self, now: Duration, request: &Request, random: &mut dyn Rng) -> Judged {
        self.expire(now);
        match self.judge(now, request, random) {
            Ok(judged) => judged,
            Err(refused) => {
                let mut response = Response::to(request, refused);
                if refused == StatusCode::INTERVAL_TOO_BRIEF {
                    response.headers.set(MinExpires(self.config.min_expires));
                }
                Judged { response, changed: false }
            }
        }
    }

    fn judge(
        &mut self,
        now: Duration,
        request: &Request,
        random: &mut dyn Rng,
    ) -> Result<Judged, StatusCode> {
        let broken = |error: HeaderError| error.status();
        let headers = &request.headers;
        let event = headers.typed::<Event>().map_err(broken)?.ok_or(StatusCode::BAD_EVENT)?;
        let composed = |known: &Token| known.as_str().eq_ignore_ascii_case(event.package.as_str());
        if !self.config.packages.iter().any(composed) {
            return Err(StatusCode::BAD_EVENT);
        }
        let asked = headers.typed::<Expires>().map_err(broken)?;
        let asked = asked.map_or(self.config.max_expires, |expires| expires.0);
        if asked > 0 && asked < self.config.min_expires {
            return Err(StatusCode::INTERVAL_TOO_BRIEF);
        }
        let expires = asked.min(self.config.max_expires);
        let old = match headers.typed::<SipIfMatch>().map_err(broken)? {
            Some(tag) => Some(self.named(tag.as_str(), request, &event)?),
            None => None,
        };
        let body = match (request.body.is_empty(), &old) {
            (true, Some(tag)) => self.by_tag.get(tag).map(Published::state),
            (true, None) => None,
            (false, _) => {
                let kind = headers.typed::<ContentType>().map_err(broken)?;
                Some((kind.ok_or(StatusCode::BAD_REQUEST)?, request.body.clone()))
            }
        };
        // A first publication without a state publishes nothing.
        let (content_type, body) = body.ok_or(StatusCode::BAD_REQUEST)?;
        if body.len() > self.config.body {
            return Err(StatusCode::REQUEST_ENTITY_TOO_LARGE);
        }
        if old.is_none() && self.by_tag.len() >= self.config.capacity {
            return Err(StatusCode::SERVICE_UNAVAILABLE);
        }
        let before = old.and_then(|tag| self.by_tag.remove(&tag));
        let mut response = Response::to(request, StatusCode::OK);
        response.headers.set(Expires(expires));
        if expires == 0 {
            return Ok(Judged { response, changed: before.is_some() });
        }
        let changed = before.is_none_or(|before| before.body != body);
        let tag = etag(random);
        // Hexadecimal digits are a token.
        if let Ok(tag) = SipEtag::new(&tag) {
            response.headers.set(tag);
        }
        let published = Published {
            resource: resource(request),
            package: event.package,
            content_type,
            body,
            expires_at: now + Duration::from_secs(u64::from(expires)),
        };
        self.by_tag.insert(tag, published);
        Ok(Judged { response, changed })
    }

    /// The publication that SIP-If-Match names; it has to be this resource's and package's.
    fn named(&self, tag: &str, request: &Request, event: &Event) -> Result<String, StatusCode> {
        let known = self.by_tag.get(tag).filter(|published| {
            published.resource == resource(request)
                && published.package.as_str().eq_ignore_ascii_case(event.package.as_str())
        });
        known.map(|_| tag.to_owned()).ok_or(StatusCode::CONDITIONAL_REQUEST_FAILED)
    }

    /// Takes what has expired out of the table; the resources and packages whose state may be another
    /// now.
    pub fn expire(&mut self, now: Duration) -> Vec<(String, Token)> {
        let mut gone = Vec::new();
        self.by_tag.retain(|_, published| {
            let stays = published.expires_at > now;
            if !stays {
                gone.push((published.resource.clone(), published.package.clone()));
            }
            stays
        });
        gone.sort_unstable();
        gone.dedup();
        gone
    }

    /// When the next publication expires.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.by_tag.values().map(|published| published.expires_at).min()
    }
}

impl Published {
    fn state(&self) -> (ContentType, Bytes) {
        (self.content_type.clone(), self.body.clone())
    }
}

/// The Request-URI without its parameters, which devices add.
fn resource(request: &Request) -> String {
    match request.uri.as_sip() {
        Some(uri) => {
            let scheme = if uri.is_secure() { "sips" } else { "sip" };
            let user = uri.user_escaped().map(|user| format!("{user}@")).unwrap_or_default();
            format!("{scheme}:{user}{}", uri.host_port()).to_ascii_lowercase()
        }
        None => request.uri.to_string(),
    }
}

fn etag(random: &mut dyn Rng) -> String {
    let mut text = String::with_capacity(16);
    push_hex(&mut text, random.next_u64());
    text
}
