//! Datagram sockets.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::collections::HashMap;
use std::io;

use socket2::{Domain, Protocol, Socket, Type};
#[cfg(unix)]
use tokio::io::{Interest, unix::AsyncFd};
use tokio::time::{Sleep, sleep};

use crate::flow::Flow;

/// How many peers' ways back are remembered per socket.
const WAYS: usize = 4096;
/// What the kernel may hold for us between two reads.
const KERNEL_BUFFER: usize = 4 << 20;

/// Datagrams taken from one socket before the next one has its turn.
const BATCH: usize = 64;
/// The longest datagram, and a byte.
const LONGEST: usize = 65_536;
/// Pause after an error, which is an earlier datagram's, such as an ICMP answer.
const AFTER_ERROR: Duration = Duration::from_millis(1);

/// A bound socket of one family: an IPv6 one does not take IPv4 along, so that both can be bound to
/// one port.
#[derive(Debug)]
pub(super) struct Udp {
    pub(super) bound: SocketAddr,
    socket: Watched,
    ways: Ways,
    /// Whether the last read failed: there is a pause before the next one.
    failed: bool,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Udp {
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        // A smaller buffer than wished for is no reason not to start.
        let _ = socket.set_recv_buffer_size(KERNEL_BUFFER);
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        let socket = Watched::new(socket.into())?;
        let bound = socket.get().local_addr()?;
        Ok(Self { bound, socket, ways: Ways::new(bound), failed: false, pause: None })
    }

    /// The same socket once more.
    pub(super) fn socket(&self) -> io::Result<std::net::UdpSocket> {
        self.socket.get().try_clone()
    }

    pub(super) fn shrink(&mut self) {
        self.ways.known.shrink_to_fit();
    }

    /// The flow of what comes from `remote`.
    pub(super) fn flow(&mut self, remote: SocketAddr) -> Flow {
        Flow::udp(self.ways.local(remote.ip()), remote)
    }

    pub(super) fn send(&self, bytes: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.socket.get().send_to(bytes, to)
    }

    /// Gives what has arrived where it lies, a batch at most; how many datagrams that were.
    pub(super) fn take(
        &mut self,
        buffer: &mut Vec<u8>,
        taker: &mut dyn FnMut(Flow, &[u8]),
    ) -> usize {
        if self.failed || self.pause.is_some() {
            return 0;
        }
        for taken in 0..BATCH {
            let (length, remote) = match self.socket.try_receive(buffer) {
                Ok(read) => read,
                Err(error) => {
                    self.failed = error.kind() != io::ErrorKind::WouldBlock;
                    return taken;
                }
            };
            if let Some(datagram) = buffer.get(..length).filter(|read| !read.is_empty()) {
                taker(Flow::udp(self.ways.local(remote.ip()), remote), datagram);
            }
        }
        BATCH
    }

    /// Ready when there may be a datagram; the task is woken otherwise.
    pub(super) fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if core::mem::take(&mut self.failed) {
            self.pause = Some(Box::pin(sleep(AFTER_ERROR)));
        }
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        self.socket.poll_readable(context).map(|_| ())
    }
}

/// Room for one datagram, made when it is first needed: of zeros by the allocator, so that most of its pages stay the
/// system's until a datagram is that long.
fn room(buffer: &mut Vec<u8>) -> &mut [u8] {
    if buffer.is_empty() {
        *buffer = vec![0; LONGEST];
    }
    buffer
}

/// A socket that wakes its task when there is something to read. Sending asks the kernel and nobody
/// else: tokio's own socket would wake the task once more whenever a datagram has left.
#[cfg(unix)]
#[derive(Debug)]
struct Watched(AsyncFd<std::net::UdpSocket>);

#[cfg(unix)]
impl Watched {
    // Deprecated for descriptors that somebody else may close; this one is the socket's own. What
    // takes its place is unsafe.
    #[allow(deprecated)]
    fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        AsyncFd::with_interest(socket, Interest::READABLE).map(Self)
    }

    fn get(&self) -> &std::net::UdpSocket {
        self.0.get_ref()
    }

    fn try_receive(&self, buffer: &mut Vec<u8>) -> io::Result<(usize, SocketAddr)> {
        self.0.try_io(Interest::READABLE, |socket| socket.recv_from(room(buffer)))
    }

    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read_ready(context).map_ok(drop)
    }
}

/// A socket once to receive with and once to send with.
#[cfg(not(unix))]
#[derive(Debug)]
struct Watched(tokio::net::UdpSocket, std::net::UdpSocket);

#[cfg(not(unix))]
impl Watched {
    fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        // Tokio believes a socket full until its reactor has seen it writable; the kernel knows.
        let sender = socket.try_clone()?;
        Ok(Self(tokio::net::UdpSocket::from_std(socket)?, sender))
    }

    fn get(&self) -> &std::net::UdpSocket {
        &self.1
    }

    fn try_receive(&self, buffer: &mut Vec<u8>) -> io::Result<(usize, SocketAddr)> {
        self.0.try_recv_from(room(buffer))
    }

    fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_recv_ready(context)
    }
}

/// Which of our addresses a peer is answered from, when the socket is bound to all of them.
#[derive(Debug)]
struct Ways {
    bound: SocketAddr,
    known: HashMap<IpAddr, IpAddr>,
}

impl Ways {
    fn new(bound: SocketAddr) -> Self {
        Self { bound, known: HashMap::new() }
    }

    fn local(&mut self, remote: IpAddr) -> SocketAddr {
        if !self.bound.ip().is_unspecified() {
            return self.bound;
        }
        if let Some(ip) = self.known.get(&remote) {
            return SocketAddr::new(*ip, self.bound.port());
        }
        let ip = source_towards(remote).unwrap_or_else(|_| self.bound.ip());
        // Forgetting all at once is crude, and cheaper than remembering an order.
        if self.known.len() >= WAYS {
            self.known.clear();
        }
        self.known.insert(remote, ip);
        SocketAddr::new(ip, self.bound.port())
    }
}

/// The address that the routing table uses towards a peer: that of a connected socket, which sends
/// nothing.
fn source_towards(remote: IpAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match remote {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = std::net::UdpSocket::bind((any, 0))?;
    socket.connect((remote, 5060))?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_bound_to_everything_answers_from_the_right_address() {
        let mut ways = Ways::new("0.0.0.0:5060".parse().unwrap());
        assert_eq!(ways.local("127.0.0.1".parse().unwrap()), "127.0.0.1:5060".parse().unwrap());
        assert_eq!(ways.local("127.0.0.1".parse().unwrap()), "127.0.0.1:5060".parse().unwrap());
        let mut ways = Ways::new("127.0.0.2:5061".parse().unwrap());
        assert_eq!(ways.local("127.0.0.1".parse().unwrap()), "127.0.0.2:5061".parse().unwrap());
    }
}
