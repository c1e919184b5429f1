//! RTP streams and what is counted of each.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use rtp_core::demux::{Kind, classify};
use rtp_core::quality::{Conditions, Quality};
use rtp_core::rtcp::{Compound, Packet as Rtcp, ReportBlock};
use rtp_core::sequence::SequenceLimits;
use rtp_core::stats::{Figures, ReceiverStatistics};
use rtp_core::telephone_event::{Event, EventReceiver, EventReceiverConfig};
use rtp_core::{Packet, Ssrc};

use crate::capture::{Datagram, Seen};
use crate::in_band::InBand;
use crate::payload::{Format, Formats};

/// What makes packets one stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct StreamId {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) ssrc: Ssrc,
}

impl StreamId {
    pub(crate) fn of(datagram: &Datagram<'_>, packet: &Packet<'_>) -> StreamId {
        StreamId { from: datagram.from, to: datagram.to, ssrc: packet.ssrc() }
    }
}

/// `payload` as RTP, if it looks like it.
pub(crate) fn rtp(payload: &[u8]) -> Option<Packet<'_>> {
    (classify(payload) == Kind::Rtp).then(|| Packet::parse(payload).ok()).flatten()
}

/// Streams that are followed; more is no telephony.
const MAX_STREAMS: usize = 10_000;
/// Fewer packets in order are no stream: other protocols may look like RTP once or twice.
const MIN_PACKETS: u64 = 5;

/// All streams of a capture while it is read.
pub(crate) struct Streams {
    formats: Formats,
    table: BTreeMap<StreamId, Stream>,
    unreachable: BTreeSet<SocketAddr>,
    reports: BTreeMap<Ssrc, ReportBlock>,
    start: Option<Duration>,
}

/// One stream.
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    /// Formats in the order in which they came first, events left out.
    pub(crate) formats: Vec<Format>,
    /// When the first and the last packet came, since the capture began.
    pub(crate) first: Duration,
    pub(crate) last: Duration,
    /// The longest time without a packet, and when it began.
    pub(crate) pause: (Duration, Duration),
    /// Keys by telephone events.
    pub(crate) digits: String,
    /// Keys in the sound.
    pub(crate) in_band: InBand,
    /// Somebody said that nobody listens there.
    pub(crate) unreachable: bool,
    /// What the receiver reported last by RTCP.
    pub(crate) reported: Option<ReportBlock>,
    statistics: ReceiverStatistics,
    events: EventReceiver,
    /// How often timestamps went on by so many ticks from one packet to the next.
    steps: BTreeMap<u32, u64>,
    newest: Option<(u16, u32)>,
}

impl Streams {
    pub(crate) fn new(formats: Formats) -> Streams {
        Streams {
            formats,
            table: BTreeMap::new(),
            unreachable: BTreeSet::new(),
            reports: BTreeMap::new(),
            start: None,
        }
    }

    pub(crate) fn take(&mut self, seen: &Seen<'_>) {
        let datagram = match seen {
            Seen::Unreachable(to) => {
                if self.unreachable.len() < MAX_STREAMS {
                    self.unreachable.insert(*to);
                }
                return;
            }
            Seen::Datagram(datagram) => datagram,
        };
        let start = *self.start.get_or_insert(datagram.time);
        if let Some(packet) = rtp(datagram.payload) {
            let id = StreamId::of(datagram, &packet);
            if self.table.len() >= MAX_STREAMS && !self.table.contains_key(&id) {
                return;
            }
            let format = self.formats.of(id, packet.payload_type().value());
            let now = datagram.time.saturating_sub(start);
            let stream = self.table.entry(id).or_insert_with(|| Stream::new(id, &format, now));
            stream.take(now, &packet, format);
        } else if classify(datagram.payload) == Kind::Rtcp
            && let Ok(compound) = Compound::parse(datagram.payload)
        {
            for packet in compound.packets() {
                let blocks = match packet {
                    Rtcp::SenderReport(report) => report.blocks,
                    Rtcp::ReceiverReport(report) => report.blocks,
                    _ => continue,
                };
                for block in blocks {
                    if self.reports.len() < MAX_STREAMS || self.reports.contains_key(&block.ssrc) {
                        self.reports.insert(block.ssrc, block);
                    }
                }
            }
        }
    }

