//! The state of one dialog.

use super::DialogTag;
use crate::flow::Flow;
use crate::header::{
    CSeq, CallId, Contact, ContactRef, From, Known, MaxForwards, NameAddr, RecordRoute, Route, To,
    TypedHeader as _, ViaRef,
};
use crate::slab::Key;
use crate::{HeaderError, HeaderName, Headers, Method, Request, Response, SipUri, Uri};

/// Names a dialog. It stays unique for the life of the endpoint.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DialogId(pub(crate) Key);

/// Which side of the dialog's first request we are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// We sent it.
    Caller,
    /// We received it.
    Callee,
}

/// How far a dialog has come.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DialogState {
    /// Made by a provisional response.
    Early,
    /// Made or confirmed by a 2xx.
    Confirmed,
}

/// Whether a request may be taken in this order (§12.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Order {
    /// It may.
    Next,
    /// A later one was taken before: answer 500.
    Late,
}

/// One dialog.
#[derive(Clone, Debug)]
pub struct Dialog {
    role: Role,
    state: DialogState,
    call_id: CallId,
    local: NameAddr,
    remote: NameAddr,
    local_number: u32,
    remote_number: Option<u32>,
    target: Uri,
    routes: Vec<NameAddr>,
    contact: Option<NameAddr>,
    flow: Flow,
    direct: bool,
}

impl Dialog {
    /// The caller's dialog: made by a response with a To tag to the request it sent (§12.1.2).
    ///
    /// # Errors
    ///
    /// A header that the dialog needs is missing or malformed.
    pub fn caller(request: &Request, response: &Response, flow: Flow) -> Result<Self, HeaderError> {
        let mut dialog = Self {
            role: Role::Caller,
            state: DialogState::Early,
            call_id: request.headers.require()?,
            local: request.headers.require::<From>()?.0,
            remote: response.headers.require::<To>()?.0,
            local_number: request.headers.require::<CSeq>()?.number,
            remote_number: None,
            target: request.uri.clone(),
            routes: Vec::new(),
            contact: own_contact(&request.headers)?,
            flow,
            direct: is_detour(request, &flow),
        };
        dialog.answered(response, flow)?;
        Ok(dialog)
    }

    /// The callee's dialog: made when it answers `request` with `local_tag` in To (§12.1.1).
    ///
    /// # Errors
    ///
    /// A header that the dialog needs is missing or malformed.
    pub fn callee(request: &Request, local_tag: &str, flow: Flow) -> Result<Self, HeaderError> {
        let headers = &request.headers;
        let mut local = headers.require::<To>()?.0;
        let _ = local.set_tag(local_tag);
        let remote = headers.require::<From>()?.0;
        Ok(Self {
            role: Role::Callee,
            state: DialogState::Early,
            call_id: headers.require()?,
            local,
            local_number: 0,
            remote_number: Some(headers.require::<CSeq>()?.number),
            target: peer_contact(headers)?.unwrap_or_else(|| remote.uri.clone()),
            remote,
            routes: record_route(headers)?,
            contact: None,
            flow,
            direct: headers.has_one(Known::Via) || headers.all::<ViaRef<'_>>().count() <= 1,
        })
    }

    /// The subscriber's dialog: made by a NOTIFY (RFC 6665 §4.4.1) that answers our request with CSeq
    /// `number` and this Contact.
    pub(crate) fn notified(
        notify: &Request,
        number: u32,
        contact: Option<NameAddr>,
        flow: Flow,
    ) -> Result<Self, HeaderError> {
        let own = notify.headers.require::<To>()?.0;
        let tag = own.tag().unwrap_or_default();
        let seed = Self::callee(notify, tag, flow)?;
        Ok(Self {
            role: Role::Caller,
            state: DialogState::Confirmed,
            local_number: number,
            contact,
            ..seed
        })
    }

    /// Which side we are.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Early or confirmed.
    pub fn state(&self) -> DialogState {
        self.state
    }

    /// The Call-ID.
    pub fn call_id(&self) -> &CallId {
        &self.call_id
    }

