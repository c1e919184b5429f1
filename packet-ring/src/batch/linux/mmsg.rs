use std::collections::VecDeque;
use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;
use std::vec::Vec;

use super::super::sockets::Sockets;
use super::super::{BATCH, Backend, Counters, Datagram, IoConfig, PacketIo, SocketId, UdpIo};
use super::demand::Demand;
use super::messages::{Inbox, Outbox, SendFault, give_back, send_one, sort_out};
use crate::pool::PacketPool;

/// `recvmmsg` and `sendmmsg` on sockets that epoll watches.
///
/// A single socket is asked and waited for without epoll: a watched socket tells it of every packet that
/// has left as well, which costs as much as a system call.
pub struct MmsgIo {
    config: IoConfig,
    epoll: OwnedFd,
    /// Whether epoll watches the sockets: from the second one on.
    watching: bool,
    sockets: Sockets<Socket>,
    /// Sockets that may have more.
    ready: VecDeque<SocketId>,
    /// How often epoll has told of ready ones (wraps).
    round: u32,
    /// The one socket had something last time, so it is asked without epoll.
    eager: bool,
    /// A lone datagram is received without the kernel's notes: nobody wants its time.
    plain: bool,
    inbox: Inbox,
    outbox: Outbox,
    gso: bool,
    counters: Counters,
}

/// Sockets asked for one batch. What the kernel knows of so many is still in the processor's cache when they
/// are sent by.
const AT_ONCE: usize = 16;

struct Socket {
    socket: UdpSocket,
    /// The kernel's count of drops when last heard of.
    dropped: u32,
    demand: Demand,
}

impl MmsgIo {
    /// No sockets yet.
    ///
    /// # Errors
    ///
    /// When the system has no epoll to give.
    pub fn new(config: IoConfig) -> io::Result<Self> {
        // SAFETY: no pointers are passed.
        let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if epoll < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and nobody else's.
        let epoll = unsafe { OwnedFd::from_raw_fd(epoll) };
        Ok(Self {
            epoll,
            watching: false,
            sockets: Sockets::default(),
            ready: VecDeque::new(),
            round: 0,
            eager: false,
            plain: !config.timestamps && !config.gro,
            // Drops are told in a control message as well, so there is always room for one.
            inbox: Inbox::new(true, config.gro),
            outbox: Outbox::new(),
            gso: config.gso,
            counters: Counters::default(),
            config,
        })
    }

    /// Waits for sockets to become readable.
    fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        if !self.watching {
            return self.wait_for_one(timeout);
        }
        // SAFETY: zeros are a valid event.
        let mut events: [libc::epoll_event; BATCH] = unsafe { std::mem::zeroed() };
        self.counters.calls += 1;
        // SAFETY: the array has room for as many events as told.
        let count = unsafe {
            libc::epoll_wait(
                self.epoll.as_raw_fd(),
                events.as_mut_ptr(),
                BATCH as i32,
                milliseconds(timeout),
            )
        };
        if count < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) };
        }
        self.round = self.round.wrapping_add(1);
        self.ready
            .extend(events.iter().take(count as usize).map(|event| SocketId(event.u64 as u32)));
        Ok(())
    }

    /// Waits for the one socket there is, if any.
    fn wait_for_one(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let id = self.sockets.iter().next().map(|(id, _)| id);
        // A negative descriptor is not looked at.
        let fd = self.sockets.iter().next().map_or(-1, |(_, socket)| socket.socket.as_raw_fd());
        let mut watched = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        self.counters.calls += 1;
        // SAFETY: there is one structure, as told.
        let count = unsafe { libc::poll(&mut watched, 1, milliseconds(timeout)) };
        if count < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) };
        }
        if count > 0 {
            self.ready.extend(id);
        }
        Ok(())
    }

    /// Lets epoll watch a socket.
    fn watch(&self, id: SocketId, socket: &UdpSocket) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: id.0.into() };
        // SAFETY: both descriptors are open and the event is valid for the call.
        let added = unsafe {
            libc::epoll_ctl(
                self.epoll.as_raw_fd(),
                libc::EPOLL_CTL_ADD,
                socket.as_raw_fd(),
                &mut event,
            )
        };
        if added < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// Takes what the ready sockets have.
    fn take_ready(&mut self, pool: &PacketPool, into: &mut Vec<Datagram>) -> usize {
        let mut count = 0;
        let mut asked = 0;
        while count < BATCH
            && asked < AT_ONCE
            && let Some(id) = self.ready.pop_front()
        {
            let Some(socket) = self.sockets.get_mut(id) else { continue };
            asked += 1;
            let room = BATCH - count;
            // Epoll tells as often as asked what still has some, so with its help less will do.
            let wanted = if self.watching { socket.demand.next().min(room) } else { room };
            let (starved, before) = (self.counters.starved, into.len());
            let fd = socket.socket.as_raw_fd();
            let received = if wanted == 1 && self.plain {
                self.inbox.receive_one(fd, id, pool, &mut self.counters, into)
            } else {
                self.inbox.receive(fd, pool, wanted, &mut self.counters).inspect(|received| {
                    let total = self.inbox.take(*received, id, pool, &mut self.counters, into);
                    if let Some(total) = total {
                        self.counters.dropped += u64::from(total.wrapping_sub(socket.dropped));
                        socket.dropped = total;
                    }
                })
            };
            match received {
                Ok(received) => {
                    count += into.len() - before;
                    if self.counters.starved != starved {
                        self.ready.push_front(id);
                        break;
                    }
                    socket.demand.met(self.round, wanted, received);
                    // A full batch is likely to be followed.
                    if wanted > 1 && received == wanted {
                        self.ready.push_back(id);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    socket.demand.met(self.round, wanted, 0);
                }
                Err(_) => {
                    // An answer to something sent: it is consumed, there may be packets behind it.
                    self.counters.errors += 1;
                    self.ready.push_back(id);
                }
            }
        }
        self.counters.received += count as u64;
        count
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
        if self.eager && self.ready.is_empty() && self.sockets.end() == 1 {
            self.ready.push_back(SocketId(0));
        }
        let mut count = self.take_ready(pool, into);
        if count == 0 {
            // What is left here waits for the pool, and so for time to pass.
            if self.ready.is_empty() {
                self.wait(timeout)?;
            }
            count = self.take_ready(pool, into);
        }
        self.eager = count > 0;
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
                let fd = socket.socket.as_raw_fd();
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
        !self.ready.is_empty()
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
        let first = self.sockets.iter().next();
        if !self.watching
            && let Some((id, first)) = first
        {
            self.watch(id, &first.socket)?;
            self.watching = true;
        }
        if self.watching {
            self.watch(self.sockets.next(), &socket)?;
        }
        Ok(self.sockets.insert(Socket { socket, dropped: 0, demand: Demand::default() }))
    }

    fn remove(&mut self, socket: SocketId) -> bool {
        self.ready.retain(|ready| *ready != socket);
        // Closing takes it out of epoll.
        let removed = self.sockets.remove(socket).is_some();
        self.watching &= self.sockets.iter().next().is_some();
        removed
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

/// A timeout for epoll and poll: rounded up, so that nobody turns round and round for less than one.
pub(super) fn milliseconds(timeout: Option<Duration>) -> i32 {
    match timeout {
        None => -1,
        Some(timeout) => i32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX),
    }
}
