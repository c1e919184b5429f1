//! What users do and how they react.

use core::time::Duration;

use sip_core::dialog::DialogId;
use sip_core::endpoint::{ClientId, Event, Notice, ServerId, SubscriptionId, within};
use sip_core::header::{self, CSeq, NameAddr, ReferTo};
use sip_core::resolve::DispatchId;
use sip_core::transaction::Failure;
use sip_core::{Flow, Method, Request, Response, StatusCode, Token, Transport};

use crate::common::{self, describing, offering, secs};
use crate::faults::Faults;
use crate::world::{AGENTS, Agent, END, TIMEOUT, What, World, address, request};

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// When an INVITE has its outcome: its CANCEL may have to wait for a provisional response until just
/// before the INVITE is given up, and has its own time then.
const CALL: Duration = Duration::from_secs(32 + 32);

#[derive(PartialEq, Eq)]
pub(crate) enum Plan {
    Call(usize, Transport),
    Ask(usize, Transport),
    Watch(usize),
    Answer(ServerId, Box<Request>, StatusCode),
    RingReliably(ServerId, Box<Request>),
    Cancel(ClientId),
    GiveUp(DispatchId),
    ReInvite(DialogId),
    Update(DialogId),
    Refer(DialogId),
    HangUp(DialogId),
    Report(SubscriptionId, StatusCode),
}

impl World {
    /// The faults are over, and everybody leaves what it knows of.
    pub(crate) fn leave(&mut self) {
        self.faults = Faults::default();
        (self.parted, self.exhausted) = (Duration::ZERO, Duration::ZERO);
        for agent in 0..AGENTS {
            let clock = self.clock(agent);
            for id in self.agents[agent].subscriptions.clone() {
                let endpoint = &mut self.agents[agent].endpoint;
                if endpoint.unsubscribe(clock, id).is_err() {
                    let _ = endpoint.end_subscription(clock, id, "giveup", Notice::default());
                }
            }
            for dialog in self.agents[agent].dialogs.clone() {
                self.act(agent, Plan::HangUp(dialog));
            }
            self.attend(agent);
        }
        let left = |agent: &Agent| agent.endpoint.dialogs() + agent.endpoint.subscriptions() > 0;
        if self.agents.iter().any(left) && self.now < END * 2 {
            self.plan(secs(40), What::Leave);
        }
    }

    pub(crate) fn act(&mut self, agent: usize, plan: Plan) {
        let clock = self.clock(agent);
        match plan {
            Plan::Call(..) | Plan::Ask(..) | Plan::Watch(_) if self.now >= END => {}
            Plan::Call(to, transport) => {
                let mut invite = request(Method::Invite, agent, to, transport);
                if self.chance(70) {
                    invite = offering(invite);
                }
                self.ask_by_name(agent, invite);
            }
            Plan::Ask(to, transport) => {
                let options = request(Method::Options, agent, to, transport);
                self.ask_by_name(agent, options);
            }
            Plan::Watch(to) => {
                // This one goes straight to an address.
                let mut watch = request(Method::Subscribe, agent, to, Transport::Udp);
                watch.headers.push(header::Event::new(Token::from_static("dialog")));
                watch.headers.push(header::Expires(60));
                let flow = self.flow(agent, to, Transport::Udp);
                let id = self.agents[agent].endpoint.subscribe(clock, watch, flow).unwrap();
                self.agents[agent].subscriptions.insert(id);
            }
            Plan::RingReliably(id, request) => {
                let ringing = Response::to(&request, StatusCode::RINGING);
                let endpoint = &mut self.agents[agent].endpoint;
                if let Ok(Some(dialog)) = endpoint.respond_reliably(clock, id, ringing) {
                    self.agents[agent].dialogs.insert(dialog);
                }
            }
            Plan::Answer(id, request, status) => self.answer(agent, id, &request, status),
            Plan::Cancel(id) => drop(self.agents[agent].endpoint.cancel(clock, id)),
            Plan::GiveUp(id) => {
                let books = &mut self.agents[agent];
                let _ = books.dispatch.cancel(clock, id, &mut books.endpoint);
            }
            Plan::ReInvite(dialog) => {
                self.ask_in(agent, dialog, offering(within(Method::Invite)));
            }
            Plan::Update(dialog) => self.ask_in(agent, dialog, offering(within(Method::Update))),
            Plan::HangUp(dialog) => self.ask_in(agent, dialog, within(Method::Bye)),
            Plan::Refer(dialog) => {
                let mut refer = within(Method::Refer);
                refer.headers.push(ReferTo(NameAddr::parse("<sip:x@192.0.2.9>").unwrap()));
                let endpoint = &mut self.agents[agent].endpoint;
                if let Ok(id) = endpoint.refer_in(clock, dialog, refer) {
                    self.agents[agent].subscriptions.insert(id);
                }
            }
            Plan::Report(id, status) => {
                let _ = self.agents[agent].endpoint.report(clock, id, status);
            }
        }
    }

