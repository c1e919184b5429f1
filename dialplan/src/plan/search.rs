//! Walking a context and what it includes.

use alloc::vec::Vec;

use crate::pattern::{self, Outcome, match_more, match_now};

use super::builder::BuildError;
use super::context::Context;
use super::{ContextId, Digits, Match, NoMatch, Plan, Query};

/// Finds the first match, depth first; each context is visited at most once.
pub(super) fn find<'p, T>(
    plan: &'p Plan<T>,
    context: ContextId,
    query: &Query<'_>,
) -> Result<Match<'p, T>, NoMatch> {
    check_length(query)?;
    let mut search = Search::new(plan, query);
    match search.visit(context) {
        Some(found) => Ok(found),
        None if search.seen_extension => Err(NoMatch::NoPriority),
        None => Err(NoMatch::NoExtension),
    }
}

/// What more digits could do.
pub(super) fn digits<T>(plan: &Plan<T>, context: ContextId, query: &Query<'_>) -> Digits {
    if check_length(query).is_err() {
        return Digits::NoMatch;
    }
    let now = find(plan, context, query).is_ok();
    let more = Search::new(plan, query).more(context);
    match (now, more) {
        (false, false) => Digits::NoMatch,
        (false, true) => Digits::More,
        (true, false) => Digits::Match,
        (true, true) => Digits::MatchAndMore,
    }
}

struct Search<'p, 'q, T> {
    plan: &'p Plan<T>,
    query: &'q Query<'q>,
    visited: Vec<ContextId>,
    seen_extension: bool,
}

impl<'p, 'q, T> Search<'p, 'q, T> {
    fn new(plan: &'p Plan<T>, query: &'q Query<'q>) -> Self {
        Search { plan, query, visited: Vec::new(), seen_extension: false }
    }

    fn visit(&mut self, id: ContextId) -> Option<Match<'p, T>> {
        let plan = self.plan;
        let context = self.enter(id)?;
        for entry in &context.entries {
            if !match_now(&entry.pattern, self.query.dialled.as_bytes())
                || !entry.admits(self.query.caller)
            {
                continue;
            }
            self.seen_extension = true;
            if let Some(step) = entry.step(self.query.priority) {
                return Some(Match {
                    context: &context.name,
                    pattern: &entry.pattern,
                    caller_pattern: entry.caller_pattern.as_deref(),
                    priority: step.priority,
                    label: step.label.as_deref(),
                    origin: plan.origin(step.place),
                    target: &step.target,
                });
            }
        }
        self.included(context).find_map(|id| self.visit(id))
    }

    /// Asterisk's MATCHMORE: a `!` that has matched closes its context, not the ones after it.
    fn more(&mut self, id: ContextId) -> bool {
        let Some(context) = self.enter(id) else { return false };
        for entry in &context.entries {
            let outcome = match_more(&entry.pattern, self.query.dialled.as_bytes());
            if outcome == Outcome::No || !entry.admits(self.query.caller) {
                continue;
            }
            if outcome == Outcome::Decided {
                return false;
            }
            if entry.step(self.query.priority).is_some() {
                return true;
            }
        }
        self.included(context).any(|id| self.more(id))
    }

    fn enter(&mut self, id: ContextId) -> Option<&'p Context<T>> {
        if self.visited.contains(&id) {
            return None;
        }
        self.visited.push(id);
        self.plan.contexts.get(id.0 as usize)
    }

    /// The contexts included now, in the order written.
    fn included(
        &self,
        context: &'p Context<T>,
    ) -> impl Iterator<Item = ContextId> + use<'p, 'q, T> {
        let schedules = self.query.schedules;
        context
            .includes
            .iter()
            .filter(move |include| match &include.schedule {
                None => true,
                Some(schedule) => schedules.is_open(schedule) == Some(true),
            })
            .filter_map(|include| include.context)
    }
}

impl<T> Plan<T> {
    /// Bounds what one search may visit, whatever the schedules say.
    pub(super) fn check_reach(&self, start: usize) -> Result<(), BuildError> {
        let limit = self.limits.contexts_per_search;
        let mut visited = alloc::vec![start];
        let mut next = 0;
        while let Some(context) = visited.get(next).and_then(|&id| self.contexts.get(id)) {
            next += 1;
            for include in &context.includes {
                let Some(ContextId(id)) = include.context else { continue };
                if visited.contains(&(id as usize)) {
                    continue;
                }
                visited.push(id as usize);
                if visited.len() > limit {
                    let origin = self.origin(include.place);
                    return Err(BuildError::TooManyIncludes {
                        context: self.contexts.get(start).map_or("", |c| &c.name).into(),
                        include: include.name.clone(),
                        limit,
                        file: origin.map_or("", |origin| origin.file).into(),
                        line: origin.map_or(0, |origin| origin.line),
                    });
                }
            }
        }
        Ok(())
    }
}

fn check_length(query: &Query<'_>) -> Result<(), NoMatch> {
    let length = query.dialled.len().max(query.caller.map_or(0, str::len));
    if length > pattern::MAX_LEN { Err(NoMatch::TooLong { length }) } else { Ok(()) }
}
