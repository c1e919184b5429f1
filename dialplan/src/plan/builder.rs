//! Putting a plan together.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::pattern::{self, PatternError};

use super::context::{Context, Include, Matcher};
use super::entry::{Entries, Place, Stored};
use super::key::{Census, Keys};
use super::{ContextId, Origin, Plan};

/// Bounds on what a plan may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many contexts one search may visit, the first included; at most 128, which is Asterisk's
    /// bound too.
    pub contexts_per_search: usize,
    /// How many rows of 64 bytes the automaton of a context may have before the tree takes its
    /// place; a context of more extensions than this may have as many rows as extensions.
    pub automaton_rows: usize,
}

pub(super) const MAX_CONTEXTS_PER_SEARCH: usize = 128;

impl Default for Limits {
    fn default() -> Self {
        Limits { contexts_per_search: MAX_CONTEXTS_PER_SEARCH, automaton_rows: 4096 }
    }
}

/// Collects contexts, extensions and includes.
#[derive(Clone, Debug)]
pub struct PlanBuilder<T> {
    contexts: Vec<Draft<T>>,
    names: BTreeMap<Box<str>, ContextId>,
    files: Vec<Box<str>>,
    limits: Limits,
    matcher: Matcher,
}

/// A context being written.
#[derive(Debug)]
pub struct ContextBuilder<'b, T> {
    builder: &'b mut PlanBuilder<T>,
    context: usize,
}

/// A step to be added to an extension.
#[derive(Clone, Debug)]
pub struct Step<'a, T> {
    /// From 1.
    pub priority: u32,
    /// A name for jumps.
    pub label: Option<&'a str>,
    /// Where it is written.
    pub origin: Option<Origin<'a>>,
    /// What it leads to.
    pub target: T,
}

/// Why an extension was not added. The writer of the plan has to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// The pattern cannot be read.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The pattern for the caller's number cannot be read; positions count from its start.
    #[error("in the caller's pattern: {0}")]
    CallerPattern(PatternError),
}

/// Why a plan could not be built. The writer of the plan has to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// More contexts are reached through includes than one search may visit.
    #[error(
        "context `{context}` reaches more than {limit} contexts through includes; \
         `{include}` is one too many ({file}:{line})"
    )]
    TooManyIncludes {
        /// The context where the search starts.
        context: Box<str>,
        /// The name in the include that went over the limit.
        include: Box<str>,
        /// The limit, [`Limits::contexts_per_search`].
        limit: usize,
        /// The file of that include, empty when it is not known.
        file: Box<str>,
        /// The line of that include, 0 when it is not known.
        line: u32,
    },
}

/// A step that came too late.
#[derive(Clone, Debug)]
pub(super) struct LeftOut {
    pub(super) context: Box<str>,
    pub(super) pattern: Box<str>,
    pub(super) caller_pattern: Option<Box<str>>,
    pub(super) priority: u32,
    pub(super) place: Place,
}

#[derive(Clone, Debug)]
struct Draft<T> {
    name: Box<str>,
    /// All patterns, one after the other.
    text: String,
    steps: Vec<DraftStep<T>>,
    includes: Vec<Include>,
    place: Place,
}

#[derive(Clone, Debug)]
struct DraftStep<T> {
    text: u32,
    pattern_length: u8,
    caller_length: Option<u8>,
    priority: u32,
    label: Option<Box<str>>,
    place: Place,
    target: T,
}

impl<T> DraftStep<T> {
    fn pattern<'t>(&self, text: &'t str) -> &'t str {
        let start = self.text as usize;
        text.get(start..start + usize::from(self.pattern_length)).unwrap_or_default()
    }

    fn caller_pattern<'t>(&self, text: &'t str) -> Option<&'t str> {
        let start = self.text as usize + usize::from(self.pattern_length);
        text.get(start..start + usize::from(self.caller_length?))
    }
}

