//! One leg's stream: who its peer is, what it speaks, and what is being done with it.

use std::net::SocketAddr;
use std::time::Duration;

use packet_ring::pool::PacketPool;
use rand_core::Rng;
use rtp_core::latch::{Latch, LatchConfig, RtcpAddress, Signalled};
use rtp_core::quality::{CodecImpairment, Conditions};
use rtp_core::sequence::SequenceLimits;
use rtp_core::session::{Frame, Session, SessionConfig, random_cname};
use rtp_core::{ClockRate, Packet, PayloadType, PayloadTypeSet};

use super::super::hearing::{self, Heard, Hearing};
use super::super::recorder::{Direction, Recorder};
use super::path::{Path, Reluctance};
use super::playing::LONGEST;
use crate::media::repacketizer::Repacketizer;
use crate::media::{Audio, Codec, CodecKind, PortId, Stream, StreamStatistics};
use digits::Digits;

mod digits;

/// What a stream is doing.
#[derive(Debug)]
pub(super) enum Activity {
    Idle,
    Echo,
    Bridged(PortId),
    Playing(Player),
}

/// Audio on its way to a peer.
#[derive(Debug)]
pub(super) struct Player {
    pub(super) audio: Audio,
    pub(super) token: u64,
    pub(super) position: usize,
    /// Timestamp of the next frame on the player's own time line.
    pub(super) clock: u32,
    pub(super) next: Duration,
}

pub(super) struct StreamState {
    pub(super) agreed: Stream,
    pub(super) latch: Latch,
    pub(super) session: Session,
    pub(super) activity: Activity,
    /// The short way of what the peer says, as long as it may take one.
    pub(super) path: Option<Path>,
    pub(super) reluctance: Reluctance,
    /// Only where the peer wants packets of another length than it is sent.
    pub(super) cutter: Option<Box<Repacketizer>>,
    pub(super) recorder: Option<Box<Recorder>>,
    /// Only where somebody listens to the peer.
    hearing: Option<Box<Hearing>>,
    /// Only where a recording holds what a relayed peer hears.
    pub(super) overhearing: Option<Box<Hearing>>,
    /// When the machine will look at this stream.
    pub(super) wake: Option<Duration>,
    pub(super) malformed: u64,
    digits: Digits,
    /// Since when the peer has been silent.
    quiet_since: Duration,
    silence_reported: bool,
}

impl StreamState {
    pub(super) fn new(now: Duration, agreed: Stream, random: &mut impl Rng) -> Self {
        let clock_rate = agreed.codecs.first().and_then(|codec| ClockRate::new(codec.clock_rate));
        let mut config = SessionConfig {
            clock_rate: clock_rate.unwrap_or(ClockRate::HZ_8000),
            // The latch has believed the peer before the first packet comes here.
            sequence: SequenceLimits { probation: 1, ..SequenceLimits::default() },
            reports: agreed.rtcp_mux,
            ..SessionConfig::new(random_cname(random))
        };
        for codec in &agreed.codecs {
            if let Some(rate) = ClockRate::new(codec.clock_rate) {
                let kind = PayloadType::from_octet(codec.receive_payload_type);
                config.clock_rates.push((kind, rate));
            }
        }
        if let Some(events) = agreed.events {
            config.untimed.insert(PayloadType::from_octet(events.receive_payload_type));
        }
        let latch = Latch::new(
            LatchConfig { payload_types: payload_types(&agreed), ..LatchConfig::default() },
            signalled(&agreed),
        );
        let session = Session::new(config, now, random)
            .unwrap_or_else(|_| unreachable!("24 octets of canonical name are below 255"));
        Self {
            latch,
            session,
            activity: Activity::Idle,
            path: None,
            reluctance: Reluctance::default(),
            cutter: None,
            recorder: None,
            hearing: None,
            overhearing: None,
            wake: None,
            malformed: 0,
            digits: Digits::default(),
            quiet_since: now,
            silence_reported: false,
            agreed,
        }
    }

