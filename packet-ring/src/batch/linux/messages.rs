//! The tables of pointers that `recvmmsg`, `sendmmsg` and io_uring want, and the only place that makes
//! them.

use core::ops::Range;
use core::{mem, ptr};
use std::os::fd::RawFd;
use std::vec::Vec;
use std::{boxed::Box, io};

use super::super::{BATCH, Counters, Datagram, IoConfig, SocketId};
use super::names::{Control, Name, Notes};
use crate::pool::{PacketBuf, PacketPool};

/// Messages to be received into: buffers of the pool, or long ones of its own for GRO.
pub(super) struct Inbox {
    names: Box<[Name]>,
    controls: Box<[Control]>,
    iovecs: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
    into: Into,
    with_control: bool,
    /// Places from here on have a buffer.
    filled: usize,
    /// Buffers taken from the pool for later.
    fresh: Vec<PacketBuf>,
}

enum Into {
    /// A buffer for each message, as long as there are any.
    Packets(Vec<Option<PacketBuf>>),
    /// Room for what GRO puts together, which is copied out.
    Long(Vec<Box<[u8]>>),
}

// SAFETY: the raw pointers in `iovecs` and `headers` lead to memory that this value owns (boxes, and slots
// whose handles it holds), which moves along with it; the kernel uses them during `receive` only.
unsafe impl Send for Inbox {}

/// Buffers taken from the pool at once.
const PORTION: usize = 32;

/// The longest that GRO makes.
const LONG: usize = 65_536;
const LONG_COUNT: usize = 8;

