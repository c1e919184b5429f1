//! What is asked of a plan and what it answers.

use core::fmt;

use crate::schedule::{NoSchedules, Schedules};

use super::{ContextId, Plan};

/// What is asked of a plan.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// The string dialled.
    pub dialled: &'a str,
    /// The caller's number, if it is known.
    pub caller: Option<&'a str>,
    /// The step asked for. A matching extension without it is passed over.
    pub priority: u32,
    /// Answers for conditional includes.
    pub schedules: &'a dyn Schedules,
}

impl<'a> Query<'a> {
    /// Priority 1, no caller's number, no schedule known.
    pub fn new(dialled: &'a str) -> Query<'a> {
        Query { dialled, caller: None, priority: 1, schedules: &NoSchedules }
    }

    /// With the caller's number.
    pub fn from_caller(self, caller: &'a str) -> Query<'a> {
        Query { caller: Some(caller), ..self }
    }
}

impl fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("priority", &self.priority).finish_non_exhaustive()
    }
}

/// What a dialled string reached.
pub struct Match<'p, T> {
    /// What the extension leads to.
    pub target: &'p T,
    plan: &'p Plan<T>,
    found: Found,
}

/// Where a match is in its plan.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) context: ContextId,
    pub(super) entry: u32,
    pub(super) step: u32,
}

impl<'p, T> Match<'p, T> {
    pub(super) fn new(target: &'p T, plan: &'p Plan<T>, found: Found) -> Match<'p, T> {
        Match { target, plan, found }
    }

    pub(super) fn of(plan: &'p Plan<T>, found: Found) -> Option<Match<'p, T>> {
        let target = plan.compiled(found.context)?.entries.target(found.step as usize)?;
        Some(Match { target, plan, found })
    }

    /// The context in which it was found: the one asked, or one it includes.
    pub fn context(&self) -> &'p str {
        self.plan.compiled(self.found.context).map_or("", |context| &context.name)
    }

    /// The pattern as written.
    pub fn pattern(&self) -> &'p str {
        let entry = self.found.entry as usize;
        self.plan.compiled(self.found.context).map_or("", |c| c.entries.pattern(entry))
    }

    /// The pattern for the caller's number, where there is one. Empty: only callers without a number.
    pub fn caller_pattern(&self) -> Option<&'p str> {
        let entry = self.found.entry as usize;
        self.plan.compiled(self.found.context)?.entries.caller_pattern(entry)
    }

    /// The step found.
    pub fn priority(&self) -> u32 {
        self.plan.stored(self.found).map_or(1, |stored| stored.priority)
    }

    /// The step's label.
    pub fn label(&self) -> Option<&'p str> {
        self.plan.compiled(self.found.context)?.entries.label(self.found.step as usize)
    }

    /// Where the step was written.
    pub fn origin(&self) -> Option<Origin<'p>> {
        self.plan.origin(self.plan.stored(self.found)?.place)
    }
}

impl<T> Clone for Match<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Match<'_, T> {}

/// Names no number: what was dialled stays out of logs.
impl<T> fmt::Debug for Match<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Match")
            .field("context", &self.context())
            .field("pattern", &self.pattern())
            .field("priority", &self.priority())
            .finish_non_exhaustive()
    }
}

/// A place in the files that a plan is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin<'p> {
    /// The file, as whoever reads messages about it knows it.
    pub file: &'p str,
    /// Line, from 1.
    pub line: u32,
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A step that was left out of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Duplicate<'p> {
    /// Its context.
    pub context: &'p str,
    /// The pattern as written.
    pub pattern: &'p str,
    /// The pattern for the caller's number.
    pub caller_pattern: Option<&'p str>,
    /// The priority that was there already.
    pub priority: u32,
    /// Where the step was written.
    pub origin: Option<Origin<'p>>,
}

/// Why nothing was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoMatch {
    /// The plan has no such context.
    #[error("the plan has no such context")]
    NoContext,
    /// No extension matches.
    #[error("no extension matches")]
    NoExtension,
    /// Extensions match, yet none has the priority asked for.
    #[error("an extension matches, but has no such priority")]
    NoPriority,
    /// The string dialled or the caller's number is longer than [`crate::pattern::MAX_LEN`].
    #[error("the number is {length} bytes long; at most {limit} are looked at", limit = crate::pattern::MAX_LEN)]
    TooLong {
        /// Its length, in bytes.
        length: usize,
    },
}

/// What the digits so far amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Digits {
    /// Nothing matches and nothing longer could.
    NoMatch,
    /// Nothing matches yet.
    More,
    /// A match; nothing longer is waited for.
    Match,
    /// A match now, and a longer string could reach something too.
    MatchAndMore,
}
