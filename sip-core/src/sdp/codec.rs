//! Codecs as offers name them.

use std::borrow::Cow;

use super::attribute::RtpmapParts;
use super::grammar::parameter;
use super::media::Media;

/// A codec: its name, clock and parameters, and the payload type it has or would like to have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Codec {
    /// Encoding name, compared without regard to case.
    pub name: Cow<'static, str>,
    /// RTP clock rate in Hz. G.722 says 8,000 for historical reasons (RFC 3551 §4.5.2).
    pub clock_rate: u32,
    /// Audio channels, at least 1.
    pub channels: u8,
    /// The payload type number in a description read; in one to be made, the number wished for. With `None`
    /// a static number is used where RFC 3551 has one, else a free dynamic one.
    pub payload_type: Option<u8>,
    /// Parameters of `a=fmtp`, without the payload type.
    pub fmtp: Option<Cow<'static, str>>,
}

impl Codec {
    /// G.711 µ-law.
    pub const PCMU: Self = Self::fixed("PCMU", 8_000, 0);
    /// G.711 A-law.
    pub const PCMA: Self = Self::fixed("PCMA", 8_000, 8);
    /// G.722: 16 kHz audio on a clock of 8 kHz.
    pub const G722: Self = Self::fixed("G722", 8_000, 9);
    /// G.729.
    pub const G729: Self = Self::fixed("G729", 8_000, 18);
    /// GSM 06.10 full rate.
    pub const GSM: Self = Self::fixed("GSM", 8_000, 3);

    /// A codec of one channel with a dynamic payload type.
    pub fn new(name: impl Into<Cow<'static, str>>, clock_rate: u32) -> Self {
        Self { name: name.into(), clock_rate, channels: 1, payload_type: None, fmtp: None }
    }

    /// The same with parameters.
    #[must_use]
    pub fn with_fmtp(mut self, parameters: impl Into<Cow<'static, str>>) -> Self {
        self.fmtp = Some(parameters.into());
        self
    }

    /// The same with a payload type number, 0 to 127.
    #[must_use]
    pub fn with_payload_type(mut self, payload_type: u8) -> Self {
        self.payload_type = Some(payload_type & 0x7f);
        self
    }

    /// `telephone-event` (RFC 4733) at a clock rate, for the events given, such as `0-15`.
    pub fn telephone_event(clock_rate: u32, events: impl Into<Cow<'static, str>>) -> Self {
        Self::new("telephone-event", clock_rate).with_fmtp(events)
    }

    /// The codec that a payload type of a stream stands for: by `a=rtpmap`, else by the static table of
    /// RFC 3551 §6. `None` for a dynamic number without a readable `a=rtpmap`.
    pub fn of(media: &Media, payload_type: u8) -> Option<Self> {
        Self::assemble(payload_type, media.rtpmap(payload_type), media.fmtp(payload_type))
    }

    /// The codecs of all payload types of a stream in its order, `None` for those that mean nothing: as
    /// [`of`](Self::of), reading each attribute once however many there are.
    pub(super) fn all_of(media: &Media) -> impl Iterator<Item = (u8, Option<Self>)> {
        let mut meanings = Meanings::default();
        for map in media.rtpmaps() {
            if let Some(meaning) = meanings.of(map.payload_type) {
                meaning.map.get_or_insert(map);
            }
        }
        for (number, text) in media.fmtps() {
            if let Some(meaning) = meanings.of(number) {
                meaning.parameters.get_or_insert(text);
            }
        }
        media.payload_types().map(move |number| {
            let meaning = meanings.known(number);
            let map = meaning.and_then(|meaning| meaning.map.as_ref()?.named());
            (number, Self::assemble(number, map, meaning.and_then(|meaning| meaning.parameters)))
        })
    }

