//! Call progress tones by country (ITU-T E.180 supplement 2 and what exchanges there send).

use super::{Segment, Signal, Tone};

/// A country whose tones are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Country {
    /// Belarus; the tones are those of Russia.
    Belarus,
    /// France.
    France,
    /// Germany.
    Germany,
    /// Italy.
    Italy,
    /// Kazakhstan; the tones are those of Russia.
    Kazakhstan,
    /// The Netherlands.
    Netherlands,
    /// Poland.
    Poland,
    /// Russia.
    Russia,
    /// Spain.
    Spain,
    /// Ukraine; the tones are those of Russia.
    Ukraine,
    /// The United Kingdom.
    UnitedKingdom,
    /// The United States; also Canada.
    UnitedStates,
}

impl Country {
    /// All of them.
    pub const ALL: [Country; 12] = [
        Country::Belarus,
        Country::France,
        Country::Germany,
        Country::Italy,
        Country::Kazakhstan,
        Country::Netherlands,
        Country::Poland,
        Country::Russia,
        Country::Spain,
        Country::Ukraine,
        Country::UnitedKingdom,
        Country::UnitedStates,
    ];

    /// The country with that code of two letters (ISO 3166), in either case.
    pub fn from_iso(code: &str) -> Option<Country> {
        Self::ALL.into_iter().find(|country| {
            country.iso().eq_ignore_ascii_case(code)
                || (*country == Country::UnitedStates && code.eq_ignore_ascii_case("CA"))
        })
    }

    /// Its code of two letters (ISO 3166).
    pub const fn iso(self) -> &'static str {
        match self {
            Country::Belarus => "BY",
            Country::France => "FR",
            Country::Germany => "DE",
            Country::Italy => "IT",
            Country::Kazakhstan => "KZ",
            Country::Netherlands => "NL",
            Country::Poland => "PL",
            Country::Russia => "RU",
            Country::Spain => "ES",
            Country::Ukraine => "UA",
            Country::UnitedKingdom => "GB",
            Country::UnitedStates => "US",
        }
    }

    /// Its dial, ringback, busy, congestion and waiting tones, in this order.
    pub const fn tones(self) -> &'static [Tone; 5] {
        match self {
            Country::France => &FRANCE,
            Country::Germany => &GERMANY,
            Country::Italy => &ITALY,
            Country::Netherlands => &NETHERLANDS,
            Country::Poland => &POLAND,
            Country::Belarus | Country::Kazakhstan | Country::Russia | Country::Ukraine => &RUSSIA,
            Country::Spain => &SPAIN,
            Country::UnitedKingdom => &UNITED_KINGDOM,
            Country::UnitedStates => &UNITED_STATES,
        }
    }

    /// One of its tones; `None` for signals that are the same everywhere.
    pub fn tone(self, signal: Signal) -> Option<Tone> {
        self.tones().iter().find(|tone| tone.signal == signal).copied()
    }
}

const fn plan(
    dial: &'static [Segment],
    ringback: &'static [Segment],
    busy: &'static [Segment],
    congestion: &'static [Segment],
    waiting: &'static [Segment],
) -> [Tone; 5] {
    [
        Tone { signal: Signal::Dial, segments: dial },
        Tone { signal: Signal::Ringback, segments: ringback },
        Tone { signal: Signal::Busy, segments: busy },
        Tone { signal: Signal::Congestion, segments: congestion },
        Tone { signal: Signal::Waiting, segments: waiting },
    ]
}

const FRANCE: [Tone; 5] = plan(
    &[Segment::lasting(440, 0)],
    &[Segment::one(440, 1_500), Segment::silence(3_500)],
    &[Segment::one(440, 500), Segment::silence(500)],
    &[Segment::one(440, 250), Segment::silence(250)],
    &[Segment::one(440, 300), Segment::silence(10_000)],
);

const GERMANY: [Tone; 5] = plan(
    &[Segment::lasting(425, 0)],
    &[Segment::one(425, 1_000), Segment::silence(4_000)],
    &[Segment::one(425, 480), Segment::silence(480)],
    &[Segment::one(425, 240), Segment::silence(240)],
    &[
        Segment::one(425, 200),
        Segment::silence(200),
        Segment::one(425, 200),
        Segment::silence(5_000),
    ],
);

