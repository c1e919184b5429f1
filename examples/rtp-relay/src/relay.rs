//! The flows, and the loop that carries them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{SocketAddr, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use packet_ring::batch::{self, Datagram, IoConfig, Report, SocketId, Tick, TickConfig, UdpIo};
use packet_ring::pool::{PacketPool, PoolConfig};
use serde::Deserialize;

use crate::control;

/// One side of a flow.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// Our address; several flows may share it. Port 0 lets the system choose.
    pub local: SocketAddr,
    /// The peer's address.
    pub peer: SocketAddr,
}

/// All flows on one thread.
pub struct Relay {
    io: Box<dyn UdpIo>,
    pool: PacketPool,
    tick: Tick,
    started: Instant,
    locals: HashMap<SocketAddr, Local>,
    /// Where what comes by a socket from a peer goes.
    routes: HashMap<(SocketId, SocketAddr), Route>,
    control: Option<SocketId>,
    strangers: u64,
    batch: Vec<Datagram>,
    outgoing: Vec<Datagram>,
}

struct Local {
    socket: SocketId,
    flows: usize,
}

struct Route {
    local: SocketAddr,
    to: (SocketId, SocketAddr),
    packets: u64,
}

impl Relay {
    /// A relay without flows; also says which back end it has and why. Packets gather for at most
    /// `gather` when there are many.
    pub fn open(config: &IoConfig, gather: Duration) -> Result<(Self, Report)> {
        let (io, report) = batch::open(config)?;
        let relay = Self {
            io,
            pool: PacketPool::new(PoolConfig { slots: 4096, ..PoolConfig::default() })?,
            tick: Tick::new(TickConfig { longest: gather, ..TickConfig::default() }),
            started: Instant::now(),
            locals: HashMap::new(),
            routes: HashMap::new(),
            control: None,
            strangers: 0,
            batch: Vec::new(),
            outgoing: Vec::new(),
        };
        Ok((relay, report))
    }

    /// Adds a flow. Returns its local addresses.
    pub fn add(&mut self, left: Side, right: Side) -> Result<(SocketAddr, SocketAddr)> {
        let (left_socket, left_local) = self.local(left.local)?;
        let (right_socket, right_local) = match self.local(right.local) {
            Ok(opened) => opened,
            Err(error) => {
                self.release(left_local);
                return Err(error);
            }
        };
        let sides = [
            ((left_socket, left.peer), left_local, (right_socket, right.peer)),
            ((right_socket, right.peer), right_local, (left_socket, left.peer)),
        ];
        if sides[0].0 == sides[1].0 || sides.iter().any(|(from, ..)| self.routes.contains_key(from))
        {
            self.release(left_local);
            self.release(right_local);
            bail!("this peer has a flow at this address already");
        }
        for (from, local, to) in sides {
            self.routes.insert(from, Route { local, to, packets: 0 });
        }
        Ok((left_local, right_local))
    }

    /// Ends the flow that has this side.
    pub fn remove(&mut self, side: Side) -> Result<()> {
        let socket = self.locals.get(&side.local).context("no flow at this address")?.socket;
        let from = (socket, side.peer);
        let to = self.routes.get(&from).context("no flow of this peer")?.to;
        for from in [from, to] {
            if let Some(route) = self.routes.remove(&from) {
                self.release(route.local);
            }
        }
        Ok(())
    }

    /// Obeys what comes by this socket.
    pub fn obey(&mut self, socket: UdpSocket) -> Result<()> {
        self.control = Some(self.io.add(socket)?);
        Ok(())
    }

    /// Carries what there is, waiting for it at most this long.
    pub fn turn(&mut self, timeout: Duration) -> Result<()> {
        let pause = self.tick.pause();
        let timeout = if pause.is_zero() {
            timeout
        } else {
            thread::sleep(pause);
            Duration::ZERO
        };
        let count = self.io.recv_batch(&self.pool, &mut self.batch, Some(timeout))?;
        self.tick.received(self.started.elapsed(), count);
        for mut datagram in std::mem::take(&mut self.batch) {
            let Some(peer) = datagram.peer else { continue };
            if self.control == Some(datagram.socket) {
                self.command(peer, &datagram.packet);
                continue;
            }
            match self.routes.get_mut(&(datagram.socket, peer)) {
                Some(route) => {
                    route.packets += 1;
                    datagram.socket = route.to.0;
                    datagram.peer = Some(route.to.1);
                    self.outgoing.push(datagram);
                }
                None => self.strangers += 1,
            }
        }
        self.io.send_batch(&mut self.outgoing)?;
        Ok(())
    }

    /// Counters in a line.
    pub fn stats(&self) -> String {
        let io = self.io.counters();
        format!(
            "flows {} received {} sent {} strangers {} dropped {} full {} calls {} {:.0}/s",
            self.routes.len() / 2,
            io.received,
            io.sent,
            self.strangers,
            io.dropped + io.truncated,
            io.send_full + io.oversize + io.errors,
            io.calls,
            self.tick.rate(),
        )
    }

    /// Every side: local address, peer, packets that came from there.
    pub fn sides(&self) -> impl Iterator<Item = (SocketAddr, SocketAddr, u64)> {
        self.routes.iter().map(|((_, peer), route)| (route.local, *peer, route.packets))
    }

    fn command(&mut self, peer: SocketAddr, text: &[u8]) {
        let answer = control::obey(self, text);
        let (Some(mut packet), Some(socket)) = (self.pool.take(), self.control) else { return };
        // An answer that is too long is cut.
        let room = packet.tailroom().min(1400);
        let answer = answer.as_bytes();
        if packet.extend_from_slice(answer.get(..room).unwrap_or(answer)).is_ok() {
            self.outgoing.push(Datagram::to(socket, peer, packet));
        }
    }

    fn local(&mut self, address: SocketAddr) -> Result<(SocketId, SocketAddr)> {
        if address.port() != 0
            && let Some(local) = self.locals.get_mut(&address)
        {
            local.flows += 1;
            return Ok((local.socket, address));
        }
        let socket = UdpSocket::bind(address).with_context(|| format!("bind {address}"))?;
        let address = socket.local_addr()?;
        let socket = self.io.add(socket)?;
        self.locals.insert(address, Local { socket, flows: 1 });
        Ok((socket, address))
    }

    fn release(&mut self, address: SocketAddr) {
        if let Entry::Occupied(mut local) = self.locals.entry(address) {
            local.get_mut().flows -= 1;
            if local.get().flows == 0 {
                self.io.remove(local.remove().socket);
            }
        }
    }
}
