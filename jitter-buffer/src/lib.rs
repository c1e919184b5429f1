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
//! # The adaptive delay
//!
//! How late a packet is, against the fastest of the last second or so ([`Mode::Adaptive`]), draws a line
//! that rises when the path gets slower. A buffer that adds the delay D conceals what of it rises above D:
//!
//! ```text
//!  late │        ╱|                            crossings a second      price
//!       │       ╱ |     ╱|                      200 ms  ▏ 0.1   <  0.38   not worth it
//!   D ──┼──────╱──|────╱─|──────────────         60 ms  ▌ 0.5   >  0.38   ┐
//!       │  ╱╲ ╱   |╲  ╱  |   ╱╲                  30 ms  █ 2     >  0.24   │ worth having
//!       └─╱──╳────|─╲╱───|──╱──╲──► time          0 ms  █ 9     >  0.10   ┘
//! ```
//!
//! So the buffer counts how often the line rises through each level of 4 ms. A crossing a second of a
//! level costs a millisecond of concealment a second for each of its milliseconds; the level itself costs
//! a millisecond of delay, in the time in which giving way would not have brought it anyway. The E-model
//! (ITU-T G.107) prices both, and the delay is where the sum is the least. Counts fade to a third in 10 s, and are kept apart for quiet and unquiet moments, so that a radio
//! channel that is crowded now and then does not cost delay while it is not.
//!
//! What else it does:
//!
//! - **Gives way.** A frame that is a little late is played late, after concealment of as many ticks: the delay
//!   grows by that. It comes back by [`Playout::Stretch`], at most a fifth.
//! - **Slows down** when the next packet is missing though nearly all would be here: a pitch period played
//!   again wins 8 ms on the mean, before anything has to be concealed. So it climbs the ramp of a queue
//!   that fills, too.
//! - **Skips** the backlog of an outage as far as it was concealed anyway. After an outage of 150 ms it
//!   waits one tick more, to see whether the backlog comes at once.
//! - **Cuts pauses short**, where the sender makes any, when the delay is longer than it should be.
//!
//! # Sensitivity
//!
//! No constant was fitted to a trace; each has its reason beside it. What the mean opinion score (with 130 ms
//! of network, at a tick of 10 ms) does when one is halved or doubled:
//!
//! | constant | | const | gamma20 | loss5_burst | spike300 | wifi | dtx_gamma10 | reorder3_dup1 | skew_p100 | wrap | bloat200 | mean |
//! |---|---|---|---|---|---|---|---|---|---|---|---|---|
//! | as it is | | 4.32 | 4.11 | 3.64 | 3.96 | 3.97 | 4.12 | 4.18 | 4.26 | 4.30 | 3.70 | 4.056 |
//! | prices (E-model) | half | 4.32 | 4.09 | 3.64 | 3.91 | 3.95 | 4.12 | 4.16 | 4.26 | 4.30 | 3.70 | 4.046 |
//! | prices (E-model) | twice | 4.32 | 4.09 | 3.64 | 3.96 | 3.98 | 4.12 | 4.07 | 4.26 | 4.30 | 3.70 | 4.043 |
//! | memory, 10 s | half | 4.32 | 4.10 | 3.64 | 3.95 | 3.97 | 4.12 | 4.15 | 4.26 | 4.30 | 3.70 | 4.052 |
//! | memory, 10 s | twice | 4.32 | 4.11 | 3.64 | 3.96 | 3.97 | 4.12 | 4.18 | 4.26 | 4.30 | 3.70 | 4.057 |
//! | prior time of a context, 1.5 s | half | 4.32 | 4.10 | 3.64 | 3.95 | 3.98 | 4.12 | 4.18 | 4.26 | 4.30 | 3.70 | 4.056 |
//! | prior time of a context, 1.5 s | twice | 4.32 | 4.10 | 3.64 | 3.96 | 3.98 | 4.12 | 4.18 | 4.26 | 4.30 | 3.70 | 4.057 |
//! | unrest, 160 ms | half | 4.32 | 4.10 | 3.64 | 3.96 | 3.97 | 4.12 | 4.18 | 4.26 | 4.30 | 3.70 | 4.056 |
//! | unrest, 160 ms | twice | 4.32 | 4.10 | 3.64 | 3.94 | 3.97 | 4.12 | 4.18 | 4.26 | 4.30 | 3.70 | 4.054 |
//! | first context, 8 ms | half | 4.32 | 4.11 | 3.64 | 3.95 | 3.98 | 4.12 | 4.17 | 4.26 | 4.30 | 3.70 | 4.055 |
//! | first context, 8 ms | twice | 4.32 | 4.10 | 3.64 | 3.96 | 3.97 | 4.12 | 4.18 | 4.26 | 4.29 | 3.70 | 4.055 |
//! | won by slowing down, 8 ms | half | 4.32 | 4.10 | 3.64 | 3.96 | 3.97 | 4.12 | 4.17 | 4.26 | 4.30 | 3.70 | 4.054 |
//! | won by slowing down, 8 ms | twice | 4.32 | 4.09 | 3.64 | 3.96 | 3.97 | 4.12 | 4.13 | 4.26 | 4.30 | 3.70 | 4.049 |
//! | first delay, 40 ms | half | 4.32 | 4.10 | 3.64 | 3.96 | 3.97 | 4.12 | 4.18 | 4.26 | 4.30 | 3.70 | 4.056 |
//! | first delay, 40 ms | twice | 4.32 | 4.10 | 3.64 | 3.96 | 3.97 | 4.12 | 4.18 | 4.26 | 4.30 | 3.70 | 4.056 |
//! | missed, 3/10 | half | 4.32 | 4.11 | 3.62 | 3.95 | 3.98 | 4.12 | 4.18 | 4.26 | 4.27 | 3.70 | 4.051 |
//! | missed, 3/10 | twice | 4.32 | 4.10 | 3.64 | 3.96 | 3.97 | 4.09 | 4.16 | 4.26 | 4.30 | 3.63 | 4.044 |
//! | outage, 150 ms | half | 4.32 | 4.11 | 3.64 | 3.96 | 3.97 | 4.12 | 4.18 | 4.26 | 4.30 | 3.70 | 4.056 |
//! | outage, 150 ms | twice | 4.32 | 4.11 | 3.64 | 3.95 | 3.97 | 4.12 | 4.18 | 4.26 | 4.30 | 3.70 | 4.055 |
//! | hold, 1/8 tick | half | 4.32 | 4.10 | 3.64 | 3.96 | 3.97 | 4.12 | 4.18 | 4.26 | 4.30 | 3.70 | 4.056 |
//! | hold, 1/8 tick | twice | 4.31 | 4.10 | 3.64 | 3.96 | 3.98 | 4.12 | 4.18 | 4.26 | 4.30 | 3.70 | 4.055 |
//! | saved stretching, 20 ms instead of 40 | half of that | 4.32 | 4.09 | 3.64 | 3.95 | 3.96 | 4.13 | 4.15 | 4.27 | 4.30 | 3.71 | 4.052 |
//! | saved stretching, 20 ms instead of 40 | twice that: as it is now | 4.32 | 4.11 | 3.64 | 3.96 | 3.99 | 4.12 | 4.18 | 4.26 | 4.30 | 3.70 | 4.059 |
//!
//! The rows above are with 20 ms of saved stretching, now it is 40 ms, as in the last row; and with delay charged for all the
//! time. As it is now, and with the rule that says how sure anything may be:
//!
//! | constant | | const | gamma20 | loss5_burst | spike300 | wifi | dtx_gamma10 | reorder3_dup1 | skew_p100 | wrap | bloat200 | mean |
//! |---|---|---|---|---|---|---|---|---|---|---|---|---|
//! | as it is | | 4.32 | 4.11 | 3.64 | 3.96 | 3.99 | 4.12 | 4.18 | 4.26 | 4.30 | 3.71 | 4.059 |
//! | sureness, 1 | half | 4.32 | 4.11 | 3.64 | 3.96 | 4.00 | 4.12 | 4.17 | 4.26 | 4.30 | 3.71 | 4.059 |
//! | sureness, 1 | twice | 4.32 | 4.11 | 3.64 | 3.96 | 3.99 | 4.12 | 4.18 | 4.26 | 4.30 | 3.70 | 4.060 |
//!
//! # Rules
//!
//! | what happens | what the buffer does |
//! |---|---|
//! | **reordering** | the frame takes its place, if that has not been played |
//! | **duplicate** (same number and timestamp among the last 100) | dropped, [`PushOutcome::Duplicate`] |
//! | **loss**: a number is missing when its time comes | `Conceal` for as long as the missing frames last |
//! | **underrun**: nothing is queued | `Conceal` up to [`Config::conceal_limit`], then `Silence` |
//! | **DTX**: timestamps advance by more than the numbers | `Silence` until the time of the next frame |
//! | **late packet**: its time has passed | fixed: dropped, [`PushOutcome::Late`]; adaptive: played unless one after it was |
//! | late packets only, for 400 ms, at a fixed delay | [`Reanchor::Delay`]: the timeline gives in |
//! | **SSRC change** | [`Reanchor::Ssrc`]: its frames follow those queued |
//! | the SSRC before it, again | [`PushOutcome::Held`] until the next packet follows it, then [`Reanchor::Ssrc`] |
//! | **sequence restart**: numbers over 3000 ahead or 100 behind, or used again with another timestamp | [`PushOutcome::Held`] until the next packet follows it, then [`Reanchor::Sequence`] |
//! | **timestamp jump** back, or ahead past [`Config::max_delay`] | [`Reanchor::Timestamp`]: it follows those queued |
//! | frames come faster than pulled | above [`Config::max_delay`] or [`Config::capacity`] the oldest are discarded |
//! | **another frame size** | followed after two packets |
//! | **clock skew**, or a first packet that was slow | adaptive: the floor follows; fixed: see below |
//!
//! ```text
//!  loss      ..│17│18│  │20│..   numbers and time have a hole      Conceal
//!  DTX       ..│17│18│     │19│  time has a hole, numbers none     Silence
//!  underrun  ..│17│18│ ?         nothing has come                  Conceal, at last Silence
//!  restart   ..│17│18│ 90│91│    two in a row of another order     played on, next to each other
//! ```
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
mod held;
mod keeping;
mod late_run;
mod limits;
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