    /// A further offer and answer: the numbering of what we send goes on.
    pub(super) fn change(&mut self, now: Duration, agreed: Stream) {
        self.latch.signal(signalled(&agreed));
        self.latch.relearn();
        self.latch.set_payload_types(payload_types(&agreed));
        if agreed.ptime_ms != self.agreed.ptime_ms {
            self.cutter = None;
            self.hearing = None;
            self.overhearing = None;
        }
        if event_clock(&agreed) != event_clock(&self.agreed) {
            self.digits = Digits::default();
        }
        self.agreed = agreed;
        self.stop_listening_in_vain();
        self.heard(now);
    }

    /// Where to send; `None` while the peer does not listen.
    #[inline]
    pub(super) fn destination(&self) -> Option<SocketAddr> {
        self.latch.destination().filter(|to| self.agreed.send && self.may_send_to(*to))
    }

    /// Where reports go.
    pub(super) fn report_destination(&self) -> Option<SocketAddr> {
        self.latch.rtcp_destination().filter(|to| self.may_send_to(*to))
    }

    /// Reports go to the port of the media, or to none: there the peer is heard, too.
    fn may_send_to(&self, to: SocketAddr) -> bool {
        self.agreed.sends_first || self.latch.peer() == Some(to)
    }

    pub(super) fn codec_received(&self, payload_type: u8) -> Option<&Codec> {
        self.agreed.codecs.iter().find(|codec| codec.receive_payload_type == payload_type)
    }

    /// The codec in which what arrived as `codec` elsewhere is sent here: itself where agreed, else a
    /// law of G.711 that it can be turned into.
    pub(super) fn codec_for(&self, codec: &Codec) -> Option<&Codec> {
        let same = self
            .agreed
            .codecs
            .iter()
            .find(|own| own.kind == codec.kind && own.clock_rate == codec.clock_rate);
        same.or_else(|| self.agreed.codecs.iter().find(|own| codec.is_g711() && own.is_g711()))
    }

    /// A valid packet came.
    pub(super) fn heard(&mut self, now: Duration) {
        self.quiet_since = now;
        self.silence_reported = false;
    }

    /// How long the peer has been silent, when that is news.
    pub(super) fn fell_silent(&mut self, now: Duration) -> Option<Duration> {
        let limit = self.agreed.silence.filter(|_| self.agreed.receive)?;
        let since = now.saturating_sub(self.quiet_since);
        if since < limit || std::mem::replace(&mut self.silence_reported, true) {
            return None;
        }
        Some(since)
    }

