//! One context: extensions in order, the matcher made for them, includes as written.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::Cell;
use core::ops::ControlFlow;

use crate::pattern::{self, MAX_LEN, Outcome, match_more, match_now};

use super::automaton::{Automaton, Unclear, is_odd};
use super::entry::{Entries, Place, StepIndex};
use super::key::{Keys, Ranks};
use super::tree::Tree;
use super::{ContextId, Query};

/// How the extensions of a context are matched. All answer the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Matcher {
    /// The automaton, and the tree for a context that would need too large a one.
    #[default]
    Automaton,
    /// The tree.
    Tree,
    /// One extension after the other, as Asterisk does: slow, and easy to believe.
    Linear,
}

/// A context, compiled.
#[derive(Clone, Debug)]
pub(super) struct Context<T> {
    pub(super) name: Box<str>,
    pub(super) place: Place,
    pub(super) entries: Entries<T>,
    pub(super) includes: Vec<Include>,
    /// The contexts searched after this one, in order, when no include has a condition.
    pub(super) order: Option<Box<[ContextId]>>,
    compiled: Compiled,
    /// Some pattern has a set that holds nothing, which the compiled matchers leave to the naive one.
    has_odd: bool,
}

/// An include; `context` is missing when the plan has none of that name.
#[derive(Clone, Debug)]
pub(super) struct Include {
    pub(super) name: Box<str>,
    pub(super) context: Option<ContextId>,
    pub(super) schedule: Option<Box<str>>,
    pub(super) place: Place,
}

#[derive(Clone, Debug)]
enum Compiled {
    Automaton(Box<Automaton>),
    Tree(Tree),
    Linear,
}

impl<T> Context<T> {
    pub(super) fn new(
        (name, place): (Box<str>, Place),
        entries: Entries<T>,
        includes: Vec<Include>,
        (keys, ranks): (&Keys, &Ranks),
        matcher: Matcher,
        max_rows: usize,
    ) -> Context<T> {
        let automaton = |rows| {
            Automaton::build(&entries, keys, ranks, rows).map(|a| Compiled::Automaton(Box::new(a)))
        };
        let tree = || Compiled::Tree(Tree::build(&entries, keys, ranks));
        let compiled = match matcher {
            Matcher::Automaton => automaton(max_rows).unwrap_or_else(tree),
            Matcher::Tree => tree(),
            Matcher::Linear => Compiled::Linear,
        };
        let has_odd = (0..entries.len()).any(|entry| is_odd(entries.pattern(entry)));
        Context { name, place, entries, includes, order: None, compiled, has_odd }
    }

    /// The first step that the query reaches here. `seen` is set when an extension matched.
    #[inline]
    pub(super) fn find(&self, query: &Query<'_>, seen: &Cell<bool>) -> Option<(usize, StepIndex)> {
        match self.find_number(query) {
            Some(Ok(found)) => Some(found),
            Some(Err(Unclear)) => self.find_slowly(query, seen),
            None => None,
        }
    }

    /// The short way, for one to fifteen digits and extensions without conditions.
    #[inline]
    pub(super) fn find_number(
        &self,
        query: &Query<'_>,
    ) -> Option<Result<(usize, StepIndex), Unclear>> {
        match &self.compiled {
            Compiled::Automaton(automaton) if query.priority == 1 => {
                let found = automaton.first(query.dialled.as_bytes())?;
                Some(found.map(|entry| (entry, self.entries.first_step(entry))))
            }
            _ => Some(Err(Unclear)),
        }
    }

    #[cold]
    fn find_slowly(&self, query: &Query<'_>, seen: &Cell<bool>) -> Option<(usize, StepIndex)> {
        let dialled = query.dialled.as_bytes();
        let found = self.each_match(dialled, |entry, has_conditions| {
            let unconditional = !has_conditions && query.priority == 1;
            if !unconditional && !self.admits(entry, query) {
                return ControlFlow::Continue(());
            }
            seen.set(true);
            match self.entries.step(entry, query.priority) {
                Some(step) => ControlFlow::Break((entry, step)),
                None => ControlFlow::Continue(()),
            }
        });
        found.break_value()
    }

    /// Calls `visit` for each extension that may match, in order, saying whether it has conditions
    /// still to be looked at: [`Context::admits`].
    #[inline]
    pub(super) fn each_match<B>(
        &self,
        dialled: &[u8],
        visit: impl Fn(usize, bool) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        match pattern::as_pattern(dialled) {
            None => self.each_string_match(dialled, &visit),
            Some(pattern) => self.each_pattern_match(pattern, &visit),
        }
    }

    /// What was dialled is a pattern: extensions of that very pattern match too, in their place.
    #[cold]
    fn each_pattern_match<B>(
        &self,
        pattern: &str,
        visit: &impl Fn(usize, bool) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let same = self.entries.same_pattern(pattern);
        let next = Cell::new(same.start);
        self.each_string_match(pattern.as_bytes(), &|entry, has_conditions| {
            while next.get() < same.end.min(entry) {
                next.set(next.get() + 1);
                visit(next.get() - 1, true)?;
            }
            if next.get() == entry {
                next.set(entry + 1);
            }
            visit(entry, has_conditions)
        })?;
        (next.get()..same.end).try_for_each(|entry| visit(entry, true))
    }

