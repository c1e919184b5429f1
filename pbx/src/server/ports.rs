//! RTP ports, bound ahead so that a call never waits for the operating system.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::ops::RangeInclusive;

use socket2::{Domain, Protocol, Socket, Type};

use crate::media::PortId;

/// Room in the kernel for about a second of one stream's packets, however late the thread wakes.
const RECEIVE_BUFFER: usize = 128 * 1024;

/// Binds even ports of a range, going round and skipping those that others hold (RFC 3550 §11).
#[derive(Debug)]
pub(super) struct PortBinder {
    address: IpAddr,
    range: RangeInclusive<u16>,
    next: u16,
    numbers: Numbers,
}

/// Numbers for ports: the lowest that is free, so that tables by number stay small.
#[derive(Debug, Default)]
struct Numbers {
    /// All from here on are free.
    end: u32,
    /// Free ones below.
    free: BTreeSet<u32>,
}

impl Numbers {
    fn take(&mut self) -> u32 {
        self.free.pop_first().unwrap_or_else(|| {
            self.end += 1;
            self.end - 1
        })
    }

    fn give_back(&mut self, number: u32) {
        self.free.insert(number);
        while self.end.checked_sub(1).is_some_and(|last| self.free.remove(&last)) {
            self.end -= 1;
        }
    }
}

impl PortBinder {
    pub(super) fn new(address: IpAddr, range: RangeInclusive<u16>) -> Self {
        let next = first_even(&range);
        Self { address, range, next, numbers: Numbers::default() }
    }

    /// The next free port with a number, or why there is none.
    ///
    /// # Errors
    ///
    /// The last error of the operating system when a whole round found no free port.
    pub(super) fn bind(&mut self) -> io::Result<(PortId, UdpSocket, SocketAddr)> {
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
                    return Ok((PortId(self.numbers.take()), socket, address));
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    /// A port is closed; another one may have its number.
    pub(super) fn release(&mut self, port: PortId) {
        self.numbers.give_back(port.0);
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
                Ok((id, socket, address)) => {
                    assert_eq!(address.port() % 2, 0);
                    assert_eq!(id.0 as usize, held.len());
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

    #[test]
    fn the_lowest_number_is_given_again() {
        let mut numbers = Numbers::default();
        for number in 0..10 {
            assert_eq!(numbers.take(), number);
        }
        [8, 2, 5, 9].into_iter().for_each(|number| numbers.give_back(number));
        assert_eq!((numbers.end, numbers.free.len()), (8, 2));
        assert_eq!([numbers.take(), numbers.take(), numbers.take()], [2, 5, 8]);
        (0..9).for_each(|number| numbers.give_back(number));
        assert_eq!((numbers.end, numbers.free.len()), (0, 0));
    }
}
