//! What can be asked of an exchange: the same enum for its own features, programs and scripts.

use crate::call::{CallId, Cause};
use crate::media::Audio;

/// An instruction to the exchange.
///
/// A command for a call that has just ended is not an error: it crossed the end on its way and is
/// ignored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// Answers the caller on behalf of a service.
    Answer {
        /// The call.
        call: CallId,
    },
    /// Plays audio to the caller; [`super::Event::Played`] follows at its end.
    Play {
        /// The call.
        call: CallId,
        /// What to play.
        audio: Audio,
    },
    /// Stops what the caller hears of [`Command::Play`] and [`Command::Echo`].
    Quiet {
        /// The call.
        call: CallId,
    },
    /// Sends the caller's voice back.
    Echo {
        /// The call.
        call: CallId,
    },
    /// Rings what `number` leads to in the caller's context, and bridges the caller to whoever answers.
    /// [`super::Event::DialFailed`] follows when nobody does.
    Dial {
        /// The call.
        call: CallId,
        /// The number as the caller would dial it.
        number: String,
    },
    /// Ends a call in whatever state it is.
    HangUp {
        /// The call.
        call: CallId,
        /// Why; a caller who was not yet answered hears the matching status.
        cause: Cause,
    },
    /// Takes no new calls, ends those there are, and keeps answering until they are gone.
    Stop,
}
