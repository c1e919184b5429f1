//! The sound of a call: one stream of the media machine, and what the owner wants played and pressed.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use packet_ring::pool::{PacketBuf, PacketPool};
use pbx::media::machine::Transmit;
use pbx::media::{
    Audio, Block, Codec, CodecKind, Command, Event as MachineEvent, EventPayload, Machine, PortId,
    RecordedSides, RecordingId, Stream, StreamStatistics,
};
use rtp_core::demux::{Kind, classify};
use sip_core::sdp::{Codec as SdpCodec, Negotiated};

use super::event::{Counters, Event, Media};
use crate::dial_string::Press;
use crate::impair::{Impairment, Network};

/// The only port of this phone.
const PORT: PortId = PortId(0);
const RECORDING: RecordingId = RecordingId(0);
/// Tells the owner's audio from the silence after it.
const OWNERS: u64 = 1;
const SILENCE: u64 = 2;
/// A peer that sends nothing for so long is worth a word.
const QUIET: Duration = Duration::from_secs(5);
const SECOND: Duration = Duration::from_secs(1);

/// What happens in a call once it is answered.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// What to play; silence before the answer, after the end, and without it.
    pub play: Option<Audio>,
    /// Send back what the peer says, instead of playing.
    pub echo: bool,
    /// Record what the peer says, each packet where its time stamp puts it.
    pub record: bool,
    /// Record it as it is heard instead, after the jitter buffer.
    pub listen: bool,
    /// What is heard comes through such a network.
    pub impair: Option<Network>,
    /// Keys to press, by time.
    pub presses: Vec<Press>,
    /// How long each key is held.
    pub key_length: Duration,
}

/// The media of at most one call at a time.
pub(super) struct Line {
    machine: Machine,
    impairment: Option<Impairment>,
    script: Script,
    state: State,
    counters: Counters,
    statistics: Option<StreamStatistics>,
    events: VecDeque<Event>,
}

#[derive(Debug)]
enum State {
    Closed,
    /// There is a stream, and no answer yet.
    Early {
        ptime: Duration,
    },
    /// There is an answer, and perhaps no stream yet.
    Answered(Answered),
}

#[derive(Debug)]
struct Answered {
    since: Duration,
    ptime: Option<Duration>,
    presses: VecDeque<Press>,
    tick: Duration,
    /// When silence takes the place of what was played to its end.
    silence: Option<Duration>,
}

impl Line {
    pub(super) fn new(pool: PacketPool, seed: [u8; 32], script: Script) -> Self {
        Self {
            machine: Machine::new(pool, seed),
            // Always the same bad network, so that two recordings can be compared.
            impairment: script.impair.map(|network| Impairment::new(network, 1)),
            script,
            state: State::Closed,
            counters: Counters::default(),
            statistics: None,
            events: VecDeque::new(),
        }
    }

    /// Begins the stream, or changes it to what a further offer and answer agreed on. `from` is the
    /// host that the peer's signalling comes from.
    pub(super) fn open(&mut self, now: Duration, agreed: &Negotiated, from: IpAddr) {
        let Some(stream) = stream(agreed, from) else { return };
        let ptime = Duration::from_millis(u64::from(stream.ptime_ms));
        self.events.push_back(Event::Media(Media {
            codec: agreed.codec().map_or_else(String::new, |codec| codec.codec.name.to_string()),
            ptime_ms: stream.ptime_ms,
            remote: stream.remote,
            direction: agreed.direction,
            events: stream.events.is_some(),
            early: !matches!(self.state, State::Answered(_)),
        }));
        let first = self.machine.streams() == 0;
        self.command(now, Command::Open { port: PORT, stream });
        if first {
            self.counters = Counters::default();
            if self.script.record {
                let sides = match self.script.listen {
                    true => RecordedSides::Heard,
                    false => RecordedSides::Received,
                };
                self.command(now, Command::Record { port: PORT, recording: RECORDING, sides });
            }
        }
        match &mut self.state {
            State::Closed => {
                self.state = State::Early { ptime };
                self.be_silent(now);
            }
            State::Early { ptime: early } => *early = ptime,
            State::Answered(answered) => {
                answered.ptime = Some(ptime);
                if first {
                    answered.since = now;
                    answered.tick = now + SECOND;
                    self.begin(now);
                }
            }
        }
        self.collect(now);
    }

    /// The call is answered: the script begins, as soon as there is a stream.
    pub(super) fn answered(&mut self, now: Duration) {
        let ptime = match self.state {
            State::Closed => None,
            State::Early { ptime } => Some(ptime),
            State::Answered(_) => return,
        };
        self.state = State::Answered(Answered {
            since: now,
            ptime,
            presses: self.script.presses.iter().copied().collect(),
            tick: now + SECOND,
            silence: None,
        });
        if ptime.is_some() {
            self.begin(now);
        }
    }

    /// Ends the stream, if there is one, and gives what it carried.
    pub(super) fn close(&mut self, now: Duration) -> Option<StreamStatistics> {
        self.state = State::Closed;
        self.command(now, Command::Close { port: PORT });
        self.collect(now);
        self.statistics.take()
    }

