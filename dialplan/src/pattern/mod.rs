//! Patterns: what a dialled string must look like, in Asterisk's alphabet.
//!
//! | written | matches |
//! |---|---|
//! | `100` | exactly `100`; a pattern without a leading `_` is an exact extension |
//! | `X` `Z` `N` | one digit of 0–9, 1–9, 2–9 (lower case means the same) |
//! | `[13-5]` | one of 1, 3, 4, 5; `[]` is ignored |
//! | `.` | one or more of anything; what follows it is never looked at |
//! | `!` | zero or more of anything, and no further digit is waited for |
//! | `-` | nothing: decoration, outside sets, in the pattern and in the dialled string |
//! | anything else | itself, case-sensitive |
//!
//! Matching and order are those of Asterisk's default (linear) matcher, quirks included, because
//! a plan that moves here has to route as it did before. The order is total on [`Pattern`]: the
//! first matching pattern in sorted order is the one that wins.

mod element;
mod matching;
mod order;
mod words;

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

pub use element::{ByteSet, Element, Elements};
pub use matching::Outcome;
pub(crate) use matching::{as_pattern, match_more, match_now};

pub(crate) use order::compare;
pub use words::{Mismatch, Words};

/// The longest pattern or dialled string that is looked at, in bytes.
///
/// E.164 ends at 15 digits, SIP user parts that people really dial well below 100 bytes. The limit
/// bounds the time of one match, whatever a peer sends.
pub const MAX_LEN: usize = 255;

/// A pattern as written, checked for form.
///
/// ```
/// use dialplan::pattern::Pattern;
///
/// let moscow: Pattern = "_8[49]95XXXXXXX".parse()?;
/// assert!(moscow.matches("84951234567"));
/// assert!(moscow.matches("8-495-123-45-67"));
/// assert!(!moscow.matches("84951234"));
/// # Ok::<(), dialplan::pattern::PatternError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    text: Box<str>,
}

impl Pattern {
    /// Reads a pattern, exact or with a leading `_`.
    ///
    /// # Errors
    ///
    /// Says what is wrong and at which byte. A set that can never match, such as `[9-1]`, is not an
    /// error here; [`Pattern::is_satisfiable`] tells.
    pub fn parse(text: &str) -> Result<Pattern, PatternError> {
        check(text)?;
        Ok(Pattern { text: text.into() })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this is an exact extension: no leading `_`.
    pub fn is_exact(&self) -> bool {
        !self.text.starts_with('_')
    }

    /// Whether the whole of `dialled` matches.
    pub fn matches(&self, dialled: &str) -> bool {
        match_now(&self.text, dialled.as_bytes())
    }

    /// What digits after `dialled` could still do: the question of overlap dialling.
    pub fn more(&self, dialled: &str) -> Outcome {
        match_more(&self.text, dialled.as_bytes())
    }

    /// Why `dialled` does not match; `None` when it does.
    pub fn mismatch(&self, dialled: &str) -> Option<Mismatch> {
        words::mismatch(&self.text, dialled)
    }

    /// What it takes, in words: `8495, then 7 digits`.
    pub fn words(&self) -> Words<'_> {
        Words(&self.text)
    }

    /// The parts of the pattern, decoration and empty sets left out.
    pub fn elements(&self) -> Elements<'_> {
        Elements::new(&self.text)
    }

    /// Whether any dialled string can match at all.
    ///
    /// `_[9-1]`, `_1[-]` (a dash is skipped before it could be compared) and `_1[]` cannot.
    pub fn is_satisfiable(&self) -> bool {
        matching::is_satisfiable(&self.text)
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Pattern::parse(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Asterisk's order, then the text, so that the order agrees with equality.
impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        compare(&self.text, &other.text).then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// Why a pattern could not be read. The writer of the plan has to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// Nothing was given.
    #[error("the pattern is empty")]
    Empty,
    /// Longer than [`MAX_LEN`].
    #[error(
        "the pattern is {length} bytes long; at most {MAX_LEN} are allowed (position {MAX_LEN})"
    )]
    TooLong {
        /// The length given, in bytes.
        length: usize,
    },
    /// A `[` without its `]`.
    #[error("the set opened at position {at} is not closed: `]` is missing")]
    UnclosedSet {
        /// Byte offset of the `[`.
        at: usize,
    },
    /// A character that has no place in a pattern.
    #[error("{character} has no place in a pattern (position {at})")]
    Character {
        /// The character, escaped for printing.
        character: Box<str>,
        /// Its byte offset.
        at: usize,
    },
}

