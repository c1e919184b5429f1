//! Letting calls in: who is it, may it call, and is there room.

use std::time::Duration;

use rand_core::Rng as _;
use sip_core::auth::server::Rejection;
use sip_core::endpoint::ServerId;
use sip_core::header::{
    Accept, AcceptEncoding, Allow, CallId, ContentType, From, FromRef, MaxForwards, RetryAfter,
};
use sip_core::message::Outline;
use sip_core::uri::UriRef;
use sip_core::{Flow, HeaderName, Method, Request, Response, StatusCode, Uri};

use super::{Event, Exchange, Settings};
use crate::call::{Call, CallState, Draft, Hearing, Leg, LegState, Session, Side};
use crate::directory::{Party, Trunk};
use crate::front::{Proof, is_emergency};

/// Calls for help beyond the limit on calls.
const EMERGENCY_ROOM: usize = 16;
/// What a To tag adds to a response.
const TAG: usize = 21;
/// Proofs that wait for a driver; one that does not take them needs none.
const PROOFS: usize = 1_024;

/// The methods the exchange answers with something else than 405.
pub(super) const METHODS: [Method; 8] = [
    Method::Invite,
    Method::Ack,
    Method::Cancel,
    Method::Bye,
    Method::Options,
    Method::Register,
    Method::Info,
    Method::Refer,
];

impl Exchange {
    /// Challenges a registration without credentials where it lies; `false` says that the message is to be
    /// read in full. Half of all messages of telephones are of this kind, and nothing but who they are from
    /// is of interest before they have shown it (RFC 3261 §8.2).
    pub(super) fn challenge_at_sight(
        &mut self,
        now: Duration,
        flow: &Flow,
        message: &[u8],
    ) -> bool {
        let Settings { endpoint, .. } = &self.settings;
        let is_plain = message.starts_with(b"REGISTER sip")
            && message.len() <= endpoint.message.bytes
            // It would have to be named.
            && endpoint.user_agent.is_none();
        let Some(outline) = is_plain.then(|| Outline::of_unsigned(message)).flatten() else {
            return false;
        };
        if outline.method() != "REGISTER" || !outline.to_tag().is_empty() {
            return false;
        }
        // As long as `turn_away` sends to strangers.
        let most = if flow.is_reliable() { usize::MAX } else { message.len() * 3 / 2 };
        let challenge = self.stateless.challenge(
            now,
            &outline,
            flow,
            &self.authenticator,
            self.settings.algorithms_of(outline.user_agent()),
            most,
            &mut self.random,
        );
        challenge.map(|challenge| self.endpoint.send_answer(challenge)).is_some()
    }

    /// A request outside any dialog.
    pub(super) fn admit(&mut self, now: Duration, id: ServerId, request: Request, flow: Flow) {
        match request.method {
            Method::Invite => self.on_invite(now, id, request, flow),
            Method::Register => self.on_register(now, id, &request, flow),
            Method::Options => self.turn_away(now, id, &request, &flow, abilities(&request)),
            // These have a meaning within calls only (RFC 3261 §15.1.2, RFC 6086 §4.2.1).
            Method::Bye | Method::Info => {
                let refusal = Response::to(&request, StatusCode::CALL_DOES_NOT_EXIST);
                self.turn_away(now, id, &request, &flow, refusal);
            }
            // Nobody is called because somebody asks for it from outside (RFC 3515 §5.2).
            Method::Refer => {
                let refusal = Response::to(&request, StatusCode::FORBIDDEN);
                self.turn_away(now, id, &request, &flow, refusal);
            }
            _ => self.turn_away(now, id, &request, &flow, not_allowed(&request)),
        }
    }

    pub(super) fn on_options(&mut self, now: Duration, id: ServerId, request: &Request) {
        let _ = self.endpoint.respond(now, id, abilities(request));
    }

    pub(super) fn refuse_method(&mut self, now: Duration, id: ServerId, request: &Request) {
        let _ = self.endpoint.respond(now, id, not_allowed(request));
    }

    /// Answers somebody who has not shown who it is: once, and nothing is kept of it. Whoever can
    /// forge an address must not have us send it much more than was sent here: what would be, is not
    /// sent at all. No telephone writes requests that short.
    fn turn_away(
        &mut self,
        now: Duration,
        id: ServerId,
        request: &Request,
        flow: &Flow,
        response: Response,
    ) {
        let known = flow.is_reliable() || self.directory.trunk_at(flow.remote).is_some();
        if known || is_modest(&response, request) {
            let _ = self.endpoint.respond_alone(now, id, response);
        } else {
            self.endpoint.ignore(now, id);
        }
    }

