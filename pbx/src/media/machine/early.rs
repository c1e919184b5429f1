//! Packets that came before the stream they belong to.
//!
//! A telephone that answers speaks at once: its first packets overtake its 200 where signalling and media are
//! handled side by side. They wait here for the moment in which the stream has something to do with
//! them, so that nobody's first syllable is lost.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use packet_ring::pool::PacketBuf;

use crate::media::PortId;

/// How long a packet waits. The answer it has overtaken is no farther behind.
const PATIENCE: Duration = Duration::from_millis(200);
/// How many packets wait at once; strangers who send to unused ports gain nothing by sending more.
const MOST: usize = 64;

/// Packets for ports without a stream, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Early {
    packets: VecDeque<EarlyPacket>,
}

#[derive(Debug)]
pub(super) struct EarlyPacket {
    at: Duration,
    port: PortId,
    pub(super) source: SocketAddr,
    pub(super) packet: PacketBuf,
}

impl Early {
    /// Keeps a packet; returns how many had to go for it.
    pub(super) fn keep(
        &mut self,
        at: Duration,
        port: PortId,
        source: SocketAddr,
        packet: PacketBuf,
    ) -> u64 {
        let full = self.packets.len() >= MOST;
        if full {
            self.packets.pop_front();
        }
        self.packets.push_back(EarlyPacket { at, port, source, packet });
        u64::from(full)
    }

    /// The next packet that has waited for this port.
    pub(super) fn take(&mut self, port: PortId) -> Option<EarlyPacket> {
        let index = self.packets.iter().position(|early| early.port == port)?;
        self.packets.remove(index)
    }

    /// Drops what has waited for a port; returns how many those were.
    pub(super) fn forget(&mut self, port: PortId) -> u64 {
        let before = self.packets.len();
        self.packets.retain(|early| early.port != port);
        (before - self.packets.len()) as u64
    }

    pub(super) fn shrink(&mut self) {
        self.packets.shrink_to_fit();
    }

    /// Drops what has waited too long; returns how many those were.
    pub(super) fn handle_timeout(&mut self, now: Duration) -> u64 {
        let mut dropped = 0;
        while self.packets.front().is_some_and(|first| now >= first.at + PATIENCE) {
            self.packets.pop_front();
            dropped += 1;
        }
        dropped
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.packets.front().map(|first| first.at + PATIENCE)
    }
}