impl Inbox {
    /// `with_control`: whether the kernel shall have room for its notes.
    pub(super) fn new(with_control: bool, gro: bool) -> Self {
        let count = if gro { LONG_COUNT } else { BATCH };
        let none = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };
        // SAFETY: a message header of zeros is a valid one, without name, data and control.
        let header: libc::mmsghdr = unsafe { mem::zeroed() };
        let mut inbox = Self {
            names: std::vec![Name::default(); count].into(),
            controls: std::vec![Control::default(); count].into(),
            iovecs: std::vec![none; count].into(),
            headers: std::vec![header; count].into(),
            into: if gro {
                Into::Long((0..count).map(|_| std::vec![0; LONG].into()).collect())
            } else {
                Into::Packets((0..count).map(|_| None).collect())
            },
            with_control: with_control || gro,
            filled: count,
            fresh: Vec::with_capacity(BATCH),
        };
        for at in 0..count {
            let header = &mut inbox.headers[at].msg_hdr;
            header.msg_name = inbox.names[at].as_mut_ptr();
            header.msg_iov = &mut inbox.iovecs[at];
            header.msg_iovlen = 1;
            if let Into::Long(long) = &mut inbox.into {
                let long = &mut long[at];
                inbox.iovecs[at] =
                    libc::iovec { iov_base: long.as_mut_ptr().cast(), iov_len: LONG };
            }
            header.msg_namelen = Name::LEN as u32;
            if inbox.with_control {
                header.msg_control = inbox.controls[at].0.as_mut_ptr().cast();
                header.msg_controllen = Control::LEN as _;
            }
        }
        inbox
    }

    /// Gives messages buffers that have none; returns how many have one, from the first on.
    fn fill(&mut self, pool: &PacketPool, wanted: usize) -> usize {
        let Into::Packets(packets) = &mut self.into else { return self.headers.len().min(wanted) };
        let wanted = wanted.min(packets.len());
        let open = wanted.min(self.filled);
        let missing = packets[..open].iter().filter(|place| place.is_none()).count();
        if missing > self.fresh.len() {
            pool.take_ahead(PORTION.max(missing) - self.fresh.len(), &mut self.fresh);
            pool.take_batch(missing.saturating_sub(self.fresh.len()), &mut self.fresh);
        }
        for ((at, place), iovec) in packets[..open].iter_mut().enumerate().zip(&mut self.iovecs) {
            if place.is_some() {
                continue;
            }
            let Some(mut packet) = self.fresh.pop() else { return at };
            let spare = packet.spare_mut();
            *iovec = libc::iovec { iov_base: spare.as_mut_ptr().cast(), iov_len: spare.len() };
            *place = Some(packet);
        }
        if open == self.filled {
            self.filled = 0;
        }
        wanted
    }

    /// Gives the buffers held ready back to their pool.
    pub(super) fn shrink(&mut self) {
        if let Into::Packets(packets) = &mut self.into {
            self.filled = packets.len();
            packets.fill_with(|| None);
        }
        self.fresh.clear();
    }

    /// Receives up to `wanted` messages, without waiting.
    pub(super) fn receive(
        &mut self,
        fd: RawFd,
        pool: &PacketPool,
        wanted: usize,
        counters: &mut Counters,
    ) -> io::Result<usize> {
        let room = self.fill(pool, wanted);
        if room == 0 {
            counters.starved += 1;
            return Ok(0);
        }
        counters.calls += 1;
        if room == 1 {
            // One message needs no table of them.
            let header = &mut self.headers[0];
            // SAFETY: as below.
            let len = unsafe { libc::recvmsg(fd, &mut header.msg_hdr, libc::MSG_DONTWAIT) };
            header.msg_len = len.max(0) as u32;
            return if len < 0 { Err(io::Error::last_os_error()) } else { Ok(1) };
        }
        // SAFETY: the first `room` headers are whole: names, controls and iovecs are those of `self`, each
        // iovec leads to a buffer held by `self.into` and is as long as it, and nothing else touches them
        // during the call.
        let received = unsafe {
            libc::recvmmsg(
                fd,
                self.headers.as_mut_ptr(),
                room as u32,
                libc::MSG_DONTWAIT as _,
                ptr::null_mut(),
            )
        };
        if received < 0 { Err(io::Error::last_os_error()) } else { Ok(received as usize) }
    }

    /// Receives one datagram of `socket` into a buffer of the pool, without the kernel's notes, which spares it
    /// the reading and writing of a message's header. Returns how many came.
    pub(super) fn receive_one(
        &mut self,
        fd: RawFd,
        socket: SocketId,
        pool: &PacketPool,
        counters: &mut Counters,
        into: &mut Vec<Datagram>,
    ) -> io::Result<usize> {
        if self.fresh.is_empty() {
            pool.take_ahead(PORTION - 1, &mut self.fresh);
        }
        let Some(mut packet) = self.fresh.pop().or_else(|| pool.take()) else {
            counters.starved += 1;
            return Ok(0);
        };
        let name = &mut self.names[0];
        let mut name_len = Name::LEN as u32;
        let spare = packet.spare_mut();
        counters.calls += 1;
        // Not by the C library's function, as in `send_one`.
        // SAFETY: these are the arguments of `recvfrom`, all of a register's width; the buffer and the name are
        // borrowed, and their lengths are told.
        let len = unsafe {
            libc::syscall(
                libc::SYS_recvfrom,
                fd as libc::c_long,
                spare.as_mut_ptr(),
                spare.len(),
                (libc::MSG_DONTWAIT | libc::MSG_TRUNC) as libc::c_long,
                name.as_mut_ptr(),
                &raw mut name_len,
            )
        };
        // Of what was cut the whole length is told.
        match usize::try_from(len).map(|len| packet.set_len(len)) {
            Ok(Ok(())) => {
                let peer = name.address();
                into.push(Datagram { socket, peer, packet, received: None, offload: None });
                Ok(1)
            }
            Ok(Err(_)) => {
                self.fresh.push(packet);
                counters.truncated += 1;
                Ok(1)
            }
            Err(_) => {
                self.fresh.push(packet);
                Err(io::Error::last_os_error())
            }
        }
    }

    /// Hands the first `count` messages out as datagrams of `socket` and makes their places ready again.
    /// Returns the kernel's count of drops, if it told one.
    pub(super) fn take(
        &mut self,
        count: usize,
        socket: SocketId,
        pool: &PacketPool,
        counters: &mut Counters,
        into: &mut Vec<Datagram>,
    ) -> Option<u32> {
        let count = count.min(self.headers.len());
        into.reserve(count);
        let mut dropped = None;
        for at in 0..count {
            dropped = self.take_one(at, socket, pool, counters, into).or(dropped);
        }
        dropped
    }

    /// As [`take`](Self::take), of one message.
    #[inline]
    fn take_one(
        &mut self,
        at: usize,
        socket: SocketId,
        pool: &PacketPool,
        counters: &mut Counters,
        into: &mut Vec<Datagram>,
    ) -> Option<u32> {
        self.filled = self.filled.max(at + 1);
        let header = &mut self.headers[at];
        let len = header.msg_len as usize;
        let header = &mut header.msg_hdr;
        let mut notes = Notes::default();
        if self.with_control {
            if header.msg_controllen > 0 {
                let control = self.controls[at].0.get(..header.msg_controllen as _);
                notes = Control::notes(control.unwrap_or(&[]));
            }
            header.msg_controllen = Control::LEN as _;
        }
        header.msg_namelen = Name::LEN as u32;
        if header.msg_flags & libc::MSG_TRUNC != 0 {
            counters.truncated += 1;
            return notes.dropped;
        }
        let (peer, received) = (self.names[at].address(), notes.received);
        let datagram = |packet| Datagram { socket, peer, packet, received, offload: None };
        match &mut self.into {
            Into::Packets(packets) => {
                if let Some(mut packet) = packets[at].take()
                    && packet.set_len(len).is_ok()
                {
                    into.push(datagram(packet));
                }
            }
            Into::Long(long) => {
                let bytes = long[at].get(..len).unwrap_or_default();
                let segment = notes.segment.map_or(len, usize::from).max(1);
                // An empty datagram is one, too.
                let mut rest = bytes;
                loop {
                    let (one, more) = rest.split_at(segment.min(rest.len()));
                    match pool.take() {
                        Some(mut packet) => match packet.extend_from_slice(one) {
                            Ok(()) => into.push(datagram(packet)),
                            Err(_) => counters.truncated += 1,
                        },
                        None => counters.starved += 1,
                    }
                    rest = more;
                    if rest.is_empty() {
                        break;
                    }
                }
            }
        }
        notes.dropped
    }
}

