//! Where media comes from and goes to: symmetric RTP without the bleed.
//!
//! A phone behind a NAT sends from an address that its SDP does not know, so a media server has to
//! learn it from the packets. Learned carelessly, anyone who sends a packet to the port gets the
//! call (RTP bleed). A [`Latch`] learns by rank, for a short time, once:
//!
//! ```text
//!               from the signalled address
//!        +--------------------------------------------------+
//!        |                                                  v
//!     Waiting --- from a known host, probation passed --> Learning ------> Settled
//!        ^        (AnyHost: and nobody better came          |  window over,   |
//!        |         during the window)                       |  or signalled   |
//!        |                                                  |  address sends  |
//!        +--- address changed by a re-INVITE, `relearn`, or the stated silence
//! ```
//!
//! - *Waiting*: media goes to the signalled address.
//! - *Learning*: media goes to the learned address; the signalled address may still take over.
//! - *Settled*: packets from anywhere else are counted and dropped, however many come.
//!
//! After [`Latch::relearn`] or a silence the old peer keeps its place and settles again with its
//! next packet; another address gets it only when the old one has been quiet for a whole window.
//!
//! RTCP never latches anything by itself: it is accepted beside a peer that RTP has established.

use alloc::boxed::Box;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use crate::run::Run;
use crate::{Packet, PayloadTypeSet, Ssrc};

/// Whom to believe besides the signalled address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Policy {
    /// No one. Right for trunks and gateways with fixed addresses.
    SignalledOnly,
    /// Where signalling came from another host than the SDP names, that host, at any port: a phone
    /// behind a NAT. A peer that is reached directly has to send from the address that it named.
    #[default]
    Symmetric,
    /// The signalled host and the one signalling came from, at any port: peers that send and
    /// receive on different ports, and NATs that rewrite SDP. Another user of that host who guesses
    /// the port can come first.
    AnyPort,
    /// Any host, when nobody better sends during the learning window. **Unsafe**: whoever guesses
    /// the port before the peer sends gets the call. For peers whose media comes from hosts that
    /// signalling never names, on networks that can be trusted.
    AnyHost,
}

/// How a [`Latch`] learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatchConfig {
    /// Whom to believe.
    pub policy: Policy,
    /// How long the signalled address may still take over from a learned one; also how long
    /// strangers wait under [`Policy::AnyHost`], how long a peer has to be quiet before
    /// [`Latch::relearn`] gives its place away, and how long packets go on from the old address
    /// before a peer that signalling moved is believed to be there still.
    pub window: Duration,
    /// Packets in sequence, of one SSRC, before an address that was not signalled is believed, or a
    /// new SSRC of the peer; at least 1.
    pub probation: u16,
    /// Quiet time of a settled peer after which another address may be learned; `None` is never.
    /// Strangers are not learned this way under any policy.
    pub silence: Option<Duration>,
    /// The payload types that were negotiated; packets of others are dropped.
    pub payload_types: PayloadTypeSet,
}

impl Default for LatchConfig {
    /// [`Policy::Symmetric`], a window of 2 s, 3 packets, no learning after silence, all payload
    /// types.
    fn default() -> LatchConfig {
        LatchConfig {
            policy: Policy::default(),
            window: Duration::from_secs(2),
            probation: 3,
            silence: None,
            payload_types: PayloadTypeSet::ALL,
        }
    }
}

/// What signalling says of the peer's addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signalled {
    /// The address and port of the media line; `None` (or 0.0.0.0, or port 0) while the peer wants
    /// no media.
    pub media: Option<SocketAddr>,
    /// Where its RTCP is.
    pub rtcp: RtcpAddress,
    /// The host that the signalling came from, as the transport saw it.
    pub signalling_host: Option<IpAddr>,
}

impl Signalled {
    /// Media at `media`, RTCP at the next port, signalling from the same host.
    pub const fn at(media: SocketAddr) -> Signalled {
        Signalled { media: Some(media), rtcp: RtcpAddress::NextPort, signalling_host: None }
    }
}

/// Where a peer's RTCP is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RtcpAddress {
    /// At the media port (RFC 5761).
    Muxed,
    /// At the port above (RFC 3550 section 11).
    NextPort,
    /// Where `a=rtcp` says (RFC 3605).
    At(SocketAddr),
}

/// What to do with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is the peer's.
    Accept,
    /// Not to be used in any way; it has been counted.
    Drop(Refusal),
}