const ITALY: [Tone; 5] = plan(
    &[
        Segment::one(425, 200),
        Segment::silence(200),
        Segment::one(425, 600),
        Segment::silence(1_000),
    ],
    &[Segment::one(425, 1_000), Segment::silence(4_000)],
    &[Segment::one(425, 500), Segment::silence(500)],
    &[Segment::one(425, 200), Segment::silence(200)],
    &[
        Segment::one(425, 400),
        Segment::silence(100),
        Segment::one(425, 250),
        Segment::silence(100),
        Segment::one(425, 150),
        Segment::silence(14_000),
    ],
);

const NETHERLANDS: [Tone; 5] = plan(
    &[Segment::lasting(425, 0)],
    &[Segment::one(425, 1_000), Segment::silence(4_000)],
    &[Segment::one(425, 500), Segment::silence(500)],
    &[Segment::one(425, 250), Segment::silence(250)],
    &[Segment::one(425, 500), Segment::silence(9_500)],
);

const POLAND: [Tone; 5] = plan(
    &[Segment::lasting(425, 0)],
    &[Segment::one(425, 1_000), Segment::silence(4_000)],
    &[Segment::one(425, 500), Segment::silence(500)],
    &[Segment::one(425, 250), Segment::silence(250)],
    &[
        Segment::one(425, 150),
        Segment::silence(150),
        Segment::one(425, 150),
        Segment::silence(4_000),
    ],
);

const RUSSIA: [Tone; 5] = plan(
    &[Segment::lasting(425, 0)],
    &[Segment::one(425, 1_000), Segment::silence(4_000)],
    &[Segment::one(425, 350), Segment::silence(350)],
    &[Segment::one(425, 175), Segment::silence(175)],
    &[Segment::one(425, 200), Segment::silence(5_000)],
);

const SPAIN: [Tone; 5] = plan(
    &[Segment::lasting(425, 0)],
    &[Segment::one(425, 1_500), Segment::silence(3_000)],
    &[Segment::one(425, 200), Segment::silence(200)],
    &[
        Segment::one(425, 200),
        Segment::silence(200),
        Segment::one(425, 200),
        Segment::silence(200),
        Segment::one(425, 200),
        Segment::silence(600),
    ],
    &[
        Segment::one(425, 175),
        Segment::silence(175),
        Segment::one(425, 175),
        Segment::silence(3_500),
    ],
);

const UNITED_KINGDOM: [Tone; 5] = plan(
    &[Segment::lasting(350, 440)],
    &[
        Segment::two(400, 450, 400),
        Segment::silence(200),
        Segment::two(400, 450, 400),
        Segment::silence(2_000),
    ],
    &[Segment::one(400, 375), Segment::silence(375)],
    &[Segment::one(400, 400), Segment::silence(350), Segment::one(400, 225), Segment::silence(525)],
    &[Segment::one(400, 100), Segment::silence(3_000)],
);

const UNITED_STATES: [Tone; 5] = plan(
    &[Segment::lasting(350, 440)],
    &[Segment::two(440, 480, 2_000), Segment::silence(4_000)],
    &[Segment::two(480, 620, 500), Segment::silence(500)],
    &[Segment::two(480, 620, 250), Segment::silence(250)],
    &[Segment::one(440, 300), Segment::silence(9_700)],
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_has_every_tone() {
        for country in Country::ALL {
            assert_eq!(Country::from_iso(country.iso()), Some(country));
            let signals = country.tones().map(|tone| tone.signal);
            use Signal::{Busy, Congestion, Dial, Ringback, Waiting};
            assert_eq!(signals, [Dial, Ringback, Busy, Congestion, Waiting], "{country:?}");
            for tone in country.tones() {
                assert_eq!(country.tone(tone.signal), Some(*tone));
                let lasts = tone.segments.iter().any(|segment| segment.duration.is_none());
                assert!(!lasts || tone.segments.len() == 1, "{country:?}: {tone:?}");
                assert!(!tone.segments[0].is_silence());
                // E.180 section 4.1: the frequencies of progress tones.
                for hertz in tone.segments.iter().flat_map(|segment| segment.hertz) {
                    assert!(hertz == 0 || (340..=630).contains(&hertz));
                }
            }
        }
        assert_eq!(Country::from_iso("ru"), Some(Country::Russia));
        assert_eq!(Country::from_iso("ca"), Some(Country::UnitedStates));
        assert_eq!(Country::from_iso("XX"), None);
        assert_eq!(Country::Spain.tone(Signal::Milliwatt), None);
    }
}
