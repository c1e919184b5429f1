use std::io;
use std::net::UdpSocket;
use std::os::fd::RawFd;
use std::thread::{self, ThreadId};
use std::time::Duration;
use std::vec::Vec;

use io_uring::types::{Fd, Fixed};
use io_uring::{IoUring, opcode, squeue};

use super::super::{BATCH, Backend, Counters, Datagram, IoConfig, PacketIo, SocketId, UdpIo};
use super::intake::Intake;
use super::messages::{Outbox, SendFault, give_back, sort_out};
use crate::pool::PacketPool;

/// io_uring: one system call for the sends of a batch; received is as by [`MmsgIo`](super::MmsgIo).
///
/// Nothing is left with the kernel between calls. A receive that goes on by itself (multishot) would spare epoll,
/// but it ends each look at a socket by finding nothing, and costs a task's work for each packet; one that is asked for
/// anew each time has a header copied and a request made. Either is dearer than the system call that it saves.
pub struct UringIo {
    config: IoConfig,
    intake: Intake,
    ring: Ring,
    outbox: Outbox,
    /// What became of the entries of a batch, by their numbers.
    results: Vec<i32>,
    gso: bool,
    counters: Counters,
}

/// As many as a batch has.
const ENTRIES: u32 = BATCH as u32;
/// Places in the table of registered sockets; others are looked up.
const FILES: u32 = 4096;

impl UringIo {
    /// No sockets yet.
    ///
    /// # Errors
    ///
    /// When the system has no io_uring or no epoll to give.
    pub fn new(config: IoConfig) -> io::Result<Self> {
        Ok(Self {
            intake: Intake::new(&config)?,
            ring: Ring::new()?,
            outbox: Outbox::new(),
            results: Vec::with_capacity(BATCH),
            gso: config.gso,
            counters: Counters::default(),
            config,
        })
    }

    /// As [`new`](Self::new), when this system's io_uring can do what is needed: a datagram is sent to
    /// itself to find out.
    ///
    /// # Errors
    ///
    /// What is missing, or that it is forbidden.
    pub fn probed(config: IoConfig) -> io::Result<Self> {
        let pool = PacketPool::new(crate::pool::PoolConfig {
            slots: BATCH,
            ..crate::pool::PoolConfig::default()
        })
        .map_err(io::Error::other)?;
        let mut trial = Self::new(config.clone())?;
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let address = socket.local_addr()?;
        let id = trial.add(socket)?;
        let mut batch = Vec::new();
        let Some(packet) = pool.take() else { return Err(io::ErrorKind::OutOfMemory.into()) };
        batch.push(Datagram::to(id, address, packet));
        let sent = trial.send_batch(&mut batch)?;
        let received = trial.recv_batch(&pool, &mut batch, Some(Duration::from_secs(1)))?;
        if sent == 1 && received == 1 && trial.counters.errors == 0 {
            Self::new(config)
        } else {
            Err(io::Error::new(io::ErrorKind::Unsupported, "io_uring does not relay datagrams"))
        }
    }

    /// Sees to it that the ring is one of this thread's.
    fn settle(&mut self) -> io::Result<()> {
        if self.ring.is_at_home() {
            return Ok(());
        }
        let mut ring = Ring::new()?;
        for (id, socket) in self.intake.iter() {
            ring.register(id, socket.fd());
        }
        self.ring = ring;
        Ok(())
    }

    /// Sends the messages of one batch and waits until the kernel is done with them.
    fn send_part(&mut self, part: &[Datagram]) -> io::Result<usize> {
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        for message in 0..self.outbox.len() {
            let (start, count) = self.outbox.span(message);
            let first = &part[start];
            // Those without a socket have been sorted out.
            let Some(socket) = self.intake.socket(first.socket) else { continue };
            let (name, name_len) = self.outbox.name(message);
            // A message of one needs no header, which the kernel would have to copy.
            let one = |entry: opcode::Send| {
                entry.flags(flags).dest_addr(name.cast()).dest_addr_len(name_len).build()
            };
            let (fd, len) = (Fd(socket.fd()), first.packet.len() as u32);
            let several = |entry: opcode::SendMsg| entry.flags(flags as u32).build();
            let bytes = first.packet.as_ptr();
            let entry = match (self.ring.slot(first.socket), count) {
                (Some(slot), 1) => one(opcode::Send::new(slot, bytes, len)),
                (None, 1) => one(opcode::Send::new(fd, bytes, len)),
                (Some(slot), _) => several(opcode::SendMsg::new(slot, self.outbox.header(message))),
                (None, _) => several(opcode::SendMsg::new(fd, self.outbox.header(message))),
            };
            // SAFETY: the header and what it leads to belong to `outbox` and to `part`, both unchanged until
            // the completion was seen, which `finish` waits for; when it fails the caller never frees them.
            unsafe { self.ring.push(&entry.user_data(message as u64)) }?;
        }
        self.counters.calls += 1;
        self.ring.finish(&mut self.results)?;
        let mut sent = 0;
        for message in 0..self.outbox.len() {
            let (start, count) = self.outbox.span(message);
            let result = self.results.get(message).copied().unwrap_or(-libc::EAGAIN);
            if result >= 0 {
                sent += count;
                continue;
            }
            let part = &part[start..start + count];
            match SendFault::of(-result, count) {
                SendFault::Full => self.counters.send_full += count as u64,
                SendFault::Bad => self.counters.errors += count as u64,
                fault @ (SendFault::Again | SendFault::NoSegments) => {
                    self.gso &= fault == SendFault::Again;
                    self.counters.errors += u64::from(result == -libc::ECONNREFUSED);
                    // Rare: one by one, without the ring.
                    let Some(socket) = part.first().and_then(|one| self.intake.socket(one.socket))
                    else {
                        continue;
                    };
                    let mut again = Outbox::new();
                    again.fill(part, false);
                    self.counters.calls += 1;
                    let done = again.send(socket.fd(), 0, count, part).unwrap_or(0);
                    sent += done;
                    self.counters.send_full += (count - done) as u64;
                }
            }
        }
        Ok(sent)
    }
}