impl Verdict {
    /// Is it the peer's?
    pub const fn is_accept(self) -> bool {
        matches!(self, Verdict::Accept)
    }
}

/// Why a packet is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// From an address that is not the peer's.
    Foreign,
    /// From an address that may turn out to be the peer's.
    Probation,
    /// From the peer's address, with an SSRC that has not proved itself.
    Ssrc,
    /// A payload type that was not negotiated.
    PayloadType,
}

/// Packets by verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LatchCounters {
    /// Accepted.
    pub accepted: u64,
    /// Dropped: [`Refusal::Foreign`].
    pub foreign: u64,
    /// Dropped: [`Refusal::Probation`].
    pub probation: u64,
    /// Dropped: [`Refusal::Ssrc`].
    pub ssrc: u64,
    /// Dropped: [`Refusal::PayloadType`].
    pub payload_type: u64,
    /// RTCP accepted.
    pub rtcp_accepted: u64,
    /// RTCP dropped.
    pub rtcp_dropped: u64,
    /// Where the last foreign packet came from: the first thing to look at when audio is one-way.
    pub last_foreign: Option<SocketAddr>,
}

/// How far learning has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// No packet has been accepted since signalling named the address.
    Waiting,
    /// An address is in use that a better one may still replace.
    Learning,
    /// The peer's address is fixed.
    Settled,
}

/// Decides which packets are the peer's, and where the peer is.
#[derive(Debug, Clone)]
pub struct Latch {
    config: LatchConfig,
    /// As last named; `media` is `None` only until it is named first.
    signalled: Signalled,
    /// The peer wants no media at present.
    held: bool,
    /// Where the peer was before signalling moved it: what is still on its way from there proves
    /// nothing about where it is now.
    former: Option<SocketAddr>,
    state: State,
    /// Made when somebody is first put on probation, which most peers never are.
    candidates: Option<Box<[Option<Candidate>; MAX_CANDIDATES]>>,
    rtcp_peer: Option<SocketAddr>,
    counters: LatchCounters,
}

/// Addresses on probation at a time.
const MAX_CANDIDATES: usize = 4;

#[derive(Debug, Clone, Copy)]
enum State {
    Waiting { previous: Option<Peer>, strangers: bool },
    Learning { until: Duration, peer: Peer },
    Settled { peer: Peer },
}

#[derive(Debug, Clone, Copy)]
struct Peer {
    address: SocketAddr,
    ssrc: Ssrc,
    last: Duration,
    /// Another SSRC from the same address that wants to take over.
    successor: Option<Streak>,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    address: SocketAddr,
    since: Duration,
    last: Duration,
    streak: Streak,
}

/// Packets of one SSRC in sequence.
#[derive(Debug, Clone, Copy)]
struct Streak {
    ssrc: Ssrc,
    newest: u16,
    len: u16,
}

/// How well an address fits what signalling said; lower is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Signalled,
    KnownHost,
    Stranger,
}

impl Latch {
    /// A latch for a peer of whom signalling has said `signalled`.
    pub fn new(config: LatchConfig, signalled: Signalled) -> Latch {
        Latch {
            config,
            signalled: usable(signalled),
            held: false,
            former: None,
            state: State::Waiting { previous: None, strangers: true },
            candidates: None,
            rtcp_peer: None,
            counters: LatchCounters::default(),
        }
    }

    /// Signalling (an answer, a re-INVITE, an UPDATE) names the peer's addresses again.
    ///
    /// Another address is learned anew, from that address on; the same one changes nothing, so that
    /// a session refresh opens no window. Without an address (hold) media stops, and the peer keeps
    /// its place.
    pub fn signal(&mut self, signalled: Signalled) {
        let signalled = usable(signalled);
        self.held = signalled.media.is_none();
        let Some(media) = signalled.media else { return };
        let before = self.signalled;
        self.signalled = signalled;
        if before.media.is_none_or(|old| !same(old, media))
            || before.signalling_host != signalled.signalling_host
        {
            self.former = self.peer();
            self.state = State::Waiting { previous: None, strangers: true };
            self.candidates = None;
            self.rtcp_peer = None;
        } else if before.rtcp != signalled.rtcp {
            self.rtcp_peer = None;
        }
    }

    /// Lets another address of a known host take the peer's place if the peer is quiet: after a
    /// re-INVITE that names the same address (back from hold, a NAT that may have forgotten).
    pub fn relearn(&mut self) {
        if let State::Learning { peer, .. } | State::Settled { peer } = self.state {
            self.state = State::Waiting { previous: Some(peer), strangers: false };
            self.candidates = None;
        }
    }