/// Messages to be sent, made of up to [`BATCH`] datagrams: one each, or one for several of GSO.
pub(super) struct Outbox {
    names: Box<[Name]>,
    controls: Box<[Control]>,
    iovecs: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
    /// Index of the first datagram of each message, and how many.
    spans: Vec<(u16, u16)>,
}

// SAFETY: as for `Inbox`; besides, between two `fill`s the pointers to packets are used by nobody.
unsafe impl Send for Outbox {}

/// What the kernel takes as one (UDP_MAX_SEGMENTS, and 64 KiB less headers).
const MOST_SEGMENTS: usize = 64;
const MOST_BYTES: usize = 65_000;

impl Outbox {
    pub(super) fn new() -> Self {
        let none = libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 };
        // SAFETY: a message header of zeros is a valid one, without name, data and control.
        let header: libc::mmsghdr = unsafe { mem::zeroed() };
        Self {
            names: std::vec![Name::default(); BATCH].into(),
            controls: std::vec![Control::default(); BATCH].into(),
            iovecs: std::vec![none; BATCH].into(),
            headers: std::vec![header; BATCH].into(),
            spans: Vec::with_capacity(BATCH),
        }
    }

    /// Makes messages of up to [`BATCH`] datagrams, which must stay as they are while these are used.
    pub(super) fn fill(&mut self, batch: &[Datagram], gso: bool) {
        debug_assert!(batch.len() <= BATCH);
        self.spans.clear();
        for (iovec, datagram) in self.iovecs.iter_mut().zip(batch) {
            let packet = &*datagram.packet;
            *iovec =
                libc::iovec { iov_base: packet.as_ptr().cast_mut().cast(), iov_len: packet.len() };
        }
        let mut at = 0;
        let tables = self.headers.iter_mut().zip(&mut self.names).zip(&mut self.controls);
        for ((header, name), control) in tables {
            let Some(first) = batch.get(at) else { break };
            let count = if gso { in_a_row(&batch[at..]) } else { 1 };
            let header = &mut header.msg_hdr;
            // The caller has sorted out those without a peer.
            header.msg_namelen = first.peer.map_or(0, |peer| name.set(peer));
            header.msg_name = name.as_mut_ptr();
            header.msg_iov = &mut self.iovecs[at];
            header.msg_iovlen = count as _;
            if count > 1 {
                header.msg_controllen = control.set_segments(first.packet.len() as u16) as _;
                header.msg_control = control.0.as_mut_ptr().cast();
            } else {
                header.msg_controllen = 0;
                header.msg_control = ptr::null_mut();
            }
            self.spans.push((at as u16, count as u16));
            at += count;
        }
    }

    /// How many messages there are.
    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The datagrams of a message: the first, and how many.
    pub(super) fn span(&self, message: usize) -> (usize, usize) {
        self.spans.get(message).map_or((0, 0), |(start, count)| ((*start).into(), (*count).into()))
    }

    /// How many datagrams some messages are.
    pub(super) fn datagrams(&self, messages: Range<usize>) -> usize {
        let spans = self.spans.get(messages).unwrap_or(&[]);
        spans.iter().map(|(_, count)| usize::from(*count)).sum()
    }

    /// The header of a message, for io_uring. It is good until the next `fill`.
    pub(super) fn header(&self, message: usize) -> *const libc::msghdr {
        self.headers.get(message).map_or(ptr::null(), |header| &header.msg_hdr)
    }

    /// The peer of a message as the kernel wants it, and its length; good until the next `fill`.
    pub(super) fn name(&self, message: usize) -> (*const libc::c_void, u32) {
        self.headers.get(message).map_or((ptr::null(), 0), |header| {
            (header.msg_hdr.msg_name.cast_const(), header.msg_hdr.msg_namelen)
        })
    }

    /// Sends messages `from..to` by one socket; returns how many went.
    pub(super) fn send(
        &mut self,
        fd: RawFd,
        from: usize,
        to: usize,
        batch: &[Datagram],
    ) -> io::Result<usize> {
        debug_assert_eq!(self.datagrams(0..self.len()), batch.len());
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        let headers = &mut self.headers[from..to];
        // SAFETY: the headers were made by `fill` of this batch, which is borrowed and so unchanged; names,
        // controls and iovecs are those of `self`. The kernel only reads them, apart from `msg_len`.
        let sent =
            unsafe { libc::sendmmsg(fd, headers.as_mut_ptr(), headers.len() as u32, flags as _) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(sent as usize) }
    }
}

