//! The tables of pointers that `recvmmsg`, `sendmmsg` and io_uring want, and the only place that makes
//! them.

use core::{mem, ptr};
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::vec::Vec;
use std::{boxed::Box, io};

use super::super::{BATCH, Counters, Datagram, IoConfig};
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
            inbox.reset(at);
        }
        inbox
    }

    /// Makes message `at` ready to be received into again.
    fn reset(&mut self, at: usize) {
        let header = &mut self.headers[at].msg_hdr;
        header.msg_namelen = Name::LEN as u32;
        header.msg_flags = 0;
        if self.with_control {
            header.msg_control = self.controls[at].0.as_mut_ptr().cast();
            header.msg_controllen = Control::LEN as _;
        }
    }

    /// Gives messages buffers that have none; returns how many have one, from the first on.
    fn fill(&mut self, pool: &PacketPool, wanted: usize) -> usize {
        let Into::Packets(packets) = &mut self.into else { return self.headers.len().min(wanted) };
        for (at, place) in packets.iter_mut().enumerate().take(wanted) {
            if place.is_some() {
                continue;
            }
            let Some(mut packet) = pool.take() else { return at };
            let spare = packet.spare_mut();
            self.iovecs[at] =
                libc::iovec { iov_base: spare.as_mut_ptr().cast(), iov_len: spare.len() };
            *place = Some(packet);
        }
        wanted.min(packets.len())
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

    /// Hands the first `count` messages out and makes their places ready again.
    pub(super) fn take(
        &mut self,
        count: usize,
        pool: &PacketPool,
        counters: &mut Counters,
        mut each: impl FnMut(PacketBuf, Option<SocketAddr>, Notes),
    ) {
        for at in 0..count.min(self.headers.len()) {
            let header = &self.headers[at];
            let len = header.msg_len as usize;
            let cut = header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            let notes = match self.controls[at].0.get(..header.msg_hdr.msg_controllen as _) {
                Some(control) if self.with_control => Control::notes(control),
                _ => Notes::default(),
            };
            let peer = self.names[at].address();
            self.reset(at);
            if cut {
                counters.truncated += 1;
                continue;
            }
            match &mut self.into {
                Into::Packets(packets) => {
                    if let Some(mut packet) = packets[at].take()
                        && packet.set_len(len).is_ok()
                    {
                        each(packet, peer, notes);
                    }
                }
                Into::Long(long) => {
                    let Some(bytes) = long[at].get(..len) else { continue };
                    let segment = notes.segment.map_or(len, usize::from).max(1);
                    // An empty datagram is one, too.
                    let mut rest = bytes;
                    loop {
                        let (one, more) = rest.split_at(segment.min(rest.len()));
                        match pool.take() {
                            Some(mut packet) => match packet.extend_from_slice(one) {
                                Ok(()) => each(packet, peer, notes),
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
        }
    }
}

/// Messages to be sent, made of a batch of datagrams: one each, or one for several of GSO.
pub(super) struct Outbox {
    names: Vec<(Name, u32)>,
    controls: Vec<(Control, usize)>,
    iovecs: Vec<libc::iovec>,
    /// Index of the first datagram, and how many.
    spans: Vec<(usize, usize)>,
    headers: Vec<libc::mmsghdr>,
}

// SAFETY: as for `Inbox`; besides, between two `fill`s the pointers to packets are used by nobody.
unsafe impl Send for Outbox {}

/// What the kernel takes as one (UDP_MAX_SEGMENTS, and 64 KiB less headers).
const MOST_SEGMENTS: usize = 64;
const MOST_BYTES: usize = 65_000;

impl Outbox {
    pub(super) fn new() -> Self {
        Self {
            names: Vec::new(),
            controls: Vec::new(),
            iovecs: Vec::new(),
            spans: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Makes messages of all datagrams of the batch. The batch must stay as it is while they are used.
    pub(super) fn fill(&mut self, batch: &[Datagram], gso: bool) {
        self.names.clear();
        self.controls.clear();
        self.iovecs.clear();
        self.spans.clear();
        self.headers.clear();
        let mut at = 0;
        while let Some(first) = batch.get(at) {
            let count = if gso { in_a_row(&batch[at..]) } else { 1 };
            // The caller has sorted out those without a peer.
            let peer = first.peer.unwrap_or(SocketAddr::from(([0, 0, 0, 0], 0)));
            self.names.push(Name::of(peer));
            let segments = if count > 1 {
                Control::segments(first.packet.len() as u16)
            } else {
                (Control::default(), 0)
            };
            // Only messages of several have control; keep places in step.
            self.controls.push(segments);
            self.spans.push((at, count));
            at += count;
        }
        self.iovecs.extend(batch.iter().map(|datagram| libc::iovec {
            iov_base: datagram.packet.as_ptr().cast_mut().cast(),
            iov_len: datagram.packet.len(),
        }));
        // The vectors do not grow any more, so that pointers into them hold.
        for (index, (start, count)) in self.spans.iter().enumerate() {
            // SAFETY: a message header of zeros is a valid one.
            let mut header: libc::mmsghdr = unsafe { mem::zeroed() };
            let (name, name_len) = &mut self.names[index];
            header.msg_hdr.msg_name = name.as_mut_ptr();
            header.msg_hdr.msg_namelen = *name_len;
            header.msg_hdr.msg_iov = &mut self.iovecs[*start];
            header.msg_hdr.msg_iovlen = *count as _;
            let (control, control_len) = &mut self.controls[index];
            if *control_len > 0 {
                header.msg_hdr.msg_control = control.0.as_mut_ptr().cast();
                header.msg_hdr.msg_controllen = *control_len as _;
            }
            self.headers.push(header);
        }
    }

    /// How many messages there are.
    pub(super) fn len(&self) -> usize {
        self.headers.len()
    }

    /// The datagrams of a message: the first, and how many.
    pub(super) fn span(&self, message: usize) -> (usize, usize) {
        self.spans.get(message).copied().unwrap_or((0, 0))
    }

    /// The header of a message, for io_uring. It is good until the next `fill`.
    pub(super) fn header(&self, message: usize) -> *const libc::msghdr {
        self.headers.get(message).map_or(ptr::null(), |header| &header.msg_hdr)
    }

    /// The peer of a message as the kernel wants it, and its length; good until the next `fill`.
    pub(super) fn name(&self, message: usize) -> (*const libc::c_void, u32) {
        self.names
            .get(message)
            .map_or((ptr::null(), 0), |(name, len)| (ptr::from_ref(name).cast(), *len))
    }

    /// Sends messages `from..to` by one socket; returns how many went.
    pub(super) fn send(
        &mut self,
        fd: RawFd,
        from: usize,
        to: usize,
        batch: &[Datagram],
    ) -> io::Result<usize> {
        debug_assert_eq!(self.iovecs.len(), batch.len());
        let headers = &mut self.headers[from..to];
        // SAFETY: the headers were made by `fill` of this batch, which is borrowed and so unchanged; names,
        // controls and iovecs are those of `self`. The kernel only reads them, apart from `msg_len`.
        let sent = unsafe {
            libc::sendmmsg(
                fd,
                headers.as_mut_ptr(),
                headers.len() as u32,
                (libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) as _,
            )
        };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(sent as usize) }
    }
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
    is_open: impl Fn(super::super::SocketId) -> bool,
) {
    batch.retain(|datagram| match datagram.peer {
        Some(peer) if is_open(datagram.socket) => {
            let fits = datagram.packet.len() <= config.largest_payload(peer);
            counters.oversize += u64::from(!fits);
            fits
        }
        _ => {
            counters.errors += 1;
            false
        }
    });
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
    use super::super::super::SocketId;
    use super::*;
    use crate::pool::PoolConfig;

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
