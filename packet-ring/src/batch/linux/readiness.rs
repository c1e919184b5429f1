use std::collections::VecDeque;
use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::super::sockets::Sockets;
use super::super::{BATCH, Counters, SocketId};

/// Sockets, and which of them have something to receive.
///
/// A single socket is asked and waited for without epoll: a watched socket tells it of every packet that
/// has left as well, which costs as much as a system call. Several are watched edge-triggered: who is told of one has to
/// ask it until it has no more.
pub(super) struct Readiness {
    epoll: OwnedFd,
    /// Whether epoll watches the sockets: from the second one on.
    watching: bool,
    sockets: Sockets<Socket>,
    /// Sockets that may have more.
    ready: VecDeque<SocketId>,
    /// It told of as many as it may at once, so there may be others.
    is_full: bool,
    /// Some are asked again before the system is.
    repeats: bool,
    /// The one socket had something last time, so it is asked without waiting.
    eager: bool,
}

pub(super) struct Socket {
    socket: UdpSocket,
    /// The kernel's count of drops when last heard of.
    dropped: u32,
    /// It had more than one datagram the last time.
    pub(super) has_several: bool,
    /// It is among those that may have more.
    is_ready: bool,
}

impl Socket {
    pub(super) fn fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }

    /// Takes the kernel's count of drops; returns how many are new.
    pub(super) fn note_dropped(&mut self, total: u32) -> u64 {
        let new = total.wrapping_sub(self.dropped);
        self.dropped = total;
        new.into()
    }
}

impl Readiness {
    /// No sockets yet.
    ///
    /// # Errors
    ///
    /// When the system has no epoll to give.
    pub(super) fn new() -> io::Result<Self> {
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
            is_full: false,
            repeats: false,
            eager: false,
        })
    }

    /// Whether epoll tells of sockets, so that one need not guess.
    pub(super) fn is_watching(&self) -> bool {
        self.watching
    }

    pub(super) fn is_any_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether others may be ready that have not been told of.
    pub(super) fn may_be_more(&self) -> bool {
        self.is_full || self.is_any_ready()
    }

    #[inline]
    pub(super) fn get(&self, id: SocketId) -> Option<&Socket> {
        self.sockets.get(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (SocketId, &Socket)> {
        self.sockets.iter()
    }

    pub(super) fn get_mut(&mut self, id: SocketId) -> Option<&mut Socket> {
        self.sockets.get_mut(id)
    }

    pub(super) fn add(&mut self, socket: UdpSocket) -> io::Result<SocketId> {
        if !self.watching
            && let Some((id, first)) = self.sockets.iter().next()
        {
            self.watch(id, &first.socket)?;
            self.watching = true;
        }
        if self.watching {
            self.watch(self.sockets.next(), &socket)?;
        }
        Ok(self.sockets.insert(Socket { socket, dropped: 0, has_several: false, is_ready: false }))
    }

    pub(super) fn remove(&mut self, id: SocketId) -> bool {
        self.ready.retain(|ready| *ready != id);
        // Closing takes it out of epoll.
        let removed = self.sockets.remove(id).is_some();
        self.watching &= self.sockets.iter().next().is_some();
        removed
    }

    pub(super) fn shrink(&mut self) {
        self.sockets.shrink();
        self.ready.shrink_to_fit();
    }

    /// Begins a batch; the one socket need not be waited for while it has something each time. Where others have
    /// something each time, those that have come meanwhile have their turn after them.
    pub(super) fn begin(&mut self, counters: &mut Counters) -> io::Result<()> {
        if std::mem::take(&mut self.repeats) && self.watching {
            self.wait(Some(Duration::ZERO), counters)?;
        }
        if self.eager && self.ready.is_empty() && self.sockets.end() == 1 {
            self.note_ready(SocketId(0));
        }
        Ok(())
    }

    /// Ends a batch of `count` datagrams.
    pub(super) fn end(&mut self, count: usize) {
        self.eager = count > 0;
    }

    /// The next socket that may have something.
    #[inline]
    pub(super) fn next(&mut self) -> Option<SocketId> {
        let id = self.ready.pop_front()?;
        if let Some(socket) = self.sockets.get_mut(id) {
            socket.is_ready = false;
        }
        Some(id)
    }

    /// Asks it again, before all others.
    pub(super) fn again_first(&mut self, id: SocketId) {
        if self.becomes_ready(id) {
            self.ready.push_front(id);
        }
    }

    /// Asks it again, after all others.
    pub(super) fn again_last(&mut self, id: SocketId) {
        self.repeats = true;
        if self.becomes_ready(id) {
            self.ready.push_back(id);
        }
    }

    /// Waits for sockets to become ready.
    pub(super) fn wait(
        &mut self,
        timeout: Option<Duration>,
        counters: &mut Counters,
    ) -> io::Result<()> {
        counters.calls += 1;
        let timeout = milliseconds(timeout);
        if self.watching { self.wait_for_some(timeout) } else { self.wait_for_one(timeout) }
    }

    fn wait_for_some(&mut self, timeout: i32) -> io::Result<()> {
        // SAFETY: zeros are a valid event.
        let mut events: [libc::epoll_event; BATCH] = unsafe { std::mem::zeroed() };
        // SAFETY: the array has room for as many events as told.
        let count = unsafe {
            libc::epoll_wait(self.epoll.as_raw_fd(), events.as_mut_ptr(), BATCH as i32, timeout)
        };
        if count < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) };
        }
        self.is_full = count as usize == events.len();
        for event in events.iter().take(count as usize) {
            self.note_ready(SocketId(event.u64 as u32));
        }
        Ok(())
    }

    /// Waits for the one socket there is, if any.
    fn wait_for_one(&mut self, timeout: i32) -> io::Result<()> {
        let one = self.sockets.iter().next();
        let id = one.map(|(id, _)| id);
        // A negative descriptor is not looked at.
        let fd = one.map_or(-1, |(_, socket)| socket.fd());
        let mut watched = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        // SAFETY: there is one structure, as told.
        let count = unsafe { libc::poll(&mut watched, 1, timeout) };
        if count < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted { Ok(()) } else { Err(error) };
        }
        if count > 0
            && let Some(id) = id
        {
            self.note_ready(id);
        }
        Ok(())
    }

    fn note_ready(&mut self, id: SocketId) {
        if self.becomes_ready(id) {
            self.ready.push_back(id);
        }
    }

    /// Whether it is to be put among those that may have more: nobody is there twice.
    fn becomes_ready(&mut self, id: SocketId) -> bool {
        let socket = self.sockets.get_mut(id);
        socket.is_some_and(|socket| !std::mem::replace(&mut socket.is_ready, true))
    }

    /// Lets epoll watch a socket.
    fn watch(&self, id: SocketId, socket: &UdpSocket) -> io::Result<()> {
        let events = libc::EPOLLIN | libc::EPOLLET;
        let mut event = libc::epoll_event { events: events as u32, u64: id.0.into() };
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
}

/// A timeout for epoll and poll: rounded up, so that nobody turns round and round for less than one.
pub(super) fn milliseconds(timeout: Option<Duration>) -> i32 {
    match timeout {
        None => -1,
        Some(timeout) => i32::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX),
    }
}
