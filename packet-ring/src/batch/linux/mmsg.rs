use std::io;
use std::net::UdpSocket;
use std::os::fd::RawFd;
use std::time::Duration;
use std::vec::Vec;

use super::super::{BATCH, Backend, Counters, Datagram, IoConfig, PacketIo, SocketId, UdpIo};
use super::intake::Intake;
use super::messages::{Outbox, SendFault, give_back, send_one, sort_out};
use crate::pool::PacketPool;

/// `recvmmsg` and `sendmmsg` on sockets that epoll watches; a lone packet is read and sent by a call of its
/// own.
pub struct MmsgIo {
    config: IoConfig,
    intake: Intake,
    outbox: Outbox,
    gso: bool,
    counters: Counters,
}

impl MmsgIo {
    /// No sockets yet.
    ///
    /// # Errors
    ///
    /// When the system has no epoll to give.
    pub fn new(config: IoConfig) -> io::Result<Self> {
        Ok(Self {
            intake: Intake::new(&config)?,
            outbox: Outbox::new(),
            gso: config.gso,
            counters: Counters::default(),
            config,
        })
    }

    /// Sends one datagram. Returns how many went.
    #[inline]
    fn send_alone(&mut self, fd: RawFd, datagram: &Datagram) -> usize {
        let mut again = false;
        loop {
            self.counters.calls += 1;
            let Err(error) = send_one(fd, datagram) else { return 1 };
            let error = error.raw_os_error().unwrap_or(0);
            match SendFault::of(error, 1) {
                SendFault::Again if !again => {
                    again = true;
                    self.counters.errors += u64::from(error != libc::EINTR);
                    continue;
                }
                SendFault::Full => self.counters.send_full += 1,
                SendFault::Again | SendFault::NoSegments | SendFault::Bad => {
                    self.counters.errors += 1;
                }
            }
            return 0;
        }
    }

    /// Sends the messages `from..to`, all by one socket. Returns how many datagrams went.
    fn send_run(&mut self, fd: RawFd, from: usize, to: usize, batch: &[Datagram]) -> usize {
        let mut sent = 0;
        let mut at = from;
        let mut again = false;
        while at < to {
            self.counters.calls += 1;
            let error = match self.outbox.send(fd, at, to, batch) {
                Ok(count) => {
                    sent += self.outbox.datagrams(at..at + count);
                    at += count;
                    again = false;
                    if count > 0 {
                        continue;
                    }
                    libc::EAGAIN
                }
                Err(error) => error.raw_os_error().unwrap_or(0),
            };
            let (start, count) = self.outbox.span(at);
            match SendFault::of(error, count) {
                SendFault::Again if !again => {
                    again = true;
                    self.counters.errors += u64::from(error != libc::EINTR);
                }
                SendFault::Full => {
                    self.counters.send_full += self.outbox.datagrams(at..to) as u64;
                    break;
                }
                SendFault::NoSegments => {
                    self.gso = false;
                    let mut single = Outbox::new();
                    let part = &batch[start..start + count];
                    single.fill(part, false);
                    std::mem::swap(&mut single, &mut self.outbox);
                    sent += self.send_run(fd, 0, count, part);
                    std::mem::swap(&mut single, &mut self.outbox);
                    at += 1;
                }
                SendFault::Again | SendFault::Bad => {
                    self.counters.errors += count as u64;
                    at += 1;
                    again = false;
                }
            }
        }
        sent
    }
}

impl PacketIo for MmsgIo {
    fn recv_batch(
        &mut self,
        pool: &PacketPool,
        into: &mut Vec<Datagram>,
        timeout: Option<Duration>,
    ) -> io::Result<usize> {
        self.intake.receive(pool, into, timeout, &mut self.counters)
    }

    fn send_batch(&mut self, batch: &mut Vec<Datagram>) -> io::Result<usize> {
        sort_out(batch, &self.config, &mut self.counters, |id| self.intake.socket(id).is_some());
        let mut sent = 0;
        // The tables are of a batch; a longer one is several.
        for part in batch.chunks(BATCH) {
            // Datagrams in a row by one socket go together, where it has several.
            for row in part.chunk_by(|one, next| one.socket == next.socket) {
                let Some(socket) = row.first().and_then(|first| self.intake.socket(first.socket))
                else {
                    continue;
                };
                let fd = socket.fd();
                sent += match row {
                    [alone] => self.send_alone(fd, alone),
                    _ => {
                        self.outbox.fill(row, self.gso);
                        self.send_run(fd, 0, self.outbox.len(), row)
                    }
                };
            }
        }
        give_back(batch);
        self.counters.sent += sent as u64;
        Ok(sent)
    }

    fn has_more(&self) -> bool {
        self.intake.may_be_more()
    }

    fn shrink(&mut self) {
        self.intake.shrink();
    }

    fn counters(&self) -> Counters {
        self.counters
    }

    fn backend(&self) -> Backend {
        Backend::Mmsg
    }
}

impl UdpIo for MmsgIo {
    fn add(&mut self, socket: UdpSocket) -> io::Result<SocketId> {
        self.intake.add(socket, &self.config)
    }

    fn remove(&mut self, socket: SocketId) -> bool {
        self.intake.remove(socket)
    }
}
