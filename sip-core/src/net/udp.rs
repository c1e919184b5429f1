//! Datagram sockets.

use core::future::poll_fn;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::task::{Context, Poll};
use core::time::Duration;
use std::collections::HashMap;
use std::io;

use bytes::Bytes;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use tokio::time::sleep;

use crate::endpoint::Input;
use crate::flow::Flow;

/// How many peers' ways back are remembered per socket.
const WAYS: usize = 4096;
/// What the kernel may hold for us between two reads.
const KERNEL_BUFFER: usize = 1 << 20;

/// A bound socket of one family, once to receive with and once to send with: an IPv6 one does not
/// take IPv4 along, so that both can be bound to one port.
pub(super) fn bind(address: SocketAddr) -> io::Result<(UdpSocket, std::net::UdpSocket)> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A smaller buffer than wished for is no reason not to start.
    let _ = socket.set_recv_buffer_size(KERNEL_BUFFER);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    // Tokio believes a socket full until its reactor has seen it writable; the kernel knows.
    let sender = socket.try_clone()?.into();
    Ok((UdpSocket::from_std(socket.into())?, sender))
}

/// The sockets that datagrams are read from.
///
/// They have no task of their own: handing a datagram from one task to another wakes the runtime's
/// own thread by a system call, which costs more than reading it.
#[derive(Debug)]
pub(super) struct Receivers {
    sockets: Vec<(UdpSocket, Ways)>,
    /// Whose turn it is to be asked first.
    turn: usize,
    buffer: Vec<u8>,
}

impl Receivers {
    pub(super) fn new() -> Self {
        Self { sockets: Vec::new(), turn: 0, buffer: Vec::new() }
    }

    pub(super) fn add(&mut self, socket: UdpSocket, bound: SocketAddr) {
        self.buffer.resize(65_536, 0);
        self.sockets.push((socket, Ways::new(bound)));
    }

    pub(super) fn close(&mut self) {
        self.sockets.clear();
    }

    /// Waits for the next datagram. May be dropped and called again at any time.
    pub(super) async fn receive(&mut self) -> Input {
        loop {
            match poll_fn(|context| self.poll(context)).await {
                Ok(Some(input)) => return input,
                Ok(None) => {}
                // An error is an earlier datagram's, such as an ICMP answer; the socket lives on.
                Err(_) => sleep(Duration::from_millis(1)).await,
            }
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Option<Input>>> {
        let count = self.sockets.len();
        for index in 0..count {
            let index = (self.turn + index) % count;
            let Some((socket, ways)) = self.sockets.get_mut(index) else { continue };
            let mut buffer = ReadBuf::new(&mut self.buffer);
            let Poll::Ready(received) = socket.poll_recv_from(context, &mut buffer) else {
                continue;
            };
            self.turn = index + 1;
            let remote = received?;
            let datagram = buffer.filled();
            return Poll::Ready(Ok((!datagram.is_empty()).then(|| {
                let flow = Flow::udp(ways.local(remote.ip()), remote);
                Input::Received { flow, message: Bytes::copy_from_slice(datagram) }
            })));
        }
        Poll::Pending
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
