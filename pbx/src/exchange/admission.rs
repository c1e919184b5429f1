//! Letting calls in: who is it, may it call, and is there room.

use std::time::Duration;

use sip_core::auth::server::Rejection;
use sip_core::endpoint::ServerId;
use sip_core::header::{Accept, Allow, CallId, ContentType, From, MaxForwards, RetryAfter};
use sip_core::{Flow, Method, Request, Response, StatusCode, Uri};

use super::{Event, Exchange};
use crate::call::{Call, CallState, Draft, Hearing, Leg, LegState, Session, Side};
use crate::directory::{Party, Trunk};

/// The methods the exchange answers with something else than 405.
pub(super) const METHODS: [Method; 7] = [
    Method::Invite,
    Method::Ack,
    Method::Cancel,
    Method::Bye,
    Method::Options,
    Method::Register,
    Method::Info,
];

impl Exchange {
    /// A request outside any dialog.
    pub(super) fn admit(&mut self, now: Duration, id: ServerId, request: Request, flow: Flow) {
        match request.method {
            Method::Invite => self.on_invite(now, id, request, flow),
            Method::Register => self.on_register(now, id, &request, flow),
            Method::Options => self.on_options(now, id, &request),
            // It has a meaning within calls only (RFC 6086 §4.2.1).
            Method::Info => self.reply(now, id, &request, StatusCode::CALL_DOES_NOT_EXIST),
            _ => self.refuse_method(now, id, &request),
        }
    }

    pub(super) fn on_options(&mut self, now: Duration, id: ServerId, request: &Request) {
        let mut response = Response::to(request, StatusCode::OK);
        response.headers.set(Allow(METHODS.to_vec()));
        response.headers.set(accepted());
        let _ = self.endpoint.respond(now, id, response);
    }

    pub(super) fn refuse_method(&mut self, now: Duration, id: ServerId, request: &Request) {
        let mut response = Response::to(request, StatusCode::METHOD_NOT_ALLOWED);
        response.headers.set(Allow(METHODS.to_vec()));
        let _ = self.endpoint.respond(now, id, response);
    }

    fn on_invite(&mut self, now: Duration, id: ServerId, request: Request, flow: Flow) {
        if self.stopping
            || !self.settings.accepts_calls
            || self.calls.len() >= self.settings.max_calls
        {
            return self.refuse_for_now(now, id, &request);
        }
        let (caller, context) = match self.trunk_of(&request, &flow) {
            Some(known) => known,
            None => match self.authenticate(now, id, &request, &flow) {
                Some(username) => {
                    (Party::Extension(username), self.settings.extension_context.clone())
                }
                None => return,
            },
        };
        let Some(dialled) = dialled(&request.uri) else {
            return self.reply(now, id, &request, StatusCode::NOT_FOUND);
        };
        let Some(port) = self.ports.lease() else {
            return self.refuse_for_now(now, id, &request);
        };
        let hops = request.headers.typed::<MaxForwards>().ok().flatten().map_or(70, |hops| hops.0);
        let mut session = Session::new(port.advertised, self.session_id());
        let offered = match session.receive_invite(&request) {
            Ok(offered) => offered,
            Err(refusal) => {
                self.ports.give_back(port);
                let mut response = Response::to(&request, refusal.0);
                if refusal.0 == StatusCode::UNSUPPORTED_MEDIA_TYPE {
                    response.headers.set(accepted());
                }
                let _ = self.endpoint.respond(now, id, response);
                return;
            }
        };
        let call_id = self.call_id();
        let leg_id = self.leg_id();
        self.by_server.insert(id, leg_id);
        self.by_port.insert(port.id, leg_id);
        let draft = Draft {
            sip_call_id: call_id_text(&request),
            caller: caller.clone(),
            dialled: dialled.clone(),
            answered_by: None,
            started: self.wall_clock(now),
            answered: None,
            ended: None,
            status: None,
            caller_media: None,
            callee_media: None,
        };
        self.legs.insert(
            leg_id,
            Box::new(Leg {
                call: call_id,
                side: Side::Incoming,
                state: LegState::Inviting,
                party: caller.clone(),
                flow,
                invite: Some((id, Box::new(request))),
                inviting: None,
                dialog: None,
                session,
                port: Some(port),
                open: false,
                closing: false,
                hearing: Hearing::Nothing,
                modification: None,
                awaits_answer: !offered,
                guard: None,
                provisional: 100,
                held: false,
                hops,
            }),
        );
        self.calls.insert(
            call_id,
            Box::new(Call {
                state: CallState::Service,
                caller: leg_id,
                legs: vec![leg_id],
                callee: None,
                feature: None,
                ring_until: None,
                best_failure: None,
                context,
                draft,
            }),
        );
        self.emit(Event::Started { call: call_id, caller, dialled: dialled.clone() });
        self.dial(now, call_id, &dialled);
    }

