//! One participant's end of an RTP session: a sending half, what is known of the other sources, and
//! the reports about both (RFC 3550).
//!
//! A [`Session`] knows no addresses; [`crate::latch`] decides which packets may come in. It
//! allocates when it is made and not afterwards.
//!
//! ```
//! use core::time::Duration;
//! use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
//! use rtp_core::{PayloadType, Session, session::{Frame, SessionConfig}};
//!
//! let mut rng = ChaCha8Rng::seed_from_u64(1);
//! let config = SessionConfig::new("c0ffee@example.invalid");
//! let mut session = Session::new(config, Duration::ZERO, &mut rng)?;
//!
//! // Media: the session numbers what is sent ...
//! let mut buf = [0u8; 172];
//! let frame =
//!     Frame { payload_type: PayloadType::PCMA, timestamp: 0, marker: false, payload_len: 160 };
//! session.sender_mut().send(Duration::ZERO, frame).write(&mut buf)?;
//!
//! // ... and reports when its timer says so (which it may think over when it runs out).
//! let mut report = [0u8; rtp_core::session::MAX_REPORT_LEN];
//! while let Some(due) = session.poll_timeout() {
//!     session.handle_timeout(due, &mut rng);
//!     if let Some(len) = session.poll_transmit(due, &mut report)? {
//!         assert!(rtp_core::rtcp::Compound::parse(&report[..len]).is_ok());
//!         break;
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod conflict;
mod schedule;
mod sender;
mod sources;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::net::SocketAddr;
use core::time::Duration;

use rand_core::Rng;

use crate::rtcp::xr::{Block, VoipMetrics};
use crate::rtcp::{
    self, Compound, CompoundWriter, ReportBlock, ReportBlocks, RtcpError, RtcpWriteError, SdesItem,
};
use crate::run::Run;
use crate::sequence::{Arrival, SequenceLimits};
use crate::stats::{Figures, Jitter, round_trip};
use crate::{ClockRate, NtpTime, Packet, PayloadType, PayloadTypeSet, Ssrc};

pub use conflict::Conflict;
use conflict::Conflicts;
pub use schedule::{Membership, Schedule, ScheduleLimits};
pub use sender::{Frame, Sender};
use sources::Sources;

/// Octets that any report of a [`Session`] fits into.
pub const MAX_REPORT_LEN: usize = 1_400;

/// Events that wait to be polled; the oldest gives way.
const MAX_EVENTS: usize = 16;

/// How a [`Session`] behaves.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// The canonical name that ties our streams together, up to 255 octets. It should say nothing
    /// about the user (RFC 7022); see [`random_cname`].
    pub cname: String,
    /// The clock of what is sent, and of what comes unless `clock_rates` says otherwise.
    pub clock_rate: ClockRate,
    /// Incoming payload types that run on another clock.
    pub clock_rates: Vec<(PayloadType, ClockRate)>,
    /// Incoming payload types whose timestamps are no sampling instants and say nothing about
    /// jitter: telephone events.
    pub untimed: PayloadTypeSet,
    /// Are reports sent? Those that come are read in any case.
    pub reports: bool,
    /// How often reports are sent.
    pub schedule: ScheduleLimits,
    /// When a source counts as one.
    pub sequence: SequenceLimits,
    /// How many other sources are followed at once; a further one takes the place of one that has
    /// not been valid or is gone, or is refused.
    pub max_sources: usize,
    /// The wall clock when `now` is zero; any steady origin will do when it is unknown.
    pub ntp_at_zero: NtpTime,
}

impl SessionConfig {
    /// One G.711 stream each way, under `cname`.
    pub fn new(cname: impl Into<String>) -> SessionConfig {
        SessionConfig {
            cname: cname.into(),
            clock_rate: ClockRate::HZ_8000,
            clock_rates: Vec::new(),
            untimed: PayloadTypeSet::EMPTY,
            reports: true,
            schedule: ScheduleLimits::default(),
            sequence: SequenceLimits::default(),
            max_sources: 8,
            ntp_at_zero: NtpTime::default(),
        }
    }
}