    pub(super) fn handle_packet(&mut self, now: Duration, source: SocketAddr, packet: PacketBuf) {
        if self.machine.streams() > 0 && classify(&packet) == Kind::Rtp {
            self.counters.received += 1;
        }
        match &mut self.impairment {
            Some(impairment) => {
                impairment.enter(now, source, packet);
                self.let_arrive(now);
            }
            None => self.machine.handle_packet(now, PORT, source, packet),
        }
        self.collect(now);
    }

    /// Takes what has come through the bad network by now.
    fn let_arrive(&mut self, now: Duration) {
        let Some(impairment) = &mut self.impairment else { return };
        while let Some((source, packet)) = impairment.leave(now) {
            self.machine.handle_packet(now, PORT, source, packet);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Duration) {
        self.let_arrive(now);
        if self.machine.poll_timeout().is_some_and(|at| at <= now) {
            self.machine.handle_timeout(now);
        }
        if let State::Answered(answered) = &mut self.state
            && answered.ptime.is_some()
        {
            let mut due = Vec::new();
            while let Some(press) =
                answered.presses.front().filter(|p| answered.since + p.at <= now)
            {
                due.push(press.key);
                answered.presses.pop_front();
            }
            while answered.tick <= now {
                let elapsed = answered.tick.saturating_sub(answered.since);
                answered.tick += SECOND;
                self.events.push_back(Event::Tick { elapsed, counters: self.counters });
            }
            if answered.silence.is_some_and(|at| at <= now) {
                answered.silence = None;
                self.be_silent(now);
            }
            for digit in due {
                let duration = self.script.key_length;
                self.command(now, Command::SendDigit { port: PORT, digit, duration });
                self.events.push_back(Event::Pressed { key: digit });
            }
        }
        self.collect(now);
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        let own = match &self.state {
            State::Answered(Answered { since, ptime: Some(_), presses, tick, silence }) => {
                let press = presses.front().map(|press| *since + press.at);
                [Some(*tick), press, *silence].into_iter().flatten().min()
            }
            _ => None,
        };
        let arrival = self.impairment.as_ref().and_then(Impairment::poll_timeout);
        [own, arrival, self.machine.poll_timeout()].into_iter().flatten().min()
    }

    pub(super) fn poll_transmit(&mut self) -> Option<Transmit> {
        let transmit = self.machine.poll_transmit()?;
        if classify(&transmit.packet) == Kind::Rtp {
            self.counters.sent += 1;
        }
        Some(transmit)
    }

    pub(super) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    pub(super) fn poll_block(&mut self) -> Option<Block> {
        self.machine.poll_block()
    }

    fn begin(&mut self, now: Duration) {
        if self.script.echo {
            self.command(now, Command::Echo { port: PORT });
        } else if let Some(audio) = self.script.play.clone() {
            self.command(now, Command::Play { port: PORT, audio, token: OWNERS });
        } else {
            self.be_silent(now);
        }
    }

    /// Sends silence, so that the peer learns where we are and does not think the line dead.
    fn be_silent(&mut self, now: Duration) {
        let audio = Audio { samples: [0; 160].into(), repeat: true };
        self.command(now, Command::Play { port: PORT, audio, token: SILENCE });
    }

    fn command(&mut self, now: Duration, command: Command) {
        self.machine.handle_command(now, command);
    }

    fn collect(&mut self, now: Duration) {
        while let Some(event) = self.machine.poll_event() {
            match event {
                MachineEvent::Digit { digit, duration, .. } => {
                    self.events.push_back(Event::Digit { key: digit, duration });
                }
                MachineEvent::Played { token: OWNERS, .. } => {
                    // The last packet has just been sent: the next one is due a packet time later.
                    if let State::Answered(answered) = &mut self.state {
                        answered.silence = answered.ptime.map(|ptime| now + ptime);
                    }
                    self.events.push_back(Event::Played);
                }
                MachineEvent::Silence { since, .. } => {
                    self.events.push_back(Event::Silence { since });
                }
                MachineEvent::Closed { statistics, .. } => self.statistics = Some(statistics),
                _ => {}
            }
        }
    }
}

/// What offer and answer agreed on, in the words of the media machine. `None` without a codec.
fn stream(agreed: &Negotiated, from: IpAddr) -> Option<Stream> {
    if agreed.codecs.is_empty() {
        return None;
    }
    let codec = |codec: &sip_core::sdp::NegotiatedCodec| Codec {
        kind: kind(&codec.codec),
        send_payload_type: codec.send_payload_type,
        receive_payload_type: codec.receive_payload_type,
        clock_rate: codec.codec.clock_rate,
    };
    Some(Stream {
        remote: agreed.remote,
        sends_first: true,
        rtcp_mux: agreed.rtcp_mux,
        signalled_from: Some(from),
        codecs: agreed.codecs.iter().map(codec).collect(),
        events: agreed.telephone_event.map(|event| EventPayload {
            send_payload_type: event.send_payload_type,
            receive_payload_type: event.receive_payload_type,
            clock_rate: event.clock_rate,
        }),
        ptime_ms: agreed.ptime_ms,
        send: agreed.send,
        receive: agreed.receive,
        silence: agreed.receive.then_some(QUIET),
    })
}

fn kind(codec: &SdpCodec) -> CodecKind {
    if codec.is_compatible(&SdpCodec::PCMU) {
        CodecKind::Pcmu
    } else if codec.is_compatible(&SdpCodec::PCMA) {
        CodecKind::Pcma
    } else {
        CodecKind::Other(codec.name.as_ref().into())
    }
}