    /// The trunk that calls from this address and port, and the context its callers dial in.
    fn trunk_of(&self, request: &Request, flow: &Flow) -> Option<(Party, String)> {
        let Trunk { name, context, .. } = self.directory.trunk_at(flow.remote)?;
        let number = request
            .headers
            .typed::<From>()
            .ok()
            .flatten()
            .and_then(|from| dialled(&from.0.uri))
            .unwrap_or_default();
        Some((Party::Trunk { trunk: name.clone(), number }, context.clone()))
    }

    /// The extension that proved who it is; otherwise the request was answered already.
    ///
    /// Unknown extensions and wrong passwords are challenged alike, so that nobody learns which
    /// numbers exist (RFC 3261 §22.1 leaves the difference to us).
    pub(super) fn authenticate(
        &mut self,
        now: Duration,
        id: ServerId,
        request: &Request,
        flow: &Flow,
    ) -> Option<String> {
        let directory = &self.directory;
        let verdict = self.authenticator.verify(now, request, &|username| {
            directory.extension(username).map(|extension| extension.secret.clone())
        });
        let (response, tried) = match verdict {
            Ok(verified) => {
                if claims_to_be(request, &verified.username) {
                    return Some(verified.username);
                }
                (Response::to(request, StatusCode::FORBIDDEN), true)
            }
            Err(Rejection::Challenge { stale, failed }) => {
                let algorithms = self.settings.algorithms_for(request);
                let random = &mut self.random;
                let challenge =
                    self.authenticator.challenge_with(now, request, stale, algorithms, random);
                (challenge, failed)
            }
            Err(Rejection::BadRequest(_)) => (Response::to(request, StatusCode::BAD_REQUEST), true),
        };
        if tried {
            self.emit(Event::Refused {
                source: flow.remote,
                method: request.method.to_string(),
                status: response.status.code(),
            });
        }
        let _ = self.endpoint.respond(now, id, response);
        None
    }

    fn refuse_for_now(&mut self, now: Duration, id: ServerId, request: &Request) {
        let mut response = Response::to(request, StatusCode::SERVICE_UNAVAILABLE);
        response.headers.set(RetryAfter::new(self.settings.retry_after.as_secs() as u32));
        let _ = self.endpoint.respond(now, id, response);
    }
}

/// The number a URI asks for: the user part of a sip URI, or a tel URI's number.
pub(super) fn dialled(uri: &Uri) -> Option<String> {
    let number = match uri {
        Uri::Sip(sip) => sip.user()?.into_owned(),
        Uri::Tel(tel) => tel.number().to_owned(),
        _ => return None,
    };
    Some(number).filter(|number| !number.is_empty())
}

/// Whether From, and To of a REGISTER, name the extension that signed the request.
fn claims_to_be(request: &Request, username: &str) -> bool {
    let from = request.headers.typed::<From>().ok().flatten().and_then(|from| dialled(&from.0.uri));
    from.as_deref() == Some(username)
}

fn accepted() -> Accept {
    Accept(vec![ContentType::sdp().0])
}

fn call_id_text(request: &Request) -> String {
    request
        .headers
        .typed::<CallId>()
        .ok()
        .flatten()
        .map(|id| id.as_str().to_owned())
        .unwrap_or_default()
}