    /// Our From in requests of ours, with the local tag.
    pub fn local(&self) -> &NameAddr {
        &self.local
    }

    /// The peer's address, with the remote tag.
    pub fn remote(&self) -> &NameAddr {
        &self.remote
    }

    /// Our tag.
    pub fn local_tag(&self) -> &str {
        self.local.tag().unwrap_or_default()
    }

    /// The peer's tag; empty when it speaks RFC 2543 and has none.
    pub fn remote_tag(&self) -> &str {
        self.remote.tag().unwrap_or_default()
    }

    /// The CSeq number of our last request.
    pub fn local_number(&self) -> u32 {
        self.local_number
    }

    /// The CSeq number of the peer's last request.
    pub fn remote_number(&self) -> Option<u32> {
        self.remote_number
    }

    /// The remote target: the URI that the peer's Contact named last.
    pub fn target(&self) -> &Uri {
        &self.target
    }

    /// The route set, in the order of our requests.
    pub fn routes(&self) -> &[NameAddr] {
        &self.routes
    }

    /// The Contact that we have named; `None` before we named one.
    pub fn contact(&self) -> Option<&NameAddr> {
        self.contact.as_ref()
    }

    /// The flow of the peer's last message.
    pub fn flow(&self) -> Flow {
        self.flow
    }

    /// What names this dialog on the wire.
    pub fn tag(&self) -> DialogTag {
        DialogTag::new(self.call_id.as_str(), self.local_tag(), self.remote_tag())
    }

    /// The URI whose host says where the next request goes (§8.1.2): the first route, or the
    /// remote target.
    pub fn next_hop(&self) -> &Uri {
        self.routes.first().map_or(&self.target, |route| &route.uri)
    }

    /// Whether the peer is reached without a proxy in between, so that its address is that of
    /// the flow, whatever its Contact says.
    pub(crate) fn is_direct(&self) -> bool {
        self.direct && self.routes.is_empty()
    }

    /// Takes route set and target from a response to our INVITE; the caller decides when (§12.1.2,
    /// §13.2.2.4).
    pub(crate) fn answered(&mut self, response: &Response, flow: Flow) -> Result<(), HeaderError> {
        let mut routes = record_route(&response.headers)?;
        routes.reverse();
        self.routes = routes;
        self.flow = flow;
        if let Some(target) = peer_contact(&response.headers)? {
            self.target = target;
        }
        Ok(())
    }

    pub(crate) fn confirm(&mut self) {
        self.state = DialogState::Confirmed;
    }

    /// Takes a new remote target from a request or response that may change it (§12.2).
    pub(crate) fn refresh_target(&mut self, headers: &Headers) {
        if let Ok(Some(target)) = peer_contact(headers) {
            self.target = target;
        }
    }

    /// Takes another URI and display name of ours; the tag stays (RFC 4916).
    pub(crate) fn set_local(&mut self, address: NameAddr) {
        self.local = renamed(&self.local, address);
    }

    /// Takes another URI and display name of the peer's.
    pub(crate) fn set_remote(&mut self, address: NameAddr) {
        self.remote = renamed(&self.remote, address);
    }

    pub(crate) fn set_flow(&mut self, flow: Flow) {
        self.flow = flow;
    }

    /// Gives a message of ours the Contact that we named before, or takes note of the one that its
    /// author has put there.
    pub(crate) fn agree_on_contact(&mut self, method: &Method, headers: &mut Headers) {
        if !names_contact(method) {
            return;
        }
        match (headers.contains(HeaderName::Contact), &self.contact) {
            (true, _) => self.set_contact(headers),
            (false, Some(contact)) => headers.push(Contact::Address(contact.clone())),
            (false, None) => {}
        }
    }

    pub(crate) fn set_contact(&mut self, headers: &Headers) {
        if let Ok(Some(contact)) = own_contact(headers) {
            self.contact = Some(contact);
        }
    }

