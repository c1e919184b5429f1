//! Explanations: what was looked at for a call, in words.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::plan::Origin;

/// What was looked at for a call, line by line, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// In the order in which it was looked at.
    pub lines: Vec<Line>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Whether it applies.
    pub verdict: Verdict,
    /// A sentence.
    pub text: Box<str>,
    /// The file and line it is about, where there is one.
    pub place: Option<(Box<str>, u32)>,
}

/// Whether a thing that was looked at applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It applies.
    Yes,
    /// It does not.
    No,
    /// Nothing was decided.
    Note,
}

impl Line {
    pub(crate) fn new(verdict: Verdict, text: impl Into<String>) -> Line {
        Line { verdict, text: text.into().into_boxed_str(), place: None }
    }

    pub(crate) fn at(mut self, place: Option<Origin<'_>>) -> Line {
        self.place = place.map(|origin| (origin.file.into(), origin.line));
        self
    }
}

/// One sentence a line, with its place behind it.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            let mark = match line.verdict {
                Verdict::Yes => "*",
                Verdict::No => "-",
                Verdict::Note => " ",
            };
            write!(f, "{mark} {}", line.text)?;
            match &line.place {
                Some((file, number)) => writeln!(f, " ({file}:{number})")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}
