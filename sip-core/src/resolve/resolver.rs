//! Lookups, their questions and their outcomes.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use rand_core::Rng;
use thiserror::Error;

use super::cache::Cache;
use super::destination::{Destination, Target, Targets};
use super::plan::{Known, Plan, plan};
use super::question::{Answer, Question};
use crate::Transport;
use crate::slab::{Key, Slab};

/// How a [`Resolver`] behaves.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The transports that we speak, the preferred one first where a domain leaves the choice.
    /// Default UDP, then TCP; name TLS when there is a driver for it.
    pub transports: Vec<Transport>,
    /// Which addresses are asked for, and which are tried first. Default IPv4 alone.
    pub families: Families,
    /// How long a question may go unanswered. Default 5 s; then it counts as failed.
    pub patience: Duration,
    /// The longest that an answer is believed. Default 1 day.
    pub longest: Duration,
    /// The longest that a denial is believed. Default 5 minutes.
    pub longest_denial: Duration,
    /// How long nobody is asked again after a failure. Default 5 s.
    pub failure: Duration,
    /// How many answers are kept. Default 10,000; what would end first makes room.
    pub answers: usize,
    /// How many lookups may be under way. Default 4,096; more fail at once.
    pub lookups: usize,
    /// How many servers of a service, and targets in all, a lookup may have. Default 32.
    pub targets: usize,
    /// How long a target that failed is put behind the others. Default 30 s.
    pub penalty: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            transports: vec![Transport::Udp, Transport::Tcp],
            families: Families::V4,
            patience: Duration::from_secs(5),
            longest: Duration::from_secs(86_400),
            longest_denial: Duration::from_secs(300),
            failure: Duration::from_secs(5),
            answers: 10_000,
            lookups: 4096,
            targets: 32,
            penalty: Duration::from_secs(30),
        }
    }
}

/// Which families of addresses are used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Families {
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
    /// Both, IPv4 before IPv6.
    V4First,
    /// Both, IPv6 before IPv4.
    V6First,
}

/// Why there are no targets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// There are no such records: the name is wrong.
    #[error("no such name")]
    NoSuchName,
    /// The domain says that it has no such service.
    #[error("the domain has no such service")]
    NoSuchService,
    /// The domain offers, or the URI asks for, only what we do not speak.
    #[error("no transport in common")]
    NoCommonTransport,
    /// The name servers did not answer; later they may.
    #[error("the name servers did not answer")]
    Unreachable,
    /// Too many lookups are under way.
    #[error("too many lookups")]
    Full,
}

/// Names a lookup.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LookupId(Key);

/// A lookup has come to its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// Which.
    pub id: LookupId,
    /// The targets, at least one, or why there are none.
    pub outcome: Result<Targets, Error>,
}

/// Turns destinations into targets. See the [module](super).
pub struct Resolver {
    config: Config,
    random: Box<dyn Rng + Send>,
    cache: Cache,
    lookups: Slab<Lookup>,
    asked: BTreeMap<Question, Asked>,
    questions: VecDeque<Question>,
    events: VecDeque<Event>,
    failed: HashMap<(Transport, SocketAddr), Duration>,
}

#[derive(Debug)]
struct Lookup {
    destination: Destination,
    known: Known,
}

#[derive(Debug)]
struct Asked {
    deadline: Duration,
    lookups: Vec<Key>,
}

impl Resolver {
    /// A resolver that knows nothing yet. `random` draws among servers by their weights.
    pub fn new(config: Config, random: Box<dyn Rng + Send>) -> Self {
        Self {
            cache: Cache::new(config.answers),
            config,
            random,
            lookups: Slab::default(),
            asked: BTreeMap::new(),
            questions: VecDeque::new(),
            events: VecDeque::new(),
            failed: HashMap::new(),
        }
    }

    /// Looks a destination up. The outcome comes as an [`Event`], at once when nothing has to be
    /// asked.
    pub fn resolve(&mut self, now: Duration, destination: Destination) -> LookupId {
        let key = self.lookups.insert(Lookup { destination, known: Known::new() });
        if self.lookups.len() > self.config.lookups {
            self.finish(now, key, Err(Error::Full));
        } else {
            self.advance(now, key);
        }
        LookupId(key)
    }

    /// Forgets a lookup: no event will come.
    pub fn cancel(&mut self, id: LookupId) {
        self.lookups.remove(id.0);
        self.events.retain(|event| event.id != id);
    }

