//! The bindings of a registrar and the rules for changing them.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use thiserror::Error;

use super::{AddressOfRecord, Binding, Change, Removal};
use crate::flow::Flow;
use crate::header::{CSeq, CallId, Contact, Expires, MinExpires, NameAddr, Path, UserAgent};
use crate::timer::{TimerKey, Wheel};
use crate::{HeaderError, HeaderName, Headers, Request, Response, StatusCode, Uri};

/// How a [`Registrar`] behaves.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The shortest registration, in seconds; shorter wishes get 423. Default 60.
    pub min_expires: u32,
    /// The longest one; longer wishes are cut. Default 7,200.
    pub max_expires: u32,
    /// For who names no duration. Default 3,600.
    pub default_expires: u32,
    /// Bindings of one address of record. Default 10.
    pub bindings_each: usize,
    /// Bindings in all. Default 100,000.
    pub bindings: usize,
    /// Whether changes are kept for [`Registrar::poll_change`]. Default on; off for who never asks.
    pub changes: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            min_expires: 60,
            max_expires: 7200,
            default_expires: 3600,
            bindings_each: 10,
            bindings: 100_000,
            changes: true,
        }
    }
}

/// Why a REGISTER is refused. No binding has changed.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum Rejection {
    /// A header is missing or malformed: 400.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// `*` stands beside other contacts, or without `Expires: 0`: 400.
    #[error("Contact: * needs Expires: 0 and stands alone")]
    Wildcard,
    /// The registration would be too short: 423.
    #[error("shorter than {min} s")]
    TooBrief {
        /// The shortest that is taken, in seconds.
        min: u32,
    },
    /// A later REGISTER of the same Call-ID was taken before: 500.
    #[error("out of order")]
    OutOfOrder,
    /// The address of record has too many bindings: 403.
    #[error("too many contacts")]
    TooManyBindings,
    /// The registrar is full: 503.
    #[error("the registrar is full")]
    Full,
}

impl Rejection {
    /// What to answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Header(error) => error.status(),
            Self::Wildcard => StatusCode::BAD_REQUEST,
            Self::TooBrief { .. } => StatusCode::INTERVAL_TOO_BRIEF,
            Self::OutOfOrder => StatusCode::SERVER_INTERNAL_ERROR,
            Self::TooManyBindings => StatusCode::FORBIDDEN,
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The answer, with Min-Expires where it belongs.
    pub fn response(&self, request: &Request) -> Response {
        let mut response = Response::to(request, self.status());
        if let Self::TooBrief { min } = self {
            response.headers.set(MinExpires(*min));
        }
        response
    }
}

/// The bindings of every address of record.
#[derive(Debug)]
pub struct Registrar {
    config: Config,
    records: BTreeMap<AddressOfRecord, Vec<Entry>>,
    len: usize,
    timers: Wheel<(AddressOfRecord, u64)>,
    next: u64,
    changes: VecDeque<Change>,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    binding: Binding,
    timer: TimerKey,
}

/// What one contact of a REGISTER asks for.
struct Wish {
    contact: NameAddr,
    q: u16,
    /// Zero seconds remove the binding.
    seconds: u32,
}

