//! Comfort noise: the background of a line as a few bytes, and back (ITU-T G.711 Appendix II, RFC 3389).
//!
//! A sender that suppresses silence feeds the quiet frames to an [`Estimator`] and now and then sends a
//! [`Sid`] (silence insertion descriptor, RTP payload type 13); the receiver plays a [`Generator`] until
//! speech returns.
//!
//! ```
//! use codec_g711::noise::{Estimator, Generator, Sid};
//!
//! let mut estimator = Estimator::new();
//! let hum: [i16; 160] = core::array::from_fn(|n| (n as i16 % 40 - 20) * 8);
//! estimator.observe(&hum);
//! let mut payload = [0; 11];
//! let length = estimator.describe(10).write(&mut payload);
//!
//! let sid = Sid::from_payload(&payload[..length]).expect("not empty");
//! let mut generator = Generator::new(7);
//! generator.follow(&sid);
//! let mut frame = [0; 160];
//! generator.fill(&mut frame);
//! assert!(frame.iter().any(|sample| *sample != 0));
//! ```

mod estimator;
mod generator;
mod sid;

pub use estimator::Estimator;
pub use generator::Generator;
pub use sid::Sid;

/// The highest model order used; RFC 3389 lets a receiver ignore what is above.
pub const MAX_ORDER: usize = 12;
