//! The bindings of a registrar and the rules for changing them.

use core::time::Duration;
use std::collections::{BTreeMap, HashMap, VecDeque};

use super::binding::flow_of_instance;
use super::gruu::{self, Gruu};
use super::{AddressOfRecord, Binding, Change, Config, Rejection, Removal};
use crate::auth::server::Verified;
use crate::flow::Flow;
use crate::header::{
    CSeq, CallId, Contact, Expires, FlowTimer, NameAddr, Path, Require, ServiceRoute, Supported,
    To, UserAgent, Via,
};
use crate::text::write_number;
use crate::timer::{TimerKey, Wheel};
use crate::{HeaderName, Headers, Host, Request, Response, StatusCode, Token, Uri};

/// The bindings of every address of record.
#[derive(Debug)]
pub struct Registrar {
    config: Config,
    records: BTreeMap<AddressOfRecord, Vec<Entry>>,
    len: usize,
    timers: Wheel<(AddressOfRecord, u64)>,
    /// Who has temporary GRUUs, by their marks, and how many bindings share one.
    marks: HashMap<u64, (AddressOfRecord, usize)>,
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
            marks: HashMap::new(),
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
        let path = headers
            .all::<Path>()
            .map(|path| path.map(|path| path.0))
            .collect::<Result<Vec<NameAddr>, _>>()?;
        let supported: Option<Supported> = headers.typed()?;
        let supports = |tag| supported.as_ref().is_some_and(|list| list.contains(tag));
        let mut outbound = false;
        match self.wishes(headers)? {
            None => self.remove_all(aor, &call_id, cseq)?,
            Some(mut wishes) => {
                outbound = self.outbound(supports("outbound"), headers, &path, &mut wishes)?;
                self.check(aor, &wishes, &call_id, cseq)?;
                let agent = headers.typed::<UserAgent>().ok().flatten().map(String::from);
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
        let mut response = self.answer(now, aor, request, supports("gruu"));
        if outbound {
            response.headers.push(Require(vec![Token::from_static("outbound")]));
            if let Some(seconds) = self.config.flow_timer {
                response.headers.set(FlowTimer(seconds));
            }
        }
        Ok(response)
    }

    /// The same for the address of record in To, after deciding whether the sender may do so: the
    /// credentials must be that user's (`alice`, or `alice@example.com` in full) and the domain
    /// one that `ours` accepts (§10.3, steps 3 to 5).
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register), and when it is not the sender's, or not ours.
    pub fn register_as(
        &mut self,
        now: Duration,
        verified: &Verified,
        ours: &dyn Fn(&Host) -> bool,
        request: &Request,
        flow: Flow,
    ) -> Result<Response, Rejection> {
        let to: To = request.headers.require()?;
        let aor = AddressOfRecord::of(&to.uri).ok_or(Rejection::NotOurs)?;
        let sip = to.uri.as_sip().filter(|uri| ours(uri.host())).ok_or(Rejection::NotOurs)?;
        let user = sip.user().filter(|user| !user.is_empty()).ok_or(Rejection::NotOurs)?;
        if verified.username != *user && verified.username != aor.as_str() {
            return Err(Rejection::NotYours);
        }
        self.register(now, &aor, request, flow)
    }

    /// Where an address of record can be reached: the most preferred first, of equals the one
    /// registered last.
    pub fn bindings(&self, now: Duration, aor: &AddressOfRecord) -> impl Iterator<Item = &Binding> {
        let entries = self.records.get(aor).map(Vec::as_slice).unwrap_or_default();
        entries.iter().map(|entry| &entry.binding).filter(move |binding| binding.expires > now)
    }

