//! From a dialled number to ringing telephones, a trunk or a service.

use std::time::Duration;

use sip_core::header::{ContentType, From, MaxForwards, NameAddr, To};
use sip_core::{Flow, Host, Method, Request, SipUri, Transport, Uri};

use super::{Event, Exchange, Purpose, Timer};
use crate::call::{CallId, CallState, Cause, Hearing, Leg, LegState, Session, Side};
use crate::directory::{Party, Target};
use crate::record::EndedBy;

impl Exchange {
    /// Leads a call to what `number` means in its caller's context.
    pub(super) fn dial(&mut self, now: Duration, id: CallId, number: &str) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.state != CallState::Service {
            return;
        }
        call.best_failure = None;
        let hops = self.legs.get(&call.caller).map_or(0, |leg| leg.hops);
        let target = self.directory.route(&call.context, number);
        match target {
            None => self.fail(now, id, 404),
            // Two exchanges that route to each other stop here (RFC 7332 §4).
            Some(Target::Extension(_) | Target::Trunk { .. }) if hops == 0 => {
                self.fail(now, id, 483);
            }
            Some(Target::Extension(extension)) => self.ring_extension(now, id, &extension),
            Some(Target::Trunk { trunk, number }) => self.ring_trunk(now, id, &trunk, &number),
            Some(Target::Service(service)) => self.conduct_by(now, id, &service),
        }
    }

    fn conduct_by(&mut self, now: Duration, id: CallId, service: &str) {
        let Some(mut feature) = self.directory.feature(service) else {
            return self.fail(now, id, 404);
        };
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.draft.answered_by = Some(Party::Service(service.to_owned()));
        let mut commands = Vec::new();
        feature.start(now, id, &mut commands);
        call.feature = Some(feature);
        for command in commands {
            self.carry_out(now, command);
        }
        self.conduct(now, id, |_, _| {});
        self.emit(Event::Answered { call: id, by: Party::Service(service.to_owned()) });
        self.on_taken(now, id);
    }

    fn ring_extension(&mut self, now: Duration, id: CallId, extension: &str) {
        let contacts: Vec<(Uri, Flow)> = self.contacts(now, extension);
        if contacts.is_empty() {
            return self.fail_with(now, id, 480, Cause::SUBSCRIBER_ABSENT);
        }
        let party = Party::Extension(extension.to_owned());
        let mut rings = false;
        for (uri, flow) in contacts.into_iter().take(self.settings.max_contacts_rung) {
            rings |= self.ring(now, id, party.clone(), uri, extension, flow);
        }
        self.start_ringing(now, id, rings);
    }

    fn ring_trunk(&mut self, now: Duration, id: CallId, name: &str, number: &str) {
        let Some(trunk) = self.directory.trunk(name) else { return self.fail(now, id, 404) };
        let Some(local) = self.settings.local_towards(trunk.transport, trunk.address) else {
            return self.fail(now, id, 503);
        };
        let flow =
            Flow { transport: trunk.transport, local, remote: trunk.address, connection: None };
        let uri = SipUri::new(number, trunk.address.ip(), Some(trunk.address.port()));
        let uri = match trunk.transport {
            Transport::Tcp => uri.with_param("transport", Some("tcp")),
            _ => Ok(uri),
        };
        let Ok(uri) = uri.map(Uri::from) else { return self.fail(now, id, 484) };
        let party = Party::Trunk { trunk: name.to_owned(), number: number.to_owned() };
        let rings = self.ring(now, id, party, uri, number, flow);
        self.start_ringing(now, id, rings);
    }

    fn start_ringing(&mut self, now: Duration, id: CallId, rings: bool) {
        if !rings {
            return self.fail(now, id, 503);
        }
        let until = now + self.settings.ring_time;
        let ringback = self.settings.ringback.clone();
        let Some(call) = self.calls.get_mut(&id) else { return };
        call.state = CallState::Ringing;
        call.ring_until = Some(until);
        let caller = call.caller;
        self.set_timer(until, Timer::Ring(id));
        // A caller whom a service has answered hears nothing of 180: give it the tone itself.
        if self.legs.get(&caller).is_some_and(|leg| leg.state != LegState::Inviting) {
            self.let_hear(caller, Hearing::Audio(ringback));
        }
    }

    /// Sends one INVITE. `false` when there is no port or the endpoint has no room.
    fn ring(
        &mut self,
        now: Duration,
        id: CallId,
        party: Party,
        uri: Uri,
        number: &str,
        flow: Flow,
    ) -> bool {
        let session_id = self.session_id();
        let Some(call) = self.calls.get(&id) else { return false };
        let Some(caller) = self.legs.get(&call.caller) else { return false };
        let Some(port) = self.ports.lease() else { return false };
        let mut session = Session::new(port.advertised, session_id);
        let body = session.offer_like(&caller.session);
        let hops = caller.hops.saturating_sub(1);
        let host = Host::from(self.settings.address_towards(&flow));
        let mut request = Request::new(Method::Invite, uri);
        let from = NameAddr::new(SipUri::new(caller.party.number(), host.clone(), None))
            .with_display_name(self.directory.display_name(&caller.party));
        request.headers.push(From(from));
        request.headers.push(To(NameAddr::new(SipUri::new(number, host, None))));
        request.headers.push(MaxForwards(hops));
        request.headers.push(ContentType::sdp());
        request.body = body;
        let Ok(client) = self.endpoint.invite(now, request, flow) else {
            self.ports.give_back(port);
            return false;
        };
        let leg_id = self.leg_id();
        self.by_client.insert(client, (leg_id, Purpose::Invite));
        self.by_port.insert(port.id, leg_id);
        self.legs.insert(
            leg_id,
            Box::new(Leg {
                call: id,
                side: Side::Outgoing,
                state: LegState::Inviting,
                party,
                flow,
                invite: None,
                inviting: Some(client),
                dialog: None,
                session,
                port: Some(port),
                open: false,
                closing: false,
                hearing: Hearing::Nothing,
                modification: None,
                awaits_answer: false,
                guard: None,
                provisional: 100,
                held: false,
                hops,
                renewals: 0,
                parting: false,
                reports: None,
            }),
        );
        if let Some(call) = self.calls.get_mut(&id) {
            call.legs.push(leg_id);
        }
        true
    }

    /// The number leads nowhere, or nothing could be rung.
    fn fail(&mut self, now: Duration, id: CallId, status: u16) {
        self.fail_with(now, id, status, Cause::from_status(status));
    }

    fn fail_with(&mut self, now: Duration, id: CallId, status: u16, cause: Cause) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.feature.is_some() {
            call.state = CallState::Service;
            self.emit(Event::DialFailed { call: id, cause });
        } else {
            self.give_back(now, id, status);
            self.end(now, id, cause, EndedBy::Exchange, status);
        }
    }

    /// Every telephone has refused or been given up.
    pub(super) fn dial_failed(&mut self, now: Duration, id: CallId, by: EndedBy) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        let ring_until = call.ring_until.take();
        let (status, cause) = match call.best_failure {
            // A telephone's own 401, 407 or redirection says nothing to the caller.
            Some(300..=399 | 401 | 407) => (480, Cause::NO_USER_RESPONDING),
            Some(408) => (480, Cause::NO_USER_RESPONDING),
            Some(status) => (status, Cause::from_status(status)),
            None => (480, Cause::NO_ANSWER),
        };
        let conducted = call.feature.is_some();
        let caller = call.caller;
        if conducted {
            call.state = CallState::Service;
        }
        self.clear_timer(ring_until, Timer::Ring(id));
        if conducted {
            self.let_hear(caller, Hearing::Nothing);
            self.emit(Event::DialFailed { call: id, cause });
        } else {
            self.give_back(now, id, status);
            self.end(now, id, cause, by, status);
        }
    }
}
