//! One flow of a registration: its REGISTERs and what they carry.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::VecDeque;

use super::keep_alive::Keeper;
use super::{AttemptId, Config};
use crate::flow::Flow;
use crate::header::{
    CSeq, CallId, Contact, Expires, From, NameAddr, Route, Supported, To, TypedHeader, Via,
};
use crate::redirection::Redirection;
use crate::{HeaderError, Method, Request, Response, Token, Uri};

/// One flow, or the one way there is without outbound.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) reg_id: u32,
    /// The place in [`Config::servers`].
    pub(super) server: usize,
    pub(super) call_id: CallId,
    pub(super) from_tag: String,
    pub(super) cseq: u32,
    /// Seconds to ask for: the configured ones, or more when the server wants more.
    pub(super) expires: u32,
    pub(super) attempt: Option<(AttemptId, Request)>,
    /// When to register next.
    pub(super) wake: Option<Duration>,
    pub(super) bound: Option<Bound>,
    pub(super) failures: u32,
    /// How often an answer has made us ask again at once, since the last outcome.
    pub(super) retries: u32,
    /// How many servers failed one after the other.
    pub(super) tried: usize,
    pub(super) keeper: Option<Keeper>,
    /// Where a redirection has led us; it stays there until that fails.
    pub(super) home: Option<Uri>,
    /// Where else the last redirections would lead.
    pub(super) elsewhere: VecDeque<Uri>,
    pub(super) redirection: Option<Redirection>,
}

/// A registration that stands.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) flow: Flow,
    pub(super) since: Duration,
    pub(super) until: Duration,
    /// The home that it was made at.
    pub(super) home: Option<Uri>,
}

impl Leg {
    pub(super) fn next(&self) -> Option<Duration> {
        let keeper = self.keeper.as_ref().map(Keeper::next);
        let bound = self.bound.as_ref().map(|bound| bound.until);
        [self.wake, keeper, bound].into_iter().flatten().min()
    }

    /// The server that this leg is for.
    pub(super) fn hop<'a>(&'a self, config: &'a Config) -> &'a Uri {
        let server = || config.servers.get(self.server).unwrap_or(&config.registrar);
        self.home.as_ref().unwrap_or_else(server)
    }

    /// The flow to our present server, if we are registered there.
    pub(super) fn flow(&self) -> Option<Flow> {
        self.bound.as_ref().filter(|bound| bound.home == self.home).map(|bound| bound.flow)
    }

    /// Takes the contacts of a redirection, and goes to the best of them if there is any.
    pub(super) fn redirect(&mut self, config: &Config, response: &Response) -> bool {
        let here = self.home.as_ref().unwrap_or(&config.registrar);
        let known =
            self.redirection.get_or_insert_with(|| Redirection::new(here, config.redirections));
        let targets = known.take(response);
        self.elsewhere.extend(targets.into_iter().map(|target| target.uri));
        self.go_on()
    }

    /// Goes to the next target of a redirection.
    pub(super) fn go_on(&mut self) -> bool {
        let next = self.elsewhere.pop_front();
        if let Some(next) = &next {
            self.home = Some(next.clone());
        }
        next.is_some()
    }

    /// Forgets where redirections have led, or may lead.
    pub(super) fn go_back(&mut self) {
        self.home = None;
        self.arrive();
    }

    /// The redirections are over.
    pub(super) fn arrive(&mut self) {
        self.elsewhere.clear();
        self.redirection = None;
    }

