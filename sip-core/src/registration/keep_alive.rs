//! Keeping one flow open, and noticing when it is not (RFC 5626 §4.4).

use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;
use rand_core::Rng;

use super::KeepAlive;
use super::backoff::between;
use super::stun;
use crate::flow::Flow;

/// How long a stream's answer may take (§4.4.1).
const PONG: Duration = Duration::from_secs(10);
/// STUN's first time-out and how often it asks (RFC 5389 §7.2.1).
const RTO: Duration = Duration::from_millis(500);
const ASKS: u32 = 7;

/// The keep-alives of one flow.
#[derive(Debug)]
pub(super) struct Keeper {
    flow: Flow,
    stun: bool,
    every: Duration,
    state: State,
    /// Where STUN saw us last.
    mapped: Option<SocketAddr>,
}

#[derive(Debug)]
enum State {
    Resting {
        until: Duration,
    },
    /// Lines were sent on a stream.
    Expecting {
        until: Duration,
    },
    /// STUN was asked so often.
    Asking {
        transaction: stun::Transaction,
        asked: u32,
        until: Duration,
    },
}

/// What a timer or an answer comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pulse {
    Nothing,
    Send(Bytes),
    Dead,
}

impl Keeper {
    /// `None` when nothing is to be kept.
    pub(super) fn new(
        now: Duration,
        flow: Flow,
        kind: KeepAlive,
        flow_timer: Option<Duration>,
        random: &mut dyn Rng,
    ) -> Option<Self> {
        let (stun, every) = match kind {
            KeepAlive::Off => return None,
            KeepAlive::Lines { every } => (false, every),
            KeepAlive::Stun { every } => (!flow.is_reliable(), every),
        };
        let usual = Duration::from_secs(if flow.is_reliable() { 120 } else { 29 });
        let every = every.or(flow_timer).unwrap_or(usual).max(Duration::from_secs(1));
        let state = State::Resting { until: now + rest(every, random) };
        Some(Self { flow, stun, every, state, mapped: None })
    }

    pub(super) fn flow(&self) -> Flow {
        self.flow
    }

    pub(super) fn next(&self) -> Duration {
        match self.state {
            State::Resting { until } | State::Expecting { until } | State::Asking { until, .. } => {
                until
            }
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Duration, random: &mut dyn Rng) -> Pulse {
        if self.next() > now {
            return Pulse::Nothing;
        }
        match &mut self.state {
            State::Expecting { .. } => Pulse::Dead,
            State::Resting { .. } if self.stun => {
                let mut transaction = stun::Transaction::default();
                random.fill_bytes(&mut transaction);
                self.state = State::Asking { transaction, asked: 1, until: now + RTO };
                Pulse::Send(stun::request(transaction).into())
            }
            State::Resting { .. } => {
                self.state = match self.flow.is_reliable() {
                    true => State::Expecting { until: now + PONG },
                    false => State::Resting { until: now + rest(self.every, random) },
                };
                Pulse::Send(Bytes::from_static(b"\r\n\r\n"))
            }
            State::Asking { asked: ASKS, .. } => Pulse::Dead,
            State::Asking { transaction, asked, until } => {
                *asked += 1;
                // The last one gets sixteen times the first wait, the others twice the one before.
                let factor = if *asked == ASKS { 16 } else { 1 << (*asked - 1) };
                *until = now + RTO * factor;
                Pulse::Send(stun::request(*transaction).into())
            }
        }
    }

    /// Takes what arrived on the flow; `None` when it is no answer to a keep-alive.
    pub(super) fn handle_answer(
        &mut self,
        now: Duration,
        bytes: &[u8],
        random: &mut dyn Rng,
    ) -> Option<Pulse> {
        match &self.state {
            State::Expecting { .. } if bytes == b"\r\n" => {}
            State::Asking { transaction, .. } if stun::is_stun(bytes) => {
                let Some(mapped) = stun::mapped(bytes, transaction) else {
                    return Some(Pulse::Nothing);
                };
                // Another address: what is registered leads nowhere (§4.4.2).
                if self.mapped.replace(mapped).is_some_and(|before| before != mapped) {
                    return Some(Pulse::Dead);
                }
            }
            _ => return (bytes == b"\r\n" || stun::is_stun(bytes)).then_some(Pulse::Nothing),
        }
        self.state = State::Resting { until: now + rest(self.every, random) };
        Some(Pulse::Nothing)
    }
}

/// 80 to 100 % of the interval, so that phones do not ring in step.
fn rest(every: Duration, random: &mut dyn Rng) -> Duration {
    between(every * 4 / 5, every, random)
}
