//! What payload types mean: by argument, by SDP, by RFC 3551, or by how their timestamps run.

use std::collections::BTreeMap;
use std::time::Duration;

use rtp_core::quality::CodecImpairment;
use rtp_core::telephone_event::EventReport;
use rtp_core::{ClockRate, Packet};

use crate::capture::Datagram;
use crate::signalling::Signalled;
use crate::stream::StreamId;

/// A payload format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) name: String,
    pub(crate) clock: ClockRate,
}

impl Format {
    pub(crate) fn new(name: &str, clock: u32) -> Option<Format> {
        Some(Format { name: name.to_owned(), clock: ClockRate::new(clock)? })
    }

    pub(crate) fn is_event(&self) -> bool {
        self.name.eq_ignore_ascii_case("telephone-event")
    }

    /// What the E-model says of the codec, where it says something.
    pub(crate) fn impairment(&self) -> Option<CodecImpairment> {
        match self.name.to_ascii_uppercase().as_str() {
            "PCMU" | "PCMA" => Some(CodecImpairment::G711_PLC),
            "G729" => Some(CodecImpairment::G729A),
            "GSM-EFR" => Some(CodecImpairment::GSM_EFR),
            _ => None,
        }
    }
}

/// `96=opus/48000`
pub(crate) fn argument(text: &str) -> Result<(u8, Format), String> {
    let parts = text.split_once('=').and_then(|(number, format)| {
        let (name, clock) = format.split_once('/')?;
        let number = number.parse().ok().filter(|&number: &u8| number < 128)?;
        Some((number, Format::new(name, clock.parse().ok()?)?))
    });
    parts.ok_or_else(|| format!("'{text}' is not like 96=opus/48000"))
}

/// Formats that RFC 3551 section 6 binds to numbers.
const STATIC: [(u8, &str, u32); 12] = [
    (0, "PCMU", 8_000),
    (3, "GSM", 8_000),
    (4, "G723", 8_000),
    (8, "PCMA", 8_000),
    (9, "G722", 8_000),
    (10, "L16", 44_100),
    (11, "L16", 44_100),
    (13, "CN", 8_000),
    (15, "G728", 8_000),
    (18, "G729", 8_000),
    (31, "H261", 90_000),
    (34, "H263", 90_000),
];

/// The clocks that are looked for.
const CLOCKS: [u32; 7] = [8_000, 16_000, 24_000, 32_000, 44_100, 48_000, 90_000];

/// How many streams of how many payload types are looked at.
const MAX_CLUES: usize = 20_000;

/// The meaning of payload types in a capture.
pub(crate) struct Formats {
    known: BTreeMap<u8, Format>,
    clues: BTreeMap<(StreamId, u8), Clue>,
    guessed: BTreeMap<(StreamId, u8), Format>,
}

/// What is seen of a payload type in a stream.
struct Clue {
    first: (Duration, u32),
    last: (Duration, u32),
    packets: u64,
    /// Packets that may be telephone events.
    events: u64,
}

impl Formats {
    pub(crate) fn new(arguments: &[(u8, Format)]) -> Formats {
        Formats {
            known: arguments.iter().cloned().collect(),
            clues: BTreeMap::new(),
            guessed: BTreeMap::new(),
        }
    }

    pub(crate) fn look(&mut self, datagram: &Datagram<'_>) {
        let Some(packet) = crate::stream::rtp(datagram.payload) else { return };
        let key = (StreamId::of(datagram, &packet), packet.payload_type().value());
        if key.1 < 96 || self.clues.len() >= MAX_CLUES && !self.clues.contains_key(&key) {
            return;
        }
        let here = (datagram.time, packet.timestamp());
        let clue = self.clues.entry(key).or_insert(Clue {
            first: here,
            last: here,
            packets: 0,
            events: 0,
        });
        clue.last = here;
        clue.packets += 1;
        clue.events += u64::from(is_event(&packet));
    }

    /// All of the capture has been looked at.
    pub(crate) fn decide(&mut self, signalled: &Signalled) {
        for (&number, format) in &signalled.formats {
            self.known.entry(number).or_insert_with(|| format.clone());
        }
        for (key, clue) in &self.clues {
            let format = if clue.events == clue.packets {
                Format::new("telephone-event", 8_000)
            } else {
                Format::new(&format!("type {}", key.1), clue.clock())
            };
            if let Some(format) = format {
                self.guessed.insert(*key, format);
            }
        }
    }

    pub(crate) fn of(&self, stream: StreamId, payload_type: u8) -> Format {
        let fixed = || {
            STATIC
                .iter()
                .find(|(number, ..)| *number == payload_type)
                .and_then(|(_, name, clock)| Format::new(name, *clock))
        };
        let format = self.known.get(&payload_type).cloned().or_else(fixed);
        format
            .or_else(|| self.guessed.get(&(stream, payload_type)).cloned())
            .unwrap_or(Format { name: format!("type {payload_type}"), clock: ClockRate::HZ_8000 })
    }
}

impl Clue {
    /// The usual clock that is nearest to how the timestamps ran.
    fn clock(&self) -> u32 {
        let ticks = self.last.1.wrapping_sub(self.first.1);
        let seconds = self.last.0.saturating_sub(self.first.0).as_secs_f64();
        if seconds < 0.1 {
            return 8_000;
        }
        let rate = f64::from(ticks) / seconds;
        let off = |clock: u32| (rate / f64::from(clock)).ln().abs();
        CLOCKS.into_iter().min_by(|one, other| off(*one).total_cmp(&off(*other))).unwrap_or(8_000)
    }
}

/// Four octets of which the reserved bit is not set, with a digit's code.
fn is_event(packet: &Packet<'_>) -> bool {
    let payload = packet.payload();
    payload.len() == 4
        && payload[1] & 0x40 == 0
        && EventReport::parse(payload)
            .is_ok_and(|mut reports| reports.next().is_some_and(|report| report.code.0 < 17))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_a_number_a_name_and_a_clock() {
        assert_eq!(argument("96=opus/48000"), Ok((96, Format::new("opus", 48_000).unwrap())));
        for wrong in ["", "96", "96=opus", "96=opus/", "128=opus/48000", "x=opus/1", "96=opus/0"] {
            assert!(argument(wrong).is_err(), "{wrong}");
        }
    }
}
