//! Walking a context and what it includes.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::Cell;

use crate::pattern;

use super::builder::{BuildError, MAX_CONTEXTS_PER_SEARCH};
use super::context::Context;
use super::query::Found;
use super::{ContextId, Digits, Match, NoMatch, Plan, Query};

/// Finds the first match, depth first; each context is visited at most once.
#[inline]
pub(super) fn find<'p, T>(
    plan: &'p Plan<T>,
    id: ContextId,
    query: &Query<'_>,
) -> Result<Match<'p, T>, NoMatch> {
    let context = plan.compiled(id).ok_or(NoMatch::NoContext)?;
    let of = |id: ContextId, context: &'p Context<T>, (entry, step): (usize, usize)| {
        let target = context.entries.target(step)?;
        let found = Found { context: id, entry: entry as u32, step: step as u32 };
        Some(Match::new(target, plan, found))
    };
    match context.find_number(query) {
        Some(Ok(found)) => of(id, context, found).ok_or(NoMatch::NoExtension),
        None if context.includes.is_empty() => Err(NoMatch::NoExtension),
        _ => find_slowly(plan, id, context, query, &of),
    }
}

#[cold]
fn find_slowly<'p, T>(
    plan: &'p Plan<T>,
    id: ContextId,
    context: &'p Context<T>,
    query: &Query<'_>,
    of: &impl Fn(ContextId, &'p Context<T>, (usize, usize)) -> Option<Match<'p, T>>,
) -> Result<Match<'p, T>, NoMatch> {
    check_length(query)?;
    let seen = Cell::new(false);
    let mut visit = |id, context: &'p Context<T>| of(id, context, context.find(query, &seen)?);
    visit(id, context).or_else(|| after(plan, id, query, &mut visit)).ok_or(if seen.get() {
        NoMatch::NoPriority
    } else {
        NoMatch::NoExtension
    })
}

/// What more digits could do.
pub(super) fn digits<T>(plan: &Plan<T>, id: ContextId, query: &Query<'_>) -> Digits {
    let Some(context) = plan.compiled(id).filter(|_| check_length(query).is_ok()) else {
        return Digits::NoMatch;
    };
    let now = find(plan, id, query).is_ok();
    // A `!` that has matched closes its own context only, as in Asterisk.
    let more = context.more(query)
        || after(plan, id, query, &mut |_, context| context.more(query).then_some(())).is_some();
    match (now, more) {
        (false, false) => Digits::NoMatch,
        (false, true) => Digits::More,
        (true, false) => Digits::Match,
        (true, true) => Digits::MatchAndMore,
    }
}

/// Visits the contexts that come after the first one, until one gives an answer.
pub(super) fn after<'p, T, B>(
    plan: &'p Plan<T>,
    first: ContextId,
    query: &Query<'_>,
    visit: &mut impl FnMut(ContextId, &'p Context<T>) -> Option<B>,
) -> Option<B> {
    let context = plan.compiled(first)?;
    if let Some(order) = &context.order {
        return order.iter().find_map(|&id| visit(id, plan.compiled(id)?));
    }
    let mut visited = Visited { ids: [first; MAX_CONTEXTS_PER_SEARCH], count: 1 };
    descend(plan, context, query, &mut visited, visit)
}

/// The contexts visited by one search; building the plan has seen to it that they fit.
struct Visited {
    ids: [ContextId; MAX_CONTEXTS_PER_SEARCH],
    count: usize,
}

impl Visited {
    fn enter(&mut self, id: ContextId) -> bool {
        if self.ids.iter().take(self.count).any(|&visited| visited == id) {
            return false;
        }
        let Some(place) = self.ids.get_mut(self.count) else { return false };
        *place = id;
        self.count += 1;
        true
    }
}

fn descend<'p, T, B>(
    plan: &'p Plan<T>,
    context: &'p Context<T>,
    query: &Query<'_>,
    visited: &mut Visited,
    visit: &mut impl FnMut(ContextId, &'p Context<T>) -> Option<B>,
) -> Option<B> {
    for include in &context.includes {
        let open = match &include.schedule {
            None => true,
            Some(schedule) => query.schedules.is_open(schedule) == Some(true),
        };
        let Some(id) = include.context.filter(|_| open) else { continue };
        if !visited.enter(id) {
            continue;
        }
        let Some(included) = plan.compiled(id) else { continue };
        if let Some(answer) = visit(id, included) {
            return Some(answer);
        }
        if let Some(answer) = descend(plan, included, query, visited, visit) {
            return Some(answer);
        }
    }
    None
}

impl<T> Plan<T> {
    /// Bounds what one search may visit, whatever the schedules say.
    pub(super) fn check_reach(&self, start: usize) -> Result<(), BuildError> {
        let limit = self.limits.contexts_per_search.min(MAX_CONTEXTS_PER_SEARCH);
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

    /// The order in which the contexts after `start` are searched, when no condition is in the way.
    pub(super) fn fixed_order(&self, start: usize) -> Option<Box<[ContextId]>> {
        let mut order = alloc::vec![ContextId(start as u32)];
        let mut stack: Vec<(usize, usize)> = alloc::vec![(start, 0)];
        while let Some((context, at)) = stack.pop() {
            let Some(include) = self.contexts.get(context)?.includes.get(at) else { continue };
            if include.schedule.is_some() {
                return None;
            }
            stack.push((context, at + 1));
            if let Some(id) = include.context.filter(|id| !order.contains(id)) {
                order.push(id);
                stack.push((id.0 as usize, 0));
            }
        }
        order.remove(0);
        Some(order.into_boxed_slice())
    }
}

fn check_length(query: &Query<'_>) -> Result<(), NoMatch> {
    let length = query.dialled.len().max(query.caller.map_or(0, str::len));
    if length > pattern::MAX_LEN { Err(NoMatch::TooLong { length }) } else { Ok(()) }
}