impl<T> PlanBuilder<T> {
    pub(super) fn new() -> Self {
        PlanBuilder {
            contexts: Vec::new(),
            names: BTreeMap::new(),
            files: Vec::new(),
            limits: Limits::default(),
            matcher: Matcher::Automaton,
        }
    }

    /// Sets the limits.
    pub fn limits(&mut self, limits: Limits) -> &mut Self {
        self.limits = limits;
        self
    }

    /// Chooses how extensions are matched.
    pub fn matcher(&mut self, matcher: Matcher) -> &mut Self {
        self.matcher = matcher;
        self
    }

    /// Opens a context, a new one or one begun before.
    pub fn context(&mut self, name: &str) -> ContextBuilder<'_, T> {
        let context = match self.names.get(name) {
            Some(id) => id.0 as usize,
            None => {
                let context = self.contexts.len();
                self.names.insert(name.into(), ContextId(context as u32));
                self.contexts.push(Draft {
                    name: name.into(),
                    text: String::new(),
                    steps: Vec::new(),
                    includes: Vec::new(),
                    place: Place::default(),
                });
                context
            }
        };
        ContextBuilder { builder: self, context }
    }

    /// Sorts, links and compiles.
    ///
    /// # Errors
    ///
    /// When the plan breaks a limit.
    pub fn build(self) -> Result<Plan<T>, BuildError> {
        let PlanBuilder { contexts, names, files, limits, matcher } = self;
        let mut duplicates = Vec::new();
        let contexts: Vec<Context<T>> = contexts
            .into_iter()
            .map(|draft| finish(draft, &names, &mut duplicates, &limits, matcher))
            .collect();
        let mut plan = Plan { contexts, names, files, limits, duplicates };
        for id in 0..plan.contexts.len() {
            plan.check_reach(id)?;
            let order = plan.fixed_order(id);
            if let Some(context) = plan.contexts.get_mut(id) {
                context.order = order;
            }
        }
        Ok(plan)
    }

    fn place(&mut self, origin: Option<Origin<'_>>) -> Place {
        let Some(Origin { file, line }) = origin else { return Place::default() };
        // Files come one after the other, so the last is nearly always the right one.
        let file = match self.files.iter().rposition(|known| **known == *file) {
            Some(index) => index,
            None => {
                self.files.push(file.into());
                self.files.len() - 1
            }
        };
        Place { file: u16::try_from(file).unwrap_or(u16::MAX), line }
    }
}

impl<T> ContextBuilder<'_, T> {
    /// Adds an extension with one step of priority 1. `extension` is a pattern, or a pattern and
    /// one for the caller's number: `_8XXXXXXXXXX/101`.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn add(&mut self, extension: &str, target: T) -> Result<&mut Self, AddError> {
        self.add_step(extension, Step { priority: 1, label: None, origin: None, target })
    }

    /// Adds a step to an extension. A step whose extension and priority are there already is left
    /// out when the plan is built, as Asterisk does, and a check of the plan tells.
    ///
    /// # Errors
    ///
    /// When the extension cannot be read.
    pub fn add_step(&mut self, extension: &str, step: Step<'_, T>) -> Result<&mut Self, AddError> {
        let (pattern, caller_pattern) = split_extension(extension);
        pattern::check(pattern)?;
        if let Some(caller_pattern) = caller_pattern
            && !caller_pattern.is_empty()
        {
            pattern::check(caller_pattern).map_err(AddError::CallerPattern)?;
        }
        let place = self.builder.place(step.origin);
        let Some(draft) = self.builder.contexts.get_mut(self.context) else { return Ok(self) };
        draft.steps.push(DraftStep {
            text: draft.text.len() as u32,
            pattern_length: pattern.len() as u8,
            caller_length: caller_pattern.map(|pattern| pattern.len() as u8),
            priority: step.priority,
            label: step.label.map(Into::into),
            place,
            target: step.target,
        });
        draft.text.push_str(pattern);
        draft.text.push_str(caller_pattern.unwrap_or_default());
        Ok(self)
    }

    /// Notes where the context is written; the first note counts.
    pub fn written_at(&mut self, origin: Origin<'_>) -> &mut Self {
        let place = self.builder.place(Some(origin));
        if let Some(draft) = self.builder.contexts.get_mut(self.context)
            && draft.place.line == 0
        {
            draft.place = place;
        }
        self
    }

    /// Includes another context, which may be written later.
    pub fn include(&mut self, context: &str) -> &mut Self {
        self.include_when(context, None, None)
    }

    /// Includes another context while a schedule is open.
    pub fn include_when(
        &mut self,
        context: &str,
        schedule: Option<&str>,
        origin: Option<Origin<'_>>,
    ) -> &mut Self {
        let place = self.builder.place(origin);
        if let Some(draft) = self.builder.contexts.get_mut(self.context) {
            draft.includes.push(Include {
                name: context.into(),
                context: None,
                schedule: schedule.map(Into::into),
                place,
            });
        }
        self
    }
}

