//! What a front is told at its start.

use std::net::SocketAddr;
use std::time::Duration;

use super::network::Network;
use super::{Rate, overload};

/// Settings of a [`Front`](super::Front).
#[derive(Clone, Debug)]
pub struct Settings {
    /// When it is too much.
    pub overload: overload::Settings,
    /// The least `Retry-After` of a refusal; each gets up to three times that, so that not all come
    /// back at once. Registrations get up to ten times. Default 5 s.
    pub retry_after: Duration,
    /// Numbers that are let through before others, as is `urn:service:sos`.
    pub emergency: Vec<String>,
    /// Messages of one class that wait for their turn. Default 4,096.
    pub waiting: usize,
    /// Bytes of all that wait. Default 16 MiB.
    pub waiting_bytes: usize,
    /// Networks that are neither limited nor banned. Default: this machine.
    pub trusted: Vec<Network>,
    /// Addresses and ports known otherwise, such as those of trunks: neither limited nor banned.
    pub peers: Vec<SocketAddr>,
    /// Requests outside a dialog of one source. Default 200 a second, 400 at once.
    pub requests: Rate,
    /// Messages of any kind of one source's addresses that have not proved who they are. Default 50 a second,
    /// 250 at once.
    pub strangers: Rate,
    /// Refusals that a source is sent for asking more than that; the rest gets no answer. Default 5
    /// a second, 10 at once.
    pub refusals: Rate,
    /// How long an address that has proved who it is counts as known. Default 1 hour.
    pub known_for: Duration,
    /// Addresses known at a time. Default 65,536.
    pub known: usize,
    /// Sources of which it is remembered how much they have asked for. Default 16,384.
    pub sources: usize,
    /// Who is not listened to.
    pub bans: BanSettings,
}

/// Who is not listened to, and for how long.
#[derive(Clone, Debug)]
pub struct BanSettings {
    /// Wrong credentials of one source within the window that begin a ban; 0: none does. Default 10.
    pub failures: u32,
    /// The window. Default 1 minute.
    pub window: Duration,
    /// How long a ban lasts. Default 10 minutes.
    pub lasts: Duration,
    /// Parts of User-Agent or From, in any case, by which scanners are known. They get no answer.
    pub scanners: Vec<String>,
    /// Bans at a time. Default 16,384.
    pub most: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            overload: overload::Settings::default(),
            retry_after: Duration::from_secs(5),
            emergency: Vec::new(),
            waiting: 4_096,
            waiting_bytes: 16 << 20,
            trusted: Network::loopback().to_vec(),
            peers: Vec::new(),
            requests: Rate { per_second: 200, burst: 400 },
            strangers: Rate { per_second: 50, burst: 250 },
            refusals: Rate { per_second: 5, burst: 10 },
            known_for: Duration::from_secs(3_600),
            known: 65_536,
            sources: 16_384,
            bans: BanSettings::default(),
        }
    }
}

impl Default for BanSettings {
    fn default() -> Self {
        // What they call themselves, as found in the wild; none of them is a telephone.
        let scanners = [
            "friendly-scanner",
            "friendly-request",
            "sipvicious",
            "sipcli",
            "sip-scan",
            "sipscan",
            "sundayddr",
            "iwar",
            "siparmyknife",
            "vaxsipuseragent",
            "pplsip",
            "cseq-scan",
        ];
        Self {
            failures: 10,
            window: Duration::from_secs(60),
            lasts: Duration::from_secs(600),
            scanners: scanners.map(str::to_owned).to_vec(),
            most: 16_384,
        }
    }
}
