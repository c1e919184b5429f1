use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};
use std::vec::Vec;

use super::sockets::Sockets;
use super::{BATCH, Backend, Counters, Datagram, IoConfig, PacketIo, SocketId, UdpIo};
use crate::pool::PacketPool;

/// The standard library's sockets, one packet a call. It cannot wait for many sockets, so it naps between
/// looks, at most a millisecond.
#[derive(Debug)]
pub struct StdIo {
    config: IoConfig,
    sockets: Sockets,
    counters: Counters,
    /// Where the last round of looks ended, so that each socket has its turn.
    turn: u32,
    /// It was ended by a full batch.
    is_full: bool,
}

const SHORTEST_NAP: Duration = Duration::from_micros(50);
const LONGEST_NAP: Duration = Duration::from_millis(1);

impl StdIo {
    /// No sockets yet.
    pub fn new(config: IoConfig) -> Self {
        Self {
            config,
            sockets: Sockets::default(),
            counters: Counters::default(),
            turn: 0,
            is_full: false,
        }
    }

    /// One look at each socket, more at those that have something.
    fn look(&mut self, pool: &PacketPool, into: &mut Vec<Datagram>) -> usize {
        let mut count = 0;
        let end = self.sockets.end();
        for step in 0..end {
            let id = SocketId((self.turn + step) % end);
            let Some(socket) = self.sockets.get(id) else { continue };
            while count < BATCH {
                let Some(mut packet) = pool.take() else {
                    self.counters.starved += 1;
                    return count;
                };
                self.counters.calls += 1;
                match socket.recv_from(packet.spare_mut()) {
                    // The standard library does not tell whether it was cut; a full buffer means it may be.
                    Ok((len, _)) if len == packet.tailroom() => self.counters.truncated += 1,
                    Ok((len, peer)) => {
                        if packet.set_len(len).is_ok() {
                            count += 1;
                            let peer = Some(peer);
                            into.push(Datagram {
                                socket: id,
                                peer,
                                packet,
                                received: None,
                                offload: None,
                            });
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    // An answer to something sent before: the peer's port is closed.
                    Err(_) => self.counters.errors += 1,
                }
            }
            if count == BATCH {
                // After all others: who is sent more than can be taken keeps nobody waiting.
                self.turn = id.0 + 1;
                break;
            }
        }
        self.is_full = count == BATCH;
        self.counters.received += count as u64;
        count
    }
}

impl PacketIo for StdIo {
    fn recv_batch(
        &mut self,
        pool: &PacketPool,
        into: &mut Vec<Datagram>,
        timeout: Option<Duration>,
    ) -> io::Result<usize> {
        let started = Instant::now();
        let mut nap = SHORTEST_NAP;
        loop {
            let count = self.look(pool, into);
            let left = timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
            if count > 0 || left == Some(Duration::ZERO) {
                return Ok(count);
            }
            thread::sleep(nap.min(left.unwrap_or(nap)));
            nap = (nap * 2).min(LONGEST_NAP);
        }
    }

    fn send_batch(&mut self, batch: &mut Vec<Datagram>) -> io::Result<usize> {
        let mut sent = 0;
        for Datagram { socket, peer, packet, .. } in batch.drain(..) {
            let (Some(socket), Some(peer)) = (self.sockets.get(socket), peer) else {
                self.counters.errors += 1;
                continue;
            };
            if packet.len() > self.config.largest_payload(peer) {
                self.counters.oversize += 1;
                continue;
            }
            self.counters.calls += 1;
            let mut done = socket.send_to(&packet, peer);
            if done.as_ref().is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused) {
                // That was an answer to an earlier packet, told now; this one was not tried.
                self.counters.errors += 1;
                done = socket.send_to(&packet, peer);
            }
            match done {
                Ok(_) => sent += 1,
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.counters.send_full += 1,
                Err(_) => self.counters.errors += 1,
            }
        }
        self.counters.sent += sent as u64;
        Ok(sent)
    }

    fn has_more(&self) -> bool {
        self.is_full
    }

    fn shrink(&mut self) {
        self.sockets.shrink();
    }

    fn counters(&self) -> Counters {
        self.counters
    }

    fn backend(&self) -> Backend {
        Backend::Std
    }
}

impl UdpIo for StdIo {
    fn add(&mut self, socket: UdpSocket) -> io::Result<SocketId> {
        socket.set_nonblocking(true)?;
        Ok(self.sockets.insert(socket))
    }

    fn remove(&mut self, socket: SocketId) -> bool {
        self.sockets.remove(socket).is_some()
    }
}
