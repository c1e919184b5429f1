//! The twelve faults, and the network that has them.

use std::hash::Hash;

use bytes::Bytes;
use sip_core::{ConnectionId, Flow, Transport};

use crate::common::{ms, secs};
use crate::world::{AGENTS, Agent, END, What, World, address, agent_at};

/// How often each fault happens, in percent of messages, or of the minutes in which it may.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Faults {
    pub(crate) loss: u32,
    pub(crate) duplication: u32,
    pub(crate) reordering: u32,
    pub(crate) delay: u32,
    pub(crate) corruption: u32,
    pub(crate) partition: u32,
    pub(crate) clock: u32,
    pub(crate) crash: u32,
    pub(crate) name: u32,
    pub(crate) reset: u32,
    pub(crate) handshake: u32,
    pub(crate) descriptors: u32,
}

pub(crate) const ROUGH: Faults = Faults {
    loss: 10,
    duplication: 10,
    reordering: 10,
    delay: 10,
    corruption: 3,
    partition: 20,
    clock: 20,
    crash: 20,
    name: 10,
    reset: 30,
    handshake: 10,
    descriptors: 20,
};

impl World {
    pub(crate) fn trouble(&mut self) {
        let faults = self.faults;
        let who = self.below(AGENTS as u32) as usize;
        if self.chance(faults.partition) {
            self.parted = self.now + self.later(20_000);
            self.counts.partitions += 1;
        }
        if self.chance(faults.descriptors) {
            self.exhausted = self.now + self.later(20_000);
        }
        if self.chance(faults.clock) {
            let jump = self.later(60_000);
            let agent = &mut self.agents[who];
            agent.ahead += jump;
            // What is due is due by the world's time.
            for (_, due) in agent.asked.values_mut() {
                *due += jump;
            }
            for (_, due) in agent.accepted.values_mut() {
                *due += jump;
            }
            for asks in agent.looked_up.values_mut() {
                asks.due += jump;
            }
            self.counts.jumps += 1;
            let clock = self.clock(who);
            self.agents[who].endpoint.handle_timeout(clock);
            self.attend(who);
        }
        if self.chance(faults.crash) {
            let old = &self.agents[who];
            let (epoch, ahead) = (old.epoch + 1, old.ahead);
            self.agents[who] = Agent { ahead, ..Agent::new(who as u64 + 7, epoch) };
            self.sent.retain(|(agent, _), _| *agent != who);
            self.counts.crashes += 1;
            self.reset(who);
        }
        if self.chance(faults.reset) {
            self.reset(who);
        }
        if self.now < END - secs(10) {
            self.plan(secs(10), What::Trouble);
        }
    }

    /// All connections of an agent are lost, for it and for its peers.
    pub(crate) fn reset(&mut self, who: usize) {
        self.counts.resets += 1;
        for peer in 0..AGENTS {
            let pair = (who.min(peer), who.max(peer));
            let Some(generation) = self.connections.get_mut(&pair) else { continue };
            let old = ConnectionId { index: 1, generation: *generation };
            *generation += 1;
            for (agent, other) in [(who, peer), (peer, who)] {
                for transport in [Transport::Tcp, Transport::Tls] {
                    let flow = Flow {
                        transport,
                        local: address(agent),
                        remote: address(other),
                        connection: Some(old),
                    };
                    self.plan(ms(1), What::Fail { who: agent, flow });
                }
            }
        }
    }

    pub(crate) fn network(&mut self, from: usize, flow: Flow, bytes: Bytes) {
        (self.now, from, &bytes).hash(&mut self.trace);
        self.counts.packets += 1;
        let Some(to) = agent_at(flow.remote) else { return };
        let parted = self.now < self.parted && (from < 2) != (to < 2);
        if flow.transport.is_reliable() {
            return self.stream(from, to, flow, bytes, parted);
        }
        let mut copies = 1;
        if self.chance(self.faults.duplication) {
            copies += 1;
        }
        for _ in 0..copies {
            if self.chance(self.faults.loss) || parted {
                continue;
            }
            let mut delay = ms(20);
            if self.chance(self.faults.reordering) {
                delay += self.later(800);
            }
            if self.chance(self.faults.delay) {
                delay += self.later(5_000);
            }
            let mut bytes = bytes.clone();
            let mut whole = true;
            if self.chance(self.faults.corruption) {
                let mut broken = bytes.to_vec();
                let at = self.below(broken.len() as u32) as usize;
                broken[at] ^= 1 << self.below(8);
                bytes = broken.into();
                whole = false;
                self.counts.corrupted += 1;
            }
            let flow = Flow { local: flow.remote, remote: flow.local, ..flow };
            self.plan(delay, What::Arrive { to, flow, bytes, whole });
        }
    }

    /// Over a connection everything arrives in order, or the connection is lost.
    pub(crate) fn stream(
        &mut self,
        from: usize,
        to: usize,
        flow: Flow,
        bytes: Bytes,
        parted: bool,
    ) {
        let pair = (from.min(to), from.max(to));
        let open = self.connections.contains_key(&pair);
        let stale = flow.connection.is_some_and(|id| {
            self.connections.get(&pair).is_none_or(|current| *current != id.generation)
        });
        let refused = !open
            && (self.now < self.exhausted
                || (flow.transport == Transport::Tls && self.chance(self.faults.handshake)));
        if stale || parted || refused {
            self.counts.refused_connections += 1;
            self.plan(ms(50), What::Fail { who: from, flow });
            return;
        }
        let generation = *self.connections.entry(pair).or_insert(0);
        let flow = Flow {
            transport: flow.transport,
            local: address(to),
            remote: address(from),
            connection: Some(ConnectionId { index: 1, generation }),
        };
        self.plan(ms(20), What::Arrive { to, flow, bytes, whole: true });
    }
}
