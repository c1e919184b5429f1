//! From frames to sound: what [`Playout`](crate::Playout) asks for, done to mono PCM.
//!
//! ```
//! use core::time::Duration;
//! use jitter_buffer::audio::{Playback, Repetition};
//! use jitter_buffer::{Config, JitterBuffer, Mode};
//!
//! let ms = Duration::from_millis;
//! let mut config = Config::new(8000, ms(20));
//! config.tick = ms(10);
//! config.mode = Mode::ADAPTIVE;
//! let mut buffer = JitterBuffer::new(config)?;
//! let mut playback = Playback::new(8000, Repetition::new(8000));
//!
//! buffer.push(0, 0, 1, ms(0), [0x55_u8; 160]);
//! let mut out = [0_i16; 80]; // a tick's worth
//! for tick in 0..20 {
//!     playback.tick(&mut buffer, ms(tick * 10), &mut out, |payload, pcm| {
//!         // Decode: A-law's 0x55 is silence.
//!         for (sample, _octet) in pcm.iter_mut().zip(&payload) {
//!             *sample = 8;
//!         }
//!         payload.len()
//!     });
//!     // Hand `out` to the sound card or the mixer.
//! }
//! # Ok::<(), jitter_buffer::ConfigError>(())
//! ```
//!
//! A joint between two pieces of sound is never a click:
//!
//! ```text
//!  real      ─────────╮ concealed ╭───────── real       an overlap of 5 ms, in which one fades out
//!                     ╰───────────╳                     and the other in
//!
//!  longer    ──────────╳╭period╮──────────              a pitch period is played twice
//!  shorter   ────────╳──────────                        a pitch period is left out
//!  silence   ──────────╲___________╱──────────          what it would have jumped by fades away in 5 ms
//! ```
//!
//! So is a frame that does not follow the one before, when the buffer gave up what was between them.

mod concealment;
mod fade;
mod playback;
mod stretch;

pub use concealment::{Concealment, Repetition};
pub use playback::Playback;
pub use stretch::Stretcher;