    fn on_invite(&mut self, now: Duration, id: ServerId, request: Request, flow: Flow) {
        // Calls for help find room beyond the limit.
        let emergency = self.is_emergency(&request.uri);
        let most = self.settings.max_calls + if emergency { EMERGENCY_ROOM } else { 0 };
        if self.stopping || !self.settings.accepts_calls || self.calls.len() >= most {
            return self.refuse_for_now(now, id, &request, &flow);
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
        let number = match dialled(&request.uri) {
            // A service (RFC 5031) is dialled by its number.
            None if emergency => self.settings.emergency.first().cloned(),
            number => number,
        };
        let Some(dialled) = number else {
            return self.reply(now, id, &request, StatusCode::NOT_FOUND);
        };
        let Some(port) = self.ports.lease() else {
            return self.refuse_for_now(now, id, &request, &flow);
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
                    // Bodies as they are, and nothing else (RFC 3261 §20.2).
                    response.headers.set(AcceptEncoding::default());
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
            transfer: None,
            transfers: 0,
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
                renewals: 0,
                parting: false,
                reports: None,
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
                    self.prove(Proof { source: flow.remote, proved: true });
                    return Some(verified.username);
                }
                (Response::to(request, StatusCode::FORBIDDEN), true)
            }
            Err(Rejection::Challenge { stale, failed }) => {
                let algorithms = self.settings.algorithms_for(request);
                let mut challenge = self.authenticator.challenge_with(
                    now,
                    request,
                    stale,
                    algorithms,
                    &mut self.random,
                );
                // A short request gets a short challenge; see `turn_away`.
                if !flow.is_reliable() && !is_modest(&challenge, request) {
                    for name in [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate] {
                        challenge.headers.keep_last(name);
                    }
                }
                (challenge, failed)
            }
            Err(Rejection::BadRequest(_)) => (Response::to(request, StatusCode::BAD_REQUEST), true),
        };
        if tried {
            self.prove(Proof { source: flow.remote, proved: false });
            self.emit(Event::Refused {
                source: flow.remote,
                method: request.method.to_string(),
                status: response.status.code(),
            });
        }
        self.turn_away(now, id, request, flow, response);
        None
    }

    fn prove(&mut self, proof: Proof) {
        if self.proofs.len() < PROOFS {
            self.proofs.push_back(proof);
        }
    }

    fn is_emergency(&self, uri: &Uri) -> bool {
        is_emergency(uri.to_text().as_bytes(), &self.settings.emergency)
    }

    fn refuse_for_now(&mut self, now: Duration, id: ServerId, request: &Request, flow: &Flow) {
        let mut response = Response::to(request, StatusCode::SERVICE_UNAVAILABLE);
        // Those who are refused together must not come back together.
        let least = self.settings.retry_after.as_secs() as u32;
        let seconds = least + self.random.next_u32() % (2 * least + 1);
        response.headers.set(RetryAfter::new(seconds));
        self.turn_away(now, id, request, flow, response);
    }
}

/// Whether an answer is at most as long as its request and a half.
fn is_modest(response: &Response, request: &Request) -> bool {
    2 * (response.written_len() + TAG) <= 3 * request.received_len()
}

fn abilities(request: &Request) -> Response {
    let mut response = Response::to(request, StatusCode::OK);
    response.headers.set(Allow(METHODS.to_vec()));
    response.headers.set(accepted());
    response
}

fn not_allowed(request: &Request) -> Response {
    let mut response = Response::to(request, StatusCode::METHOD_NOT_ALLOWED);
    response.headers.set(Allow(METHODS.to_vec()));
    response
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

/// Whether From names the extension that signed the request.
fn claims_to_be(request: &Request, username: &str) -> bool {
    let from = request.headers.typed::<FromRef<'_>>().ok().flatten();
    from.is_some_and(|from| names(from.uri(), username))
}

/// Whether a URI asks for a number, as [`dialled`] reads it.
pub(super) fn names(uri: &UriRef<'_>, number: &str) -> bool {
    match uri {
        UriRef::Sip(sip) => !number.is_empty() && sip.user().is_some_and(|user| user == number),
        other => dialled(&other.to_uri()).as_deref() == Some(number),
    }
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
