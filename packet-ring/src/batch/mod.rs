//! Sockets in batches: the receive and transmit rings of the device, on whatever this machine offers.
//!
//! One trait, [`PacketIo`], has `recv_batch` and `send_batch` of up to [`BATCH`] datagrams; four back ends
//! implement it. [`open`] probes those for UDP, takes the best that works, and says why.
//!
//! | back end | needs | worth it |
//! |---|---|---|
//! | [`Backend::Mmsg`] | Linux | nearly always: `recvmmsg` and `sendmmsg`, GSO and GRO where asked for |
//! | [`Backend::IoUring`] | Linux 6.0, not forbidden by the system | many sockets where system calls are costly: one for all that a batch sends |
//! | [`Backend::Std`] | any system | works |
//! | [`AfPacket`] | Linux, `CAP_NET_RAW` | whole frames of an interface: a ring shared with the kernel |
//!
//! A thread serves any number of sockets, each known by the [`SocketId`] it got; packets say which one they
//! came by. [`Tick`] decides how long to let packets gather.
//!
//! ```
//! use std::net::UdpSocket;
//! use std::time::Duration;
//! use packet_ring::batch::{self, Datagram, IoConfig};
//! use packet_ring::pool::{PacketPool, PoolConfig};
//!
//! let (mut io, report) = batch::open(&IoConfig::default())?;
//! println!("{report}");
//! let socket = UdpSocket::bind("127.0.0.1:0")?;
//! let address = socket.local_addr()?;
//! let id = io.add(socket)?;
//!
//! let pool = PacketPool::new(PoolConfig { slots: 2048, ..PoolConfig::default() })?;
//! let mut packet = pool.take().expect("a fresh pool");
//! packet.extend_from_slice(b"to myself")?;
//! let mut batch = vec![Datagram::to(id, address, packet)];
//! assert_eq!(io.send_batch(&mut batch)?, 1);
//!
//! while io.recv_batch(&pool, &mut batch, Some(Duration::from_secs(1)))? == 0 {}
//! assert_eq!(&batch[0].packet[..], b"to myself");
//! assert_eq!((batch[0].socket, batch[0].peer), (id, Some(address)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod datagram;
#[cfg(target_os = "linux")]
mod linux;
mod probe;
mod sockets;
mod std_io;
mod tick;

pub use config::{Backend, Counters, IoConfig};
pub use datagram::{Datagram, Offload, SocketId};
#[cfg(target_os = "linux")]
pub use linux::{AfPacket, AfPacketConfig, MmsgIo, UringIo};
pub use probe::{Finding, Report, open};
pub use std_io::StdIo;
pub use tick::{Tick, TickConfig};

use std::io;
use std::net::UdpSocket;
use std::time::Duration;
use std::vec::Vec;

use crate::pool::PacketPool;

/// The most datagrams of one batch.
pub const BATCH: usize = 64;

/// Sockets or interfaces that give and take packets in batches.
pub trait PacketIo: Send {
    /// Appends up to [`BATCH`] received datagrams to `into` and returns how many. Waits for the first one
    /// until `timeout` has passed; `None` waits without end, zero not at all.
    ///
    /// Buffers come from `pool`; give the same one each time. When it is empty nothing is received, which
    /// [`Counters::starved`] counts; packets stay in the kernel.
    ///
    /// # Errors
    ///
    /// Those of the system that concern all sockets. Errors of one packet or peer are counted only.
    fn recv_batch(
        &mut self,
        pool: &PacketPool,
        into: &mut Vec<Datagram>,
        timeout: Option<Duration>,
    ) -> io::Result<usize>;

    /// Sends the datagrams and empties `batch`, whose buffers return to their pool. Never waits: what
    /// cannot leave now is dropped and counted. Returns how many were sent.
    ///
    /// Datagrams of one socket to one peer leave in their order.
    ///
    /// # Errors
    ///
    /// Those of the system that concern all sockets. The batch may then be lost.
    fn send_batch(&mut self, batch: &mut Vec<Datagram>) -> io::Result<usize>;

    /// Whether there is likely more to receive at once: a driver that lets packets gather takes that first,
    /// lest what has come waits for another pause.
    fn has_more(&self) -> bool {
        false
    }

    /// Gives back what a busy time has needed: buffers held ready, and room in tables. [`PacketPool::shrink`] has
    /// more to give afterwards.
    fn shrink(&mut self) {}

    /// What happened so far.
    fn counters(&self) -> Counters;

    /// Which back end this is.
    fn backend(&self) -> Backend;
}

/// A [`PacketIo`] of UDP sockets.
pub trait UdpIo: PacketIo {
    /// Takes a bound socket over, and makes it non-blocking.
    ///
    /// # Errors
    ///
    /// When the system refuses an option or a place in its poll.
    fn add(&mut self, socket: UdpSocket) -> io::Result<SocketId>;

    /// Closes a socket. Returns whether there was one. Datagrams already received from it may still come.
    fn remove(&mut self, socket: SocketId) -> bool;
}
