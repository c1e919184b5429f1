//! What a switch does to linear samples between decoding and encoding: mixing, gain, level.
//!
//! ```
//! use codec_g711::audio::{self, Gain, Level};
//!
//! let (ann, bob) = ([30000i16; 160], [5000i16; 160]);
//! let mut both = [0i16; 160];
//! audio::mix(&[&ann, &bob], &mut both);
//! assert_eq!(both, [32767; 160]);
//!
//! Gain::from_db(-6.0).apply(&mut both);
//! assert_eq!(both[0], 16422);
//! assert!(Level::of(&both).rms_dbm0() > 0.0);
//! ```

mod gain;
mod level;
mod mix;

pub use gain::Gain;
pub use level::{Level, is_silent};
pub use mix::mix;

pub(crate) use gain::scale;
pub(crate) use level::{OVERLOAD_POWER, Sums};
pub(crate) use mix::add_up;
#[cfg(target_arch = "x86_64")]
pub(crate) use mix::add_up_from;
