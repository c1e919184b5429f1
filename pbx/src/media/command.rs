//! What call control tells the media machine, and what it hears back.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rtp_core::tone::{Level, Tone, ToneGenerator};

use super::PortId;

/// An instruction from call control, carried out in the order given.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// Begins a stream on a leased port, or changes it after a further offer and answer.
    ///
    /// Opening a port again keeps SSRC, sequence numbers and timestamps of what it sends. The
    /// address is learned anew only when `remote` differs from the one before.
    Open {
        /// The port leased for this leg.
        port: PortId,
        /// What offer and answer agreed on.
        stream: Stream,
    },
    /// Joins two streams: each sends what the other receives. Ends what either was doing before
    /// (playing, echo, another bridge).
    Bridge {
        /// One side.
        a: PortId,
        /// The other side.
        b: PortId,
    },
    /// Takes a stream out of its bridge, or ends its echo or playing; it then sends nothing.
    Idle {
        /// The stream.
        port: PortId,
    },
    /// Sends back to the peer whatever it says.
    Echo {
        /// The stream.
        port: PortId,
    },
    /// Plays audio to the peer. Ends with [`Event::Played`], unless another command replaced it.
    Play {
        /// The stream.
        port: PortId,
        /// What to play.
        audio: Audio,
        /// Named again in [`Event::Played`].
        token: u64,
    },
    /// Sends one telephone event (RFC 4733), or the tones in the audio where the peer has not
    /// agreed to events.
    SendDigit {
        /// The stream.
        port: PortId,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
        /// How long it lasts.
        duration: Duration,
    },
    /// Writes what the peer says to recording `recording` until [`Command::StopRecording`] or the end.
    Record {
        /// The stream.
        port: PortId,
        /// The driver's name for the file.
        recording: RecordingId,
        /// Which directions go into it.
        sides: RecordedSides,
    },
    /// Ends a recording; its last block follows, then [`Event::Recorded`].
    StopRecording {
        /// The recording to end.
        recording: RecordingId,
    },
    /// Ends the stream. [`Event::Closed`] follows, and then the port can be leased again.
    Close {
        /// The stream.
        port: PortId,
    },
}

/// What offer and answer agreed on for one leg.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// Where the peer said it listens; `None` when it named no usable address. Packets go there
    /// until the peer's own packets, by the rules of [`rtp_core::latch`], show another one.
    pub remote: Option<SocketAddr>,
    /// Whether packets go there before the peer was heard from. Not where the peer has no reason to
    /// name such an address: then they go only where its own packets come from.
    pub sends_first: bool,
    /// Whether RTCP shares the RTP port (RFC 5761). Without it no reports are sent: the exchange binds
    /// one port a leg.
    pub rtcp_mux: bool,
    /// The host that the leg's signalling comes from, which a telephone behind NAT shares.
    pub signalled_from: Option<IpAddr>,
    /// Codecs agreed on, the one to send first.
    pub codecs: Vec<Codec>,
    /// Payload types of telephone events, where agreed.
    pub events: Option<EventPayload>,
    /// Audio a packet that we send carries, milliseconds (10 to 60; 20 is usual).
    pub ptime_ms: u32,
    /// Whether the peer wants to hear us.
    pub send: bool,
    /// Whether the peer will speak. No silence is reported while it will not.
    pub receive: bool,
    /// Report [`Event::Silence`] when a peer that should speak has sent nothing for this long.
    pub silence: Option<Duration>,
}

/// One agreed codec with the payload type of each direction (RFC 3264 §5.1 lets them differ).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    /// Which one.
    pub kind: CodecKind,
    /// Payload type in packets we send (the peer chose it).
    pub send_payload_type: u8,
    /// Payload type in packets we receive (we chose it).
    pub receive_payload_type: u8,
    /// RTP clock rate in hertz.
    pub clock_rate: u32,
}

/// The codecs the media machine can decode, and those it only carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodecKind {
    /// G.711 mu-law.
    Pcmu,
    /// G.711 A-law.
    Pcma,
    /// Relayed between legs that agreed on the same name, never decoded.
    Other(Arc<str>),
}

/// Payload types of RFC 4733 telephone events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPayload {
    /// In packets we send.
    pub send_payload_type: u8,
    /// In packets we receive.
    pub receive_payload_type: u8,
    /// The clock of event durations in hertz.
    pub clock_rate: u32,
}

