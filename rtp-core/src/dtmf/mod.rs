//! In-band DTMF: digits as pairs of tones in the audio (ITU-T Q.23, Q.24).
//!
//! ```
//! use core::time::Duration;
//! use rtp_core::dtmf::{Detector, Digit, Event, Generator};
//!
//! let mut generator = Generator::new(Default::default());
//! for key in "42#".chars() {
//!     generator.press(Digit::from_char(key).unwrap(), Duration::from_millis(50))?;
//! }
//!
//! let mut detector = Detector::new(Default::default());
//! let mut heard = String::new();
//! let mut frame = [0i16; 160];
//! while generator.fill(&mut frame) {
//!     detector.process(&frame, |event| match event {
//!         Event::Started { digit, .. } => heard.push(digit.as_char()),
//!         Event::Ended { duration, .. } => assert!(duration.as_millis().abs_diff(50) <= 5),
//!     });
//! }
//! detector.finish(|_| {});
//! assert_eq!(heard, "42#");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! How the detector decides, with the mathematics, stands at the top of `detector.rs`; what it reaches,
//! `tests/dtmf_accuracy.rs` measures. Two things it cannot know: two pure tones that happen to be those of a
//! key are a key, whoever plays them; and a digit below other sound of a tenth of its power or more (a dial
//! tone, a talker) is not heard, since that is how speech is kept from being digits.

mod bridge;
mod detector;
mod digit;
mod filter;
mod generator;
mod group;

pub use bridge::{ToEvents, ToTones};
pub use detector::{Detector, DetectorConfig, Event};
pub use digit::Digit;
pub use generator::{Generator, GeneratorConfig};
