//! io_uring as a C program would use it, as bare as can be: no addresses of peers, no control messages, one
//! system call a batch, registered sockets, no completions of sends.

use std::collections::VecDeque;
use std::io;
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::types::{BufRingEntry, Fixed, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};

use crate::sockets::to;

/// How packets are received.
#[derive(Clone, Copy, PartialEq)]
pub enum Form {
    /// A receive that goes on, into buffers lent in advance. It ends a look at a socket by finding nothing.
    Multishot,
    /// Told of readiness by a poll that goes on, then one receive for each time. It would miss packets that
    /// came together: the least that could be done, not what could be used.
    Poll,
}

const BUFFERS: u16 = 256;
const BATCH: usize = 64;
const LEN: usize = 2048;
const SEND: u64 = 1 << 62;
const POLL: u64 = 1 << 61;

pub struct BareUring {
    form: Form,
    ring: IoUring,
    entries: Box<Page>,
    tail: u16,
    buffers: Vec<[u8; LEN]>,
    /// Not in use, in the form `Poll`.
    free: Vec<u16>,
    ready: VecDeque<u32>,
    to: Box<libc::sockaddr_in>,
}

#[repr(align(4096))]
struct Page([u8; BUFFERS as usize * size_of::<BufRingEntry>()]);

impl BareUring {
    pub fn new(form: Form, sockets: &[UdpSocket]) -> io::Result<Self> {
        let ring = IoUring::builder()
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_cqsize(4096)
            .build(256)?;
        let files: Vec<_> = sockets.iter().map(AsRawFd::as_raw_fd).collect();
        ring.submitter().register_files(&files)?;
        let mut bare = Self {
            form,
            ring,
            entries: Box::new(Page([0; _])),
            tail: 0,
            buffers: vec![[0; LEN]; BUFFERS.into()],
            free: (0..BUFFERS).collect(),
            ready: VecDeque::new(),
            to: Box::new(to()),
        };
        if form == Form::Multishot {
            // SAFETY: the page lives as long as the ring.
            unsafe {
                let at = bare.entries.0.as_ptr() as u64;
                bare.ring.submitter().register_buf_ring_with_flags(at, BUFFERS, 0, 0)?;
            }
            (0..BUFFERS).for_each(|number| bare.lend(number));
            bare.publish();
        }
        for n in 0..sockets.len() as u32 {
            let entry = match form {
                Form::Multishot => opcode::RecvMulti::new(Fixed(n), 0).build(),
                Form::Poll => opcode::PollAdd::new(Fixed(n), libc::POLLIN as u32).multi(true).build(),
            };
            let kind = if form == Form::Poll { POLL } else { 0 };
            bare.push(&entry.user_data(kind | u64::from(n)));
        }
        bare.ring.submit()?;
        Ok(bare)
    }

    pub fn relay(&mut self) -> usize {
        if self.form == Form::Poll {
            while let (Some(&number), Some(&socket)) = (self.free.last(), self.ready.front()) {
                self.free.pop();
                self.ready.pop_front();
                let buffer = self.buffers[usize::from(number)].as_mut_ptr();
                let entry = opcode::Recv::new(Fixed(socket), buffer, LEN as u32).flags(libc::MSG_DONTWAIT);
                self.push(&entry.build().user_data(u64::from(number) << 32 | u64::from(socket)));
            }
        }
        let zero = Timespec::new();
        let args = SubmitArgs::new().timespec(&zero);
        // Also what the round before left to be sent.
        match self.ring.submitter().submit_with_args(BATCH, &args) {
            Err(error) if !matches!(error.raw_os_error(), Some(libc::ETIME | libc::EINTR)) => return 0,
            _ => {}
        }
        let completed: Vec<_> =
            self.ring.completion().map(|entry| (entry.user_data(), entry.result(), entry.flags())).collect();
        let mut count = 0;
        let mut used = Vec::new();
        for (data, result, flags) in completed {
            let socket = data as u32;
            if data & SEND != 0 {
                continue;
            }
            if data & POLL != 0 {
                self.ready.push_back(socket);
                continue;
            }
            let number = match self.form {
                Form::Multishot => {
                    if !cqueue::more(flags) {
                        self.push(&opcode::RecvMulti::new(Fixed(socket), 0).build().user_data(data));
                    }
                    cqueue::buffer_select(flags)
                }
                Form::Poll => Some((data >> 32) as u16),
            };
            let Some(number) = number else { continue };
            used.push(number);
            if result >= 0 {
                let buffer = self.buffers[usize::from(number)].as_ptr();
                let entry = opcode::Send::new(Fixed(socket), buffer, result as u32)
                    .flags(libc::MSG_DONTWAIT)
                    .dest_addr((&raw const *self.to).cast())
                    .dest_addr_len(size_of::<libc::sockaddr_in>() as u32)
                    .build();
                self.push(&entry.flags(squeue::Flags::SKIP_SUCCESS).user_data(SEND));
                count += 1;
            }
        }
        // Sends are done when they were submitted; the buffers are lent again only then.
        if !used.is_empty() {
            let _ = self.ring.submit();
        }
        for number in used {
            match self.form {
                Form::Multishot => self.lend(number),
                Form::Poll => self.free.push(number),
            }
        }
        self.publish();
        count
    }

    fn push(&mut self, entry: &squeue::Entry) {
        // SAFETY: buffers, addresses and sockets live as long as the ring.
        while unsafe { self.ring.submission().push(entry) }.is_err() {
            let _ = self.ring.submit();
        }
    }

    fn lend(&mut self, number: u16) {
        let at = usize::from(self.tail % BUFFERS);
        // SAFETY: the entry lies in the page, and is not published yet.
        unsafe {
            let entry = &mut *self.entries.0.as_mut_ptr().cast::<BufRingEntry>().add(at);
            entry.set_addr(self.buffers[usize::from(number)].as_mut_ptr() as u64);
            entry.set_len(LEN as u32);
            entry.set_bid(number);
        }
        self.tail = self.tail.wrapping_add(1);
    }

    fn publish(&mut self) {
        if self.form == Form::Multishot {
            // SAFETY: the tail lies in the first entry.
            unsafe {
                let tail = BufRingEntry::tail(self.entries.0.as_ptr().cast()).cast_mut();
                AtomicU16::from_ptr(tail).store(self.tail, Ordering::Release);
            }
        }
    }
}
