use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;
use std::vec::Vec;

use super::super::{BATCH, Backend, Counters, Datagram, IoConfig, PacketIo, SocketId, UdpIo};
use super::messages::{Inbox, Outbox, SendFault, give_back, send_one, sort_out};
use super::readiness::{Readiness, Trigger};
use crate::pool::PacketPool;

/// `recvmmsg` and `sendmmsg` on sockets that epoll watches; a lone packet is read and sent by a call of its
/// own.
pub struct MmsgIo {
    config: IoConfig,
    sockets: Readiness,
    /// A lone datagram is received without the kernel's notes: nobody wants its time.
    plain: bool,
    inbox: Inbox,
    outbox: Outbox,
    gso: bool,
    counters: Counters,
}

/// What is left in a socket that was asked.
enum Drained {
    /// Nothing.
    All,
    /// Something, or nothing any more.
    Perhaps,
    /// Something, for which there was no room.
    Part,
    /// Something, for which there was no buffer.
    Starved,
}

/// Sockets asked for one batch. What the kernel knows of so many is still in the processor's cache when they
/// are sent by.
const AT_ONCE: usize = 16;

impl MmsgIo {
    /// No sockets yet.
    ///
    /// # Errors
    ///
    /// When the system has no epoll to give.
    pub fn new(config: IoConfig) -> io::Result<Self> {
        Ok(Self {
            sockets: Readiness::new(Trigger::Edge)?,
            plain: !config.timestamps && !config.gro,
            // Drops are told in a control message as well, so there is always room for one.
            inbox: Inbox::new(true, config.gro),
            outbox: Outbox::new(),
            gso: config.gso,
            counters: Counters::default(),
            config,
        })
    }

    /// Takes what the ready sockets have.
    fn take_ready(&mut self, pool: &PacketPool, into: &mut Vec<Datagram>) -> usize {
        let before = into.len();
        let full = before + BATCH;
        let mut asked = 0;
        while into.len() < full
            && asked < AT_ONCE
            && let Some(id) = self.sockets.next()
        {
            asked += 1;
            match self.drain(id, pool, full, into) {
                Drained::All => {}
                Drained::Part => self.sockets.again_first(id),
                Drained::Perhaps => self.sockets.again_last(id),
                Drained::Starved => {
                    self.sockets.again_first(id);
                    break;
                }
            }
        }
        let count = into.len() - before;
        self.counters.received += count as u64;
        count
    }

    /// Takes what a socket has until `into` holds `full`.
    ///
    /// Epoll tells of a socket once, when something comes (it is edge-triggered), so one has to be asked until it has no
    /// more. That costs less than to be told of it again: what it takes is in the processor's cache still.
    fn drain(
        &mut self,
        id: SocketId,
        pool: &PacketPool,
        full: usize,
        into: &mut Vec<Datagram>,
    ) -> Drained {
        let (before, starved) = (into.len(), self.counters.starved);
        let watching = self.sockets.is_watching();
        let Some(socket) = self.sockets.get_mut(id) else { return Drained::All };
        loop {
            // Most have one, and for one a table of messages costs more than it spares.
            let room = full.saturating_sub(into.len());
            let alone = self.plain && watching && !socket.has_several;
            let wanted = if alone { room.min(1) } else { room };
            if wanted == 0 {
                return Drained::Part;
            }
            let fd = socket.fd();
            let received = if alone {
                self.inbox.receive_one(fd, id, pool, &mut self.counters, into)
            } else {
                self.inbox.receive(fd, pool, wanted, &mut self.counters).inspect(|received| {
                    let total = self.inbox.take(*received, id, pool, &mut self.counters, into);
                    if let Some(total) = total {
                        self.counters.dropped += socket.note_dropped(total);
                    }
                })
            };
            let received = match received {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(_) => {
                    // An answer to something sent: it is consumed, there may be packets behind it.
                    self.counters.errors += 1;
                    return Drained::Perhaps;
                }
            };
            socket.has_several = into.len() > before + 1;
            if self.counters.starved != starved {
                return Drained::Starved;
            }
            if received < wanted {
                return Drained::All;
            }
            if !watching {
                // A full batch is likely to be followed.
                return Drained::Perhaps;
            }
        }
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
        self.sockets.begin();
        let mut count = self.take_ready(pool, into);
        if count == 0 {
            // What is left here waits for the pool, and so for time to pass.
            if !self.sockets.is_any_ready() {
                self.sockets.wait(timeout, &mut self.counters)?;
            }
            count = self.take_ready(pool, into);
        }
        self.sockets.end(count);
        Ok(count)
    }

    fn send_batch(&mut self, batch: &mut Vec<Datagram>) -> io::Result<usize> {
        sort_out(batch, &self.config, &mut self.counters, |id| self.sockets.get(id).is_some());
        let mut sent = 0;
        // The tables are of a batch; a longer one is several.
        for part in batch.chunks(BATCH) {
            // Datagrams in a row by one socket go together, where it has several.
            for row in part.chunk_by(|one, next| one.socket == next.socket) {
                let Some(socket) = row.first().and_then(|first| self.sockets.get(first.socket))
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
        self.sockets.may_be_more()
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
        socket.set_nonblocking(true)?;
        prepare(&socket, &self.config)?;
        self.sockets.add(socket)
    }

    fn remove(&mut self, socket: SocketId) -> bool {
        self.sockets.remove(socket)
    }
}

/// Sets the options that the configuration asks for; those the kernel does not know are done without.
pub(super) fn prepare(socket: &UdpSocket, config: &IoConfig) -> io::Result<()> {
    let fd = socket.as_raw_fd();
    if config.timestamps {
        set_option(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
    }
    let _ = set_option(fd, libc::SOL_SOCKET, libc::SO_RXQ_OVFL, 1);
    if config.gro {
        let _ = set_option(fd, libc::SOL_UDP, libc::UDP_GRO, 1);
    }
    Ok(())
}

pub(super) fn set_option(fd: RawFd, level: i32, name: i32, value: i32) -> io::Result<()> {
    // SAFETY: the option's value is an int, and its length is told.
    let done = unsafe {
        libc::setsockopt(fd, level, name, (&raw const value).cast(), size_of::<i32>() as u32)
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
