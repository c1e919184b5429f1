use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;
use std::vec::Vec;

use super::super::{BATCH, Counters, Datagram, IoConfig, SocketId};
use super::messages::Inbox;
use super::readiness::{Readiness, Socket};
use crate::pool::PacketPool;

/// The receiving half of a back end: sockets that epoll watches, read by `recvmmsg`, and where there is one datagram by a
/// call of its own.
pub(super) struct Intake {
    sockets: Readiness,
    /// A lone datagram is received without the kernel's notes: nobody wants its time.
    plain: bool,
    inbox: Inbox,
}

/// What is left in a socket that was asked.
enum Drained {
    /// Nothing.
    All,
    /// Perhaps something.
    Part,
    /// Something, for which there was no buffer.
    Starved,
}

/// Sockets asked for one batch. What the kernel knows of so many is still in the processor's cache when they
/// are sent by.
const AT_ONCE: usize = 16;

impl Intake {
    /// No sockets yet.
    ///
    /// # Errors
    ///
    /// When the system has no epoll to give.
    pub(super) fn new(config: &IoConfig) -> io::Result<Self> {
        Ok(Self {
            sockets: Readiness::new()?,
            plain: !config.timestamps && !config.gro,
            // Drops are told in a control message as well, so there is always room for one.
            inbox: Inbox::new(true, config.gro),
        })
    }

    pub(super) fn add(&mut self, socket: UdpSocket, config: &IoConfig) -> io::Result<SocketId> {
        socket.set_nonblocking(true)?;
        prepare(&socket, config)?;
        self.sockets.add(socket)
    }

    pub(super) fn remove(&mut self, socket: SocketId) -> bool {
        self.sockets.remove(socket)
    }

    #[inline]
    pub(super) fn socket(&self, id: SocketId) -> Option<&Socket> {
        self.sockets.get(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (SocketId, &Socket)> {
        self.sockets.iter()
    }

    pub(super) fn shrink(&mut self) {
        self.inbox.shrink();
        self.sockets.shrink();
    }

    /// As [`PacketIo::has_more`](super::super::PacketIo::has_more).
    pub(super) fn may_be_more(&self) -> bool {
        self.sockets.may_be_more()
    }

    /// As [`PacketIo::recv_batch`](super::super::PacketIo::recv_batch).
    pub(super) fn receive(
        &mut self,
        pool: &PacketPool,
        into: &mut Vec<Datagram>,
        timeout: Option<Duration>,
        counters: &mut Counters,
    ) -> io::Result<usize> {
        self.sockets.begin(counters)?;
        let mut count = self.take_ready(pool, into, counters);
        if count == 0 {
            // What is left here waits for the pool, and so for time to pass.
            if !self.sockets.is_any_ready() {
                self.sockets.wait(timeout, counters)?;
            }
            count = self.take_ready(pool, into, counters);
        }
        self.sockets.end(count);
        Ok(count)
    }

    /// Takes what the ready sockets have.
    fn take_ready(
        &mut self,
        pool: &PacketPool,
        into: &mut Vec<Datagram>,
        counters: &mut Counters,
    ) -> usize {
        let before = into.len();
        let full = before + BATCH;
        let mut asked = 0;
        while into.len() < full
            && asked < AT_ONCE
            && let Some(id) = self.sockets.next()
        {
            asked += 1;
            match self.drain(id, pool, full, into, counters) {
                Drained::All => {}
                // After all others: who is sent more than can be taken keeps nobody waiting.
                Drained::Part => self.sockets.again_last(id),
                Drained::Starved => {
                    self.sockets.again_first(id);
                    break;
                }
            }
        }
        let count = into.len() - before;
        counters.received += count as u64;
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
        counters: &mut Counters,
    ) -> Drained {
        let (before, starved) = (into.len(), counters.starved);
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
                self.inbox.receive_one(fd, id, pool, counters, into)
            } else {
                self.inbox.receive(fd, pool, wanted, counters).inspect(|received| {
                    let total = self.inbox.take(*received, id, pool, counters, into);
                    if let Some(total) = total {
                        counters.dropped += socket.note_dropped(total);
                    }
                })
            };
            let received = match received {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(_) => {
                    // An answer to something sent: it is consumed, there may be packets behind it.
                    counters.errors += 1;
                    return Drained::Part;
                }
            };
            socket.has_several = into.len() > before + 1;
            if counters.starved != starved {
                return Drained::Starved;
            }
            if received < wanted {
                return Drained::All;
            }
            if !watching {
                // A full batch is likely to be followed.
                return Drained::Part;
            }
        }
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
