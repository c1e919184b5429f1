//! Matching one pattern against one dialled string: the naive matcher that the compiled ones are
//! tested against.

use core::cmp::Ordering;

use super::element::{Element, Elements};
use super::order::compare;

/// What further digits could do for one pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// No further digit makes it match.
    No,
    /// A longer string could match.
    More,
    /// It ends in `!` and has matched: no more digits are waited for.
    Decided,
}

/// Whether all of `dialled` matches the pattern.
pub(crate) fn match_now(pattern: &str, dialled: &[u8]) -> bool {
    // Asterisk looks up patterns by their own text, so a dialled `_X.` finds the pattern `_X.`.
    if pattern.starts_with('_')
        && let Some(dialled) = as_pattern(dialled)
        && compare(pattern, dialled) == Ordering::Equal
    {
        return true;
    }
    match walk(pattern, dialled) {
        Walk::Whole | Walk::Wildcard | Walk::Decided => true,
        Walk::Differs | Walk::Unfinished => false,
    }
}

/// What was dialled, if it is a pattern itself: a leading `_`, and every set closed.
#[inline]
pub(crate) fn as_pattern(dialled: &[u8]) -> Option<&str> {
    if dialled.first() != Some(&b'_') {
        return None;
    }
    let mut in_set = false;
    for byte in dialled {
        in_set = (in_set || *byte == b'[') && *byte != b']';
    }
    if in_set { None } else { core::str::from_utf8(dialled).ok() }
}

/// What more digits could do.
pub(crate) fn match_more(pattern: &str, dialled: &[u8]) -> Outcome {
    match walk(pattern, dialled) {
        Walk::Differs | Walk::Whole => Outcome::No,
        Walk::Unfinished | Walk::Wildcard => Outcome::More,
        Walk::Decided => Outcome::Decided,
    }
}

/// Whether any string matches.
pub(crate) fn is_satisfiable(pattern: &str) -> bool {
    let mut after_empty_set = false;
    for element in Elements::new(pattern) {
        match element {
            Element::EmptySet => after_empty_set = true,
            Element::One(set) => {
                let only_dash = set.len() == 1 && set.contains(b'-');
                if set.is_empty() || only_dash {
                    return false;
                }
                after_empty_set = false;
            }
            Element::AtLeastOne | Element::Anything => return true,
        }
    }
    !after_empty_set
}

/// Where a walk along the pattern ended.
enum Walk {
    /// A character differs, or characters are left over.
    Differs,
    /// Both ended together.
    Whole,
    /// `.` was reached with characters left.
    Wildcard,
    /// `!` was reached.
    Decided,
    /// The dialled string ended first.
    Unfinished,
}

fn walk(pattern: &str, dialled: &[u8]) -> Walk {
    let mut dialled = dialled.iter().copied().filter(|&byte| byte != b'-').peekable();
    for element in Elements::new(pattern) {
        let Some(&byte) = dialled.peek() else {
            return match element {
                Element::Anything => Walk::Decided,
                _ => Walk::Unfinished,
            };
        };
        match element {
            Element::EmptySet => continue,
            Element::AtLeastOne => return Walk::Wildcard,
            Element::Anything => return Walk::Decided,
            Element::One(set) if set.contains(byte) => {
                dialled.next();
            }
            Element::One(_) => return Walk::Differs,
        }
    }
    if dialled.next().is_some() { Walk::Differs } else { Walk::Whole }
}
