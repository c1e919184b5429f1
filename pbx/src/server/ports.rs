//! RTP ports, bound ahead so that a call never waits for the operating system.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;

use socket2::{Domain, Protocol, Socket, Type};

/// Room in the kernel for about a second of one stream's packets, however late the thread wakes.
const RECEIVE_BUFFER: usize = 128 * 1024;

/// Binds even ports of a range, going round and skipping those that others hold (RFC 3550 §11).
#[derive(Debug)]
pub(super) struct PortBinder {
    address: IpAddr,
    range: RangeInclusive<u16>,
    next: u16,
}

impl PortBinder {
    pub(super) fn new(address: IpAddr, range: RangeInclusive<u16>) -> Self {
        let next = first_even(&range);
        Self { address, range, next }
    }

    /// The next free port, or why there is none.
    ///
    /// # Errors
    ///
    /// The last error of the operating system when a whole round found no free port.
    pub(super) fn bind(&mut self) -> io::Result<(UdpSocket, SocketAddr)> {
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for _ in 0..=self.range.len() / 2 {
            let port = self.next;
            self.next = match self.next.checked_add(2) {
                Some(next) if self.range.contains(&next) => next,
                _ => first_even(&self.range),
            };
            match bind(SocketAddr::new(self.address, port)) {
                Ok(socket) => {
                    let address = socket.local_addr()?;
                    return Ok((socket, address));
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }
}

fn first_even(range: &RangeInclusive<u16>) -> u16 {
    range.start() + range.start() % 2
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A smaller buffer than asked for is no reason to refuse calls.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn binds_different_even_ports_and_says_when_none_is_left() {
        // Six ports somewhere above a port that the system gave out, of which some may be taken.
        let base = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() & 0xfff0;
        let mut binder = PortBinder::new([127, 0, 0, 1].into(), base..=base + 11);
        let mut held = Vec::new();
        let error = loop {
            match binder.bind() {
                Ok((socket, address)) => {
                    assert_eq!(address.port() % 2, 0);
                    held.push(socket);
                }
                Err(error) => break error,
            }
        };
        assert!(held.len() <= 6);
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        if held.pop().is_some() {
            assert!(binder.bind().is_ok(), "a port that became free is found again");
        }
    }
}
