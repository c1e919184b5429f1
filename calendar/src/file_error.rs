use alloc::{
    boxed::Box,
    string::{String, ToString},
};
use core::fmt;

use crate::{
    RecurrenceError, UnknownZone, production,
    schedule::{self, HoursError, MonthDayError, WeekError},
};

/// A file that was written by hand cannot be used: where, which key, what is wrong, and what to do.
///
/// Its `Display` is `office.toml:12: exception[1].hours: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileError {
    /// The file, as its reader was told.
    pub file: String,
    /// The line, from 1; 0 when the whole file is meant.
    pub line: usize,
    /// The key or the field, such as `exception[1].hours` (numbers count from 1); may be empty.
    pub key: String,
    /// What is wrong, and what to do.
    pub problem: Box<FileProblem>,
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// It is not in its format at all: the parser's words.
    #[error("{0}")]
    Syntax(String),
    /// A key that means nothing here.
    #[error("unknown key{}", suggestion(nearest.as_deref()))]
    UnknownKey {
        /// A key that exists and looks alike.
        nearest: Option<String>,
    },
    /// A key that must be there is not.
    #[error("missing; {0}")]
    Missing(&'static str),
    /// A value of the wrong kind.
    #[error("{found:?} is not what belongs here; {expected}")]
    Value {
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// Two keys of which only one may be there.
    #[error("cannot stand beside {0:?}; keep one of them")]
    Conflict(&'static str),
    /// Hours.
    #[error(transparent)]
    Hours(#[from] HoursError),
    /// Days of the week and their hours.
    #[error(transparent)]
    Week(#[from] WeekError),
    /// A day of the year.
    #[error(transparent)]
    MonthDay(#[from] MonthDayError),
    /// A zone.
    #[error(transparent)]
    Zone(#[from] UnknownZone),
    /// A recurrence rule.
    #[error(transparent)]
    Recurrence(#[from] RecurrenceError),
    /// The parts of a schedule.
    #[error(transparent)]
    Schedule(#[from] schedule::BuildError),
    /// The days of a calendar.
    #[error(transparent)]
    Calendar(#[from] production::BuildError),
    /// A country without an embedded calendar.
    #[error(transparent)]
    Country(#[from] production::UnknownCountry),
    /// A file that this one names cannot be read.
    #[error("cannot read {file:?}: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// A file that this one names is wrong in itself.
    #[error("{0}")]
    Nested(Box<FileError>),
    /// It asks for what this crate does not do.
    #[error("not supported: {0}")]
    Unsupported(String),
}

impl FileError {
    #[cfg(feature = "toml")]
    pub(crate) fn at_offset(
        file: &str,
        text: &str,
        offset: usize,
        key: impl Into<String>,
        problem: impl Into<FileProblem>,
    ) -> Self {
        let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        Self::at_line(file, line, key, problem)
    }

    pub(crate) fn at_line(
        file: &str,
        line: usize,
        key: impl Into<String>,
        problem: impl Into<FileProblem>,
    ) -> Self {
        Self { file: file.to_string(), line, key: key.into(), problem: Box::new(problem.into()) }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl core::error::Error for FileError {}

/// The one of `known` that looks most like `word`, if any does.
#[cfg(feature = "toml")]
pub(crate) fn nearest(word: &str, known: &[&str]) -> Option<String> {
    let (distance, best) =
        known.iter().map(|known| (crate::zone::edits(known, word), *known)).min()?;
    (distance <= 2 && word.len() > 2).then(|| best.to_string())
}

fn suggestion(nearest: Option<&str>) -> String {
    match nearest {
        Some(known) => alloc::format!("; did you mean {known:?}?"),
        None => "; remove it, or look its name up".to_string(),
    }
}
