use std::net::UdpSocket;
use std::vec::Vec;

use super::SocketId;

/// Sockets by number; numbers of removed ones are given again.
#[derive(Debug)]
pub(super) struct Sockets<S = UdpSocket> {
    sockets: Vec<Option<S>>,
    free: Vec<u32>,
}

impl<S> Default for Sockets<S> {
    fn default() -> Self {
        Self { sockets: Vec::new(), free: Vec::new() }
    }
}

impl<S> Sockets<S> {
    /// The number that the next socket will get.
    pub(super) fn next(&self) -> SocketId {
        SocketId(self.free.last().copied().unwrap_or(self.sockets.len() as u32))
    }

    pub(super) fn insert(&mut self, socket: S) -> SocketId {
        match self.free.pop() {
            Some(id) => {
                if let Some(place) = self.sockets.get_mut(id as usize) {
                    *place = Some(socket);
                }
                SocketId(id)
            }
            None => {
                self.sockets.push(Some(socket));
                SocketId(self.sockets.len() as u32 - 1)
            }
        }
    }

    pub(super) fn remove(&mut self, id: SocketId) -> Option<S> {
        let socket = self.sockets.get_mut(id.0 as usize)?.take()?;
        self.free.push(id.0);
        Some(socket)
    }

    /// Gives back the places behind the last socket, which a busier time has needed.
    pub(super) fn shrink(&mut self) {
        let used = self.sockets.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        self.sockets.truncate(used);
        self.sockets.shrink_to_fit();
        self.free.retain(|id| (*id as usize) < used);
        // The first ones are given first, so that the last ones become free in time.
        self.free.sort_unstable_by(|one, other| other.cmp(one));
        self.free.shrink_to_fit();
    }

    pub(super) fn get(&self, id: SocketId) -> Option<&S> {
        self.sockets.get(id.0 as usize)?.as_ref()
    }

    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "interfaces are of Linux"))]
    pub(super) fn get_mut(&mut self, id: SocketId) -> Option<&mut S> {
        self.sockets.get_mut(id.0 as usize)?.as_mut()
    }

    /// One more than the highest number.
    pub(super) fn end(&self) -> u32 {
        self.sockets.len() as u32
    }

    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "io_uring is of Linux"))]
    pub(super) fn iter(&self) -> impl Iterator<Item = (SocketId, &S)> {
        (0..).zip(&self.sockets).filter_map(|(id, socket)| Some((SocketId(id), socket.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_that_are_not_needed_any_more_go() {
        let mut sockets = Sockets::default();
        let ids: Vec<_> = (0..1_000).map(|n| sockets.insert(n)).collect();
        for id in &ids {
            assert!(id.0 == 3 || sockets.remove(*id).is_some());
        }
        sockets.shrink();
        assert_eq!((sockets.end(), sockets.get(SocketId(3))), (4, Some(&3)));
        assert!(sockets.sockets.capacity() <= 8 && sockets.free.capacity() <= 8);
        let next: Vec<_> = (0..5).map(|n| (sockets.next(), sockets.insert(n))).collect();
        let expected = [0, 1, 2, 4, 5].map(|id| (SocketId(id), SocketId(id)));
        assert_eq!(next, expected);
    }
}
