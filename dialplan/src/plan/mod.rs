//! Plans: contexts of extensions, and which of them a dialled string reaches.

mod automaton;
mod builder;
mod check;
mod context;
mod entry;
mod explain;
mod key;
mod query;
mod search;
#[cfg(feature = "std")]
mod shared;
mod tree;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

pub use builder::{AddError, BuildError, ContextBuilder, Limits, PlanBuilder, Step};
pub use check::Jumps;
pub use context::Matcher;
pub use query::{Digits, Duplicate, Match, NoMatch, Origin, Query};
#[cfg(feature = "std")]
pub use shared::SharedPlan;

use context::Context;

/// Contexts, their extensions and includes, ready to be asked. `T` is what an extension leads to.
///
/// A plan never changes; a new one takes its place, for many threads in a `SharedPlan`.
///
/// ```
/// use dialplan::plan::{NoMatch, Plan};
///
/// let mut builder = Plan::builder();
/// builder.context("internal").add("_1XX", "a colleague")?.add("100", "reception")?;
/// builder.context("internal").include("services");
/// builder.context("services").add("600", "echo")?;
/// let plan = builder.build()?;
///
/// assert_eq!(*plan.lookup("internal", "100")?.target, "reception");
/// assert_eq!(*plan.lookup("internal", "142")?.target, "a colleague");
/// assert_eq!(plan.lookup("internal", "600")?.context(), "services");
/// assert_eq!(plan.lookup("internal", "7").unwrap_err(), NoMatch::NoExtension);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plan<T> {
    contexts: Vec<Context<T>>,
    names: BTreeMap<Box<str>, ContextId>,
    files: Vec<Box<str>>,
    limits: Limits,
    duplicates: Vec<builder::LeftOut>,
}

/// A context of one plan. Kept by callers that ask the same context often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContextId(pub(crate) u32);

impl<T> Plan<T> {
    /// Starts an empty plan.
    pub fn builder() -> PlanBuilder<T> {
        PlanBuilder::new()
    }

    /// What `dialled` reaches in a context: priority 1, no caller's number, conditional includes closed.
    ///
    /// # Errors
    ///
    /// When nothing is reached, why.
    pub fn lookup(&self, context: &str, dialled: &str) -> Result<Match<'_, T>, NoMatch> {
        self.find(context, &Query::new(dialled))
    }

    /// What a query reaches in a context or, depth first, in those it includes.
    ///
    /// # Errors
    ///
    /// When nothing is reached, why.
    pub fn find(&self, context: &str, query: &Query<'_>) -> Result<Match<'_, T>, NoMatch> {
        let id = self.context(context).ok_or(NoMatch::NoContext)?;
        self.find_in(id, query)
    }

    /// [`Plan::find`] without looking up the name of the context.
    ///
    /// # Errors
    ///
    /// When nothing is reached, why.
    #[inline]
    pub fn find_in(&self, context: ContextId, query: &Query<'_>) -> Result<Match<'_, T>, NoMatch> {
        search::find(self, context, query)
    }

    /// What further digits after `query.dialled` could do: the question of overlap dialling.
    pub fn digits(&self, context: &str, query: &Query<'_>) -> Digits {
        self.context(context).map_or(Digits::NoMatch, |id| search::digits(self, id, query))
    }

    /// Whether a longer string than `query.dialled` could reach something, so that the digit timer
    /// has to run before the call goes on.
    ///
    /// As in Asterisk, an extension that ends in `!` and has matched decides at once: no more digits.
    pub fn more_digits_possible(&self, context: &str, query: &Query<'_>) -> bool {
        matches!(self.digits(context, query), Digits::More | Digits::MatchAndMore)
    }

    /// The context of this name.
    pub fn context(&self, name: &str) -> Option<ContextId> {
        self.names.get(name).copied()
    }

    /// The steps that were left out, since their extension had one of their priority already.
    pub fn duplicates(&self) -> impl Iterator<Item = Duplicate<'_>> {
        self.duplicates.iter().map(|left_out| Duplicate {
            context: &left_out.context,
            pattern: &left_out.pattern,
            caller_pattern: left_out.caller_pattern.as_deref(),
            priority: left_out.priority,
            origin: self.origin(left_out.place),
        })
    }

    fn compiled(&self, id: ContextId) -> Option<&Context<T>> {
        self.contexts.get(id.0 as usize)
    }

    #[inline]
    fn stored(&self, found: query::Found) -> Option<&entry::Stored> {
        self.compiled(found.context)?.entries.stored(found.step as usize)
    }

    /// How the extensions of a context are matched; the tree may stand in for the automaton.
    pub fn matcher(&self, context: &str) -> Option<Matcher> {
        Some(self.compiled(self.context(context)?)?.matcher())
    }

    /// The schedules that includes depend on, with their places.
    pub fn conditions(&self) -> impl Iterator<Item = (&str, Option<Origin<'_>>)> {
        self.contexts
            .iter()
            .flat_map(|context| &context.includes)
            .filter_map(|include| Some((include.schedule.as_deref()?, self.origin(include.place))))
    }

    /// Bytes that the plan holds on the heap, what `T` itself points to not counted.
    pub fn memory(&self) -> usize {
        self.contexts.iter().map(|c| size_of::<Context<T>>() + c.memory()).sum::<usize>()
            + self.names.keys().map(|name| name.len() + 64).sum::<usize>()
    }

    fn origin(&self, place: entry::Place) -> Option<Origin<'_>> {
        if place.line == 0 {
            return None;
        }
        let file = self.files.get(usize::from(place.file))?;
        Some(Origin { file, line: place.line })
    }

    /// The names of all contexts.
    pub fn context_names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(|name| &**name)
    }
}