    /// The next REGISTER; `expires` of zero ends the registration.
    pub(super) fn request(
        &mut self,
        config: &Config,
        expires: u32,
        outbound: bool,
    ) -> Result<Request, HeaderError> {
        self.cseq = (self.cseq + 1) & 0x7fff_ffff;
        let target = self.home.as_ref().unwrap_or(&config.registrar);
        let mut request = Request::new(Method::Register, target.clone());
        let headers = &mut request.headers;
        if let Some(server) = config.servers.get(self.server).filter(|_| self.home.is_none()) {
            headers.push(Route(loose(server)));
        }
        let mut from = NameAddr::new(config.aor.clone());
        // Our tag is a token by construction.
        let _ = from.set_tag(&self.from_tag);
        headers.push(From(from));
        headers.push(To(NameAddr::new(config.aor.clone())));
        headers.push(self.call_id.clone());
        headers.push(CSeq { number: self.cseq, method: Method::Register });
        let mut tags = vec!["path"];
        let mut contact = config.contact.clone();
        if let Some(instance) = &config.instance {
            let quoted = format!("<{instance}>");
            let set = contact.params.set("+sip.instance", Some(&quoted));
            set.map_err(|error| error.of(Contact::NAME))?;
            tags.push("gruu");
        }
        if outbound {
            tags.push("outbound");
            let number = self.reg_id.to_string();
            let _ = contact.params.set("reg-id", Some(&number));
            if let Uri::Sip(uri) = &mut contact.uri {
                let _ = uri.params_mut().set("ob", None);
            }
        }
        headers.push(Contact::Address(contact));
        headers.push(Expires(expires));
        headers.push(Supported(tags.into_iter().map(Token::from_static).collect()));
        Ok(request)
    }

    /// For how long the registrar has taken our contact, in seconds.
    pub(super) fn granted(&self, config: &Config, response: &Response) -> u32 {
        let contacts: Vec<NameAddr> = response
            .headers
            .all::<Contact>()
            .flatten()
            .filter_map(|contact| contact.address().cloned())
            .collect();
        let ours = own_contact(config, self.reg_id, &contacts);
        let of_contact = ours.and_then(|contact| contact.expires().ok().flatten());
        let general = || response.headers.typed::<Expires>().ok().flatten().map(|e| e.0);
        of_contact.or_else(general).unwrap_or(self.expires)
    }
}

/// A GRUU that the registrar has given us.
pub(super) fn gruu(config: &Config, reg_id: u32, response: &Response, name: &str) -> Option<Uri> {
    let contacts: Vec<NameAddr> = response
        .headers
        .all::<Contact>()
        .flatten()
        .filter_map(|contact| contact.address().cloned())
        .collect();
    let ours = own_contact(config, reg_id, &contacts)?;
    Uri::parse(ours.params.text(name)?.as_ref()).ok()
}

/// Where the server saw the request come from (RFC 3581).
pub(super) fn seen(response: &Response) -> Option<SocketAddr> {
    let via: Via = response.headers.require().ok()?;
    let ip = via.received().or_else(|| via.sent_by.host.ip())?;
    let port = via.rport().flatten().unwrap_or_else(|| via.port_or_default());
    Some(SocketAddr::new(ip, port))
}

/// Ours among the contacts of a response: by flow and instance, else by its URI, else the only one.
fn own_contact<'a>(config: &Config, reg_id: u32, contacts: &'a [NameAddr]) -> Option<&'a NameAddr> {
    let instance = config.instance.as_ref().map(|instance| format!("<{instance}>"));
    let of_instance = |contact: &&NameAddr| {
        instance.is_some() && contact.params.text("+sip.instance").as_deref() == instance.as_deref()
    };
    let of_flow = |contact: &&NameAddr| {
        contact.params.get("reg-id").and_then(|number| number.parse().ok()) == Some(reg_id)
    };
    let same = |contact: &&NameAddr| contact.uri.equivalent(&config.contact.uri);
    contacts
        .iter()
        .find(|contact| of_instance(contact) && of_flow(contact))
        .or_else(|| contacts.iter().find(of_instance))
        .or_else(|| contacts.iter().find(same))
        .or_else(|| contacts.first().filter(|_| contacts.len() == 1))
}

fn loose(server: &Uri) -> NameAddr {
    let mut route = NameAddr::new(server.clone());
    if let Uri::Sip(uri) = &mut route.uri {
        let _ = uri.params_mut().set("lr", None);
    }
    route
}