    #[inline]
    fn each_string_match<B>(
        &self,
        dialled: &[u8],
        visit: &impl Fn(usize, bool) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        match &self.compiled {
            Compiled::Automaton(automaton) => {
                let named = || {
                    let all_keys = dialled.iter().all(|&byte| is_key(byte));
                    let mut named = if all_keys { 0..0 } else { self.named(dialled) };
                    named.try_for_each(|entry| visit(entry, true))
                };
                automaton.each_match(dialled, named, visit)
            }
            Compiled::Tree(tree) => {
                self.named(dialled).try_for_each(|entry| visit(entry, true))?;
                tree.each_match(dialled, &mut |entry, compare| {
                    if compare && !match_now(self.entries.pattern(entry), dialled) {
                        return ControlFlow::Continue(());
                    }
                    visit(entry, true)
                })
            }
            Compiled::Linear => (0..self.entries.len())
                .filter(|&entry| match_now(self.entries.pattern(entry), dialled))
                .try_for_each(|entry| visit(entry, true)),
        }
    }

    /// Whether an extension that matched by its key takes this caller, and its text does match.
    pub(super) fn admits(&self, entry: usize, query: &Query<'_>) -> bool {
        (!self.has_odd || match_now(self.entries.pattern(entry), query.dialled.as_bytes()))
            && self.entries.admits(entry, query.caller)
    }

    /// Whether a longer string could reach something here: Asterisk's MATCHMORE.
    pub(super) fn more(&self, query: &Query<'_>) -> bool {
        let dialled = query.dialled.as_bytes();
        let decide = |entry: usize, outcome: Outcome| {
            if outcome == Outcome::No || !self.entries.admits(entry, query.caller) {
                return ControlFlow::Continue(());
            }
            if outcome == Outcome::Decided {
                return ControlFlow::Break(false);
            }
            match self.entries.step(entry, query.priority) {
                Some(_) => ControlFlow::Break(true),
                None => ControlFlow::Continue(()),
            }
        };
        let ask = |entry| decide(entry, match_more(self.entries.pattern(entry), dialled));
        let usual = !self.has_odd;
        let answer = match &self.compiled {
            Compiled::Automaton(automaton) if usual && query.priority == 1 => {
                let exact = self.beginning_with(dialled).try_for_each(ask);
                match exact.is_continue().then(|| automaton.more(dialled)) {
                    None => exact,
                    Some(Some(more)) => ControlFlow::Break(more),
                    Some(None) => (0..self.entries.len()).try_for_each(ask),
                }
            }
            Compiled::Tree(tree) if usual => {
                let exact = self.beginning_with(dialled).try_for_each(ask);
                if exact.is_break() {
                    exact
                } else {
                    tree.each_more(dialled, &mut |entry, outcome| match outcome {
                        Some(outcome) => decide(entry, outcome),
                        None => ask(entry),
                    })
                }
            }
            _ => (0..self.entries.len()).try_for_each(ask),
        };
        answer.break_value().unwrap_or(false)
    }

    /// Bytes on the heap.
    pub(super) fn memory(&self) -> usize {
        let compiled = match &self.compiled {
            Compiled::Automaton(automaton) => size_of::<Automaton>() + automaton.memory(),
            Compiled::Tree(tree) => tree.memory(),
            Compiled::Linear => 0,
        };
        self.name.len() + self.entries.memory() + compiled + self.includes.capacity() * 64
    }

    pub(super) fn matcher(&self) -> Matcher {
        match self.compiled {
            Compiled::Automaton(_) => Matcher::Automaton,
            Compiled::Tree(_) => Matcher::Tree,
            Compiled::Linear => Matcher::Linear,
        }
    }

    /// The exact extensions equal to the string.
    fn named(&self, dialled: &[u8]) -> core::ops::Range<usize> {
        let mut buffer = [0; MAX_LEN];
        self.entries.exact_equal(undecorated(dialled, &mut buffer))
    }

    fn beginning_with(&self, dialled: &[u8]) -> core::ops::Range<usize> {
        let mut buffer = [0; MAX_LEN];
        self.entries.exact_beginning_with(undecorated(dialled, &mut buffer))
    }
}

/// Whether a byte is on a telephone's keys, or decoration.
fn is_key(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'*' | b'#' | b'+' | b'-')
}

/// The string without its dashes. Strings longer than [`MAX_LEN`] never come here.
fn undecorated<'b>(dialled: &[u8], buffer: &'b mut [u8; MAX_LEN]) -> &'b [u8] {
    let mut length = 0;
    for (to, &byte) in buffer.iter_mut().zip(dialled.iter().filter(|&&byte| byte != b'-')) {
        *to = byte;
        length += 1;
    }
    buffer.get(..length).unwrap_or_default()
}