    /// Changes the payload types that are let in, after a new offer and answer.
    pub fn set_payload_types(&mut self, payload_types: PayloadTypeSet) {
        self.config.payload_types = payload_types;
    }

    /// Judges an RTP packet that came at `now` from `from`.
    #[inline]
    pub fn handle_rtp(&mut self, now: Duration, from: SocketAddr, packet: &Packet<'_>) -> Verdict {
        // Nearly every packet is the settled peer's next one, of which `judge` would say the same.
        if let State::Settled { peer } = &mut self.state
            && peer.address == from
            && peer.ssrc == packet.ssrc()
            && self.config.payload_types.contains(packet.payload_type())
            && self.config.silence.is_none_or(|most| now.saturating_sub(peer.last) < most)
        {
            peer.last = now;
            peer.successor = None;
            self.counters.accepted += 1;
            return Verdict::Accept;
        }
        self.handle_unusual(now, from, packet)
    }

    /// The peer of whom each further packet is accepted, whenever it comes: its address and SSRC.
    pub fn settled(&self) -> Option<(SocketAddr, Ssrc)> {
        match self.state {
            State::Settled { peer } if self.config.silence.is_none() => {
                Some((peer.address, peer.ssrc))
            }
            _ => None,
        }
    }

    /// Notes the packets of a run that has ended: all were the settled peer's.
    pub fn end_run(&mut self, run: &Run) {
        if let State::Settled { peer } = &mut self.state
            && run.packets() > 0
        {
            peer.last = run.last();
            peer.successor = None;
        }
        self.counters.accepted += run.packets();
    }

    fn handle_unusual(&mut self, now: Duration, from: SocketAddr, packet: &Packet<'_>) -> Verdict {
        if let (State::Settled { peer }, Some(silence)) = (self.state, self.config.silence)
            && now.saturating_sub(peer.last) >= silence
        {
            self.relearn();
        }
        let verdict = self.judge(now, from, packet);
        match verdict {
            Verdict::Accept => self.counters.accepted += 1,
            Verdict::Drop(Refusal::Foreign) => {
                self.counters.foreign += 1;
                self.counters.last_foreign = Some(from);
            }
            Verdict::Drop(Refusal::Probation) => self.counters.probation += 1,
            Verdict::Drop(Refusal::Ssrc) => self.counters.ssrc += 1,
            Verdict::Drop(Refusal::PayloadType) => self.counters.payload_type += 1,
        }
        verdict
    }

    /// Judges an RTCP compound from `from`, whose first packet names `ssrc` as its sender.
    ///
    /// Accepted are the peer's own address, the signalled RTCP address, and behind a NAT one other
    /// port of the peer's host: the first that knows the SSRC of its media.
    pub fn handle_rtcp(&mut self, from: SocketAddr, ssrc: Ssrc) -> Verdict {
        if self.is_rtcp_peer(from, ssrc) {
            self.counters.rtcp_accepted += 1;
            Verdict::Accept
        } else {
            self.counters.rtcp_dropped += 1;
            Verdict::Drop(Refusal::Foreign)
        }
    }

    /// Where to send media now; `None` while the peer wants none.
    #[inline]
    pub fn destination(&self) -> Option<SocketAddr> {
        if self.held { None } else { self.peer().or(self.signalled.media) }
    }

    /// Where to send RTCP now; `None` while the peer wants no media.
    pub fn rtcp_destination(&self) -> Option<SocketAddr> {
        let media = self.destination()?;
        if self.signalled.rtcp == RtcpAddress::Muxed {
            return Some(media);
        }
        if let Some(learned) = self.rtcp_peer {
            return Some(learned);
        }
        self.signalled_rtcp()
    }

    /// The address that media has been accepted from and goes to; `None` before the first packet.
    #[inline]
    pub fn peer(&self) -> Option<SocketAddr> {
        match self.state {
            State::Waiting { previous, .. } => previous.map(|peer| peer.address),
            State::Learning { peer, .. } | State::Settled { peer } => Some(peer.address),
        }
    }

    /// How far learning has come at `now`.
    pub fn phase(&self, now: Duration) -> Phase {
        match self.state {
            State::Waiting { .. } => Phase::Waiting,
            State::Learning { until, .. } if now < until => Phase::Learning,
            State::Learning { .. } | State::Settled { .. } => Phase::Settled,
        }
    }

