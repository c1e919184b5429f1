//! Telling the server where we are (RFC 3261 §10).

use std::time::Duration;

use sip_core::header::{CSeq, CallId, Contact, Expires, NameAddr, To};
use sip_core::{Flow, Method, Request, Response, SipUri, Transport};

use super::{Event, Phone, Why};
use crate::failure::Failure;

/// How soon a refresh that failed is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// A refresh has this much time to fail in, before the registration runs out.
const MARGIN: Duration = Duration::from_secs(60);
/// A server that grants next to nothing is not flooded.
const SHORTEST: Duration = Duration::from_secs(5);

/// A registration that we want to have.
#[derive(Debug)]
pub(super) struct Registration {
    flow: Flow,
    contact: SipUri,
    /// What we ask for, in seconds.
    expires: u32,
    /// Call-ID and number of the last REGISTER: the next one goes on from there (§10.2).
    last: Option<(CallId, CSeq)>,
    /// When to register again.
    due: Option<Duration>,
    held: bool,
    /// Whether the server has told us once already that `expires` is too short.
    lengthened: bool,
    /// Whether the owner wants it no more, and a REGISTER is still under way.
    unwanted: bool,
}

impl Registration {
    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.due
    }
}

impl Phone {
    /// Registers over `flow` for `expires` seconds, and again before they are over, until
    /// [`Phone::unregister`]. [`Event::Registered`] or [`Event::NotRegistered`] follows.
    ///
    /// # Errors
    ///
    /// The request could not be made.
    pub fn register(&mut self, now: Duration, flow: Flow, expires: u32) -> Result<(), Failure> {
        let mut contact =
            SipUri::new(&self.settings.user, flow.local.ip(), Some(flow.local.port()));
        if flow.transport != Transport::Udp
            && let Ok(with) =
                contact.clone().with_param("transport", Some(flow.transport.as_param()))
        {
            contact = with;
        }
        self.registration = Some(Registration {
            flow,
            contact,
            expires,
            last: None,
            due: None,
            held: false,
            lengthened: false,
            unwanted: false,
        });
        self.send_register(now).inspect_err(|_| self.registration = None)
    }

    /// Takes the binding back. [`Event::Unregistered`] follows, whatever the server says.
    pub fn unregister(&mut self, now: Duration) {
        let Some(registration) = &mut self.registration else { return };
        registration.due = None;
        registration.unwanted = true;
        // One REGISTER at a time, so that they arrive in order (§10.2).
        if !self.outgoing.iter().any(|outgoing| outgoing.why == Why::Register) {
            self.send_removal(now);
        }
    }

    /// Takes back every binding of the account, those of other phones included (§10.2.2).
    /// [`Event::Unregistered`] or [`Event::NotRegistered`] follows.
    ///
    /// # Errors
    ///
    /// The request could not be made.
    pub fn clear(&mut self, now: Duration, flow: Flow) -> Result<(), Failure> {
        let mut request = self.register_request(&flow);
        request.headers.push(Contact::Star);
        request.headers.push(Expires(0));
        self.send(now, request, flow, Why::Clear).map(|_| ())
    }

    pub(super) fn registration_timeout(&mut self, now: Duration) {
        let Some(registration) = &mut self.registration else { return };
        if registration.due.is_some_and(|due| due <= now) {
            registration.due = None;
            if let Err(failure) = self.send_register(now) {
                self.on_not_registered(now, failure);
            }
        }
    }

    pub(super) fn on_registered(&mut self, now: Duration, response: &Response) {
        let Some(registration) = &mut self.registration else { return };
        registration.note(response);
        if registration.unwanted {
            return self.send_removal(now);
        }
        let seconds = registration.granted(response);
        let granted = Duration::from_secs(seconds.into());
        registration.due = Some(now + SHORTEST.max(granted - MARGIN.min(granted / 2)));
        let first = !std::mem::replace(&mut registration.held, true);
        self.events.push_back(Event::Registered { seconds, first });
    }