/// A canonical name of 96 random bits: it links the streams of one call and nothing else
/// (RFC 7022 section 4.2).
pub fn random_cname(rng: &mut (impl Rng + ?Sized)) -> String {
    let mut octets = [0; 12];
    rng.fill_bytes(&mut octets);
    octets.iter().fold(String::with_capacity(24), |mut name, octet| {
        // Writing into a string cannot fail.
        let _ = write!(name, "{octet:02x}");
        name
    })
}

/// The configuration cannot be used. The caller's misuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// An SDES item holds 255 octets.
    #[error("canonical name of {0} octets is over 255")]
    CnameTooLong(usize),
}

/// What became of an RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reception {
    /// It was counted for its source; [`Arrival::playable`] says whether to play it.
    Counted(Arrival),
    /// It bears our own SSRC: a loop or a collision. Dropped.
    OwnSsrc,
    /// One source too many. Dropped.
    TooManySources,
}

impl Reception {
    /// May the packet be played?
    pub fn is_playable(self) -> bool {
        matches!(self, Reception::Counted(arrival) if arrival.playable().is_some())
    }
}

/// What the peer said of our stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RemoteReport {
    /// Who reports.
    pub reporter: Ssrc,
    /// What it saw.
    pub block: ReportBlock,
    /// The round trip, if it can be told.
    pub round_trip: Option<Duration>,
}

/// Something to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A source has passed its probation.
    SourceValid(Ssrc),
    /// A source said goodbye.
    SourceLeft(Ssrc),
    /// Nothing has come from a source for five report intervals.
    SourceTimedOut(Ssrc),
    /// The peer reported on our stream.
    Report(RemoteReport),
    /// Someone uses our SSRC, or our packets come back to us; see [`Session::handle_conflict`].
    SsrcCollision,
    /// The peer says how our stream sounds (RFC 3611 section 4.7).
    VoipMetrics {
        /// Who reports.
        reporter: Ssrc,
        /// What it measured.
        metrics: VoipMetrics,
    },
}

/// One participant's end of an RTP session.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    sender: Sender,
    sources: Sources,
    schedule: Schedule,
    events: VecDeque<Event>,
    events_lost: u64,
    last_report: Option<RemoteReport>,
    /// When the last report and the one before it were sent.
    reports_sent: [Option<Duration>; 2],
    leaving: Option<Leaving>,
    conflicts: Conflicts,
    /// An SSRC of ours that we have given up, until its goodbye is said.
    departed: Option<Ssrc>,
    voip_metrics: Option<VoipMetrics>,
}

#[derive(Debug)]
struct Leaving {
    reason: Option<String>,
    done: bool,
}

impl Session {
    /// A participant that joins at `now`, with SSRC and first numbers from `rng`, which should be
    /// hard to predict.
    ///
    /// # Errors
    ///
    /// [`SessionError`]: the configuration cannot be used.
    pub fn new(
        config: SessionConfig,
        now: Duration,
        rng: &mut (impl Rng + ?Sized),
    ) -> Result<Session, SessionError> {
        if config.cname.len() > 255 {
            return Err(SessionError::CnameTooLong(config.cname.len()));
        }
        let first_report = 8 + 10 + config.cname.len();
        Ok(Session {
            sender: Sender::new(Ssrc(rng.next_u32()), config.clock_rate, rng),
            sources: Sources::new(config.max_sources),
            schedule: Schedule::new(config.schedule, now, first_report, rng),
            events: VecDeque::new(),
            events_lost: 0,
            last_report: None,
            reports_sent: [None; 2],
            leaving: None,
            conflicts: Conflicts::new(),
            departed: None,
            voip_metrics: None,
            config,
        })
    }

    /// Our SSRC.
    pub fn ssrc(&self) -> Ssrc {
        self.sender.ssrc()
    }

    /// The sending half.
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// The sending half, to number packets with.
    pub fn sender_mut(&mut self) -> &mut Sender {
        &mut self.sender
    }