    /// Packets by verdict so far.
    pub fn counters(&self) -> &LatchCounters {
        &self.counters
    }

    fn judge(&mut self, now: Duration, from: SocketAddr, packet: &Packet<'_>) -> Verdict {
        if !self.config.payload_types.contains(packet.payload_type()) {
            return Verdict::Drop(Refusal::PayloadType);
        }
        match self.state {
            State::Settled { mut peer } => {
                let verdict = self.judge_peer(now, from, packet, &mut peer);
                self.state = State::Settled { peer };
                verdict
            }
            State::Learning { until, mut peer } => {
                if now >= until {
                    self.state = State::Settled { peer };
                    return self.judge(now, from, packet);
                }
                if self.rank(from) == Some(Rank::Signalled) && !same(from, peer.address) {
                    return self.settle(now, from, packet);
                }
                let verdict = self.judge_peer(now, from, packet, &mut peer);
                self.state = State::Learning { until, peer };
                verdict
            }
            State::Waiting { previous, strangers } => {
                if let Some(previous) = previous
                    && same(from, previous.address)
                {
                    // Its SSRC may have changed while it was quiet; the address is what settled.
                    return self.settle(now, from, packet);
                }
                match self.rank(from) {
                    Some(Rank::Signalled) => self.settle(now, from, packet),
                    Some(Rank::Stranger) if !strangers => Verdict::Drop(Refusal::Foreign),
                    _ if previous.is_some_and(|peer| !self.is_quiet(now, &peer)) => {
                        Verdict::Drop(Refusal::Foreign)
                    }
                    Some(rank) => self.probe(now, from, packet, rank),
                    None => Verdict::Drop(Refusal::Foreign),
                }
            }
        }
    }

    /// A packet while `peer` holds the latch.
    fn judge_peer(
        &self,
        now: Duration,
        from: SocketAddr,
        packet: &Packet<'_>,
        peer: &mut Peer,
    ) -> Verdict {
        if !same(from, peer.address) {
            return Verdict::Drop(Refusal::Foreign);
        }
        if packet.ssrc() == peer.ssrc {
            peer.last = now;
            // Two sources at a time are one too many: the settled one stays.
            peer.successor = None;
            return Verdict::Accept;
        }
        let streak = Streak::extend(peer.successor, packet);
        if streak.len < self.config.probation {
            peer.successor = Some(streak);
            return Verdict::Drop(Refusal::Ssrc);
        }
        peer.ssrc = streak.ssrc;
        peer.successor = None;
        peer.last = now;
        Verdict::Accept
    }

    fn settle(&mut self, now: Duration, from: SocketAddr, packet: &Packet<'_>) -> Verdict {
        let peer = Peer { address: from, ssrc: packet.ssrc(), last: now, successor: None };
        self.state = State::Settled { peer };
        self.candidates = None;
        self.rtcp_peer = None;
        self.former = None;
        Verdict::Accept
    }

    /// A packet from an address that was not signalled, while there is no peer.
    fn probe(
        &mut self,
        now: Duration,
        from: SocketAddr,
        packet: &Packet<'_>,
        rank: Rank,
    ) -> Verdict {
        let slot = self.candidate_slot(from);
        let known = slot.filter(|candidate| same(candidate.address, from));
        let candidate = Candidate {
            address: from,
            since: known.map_or(now, |candidate| candidate.since),
            last: now,
            streak: Streak::extend(known.map(|candidate| candidate.streak), packet),
        };
        *slot = Some(candidate);
        if candidate.streak.len < self.config.probation {
            return Verdict::Drop(Refusal::Probation);
        }
        let waited = now.saturating_sub(candidate.since) >= self.config.window;
        let is_former = self.former.is_some_and(|former| same(former, from));
        match rank {
            // Nobody better has sent all through the window, else the latch would not wait.
            Rank::Stranger if waited => self.settle(now, from, packet),
            Rank::Stranger => Verdict::Drop(Refusal::Probation),
            Rank::KnownHost if is_former && !waited => Verdict::Drop(Refusal::Probation),
            Rank::Signalled | Rank::KnownHost => {
                let verdict = self.settle(now, from, packet);
                if let State::Settled { peer } = self.state {
                    self.state = State::Learning { until: now + self.config.window, peer };
                }
                verdict
            }
        }
    }