    /// The same grouped by instance (RFC 5626 §7): a phone with several flows is one target, to be
    /// tried over its latest flow, and over the next only when that has failed. Phones without
    /// outbound are a target for each binding.
    pub fn targets(&self, now: Duration, aor: &AddressOfRecord) -> Vec<Vec<&Binding>> {
        let entries = self.records.get(aor).map(Vec::as_slice).unwrap_or_default();
        let mut targets: Vec<Vec<&Entry>> = Vec::new();
        for entry in entries.iter().filter(|entry| entry.binding.expires > now) {
            let own = entry.binding.flow_of_instance().map(|(instance, _)| instance);
            let known = own.as_ref().and_then(|own| {
                targets.iter_mut().find(|target| {
                    let other = target.first().and_then(|e| e.binding.flow_of_instance());
                    other.is_some_and(|(instance, _)| instance == *own)
                })
            });
            match known {
                Some(target) => target.push(entry),
                None => targets.push(vec![entry]),
            }
        }
        for target in &mut targets {
            target.sort_by_key(|entry| core::cmp::Reverse(entry.id));
        }
        targets.into_iter().map(|t| t.into_iter().map(|entry| &entry.binding).collect()).collect()
    }

    /// Where the instance that a GRUU names can be reached, the latest flow first (RFC 5627 §5.3).
    /// `None` when the URI is no GRUU, and for a temporary one that was never ours; empty when the
    /// instance is not registered now.
    pub fn gruu(&self, now: Duration, uri: &Uri) -> Option<Vec<&Binding>> {
        let (aor, instance) = match Gruu::read(uri, self.config.gruu.as_ref())? {
            Gruu::Public(aor, instance) => (aor, instance),
            Gruu::Temporary(mark) => {
                let Some((aor, _)) = self.marks.get(&mark) else { return Some(Vec::new()) };
                let key = self.config.gruu.as_ref()?;
                let of = |binding: &&Binding| {
                    let instance = binding.instance();
                    instance.is_some_and(|instance| key.mark(binding, &instance) == mark)
                };
                match self.bindings(now, aor).find(of).and_then(Binding::instance) {
                    Some(instance) => (aor.clone(), instance),
                    None => return Some(Vec::new()),
                }
            }
        };
        let entries = self.records.get(&aor).map(Vec::as_slice).unwrap_or_default();
        let mut found: Vec<&Entry> = entries
            .iter()
            .filter(|entry| entry.binding.expires > now)
            .filter(|entry| entry.binding.instance().as_deref() == Some(&*instance))
            .collect();
        found.sort_by_key(|entry| core::cmp::Reverse(entry.id));
        Some(found.into_iter().map(|entry| &entry.binding).collect())
    }

