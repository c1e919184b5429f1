//! Looking into a running server, and lifting bans.

use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::exchange::Occupancy;
use crate::front::{Ban, Counts, Reason};
use crate::store::writer::Progress;

/// A handle to look into a running server with. It may be cloned; when the server has ended, it has
/// nothing to tell.
#[derive(Clone, Debug)]
pub struct Control(pub(super) mpsc::UnboundedSender<Ask>);

/// What a server can be asked.
#[derive(Debug)]
pub(super) enum Ask {
    Bans(oneshot::Sender<Vec<Banned>>),
    Lift(IpAddr, oneshot::Sender<bool>),
    Pcap(String, oneshot::Sender<Vec<u8>>),
    State(oneshot::Sender<State>),
}

/// A source that is not listened to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Banned {
    /// Its address; of IPv6 the first of its /64.
    pub source: IpAddr,
    /// Why.
    pub reason: Reason,
    /// For how long from now.
    pub left: Duration,
}

impl Banned {
    pub(super) fn at(now: Duration, ban: Ban) -> Self {
        Self { source: ban.source, reason: ban.reason, left: ban.until.saturating_sub(now) }
    }
}

/// What a server has counted and holds now.
#[derive(Clone, Copy, Default, Debug)]
#[non_exhaustive]
pub struct State {
    /// What the front has done with messages.
    pub front: Counts,
    /// Whether new calls are being refused.
    pub overloaded: bool,
    /// Messages that wait for their turn.
    pub waiting: usize,
    /// Sources not listened to.
    pub bans: usize,
    /// What is under way.
    pub occupancy: Occupancy,
    /// What the SIP endpoint has counted.
    pub endpoint: sip_core::endpoint::Statistics,
    /// What has become of calls and registrations.
    pub tally: Tally,
    /// Media ports that are free.
    pub ports_free: usize,
    /// Connections of SIP.
    pub connections: usize,
    /// Datagrams that the system did not take.
    pub datagrams_dropped: u64,
    /// How far the store has come.
    pub store: Progress,
    /// Events that the program did not read in time.
    pub events_dropped: u64,
    /// Messages that the capture server did not get.
    pub capture_lost: u64,
    /// Times that the system had no descriptor or port to give.
    pub out_of_ports: u64,
}

/// What has become of calls and registrations since the start.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Tally {
    /// Calls let in.
    pub calls_started: u64,
    /// Of these, answered by somebody or a service.
    pub calls_answered: u64,
    /// Of these, ended.
    pub calls_ended: u64,
    /// Registrations made and refreshed.
    pub registered: u64,
    /// Registrations removed and run out.
    pub unregistered: u64,
    /// Requests with wrong credentials.
    pub refused: u64,
}

impl Control {
    /// Who is not listened to.
    pub async fn bans(&self) -> Vec<Banned> {
        self.ask(Ask::Bans).await.unwrap_or_default()
    }

    /// Listens to a source again. `false` when it was not banned.
    pub async fn lift(&self, source: IpAddr) -> bool {
        self.ask(|answer| Ask::Lift(source, answer)).await.unwrap_or_default()
    }

    /// The SIP messages with this Call-ID that the server still has
    /// ([`Settings::kept_messages`](super::Settings::kept_messages)), as a pcap file.
    pub async fn pcap(&self, call_id: &str) -> Vec<u8> {
        self.ask(|answer| Ask::Pcap(call_id.to_owned(), answer)).await.unwrap_or_default()
    }

    /// What the server has counted and holds now; `None` when it has ended.
    pub async fn state(&self) -> Option<State> {
        self.ask(Ask::State).await
    }

    async fn ask<T>(&self, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        self.0.send(ask(answer)).ok()?;
        answered.await.ok()
    }
}
