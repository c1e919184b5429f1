//! One context: extensions in order, includes as written.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::pattern::{compare, match_now};

use super::ContextId;
use super::builder::Place;

/// A context with its extensions sorted.
#[derive(Clone, Debug)]
pub(super) struct Context<T> {
    pub(super) name: Box<str>,
    pub(super) entries: Vec<Entry<T>>,
    pub(super) includes: Vec<Include>,
}

/// One extension with its steps.
#[derive(Clone, Debug)]
pub(super) struct Entry<T> {
    pub(super) pattern: Box<str>,
    /// `Some("")`: only callers without a number.
    pub(super) caller_pattern: Option<Box<str>>,
    /// Sorted by priority.
    pub(super) steps: Vec<Stored<T>>,
}

/// One step of an extension.
#[derive(Clone, Debug)]
pub(super) struct Stored<T> {
    pub(super) priority: u32,
    pub(super) label: Option<Box<str>>,
    pub(super) place: Place,
    pub(super) target: T,
}

/// An include; `context` is missing when the plan has none of that name.
#[derive(Clone, Debug)]
pub(super) struct Include {
    pub(super) name: Box<str>,
    pub(super) context: Option<ContextId>,
    pub(super) schedule: Option<Box<str>>,
    pub(super) place: Place,
}

impl<T> Entry<T> {
    pub(super) fn step(&self, priority: u32) -> Option<&Stored<T>> {
        self.steps.iter().find(|step| step.priority == priority)
    }

    pub(super) fn admits(&self, caller: Option<&str>) -> bool {
        admits(self.caller_pattern.as_deref(), caller)
    }
}

/// Whether an extension with this caller pattern takes this caller.
pub(super) fn admits(pattern: Option<&str>, caller: Option<&str>) -> bool {
    let Some(pattern) = pattern else { return true };
    match caller {
        None | Some("") => pattern.is_empty(),
        Some(caller) => match_now(pattern, caller.as_bytes()),
    }
}

/// The order in which extensions are tried.
pub(super) fn order(left: (&str, Option<&str>), right: (&str, Option<&str>)) -> Ordering {
    compare(left.0, right.0).then_with(|| match (left.1, right.1) {
        (None, None) => Ordering::Equal,
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some(left), Some(right)) => compare(left, right),
    })
}