    /// Takes an RTP packet that came at `now`.
    pub fn handle_rtp(&mut self, now: Duration, packet: &Packet<'_>) -> Reception {
        if packet.ssrc() == self.ssrc() {
            self.push(Event::SsrcCollision);
            return Reception::OwnSsrc;
        }
        let payload_type = packet.payload_type();
        let clock_rate = self.clock_rate_of(payload_type);
        let limits = self.config.sequence;
        let Some(source) = self.sources.entry(now, packet.ssrc(), clock_rate, limits) else {
            return Reception::TooManySources;
        };
        let timed = !self.config.untimed.contains(payload_type);
        if timed {
            source.statistics.set_clock_rate(clock_rate);
        }
        let was_valid = source.statistics.is_valid();
        let arrival = source.statistics.handle_packet(
            now,
            packet.sequence_number(),
            timed.then(|| packet.timestamp()),
            packet.payload().len(),
        );
        source.note_rtp(now);
        if source.statistics.is_valid() && !was_valid {
            self.push(Event::SourceValid(packet.ssrc()));
        }
        Reception::Counted(arrival)
    }

    /// Takes the packets of a run that has ended.
    pub fn end_run(&mut self, run: &Run) {
        if run.packets() > 0
            && let Some(source) = self.sources.find_mut(run.ssrc())
        {
            source.statistics.end_run(run);
            source.note_rtp(run.last());
        }
    }

    /// The newest number of a source and its jitter, when its next packet of this type is one to be counted
    /// and nothing else.
    pub(crate) fn position(&self, ssrc: Ssrc, payload_type: PayloadType) -> Option<(u16, Jitter)> {
        if ssrc == self.ssrc() || self.config.untimed.contains(payload_type) {
            return None;
        }
        let source = self.sources.find(ssrc).filter(|source| source.is_settled())?;
        source.statistics.position(self.clock_rate_of(payload_type))
    }

