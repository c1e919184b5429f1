//! Asterisk's order of patterns.

use core::cmp::Ordering;

use super::element::{ByteSet, Element, Elements};

/// Which of two patterns is tried first. Equal means: the same extension.
///
/// Exact before pattern; then position by position: the smaller set, the set with the lower first
/// character, the set with the lower characters, `.`, `!`, and the end of the pattern last of all.
pub(crate) fn compare(left: &str, right: &str) -> Ordering {
    match (left.starts_with('_'), right.starts_with('_')) {
        (false, true) => Ordering::Less,
        (true, false) => Ordering::Greater,
        (false, false) => {
            let left = left.bytes().filter(|&byte| byte != b'-');
            let right = right.bytes().filter(|&byte| byte != b'-');
            left.cmp(right)
        }
        (true, true) => {
            let mut left = Elements::new(left);
            let mut right = Elements::new(right);
            loop {
                let (a, b) = (Weight::next(&mut left), Weight::next(&mut right));
                match a.compare(&b) {
                    Ordering::Equal if a.is_end() => return Ordering::Equal,
                    Ordering::Equal => {}
                    unequal => return unequal,
                }
            }
        }
    }
}

/// What one position weighs in the comparison.
enum Weight {
    Set { score: u32, set: ByteSet },
    AtLeastOne,
    Anything,
    End,
}

impl Weight {
    fn next(elements: &mut Elements<'_>) -> Weight {
        loop {
            return match elements.next() {
                // Sets that hold nothing are passed over by the order, whatever matching makes of them.
                Some(Element::EmptySet) => continue,
                Some(Element::One(set)) => match set.first() {
                    None => continue,
                    Some(first) => Weight::Set { score: set.len() << 8 | u32::from(first), set },
                },
                Some(Element::AtLeastOne) => Weight::AtLeastOne,
                Some(Element::Anything) => Weight::Anything,
                None => Weight::End,
            };
        }
    }

    fn is_end(&self) -> bool {
        matches!(self, Weight::End)
    }

    fn rank(&self) -> u32 {
        match self {
            Weight::Set { score, .. } => *score,
            Weight::AtLeastOne => 0x18000,
            Weight::Anything => 0x28000,
            Weight::End => 0x30000,
        }
    }

    fn compare(&self, other: &Weight) -> Ordering {
        self.rank().cmp(&other.rank()).then_with(|| match (self, other) {
            (Weight::Set { set: a, .. }, Weight::Set { set: b, .. }) => a.compare(b),
            _ => Ordering::Equal,
        })
    }
}
