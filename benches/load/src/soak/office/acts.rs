//! What the telephones of a soak do.

use std::cmp::Reverse;
use std::time::Duration;

use rand_core::Rng as _;
use sip_core::auth::client::Credentials;
use sip_core::dialog::transfer;
use sip_core::endpoint::within;
use sip_core::header::{ContentType, From, NameAddr, ReferTo};
use sip_core::sdp::Direction;
use sip_core::{DialogId, Method, Request, Response, SipUri};

use super::super::leg::Leg;
use super::super::script::{Act, Role};
use super::{Office, Why};

/// How often a change or a transfer that the server puts off is tried again.
const TRIES: u8 = 5;
/// Packets of the right partner that make a voice heard, of about a hundred.
const HEARD: u64 = 5;

impl Office {
    /// Does what the script of a call says next.
    pub(super) fn perform(&mut self, now: Duration, id: u64) {
        let Some(scene) = self.scenes.get_mut(&id) else { return };
        let [caller, callee, target] = scene.users.clone();
        match scene.act {
            Act::Call => self.invite(now, id, Role::Caller, &caller, &callee),
            Act::Consult => self.invite(now, id, Role::Consultation, &callee, &target),
            Act::Wait(time) => {
                scene.wakes = Some(now + time);
                self.timers.push(Reverse((now + time, id)));
            }
            Act::Direct(role, direction) => self.direct(now, id, role, direction),
            Act::Refer => self.refer(now, id, &target),
            Act::Listen => {
                scene.heard = scene.ports().map(|port| self.media.heard(port).0);
                self.proceed(now, id);
            }
            Act::Check => match self.check(id) {
                Ok(()) => self.proceed(now, id),
                Err(failure) => self.fail(now, id, failure),
            },
            Act::HangUp(role) => self.hang_up(now, id, role),
        }
    }

    fn invite(&mut self, now: Duration, id: u64, role: Role, from: &str, to: &str) {
        let Some(port) = self.ports.pop_front() else {
            return self.fail(now, id, "no port of ours was free");
        };
        let server = self.agent.flow.remote;
        let uri = |user: &str| SipUri::new(user, server.ip(), Some(server.port()));
        let mut invite = Request::new(Method::Invite, uri(to));
        invite.headers.push(From(NameAddr::new(uri(from))));
        invite.headers.push(ContentType::sdp());
        let mut leg = Leg::new(port);
        invite.body = leg.describe(Direction::SendRecv).into();
        self.send_invite(now, id, role, leg, invite, false);
    }

    fn send_invite(
        &mut self,
        now: Duration,
        id: u64,
        role: Role,
        mut leg: Leg,
        invite: Request,
        challenged: bool,
    ) {
        let flow = self.agent.flow;
        let sent = self.agent.endpoint.invite(now, invite.clone(), flow);
        leg.invite = Some((invite, challenged));
        if let Some(scene) = self.scenes.get_mut(&id) {
            scene.legs[role as usize] = Some(leg);
        }
        match sent {
            Ok(client) => {
                self.requests += 1;
                self.by_client.insert(client, (id, role, Why::Call));
            }
            Err(error) => self.fail(now, id, error.to_string()),
        }
    }

    pub(super) fn request_in(
        &mut self,
        now: Duration,
        id: u64,
        role: Role,
        why: Why,
        request: Request,
    ) -> bool {
        let leg = self.scenes.get(&id).and_then(|scene| scene.legs[role as usize].as_ref());
        let Some(dialog) = leg.and_then(|leg| leg.dialog) else { return false };
        match self.agent.endpoint.request_in(now, dialog, request) {
            Ok(client) => {
                self.requests += 1;
                self.by_client.insert(client, (id, role, why));
                true
            }
            Err(_) => false,
        }
    }