impl PatternError {
    /// Byte offset of the fault in the text given.
    pub fn position(&self) -> usize {
        match self {
            PatternError::Empty => 0,
            PatternError::TooLong { .. } => MAX_LEN,
            PatternError::UnclosedSet { at } | PatternError::Character { at, .. } => *at,
        }
    }
}

/// [`Pattern::words`] for a pattern that a plan keeps.
pub(crate) fn words_of(pattern: &str) -> Words<'_> {
    Words(pattern)
}

/// [`Pattern::mismatch`] for a pattern that a plan keeps.
pub(crate) fn mismatch_of(pattern: &str, dialled: &str) -> Option<Mismatch> {
    words::mismatch(pattern, dialled)
}

/// [`Pattern::is_satisfiable`] for a pattern that a plan keeps.
pub(crate) fn is_satisfiable(pattern: &str) -> bool {
    matching::is_satisfiable(pattern)
}

/// Checks the form without keeping anything.
pub(crate) fn check(text: &str) -> Result<(), PatternError> {
    if text.is_empty() {
        return Err(PatternError::Empty);
    }
    if text.len() > MAX_LEN {
        return Err(PatternError::TooLong { length: text.len() });
    }
    let mut set_opened_at = None;
    let is_pattern = text.starts_with('_');
    for (at, character) in text.char_indices() {
        let misplaced = character.is_control()
            || character.is_whitespace()
            || (character == '/' && set_opened_at.is_none());
        if misplaced {
            let character = format_character(character);
            return Err(PatternError::Character { character, at });
        }
        match (character, set_opened_at) {
            ('[', None) if is_pattern => set_opened_at = Some(at),
            (']', Some(_)) => set_opened_at = None,
            _ => {}
        }
    }
    match set_opened_at {
        Some(at) => Err(PatternError::UnclosedSet { at }),
        None => Ok(()),
    }
}

fn format_character(character: char) -> Box<str> {
    match character {
        ' ' => "a space".into(),
        '/' => "`/` (it separates the caller's pattern)".into(),
        other => {
            let mut text = String::from("`");
            text.push_str(&other.escape_debug().to_string());
            text.push('`');
            text.into_boxed_str()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn errors_carry_the_position() {
        assert_eq!(Pattern::parse("_8[0-"), Err(PatternError::UnclosedSet { at: 2 }));
        assert_eq!(Pattern::parse(""), Err(PatternError::Empty));
        assert_eq!(Pattern::parse("_9 X").map_err(|e| e.position()), Err(2));
        assert_eq!(Pattern::parse("100/200").map_err(|e| e.position()), Err(3));
        let megabyte = "_".chars().chain(core::iter::repeat_n('X', 1 << 20)).collect::<String>();
        let error = Pattern::parse(&megabyte).unwrap_err();
        assert_eq!(error, PatternError::TooLong { length: (1 << 20) + 1 });
        assert!(error.to_string().contains("position 255"));
    }

    #[test]
    fn sorts_in_asterisks_order() {
        let mut patterns: Vec<Pattern> = [
            "_.", "_!", "_X.", "_XXX", "_NXX", "_ZXX", "_5XX", "100", "_12", "_12!", "_[23]",
            "_[12]",
        ]
        .into_iter()
        .map(|text| text.parse().unwrap())
        .collect();
        patterns.sort();
        let sorted: Vec<&str> = patterns.iter().map(Pattern::as_str).collect();
        assert_eq!(
            sorted,
            [
                "100", "_12!", "_12", "_5XX", "_[12]", "_[23]", "_NXX", "_ZXX", "_XXX", "_X.",
                "_.", "_!"
            ]
        );
    }

    #[test]
    fn tells_what_can_never_match() {
        for text in ["_[9-1]", "_1[-]", "_1[]", "_[]", "_[-]."] {
            assert!(!Pattern::parse(text).unwrap().is_satisfiable(), "{text}");
        }
        for text in ["_1[]2", "_[1-]", "_.", "_!", "_[]!", "_", "5-5", "_9.[9-1]"] {
            assert!(Pattern::parse(text).unwrap().is_satisfiable(), "{text}");
        }
    }
}