    /// The streams, by when they began.
    pub(crate) fn finish(mut self) -> Vec<Stream> {
        let mut streams: Vec<Stream> = std::mem::take(&mut self.table)
            .into_values()
            .filter(|stream| stream.figures().packets >= MIN_PACKETS)
            .collect();
        for stream in &mut streams {
            stream.events.handle_timeout(Duration::MAX);
            stream.note_digits();
            stream.unreachable = self.unreachable.contains(&stream.id.to);
            stream.reported = self.reports.get(&stream.id.ssrc).copied();
        }
        streams.sort_by_key(|stream| (stream.first, stream.id));
        streams
    }
}

impl Stream {
    fn new(id: StreamId, format: &Format, now: Duration) -> Stream {
        Stream {
            id,
            formats: Vec::new(),
            first: now,
            last: now,
            pause: (Duration::ZERO, now),
            digits: String::new(),
            in_band: InBand::new(),
            unreachable: false,
            reported: None,
            statistics: ReceiverStatistics::new(id.ssrc, format.clock, SequenceLimits::default()),
            events: EventReceiver::new(EventReceiverConfig::default()),
            steps: BTreeMap::new(),
            newest: None,
        }
    }

    fn take(&mut self, now: Duration, packet: &Packet<'_>, format: Format) {
        let pause = now.saturating_sub(self.last);
        if pause > self.pause.0 {
            self.pause = (pause, self.last);
        }
        self.last = self.last.max(now);
        let event = format.is_event();
        if event {
            // A payload that is no event after all says nothing.
            let _ = self.events.handle_packet(now, packet);
            self.note_digits();
        } else {
            self.in_band.take(packet, &format);
            self.statistics.set_clock_rate(format.clock);
            let (number, timestamp) = (packet.sequence_number(), packet.timestamp());
            if let Some((before, at)) = self.newest.replace((number, timestamp))
                && number == before.wrapping_add(1)
                && self.steps.len() < 100
            {
                *self.steps.entry(timestamp.wrapping_sub(at)).or_default() += 1;
            }
        }
        let timestamp = (!event).then(|| packet.timestamp());
        let len = packet.payload().len();
        let number = packet.sequence_number();
        let arrival = self.statistics.handle_packet(now, number, timestamp, len);
        if arrival.playable().is_some() && !event && self.formats.last() != Some(&format) {
            // Comfort noise between speech is no change.
            let seen = self.formats.contains(&format);
            if !seen {
                self.formats.push(format);
            }
        }
    }

    fn note_digits(&mut self) {
        while let Some(event) = self.events.poll_event() {
            if let Event::Started(code) = event
                && let Some(digit) = code.digit()
            {
                self.digits.push(digit);
            }
        }
    }

    pub(crate) fn figures(&self) -> Figures {
        self.statistics.figures()
    }

    /// How much one packet holds, as most of them do.
    pub(crate) fn packet_time(&self) -> Option<Duration> {
        let format = self.formats.first()?;
        let (&step, _) = self.steps.iter().max_by_key(|(_, count)| **count)?;
        Some(format.clock.duration(step.into())).filter(|time| *time < Duration::from_secs(1))
    }

    /// How it sounded, where the E-model knows the codec. A jitter buffer is taken to wait for twice
    /// the mean jitter.
    pub(crate) fn quality(&self, network: Duration) -> Option<Quality> {
        let figures = self.figures();
        let codec = self.formats.iter().find_map(Format::impairment)?;
        let conditions = Conditions {
            delay: network + self.packet_time().unwrap_or_default() + figures.jitter * 2,
            loss: figures.loss_runs.loss(),
            burst_ratio: figures.loss_runs.burst_ratio(),
            ..Conditions::new(codec)
        };
        Some(conditions.quality())
    }

    /// Were packets of both on their way at the same time, for longer than a switch takes?
    pub(crate) fn overlaps(&self, other: &Stream) -> bool {
        let (start, end) = (self.first.max(other.first), self.last.min(other.last));
        end.saturating_sub(start) > Duration::from_millis(200)
    }
}
