//! Telephones that register, again and again.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};
use sip_core::auth::client::Credentials;
use sip_core::endpoint::ClientId;
use sip_core::{Request, Response, StatusCode};

use crate::agent::Agent;
use crate::registrant::Account;

/// What each asks for; the next one comes long before.
const EXPIRES: u32 = 300;

/// When to come back after a 503.
const LATER: Duration = Duration::from_secs(5);

/// All accounts' registrations.
pub(crate) struct Registrations {
    accounts: Vec<Account>,
    every: Duration,
    due: BinaryHeap<Reverse<(Duration, usize)>>,
    under_way: HashMap<ClientId, (usize, Request, bool)>,
    random: ChaCha20Rng,
    /// How many accounts have registered at least once.
    registered: Vec<bool>,
    ends: bool,
    pub(crate) begun: u64,
    pub(crate) completed: u64,
    /// Refused for the moment with 503, and begun again.
    pub(crate) put_off: u64,
    pub(crate) failures: Vec<String>,
    /// Requests made, without repetitions.
    pub(crate) requests: u64,
}

impl Registrations {
    pub(crate) fn new(accounts: Vec<Account>, every: Duration, seed: u64) -> Self {
        Self {
            registered: vec![false; accounts.len()],
            accounts,
            every,
            due: BinaryHeap::new(),
            under_way: HashMap::new(),
            random: ChaCha20Rng::seed_from_u64(seed),
            ends: false,
            begun: 0,
            completed: 0,
            put_off: 0,
            failures: Vec::new(),
            requests: 0,
        }
    }

    /// Lets everybody register at once.
    pub(crate) fn begin(&mut self) {
        self.due = (0..self.accounts.len()).map(|n| Reverse((Duration::ZERO, n))).collect();
    }

    /// Lets nobody register again.
    pub(crate) fn finish(&mut self) {
        self.ends = true;
        self.due.clear();
    }

    /// Whether everybody has registered, and, after [`finish`](Self::finish), nothing is under way.
    pub(crate) fn are_complete(&self) -> bool {
        match self.ends {
            true => self.under_way.is_empty(),
            false => self.registered.iter().all(|registered| *registered),
        }
    }

    pub(crate) fn due(&self) -> Option<Duration> {
        self.due.peek().map(|next| next.0.0)
    }

    pub(crate) fn work(&mut self, now: Duration, agent: &mut Agent) {
        while let Some(Reverse((at, account))) = self.due.peek().copied()
            && at <= now
        {
            self.due.pop();
            self.register(now, agent, account);
        }
    }

    fn register(&mut self, now: Duration, agent: &mut Agent, account: usize) {
        self.begun += 1;
        let request = agent.registration(&self.accounts[account].user, EXPIRES);
        self.send(now, agent, account, request, false);
    }

    fn send(
        &mut self,
        now: Duration,
        agent: &mut Agent,
        account: usize,
        request: Request,
        challenged: bool,
    ) {
        let flow = agent.flow;
        match agent.endpoint.request(now, request.clone(), flow) {
            Ok(id) => {
                self.requests += 1;
                self.under_way.insert(id, (account, request, challenged));
            }
            Err(error) => self.ended(now, account, Some(error.to_string())),
        }
    }

    /// Takes the response to a request of ours; `false` when it was another's. A request that got none has
    /// status 408.
    pub(crate) fn take(
        &mut self,
        now: Duration,
        agent: &mut Agent,
        id: ClientId,
        response: &Response,
    ) -> bool {
        if !response.status.is_final() {
            return self.under_way.contains_key(&id);
        }
        let Some((account, mut request, challenged)) = self.under_way.remove(&id) else {
            return false;
        };
        if response.status == StatusCode::UNAUTHORIZED && !challenged {
            let Account { user, password } = &self.accounts[account];
            let credentials = Credentials::new(user, password);
            match credentials.authorize(&mut request, response, &mut self.random) {
                Ok(()) => self.send(now, agent, account, request, true),
                Err(error) => self.ended(now, account, Some(error.to_string())),
            }
        } else if response.status.is_success() {
            self.ended(now, account, None);
        } else if response.status == StatusCode::SERVICE_UNAVAILABLE && !self.ends {
            // Not now: it is begun anew.
            self.put_off += 1;
            self.begun -= 1;
            self.due.push(Reverse((now + LATER, account)));
        } else {
            let status = response.status.code();
            self.ended(now, account, Some(format!("a registration got {status}")));
        }
        true
    }

    fn ended(&mut self, now: Duration, account: usize, failure: Option<String>) {
        match failure {
            None => {
                self.completed += 1;
                self.registered[account] = true;
            }
            Some(failure) => self.failures.push(failure),
        }
        if !self.ends {
            // Not all at once for ever.
            let part = 0.75 + 0.5 * f64::from(self.random.next_u32()) / f64::from(u32::MAX);
            self.due.push(Reverse((now + self.every.mul_f64(part), account)));
        }
    }
}