    pub(super) fn next_wake(&self) -> Option<Duration> {
        let playing = match &self.activity {
            Activity::Playing(player) => Some(player.next),
            _ => None,
        };
        let silence = self
            .agreed
            .silence
            .filter(|_| self.agreed.receive && !self.silence_reported)
            .map(|limit| self.quiet_since + limit);
        [
            playing,
            silence,
            self.digits.poll_timeout(),
            self.recorder.as_ref().map(|recorder| recorder.poll_timeout()),
            self.hearing.as_ref().map(|hearing| hearing.poll_timeout()),
            self.overhearing.as_ref().map(|hearing| hearing.poll_timeout()),
            self.session.poll_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Whether something of our own may be due at `now`: audio, a digit, a report.
    pub(super) fn is_to_speak(&self, now: Duration) -> bool {
        let due = [self.digits.poll_timeout(), self.session.poll_timeout()];
        matches!(self.activity, Activity::Playing(_))
            || due.into_iter().flatten().any(|at| at <= now)
    }

    /// Takes a packet of a telephone event; [`StreamState::ended_digit`] tells what came of it.
    pub(super) fn receive_event(&mut self, now: Duration, packet: &Packet<'_>) {
        let clock_rate = event_clock(&self.agreed);
        if self.digits.receive(now, clock_rate, packet).is_err() {
            self.malformed += 1;
        }
    }

    /// The next digit of the peer's that has ended.
    pub(super) fn ended_digit(&mut self) -> Option<(char, Duration)> {
        self.digits.ended()
    }

    pub(super) fn let_digits_end(&mut self, now: Duration) {
        self.digits.handle_timeout(now);
    }

    /// Queues a digit for the peer.
    pub(super) fn queue_digit(&mut self, digit: char, duration: Duration) {
        let clock_rate = event_clock(&self.agreed);
        self.digits.queue(self.agreed.events, clock_rate, digit, duration);
    }

    pub(super) fn is_sending_digit(&self) -> bool {
        self.digits.is_sending()
    }

    /// A peer that does not listen gets no digits later, either.
    pub(super) fn drop_digits(&mut self) {
        self.digits.clear();
    }

    /// The next packet of a digit that is due: what goes before the payload, and the payload.
    pub(super) fn next_digit_piece(
        &mut self,
        now: Duration,
        payload: &mut [u8; LONGEST],
    ) -> Option<Frame> {
        let clock = self.session.sender().timestamp_at(now);
        if let Some(events) = self.agreed.events {
            let payload_type = PayloadType::from_octet(events.send_payload_type);
            let packet = self.digits.event(now, clock, payload_type, payload);
            if packet.is_some() {
                return packet;
            }
        }
        let (kind, payload_type) = self.law()?;
        let length = self.frame_samples();
        self.digits.tone(now, clock, (&kind, payload_type), payload.get_mut(..length)?)
    }

    /// What the peer says, for whoever listens. `false`: no buffer was left for it.
    pub(super) fn listen(
        &mut self,
        now: Duration,
        kind: &CodecKind,
        packet: &Packet<'_>,
        pool: &PacketPool,
    ) -> bool {
        if let Some(recorder) = self.recorder.as_mut().filter(|recorder| !recorder.hears()) {
            record(recorder, now, Direction::Received, kind, packet);
        }
        if !self.is_listened_to() {
            return true;
        }
        Self::ear(&mut self.hearing, now, self.agreed.ptime_ms).take(now, kind, packet, pool)
    }

    /// The ear in this place, made when first needed.
    pub(super) fn ear(
        place: &mut Option<Box<Hearing>>,
        now: Duration,
        ptime_ms: u32,
    ) -> &mut Hearing {
        place.get_or_insert_with(|| Box::new(Hearing::new(now, ptime_ms)))
    }

    /// Whether there is an ear for what the peer says.
    pub(super) fn is_heard(&self) -> bool {
        self.hearing.is_some()
    }

    /// Whether a recording holds what the peer is sent, too.
    pub(super) fn is_recorded_both_ways(&self) -> bool {
        self.recorder.as_ref().is_some_and(|recorder| recorder.overhears())
    }

    /// The next piece of what is heard of the peer, when it is due.
    pub(super) fn hear(
        &mut self,
        now: Duration,
        samples: &mut [i16; hearing::LONGEST],
    ) -> Option<Heard> {
        let heard = self.hearing.as_mut()?.handle_timeout(now, samples)?;
        let samples = samples.get(..heard.count)?;
        if let Some(recorder) = self.recorder.as_mut().filter(|recorder| recorder.hears()) {
            recorder.write_heard(heard.at, Direction::Received, samples);
        }
        if self.listens_for_digits() {
            self.digits.hear(samples);
        }
        Some(heard)
    }

    /// Writes down what is due of what the peer is sent.
    pub(super) fn overhear(&mut self, now: Duration) {
        let (Some(hearing), Some(recorder)) = (&mut self.overhearing, &mut self.recorder) else {
            return;
        };
        let mut samples = [0; hearing::LONGEST];
        while let Some(heard) = hearing.handle_timeout(now, &mut samples) {
            let samples = samples.get(..heard.count).unwrap_or_default();
            // Silence is what lies between, and something of our own may lie there.
            if heard.sounds {
                recorder.write_heard(heard.at, Direction::Sent, samples);
            }
        }
    }

    /// Forgets what was heard once nobody listens any more.
    pub(super) fn stop_listening_in_vain(&mut self) {
        if !self.is_listened_to() {
            self.hearing = None;
        }
        if !self.listens_for_digits() {
            self.digits.stop_hearing();
        }
        if self.recorder.is_none() {
            self.overhearing = None;
        }
    }

    /// Whether the call ends here, or a recorder listens: a relay needs no jitter buffer.
    fn is_listened_to(&self) -> bool {
        matches!(self.activity, Activity::Echo)
            || self.listens_for_digits()
            || self.recorder.as_ref().is_some_and(|recorder| recorder.hears())
    }

    /// A peer without telephone events sends its digits as tones, to whoever it talks to.
    fn listens_for_digits(&self) -> bool {
        self.agreed.events.is_none() && !matches!(self.activity, Activity::Bridged(_))
    }

    /// Writes down samples of our own that the peer is sent.
    pub(super) fn record_sent(&mut self, now: Duration, source: (u32, u32), samples: &[i16]) {
        if let Some(recorder) = &mut self.recorder {
            recorder.write(now, Direction::Sent, source, samples);
        }
    }

    pub(super) fn statistics(&self) -> StreamStatistics {
        let counters = self.latch.counters();
        let mut statistics = StreamStatistics {
            packets_sent: self.session.sender().packets(),
            packets_refused: counters.foreign
                + counters.probation
                + counters.ssrc
                + counters.payload_type
                + self.malformed,
            round_trip: self.session.last_report().and_then(|report| report.round_trip),
            ..StreamStatistics::default()
        };
        let mut loss: (f64, f64) = (0.0, 1.0);
        for ssrc in self.session.sources() {
            let Some(figures) = self.session.figures(ssrc) else { continue };
            statistics.packets_received += figures.packets;
            statistics.packets_lost += i64::try_from(figures.loss_runs.lost).unwrap_or(i64::MAX);
            if figures.jitter > statistics.jitter {
                statistics.jitter = figures.jitter;
            }
            loss = (figures.loss_runs.loss(), figures.loss_runs.burst_ratio());
        }
        if statistics.packets_received > 0 {
            // One way, with a playout buffer of twice the jitter at the far end.
            let network = statistics.round_trip.unwrap_or_default() / 2;
            let packet = Duration::from_millis(u64::from(self.agreed.ptime_ms));
            let conditions = Conditions {
                delay: network + packet + statistics.jitter * 2,
                loss: loss.0,
                burst_ratio: loss.1,
                ..Conditions::new(CodecImpairment::G711_PLC)
            };
            statistics.mos = Some(conditions.quality().mos as f32);
        }
        statistics
    }
}

impl Codec {
    pub(super) fn is_g711(&self) -> bool {
        matches!(self.kind, CodecKind::Pcma | CodecKind::Pcmu)
    }
}

/// Records the samples of a G.711 packet where they belong.
fn record(
    recorder: &mut Recorder,
    now: Duration,
    direction: Direction,
    kind: &CodecKind,
    packet: &Packet<'_>,
) {
    let mut timestamp = packet.timestamp();
    for octets in packet.payload().chunks(LONGEST) {
        let mut samples = [0; LONGEST];
        let Some(samples) = samples.get_mut(..octets.len()) else { return };
        match kind {
            CodecKind::Pcma => codec_g711::alaw::decode(octets, samples),
            CodecKind::Pcmu => codec_g711::ulaw::decode(octets, samples),
            CodecKind::Other(_) => return,
        };
        recorder.write(now, direction, (packet.ssrc().0, timestamp), samples);
        timestamp = timestamp.wrapping_add(octets.len() as u32);
    }
}

fn payload_types(agreed: &Stream) -> PayloadTypeSet {
    let codecs = agreed.codecs.iter().map(|codec| codec.receive_payload_type);
    let events = agreed.events.map(|events| events.receive_payload_type);
    codecs
        .chain(events)
        .map(PayloadType::from_octet)
        .fold(PayloadTypeSet::EMPTY, |set, kind| set.with(kind))
}

fn signalled(agreed: &Stream) -> Signalled {
    Signalled {
        media: agreed.remote,
        rtcp: if agreed.rtcp_mux { RtcpAddress::Muxed } else { RtcpAddress::NextPort },
        signalling_host: agreed.signalled_from,
    }
}

fn event_clock(agreed: &Stream) -> ClockRate {
    agreed.events.and_then(|events| ClockRate::new(events.clock_rate)).unwrap_or(ClockRate::HZ_8000)
}
