//! A playout buffer for real-time media, generic over the payload.
//!
//! Packets go in as they come from the network; frames come out in order and at an even pace, with
//! what is missing named: [`Playout::Conceal`] for a lost or late frame, [`Playout::Silence`] for what
//! the sender did not send. The buffer takes a sequence number, a timestamp and an SSRC, so it works
//! for RTP without knowing it, and any `T` as payload: a handle to a packet costs least.
//!
//! ```
//! use core::time::Duration;
//! use jitter_buffer::{Config, JitterBuffer, Mode, Playout};
//!
//! let ms = Duration::from_millis;
//! let mut config = Config::new(8000, ms(20)); // G.711 in frames of 20 ms
//! config.mode = Mode::Fixed { delay: ms(40) };
//! let mut buffer = JitterBuffer::new(config)?;
//!
//! // Packets 1 and 2 change places, 3 is lost.
//! buffer.push(0, 0, 0xCAFE, ms(0), "zero");
//! buffer.push(2, 320, 0xCAFE, ms(35), "two");
//! buffer.push(1, 160, 0xCAFE, ms(38), "one");
//! assert_eq!(buffer.pull(ms(39)), Playout::NotReady);
//! assert_eq!(buffer.pull(ms(40)), Playout::Frame("zero"));
//! assert_eq!(buffer.pull(ms(60)), Playout::Frame("one"));
//! buffer.push(4, 640, 0xCAFE, ms(80), "four");
//! assert_eq!(buffer.pull(ms(80)), Playout::Frame("two"));
//! assert_eq!(buffer.pull(ms(100)), Playout::Conceal);
//! assert_eq!(buffer.pull(ms(120)), Playout::Frame("four"));
//! assert_eq!(buffer.statistics().lost, 1);
//! # Ok::<(), jitter_buffer::ConfigError>(())
//! ```
//!
//! # How it works
//!
//! Each packet gets a *position* (its place in the order) and a *media time* (its timestamp), both
//! extended to 64 bits. Queued frames sit in a fixed ring by position. The *timeline* says which media
//! time is played next, and moves by what is pulled:
//!
//! ```text
//!                 timeline                                 a packet that comes now
//!                    │◄───────── delay (lead) ─────────────►│
//!  ──┬──────┬──────┬─▼────┬──────┬──────┬──────┬──────┬──────┬──► media time
//!    │played│played│  17  │  18  │ lost │  20  │  21  │  22  │
//!  ──┴──────┴──────┴──────┴──────┴──────┴──────┴──────┴──────┴──►
//! ```
//!
//! A packet whose media time is behind the timeline is late. The first packet's playout waits for the
//! delay; from then on the timeline moves on whether or not packets come, so that a spike or a pause
//! leaves the delay as it was.
//!
//! # Rules
//!
//! | what happens | what the buffer does |
//! |---|---|
//! | reordering | the frame takes its place, if that has not passed |
//! | duplicate (same number and timestamp among the last 100) | dropped, [`PushOutcome::Duplicate`] |
//! | loss: a number is missing when its time comes | `Conceal` for as long as the missing frames last |
//! | underrun: nothing is queued | `Conceal` up to [`Config::conceal_limit`], then `Silence` |
//! | DTX: timestamps advance by more than the numbers | `Silence` until the time of the next frame |
//! | late packet: its time has passed | dropped, [`PushOutcome::Late`]; it was concealed before |
//! | late packets only, for 400 ms | [`Reanchor::Delay`]: the timeline gives in |
//! | another SSRC | [`Reanchor::Ssrc`]: its frames follow those queued |
//! | the SSRC before it, again | [`PushOutcome::Held`] until the next packet follows it, then [`Reanchor::Ssrc`] |
//! | numbers over 3000 ahead or 100 behind, or used again with another timestamp | [`PushOutcome::Held`] until the next packet follows it, then [`Reanchor::Sequence`] |
//! | timestamp jumps back, or ahead past [`Config::max_delay`] | [`Reanchor::Timestamp`]: it follows those queued |
//! | frames come faster than pulled | above [`Config::max_delay`] or [`Config::capacity`] the oldest are discarded |
//! | another frame size | followed after two packets |
//! | clock skew, or a first packet that was slow | see below |
//!
//! In [`Mode::Fixed`] the fastest packet of every 2 s tells the delay really added. It equals the
//! configured delay (and up to a tick) if the first packet came by the fastest path, and is more by as
//! much as it did not. When it exceeds the delay by more than the delay itself (at least two frames)
//! and a tick, frames are discarded until it no longer does; when it falls a frame short of the delay,
//! concealment is inserted. So skewed clocks run for ever at the price of a frame now and then.
#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod adaptive;
mod arrival;
pub mod audio;
mod buffer;
mod cadence;
mod config;
mod crossings;
mod drift;
mod floor;
mod outcome;
mod playing;
mod playout;
mod slots;
mod statistics;
mod stream;
mod stretching;
mod target;
mod timeline;
mod units;

pub use buffer::JitterBuffer;
pub use config::{Config, ConfigError, Mode};
pub use outcome::{PushOutcome, Reanchor};
pub use playout::Playout;
pub use statistics::Statistics;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
