//! What the server says to the telephones of a soak.

use std::time::Duration;

use rand_core::Rng as _;
use sip_core::endpoint::{ClientId, Ended, Event, ServerId, SubscriptionId, within};
use sip_core::header::{ContentType, FromRef};
use sip_core::sdp::{Direction, Limits, SessionDescription};
use sip_core::{DialogId, Method, Request, Response, StatusCode};

use super::super::leg::Leg;
use super::super::script::{Act, Role};
use super::{Office, Why};
use crate::caller::media_address;

impl Office {
    pub(super) fn take(&mut self, now: Duration, event: Event) {
        match event {
            Event::Response { id, response, dialog, .. } => {
                self.on_response(now, id, dialog, &response);
            }
            Event::Failed { id, .. } => {
                self.on_response(now, id, None, &Response::new(StatusCode::REQUEST_TIMEOUT));
            }
            Event::Request { id, dialog: None, request, .. } => self.on_call(now, id, &request),
            Event::Request { id, dialog: Some(dialog), request, .. } => {
                self.on_request(now, id, dialog, &request);
            }
            Event::Notified { subscription, request, .. } => {
                self.on_report(now, subscription, &request);
            }
            Event::SubscriptionEnded { subscription, why } => {
                self.on_reports_ended(now, subscription, why);
            }
            Event::AckTimeout { dialog } => {
                if let Some((id, _)) = self.by_dialog.get(&dialog) {
                    self.fail(now, *id, "no ACK came");
                }
            }
            _ => {}
        }
    }

    fn on_response(
        &mut self,
        now: Duration,
        client: ClientId,
        dialog: Option<DialogId>,
        response: &Response,
    ) {
        if self.registrations.take(now, &mut self.agent, client, response) {
            return;
        }
        let status = response.status;
        if !status.is_final() {
            return;
        }
        let Some((id, role, why)) = self.by_client.remove(&client) else {
            if let (true, Some(dialog)) = (status.is_success(), dialog) {
                let _ = self.agent.endpoint.ack(now, dialog, None);
            }
            return;
        };
        if let (Why::Call | Why::Change, true, Some(dialog)) = (why, status.is_success(), dialog) {
            let _ = self.agent.endpoint.ack(now, dialog, None);
        }
        let Some(scene) = self.scenes.get_mut(&id) else {
            // It was given up meanwhile.
            if let (Why::Call, true, Some(dialog)) = (why, status.is_success(), dialog) {
                self.say_bye(now, dialog);
            }
            return;
        };
        let begun = scene.begun;
        let Some(leg) = &mut scene.legs[role as usize] else { return };
        match (why, status.code()) {
            (Why::Call, 200..=299) => {
                leg.dialog = dialog;
                leg.invite = None;
                leg.media = media_address(&response.body);
                leg.speak(&self.media);
                if let Some(dialog) = dialog {
                    self.by_dialog.insert(dialog, (id, role));
                }
                if role == Role::Caller {
                    self.setup.record(now - begun);
                }
                self.proceed(now, id);
            }
            (Why::Call, 401) if leg.invite.as_ref().is_some_and(|(_, challenged)| !challenged) => {
                self.authorize(now, id, role, response);
            }
            (Why::Call, 503) => {
                self.leave(id, role);
                self.tally.put_off += 1;
                self.try_again(now, id, "got 503");
            }
            (Why::Call, code) => self.fail(now, id, format!("a call got {code}")),
            (Why::Change, 200..=299) => {
                leg.media = media_address(&response.body).or(leg.media);
                leg.speak(&self.media);
                self.tally.changes += 1;
                self.proceed(now, id);
            }
            (Why::Change, code @ (491 | 500 | 503)) => {
                self.try_again(now, id, &format!("got {code}"));
            }
            (Why::Change, code) => self.fail(now, id, format!("a hold or resumption got {code}")),
            (Why::Bye, 200..=299) => self.leave(id, role),
            (Why::Bye, code) => self.fail(now, id, format!("a BYE got {code}")),
        }
    }