    /// Has `peer` been quiet for so long that its place may go to another address?
    fn is_quiet(&self, now: Duration, peer: &Peer) -> bool {
        now.saturating_sub(peer.last) >= self.config.window
    }

    /// The place of `from` among the candidates; else a free one, or that of the least advanced.
    fn candidate_slot(&mut self, from: SocketAddr) -> &mut Option<Candidate> {
        let place = |slot: &Option<Candidate>| match slot {
            Some(candidate) if same(candidate.address, from) => (0, 0, Duration::ZERO),
            None => (1, 0, Duration::ZERO),
            Some(candidate) => (2, candidate.streak.len, candidate.last),
        };
        let candidates = self.candidates.get_or_insert_with(|| Box::new([None; MAX_CANDIDATES]));
        let [first, rest @ ..] = &mut **candidates;
        rest.iter_mut()
            .fold(first, |best, slot| if place(slot) < place(best) { slot } else { best })
    }

    fn rank(&self, from: SocketAddr) -> Option<Rank> {
        let media = self.signalled.media;
        if media.is_some_and(|media| same(media, from)) {
            return Some(Rank::Signalled);
        }
        let host = from.ip().to_canonical();
        let is_media_host = media.is_some_and(|media| media.ip().to_canonical() == host);
        let is_signalling_host = self.signalled.signalling_host == Some(host);
        // Without an SDP there is nothing yet that a NAT could have changed.
        let behind_nat = is_signalling_host && media.is_some() && !is_media_host;
        match self.config.policy {
            Policy::Symmetric if behind_nat => Some(Rank::KnownHost),
            Policy::AnyPort | Policy::AnyHost if is_media_host || behind_nat => {
                Some(Rank::KnownHost)
            }
            Policy::AnyHost => Some(Rank::Stranger),
            _ => None,
        }
    }

    fn is_rtcp_peer(&mut self, from: SocketAddr, ssrc: Ssrc) -> bool {
        let muxed = self.signalled.rtcp == RtcpAddress::Muxed;
        let peer = match self.state {
            State::Waiting { previous, .. } => previous,
            State::Learning { peer, .. } | State::Settled { peer } => Some(peer),
        };
        let Some(peer) = peer else {
            let expected = if muxed { self.signalled.media } else { self.signalled_rtcp() };
            return expected.is_some_and(|expected| same(expected, from));
        };
        // Some send RTCP on the media port without being asked to.
        if same(peer.address, from) {
            return true;
        }
        if muxed {
            return false;
        }
        if let Some(learned) = self.rtcp_peer {
            return same(learned, from);
        }
        let direct = self.signalled.media.is_some_and(|media| same(media, peer.address));
        if direct {
            return self.signalled_rtcp().is_some_and(|expected| same(expected, from));
        }
        let matches =
            peer.address.ip().to_canonical() == from.ip().to_canonical() && peer.ssrc == ssrc;
        if matches {
            self.rtcp_peer = Some(from);
        }
        matches
    }

    fn signalled_rtcp(&self) -> Option<SocketAddr> {
        match self.signalled.rtcp {
            RtcpAddress::Muxed => self.signalled.media,
            RtcpAddress::At(address) => Some(address),
            RtcpAddress::NextPort => {
                let mut address = self.signalled.media?;
                address.set_port(address.port().checked_add(1)?);
                Some(address)
            }
        }
    }
}

impl Streak {
    /// Small steps forward are losses; anything else begins anew.
    fn extend(streak: Option<Streak>, packet: &Packet<'_>) -> Streak {
        let (ssrc, newest) = (packet.ssrc(), packet.sequence_number());
        let len = match streak {
            Some(streak) if streak.ssrc == ssrc => match newest.wrapping_sub(streak.newest) {
                0 => return streak,
                1..=8 => streak.len.saturating_add(1),
                _ => 1,
            },
            _ => 1,
        };
        Streak { ssrc, newest, len }
    }
}

/// Drops what cannot be sent to, and writes hosts in one form.
fn usable(mut signalled: Signalled) -> Signalled {
    signalled.media =
        signalled.media.filter(|media| media.port() != 0 && !media.ip().is_unspecified());
    signalled.signalling_host = signalled.signalling_host.map(|host| host.to_canonical());
    signalled
}

/// The same host and port; an IPv4 address mapped into IPv6 is that IPv4 address.
fn same(a: SocketAddr, b: SocketAddr) -> bool {
    a.port() == b.port() && a.ip().to_canonical() == b.ip().to_canonical()
}