    /// A request that was looked up is on its way.
    pub(crate) fn on_its_way(
        &mut self,
        agent: usize,
        journey: DispatchId,
        id: ClientId,
        method: &Method,
    ) {
        let clock = self.clock(agent);
        let due = match method {
            Method::Invite => clock + CALL,
            _ => clock + TIMEOUT,
        };
        self.agents[agent].asked.insert(id, (method.clone(), due));
        if *method == Method::Invite {
            self.agents[agent].calling.push_back(id);
            let patience = self.later(PATIENCE.as_millis() as u32);
            self.intend(agent, patience, Plan::GiveUp(journey));
        }
    }

    pub(crate) fn answer(
        &mut self,
        agent: usize,
        id: ServerId,
        request: &Request,
        status: StatusCode,
    ) {
        let clock = self.clock(agent);
        let mut response = Response::to(request, status);
        let accepts = request.method == Method::Invite && status.is_success();
        if accepts || request.method == Method::Update {
            response = describing(response);
        }
        let answered = self.agents[agent].endpoint.respond(clock, id, response);
        let Ok(dialog) = answered else { return };
        if let Some(dialog) = dialog.filter(|_| request.method == Method::Invite) {
            self.agents[agent].dialogs.insert(dialog);
            if accepts {
                // A PRACK may have to come first.
                self.agents[agent].accepted.insert(dialog, (id, clock + TIMEOUT * 2));
            }
        }
    }

    pub(crate) fn ask_in(&mut self, agent: usize, dialog: DialogId, request: Request) {
        let clock = self.clock(agent);
        let method = request.method.clone();
        let Ok(id) = self.agents[agent].endpoint.request_in(clock, dialog, request) else {
            return;
        };
        let patience = match method {
            Method::Invite => CALL,
            Method::Bye if self.agents[agent].accepted.contains_key(&dialog) => TIMEOUT * 3,
            _ => TIMEOUT,
        };
        if method == Method::Invite
            && let Some(dialog) = self.agents[agent].endpoint.dialog(dialog)
        {
            let key = (dialog.call_id().as_str().to_owned(), dialog.local_number());
            self.agents[agent].renewing.insert(key, id);
        }
        if method == Method::Bye {
            self.agents[agent].byes.insert(id, dialog);
            if let Some((_, due)) = self.agents[agent].accepted.get_mut(&dialog) {
                *due = clock + TIMEOUT * 3;
            }
        }
        self.agents[agent].asked.insert(id, (method.clone(), clock + patience));
        if method == Method::Invite {
            self.intend(agent, PATIENCE, Plan::Cancel(id));
        }
    }

    pub(crate) fn flow(&mut self, from: usize, to: usize, transport: Transport) -> Flow {
        Flow { transport, local: address(from), remote: address(to), connection: None }
    }