/// Something to play: 8 kHz mono samples, held once and shared by every stream that plays them.
#[derive(Clone, Debug)]
pub struct Audio {
    /// 16-bit linear samples at 8 kHz.
    pub samples: Arc<[i16]>,
    /// Begin again at the end, until another command.
    pub repeat: bool,
}

impl Audio {
    /// Nothing to be heard, without end.
    pub fn silence() -> Self {
        Self { samples: [0; 800].into(), repeat: true }
    }

    /// A tone (ITU-T E.180) at -10 dBm0, over and over; one that never ends is a second of it.
    pub fn tone(tone: Tone) -> Self {
        const RATE: Duration = Duration::from_micros(125);
        let period = tone.segments.iter().map(|part| part.duration).sum::<Option<Duration>>();
        let period = period.unwrap_or(Duration::from_secs(1)).min(LONGEST_TONE);
        let count = period.as_micros() / RATE.as_micros();
        let mut samples = vec![0; count as usize];
        ToneGenerator::new(tone, Level(-10.0)).fill(&mut samples);
        Self { samples: samples.into(), repeat: true }
    }
}

/// Longer than any call progress tone.
const LONGEST_TONE: Duration = Duration::from_secs(60);

/// The driver's name for a file being recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordingId(pub u64);

/// Which directions of a stream a recording holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordedSides {
    /// What came from the peer, mono, each packet where its time stamp puts it: lost ones are silence.
    /// For measuring a network rather than for listening.
    Received,
    /// What a listener hears of the peer, mono: played out at an even pace with a delay that follows the
    /// network, and with what is missing concealed.
    Heard,
    /// What the peer says in the left channel and what it is sent in the right one, both as
    /// [`RecordedSides::Heard`].
    Both,
}

/// News from the media machine.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The peer pressed a key (reported once, at its end or when it is known to be held long enough).
    Digit {
        /// On which stream.
        port: PortId,
        /// `0`-`9`, `*`, `#`, `A`-`D`.
        digit: char,
        /// How long it was held.
        duration: Duration,
    },
    /// The audio of [`Command::Play`] was played to its end.
    Played {
        /// On which stream.
        port: PortId,
        /// The token of the command.
        token: u64,
    },
    /// A peer that should speak has sent no valid packet for the time agreed. Reported once; a
    /// further one only after packets came again.
    Silence {
        /// On which stream.
        port: PortId,
        /// How long it has been silent.
        since: Duration,
    },
    /// A recording has ended and all its blocks are out.
    Recorded {
        /// Which one.
        recording: RecordingId,
        /// Its length in samples (8 kHz).
        samples: u64,
    },
    /// A stream has ended; its port can be leased again.
    Closed {
        /// Which one.
        port: PortId,
        /// What it carried.
        statistics: StreamStatistics,
    },
}

/// What a stream carried and how it sounded, for the call record.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StreamStatistics {
    /// RTP packets taken from the peer.
    pub packets_received: u64,
    /// RTP packets sent to the peer.
    pub packets_sent: u64,
    /// Packets that never came (RFC 3550 §6.4.1); negative when duplicates outnumber losses.
    pub packets_lost: i64,
    /// Packets dropped because they came from an address, SSRC or payload type that was not agreed.
    pub packets_refused: u64,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// Round-trip time from RTCP, where the peer sends reports.
    pub round_trip: Option<Duration>,
    /// Estimated listening quality (ITU-T G.107 to MOS), 1.0 to 4.5; `None` without packets.
    pub mos: Option<f32>,
}

#[cfg(test)]
mod tests {
    use rtp_core::tone::{Country, Signal};

    use super::*;

    #[test]
    fn ringback_sounds_for_a_second_and_rests_for_four() {
        let audio = Audio::tone(Country::Russia.tone(Signal::Ringback).unwrap());
        assert_eq!(audio.samples.len(), 5 * 8_000);
        let energy = |part: &[i16]| part.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
        assert!(energy(&audio.samples[..8_000]) > 1e11);
        assert_eq!(energy(&audio.samples[8_000..]), 0.0);
        assert!(audio.repeat);
    }

    #[test]
    fn a_lasting_tone_repeats_without_a_step() {
        let audio = Audio::tone(Country::Russia.tone(Signal::Dial).unwrap());
        assert_eq!(audio.samples.len(), 8_000);
        let (last, first) = (audio.samples[7_999], audio.samples[0]);
        assert!((i32::from(last) - i32::from(first)).abs() < 4_000, "{last} to {first}");
    }
}
