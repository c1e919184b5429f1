use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::VecDeque;
use std::io;
use std::net::UdpSocket;
use std::os::fd::{AsRawFd, RawFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::{self, ThreadId};
use std::time::Duration;
use std::vec::Vec;
use std::{boxed::Box, mem};

use io_uring::types::{BufRingEntry, CancelBuilder, Fd, Fixed, RecvMsgOut, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};

use super::super::sockets::Sockets;
use super::super::{BATCH, Backend, Counters, Datagram, IoConfig, PacketIo, SocketId, UdpIo};
use super::messages::{Outbox, SendFault, give_back, sort_out};
use super::mmsg::prepare;
use super::names::{Control, Name};
use crate::pool::{PacketBuf, PacketPool};

/// io_uring with one receive armed per socket (multishot) and buffers lent to the kernel in advance.
///
/// The kernel writes into slots of the pool directly; its own header, the peer's address and its notes
/// come before the payload and become headroom. The slots need some 140 bytes more than the longest
/// datagram. The ring belongs to the thread that uses it; used from another one it is made anew.
pub struct UringIo {
    config: IoConfig,
    sockets: Sockets<Socket>,
    ring: Option<Ring>,
    arrived: VecDeque<Datagram>,
    outbox: Outbox,
    gso: bool,
    counters: Counters,
    generation: u32,
}

struct Socket {
    socket: UdpSocket,
    /// Tells completions of this socket from those of one that had its number before.
    generation: u32,
    dropped: u32,
}

const ENTRIES: u32 = 256;
const COMPLETIONS: u32 = 4096;
const GROUP: u16 = 0;
/// Places in the table of registered sockets; others are looked up.
const FILES: u32 = 4096;

/// What a completion is about, in the highest two bits of its user data.
const RECEIVE: u64 = 0;
const SEND: u64 = 1;
const CANCEL: u64 = 2;
const KIND: u32 = 62;

impl UringIo {
    /// No sockets yet; the ring is made by the first use.
    pub fn new(config: IoConfig) -> Self {
        Self {
            sockets: Sockets::default(),
            ring: None,
            arrived: VecDeque::new(),
            outbox: Outbox::new(),
            gso: config.gso,
            counters: Counters::default(),
            generation: 0,
            config,
        }
    }

    /// As [`new`](Self::new), when this system's io_uring can do what is needed: a datagram is sent to
    /// itself to find out.
    ///
    /// # Errors
    ///
    /// What is missing, or that it is forbidden.
    pub fn probed(config: IoConfig) -> io::Result<Self> {
        let pool = PacketPool::new(crate::pool::PoolConfig {
            slots: 8,
            ..crate::pool::PoolConfig::default()
        })
        .map_err(io::Error::other)?;
        let mut trial = Self::new(IoConfig { uring_buffers: 4, ..config.clone() });
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let address = socket.local_addr()?;
        let id = trial.add(socket)?;
        let mut batch = Vec::new();
        trial.recv_batch(&pool, &mut batch, Some(Duration::ZERO))?;
        let Some(packet) = pool.take() else { return Err(io::ErrorKind::OutOfMemory.into()) };
        batch.push(Datagram::to(id, address, packet));
        let sent = trial.send_batch(&mut batch)?;
        let received = trial.recv_batch(&pool, &mut batch, Some(Duration::from_secs(1)))?;
        if sent == 1 && received == 1 && trial.counters.errors == 0 {
            Ok(Self::new(config))
        } else {
            Err(io::Error::new(io::ErrorKind::Unsupported, "multishot receive does not work"))
        }
    }

    /// The ring of this thread, with all sockets armed.
    fn ready(&mut self) -> io::Result<()> {
        let here = thread::current().id();
        if self.ring.as_ref().is_none_or(|ring| ring.thread != here) {
            // What is complete can still be had; what is not stays in the sockets.
            self.complete(|_, _| {});
            self.ring = None;
            let mut ring = Ring::new(&self.config, here)?;
            // They are armed once there are buffers.
            ring.unarmed.extend(self.sockets.iter().map(|(id, _)| id));
            self.ring = Some(ring);
        }
        Ok(())
    }

    /// Works off completions; sends are reported to `sent` by message and result.
    fn complete(&mut self, mut sent: impl FnMut(usize, i32)) {
        let Some(ring) = &mut self.ring else { return };
        ring.fetch();
        while let Some((data, result, flags)) = ring.completed.pop_front() {
            match data >> KIND {
                SEND => sent((data & 0xffff_ffff) as usize, result),
                RECEIVE => {
                    let id = SocketId(data as u32);
                    let generation = (data >> 32) as u32;
                    let socket = self
                        .sockets
                        .get_mut(id)
                        .filter(|socket| socket.generation & 0x3fff_ffff == generation);
                    let packet = cqueue::buffer_select(flags).and_then(|number| ring.take(number));
                    let Some(socket) = socket else { continue };
                    match packet {
                        Some(packet) if result >= 0 => {
                            if let Some((packet, peer, notes)) =
                                ring.open(packet, result as usize, &mut self.counters)
                            {
                                if let Some(total) = notes.dropped {
                                    let new = total.wrapping_sub(socket.dropped);
                                    self.counters.dropped += u64::from(new);
                                    socket.dropped = total;
                                }
                                let received = notes.received;
                                let datagram =
                                    Datagram { socket: id, peer, packet, received, offload: None };
                                self.arrived.push_back(datagram);
                            }
                        }
                        _ if result == -libc::ENOBUFS => self.counters.starved += 1,
                        _ if result == -libc::ECANCELED => {}
                        _ => self.counters.errors += u64::from(result < 0),
                    }
                    if !cqueue::more(flags) {
                        ring.unarmed.push(id);
                    }
                }
                _ => {}
            }
        }
    }
}

impl PacketIo for UringIo {
    fn recv_batch(
        &mut self,
        pool: &PacketPool,
        into: &mut Vec<Datagram>,
        timeout: Option<Duration>,
    ) -> io::Result<usize> {
        self.ready()?;
        if self.arrived.len() < BATCH {
            let mut wait = self.arrived.is_empty() && timeout != Some(Duration::ZERO);
            let Some(ring) = &mut self.ring else { return Ok(0) };
            ring.lend(pool, &mut self.counters);
            for id in mem::take(&mut ring.unarmed) {
                if ring.lent == 0 {
                    // Without buffers it would end at once; try again when there are some.
                    ring.unarmed.push(id);
                } else if let Some(socket) = self.sockets.get(id) {
                    ring.arm(id, socket)?;
                }
            }
            // Completions that are there already need no system call.
            ring.fetch();
            wait &= ring.completed.is_empty();
            if wait || ring.completed.len() < BATCH / 2 {
                self.counters.calls += 1;
                ring.enter(wait, timeout)?;
            }
            self.complete(|_, _| {});
        }
        let count = self.arrived.len().min(BATCH);
        into.extend(self.arrived.drain(..count));
        self.counters.received += count as u64;
        Ok(count)
    }

    fn send_batch(&mut self, batch: &mut Vec<Datagram>) -> io::Result<usize> {
        self.ready()?;
        sort_out(batch, &self.config, &mut self.counters, |id| self.sockets.get(id).is_some());
        let mut total = 0;
        for part in batch.chunks(BATCH) {
            let mut outbox = mem::replace(&mut self.outbox, Outbox::new());
            outbox.fill(part, self.gso);
            match self.send_part(&mut outbox, part) {
                Ok(sent) => {
                    total += sent;
                    self.outbox = outbox;
                }
                Err(error) => {
                    // The kernel may still read the messages and the packets: they are never freed.
                    mem::forget(outbox);
                    mem::forget(mem::take(batch));
                    return Err(error);
                }
            }
        }
        give_back(batch);
        self.counters.sent += total as u64;
        Ok(total)
    }

    fn has_more(&self) -> bool {
        !self.arrived.is_empty()
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
        socket.set_nonblocking(true)?;
        // Long datagrams of GRO do not fit the buffers lent.
        prepare(&socket, &IoConfig { gro: false, ..self.config.clone() })?;
        self.generation = self.generation.wrapping_add(1);
        let id = self.sockets.insert(Socket { socket, generation: self.generation, dropped: 0 });
        if let Some(ring) = &mut self.ring {
            // It is armed by the thread that receives.
            ring.unarmed.push(id);
        }
        Ok(id)
    }

    fn remove(&mut self, id: SocketId) -> bool {
        let Some(socket) = self.sockets.remove(id) else { return false };
        if let Some(ring) = &mut self.ring {
            ring.unarmed.retain(|unarmed| *unarmed != id);
            ring.register(id, -1);
            ring.cancelled.push(receive_data(id, socket.generation));
            ring.closing.push(socket.socket);
        }
        true
    }
}

impl UringIo {
    /// Sends the messages of one batch and waits until the kernel is done with them.
    fn send_part(&mut self, outbox: &mut Outbox, part: &[Datagram]) -> io::Result<usize> {
        let mut sent = 0;
        let mut left = 0;
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        let Some(ring) = &mut self.ring else { return Ok(0) };
        for message in 0..outbox.len() {
            let Some(socket) = self.sockets.get(part[outbox.span(message).0].socket) else {
                continue;
            };
            let (start, count) = outbox.span(message);
            let packet = &part[start].packet;
            let (name, name_len) = outbox.name(message);
            // A message of one needs no header, which the kernel would have to copy.
            let one = |entry: opcode::Send| {
                entry.flags(flags).dest_addr(name.cast()).dest_addr_len(name_len).build()
            };
            let (fd, len) = (Fd(socket.socket.as_raw_fd()), packet.len() as u32);
            let several = |entry: opcode::SendMsg| entry.flags(flags as u32).build();
            let entry = match (ring.slot(part[start].socket), count) {
                (Some(slot), 1) => one(opcode::Send::new(slot, packet.as_ptr(), len)),
                (None, 1) => one(opcode::Send::new(fd, packet.as_ptr(), len)),
                (Some(slot), _) => several(opcode::SendMsg::new(slot, outbox.header(message))),
                (None, _) => several(opcode::SendMsg::new(fd, outbox.header(message))),
            };
            let entry = entry.user_data(SEND << KIND | message as u64);
            // SAFETY: the header and what it leads to belong to `outbox` and to `part`, both unchanged until
            // the completion was seen: the loop below leaves only when none is missing, or with an error,
            // upon which the caller never frees them.
            unsafe { ring.push(&entry) }?;
            left += 1;
        }
        let mut faults = Vec::new();
        while left > 0 {
            self.counters.calls += 1;
            if let Some(ring) = &mut self.ring
                && let Err(error) = ring.ring.submit_and_wait(1)
                && !matches!(error.raw_os_error(), Some(libc::EINTR | libc::EBUSY | libc::EAGAIN))
            {
                return Err(error);
            }
            self.complete(|message, result| {
                left -= 1;
                if result < 0 {
                    faults.push((message, -result));
                } else {
                    sent += outbox.span(message).1;
                }
            });
        }
        for (message, error) in faults {
            let (start, count) = outbox.span(message);
            let part = &part[start..start + count];
            match SendFault::of(error, count) {
                SendFault::Full => self.counters.send_full += count as u64,
                SendFault::Bad => self.counters.errors += count as u64,
                fault @ (SendFault::Again | SendFault::NoSegments) => {
                    self.gso &= fault == SendFault::Again;
                    self.counters.errors += u64::from(error == libc::ECONNREFUSED);
                    // Rare: one by one, without the ring.
                    let Some(socket) = self.sockets.get(part[0].socket) else { continue };
                    let mut again = Outbox::new();
                    again.fill(part, false);
                    self.counters.calls += 1;
                    let done = again.send(socket.socket.as_raw_fd(), 0, count, part).unwrap_or(0);
                    sent += done;
                    self.counters.send_full += (count - done) as u64;
                }
            }
        }
        Ok(sent)
    }
}

fn receive_data(id: SocketId, generation: u32) -> u64 {
    RECEIVE << KIND | u64::from(generation & 0x3fff_ffff) << 32 | u64::from(id.0)
}

/// The ring itself, with the buffers lent to the kernel.
///
/// Its work is deferred (`IORING_SETUP_DEFER_TASKRUN`): the kernel receives, and so writes into a lent buffer,
/// only while this thread is in a system call on the ring. When nobody calls any more, because the ring is being
/// dropped or belongs to a thread that has given it away, nothing is written any more, and what the kernel does
/// after the ring was closed is to cancel.
struct Ring {
    // Closed first, before the buffers are given back.
    ring: IoUring,
    thread: ThreadId,
    /// What a receive shall have: shared by all, read by the kernel only.
    template: Box<libc::msghdr>,
    buffers: BufferRing,
    lent: usize,
    /// Which places of the file table have a socket.
    registered: Vec<bool>,
    unarmed: Vec<SocketId>,
    /// User data of receives to be cancelled, and the sockets to be closed after.
    cancelled: Vec<u64>,
    closing: Vec<UdpSocket>,
    completed: VecDeque<(u64, i32, u32)>,
}

// SAFETY: `template` has no pointers in it, and `buffers` owns what its pointer leads to. The kernel's side
// is bound to the thread, which `UringIo::ready` sees to.
unsafe impl Send for Ring {}

impl Ring {
    fn new(config: &IoConfig, thread: ThreadId) -> io::Result<Self> {
        let ring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_cqsize(COMPLETIONS)
            .build(ENTRIES)?;
        let buffers = BufferRing::new(config.uring_buffers.clamp(1, 1 << 15).next_power_of_two())?;
        // SAFETY: the memory is that of `buffers`, which lives until the ring is gone.
        unsafe {
            ring.submitter().register_buf_ring_with_flags(
                buffers.base.as_ptr() as u64,
                buffers.len,
                GROUP,
                0,
            )
        }?;
        // Fewer files may be allowed; then there is no table.
        let places = if ring.submitter().register_files_sparse(FILES).is_ok() { FILES } else { 0 };
        // SAFETY: zeros are a valid message header, without pointers.
        let mut template: Box<libc::msghdr> = Box::new(unsafe { mem::zeroed() });
        template.msg_namelen = Name::LEN as u32;
        template.msg_controllen = Control::LEN as _;
        Ok(Self {
            ring,
            thread,
            template,
            buffers,
            lent: 0,
            registered: std::vec![false; places as usize],
            unarmed: Vec::new(),
            cancelled: Vec::new(),
            closing: Vec::new(),
            completed: VecDeque::new(),
        })
    }

    /// The registered place of a socket, which spares the kernel a look-up for each packet.
    fn slot(&self, id: SocketId) -> Option<Fixed> {
        self.registered.get(id.0 as usize)?.then_some(Fixed(id.0))
    }

    fn register(&mut self, id: SocketId, fd: RawFd) {
        if let Some(place) = self.registered.get_mut(id.0 as usize) {
            *place = self.ring.submitter().register_files_update(id.0, &[fd]).is_ok() && fd >= 0;
        }
    }

    /// Starts to receive from a socket, until told otherwise.
    fn arm(&mut self, id: SocketId, socket: &Socket) -> io::Result<()> {
        self.register(id, socket.socket.as_raw_fd());
        let fd = Fd(socket.socket.as_raw_fd());
        let entry = opcode::RecvMsgMulti::new(fd, &*self.template, GROUP)
            .build()
            .user_data(receive_data(id, socket.generation));
        // SAFETY: the template lives as long as the ring, and the buffers are those lent.
        unsafe { self.push(&entry) }
    }

    /// # Safety
    ///
    /// What the entry points to outlives its completion.
    unsafe fn push(&mut self, entry: &squeue::Entry) -> io::Result<()> {
        loop {
            // SAFETY: the caller's promise.
            if unsafe { self.ring.submission().push(entry) }.is_ok() {
                return Ok(());
            }
            self.ring.submit()?;
        }
    }

    /// Lends buffers in place of those that came back.
    fn lend(&mut self, pool: &PacketPool, counters: &mut Counters) {
        let mut tail = self.buffers.tail;
        while let Some(number) = self.buffers.free.pop() {
            let Some(mut packet) = pool.take() else {
                self.buffers.free.push(number);
                counters.starved += u64::from(self.lent == 0);
                break;
            };
            let spare = packet.spare_mut();
            self.buffers.write(tail, number, spare);
            self.buffers.held[usize::from(number)] = Some(packet);
            tail = tail.wrapping_add(1);
            self.lent += 1;
        }
        self.buffers.publish(tail);
    }

    /// Takes a buffer back that the kernel has filled.
    fn take(&mut self, number: u16) -> Option<PacketBuf> {
        let packet = self.buffers.held.get_mut(usize::from(number))?.take()?;
        self.buffers.free.push(number);
        self.lent -= 1;
        Some(packet)
    }

    /// Reads what the kernel wrote before the payload, and cuts it off.
    fn open(
        &self,
        mut packet: PacketBuf,
        len: usize,
        counters: &mut Counters,
    ) -> Option<(PacketBuf, Option<std::net::SocketAddr>, super::names::Notes)> {
        packet.set_len(len).ok()?;
        let Ok(message) = RecvMsgOut::parse(&packet, &self.template) else {
            counters.truncated += 1;
            return None;
        };
        if message.is_payload_truncated() {
            counters.truncated += 1;
            return None;
        }
        let peer = Name::read(message.name_data());
        let notes = Control::notes(message.control_data());
        let payload = message.payload_data().len();
        packet.trim_front(len.saturating_sub(payload));
        Some((packet, peer, notes))
    }

    /// Moves completions out of the shared queue.
    fn fetch(&mut self) {
        let completions = self.ring.completion();
        self.completed
            .extend(completions.map(|entry| (entry.user_data(), entry.result(), entry.flags())));
    }

    /// Submits what is to be submitted and lets completions in; waits for one if asked to.
    fn enter(&mut self, wait: bool, timeout: Option<Duration>) -> io::Result<()> {
        for data in mem::take(&mut self.cancelled) {
            let entry = opcode::AsyncCancel::new(data).build().user_data(CANCEL << KIND);
            // SAFETY: it points to nothing.
            unsafe { self.push(&entry) }?;
        }
        let (timeout, wanted) = if wait { (timeout, 1) } else { (Some(Duration::ZERO), BATCH) };
        let done = match timeout {
            None => self.ring.submit_and_wait(wanted),
            Some(timeout) => {
                // As many completions are made ready as are wanted, even when there is no time to wait.
                let time = Timespec::from(timeout);
                self.ring.submitter().submit_with_args(wanted, &SubmitArgs::new().timespec(&time))
            }
        };
        self.closing.clear();
        match done.map_err(|error| error.raw_os_error()) {
            Ok(_) | Err(Some(libc::ETIME | libc::EINTR | libc::EBUSY | libc::EAGAIN)) => Ok(()),
            Err(Some(error)) => Err(io::Error::from_raw_os_error(error)),
            Err(None) => Err(io::ErrorKind::Other.into()),
        }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // Not needed for safety, see `Ring`: it lets the sockets go at once. Another thread than the ring's
        // is refused, and then the kernel does it after the ring is closed.
        let submitter = self.ring.submitter();
        let _ = submitter.register_sync_cancel(None, CancelBuilder::any());
        let _ = submitter.unregister_buf_ring(GROUP);
    }
}

/// The queue of lent buffers, shared with the kernel, and their handles.
struct BufferRing {
    base: NonNull<BufRingEntry>,
    layout: Layout,
    len: u16,
    tail: u16,
    held: Vec<Option<PacketBuf>>,
    free: Vec<u16>,
}

const PAGE: usize = 4096;

impl BufferRing {
    fn new(len: u16) -> io::Result<Self> {
        let layout = Layout::array::<BufRingEntry>(len.into())
            .and_then(|layout| layout.align_to(PAGE))
            .map_err(io::Error::other)?;
        // SAFETY: `len` is not zero, so the layout's size is not.
        let base = unsafe { alloc_zeroed(layout) };
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self {
            base,
            layout,
            len,
            tail: 0,
            held: (0..len).map(|_| None).collect(),
            free: (0..len).rev().collect(),
        })
    }

    /// Writes the entry at `tail`, which the kernel does not read before `publish`.
    fn write(&mut self, tail: u16, number: u16, buffer: &mut [u8]) {
        let at = usize::from(tail & (self.len - 1));
        // SAFETY: `at` is below the number of entries, and `tail` is not published yet. The handle of the
        // buffer goes into `held`, where nobody touches the slot until the kernel gave it back. The tail
        // that shares the first entry's memory is in a field that is not written here.
        unsafe {
            let entry = &mut *self.base.as_ptr().add(at);
            entry.set_addr(buffer.as_mut_ptr() as u64);
            entry.set_len(u32::try_from(buffer.len()).unwrap_or(u32::MAX));
            entry.set_bid(number);
        }
    }

    fn publish(&mut self, tail: u16) {
        if tail == self.tail {
            return;
        }
        self.tail = tail;
        // SAFETY: the tail is a valid, aligned u16 inside the first entry, which the kernel reads with
        // acquire semantics; only this thread writes it.
        unsafe {
            let shared = BufRingEntry::tail(self.base.as_ptr()).cast_mut();
            AtomicU16::from_ptr(shared).store(tail, Ordering::Release);
        }
    }
}

impl Drop for BufferRing {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout. The kernel holds the pages itself for as long as it wants them.
        unsafe { dealloc(self.base.as_ptr().cast(), self.layout) }
    }
}