/// Sends one datagram, which needs no header that the kernel would have to copy.
#[inline]
pub(super) fn send_one(fd: RawFd, datagram: &Datagram) -> io::Result<()> {
    let Some(peer) = datagram.peer else { return Err(io::ErrorKind::InvalidInput.into()) };
    let mut name = Name::default();
    let name_len = name.set(peer);
    let packet = &*datagram.packet;
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // The C library's own functions take part in the cancelling of threads, by two exchanges on shared memory a
    // call; nobody cancels threads here.
    // SAFETY: these are the arguments of `sendto`, all of a register's width; the packet is borrowed, the name is
    // ours, and the kernel only reads them.
    let sent = unsafe {
        libc::syscall(
            libc::SYS_sendto,
            fd as libc::c_long,
            packet.as_ptr(),
            packet.len(),
            flags as libc::c_long,
            name.as_mut_ptr(),
            name_len as libc::c_long,
        )
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// How many datagrams from the first on can be one message: same socket, same peer, same length, the last
/// one perhaps shorter.
fn in_a_row(batch: &[Datagram]) -> usize {
    let Some(first) = batch.first() else { return 0 };
    let len = first.packet.len();
    if len == 0 {
        return 1;
    }
    let mut total = len;
    let mut count = 1;
    for next in batch.iter().skip(1).take(MOST_SEGMENTS - 1) {
        let fits =
            total + next.packet.len() <= MOST_BYTES && (1..=len).contains(&next.packet.len());
        if !fits || next.socket != first.socket || next.peer != first.peer {
            break;
        }
        count += 1;
        total += next.packet.len();
        if next.packet.len() < len {
            break;
        }
    }
    count
}

/// Drops what cannot be sent: no such socket, no peer, too long.
pub(super) fn sort_out(
    batch: &mut Vec<Datagram>,
    config: &IoConfig,
    counters: &mut Counters,
    is_open: impl Fn(SocketId) -> bool,
) {
    let fits = |datagram: &Datagram, peer| datagram.packet.len() <= config.largest_payload(peer);
    let is_fine = |datagram: &Datagram| {
        datagram.peer.is_some_and(|peer| fits(datagram, peer)) && is_open(datagram.socket)
    };
    // Nearly always there is nothing to do, and then nothing is moved.
    let Some(first) = batch.iter().position(|datagram| !is_fine(datagram)) else { return };
    let mut at = 0;
    batch.retain(|datagram| {
        at += 1;
        if at <= first || is_fine(datagram) {
            return true;
        }
        match datagram.peer {
            Some(_) if is_open(datagram.socket) => counters.oversize += 1,
            _ => counters.errors += 1,
        }
        false
    });
}

/// Empties a batch that was sent.
pub(super) fn give_back(batch: &mut Vec<Datagram>) {
    PacketPool::give_back(batch.drain(..).map(|datagram| datagram.packet));
}

/// What an errno of a send means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SendFault {
    /// Try the same once more: a signal, or an answer to an earlier packet told now.
    Again,
    /// The queue is full.
    Full,
    /// This path does not segment: send one by one.
    NoSegments,
    /// This message cannot go.
    Bad,
}

impl SendFault {
    pub(super) fn of(errno: i32, segments: usize) -> Self {
        match errno {
            libc::EINTR | libc::ECONNREFUSED => Self::Again,
            libc::EAGAIN | libc::ENOBUFS | libc::ENOMEM => Self::Full,
            libc::EIO | libc::EINVAL | libc::EMSGSIZE | libc::EOPNOTSUPP if segments > 1 => {
                Self::NoSegments
            }
            _ => Self::Bad,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::PoolConfig;
    use std::net::SocketAddr;

    #[test]
    fn rows_of_datagrams() {
        let pool = PacketPool::new(PoolConfig { slots: 300, ..PoolConfig::default() }).unwrap();
        let datagram = |socket: u32, port: u16, len: usize| {
            let mut packet = pool.take().unwrap();
            packet.set_len(len).unwrap();
            Datagram::to(SocketId(socket), SocketAddr::from(([127, 0, 0, 1], port)), packet)
        };
        let row = |batch: &[(u32, u16, usize)]| {
            in_a_row(&batch.iter().map(|&(s, p, l)| datagram(s, p, l)).collect::<Vec<_>>())
        };
        assert_eq!(row(&[(1, 1, 172), (1, 1, 172), (1, 1, 172)]), 3);
        assert_eq!(row(&[(1, 1, 172), (1, 1, 100), (1, 1, 100)]), 2, "a shorter one is the last");
        assert_eq!(row(&[(1, 1, 172), (1, 1, 173)]), 1);
        assert_eq!(row(&[(1, 1, 172), (1, 2, 172)]), 1);
        assert_eq!(row(&[(1, 1, 172), (2, 1, 172)]), 1);
        assert_eq!(row(&[(1, 1, 0), (1, 1, 0)]), 1, "empty ones are no segments");
        assert_eq!(row(&[(1, 1, 172), (1, 1, 0)]), 1);
        assert_eq!(row(&[(1, 1, 172); 100]), 64);
        assert_eq!(row(&[(1, 1, 1400); 60]), 46);
        assert_eq!(row(&[]), 0);
    }
}