    pub(crate) fn react(&mut self, agent: usize, event: Event) {
        let clock = self.clock(agent);
        match event {
            Event::Request { id, dialog, request, .. } => match request.method {
                Method::Invite if dialog.is_none() => self.ring(agent, id, request),
                Method::Bye => {
                    self.answer(agent, id, &request, StatusCode::OK);
                    if let Some(dialog) = dialog {
                        self.agents[agent].accepted.remove(&dialog);
                    }
                }
                Method::Invite => {
                    let refuses = self.chance(20);
                    let status =
                        if refuses { StatusCode::NOT_ACCEPTABLE_HERE } else { StatusCode::OK };
                    self.answer(agent, id, &request, status);
                }
                Method::Subscribe => {
                    let response = Response::to(&request, StatusCode::OK);
                    let endpoint = &mut self.agents[agent].endpoint;
                    let accepted =
                        endpoint.accept_subscription(clock, id, response, Notice::default());
                    self.agents[agent].subscriptions.extend(accepted);
                }
                Method::Refer => {
                    let response = Response::to(&request, StatusCode::ACCEPTED);
                    let endpoint = &mut self.agents[agent].endpoint;
                    if let Ok(Some(reports)) = endpoint.accept_refer(clock, id, response) {
                        self.agents[agent].subscriptions.insert(reports);
                        let delay = self.later(10_000);
                        self.intend(agent, delay, Plan::Report(reports, StatusCode::OK));
                    }
                }
                _ => self.answer(agent, id, &request, StatusCode::OK),
            },
            Event::Ack { dialog, .. } => {
                assert!(self.agents[agent].accepted.remove(&dialog).is_some(), "an ACK too many");
            }
            Event::AckTimeout { dialog } => {
                assert!(self.agents[agent].accepted.remove(&dialog).is_some());
                self.act(agent, Plan::HangUp(dialog));
            }
            Event::Response { id, dialog, response, .. } => {
                if response.status.is_provisional() {
                    self.agents[agent].dialogs.extend(dialog);
                    if let Some(dialog) = dialog {
                        // An offer in a reliable response wants its answer.
                        let _ = self.agents[agent].endpoint.prack(clock, dialog, common::sdp());
                    }
                    return;
                }
                let method = response.headers.require::<CSeq>().unwrap().method;
                let accepts = method == Method::Invite && response.status.is_success();
                let fork = accepts && !self.agents[agent].asked.contains_key(&id);
                if fork {
                    // Another To tag than before: a fork, or what a broken bit makes of one.
                    let unheard = self.agents[agent].finished.insert((id, dialog));
                    assert!(unheard, "{agent}: {id:?} has two outcomes");
                } else if accepts {
                    for (known, until) in self.agents[agent].invites.values_mut() {
                        if *known == id {
                            *until = Some(clock + TIMEOUT);
                        }
                    }
                    self.outcome(agent, id, dialog);
                } else if !(method == Method::Prack) {
                    self.outcome(agent, id, dialog);
                }
                let Some(dialog) = dialog.filter(|_| accepts) else { return };
                self.agents[agent].dialogs.insert(dialog);
                if self.agents[agent].endpoint.ack(clock, dialog, Some(common::sdp())).is_ok() {
                    match fork {
                        true => self.act(agent, Plan::HangUp(dialog)),
                        false => self.talk(agent, dialog),
                    }
                }
            }
            Event::Failed { id, .. } => {
                self.counts.failures += 1;
                if self.agents[agent].asked.contains_key(&id) {
                    self.outcome(agent, id, None);
                }
            }
            // What was accepted is still acknowledged, or the absence of that told.
            Event::ResponseFailed { reason: Failure::Transport(_), .. } => {}
            Event::Cancelled { id } | Event::ResponseFailed { id, .. } => {
                self.agents[agent].accepted.retain(|_, (server, _)| *server != id);
            }
            Event::SessionExpired { dialog, bye } => {
                self.counts.refreshes_missed += 1;
                if let Some(bye) = bye {
                    let due = clock + TIMEOUT * 3;
                    self.agents[agent].byes.insert(bye, dialog);
                    if let Some((_, known)) = self.agents[agent].accepted.get_mut(&dialog) {
                        *known = due;
                    }
                    self.agents[agent].asked.insert(bye, (Method::Bye, due));
                }
            }
            Event::SubscriptionForked { subscription, .. } => {
                self.agents[agent].subscriptions.insert(subscription);
            }
            Event::SubscriptionEnded { subscription, .. } => {
                self.agents[agent].subscriptions.remove(&subscription);
            }
            Event::Notified { .. } => self.counts.reports += 1,
            Event::Prack { .. }
            | Event::Malformed { .. }
            | Event::Resubscribed { .. }
            | Event::SessionRefreshDue { .. }
            | Event::SessionRefreshed { .. }
            | Event::Replaced { .. } => {}
            other => panic!("{agent}: {other:?}"),
        }
    }

    pub(crate) fn ring(&mut self, agent: usize, id: ServerId, request: Request) {
        let request = Box::new(request);
        match self.below(3) {
            0 => self.act(agent, Plan::RingReliably(id, request.clone())),
            1 => self.act(agent, Plan::Answer(id, request.clone(), StatusCode::RINGING)),
            _ => {}
        }
        let code = [200, 200, 200, 200, 486, 603][self.below(6) as usize];
        let status = StatusCode::new(code).unwrap();
        let delay = self.later(15_000);
        self.intend(agent, delay, Plan::Answer(id, request, status));
    }

    pub(crate) fn talk(&mut self, agent: usize, dialog: DialogId) {
        self.counts.calls_up += 1;
        for _ in 0..self.below(4) {
            let plan = match self.below(3) {
                0 => Plan::ReInvite(dialog),
                1 => Plan::Refer(dialog),
                _ => Plan::Update(dialog),
            };
            let delay = self.later(60_000);
            self.intend(agent, delay, plan);
        }
        let delay = self.later(100_000);
        self.intend(agent, delay, Plan::HangUp(dialog));
    }
}
