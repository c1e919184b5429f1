//! What the endpoint writes into messages where their author has left it out.

use rand_core::Rng;

use super::{Config, Endpoint, Error};
use crate::dialog::names_contact;
use crate::flow::Flow;
use crate::header::{
    Allow, CSeq, CallId, Contact, From, MaxForwards, NameAddr, Server, Supported, To, UserAgent,
};
use crate::keyed::push_hex;
use crate::{HeaderName, Headers, Method, Request, Response, SipUri, Transport, Uri};

impl Endpoint {
    /// Completes a request outside a dialog (§8.1.1).
    pub(super) fn fill_request(&mut self, request: &mut Request, flow: &Flow) -> Result<(), Error> {
        let mut from = request.headers.require::<From>()?;
        if from.tag().is_none() {
            let _ = from.set_tag(&self.new_tag());
            request.headers.set(from);
        }
        if request.headers.typed::<To>()?.is_none() {
            request.headers.push(To(NameAddr::new(request.uri.clone())));
        }
        if !request.headers.contains(HeaderName::MaxForwards) {
            request.headers.push(MaxForwards(70));
        }
        if request.headers.typed::<CallId>()?.is_none() {
            request.headers.push(self.new_call_id()?);
        }
        match request.headers.typed::<CSeq>()? {
            Some(cseq) if cseq.method == request.method => {}
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
        let config = &self.config;
        let headers = &mut request.headers;
        if names_contact(&request.method) && !headers.contains(HeaderName::Contact) {
            let user = headers.typed::<From>().ok().flatten().and_then(|from| user_of(&from.uri));
            headers.push(self.contact(user.as_deref(), flow));
        }
        if let (Some(text), false) = (&config.user_agent, headers.contains(HeaderName::UserAgent))
            && let Ok(agent) = UserAgent::new(text)
        {
            headers.push(agent);
        }
        if request.method == Method::Invite {
            fill_capabilities(config, headers);
        }
    }

    /// Completes a response, apart from its To tag. `invite` is the request when it is an INVITE
    /// outside a dialog.
    pub(super) fn fill_response(
        &self,
        response: &mut Response,
        method: &Method,
        invite: Option<&Request>,
        flow: &Flow,
    ) {
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
            headers.push(self.contact(user.as_deref(), flow));
        }
        if let (Some(text), false) = (&self.config.user_agent, headers.contains(HeaderName::Server))
            && let Ok(server) = Server::new(text)
        {
            headers.push(server);
        }
        let tells = matches!(method, Method::Invite | Method::Options) && status.is_success();
        if tells || status == crate::StatusCode::METHOD_NOT_ALLOWED {
            fill_capabilities(&self.config, headers);
        }
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

fn fill_capabilities(config: &Config, headers: &mut Headers) {
    if !config.allow.is_empty() && !headers.contains(HeaderName::Allow) {
        headers.push(Allow(config.allow.clone()));
    }
    if !config.supported.is_empty() && !headers.contains(HeaderName::Supported) {
        headers.push(Supported(config.supported.clone()));
    }
}

fn user_of(uri: &Uri) -> Option<String> {
    uri.as_sip().and_then(|uri| uri.user().map(|user| user.into_owned()))
}
