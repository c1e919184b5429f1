//! A world of sans-IO machines under one virtual clock.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::network::{Datagram, Network};

/// A machine that lives in a [`World`].
pub trait Node {
    /// A datagram has arrived at one of the node's addresses.
    fn handle_datagram(&mut self, now: Duration, datagram: Datagram);
    /// The instant of [`Node::poll_timeout`] has come.
    fn handle_timeout(&mut self, now: Duration);
    /// The next datagram to send, until there is none.
    fn poll_transmit(&mut self, now: Duration) -> Option<Datagram>;
    /// When to wake the node.
    fn poll_timeout(&self) -> Option<Duration>;
}

/// Names a node of a [`World`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(usize);

/// Nodes, a network between them, and the clock.
pub struct World<N> {
    now: Duration,
    network: Network,
    nodes: Vec<N>,
    addresses: BTreeMap<SocketAddr, NodeId>,
    lost_to_nobody: u64,
}

impl<N: Node> World<N> {
    /// An empty world at time zero.
    pub fn new(network: Network) -> Self {
        Self {
            now: Duration::ZERO,
            network,
            nodes: Vec::new(),
            addresses: BTreeMap::new(),
            lost_to_nobody: 0,
        }
    }

    /// Adds a node that receives what is sent to `addresses`.
    pub fn add(&mut self, node: N, addresses: impl IntoIterator<Item = SocketAddr>) -> NodeId {
        let id = NodeId(self.nodes.len());
        self.nodes.push(node);
        self.addresses.extend(addresses.into_iter().map(|address| (address, id)));
        id
    }

    /// Virtual time since the world began.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// The network, to read what crossed it or to change its faults.
    pub fn network(&mut self) -> &mut Network {
        &mut self.network
    }

    /// A node, to look at it.
    pub fn node(&self, id: NodeId) -> &N {
        &self.nodes[id.0]
    }

    /// A node and the present time, to make it do something; [`World::settle`] carries the outcome.
    pub fn act<R>(&mut self, id: NodeId, act: impl FnOnce(&mut N, Duration) -> R) -> R {
        let outcome = act(&mut self.nodes[id.0], self.now);
        self.settle();
        outcome
    }

    /// Datagrams that reached an address where no node lives.
    pub fn lost_to_nobody(&self) -> u64 {
        self.lost_to_nobody
    }

    /// Puts what the nodes want to send into the network.
    pub fn settle(&mut self) {
        for node in &mut self.nodes {
            while let Some(datagram) = node.poll_transmit(self.now) {
                self.network.send(self.now, datagram);
            }
        }
    }

    /// Moves to the next arrival or timeout and handles all that is due then. `false` when nothing
    /// will happen before or at `limit`; time then stands at `limit`.
    pub fn step(&mut self, limit: Duration) -> bool {
        self.settle();
        let timeout = self.nodes.iter().filter_map(Node::poll_timeout).min();
        let next = match (self.network.next_arrival(), timeout) {
            (Some(a), Some(b)) => a.min(b),
            (Some(at), None) | (None, Some(at)) => at,
            (None, None) => {
                self.now = self.now.max(limit);
                return false;
            }
        };
        if next > limit {
            self.now = self.now.max(limit);
            return false;
        }
        self.now = self.now.max(next);
        while let Some(datagram) = self.network.receive(self.now) {
            match self.addresses.get(&datagram.destination) {
                Some(id) => self.nodes[id.0].handle_datagram(self.now, datagram),
                None => self.lost_to_nobody += 1,
            }
            self.settle();
        }
        for node in &mut self.nodes {
            if node.poll_timeout().is_some_and(|at| at <= self.now) {
                node.handle_timeout(self.now);
            }
        }
        self.settle();
        true
    }

    /// Lets `duration` pass.
    pub fn run_for(&mut self, duration: Duration) {
        let until = self.now + duration;
        while self.step(until) {}
    }

    /// Steps until `done` says so; `false` when `limit` of virtual time passed before.
    pub fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        let until = self.now + limit;
        loop {
            if done(self) {
                return true;
            }
            if !self.step(until) {
                return done(self);
            }
        }
    }
}
