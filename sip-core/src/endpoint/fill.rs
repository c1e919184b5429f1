//! What the endpoint writes into messages where their author has left it out.

use std::borrow::Cow;

use rand_core::Rng;

use super::{Config, Endpoint, Error};
use crate::dialog::names_contact;
use crate::flow::Flow;
use crate::header::{
    Allow, CSeq, CSeqRef, CallId, CallIdRef, Contact, From, FromRef, Known, MaxForwards, NameAddr,
    RecvInfo, Supported, To, ToRef, TypedHeader, UserAgent,
};
use crate::keyed::push_hex;
use crate::uri::UriRef;
use crate::{HeaderName, Headers, Method, Request, Response, SipUri, Transport, Uri};

/// Header values that are the same in every message, written once.
#[derive(Debug)]
pub(super) struct Lines {
    agent: Line,
    allow: Line,
    supported: Line,
    packages: Line,
}

#[derive(Debug)]
struct Line(Option<Vec<u8>>);

impl Lines {
    pub(super) fn new(config: &Config) -> Self {
        let agent = config.user_agent.as_ref().and_then(|text| UserAgent::new(text).ok());
        Self {
            agent: Line::of(agent),
            allow: Line::of((!config.allow.is_empty()).then(|| Allow(config.allow.clone())))
                .without_spaces(),
            supported: Line::of(
                (!config.supported.is_empty()).then(|| Supported(config.supported.clone())),
            ),
            packages: Line::of(
                (!config.info_packages.is_empty())
                    .then(|| config.info_packages.iter().cloned().collect::<RecvInfo>()),
            ),
        }
    }

    fn fill_capabilities(&self, headers: &mut Headers) {
        self.allow.fill(HeaderName::Allow, headers);
        self.supported.fill(HeaderName::Supported, headers);
        self.packages.fill(HeaderName::RecvInfo, headers);
    }
}

impl Line {
    fn of(header: Option<impl TypedHeader>) -> Self {
        let value = header.map(|header| {
            let mut value = Vec::new();
            header.write(&mut value);
            value
        });
        Self(value.filter(|value| memchr::memchr3(b'\r', b'\n', 0, value).is_none()))
    }

    /// The same list, shorter: it is in many messages.
    fn without_spaces(mut self) -> Self {
        self.0.iter_mut().for_each(|value| value.retain(|byte| *byte != b' '));
        self
    }

    /// Adds the line where its author has left it out.
    fn fill(&self, name: HeaderName, headers: &mut Headers) {
        if let Some(value) = &self.0
            && !headers.has(name.known())
        {
            headers.push_written(name, value);
        }
    }
}

impl Endpoint {
    /// Completes a request outside a dialog (§8.1.1).
    pub(super) fn fill_request(&mut self, request: &mut Request, flow: &Flow) -> Result<(), Error> {
        if request.headers.require::<FromRef<'_>>()?.tag().is_none() {
            let tag = self.new_tag();
            // What ends in a bracket has no parameters yet, as nearly every From of ours.
            let more: [&[u8]; 2] = [b";tag=", tag.as_bytes()];
            if !request.headers.append_behind(Known::From, b'>', &more) {
                let mut from = request.headers.require::<From>()?;
                let _ = from.set_tag(&tag);
                request.headers.set(from);
            }
        }
        if request.headers.typed::<ToRef<'_>>()?.is_none() {
            request.headers.push(To(NameAddr::new(request.uri.clone())));
        }
        if !request.headers.contains(HeaderName::MaxForwards) {
            request.headers.push(MaxForwards(70));
        }
        if request.headers.typed::<CallIdRef<'_>>()?.is_none() {
            request.headers.push(self.new_call_id()?);
        }
        match request.headers.typed::<CSeqRef<'_>>()? {
            Some(cseq) if cseq.method() == request.method.as_str() => {}
            Some(_) => return Err(Error::NotAllowed("CSeq names another method")),
            None => {
                let number = (self.random.next_u32() & 0xffff) + 1;
                request.headers.push(CSeq { number, method: request.method.clone() });
            }
        }
        self.fill_common(request, flow);
        Ok(())
    }

    /// Completes what requests inside and outside a dialog share.
    pub(super) fn fill_common(&self, request: &mut Request, flow: &Flow) {
        let headers = &mut request.headers;
        if names_contact(&request.method) && !headers.contains(HeaderName::Contact) {
            let from = headers.typed::<FromRef<'_>>().ok().flatten();
            let user = match from.map(|from| *from.uri()) {
                Some(UriRef::Sip(uri)) => uri.user().map(Cow::into_owned),
                _ => None,
            };
            headers.push(self.contact(user.as_deref(), flow));
        }
        self.lines.agent.fill(HeaderName::UserAgent, headers);
        if matches!(request.method, Method::Invite | Method::Update) {
            self.lines.fill_capabilities(headers);
        }
    }

    /// Completes a response, apart from its To tag. `invite` is the request when it is an INVITE
    /// outside a dialog. Gives the Contact that was written.
    pub(super) fn fill_response(
        &self,
        response: &mut Response,
        method: &Method,
        invite: Option<&Request>,
        flow: &Flow,
    ) -> Option<Contact> {
        let mut written = None;
        let status = response.status;
        let headers = &mut response.headers;
        let makes_dialog = status.code() > 100 && status.code() < 300;
        if let (Some(invite), false) = (invite, headers.contains(HeaderName::RecordRoute))
            && makes_dialog
        {
            headers.copy(HeaderName::RecordRoute, &invite.headers);
        }
        if names_contact(method) && makes_dialog && !headers.contains(HeaderName::Contact) {
            let user = match invite {
                Some(invite) => user_of(&invite.uri),
                None => headers.typed::<To>().ok().flatten().and_then(|to| user_of(&to.uri)),
            };
            let contact = self.contact(user.as_deref(), flow);
            headers.push_with(HeaderName::Contact, |out| contact.write(out));
            written = Some(contact);
        }
        self.lines.agent.fill(HeaderName::Server, headers);
        let tells = matches!(method, Method::Invite | Method::Update | Method::Options)
            && status.is_success();
        if tells {
            self.lines.fill_capabilities(headers);
        } else if status == crate::StatusCode::METHOD_NOT_ALLOWED {
            // Allow alone (§21.4.6): strangers get this, and it must not be long.
            self.lines.allow.fill(HeaderName::Allow, headers);
        }
        written
    }

    /// Our Contact towards the peer of `flow`.
    pub(super) fn contact(&self, user: Option<&str>, flow: &Flow) -> Contact {
        let address = self.config.address.on(flow);
        let mut uri = SipUri::new(user.unwrap_or_default(), address.host, address.port);
        if flow.transport != Transport::Udp
            && let Ok(with_transport) =
                uri.clone().with_param("transport", Some(flow.transport.as_param()))
        {
            uri = with_transport;
        }
        Contact::new(uri)
    }

    pub(super) fn new_tag(&mut self) -> String {
        let mut tag = String::with_capacity(16);
        push_hex(&mut tag, self.random.next_u64());
        tag
    }

    fn new_call_id(&mut self) -> Result<CallId, Error> {
        let mut text = String::with_capacity(32);
        push_hex(&mut text, self.random.next_u64());
        push_hex(&mut text, self.random.next_u64());
        Ok(CallId::new(&text)?)
    }
}

fn user_of(uri: &Uri) -> Option<String> {
    uri.as_sip().and_then(|uri| uri.user().map(|user| user.into_owned()))
}