    /// Takes an RTCP datagram that came at `now`.
    ///
    /// # Errors
    ///
    /// [`RtcpError`]: the peer's fault; nothing of the datagram was used.
    pub fn handle_rtcp(&mut self, now: Duration, datagram: &[u8]) -> Result<(), RtcpError> {
        let compound = Compound::parse(datagram)?;
        self.schedule.received(datagram.len());
        for packet in compound.packets() {
            match packet {
                rtcp::Packet::SenderReport(report) => {
                    if self.note_member(now, report.ssrc)
                        && let Some(source) = self.sources.find_mut(report.ssrc)
                    {
                        source.statistics.handle_sender_report(now, &report.info);
                    }
                    self.read_blocks(now, report.ssrc, report.blocks);
                }
                rtcp::Packet::ReceiverReport(report) => {
                    self.note_member(now, report.ssrc);
                    self.read_blocks(now, report.ssrc, report.blocks);
                }
                rtcp::Packet::ExtendedReport(report) if report.ssrc != self.ssrc() => {
                    for block in report.blocks() {
                        match block {
                            Block::VoipMetrics(metrics) if metrics.ssrc == self.ssrc() => {
                                self.push(Event::VoipMetrics { reporter: report.ssrc, metrics });
                            }
                            _ => {}
                        }
                    }
                }
                rtcp::Packet::Bye(bye) => {
                    for ssrc in bye.sources() {
                        self.note_bye(now, ssrc);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// When to call [`Session::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Duration> {
        match self.leaving {
            Some(Leaving { done: true, .. }) => None,
            _ if !self.config.reports => None,
            _ => self.schedule.next(),
        }
    }

    /// Lets time pass until `now`.
    pub fn handle_timeout(&mut self, now: Duration, rng: &mut (impl Rng + ?Sized)) {
        if self.poll_timeout().is_none_or(|due| now < due) {
            return;
        }
        // Members time out by a receiver's interval, however often we report (section 6.3.5).
        let receiver = Membership { we_sent: false, ..self.membership() };
        let interval = self.schedule.deterministic_interval(receiver).max(Duration::from_secs(5));
        let (events, lost) = (&mut self.events, &mut self.events_lost);
        self.sources
            .time_out(now, interval, |ssrc| push(events, lost, Event::SourceTimedOut(ssrc)));
        let membership = self.membership();
        self.schedule.members_left(now, membership.members);
        self.schedule.expire(now, membership, rng);
    }

    /// Writes the report that is due at `now`, if one is, to the front of `buf` and returns its
    /// length. A buffer of [`MAX_REPORT_LEN`] octets is always long enough.
    ///
    /// # Errors
    ///
    /// [`RtcpWriteError::BufferTooSmall`]: the report stays due.
    pub fn poll_transmit(
        &mut self,
        now: Duration,
        buf: &mut [u8],
    ) -> Result<Option<usize>, RtcpWriteError> {
        if !self.schedule.is_due() {
            return Ok(None);
        }
        let len = self.write_report(now, buf)?;
        let membership = self.membership();
        self.schedule.sent(now, len, membership);
        self.sources.clear_reported();
        self.reports_sent = [Some(now), self.reports_sent[0]];
        self.departed = None;
        if let Some(leaving) = &mut self.leaving {
            leaving.done = true;
        }
        Ok(Some(len))
    }

    /// The next event.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Events that nobody polled in time.
    pub fn events_lost(&self) -> u64 {
        self.events_lost
    }

    /// Leaves the session at `now`: a goodbye becomes due (in a group of 50 and more after a random
    /// time). Someone who never sent anything says none (RFC 3550 section 6.3.7). `reason` is cut
    /// at 255 octets.
    pub fn leave(&mut self, now: Duration, reason: Option<&str>, rng: &mut (impl Rng + ?Sized)) {
        if self.leaving.is_some() {
            return;
        }
        let heard = self.sender.packets() > 0 || self.reports_sent[0].is_some();
        let reason = reason.map(|reason| String::from(prefix(reason, 255)));
        let size = 8 + 12 + self.config.cname.len() + 8 + reason.as_ref().map_or(0, String::len);
        if heard && self.config.reports {
            self.schedule.leave(now, self.membership().members, size, rng);
        }
        self.leaving = Some(Leaving { reason, done: !(heard && self.config.reports) });
    }

    /// Has the goodbye been written, or was none needed?
    pub fn has_left(&self) -> bool {
        self.leaving.as_ref().is_some_and(|leaving| leaving.done)
    }

    /// A packet with our own SSRC came `from` somewhere ([`Reception::OwnSsrc`] or
    /// [`Event::SsrcCollision`]): tells a collision, for which we make way with another SSRC, from a
    /// loop (RFC 3550 section 8.2). An address is remembered for ten report intervals.
    pub fn handle_conflict(
        &mut self,
        now: Duration,
        from: SocketAddr,
        rng: &mut (impl Rng + ?Sized),
    ) -> Conflict {
        let memory = self.schedule.deterministic_interval(self.membership()) * 10;
        if self.conflicts.is_known(now, from, memory) {
            return Conflict::Loop;
        }
        let old = self.ssrc();
        self.change_ssrc(rng);
        self.departed.get_or_insert(old);
        Conflict::Collision { old, new: self.ssrc() }
    }

    /// Puts VoIP metrics into each report from now on (RFC 3611); to be renewed before reports, or
    /// taken away with `None`.
    pub fn set_voip_metrics(&mut self, metrics: Option<VoipMetrics>) {
        self.voip_metrics = metrics;
    }

    /// Takes another random SSRC, without a goodbye for the old one; see
    /// [`Session::handle_conflict`].
    pub fn change_ssrc(&mut self, rng: &mut (impl Rng + ?Sized)) {
        loop {
            let ssrc = Ssrc(rng.next_u32());
            if ssrc != self.ssrc() && self.sources.find(ssrc).is_none() {
                self.sender.set_ssrc(ssrc);
                return;
            }
        }
    }

    /// Sources that have been heard and not been displaced, in no order.
    pub fn sources(&self) -> impl Iterator<Item = Ssrc> {
        self.sources.iter().map(|source| source.statistics.ssrc())
    }

    /// Counts of one source.
    pub fn figures(&self, ssrc: Ssrc) -> Option<Figures> {
        self.sources.find(ssrc).map(|source| source.statistics.figures())
    }

    /// The valid source that RTP came from last.
    pub fn current_source(&self) -> Option<Ssrc> {
        self.sources.current().map(|source| source.statistics.ssrc())
    }

    /// What the peer said last of our stream.
    pub fn last_report(&self) -> Option<RemoteReport> {
        self.last_report
    }

    /// Who takes part.
    pub fn membership(&self) -> Membership {
        let (members, senders) = self.sources.count();
        let we_sent = match (self.sender.last_sent(), self.reports_sent[1]) {
            (Some(sent), Some(report)) => sent > report,
            (Some(_), None) => true,
            (None, _) => false,
        };
        Membership { members: members + 1, senders: senders + u32::from(we_sent), we_sent }
    }

    fn clock_rate_of(&self, payload_type: PayloadType) -> ClockRate {
        let other = self.config.clock_rates.iter().find(|(known, _)| *known == payload_type);
        other.map_or(self.config.clock_rate, |&(_, clock_rate)| clock_rate)
    }

    /// False when `ssrc` cannot be followed.
    fn note_member(&mut self, now: Duration, ssrc: Ssrc) -> bool {
        if ssrc == self.ssrc() {
            self.push(Event::SsrcCollision);
            return false;
        }
        let (clock_rate, limits) = (self.config.clock_rate, self.config.sequence);
        match self.sources.entry(now, ssrc, clock_rate, limits) {
            Some(source) => source.note_rtcp(now),
            None => return false,
        }
        true
    }

    fn note_bye(&mut self, now: Duration, ssrc: Ssrc) {
        let Some(source) = self.sources.find_mut(ssrc) else { return };
        if !source.note_bye(now) {
            return;
        }
        self.schedule.bye_received();
        let members = self.membership().members;
        self.schedule.members_left(now, members);
        self.push(Event::SourceLeft(ssrc));
    }

    fn read_blocks(&mut self, now: Duration, reporter: Ssrc, blocks: ReportBlocks<'_>) {
        let own = self.ssrc();
        if reporter == own {
            return;
        }
        for block in blocks.filter(|block| block.ssrc == own) {
            let round_trip = round_trip(self.config.ntp_at_zero + now, &block);
            let report = RemoteReport { reporter, block, round_trip };
            self.last_report = Some(report);
            self.push(Event::Report(report));
        }
    }

    fn write_report(&mut self, now: Duration, buf: &mut [u8]) -> Result<usize, RtcpWriteError> {
        let ssrc = self.ssrc();
        let we_sent = self.membership().we_sent;
        let info = self.sender.sender_info(now, self.config.ntp_at_zero + now);
        let mut writer = CompoundWriter::new(buf);
        let blocks = self.sources.report_blocks(now);
        if we_sent {
            writer.sender_report(ssrc, info, blocks)?;
        } else {
            writer.receiver_report(ssrc, blocks)?;
        }
        writer.sdes(&[(ssrc, &[SdesItem::cname(self.config.cname.as_bytes())])])?;
        if let Some(metrics) = self.voip_metrics {
            writer.extended_report(ssrc, &[Block::VoipMetrics(metrics)])?;
        }
        if let Some(departed) = self.departed {
            writer.bye(&[departed], None)?;
        }
        if let Some(leaving) = &self.leaving {
            writer.bye(&[ssrc], leaving.reason.as_ref().map(String::as_bytes))?;
        }
        Ok(writer.finish())
    }

    fn push(&mut self, event: Event) {
        push(&mut self.events, &mut self.events_lost, event);
    }
}

fn push(events: &mut VecDeque<Event>, lost: &mut u64, event: Event) {
    if events.len() == MAX_EVENTS {
        events.pop_front();
        *lost += 1;
    }
    events.push_back(event);
}

/// The longest prefix of at most `max` octets that ends between characters.
fn prefix(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or_default()
}