    pub(super) fn on_not_registered(&mut self, now: Duration, failure: Failure) {
        let Some(registration) = &mut self.registration else {
            return self.events.push_back(Event::NotRegistered { failure, retry: None });
        };
        if registration.unwanted {
            return self.on_unregistered();
        }
        if let Failure::Refused { min_expires: Some(least), .. } = failure
            && least > registration.expires
            && !std::mem::replace(&mut registration.lengthened, true)
        {
            registration.expires = least;
            registration.due = Some(now);
            return;
        }
        let retry = match &failure {
            // Another attempt with the same password would be taken for guessing.
            Failure::WrongPassword(_) | Failure::PasswordWanted(_) => None,
            Failure::Refused { retry_after: Some(seconds), .. } => {
                Some(RETRY.max(Duration::from_secs((*seconds).into())))
            }
            _ => Some(RETRY),
        };
        let retry = retry.filter(|_| registration.held);
        registration.due = retry.map(|wait| now + wait);
        if retry.is_none() {
            self.registration = None;
        }
        self.events.push_back(Event::NotRegistered { failure, retry });
    }

    pub(super) fn on_unregistered(&mut self) {
        self.registration = None;
        self.events.push_back(Event::Unregistered);
    }

    fn send_register(&mut self, now: Duration) -> Result<(), Failure> {
        let Some(registration) = &self.registration else { return Ok(()) };
        let flow = registration.flow;
        let mut request = self.register_request(&flow);
        request.headers.push(Contact::new(registration.contact.clone()));
        request.headers.push(Expires(registration.expires));
        self.send(now, request, flow, Why::Register).map(|_| ())
    }

    fn send_removal(&mut self, now: Duration) {
        let Some(registration) = &self.registration else { return };
        let flow = registration.flow;
        let mut request = self.register_request(&flow);
        request.headers.push(Contact::new(registration.contact.clone()));
        request.headers.push(Expires(0));
        if self.send(now, request, flow, Why::Unregister).is_err() {
            self.on_unregistered();
        }
    }

    /// A REGISTER without its contact. It carries no credentials: the server's nonce may be used once
    /// only, and a fresh challenge costs one round trip.
    fn register_request(&self, flow: &Flow) -> Request {
        let own = self.address_of_record(flow);
        let registrar = match &self.settings.domain {
            Some(domain) => SipUri::new("", domain.host.clone(), domain.port),
            None => SipUri::new("", flow.remote.ip(), Some(flow.remote.port())),
        };
        let mut request = self.request(Method::Register, registrar, flow);
        request.headers.push(To(NameAddr::new(own)));
        if let Some((call_id, cseq)) = self.registration.as_ref().and_then(|r| r.last.clone()) {
            request.headers.push(call_id);
            request.headers.push(CSeq::new(cseq.number + 1, Method::Register));
        }
        request
    }
}

impl Registration {
    /// Remembers how far the numbering has come.
    fn note(&mut self, response: &Response) {
        let headers = &response.headers;
        if let (Ok(call_id), Ok(cseq)) = (headers.require::<CallId>(), headers.require::<CSeq>()) {
            self.last = Some((call_id, cseq));
        }
    }

    /// For how long the server keeps our binding: by its Contact, by Expires, else as asked (§10.2.4).
    fn granted(&self, response: &Response) -> u32 {
        let bindings: Vec<_> = response.headers.all::<Contact>().flatten().collect();
        let of_binding = bindings
            .iter()
            .filter_map(Contact::address)
            .find(|binding| binding.uri.as_sip().is_some_and(|uri| uri.equivalent(&self.contact)))
            .and_then(|binding| binding.expires().ok().flatten());
        let of_response = || response.headers.typed::<Expires>().ok().flatten().map(|e| e.0);
        of_binding.or_else(of_response).unwrap_or(self.expires)
    }
}