impl Registrar {
    /// An empty registrar.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            records: BTreeMap::new(),
            len: 0,
            timers: Wheel::new(),
            next: 0,
            changes: VecDeque::new(),
        }
    }

    /// The number of bindings.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nobody is registered.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Applies a REGISTER that arrived on `flow` to the bindings of `aor`: adds and refreshes
    /// what it names, removes what it names with `expires=0` or all with `*`, or, without a
    /// Contact, only asks. Everything happens or nothing (§10.3). The response lists the
    /// bindings there are afterwards.
    ///
    /// Whether the sender may do this to `aor` has been decided before.
    ///
    /// # Errors
    ///
    /// Why it is refused, with the response to send.
    pub fn register(
        &mut self,
        now: Duration,
        aor: &AddressOfRecord,
        request: &Request,
        flow: Flow,
    ) -> Result<Response, Rejection> {
        self.handle_timeout(now);
        let headers = &request.headers;
        let call_id: CallId = headers.require()?;
        let cseq = headers.require::<CSeq>()?.number;
        match self.wishes(headers)? {
            None => self.remove_all(aor, &call_id, cseq)?,
            Some(wishes) => {
                self.check(aor, &wishes, &call_id, cseq)?;
                let path = headers
                    .all::<Path>()
                    .map(|path| path.map(|path| path.0))
                    .collect::<Result<Vec<_>, _>>()?;
                let agent = headers.typed::<UserAgent>().ok().flatten();
                let agent = agent.map(|agent| agent.as_str().to_owned());
                for wish in wishes {
                    let binding = Binding {
                        aor: aor.clone(),
                        contact: wish.contact,
                        flow,
                        path: path.clone(),
                        expires: now + Duration::from_secs(u64::from(wish.seconds)),
                        q: wish.q,
                        call_id: call_id.clone(),
                        cseq,
                        user_agent: agent.clone(),
                    };
                    self.apply(binding, wish.seconds == 0);
                }
            }
        }
        Ok(self.answer(now, aor, request))
    }

    /// Where an address of record can be reached: the most preferred first, of equals the one
    /// registered last.
    pub fn bindings(&self, now: Duration, aor: &AddressOfRecord) -> impl Iterator<Item = &Binding> {
        let entries = self.records.get(aor).map(Vec::as_slice).unwrap_or_default();
        entries.iter().map(|entry| &entry.binding).filter(move |binding| binding.expires > now)
    }

    /// Every binding, by address of record.
    pub fn all(&self) -> impl Iterator<Item = &Binding> {
        self.records.values().flatten().map(|entry| &entry.binding)
    }

    /// Puts back a binding that a store has kept; `false` when it has expired or there is no
    /// room. A connection does not survive a restart, so its flow should name none. This is no
    /// [`Change`].
    pub fn restore(&mut self, now: Duration, binding: Binding) -> bool {
        let each = self.records.get(&binding.aor).map_or(0, Vec::len);
        if binding.expires <= now
            || self.len >= self.config.bindings
            || each >= self.config.bindings_each
        {
            return false;
        }
        let known = self.remove(&binding);
        self.insert(binding);
        known.is_none()
    }

    /// A connection is lost: what was registered over it cannot be reached any more.
    pub fn flow_failed(&mut self, flow: &Flow) {
        let lost: Vec<Binding> =
            self.all().filter(|binding| binding.flow == *flow).cloned().collect();
        for binding in lost {
            if let Some(binding) = self.remove(&binding) {
                self.tell(Change::Removed { binding, reason: Removal::FlowFailed });
            }
        }
    }

    /// Removes what has expired.
    pub fn handle_timeout(&mut self, now: Duration) {
        while let Some((aor, id)) = self.timers.expire(now) {
            let found = self
                .records
                .get(&aor)
                .and_then(|entries| entries.iter().find(|entry| entry.id == id))
                .map(|entry| entry.binding.clone());
            if let Some(binding) = found.and_then(|binding| self.remove(&binding)) {
                self.tell(Change::Removed { binding, reason: Removal::Expired });
            }
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.timers.next()
    }

    /// The next change, in order. With [`Config::changes`] on they wait until they are taken.
    pub fn poll_change(&mut self) -> Option<Change> {
        self.changes.pop_front()
    }

    /// What the contacts ask for; `None` for `*`.
    fn wishes(&self, headers: &Headers) -> Result<Option<Vec<Wish>>, Rejection> {
        let general = headers.typed::<Expires>()?.map(|expires| expires.0);
        let contacts: Vec<Contact> = headers.all::<Contact>().collect::<Result<_, _>>()?;
        if contacts.contains(&Contact::Star) {
            return match (contacts.len(), general) {
                (1, Some(0)) => Ok(None),
                _ => Err(Rejection::Wildcard),
            };
        }
        let mut wishes = Vec::with_capacity(contacts.len());
        for contact in contacts {
            let Contact::Address(mut contact) = contact else { continue };
            // A malformed value counts as no wish (§10.2.1.1, §20.10).
            let asked = contact.expires().ok().flatten().or(general);
            let seconds = asked.unwrap_or(self.config.default_expires);
            if seconds != 0 && seconds < self.config.min_expires {
                return Err(Rejection::TooBrief { min: self.config.min_expires });
            }
            let q = contact.q().ok().flatten().unwrap_or(1000);
            contact.params.remove("expires");
            wishes.push(Wish { contact, q, seconds: seconds.min(self.config.max_expires) });
        }
        Ok(Some(wishes))
    }

    fn check(
        &self,
        aor: &AddressOfRecord,
        wishes: &[Wish],
        call_id: &CallId,
        cseq: u32,
    ) -> Result<(), Rejection> {
        let entries = self.records.get(aor).map(Vec::as_slice).unwrap_or_default();
        let mut after: Vec<&Uri> = entries.iter().map(|entry| &entry.binding.contact.uri).collect();
        for wish in wishes {
            let uri = &wish.contact.uri;
            let known = entries.iter().find(|entry| entry.binding.contact.uri.equivalent(uri));
            if known.is_some_and(|entry| entry.binding.is_newer(call_id, cseq)) {
                return Err(Rejection::OutOfOrder);
            }
            after.retain(|other| !other.equivalent(uri));
            if wish.seconds > 0 {
                after.push(uri);
            }
        }
        let more = after.len().saturating_sub(entries.len());
        if more > 0 && after.len() > self.config.bindings_each {
            return Err(Rejection::TooManyBindings);
        }
        if self.len + more > self.config.bindings {
            return Err(Rejection::Full);
        }
        Ok(())
    }

    fn remove_all(
        &mut self,
        aor: &AddressOfRecord,
        call_id: &CallId,
        cseq: u32,
    ) -> Result<(), Rejection> {
        let entries = self.records.get(aor).map(Vec::as_slice).unwrap_or_default();
        if entries.iter().any(|entry| entry.binding.is_newer(call_id, cseq)) {
            return Err(Rejection::OutOfOrder);
        }
        let bindings: Vec<Binding> = entries.iter().map(|entry| entry.binding.clone()).collect();
        for binding in bindings {
            self.apply(binding, true);
        }
        Ok(())
    }

    fn apply(&mut self, binding: Binding, removes: bool) {
        let before = self.remove(&binding);
        if removes {
            if let Some(binding) = before {
                self.tell(Change::Removed { binding, reason: Removal::Unregistered });
            }
            return;
        }
        self.tell(Change::Registered(binding.clone()));
        self.insert(binding);
    }

    fn insert(&mut self, binding: Binding) {
        let id = self.next;
        self.next += 1;
        let timer = self.timers.start(binding.expires, (binding.aor.clone(), id));
        let entries = self.records.entry(binding.aor.clone()).or_default();
        let at = entries.iter().position(|entry| entry.binding.q <= binding.q);
        entries.insert(at.unwrap_or(entries.len()), Entry { id, binding, timer });
        self.len += 1;
    }

    /// Removes the binding with the same contact.
    fn remove(&mut self, binding: &Binding) -> Option<Binding> {
        let entries = self.records.get_mut(&binding.aor)?;
        let same = |entry: &Entry| entry.binding.contact.uri.equivalent(&binding.contact.uri);
        let entry = entries.remove(entries.iter().position(same)?);
        if entries.is_empty() {
            self.records.remove(&binding.aor);
        }
        self.timers.stop(entry.timer);
        self.len -= 1;
        Some(entry.binding)
    }

    fn answer(&self, now: Duration, aor: &AddressOfRecord, request: &Request) -> Response {
        let mut response = Response::to(request, StatusCode::OK);
        for binding in self.bindings(now, aor) {
            let mut contact = binding.contact.clone();
            let seconds = binding.seconds_left(now).to_string();
            // A number is always a fit value.
            let _ = contact.params.set("expires", Some(&seconds));
            response.headers.push(Contact::Address(contact));
        }
        response.headers.copy(HeaderName::Path, &request.headers);
        response
    }

    fn tell(&mut self, change: Change) {
        if self.config.changes {
            self.changes.push_back(change);
        }
    }
}

impl Binding {
    /// Whether the binding is from this REGISTER or a later one of the same Call-ID (§10.3, step 7).
    fn is_newer(&self, call_id: &CallId, cseq: u32) -> bool {
        self.call_id == *call_id && cseq <= self.cseq
    }
}
