//! The lead follow-up process: letters every three working days until the lead answers.
//!
//! ```text
//!            three working days          sent                      noted
//!  Waiting ─────────────────────▶ Letter ─────▶ Notice ────────────────▶ Waiting
//!     ▲  \                         │ ▲            │ ▲  \ after the sixth
//!     │   \ a call, a letter,      └─┘ down:      └─┘   └──────────────▶ Ended
//!     │    \ another status            back-off
//!   pressing└──────────────────────────────────────────────────────────▶ Ended
//! ```
//!
//! Each arrow is one transaction of the database, so that a process killed between any two goes on
//! where it was.
#![forbid(unsafe_code)]

pub mod config;
pub mod engine;
pub mod http;
pub mod lead;
pub mod letter;
pub mod outbox;
pub mod store;
pub mod timetable;