    /// Removes one binding because its flow does not work any more: an edge proxy has answered 430
    /// (RFC 5626 §5.3). `false` when it is not there.
    pub fn binding_failed(&mut self, binding: &Binding) -> bool {
        let Some(binding) = self.remove(binding) else { return false };
        self.tell(Change::Removed { binding, reason: Removal::FlowFailed });
        true
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

    /// Gives back the room that more bindings have needed. Takes time for each that there was room for: to be
    /// called when there is little to do.
    pub fn shrink(&mut self) {
        self.timers.shrink();
        self.marks.shrink_to_fit();
        self.changes.shrink_to_fit();
    }

    /// Moves what is kept of every binding to other memory. What was registered in a busy time lies between what that time
    /// has needed besides, and holds pages that have nothing else; now it can lie together. Takes about a microsecond for
    /// each binding: to be called when nothing goes on, after all else was given back.
    pub fn compact(&mut self) {
        let scattered = core::mem::take(&mut self.records);
        let timers = &mut self.timers;
        self.records = scattered
            .iter()
            .map(|(aor, entries)| {
                let aor = aor.copied();
                let entries = entries.iter().map(|Entry { id, binding, timer }| {
                    timers.stop(*timer);
                    let timer = timers.start(binding.expires, (aor.clone(), *id));
                    let binding = Binding { aor: aor.clone(), ..binding.clone() };
                    Entry { id: *id, binding, timer }
                });
                let entries = entries.collect();
                (aor, entries)
            })
            .collect();
        for (aor, _) in self.marks.values_mut() {
            if let Some((copied, _)) = self.records.get_key_value(aor) {
                *aor = copied.clone();
            }
        }
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

    /// Whether the REGISTER is one of outbound (RFC 5626 §6). Where it is not, `reg-id` means
    /// nothing and is taken off.
    fn outbound(
        &self,
        supported: bool,
        headers: &Headers,
        path: &[NameAddr],
        wishes: &mut [Wish],
    ) -> Result<bool, Rejection> {
        let asks = |wish: &&mut Wish| flow_of_instance(&wish.contact).is_some();
        let flows = wishes.iter_mut().filter(asks).count();
        if !self.config.outbound || !supported || flows == 0 {
            for wish in wishes {
                wish.contact.params.remove("reg-id");
            }
            return Ok(false);
        }
        if flows > 1 && wishes.iter().any(|wish| wish.seconds > 0) {
            return Err(Rejection::TwoFlows);
        }
        // The proxy next to the phone has written the last Path and marked it.
        let direct = headers.all::<Via>().count() <= 1;
        let kept = path.last().and_then(|hop| hop.uri.as_sip());
        if !direct && !kept.is_some_and(|hop| hop.params().contains("ob")) {
            return Err(Rejection::FirstHop);
        }
        Ok(true)
    }

    fn check(
        &self,
        aor: &AddressOfRecord,
        wishes: &[Wish],
        call_id: &CallId,
        cseq: u32,
    ) -> Result<(), Rejection> {
        let entries = self.records.get(aor).map(Vec::as_slice).unwrap_or_default();
        let mut after: Vec<&NameAddr> =
            entries.iter().map(|entry| &entry.binding.contact).collect();
        for wish in wishes {
            let contact = &wish.contact;
            let known = entries.iter().find(|entry| is_at(&entry.binding.contact, contact));
            if known.is_some_and(|entry| entry.binding.is_newer(call_id, cseq)) {
                return Err(Rejection::OutOfOrder);
            }
            after.retain(|other| !is_at(other, contact));
            if wish.seconds > 0 {
                after.push(contact);
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
        if removes {
            if let Some(binding) = self.remove(&binding) {
                self.tell(Change::Removed { binding, reason: Removal::Unregistered });
            }
            return;
        }
        if self.config.changes {
            self.tell(Change::Registered(binding.clone()));
        }
        if !self.refresh(&binding) {
            self.remove(&binding);
            self.insert(binding);
        }
    }

    /// Extends a binding that is otherwise as it was, which nearly all registrations do: its memory stays where it is.
    fn refresh(&mut self, binding: &Binding) -> bool {
        let Some(entries) = self.records.get_mut(&binding.aor) else { return false };
        let gruu = self.config.gruu.is_some();
        let same = |entry: &Entry| {
            let Binding {
                aor: _,
                contact,
                flow,
                path,
                expires: _,
                q,
                call_id,
                cseq: _,
                user_agent,
            } = &entry.binding;
            (contact, flow, path) == (&binding.contact, &binding.flow, &binding.path)
                && (q, user_agent) == (&binding.q, &binding.user_agent)
                // Temporary GRUUs are those of one Call-ID.
                && (!gruu || *call_id == binding.call_id)
        };
        let Some(at) = entries.iter().position(same) else { return false };
        // The latest is the first of its preference.
        let first = entries.iter().position(|entry| entry.binding.q <= binding.q).unwrap_or(at);
        entries[first..=at].rotate_right(1);
        let entry = &mut entries[first];
        self.timers.stop(entry.timer);
        entry.timer = self.timers.start(binding.expires, (entry.binding.aor.clone(), entry.id));
        (entry.binding.expires, entry.binding.cseq) = (binding.expires, binding.cseq);
        if entry.binding.call_id != binding.call_id {
            entry.binding.call_id = binding.call_id.clone();
        }
        true
    }

    fn insert(&mut self, binding: Binding) {
        let id = self.next;
        self.next += 1;
        if let Some(mark) = self.mark(&binding) {
            let shared = self.marks.entry(mark).or_insert_with(|| (binding.aor.clone(), 0));
            shared.1 += 1;
        }
        let timer = self.timers.start(binding.expires, (binding.aor.clone(), id));
        let entries = self.records.entry(binding.aor.clone()).or_default();
        // Hardly anyone has several, and they are large.
        entries.reserve_exact(1);
        let at = entries.iter().position(|entry| entry.binding.q <= binding.q);
        entries.insert(at.unwrap_or(entries.len()), Entry { id, binding, timer });
        self.len += 1;
    }

    /// Removes the binding with the same contact.
    fn remove(&mut self, binding: &Binding) -> Option<Binding> {
        let entries = self.records.get_mut(&binding.aor)?;
        let same = |entry: &Entry| is_at(&entry.binding.contact, &binding.contact);
        let entry = entries.remove(entries.iter().position(same)?);
        if entries.is_empty() {
            self.records.remove(&binding.aor);
        }
        self.timers.stop(entry.timer);
        self.len -= 1;
        if let Some(mark) = self.mark(&entry.binding)
            && let Some(shared) = self.marks.get_mut(&mark)
        {
            shared.1 -= 1;
            if shared.1 == 0 {
                self.marks.remove(&mark);
            }
        }
        Some(entry.binding)
    }

    /// What temporary GRUUs of this binding refer to.
    fn mark(&self, binding: &Binding) -> Option<u64> {
        let key = self.config.gruu.as_ref()?;
        binding.instance().map(|instance| key.mark(binding, &instance))
    }

    fn answer(
        &mut self,
        now: Duration,
        aor: &AddressOfRecord,
        request: &Request,
        gruu: bool,
    ) -> Response {
        let mut response = Response::to(request, StatusCode::OK);
        self.next += 1;
        for binding in self.bindings(now, aor) {
            let with_gruus = (gruu && self.config.gruu.is_some()).then(|| {
                let mut contact = binding.contact.clone();
                let seconds = binding.seconds_left(now).to_string();
                // A number is always a fit value.
                let _ = contact.params.set("expires", Some(&seconds));
                self.add_gruus(binding, &mut contact);
                contact
            });
            response.headers.push_with(HeaderName::Contact, |out| match with_gruus {
                Some(contact) => contact.write(out),
                // Its own `expires` was taken off when it was bound.
                None => {
                    binding.contact.write(out);
                    out.extend_from_slice(b";expires=");
                    write_number(out, binding.seconds_left(now).into());
                }
            });
        }
        response.headers.copy(HeaderName::Path, &request.headers);
        for hop in &self.config.service_route {
            response.headers.push(ServiceRoute(hop.clone()));
        }
        response
    }

    /// Writes the GRUUs of an instance beside its contact (RFC 5627 §5.2).
    fn add_gruus(&self, binding: &Binding, contact: &mut NameAddr) {
        let Some(key) = &self.config.gruu else { return };
        let Some(instance) = binding.instance() else { return };
        let user = key.seal(key.mark(binding, &instance), self.next);
        let temporary = user.and_then(|user| gruu::temporary(&binding.aor, &user));
        for (name, uri) in
            [("pub-gruu", gruu::public(&binding.aor, &instance)), ("temp-gruu", temporary)]
        {
            if let Some(uri) = uri {
                // A URI is written as a quoted string.
                let _ = contact.params.set_raw(name, Some(&format!("\"{uri}\"")));
            }
        }
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

/// Whether a contact takes the place of another: the same flow of the same instance (RFC 5626 §6),
/// or, where the newer one has no flow of its own, an equivalent URI.
fn is_at(known: &NameAddr, newer: &NameAddr) -> bool {
    match flow_of_instance(newer) {
        Some(flow) => flow_of_instance(known) == Some(flow),
        None => known.uri.equivalent(&newer.uri),
    }
}