/// Splits `pattern/caller` at the first `/` outside a set.
pub(crate) fn split_extension(extension: &str) -> (&str, Option<&str>) {
    let is_pattern = extension.starts_with('_');
    let mut in_set = false;
    for (at, byte) in extension.bytes().enumerate() {
        match byte {
            b'[' if is_pattern => in_set = true,
            b']' => in_set = false,
            b'/' if !in_set => {
                let (pattern, caller) = extension.split_at(at);
                return (pattern, caller.strip_prefix('/'));
            }
            _ => {}
        }
    }
    (extension, None)
}

fn finish<T>(
    draft: Draft<T>,
    names: &BTreeMap<Box<str>, ContextId>,
    duplicates: &mut Vec<LeftOut>,
    limits: &Limits,
    matcher: Matcher,
) -> Context<T> {
    let Draft { name, text, steps, mut includes, place } = draft;
    for include in &mut includes {
        include.context = names.get(&include.name).copied();
    }
    let mut census = Census::new();
    for step in &steps {
        census.count(step.pattern(&text));
        if let Some(caller_pattern) = step.caller_pattern(&text) {
            census.count(caller_pattern);
        }
    }
    let ranks = census.finish();
    let mut keys = Keys::default();
    for step in &steps {
        keys.push(&ranks, step.pattern(&text), step.caller_pattern(&text));
    }
    let order = keys.sorted(&ranks);
    let mut steps: Vec<Option<DraftStep<T>>> = steps.into_iter().map(Some).collect();
    let mut entries = Entries::new();
    // The first of equal extensions, the one written first, gives the text.
    let mut firsts: Vec<u32> = Vec::with_capacity(order.len());
    for same in order.chunk_by(|&a, &b| keys.key(a as usize) == keys.key(b as usize)) {
        let mut kept: Vec<DraftStep<T>> = Vec::with_capacity(1);
        for &index in same {
            let Some(step) = steps.get_mut(index as usize).and_then(Option::take) else { continue };
            match kept.binary_search_by_key(&step.priority, |kept| kept.priority) {
                Err(at) => kept.insert(at, step),
                Ok(_) => duplicates.push(LeftOut {
                    context: name.clone(),
                    pattern: step.pattern(&text).into(),
                    caller_pattern: step.caller_pattern(&text).map(Into::into),
                    priority: step.priority,
                    place: step.place,
                }),
            }
        }
        let Some(first) = kept.iter().min_by_key(|step| step.text) else { continue };
        entries.push(first.pattern(&text), first.caller_pattern(&text));
        firsts.extend(same.first());
        for step in kept {
            let DraftStep { priority, place, target, label, .. } = step;
            entries.push_step(Stored { priority, place }, target, label);
        }
    }
    entries.shrink();
    let keys = keys.reordered(firsts.into_iter());
    let max_rows = limits.automaton_rows.max(entries.len());
    Context::new((name, place), entries, includes, (&keys, &ranks), matcher, max_rows)
}
