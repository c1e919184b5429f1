//! What a tone means and what it is made of.

use core::time::Duration;

/// What a tone says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// Dial (ITU-T E.182 section 3.1).
    Dial,
    /// The called telephone rings.
    Ringback,
    /// The called line is busy.
    Busy,
    /// The network has no way to it; also called reorder.
    Congestion,
    /// Somebody else calls, to the one who talks.
    Waiting,
    /// CNG: a fax machine calls (ITU-T T.30 section 4.2).
    FaxCalling,
    /// CED, or the answer tone of a modem (ITU-T T.30 section 4.1, V.25).
    FaxAnswer,
    /// The test tone of 1004 Hz.
    Milliwatt,
}

/// A part of a tone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The frequencies that sound at once, in hertz; zeros are none.
    pub hertz: [u16; 2],
    /// `None`: it does not end.
    pub duration: Option<Duration>,
    /// Does it begin with half a turn of phase, where the one before has the same frequencies?
    pub reversed: bool,
}

impl Segment {
    /// One frequency, or none if that is zero, for so many milliseconds.
    pub const fn one(hertz: u16, milliseconds: u64) -> Segment {
        Segment::two(hertz, 0, milliseconds)
    }

    /// Two frequencies for so many milliseconds.
    pub const fn two(low: u16, high: u16, milliseconds: u64) -> Segment {
        Segment {
            hertz: [low, high],
            duration: Some(Duration::from_millis(milliseconds)),
            reversed: false,
        }
    }

    /// Silence for so many milliseconds.
    pub const fn silence(milliseconds: u64) -> Segment {
        Segment::one(0, milliseconds)
    }

    /// Two frequencies (the second may be zero) until somebody stops them.
    pub const fn lasting(low: u16, high: u16) -> Segment {
        Segment { hertz: [low, high], duration: None, reversed: false }
    }

    /// Half a turn of phase, then one frequency for so many milliseconds.
    pub const fn reversed(hertz: u16, milliseconds: u64) -> Segment {
        Segment { reversed: true, ..Segment::one(hertz, milliseconds) }
    }

    /// Does nothing sound?
    pub const fn is_silence(&self) -> bool {
        self.hertz[0] == 0 && self.hertz[1] == 0
    }
}

/// A tone: its segments, over and over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tone {
    /// What it says.
    pub signal: Signal,
    /// What it is made of.
    pub segments: &'static [Segment],
}

/// 1100 Hz, half a second in three and a half (ITU-T T.30 section 4.2).
pub const FAX_CALLING: Tone = Tone {
    signal: Signal::FaxCalling,
    segments: &[Segment::one(1_100, 500), Segment::silence(3_000)],
};

/// 2100 Hz, which a fax machine sounds for 2.6 to 4 seconds (ITU-T T.30 section 4.1).
pub const FAX_ANSWER: Tone =
    Tone { signal: Signal::FaxAnswer, segments: &[Segment::lasting(2_100, 0)] };

/// The same with the phase turned over every 450 ms, which disables echo cancellers (ITU-T G.168, V.25).
pub const FAX_ANSWER_REVERSING: Tone = Tone {
    signal: Signal::FaxAnswer,
    segments: &[Segment::reversed(2_100, 450), Segment::reversed(2_100, 450)],
};

/// The test tone: near 1 kHz, but on no divisor of 8 kHz, so that it reaches every code of G.711.
pub const MILLIWATT: Tone =
    Tone { signal: Signal::Milliwatt, segments: &[Segment::lasting(1_004, 0)] };

/// What [`ToneDetector`](super::ToneDetector) needs to know fax machines and the test tone.
pub const SPECIAL: [Tone; 3] = [FAX_CALLING, FAX_ANSWER, MILLIWATT];
