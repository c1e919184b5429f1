use core::fmt;
use std::vec::Vec;

/// A way to do [`PacketIo`](super::PacketIo).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// The standard library, one packet a system call.
    Std,
    /// `recvmmsg`, `sendmmsg`, epoll.
    Mmsg,
    /// io_uring.
    IoUring,
    /// AF_PACKET with a shared ring.
    AfPacket,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Std => "std",
            Self::Mmsg => "mmsg",
            Self::IoUring => "io_uring",
            Self::AfPacket => "AF_PACKET",
        })
    }
}

/// How sockets are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IoConfig {
    /// Which back ends to try, the best first. Empty: by the number of sockets, see
    /// [`expected_sockets`](Self::expected_sockets). Default empty.
    pub order: Vec<Backend>,
    /// About how many sockets there will be. From 32 on io_uring is tried before mmsg where the kernel
    /// isolates its page tables (PTI), which makes system calls costly: only then is it worth it. Default 1.
    pub expected_sockets: usize,
    /// Whether the kernel shall stamp what it receives. Default true.
    pub timestamps: bool,
    /// Whether equal-sized datagrams in a row to one peer may be given to the kernel as one (UDP GSO,
    /// Linux 4.18). Default true.
    pub gso: bool,
    /// Whether the kernel may give datagrams in a row from one peer as one (UDP GRO, Linux 5.0); they are
    /// separated again, at the price of a copy. For `mmsg` and `io_uring`. Default false.
    pub gro: bool,
    /// The MTU of the way out, in bytes, IP header included. What is longer is not sent but counted: it
    /// would be fragmented. Default 1500.
    pub mtu: u16,
}

impl Default for IoConfig {
    fn default() -> Self {
        Self {
            order: Vec::new(),
            expected_sockets: 1,
            timestamps: true,
            gso: true,
            gro: false,
            mtu: 1500,
        }
    }
}

impl IoConfig {
    /// The longest payload of UDP that the MTU lets through to an IPv4 or IPv6 peer.
    pub(super) fn largest_payload(&self, peer: core::net::SocketAddr) -> usize {
        let headers = if peer.is_ipv4() { 28 } else { 48 };
        usize::from(self.mtu).saturating_sub(headers)
    }
}

/// What a back end counted since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counters {
    /// Datagrams received.
    pub received: u64,
    /// Datagrams sent.
    pub sent: u64,
    /// System calls made to receive, wait and send.
    pub calls: u64,
    /// Datagrams that the kernel dropped because nobody took them.
    pub dropped: u64,
    /// Datagrams longer than a buffer, dropped.
    pub truncated: u64,
    /// How often the pool was empty.
    pub starved: u64,
    /// Datagrams not sent because the socket's queue was full.
    pub send_full: u64,
    /// Datagrams not sent because they are longer than the MTU.
    pub oversize: u64,
    /// Errors of single packets: closed ports, unreachable peers, unknown sockets.
    pub errors: u64,
}

impl Counters {
    /// The sum of both.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            received: self.received + other.received,
            sent: self.sent + other.sent,
            calls: self.calls + other.calls,
            dropped: self.dropped + other.dropped,
            truncated: self.truncated + other.truncated,
            starved: self.starved + other.starved,
            send_full: self.send_full + other.send_full,
            oversize: self.oversize + other.oversize,
            errors: self.errors + other.errors,
        }
    }
}