    /// The next question to ask. Each is asked once, however many lookups wait for it.
    pub fn poll_question(&mut self) -> Option<Question> {
        self.questions.pop_front()
    }

    /// Takes the answer to a question. One that nobody waits for any more is kept all the same.
    pub fn handle_answer(&mut self, now: Duration, question: &Question, answer: Answer) {
        let holds = |ttl: u32, most: Duration| Duration::from_secs(u64::from(ttl)).min(most);
        let holds = match &answer {
            Answer::Found { ttl, .. } => holds(*ttl, self.config.longest),
            Answer::Absent { ttl } => holds(*ttl, self.config.longest_denial),
            Answer::Failed => self.config.failure,
        };
        let answer = Arc::new(answer);
        self.cache.keep(now, now + holds, question, Arc::clone(&answer));
        let Some(asked) = self.asked.remove(question) else { return };
        self.questions.retain(|waiting| waiting != question);
        for key in asked.lookups {
            if let Some(lookup) = self.lookups.get_mut(key) {
                // Whatever its time to live, an answer holds for the lookup that asked for it.
                lookup.known.insert(question.clone(), Arc::clone(&answer));
                self.advance(now, key);
            }
        }
    }

    /// Gives up what has waited too long for an answer.
    pub fn handle_timeout(&mut self, now: Duration) {
        let late = self.asked.iter().filter(|(_, asked)| asked.deadline <= now);
        let late: Vec<Question> = late.map(|(question, _)| question.clone()).collect();
        for question in late {
            self.handle_answer(now, &question, Answer::Failed);
        }
    }

    /// When to call [`handle_timeout`](Self::handle_timeout).
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.asked.values().map(|asked| asked.deadline).min()
    }

    /// The next outcome.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Puts a target behind the others for a while: it did not answer, or answered 503 and named
    /// in Retry-After when to come again (§4.3). `None` stands for [`Config::penalty`].
    pub fn avoid(&mut self, now: Duration, target: &Target, during: Option<Duration>) {
        self.failed.retain(|_, until| *until > now);
        if self.failed.len() < self.config.answers {
            let until = now + during.unwrap_or(self.config.penalty);
            self.failed.insert(place(target), until);
        }
    }

    /// Forgets every answer and every failure: the network has changed.
    pub fn forget(&mut self) {
        self.cache.clear();
        self.failed.clear();
    }

    /// How many answers are kept.
    pub fn answers(&self) -> usize {
        self.cache.len()
    }

    /// How many lookups are under way.
    pub fn lookups(&self) -> usize {
        self.lookups.len()
    }

    fn advance(&mut self, now: Duration, key: Key) {
        loop {
            let Some(lookup) = self.lookups.get_mut(key) else { return };
            let next = plan(&lookup.destination, &lookup.known, &self.config, &mut *self.random);
            let questions = match next {
                Plan::Done(outcome) => return self.finish(now, key, outcome),
                Plan::Ask(questions) => questions,
            };
            let mut open = false;
            for question in questions {
                match self.cache.find(now, &question) {
                    Some(answer) => {
                        lookup.known.insert(question, answer);
                    }
                    None => {
                        open = true;
                        let questions = &mut self.questions;
                        let asked = self.asked.entry(question.clone()).or_insert_with(|| {
                            questions.push_back(question);
                            let deadline = now + self.config.patience;
                            Asked { deadline, lookups: Vec::new() }
                        });
                        if !asked.lookups.contains(&key) {
                            asked.lookups.push(key);
                        }
                    }
                }
            }
            if open {
                return;
            }
        }
    }

    fn finish(&mut self, now: Duration, key: Key, outcome: Result<Targets, Error>) {
        self.lookups.remove(key);
        let outcome = outcome.map(|targets| {
            let avoided = |target: &&Target| {
                self.failed.get(&place(target)).is_some_and(|until| *until > now)
            };
            let good = targets.iter().filter(|target| !avoided(target));
            good.chain(targets.iter().filter(avoided)).cloned().collect()
        });
        self.events.push_back(Event { id: LookupId(key), outcome });
    }
}

impl core::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Resolver")
            .field("answers", &self.answers())
            .field("lookups", &self.lookups())
            .finish_non_exhaustive()
    }
}

fn place(target: &Target) -> (Transport, SocketAddr) {
    (target.transport, target.address)
}
