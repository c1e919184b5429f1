//! Saying which rules were tried and why they did or did not match.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::ControlFlow;

use crate::pattern::{mismatch_of, words_of};
use crate::trace::{Line, Verdict};

use super::context::Context;
use super::query::Found;
use super::{ContextId, Match, Plan, Query};

/// Rules spelled out for one context; what is beyond is counted.
const MAX_LINES: usize = 500;

impl<T> Plan<T> {
    /// Adds a line for each rule tried, in the order in which they are tried, and gives the match.
    pub fn explain<'p>(
        &'p self,
        context: &str,
        query: &Query<'_>,
        lines: &mut Vec<Line>,
    ) -> Option<Match<'p, T>> {
        let Some(id) = self.context(context) else {
            lines.push(Line::new(Verdict::No, format!("There is no context `{context}`.")));
            return None;
        };
        if let Err(error) = self.find_in(id, query)
            && let super::NoMatch::TooLong { .. } = error
        {
            lines.push(Line::new(Verdict::No, format!("Nothing is looked up: {error}.")));
            return None;
        }
        self.explain_context(id, query, &mut Vec::new(), lines)
    }

    fn explain_context<'p>(
        &'p self,
        id: ContextId,
        query: &Query<'_>,
        visited: &mut Vec<ContextId>,
        lines: &mut Vec<Line>,
    ) -> Option<Match<'p, T>> {
        if visited.contains(&id) {
            return None;
        }
        visited.push(id);
        let context = self.compiled(id)?;
        if let Some(found) = self.explain_rules(id, context, query, lines) {
            return Some(found);
        }
        for include in &context.includes {
            let place = self.origin(include.place);
            let mut say = |verdict, text| lines.push(Line::new(verdict, text).at(place));
            let name = &include.name;
            let Some(included) = include.context else {
                say(Verdict::No, format!("It includes `{name}`, which does not exist."));
                continue;
            };
            match &include.schedule {
                None => say(Verdict::Note, format!("Then come the rules of `{name}`.")),
                Some(schedule) => match query.schedules.is_open(schedule) {
                    Some(true) => {
                        let text =
                            format!("`{schedule}` is open, so then come the rules of `{name}`.");
                        say(Verdict::Note, text);
                    }
                    Some(false) => {
                        let text = format!(
                            "The rules of `{name}` are left out: `{schedule}` is closed now."
                        );
                        say(Verdict::No, text);
                        continue;
                    }
                    None => {
                        let text = format!(
                            "The rules of `{name}` are left out: nobody knows the schedule `{schedule}`."
                        );
                        say(Verdict::No, text);
                        continue;
                    }
                },
            }
            if let Some(found) = self.explain_context(included, query, visited, lines) {
                return Some(found);
            }
        }
        None
    }

    fn explain_rules<'p>(
        &'p self,
        id: ContextId,
        context: &'p Context<T>,
        query: &Query<'_>,
        lines: &mut Vec<Line>,
    ) -> Option<Match<'p, T>> {
        let seen = core::cell::Cell::new(false);
        let winner = context.find(query, &seen);
        let entries = &context.entries;
        let last = winner.map_or(entries.len(), |(entry, _)| entry);
        for entry in 0..last {
            if entry == MAX_LINES {
                let text = format!("{} more rules do not fit either.", last - entry);
                lines.push(Line::new(Verdict::No, text));
                break;
            }
            let place = entries.steps(entry).next().and_then(|(_, step)| self.origin(step.place));
            let name = rule(entries.pattern(entry), entries.caller_pattern(entry));
            let why = match mismatch_of(entries.pattern(entry), query.dialled) {
                Some(mismatch) => format!("{mismatch}"),
                None if !entries.admits(entry, query.caller) => {
                    match (entries.caller_pattern(entry), query.caller) {
                        (Some(""), _) => "it is only for callers without a number".into(),
                        (_, None | Some("")) => {
                            "it is only for some callers, and this one has no number".into()
                        }
                        (Some(wanted), _) => format!("it is only for callers that fit `{wanted}`"),
                        (None, _) => String::new(),
                    }
                }
                None => format!("it fits, but has no step {}", query.priority),
            };
            lines.push(Line::new(Verdict::No, format!("{name} does not fit: {why}.")).at(place));
        }
        let (entry, step) = winner?;
        let found = Found { context: id, entry: entry as u32, step: step as u32 };
        let place = entries.stored(step).and_then(|step| self.origin(step.place));
        let name = rule(entries.pattern(entry), entries.caller_pattern(entry));
        let after = match entries.len() - entry - 1 {
            0 => String::new(),
            1 => "; the one rule after it is not needed".into(),
            after => format!("; the {after} rules after it are not needed"),
        };
        lines.push(Line::new(Verdict::Yes, format!("{name} fits{after}.")).at(place));
        Match::of(self, found)
    }

    /// How many rules a context has, those of included contexts not counted.
    pub fn rule_count(&self, context: &str) -> usize {
        let context = self.context(context).and_then(|id| self.compiled(id));
        context.map_or(0, |context| context.entries.len())
    }

    /// Calls `visit` with each extension of a context, in the order in which they are tried.
    pub fn each_rule(&self, context: &str, mut visit: impl FnMut(Match<'_, T>)) {
        let Some(id) = self.context(context) else { return };
        let Some(context) = self.compiled(id) else { return };
        for entry in 0..context.entries.len() {
            for (step, _) in context.entries.steps(entry) {
                let found = Found { context: id, entry: entry as u32, step: step as u32 };
                if let Some(rule) = Match::of(self, found) {
                    visit(rule);
                }
            }
        }
    }

    /// All extensions that match, in order, the one that wins first, included contexts left out.
    pub fn matches<'p>(&'p self, context: &str, query: &Query<'_>) -> Vec<Match<'p, T>> {
        let mut matches = Vec::new();
        let Some(id) = self.context(context) else { return matches };
        let Some(context) = self.compiled(id) else { return matches };
        if query.dialled.len() > crate::pattern::MAX_LEN {
            return matches;
        }
        let found = core::cell::RefCell::new(Vec::new());
        let _ = context.each_match(query.dialled.as_bytes(), |entry, _| {
            if context.admits(entry, query) {
                found.borrow_mut().push(entry);
            }
            ControlFlow::<()>::Continue(())
        });
        for entry in found.into_inner() {
            let step = context.entries.step(entry, query.priority);
            let found =
                step.map(|step| Found { context: id, entry: entry as u32, step: step as u32 });
            matches.extend(found.and_then(|found| Match::of(self, found)));
        }
        matches
    }
}

/// `The rule `_1XX` (1, then 2 digits)`, with its caller's pattern.
fn rule(pattern: &str, caller_pattern: Option<&str>) -> String {
    let words = match pattern.starts_with('_') {
        true => format!(" ({})", words_of(pattern)),
        false => String::new(),
    };
    match caller_pattern {
        None => format!("The rule `{pattern}`{words}"),
        Some("") => format!("The rule `{pattern}`{words} for callers without a number"),
        Some(caller) => format!("The rule `{pattern}`{words} for calls from `{caller}`"),
    }
}
