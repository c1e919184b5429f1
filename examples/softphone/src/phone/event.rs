//! What a phone tells its owner.

use std::net::SocketAddr;
use std::time::Duration;

use pbx::media::StreamStatistics;
use sip_core::StatusCode;
use sip_core::sdp::Direction;

use crate::failure::Failure;

/// News from the phone.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// The server knows where we are, for so many seconds. `first` is false for a refresh.
    Registered {
        /// For how long, in seconds.
        seconds: u32,
        /// Whether it is not a refresh.
        first: bool,
    },
    /// The server has forgotten us, as we asked.
    Unregistered,
    /// A REGISTER failed. After a refresh that failed the phone tries again by itself, at `retry`.
    NotRegistered {
        /// Why.
        failure: Failure,
        /// When the phone tries again.
        retry: Option<Duration>,
    },
    /// A provisional response to our call: 180 and its like.
    Progress {
        /// Which one.
        status: StatusCode,
        /// Its reason phrase.
        reason: String,
    },
    /// Somebody calls: `from` as their From header names them. It rings.
    Called {
        /// Who.
        from: String,
    },
    /// The caller gave up before we answered.
    Missed,
    /// The call is answered, by whichever side was called.
    Answered,
    /// Media flow, or flow otherwise than before.
    Media(Media),
    /// So much has passed since media were there and the call was answered: told once a second.
    Tick {
        /// Since the answer.
        elapsed: Duration,
        /// What has passed.
        counters: Counters,
    },
    /// The peer pressed a key.
    Digit {
        /// Which one.
        key: char,
        /// How long.
        duration: Duration,
    },
    /// We pressed a key.
    Pressed {
        /// Which one.
        key: char,
    },
    /// All that was to be played was played.
    Played,
    /// The peer has sent no RTP for so long.
    Silence {
        /// How long.
        since: Duration,
    },
    /// The call is over, or never came to be.
    Ended {
        /// How.
        ending: Ending,
        /// From the answer to the end.
        talked: Option<Duration>,
        /// What its media were like, if there were any.
        statistics: Option<StreamStatistics>,
    },
}

/// How media flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media {
    /// The codec we send.
    pub codec: String,
    /// Milliseconds of audio in a packet we send.
    pub ptime_ms: u32,
    /// Where the peer listens.
    pub remote: Option<SocketAddr>,
    /// Which way media flow, seen from here.
    pub direction: Direction,
    /// Whether digits travel as telephone events (RFC 4733) rather than as tones.
    pub events: bool,
    /// Whether the call has not been answered yet.
    pub early: bool,
}

/// RTP packets of one call, as the network saw them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Sent.
    pub sent: u64,
    /// Received, wanted or not.
    pub received: u64,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// We hung up.
    Ours(HangUp),
    /// The peer hung up, for the reason it gave (RFC 3326).
    Theirs(Option<String>),
    /// There was no conversation, or it broke off.
    Failed(Failure),
}

/// Why we hang up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HangUp {
    /// The time set for the call is over.
    TimeUp,
    /// The owner wants to.
    Interrupted,
}