    /// The server calls one of our telephones.
    fn on_call(&mut self, now: Duration, server: ServerId, request: &Request) {
        if request.method != Method::Invite {
            let status = if request.method == Method::Options { 200 } else { 405 };
            let status = StatusCode::new(status).unwrap_or(StatusCode::OK);
            let _ = self.agent.endpoint.respond(now, server, Response::to(request, status));
            return;
        }
        let from = request.headers.typed::<FromRef<'_>>().ok().flatten();
        let from = from
            .and_then(|from| from.uri().to_uri().as_sip()?.user().map(|user| user.into_owned()));
        let to = request.uri.as_sip().and_then(|uri| uri.user()).map(|user| user.into_owned());
        let pair = from.zip(to);
        let found = pair.and_then(|pair| self.expected.get(&pair).copied());
        let called = found.filter(|(id, role)| {
            self.scenes.get(id).is_some_and(|scene| scene.legs[*role as usize].is_none())
        });
        let (Some((id, role)), Some(port)) = (called, self.ports.pop_front()) else {
            self.note("a telephone was called that nobody has called");
            let busy = Response::to(request, StatusCode::BUSY_HERE);
            let _ = self.agent.endpoint.respond(now, server, busy);
            return;
        };
        let mut leg = Leg::new(port);
        let mut response = Response::to(request, StatusCode::OK);
        response.headers.push(ContentType::sdp());
        response.body = leg.describe(Direction::SendRecv).into();
        leg.media = media_address(&request.body);
        if let Ok(Some(dialog)) = self.agent.endpoint.respond(now, server, response) {
            leg.dialog = Some(dialog);
            self.by_dialog.insert(dialog, (id, role));
        }
        leg.speak(&self.media);
        if let Some(scene) = self.scenes.get_mut(&id) {
            scene.legs[role as usize] = Some(leg);
        }
    }

    fn on_request(&mut self, now: Duration, server: ServerId, dialog: DialogId, request: &Request) {
        let known = self.by_dialog.get(&dialog).copied();
        let scene = known.and_then(|(id, role)| Some((id, role, self.scenes.get_mut(&id)?)));
        let mut response = Response::to(request, StatusCode::OK);
        match (&request.method, scene) {
            (Method::Invite, Some((_, role, scene))) => {
                let offer = SessionDescription::parse_bytes(&request.body, &Limits::default()).ok();
                let offered =
                    offer.as_ref().and_then(|offer| Some(offer.direction_of(offer.audio()?)));
                if let Some(leg) = &mut scene.legs[role as usize] {
                    let direction = offered.unwrap_or(Direction::SendRecv).reversed();
                    response.headers.push(ContentType::sdp());
                    response.body = leg.describe(direction).into();
                    leg.media = media_address(&request.body).or(leg.media);
                    leg.speak(&self.media);
                }
                let _ = self.agent.endpoint.respond(now, server, response);
            }
            (Method::Bye, Some((id, role, scene))) => {
                let transferred = scene.transferred || scene.act == Act::Refer;
                let expected = match scene.act {
                    Act::HangUp(_) => true,
                    _ => transferred && matches!(role, Role::Callee | Role::Consultation),
                };
                let _ = self.agent.endpoint.respond(now, server, response);
                if expected {
                    self.leave(id, role);
                } else {
                    let failure = format!("the server hung up in a call {}", scene.name());
                    self.fail(now, id, failure);
                }
            }
            (Method::Bye, None) => {
                let _ = self.agent.endpoint.respond(now, server, response);
            }
            _ => {
                let refusal = Response::to(request, StatusCode::METHOD_NOT_ALLOWED);
                let _ = self.agent.endpoint.respond(now, server, refusal);
            }
        }
    }

    fn on_report(&mut self, now: Duration, subscription: SubscriptionId, request: &Request) {
        let Some(id) = self.by_subscription.get(&subscription).copied() else { return };
        let line = String::from_utf8_lossy(&request.body);
        let status = line.split_whitespace().nth(1).and_then(|code| code.parse::<u16>().ok());
        let Some(scene) = self.scenes.get_mut(&id).filter(|scene| !scene.transferred) else {
            return;
        };
        match status {
            Some(100..=199) => {}
            Some(200..=299) => {
                scene.transferred = true;
                self.tally.transfers += 1;
                // Half of the telephones hang up by themselves.
                if self.random.next_u32() & 1 == 0 {
                    self.request_in(now, id, Role::Callee, Why::Bye, within(Method::Bye));
                }
                self.proceed(now, id);
            }
            other => {
                let other = other.unwrap_or_default();
                self.fail(now, id, format!("a transfer was told {other}"));
            }
        }
    }

    fn on_reports_ended(&mut self, now: Duration, subscription: SubscriptionId, why: Ended) {
        let Some(id) = self.by_subscription.remove(&subscription) else { return };
        if self.scenes.get(&id).is_none_or(|scene| scene.transferred) {
            return;
        }
        match why {
            Ended::Refused(response) if matches!(response.status.code(), 491 | 500 | 503) => {
                self.try_again(now, id, &format!("got {}", response.status.code()));
            }
            Ended::Refused(response) => {
                let code = response.status.code();
                self.fail(now, id, format!("a transfer got {code}"));
            }
            _ => self.fail(now, id, "a transfer had no outcome"),
        }
    }
}