    /// Takes the Contact that a message of ours was given, which `written` is if it is known.
    pub(crate) fn take_contact(&mut self, written: Option<Contact>, headers: &Headers) {
        match written {
            Some(Contact::Address(contact)) => self.contact = Some(contact),
            _ => self.set_contact(headers),
        }
    }

    /// Takes note of the number of a request of the peer's. ACK and CANCEL have none of their own
    /// and do not belong here.
    pub(crate) fn take_number(&mut self, number: u32) -> Order {
        if self.remote_number.is_some_and(|last| number < last) {
            return Order::Late;
        }
        self.remote_number = Some(number);
        Order::Next
    }

    /// The number of our next request.
    pub(crate) fn next_number(&mut self) -> u32 {
        // §8.1.1.5 keeps numbers below 2^31, which 68 years of one request a second do not use up.
        self.local_number = self.local_number.wrapping_add(1) & 0x7fff_ffff;
        self.local_number
    }

    /// Writes what the dialog decides into `request`: Request-URI, Route, From, To, Call-ID, CSeq
    /// (§12.2.1.1), and Max-Forwards when it is absent.
    pub(crate) fn address(&self, request: &mut Request, number: u32) {
        let (uri, routes) = self.routing();
        request.uri = uri;
        let headers = &mut request.headers;
        headers.remove(HeaderName::Route);
        for route in routes {
            headers.push(Route(route));
        }
        if !headers.contains(HeaderName::MaxForwards) {
            headers.push(MaxForwards(70));
        }
        headers.set_with(HeaderName::From, |out| self.local.write(out));
        headers.set_with(HeaderName::To, |out| self.remote.write(out));
        headers.set_with(HeaderName::CallId, |out| self.call_id.write(out));
        headers.set(CSeq { number, method: request.method.clone() });
    }

    /// Request-URI and Route values: the remote target behind loose routers; behind a strict one
    /// its own URI, with the target as the last route.
    fn routing(&self) -> (Uri, Vec<NameAddr>) {
        match self.routes.split_first() {
            Some((first, rest)) if !first.uri.as_sip().is_some_and(SipUri::lr) => {
                let mut routes = rest.to_vec();
                routes.push(NameAddr::new(self.target.clone()));
                (first.uri.clone(), routes)
            }
            _ => (self.target.clone(), self.routes.clone()),
        }
    }
}

fn renamed(old: &NameAddr, mut new: NameAddr) -> NameAddr {
    new.clear_tag();
    if let Some(tag) = old.tag() {
        // It was read as a tag.
        let _ = new.set_tag(tag);
    }
    new
}

/// The methods whose request and 2xx name a Contact (§8.1.1.8, §12.1, RFC 3311, RFC 3515,
/// RFC 6665).
pub(crate) fn names_contact(method: &Method) -> bool {
    matches!(
        method,
        Method::Invite | Method::Update | Method::Subscribe | Method::Notify | Method::Refer
    )
}

/// Whether a request for a numeric address was deliberately sent elsewhere, with no route that
/// says so: its user knows the way, as it does to a phone behind a NAT that has registered.
fn is_detour(request: &Request, flow: &Flow) -> bool {
    let ip = request.uri.as_sip().and_then(|uri| uri.host().ip());
    ip.is_some_and(|ip| ip != flow.remote.ip()) && !request.headers.contains(HeaderName::Route)
}

fn record_route(headers: &Headers) -> Result<Vec<NameAddr>, HeaderError> {
    headers.all::<RecordRoute>().map(|route| route.map(|route| route.0)).collect()
}

fn peer_contact(headers: &Headers) -> Result<Option<Uri>, HeaderError> {
    Ok(match headers.typed::<ContactRef<'_>>()? {
        Some(ContactRef::Address(address)) => Some(address.uri().to_uri()),
        _ => None,
    })
}

fn own_contact(headers: &Headers) -> Result<Option<NameAddr>, HeaderError> {
    Ok(match headers.typed::<Contact>()? {
        Some(Contact::Address(address)) => Some(address),
        _ => None,
    })
}