    fn direct(&mut self, now: Duration, id: u64, role: Role, direction: Direction) {
        let Some(scene) = self.scenes.get_mut(&id) else { return };
        let Some(leg) = &mut scene.legs[role as usize] else { return };
        let mut request = within(Method::Invite);
        request.headers.push(ContentType::sdp());
        request.body = leg.describe(direction).into();
        if !self.request_in(now, id, role, Why::Change, request) {
            self.try_again(now, id, "could not be sent");
        }
    }

    fn refer(&mut self, now: Duration, id: u64, target: &str) {
        let Some(scene) = self.scenes.get(&id) else { return };
        let dialog = |role: Role| scene.legs[role as usize].as_ref().and_then(|leg| leg.dialog);
        let Some(callees) = dialog(Role::Callee) else { return };
        let server = self.agent.flow.remote;
        let refer_to = match dialog(Role::Consultation) {
            Some(dialog) => self.agent.endpoint.dialog(dialog).and_then(transfer::refer_to),
            None => {
                let uri = SipUri::new(target, server.ip(), Some(server.port()));
                Some(ReferTo(NameAddr::new(uri)))
            }
        };
        let Some(refer_to) = refer_to else { return self.fail(now, id, "nobody to refer to") };
        let mut request = within(Method::Refer);
        request.headers.push(refer_to);
        match self.agent.endpoint.refer_in(now, callees, request) {
            Ok(subscription) => {
                self.requests += 1;
                self.by_subscription.insert(subscription, id);
            }
            Err(error) => self.fail(now, id, error.to_string()),
        }
    }

    /// The server has put off what was asked for: once more, a little later.
    pub(super) fn try_again(&mut self, now: Duration, id: u64, why: &str) {
        let wait = Duration::from_millis(500 + u64::from(self.random.next_u32()) % 2_000);
        let Some(scene) = self.scenes.get_mut(&id) else { return };
        scene.tries += 1;
        if scene.tries > TRIES {
            let what = match scene.act {
                Act::Call | Act::Consult => "a call",
                Act::Refer => "a transfer",
                _ => "a hold or resumption",
            };
            return self.fail(now, id, format!("{what} {why}"));
        }
        scene.wakes = Some(now + wait);
        self.timers.push(Reverse((now + wait, id)));
    }

    /// Whether both parties have heard each other, and nobody else.
    fn check(&self, id: u64) -> Result<(), String> {
        let Some(scene) = self.scenes.get(&id) else { return Ok(()) };
        let ports = scene.ports();
        for side in 0..2 {
            let (packets, from) = self.media.heard(ports[side]);
            if packets < scene.heard[side] + HEARD {
                return Err(format!("no voice in a call {}", scene.name()));
            }
            if from != ports[1 - side] {
                return Err(format!("another's voice in a call {}", scene.name()));
            }
        }
        Ok(())
    }

    fn hang_up(&mut self, now: Duration, id: u64, role: Role) {
        // Where the other side was faster there is nothing to say.
        if !self.request_in(now, id, role, Why::Bye, within(Method::Bye)) {
            self.end_if_over(id);
        }
    }

    pub(super) fn authorize(&mut self, now: Duration, id: u64, role: Role, response: &Response) {
        let Some(scene) = self.scenes.get_mut(&id) else { return };
        let user = if role == Role::Caller { &scene.users[0] } else { &scene.users[1] };
        let account = self.accounts.iter().find(|account| account.user == *user);
        let Some(mut leg) = scene.legs[role as usize].take() else { return };
        let (Some(account), Some((mut invite, _))) = (account, leg.invite.take()) else { return };
        let credentials = Credentials::new(&account.user, &account.password);
        let authorized = credentials.authorize(&mut invite, response, &mut self.random);
        self.send_invite(now, id, role, leg, invite, true);
        if let Err(error) = authorized {
            self.fail(now, id, error.to_string());
        }
    }

    pub(super) fn say_bye(&mut self, now: Duration, dialog: DialogId) {
        if self.agent.endpoint.request_in(now, dialog, within(Method::Bye)).is_ok() {
            self.requests += 1;
        }
    }
}