    /// The codec of a static payload type (RFC 3551 §6, tables 4 and 5).
    pub fn of_static(payload_type: u8) -> Option<Self> {
        let (name, clock_rate, channels) = match payload_type {
            0 => ("PCMU", 8_000, 1),
            3 => ("GSM", 8_000, 1),
            4 => ("G723", 8_000, 1),
            5 => ("DVI4", 8_000, 1),
            6 => ("DVI4", 16_000, 1),
            7 => ("LPC", 8_000, 1),
            8 => ("PCMA", 8_000, 1),
            9 => ("G722", 8_000, 1),
            10 => ("L16", 44_100, 2),
            11 => ("L16", 44_100, 1),
            12 => ("QCELP", 8_000, 1),
            13 => ("CN", 8_000, 1),
            14 => ("MPA", 90_000, 1),
            15 => ("G728", 8_000, 1),
            16 => ("DVI4", 11_025, 1),
            17 => ("DVI4", 22_050, 1),
            18 => ("G729", 8_000, 1),
            25 => ("CelB", 90_000, 1),
            26 => ("JPEG", 90_000, 1),
            28 => ("nv", 90_000, 1),
            31 => ("H261", 90_000, 1),
            32 => ("MPV", 90_000, 1),
            33 => ("MP2T", 90_000, 1),
            34 => ("H263", 90_000, 1),
            _ => return None,
        };
        Some(Self { channels, ..Self::fixed(name, clock_rate, payload_type) })
    }

    /// The static payload type of this codec, if RFC 3551 has one.
    pub fn static_payload_type(&self) -> Option<u8> {
        (0..35).find(|&number| {
            Self::of_static(number).is_some_and(|codec| codec.is_same_encoding(self))
        })
    }

    /// Whether name, clock rate and channels agree, whatever the parameters.
    pub fn is_same_encoding(&self, other: &Self) -> bool {
        self.clock_rate == other.clock_rate
            && self.channels == other.channels
            && self.name.eq_ignore_ascii_case(&other.name)
    }

    /// Whether one end can send what the other end understands: the same encoding, and the same value of
    /// those parameters that change the bits on the wire and cannot be seen in them: octet alignment and its
    /// kin of AMR, the bit rate of G.722.1.
    pub fn is_compatible(&self, other: &Self) -> bool {
        self.is_same_encoding(other)
            && self.framing_parameters().iter().all(|&(name, default)| {
                let of =
                    |codec: &Self| codec.parameter(name).unwrap_or(default).to_ascii_lowercase();
                of(self) == of(other)
            })
    }

    /// A parameter of the form `name=value` from [`fmtp`](Self::fmtp).
    pub fn parameter(&self, name: &str) -> Option<&str> {
        parameter(self.fmtp.as_deref()?, name)
    }

    /// Whether this is `telephone-event`.
    pub fn is_telephone_event(&self) -> bool {
        self.name.eq_ignore_ascii_case("telephone-event")
    }

    /// Whether this carries no speech of its own: events, comfort noise, redundancy, repair.
    pub fn is_auxiliary(&self) -> bool {
        ["telephone-event", "tone", "CN", "red", "rtx", "ulpfec", "flexfec", "parityfec"]
            .iter()
            .any(|name| self.name.eq_ignore_ascii_case(name))
    }

    /// Whether this is G.711, either law, one channel of 8 kHz.
    pub fn is_g711(&self) -> bool {
        self.is_same_encoding(&Self::PCMU) || self.is_same_encoding(&Self::PCMA)
    }

    fn assemble(
        payload_type: u8,
        map: Option<(&str, u32, u8)>,
        parameters: Option<&str>,
    ) -> Option<Self> {
        let mut codec = match map {
            Some((name, clock_rate, channels)) => {
                Self { channels, ..Self::new(shared_name(name), clock_rate) }
            }
            // A malformed line for a static number (`a=rtpmap:0 PCMU`) leaves the number's own meaning.
            None => Self::of_static(payload_type)?,
        };
        codec.payload_type = Some(payload_type);
        codec.fmtp = parameters.map(|text| Cow::Owned(text.to_owned()));
        Some(codec)
    }

