//! Names of the agents, and the name servers that sometimes fail.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::endpoint::Event;
use sip_core::resolve::{
    Answer, Config, Dispatch, DispatchEvent, DispatchId, Kind, Question, Record, Resolver, Srv,
    Target,
};
use sip_core::{Flow, Method, Request, Transport};

use crate::common::ms;
use crate::users::Plan;
use crate::world::{What, World, address};

/// NAPTR, SRV and address, one after the other, each 5 s without an answer.
const LOOKUP: Duration = Duration::from_secs(16);
/// For how many seconds an answer holds.
const TTL: u32 = 20;

/// A request that waits for the address of a name.
#[derive(Debug)]
pub(crate) struct Asks {
    pub(crate) method: Method,
    /// When its user knows where it went, or that it did not.
    pub(crate) due: Duration,
}

pub(crate) fn name(agent: usize) -> String {
    format!("agent{agent}.example.com")
}

pub(crate) fn dispatch(seed: u64) -> Dispatch {
    let random = |word| Box::new(ChaCha8Rng::seed_from_u64(seed ^ word));
    let mut config = Config::default();
    config.transports = vec![Transport::Udp, Transport::Tcp, Transport::Tls];
    Dispatch::new(Resolver::new(config, random(1 << 40)), random(1 << 41))
}

/// The flow of an agent to a target: its driver speaks everything.
fn way(agent: usize) -> impl FnMut(&Target) -> Option<Flow> {
    move |target| {
        Some(Flow {
            transport: target.transport,
            local: address(agent),
            remote: target.address,
            connection: None,
        })
    }
}

/// What the name servers know.
fn truth(question: &Question) -> Answer {
    let services = ["_sip._udp.", "_sip._tcp.", "_sips._tcp."];
    let served = services.iter().find_map(|service| question.name.strip_prefix(service));
    let agent = |host: &str| -> Option<usize> {
        host.strip_prefix("agent")?.split('.').next()?.parse().ok()
    };
    match (question.kind, served) {
        (Kind::Srv, Some(host)) => {
            let target = host.to_owned();
            let srv = Srv { priority: 0, weight: 0, port: 5060, target };
            Answer::found(vec![Record::Srv(srv)], TTL)
        }
        (Kind::A, None) => {
            let agent = agent(&question.name).expect("a name of an agent");
            Answer::found(vec![Record::Address(address(agent).ip())], TTL)
        }
        _ => Answer::absent(TTL),
    }
}

impl World {
    pub(crate) fn ask_by_name(&mut self, agent: usize, request: Request) {
        let clock = self.clock(agent);
        let method = request.method.clone();
        let id = self.agents[agent].dispatch.send(clock, request).unwrap();
        let asks = Asks { method: method.clone(), due: clock + LOOKUP };
        self.agents[agent].looked_up.insert(id, asks);
        // Some give up while the name is still looked up.
        if method == Method::Invite && self.chance(10) {
            let delay = self.later(10_000);
            self.intend(agent, delay, Plan::GiveUp(id));
        }
    }

    /// The next event that the user is to see.
    pub(crate) fn next_event(&mut self, agent: usize) -> Option<Event> {
        let clock = self.clock(agent);
        let books = &mut self.agents[agent];
        loop {
            let event = books.endpoint.poll_event()?;
            let mut ways = way(agent);
            let told = books.dispatch.handle_event(clock, event, &mut books.endpoint, &mut ways);
            if told.is_some() {
                return told;
            }
        }
    }

    /// Carries questions to the name servers, and goes on with what they have answered; whether
    /// there was anything.
    pub(crate) fn look_up(&mut self, agent: usize) -> bool {
        while let Some(question) = self.agents[agent].dispatch.resolver.poll_question() {
            self.ask_name_server(agent, question);
        }
        let clock = self.clock(agent);
        let books = &mut self.agents[agent];
        books.dispatch.settle(clock, &mut books.endpoint, &mut way(agent));
        let mut settled = false;
        while let Some(event) = self.agents[agent].dispatch.poll_event() {
            settled = true;
            match event {
                DispatchEvent::Sent { id, client, .. } => {
                    let method = match self.agents[agent].looked_up.remove(&id) {
                        Some(asks) => asks.method,
                        // The target before has failed, and this one is tried instead.
                        None => self.failed_over(agent, id),
                    };
                    self.agents[agent].journeys.insert(id, (client, method.clone()));
                    self.on_its_way(agent, id, client, &method);
                }
                DispatchEvent::Unsent { id, .. } => {
                    let known = self.agents[agent].looked_up.remove(&id);
                    assert!(known.is_some(), "{agent}: {id:?} has two outcomes");
                    self.counts.unresolved += 1;
                }
            }
        }
        settled
    }

    /// Takes the attempt before out of the books.
    fn failed_over(&mut self, agent: usize, id: DispatchId) -> Method {
        self.counts.failovers += 1;
        let books = &mut self.agents[agent];
        let (client, method) = books.journeys.remove(&id).expect("it was sent before");
        let asked = books.asked.remove(&client);
        assert!(asked.is_some() && books.finished.insert((client, None)));
        books.invites.retain(|_, (known, _)| *known != client);
        books.calling.retain(|calling| *calling != client);
        method
    }

    fn ask_name_server(&mut self, agent: usize, question: Question) {
        let answer = match self.chance(self.faults.name).then(|| self.below(3)) {
            // The question or its answer is lost: the resolver gives up by itself.
            Some(0) => return,
            Some(1) => Answer::Failed,
            Some(_) => Answer::absent(TTL),
            None => truth(&question),
        };
        let delay = ms(5) + self.later(if self.faults.delay > 0 { 3_000 } else { 50 });
        let epoch = self.agents[agent].epoch;
        self.plan(delay, What::Resolve(agent, epoch, question, answer));
    }
}
