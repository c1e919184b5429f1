//! Telephones that register.

use std::collections::HashMap;
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use sip_core::auth::client::Credentials;
use sip_core::endpoint::{ClientId, Event};
use sip_core::{Request, StatusCode};

use crate::agent::Agent;
use crate::caller::Tally;
use crate::latency::Latency;

/// A user and a password.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) user: String,
    pub(crate) password: String,
}

/// Registers one account after the other; each registration is challenged.
pub(crate) struct Registrant {
    pub(crate) agent: Agent,
    accounts: Vec<Account>,
    next: usize,
    under_way: HashMap<ClientId, Registration>,
    requests_made: u64,
    random: ChaCha20Rng,
    pub(crate) tally: Tally,
    pub(crate) setup: Latency,
}

#[derive(Debug)]
struct Registration {
    account: usize,
    begun: Duration,
    request: Request,
    challenged: bool,
}

impl Registrant {
    pub(crate) fn new(agent: Agent, accounts: Vec<Account>, seed: u64) -> Self {
        Self {
            agent,
            accounts,
            next: 0,
            under_way: HashMap::new(),
            requests_made: 0,
            random: ChaCha20Rng::seed_from_u64(seed),
            tally: Tally::default(),
            setup: Latency::new(),
        }
    }

    pub(crate) fn pending(&self) -> usize {
        self.under_way.len()
    }

    pub(crate) fn retransmissions(&self) -> u64 {
        self.agent.requests_sent.saturating_sub(self.requests_made)
    }

    pub(crate) fn begin(&mut self, now: Duration) {
        self.tally.begun += 1;
        let account = self.next % self.accounts.len();
        self.next += 1;
        let request = self.agent.registration(&self.accounts[account].user, 600);
        self.send(now, Registration { account, begun: now, request, challenged: false });
    }

    fn send(&mut self, now: Duration, registration: Registration) {
        let flow = self.agent.flow;
        match self.agent.endpoint.request(now, registration.request.clone(), flow) {
            Ok(id) => {
                self.requests_made += 1;
                self.under_way.insert(id, registration);
            }
            Err(_) => self.tally.failed += 1,
        }
    }

    pub(crate) fn work(&mut self, now: Duration) {
        self.agent.receive(now);
        while let Some(event) = self.agent.event() {
            match event {
                Event::Response { id, response, .. } if response.status.is_final() => {
                    let Some(mut registration) = self.under_way.remove(&id) else { continue };
                    if response.status == StatusCode::UNAUTHORIZED && !registration.challenged {
                        registration.challenged = true;
                        let Account { user, password } = &self.accounts[registration.account];
                        let credentials = Credentials::new(user, password);
                        let request = &mut registration.request;
                        match credentials.authorize(request, &response, &mut self.random) {
                            Ok(()) => self.send(now, registration),
                            Err(_) => self.tally.failed += 1,
                        }
                    } else if response.status.is_success() {
                        self.tally.answered += 1;
                        self.tally.completed += 1;
                        self.setup.record(now - registration.begun);
                    } else if response.status == StatusCode::SERVICE_UNAVAILABLE {
                        self.tally.shed += 1;
                    } else {
                        self.tally.failed += 1;
                    }
                }
                Event::Failed { id, .. } if self.under_way.remove(&id).is_some() => {
                    self.tally.failed += 1;
                }
                _ => {}
            }
        }
        self.agent.send();
    }
}
