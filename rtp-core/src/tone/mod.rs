//! Call progress tones by country (ITU-T E.180), the tones of fax machines (T.30), test tones.
//!
//! ```
//! use rtp_core::tone::{Country, Level, Signal, ToneDetector, ToneEvent, ToneGenerator};
//!
//! let busy = Country::Russia.tone(Signal::Busy).unwrap();
//! let mut generator = ToneGenerator::new(busy, Level(-13.0));
//! let mut detector = ToneDetector::new(Country::Russia.tones(), Level(-35.0));
//! let mut frame = [0i16; 160];
//! let mut heard = None;
//! for _ in 0..200 {
//!     generator.fill(&mut frame);
//!     detector.process(&frame, |event| heard = Some(event));
//! }
//! assert!(matches!(heard, Some(ToneEvent::Started { signal: Signal::Busy, .. })));
//! ```

mod answer;
mod country;
mod detector;
mod generator;
mod level;
mod oscillator;
mod signal;

pub use answer::{AnswerEvent, AnswerToneDetector};
pub use country::Country;
pub use detector::{ToneDetector, ToneEvent};
pub use generator::ToneGenerator;
pub use level::Level;
pub use oscillator::Oscillator;
pub use signal::{
    FAX_ANSWER, FAX_ANSWER_REVERSING, FAX_CALLING, MILLIWATT, SPECIAL, Segment, Signal, Tone,
};

pub(crate) use oscillator::to_sample;