impl PacketIo for UringIo {
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
        self.settle()?;
        let mut total = 0;
        for part in batch.chunks(BATCH) {
            self.outbox.fill(part, self.gso);
            match self.send_part(part) {
                Ok(sent) => total += sent,
                Err(error) => {
                    // The kernel may still read the messages and the packets: they are never freed.
                    std::mem::forget(std::mem::replace(&mut self.outbox, Outbox::new()));
                    std::mem::forget(std::mem::take(batch));
                    return Err(error);
                }
            }
        }
        give_back(batch);
        self.counters.sent += total as u64;
        Ok(total)
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
        Backend::IoUring
    }
}

impl UdpIo for UringIo {
    fn add(&mut self, socket: UdpSocket) -> io::Result<SocketId> {
        self.settle()?;
        let id = self.intake.add(socket, &self.config)?;
        if let Some(socket) = self.intake.socket(id) {
            self.ring.register(id, socket.fd());
        }
        Ok(id)
    }

    fn remove(&mut self, id: SocketId) -> bool {
        // Where that fails, the old ring holds the socket until another takes its place.
        if self.settle().is_ok() {
            self.ring.register(id, -1);
        }
        self.intake.remove(id)
    }
}

/// The ring itself. Between calls nothing is under way.
struct Ring {
    ring: IoUring,
    /// The only thread that may use it, for which the kernel needs no lock.
    owner: ThreadId,
    /// Which places of the file table have a socket.
    registered: Vec<bool>,
    /// Entries whose completion has not been seen.
    open: usize,
    /// Nobody knows what became of the last entries: nothing is submitted any more.
    is_broken: bool,
}

impl Ring {
    fn new() -> io::Result<Self> {
        let mut of_one_thread = IoUring::builder();
        of_one_thread.setup_single_issuer().setup_defer_taskrun();
        // Linux 6.0 knows rings for everybody only.
        let ring = of_one_thread.build(ENTRIES).or_else(|_| IoUring::new(ENTRIES))?;
        let owner = thread::current().id();
        // Fewer files may be allowed; then there is no table.
        let places = if ring.submitter().register_files_sparse(FILES).is_ok() { FILES } else { 0 };
        let registered = std::vec![false; places as usize];
        Ok(Self { ring, owner, registered, open: 0, is_broken: false })
    }

    /// Whether this thread may use it; when it is broken nobody does, and it stays.
    fn is_at_home(&self) -> bool {
        self.is_broken || self.owner == thread::current().id()
    }

    /// The registered place of a socket, which spares the kernel a look-up for each packet.
    #[inline]
    fn slot(&self, id: SocketId) -> Option<Fixed> {
        self.registered.get(id.0 as usize)?.then_some(Fixed(id.0))
    }

    fn register(&mut self, id: SocketId, fd: RawFd) {
        if let Some(place) = self.registered.get_mut(id.0 as usize) {
            *place = self.ring.submitter().register_files_update(id.0, &[fd]).is_ok() && fd >= 0;
        }
    }

    /// Prepares an entry; its user data is its number in the batch, at most [`BATCH`] of them.
    ///
    /// # Safety
    ///
    /// What the entry points to is neither used nor freed before [`finish`](Self::finish) has returned; it need not
    /// live on when this fails, and must never be freed when that does.
    #[inline]
    unsafe fn push(&mut self, entry: &squeue::Entry) -> io::Result<()> {
        if self.is_broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        // SAFETY: the caller's promise.
        let pushed = unsafe { self.ring.submission().push(entry) };
        self.is_broken = pushed.is_err();
        self.open += 1;
        pushed.map_err(io::Error::other)
    }

    /// Submits what was prepared, waits until all of it is done, and tells the results by number.
    fn finish(&mut self, results: &mut Vec<i32>) -> io::Result<()> {
        results.clear();
        results.resize(self.open, -libc::EAGAIN);
        while self.open > 0 {
            if let Err(error) = self.ring.submit_and_wait(self.open)
                && !matches!(error.raw_os_error(), Some(libc::EINTR | libc::EBUSY | libc::EAGAIN))
            {
                self.is_broken = true;
                return Err(error);
            }
            for entry in self.ring.completion() {
                self.open = self.open.saturating_sub(1);
                if let Some(result) = results.get_mut(entry.user_data() as usize) {
                    *result = entry.result();
                }
            }
        }
        Ok(())
    }
}