    const fn fixed(name: &'static str, clock_rate: u32, payload_type: u8) -> Self {
        Self {
            name: Cow::Borrowed(name),
            clock_rate,
            channels: 1,
            payload_type: Some(payload_type),
            fmtp: None,
        }
    }

    /// Parameters that both ends must agree on, with the values they have when absent: RFC 4867 §8.1 for
    /// AMR, RFC 5577 §4 for G.722.1.
    fn framing_parameters(&self) -> &'static [(&'static str, &'static str)] {
        if self.name.eq_ignore_ascii_case("AMR") || self.name.eq_ignore_ascii_case("AMR-WB") {
            &[("octet-align", "0"), ("crc", "0"), ("robust-sorting", "0"), ("interleaving", "0")]
        } else if self.name.eq_ignore_ascii_case("G7221") {
            &[("bitrate", "")]
        } else {
            &[]
        }
    }
}

/// The usual names without an allocation.
fn shared_name(name: &str) -> Cow<'static, str> {
    const NAMES: [&str; 11] = [
        "PCMU",
        "PCMA",
        "telephone-event",
        "G722",
        "G729",
        "opus",
        "CN",
        "GSM",
        "iLBC",
        "AMR",
        "AMR-WB",
    ];
    match NAMES.iter().find(|known| **known == name) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(name.to_owned()),
    }
}

/// What a stream says of its payload types.
struct Meanings<'a> {
    /// Where each number's meaning stands, and [`Meanings::NOWHERE`] without one.
    places: [u8; 128],
    all: Vec<Meaning<'a>>,
}

#[derive(Default)]
struct Meaning<'a> {
    map: Option<RtpmapParts<'a>>,
    parameters: Option<&'a str>,
}

impl Default for Meanings<'_> {
    fn default() -> Self {
        Self { places: [Self::NOWHERE; 128], all: Vec::with_capacity(8) }
    }
}

impl<'a> Meanings<'a> {
    const NOWHERE: u8 = u8::MAX;

    /// The meaning of a number, to be completed; `None` above 127.
    fn of(&mut self, number: u8) -> Option<&mut Meaning<'a>> {
        let place = self.places.get_mut(usize::from(number))?;
        if *place == Self::NOWHERE {
            // At most 127, since there are no more numbers.
            *place = self.all.len() as u8;
            self.all.push(Meaning::default());
        }
        self.all.get_mut(usize::from(*place))
    }

    fn known(&self, number: u8) -> Option<&Meaning<'a>> {
        self.all.get(usize::from(*self.places.get(usize::from(number))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn static_numbers_both_ways() {
        assert_eq!(Codec::PCMA.static_payload_type(), Some(8));
        assert_eq!(Codec::new("pcmu", 8_000).static_payload_type(), Some(0));
        assert_eq!(Codec::new("PCMU", 16_000).static_payload_type(), None);
        assert_eq!(Codec::new("opus", 48_000).static_payload_type(), None);
        assert_eq!(Codec::of_static(19), None);
    }

    #[test]
    fn parameters_that_change_the_bits_must_agree() {
        let amr = || Codec::new("AMR", 8_000);
        assert!(amr().is_compatible(&amr().with_fmtp("octet-align=0; mode-set=7")));
        assert!(!amr().is_compatible(&amr().with_fmtp("octet-align=1")));
        let g7221 = |rate: &'static str| Codec::new("G7221", 16_000).with_fmtp(rate);
        assert!(g7221("bitrate=24000").is_compatible(&g7221("bitrate=24000")));
        assert!(!g7221("bitrate=24000").is_compatible(&g7221("bitrate=32000")));
        assert!(Codec::G729.is_compatible(&Codec::G729.with_fmtp("annexb=no")));
    }
}
