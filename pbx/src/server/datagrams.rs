//! Datagrams of SIP in batches, for when they are many.
//!
//! While a server keeps up there is a message or two at a time, which the transports read and send one by
//! one. When it does not, hundreds wait, and most of them are refused: then a call of the system for each
//! costs more than what is done about it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use packet_ring::batch::{self, BATCH, Datagram, IoConfig, SocketId, UdpIo};
use packet_ring::pool::{PacketPool, PoolConfig};
use sip_core::Flow;
use sip_core::net::Transports;

/// Batches taken in a turn.
const READS: usize = 32;
/// As long as a datagram can be. Memory that no datagram has reached is not resident.
const LONGEST: usize = 65_536;
/// Those being received, and those that the back end holds ready.
const RECEIVING: usize = 3 * BATCH;
/// What is longer goes alone, since the system does not cut fragments from a batch.
const SHORT: usize = 1_200;

/// The UDP sockets of the transports, once more.
pub(super) struct Datagrams {
    io: Box<dyn UdpIo>,
    sockets: Vec<(SocketId, SocketAddr)>,
    receiving: PacketPool,
    sending: PacketPool,
    received: Vec<Datagram>,
    unsent: Vec<Datagram>,
}

impl Datagrams {
    /// Shares the sockets that are bound by now.
    ///
    /// # Errors
    ///
    /// The system gives no descriptor or no memory.
    pub(super) fn of(transports: &Transports) -> io::Result<Self> {
        let config = IoConfig { timestamps: false, ..IoConfig::default() };
        let (mut io, _) = batch::open(&config)?;
        let mut sockets = Vec::new();
        for (bound, socket) in transports.udp_sockets()? {
            sockets.push((io.add(socket)?, bound));
        }
        let pool = |slots, slot_size| {
            PacketPool::new(PoolConfig { slots, slot_size, headroom: 0 }).map_err(io::Error::other)
        };
        Ok(Self {
            io,
            sockets,
            receiving: pool(RECEIVING, LONGEST)?,
            sending: pool(BATCH, SHORT)?,
            received: Vec::with_capacity(BATCH),
            unsent: Vec::with_capacity(BATCH),
        })
    }

    /// Gives what has arrived where it lies, up to a limit.
    pub(super) fn take(&mut self, transports: &mut Transports, taker: &mut dyn FnMut(Flow, &[u8])) {
        for _ in 0..READS {
            // An error is told to whoever waits for the socket.
            let Ok(count) =
                self.io.recv_batch(&self.receiving, &mut self.received, Some(Duration::ZERO))
            else {
                return;
            };
            for Datagram { socket, peer, packet, .. } in &self.received {
                let bound = self.sockets.iter().find(|(id, _)| id == socket).map(|it| it.1);
                if let (Some(bound), Some(peer), false) = (bound, peer, packet.is_empty()) {
                    taker(transports.udp_flow(bound, *peer), packet);
                }
            }
            PacketPool::give_back(self.received.drain(..).map(|datagram| datagram.packet));
            if count < BATCH {
                return;
            }
        }
    }

    /// Sends bytes together with others, at the latest by [`flush`](Self::flush). `false` says that they
    /// are to be sent another way.
    pub(super) fn send(&mut self, flow: &Flow, bytes: &[u8]) -> bool {
        if flow.is_reliable() || bytes.len() > SHORT {
            return false;
        }
        let same = |bound: &SocketAddr| {
            *bound == flow.local
                || (bound.ip().is_unspecified()
                    && bound.port() == flow.local.port()
                    && bound.is_ipv4() == flow.remote.is_ipv4())
        };
        let found = self.sockets.iter().find(|(_, bound)| same(bound));
        let Some(socket) = found.map(|(socket, _)| *socket) else {
            return false;
        };
        if self.unsent.len() >= BATCH {
            self.flush();
        }
        let Some(mut packet) = self.sending.take() else { return false };
        if packet.extend_from_slice(bytes).is_err() {
            return false;
        }
        self.unsent.push(Datagram::to(socket, flow.remote, packet));
        true
    }

    /// Sends what waits. What the system does not take is lost, as the network may lose it.
    pub(super) fn flush(&mut self) {
        if !self.unsent.is_empty() && self.io.send_batch(&mut self.unsent).is_err() {
            self.unsent.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn batches_come_and_go_by_the_transports_sockets() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut transports = Transports::new(Default::default());
            let any = "127.0.0.1:0".parse().unwrap();
            let bound =
                [transports.bind_udp(any).await.unwrap(), transports.bind_udp(any).await.unwrap()];
            let mut datagrams = Datagrams::of(&transports).unwrap();
            let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
            let long = vec![b'x'; 20_000];
            let mut got = Vec::new();
            for to in bound {
                for n in 0..50_u8 {
                    peer.send_to(&[n, b'!'], to).unwrap();
                }
                peer.send_to(&long, to).unwrap();
            }
            while got.len() < 102 {
                datagrams
                    .take(&mut transports, &mut |flow, bytes| got.push((flow, bytes.to_vec())));
            }
            for to in bound {
                let of_it: Vec<_> = got.iter().filter(|(flow, _)| flow.local == to).collect();
                assert_eq!(of_it.len(), 51);
                assert!((0..50_u8).zip(&of_it).all(|(n, it)| it.1 == [n, b'!']), "in order");
                assert_eq!(of_it[50].1, long);
            }
            for (flow, bytes) in &got {
                assert_eq!(datagrams.send(flow, bytes), bytes.len() <= SHORT);
            }
            datagrams.flush();
            let mut buffer = [0; 64];
            for _ in 0..100 {
                let (length, from) = peer.recv_from(&mut buffer).unwrap();
                assert!(length == 2 && bound.contains(&from));
            }
            let tcp = Flow { transport: sip_core::Transport::Tcp, ..got[0].0 };
            assert!(!datagrams.send(&tcp, b"x"));
            transports.close().await;
        });
    }
}
