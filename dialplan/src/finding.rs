//! Faults that a check of a plan finds.

use alloc::boxed::Box;
use core::fmt;

/// A fault in a plan, with its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file; empty when it is not known.
    pub file: Box<str>,
    /// The line, from 1; 0 when it is not known.
    pub line: u32,
    /// What kind of fault it is.
    pub kind: Fault,
    /// What is wrong, in words.
    pub text: Box<str>,
}

/// Kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// An extension cannot be read.
    BadExtension,
    /// A rule that no dialled string can match.
    NeverMatches,
    /// A rule that never wins, since others take all of its numbers first.
    Shadowed,
    /// A step that is there twice.
    Duplicate,
    /// An extension without priority 1.
    NoFirstStep,
    /// An include of a context that does not exist.
    UnknownContext,
    /// Contexts that include each other.
    IncludeLoop,
    /// A context that no call can come to.
    Unreachable,
    /// A prefix that is in two places, so that it is not clear which counts.
    AmbiguousPrefix,
    /// A trunk that is named and does not exist.
    UnknownTrunk,
    /// A trunk that no route uses.
    UnusedTrunk,
    /// A route without a trunk that could carry its calls.
    NowhereRoute,
    /// Calls go out, and no route takes them.
    NoRoute,
    /// Emergency numbers without a trunk.
    NoEmergencyRoute,
    /// An extension that an emergency number stands in the way of.
    HiddenByEmergency,
    /// A schedule that is not declared.
    UnknownSchedule,
    /// A value that cannot be used.
    BadValue,
    /// Something in a file of Asterisk that was not understood.
    NotUnderstood,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "{}:{}: ", self.file, self.line)?;
        }
        f.write_str(&self.text)
    }
}
