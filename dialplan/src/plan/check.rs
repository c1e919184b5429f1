//! Looking for faults in a plan.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::ControlFlow;

use crate::finding::{Fault, Finding};
use crate::pattern::{self, ByteSet, Element, Elements};

use super::context::Context;
use super::entry::Place;
use super::{ContextId, Plan};

/// Names the contexts that a step leads to.
pub type Jumps<'j, T> = dyn Fn(&T, &mut dyn FnMut(&str)) + 'j;

impl<T> Plan<T> {
    /// Looks for faults: rules that never match or never win, steps that are there twice or missing,
    /// includes that lead nowhere or in a circle, and contexts that no call can come to.
    ///
    /// `starts` names the contexts where calls begin; when it is empty, which contexts are reached
    /// is not looked at. `jumps` calls its second argument with each context that a step leads to.
    pub fn check(&self, starts: &[&str], jumps: &Jumps<'_, T>) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self
            .duplicates
            .iter()
            .map(|left_out| {
                let extension = extension(&left_out.pattern, left_out.caller_pattern.as_deref());
                let priority = left_out.priority;
                let text =
                    format!("`{extension}` has priority {priority} already; this one is left out");
                self.finding(Fault::Duplicate, left_out.place, text)
            })
            .collect();
        for context in &self.contexts {
            self.check_rules(context, &mut findings);
            self.check_includes(context, &mut findings);
        }
        self.check_loops(&mut findings);
        if !starts.is_empty() {
            self.check_reached(starts, jumps, &mut findings);
        }
        findings.sort();
        findings
    }

    fn finding(&self, kind: Fault, place: Place, text: String) -> Finding {
        let origin = self.origin(place);
        Finding {
            file: origin.map_or("", |origin| origin.file).into(),
            line: origin.map_or(0, |origin| origin.line),
            kind,
            text: text.into(),
        }
    }

    fn check_rules(&self, context: &Context<T>, findings: &mut Vec<Finding>) {
        let entries = &context.entries;
        let mut comparisons = MAX_COMPARISONS;
        for entry in 0..entries.len() {
            let place =
                entries.steps(entry).next().map_or(Place::default(), |(_, step)| step.place);
            let name = extension(entries.pattern(entry), entries.caller_pattern(entry));
            let mut found = |kind, text| findings.push(self.finding(kind, place, text));
            let caller = entries.caller_pattern(entry);
            let caller_matches = caller.is_none_or(|c| c.is_empty() || pattern::is_satisfiable(c));
            if !pattern::is_satisfiable(entries.pattern(entry)) || !caller_matches {
                found(Fault::NeverMatches, format!("`{name}` can never match"));
                continue;
            }
            let only_hint = entries.steps(entry).all(|(_, step)| step.priority == u32::MAX);
            if entries.step(entry, 1).is_none() && !only_hint && !context.falls_through(entry) {
                found(
                    Fault::NoFirstStep,
                    format!("`{name}` has no priority 1, so it never starts"),
                );
            }
            if let Some(winner) = context.shadowed_by(entry, &mut comparisons) {
                let winner_name =
                    extension(entries.pattern(winner), entries.caller_pattern(winner));
                let text =
                    format!("`{name}` is never reached: `{winner_name}` takes its calls first");
                found(Fault::Shadowed, text);
            }
        }
    }

    fn check_includes(&self, context: &Context<T>, findings: &mut Vec<Finding>) {
        for include in context.includes.iter().filter(|include| include.context.is_none()) {
            let text =
                format!("`{}` includes `{}`, which does not exist", context.name, include.name);
            findings.push(self.finding(Fault::UnknownContext, include.place, text));
        }
    }

    /// Each include that closes a circle is one finding.
    fn check_loops(&self, findings: &mut Vec<Finding>) {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = alloc::vec![Mark::New; self.contexts.len()];
        for start in 0..self.contexts.len() {
            if marks.get(start) != Some(&Mark::New) {
                continue;
            }
            let mut path: Vec<(usize, usize)> = alloc::vec![(start, 0)];
            while let Some((id, at)) = path.pop() {
                let Some(context) = self.contexts.get(id) else { continue };
                if let Some(mark) = marks.get_mut(id) {
                    *mark = Mark::Open;
                }
                let Some(include) = context.includes.get(at) else {
                    if let Some(mark) = marks.get_mut(id) {
                        *mark = Mark::Done;
                    }
                    continue;
                };
                path.push((id, at + 1));
                let Some(ContextId(next)) = include.context else { continue };
                match marks.get(next as usize) {
                    Some(Mark::New) => path.push((next as usize, 0)),
                    Some(Mark::Open) => {
                        let mut names: Vec<&str> = path
                            .iter()
                            .skip_while(|(id, _)| *id != next as usize)
                            .filter_map(|(id, _)| self.contexts.get(*id).map(|c| &*c.name))
                            .collect();
                        names.push(&include.name);
                        let text = format!(
                            "contexts include each other in a circle: {}",
                            names.join(" > ")
                        );
                        findings.push(self.finding(Fault::IncludeLoop, include.place, text));
                    }
                    _ => {}
                }
            }
        }
    }

    fn check_reached(&self, starts: &[&str], jumps: &Jumps<'_, T>, findings: &mut Vec<Finding>) {
        let mut reached = alloc::vec![false; self.contexts.len()];
        let mut queue = Vec::new();
        let enter = |id: Option<ContextId>, reached: &mut Vec<bool>, queue: &mut Vec<ContextId>| {
            let Some(id) = id else { return };
            if let Some(is_reached) = reached.get_mut(id.0 as usize)
                && !*is_reached
            {
                *is_reached = true;
                queue.push(id);
            }
        };
        for start in starts {
            enter(self.context(start), &mut reached, &mut queue);
        }
        while let Some(id) = queue.pop() {
            let Some(context) = self.compiled(id) else { continue };
            for include in &context.includes {
                enter(include.context, &mut reached, &mut queue);
            }
            for entry in 0..context.entries.len() {
                for (step, _) in context.entries.steps(entry) {
                    let Some(target) = context.entries.target(step) else { continue };
                    jumps(target, &mut |name| enter(self.context(name), &mut reached, &mut queue));
                }
            }
        }
        for (context, _) in self.contexts.iter().zip(reached).filter(|(_, reached)| !reached) {
            let text = format!("no call comes to context `{}`", context.name);
            findings.push(self.finding(Fault::Unreachable, context.place, text));
        }
    }
}

/// Strings tried before the thorough search.
const TRIES: [fn(ByteSet) -> Option<u8>; 3] = [
    |set| set.first(),
    |set| (b'0'..=b'9').rev().find(|&byte| set.contains(byte)).or(set.first()),
    |set| [b'5', b'4', b'6', b'7'].into_iter().find(|&byte| set.contains(byte)).or(set.first()),
];

/// How many rules are compared with others in one context; beyond, a rule that seems never to win
/// is given the benefit of the doubt.
const MAX_COMPARISONS: usize = 5_000_000;

/// How long the thorough search may take for one rule.
const BUDGET: usize = 20_000;

impl<T> Context<T> {
    /// Whether a less specific rule has a priority 1 for the same numbers, so that this one adds to
    /// it: Asterisk falls through by priority.
    fn falls_through(&self, entry: usize) -> bool {
        let Some(example) = example(self.entries.pattern(entry), TRIES[0], 1) else { return false };
        let found = self.each_match(&example, |other, _| {
            if other != entry && self.entries.step(other, 1).is_some() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        found.is_break()
    }

    /// The rule that takes the calls of this one, when this one never wins.
    fn shadowed_by(&self, entry: usize, comparisons: &mut usize) -> Option<usize> {
        let pattern = self.entries.pattern(entry);
        let mut winner = None;
        for pick in TRIES {
            for tail in [1, 4, 9] {
                let example = example(pattern, pick, tail)?;
                match self.winner_over(&example, entry) {
                    Some(other) => winner = Some(other),
                    None => return None,
                }
            }
        }
        *comparisons = comparisons.checked_sub(entry)?;
        let rivals: Vec<usize> =
            (0..entry).filter(|&other| self.entries.is_unconditional(other)).collect();
        let rivals = rivals
            .into_iter()
            .map(|other| self.entries.pattern(other))
            .filter(|other| overlap(pattern, other));
        let rivals: Vec<Vec<Element>> =
            rivals.map(|other| Elements::new(other).collect()).collect();
        let own: Vec<Element> = Elements::new(pattern).collect();
        let mut budget = BUDGET;
        let live: Vec<Rival> = rivals.iter().map(|rival| Rival::Live(rival)).collect();
        if can_win(&own, &live, 0, &mut budget) { None } else { winner }
    }

    /// The unconditional rule before `entry` that takes this string.
    fn winner_over(&self, dialled: &[u8], entry: usize) -> Option<usize> {
        let found = self.each_match(dialled, |other, _| {
            if other >= entry {
                return ControlFlow::Break(None);
            }
            if self.entries.is_unconditional(other) {
                return ControlFlow::Break(Some(other));
            }
            ControlFlow::Continue(())
        });
        found.break_value().flatten()
    }
}

/// A string that matches, with `tail` keys for a wildcard.
fn example(pattern: &str, pick: fn(ByteSet) -> Option<u8>, tail: usize) -> Option<Vec<u8>> {
    let mut example = Vec::new();
    for element in Elements::new(pattern) {
        match element {
            Element::EmptySet => {}
            Element::One(mut set) => {
                set.remove(b'-');
                example.push(pick(set)?);
            }
            Element::AtLeastOne => {
                example.extend(core::iter::repeat_n(b'5', tail));
                break;
            }
            Element::Anything => {
                example.extend(core::iter::repeat_n(b'5', tail - 1));
                break;
            }
        }
    }
    Some(example)
}

/// Whether two patterns have a string in common, as far as their sets tell.
fn overlap(a: &str, b: &str) -> bool {
    let (mut a, mut b) = (Elements::new(a), Elements::new(b));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(Element::One(a)), Some(Element::One(b))) => {
                if !(0..=255).any(|byte| a.contains(byte) && b.contains(byte)) {
                    return false;
                }
            }
            (Some(Element::One(_)), None) | (None, Some(Element::One(_))) => return false,
            _ => return true,
        }
    }
}

#[derive(Clone, Copy)]
enum Rival<'r> {
    Live(&'r [Element]),
    /// Past `.` or `!`: takes whatever follows.
    Absorbed,
}

/// Whether some string matches `own` and none of the rivals. `past` counts keys taken by a wildcard
/// of `own`, 0 before it.
fn can_win(own: &[Element], rivals: &[Rival<'_>], past: usize, budget: &mut usize) -> bool {
    let Some(left) = budget.checked_sub(1 + rivals.len()) else { return true };
    *budget = left;
    if rivals.iter().any(|rival| matches!(rival, Rival::Absorbed)) {
        return false;
    }
    let (may_end, set, rest) = match own {
        [] => (true, None, own),
        [Element::EmptySet, rest @ ..] => return can_win(rest, rivals, past, budget),
        [Element::One(set), rest @ ..] => (false, Some(*set), rest),
        [Element::AtLeastOne, ..] => (past > 0, Some(ByteSet::range(0, 255)), own),
        [Element::Anything, ..] => (true, Some(ByteSet::range(0, 255)), own),
    };
    if may_end && !rivals.iter().any(|rival| rival.ends()) {
        return true;
    }
    let Some(mut set) = set else { return false };
    set.remove(b'-');
    let wild = !matches!(own, [Element::One(_), ..]);
    if wild && past > pattern::MAX_LEN {
        return false;
    }
    let mut tried: Vec<Vec<bool>> = Vec::new();
    for byte in (0..=255).filter(|&byte| set.contains(byte)) {
        let signature: Vec<bool> = rivals.iter().map(|rival| rival.takes(byte)).collect();
        if tried.contains(&signature) {
            continue;
        }
        let next: Vec<Rival<'_>> = rivals.iter().filter_map(|rival| rival.after(byte)).collect();
        tried.push(signature);
        let past = if wild { past + 1 } else { 0 };
        if can_win(rest, &next, past, budget) {
            return true;
        }
    }
    false
}

impl<'r> Rival<'r> {
    fn skip_empty(elements: &'r [Element]) -> &'r [Element] {
        let empty = elements.iter().take_while(|element| **element == Element::EmptySet).count();
        elements.get(empty..).unwrap_or_default()
    }

    fn ends(&self) -> bool {
        match self {
            Rival::Absorbed => true,
            Rival::Live(elements) => matches!(elements, [] | [Element::Anything, ..]),
        }
    }

    fn takes(&self, byte: u8) -> bool {
        self.after(byte).is_some()
    }

    fn after(&self, byte: u8) -> Option<Rival<'r>> {
        let Rival::Live(elements) = *self else { return Some(Rival::Absorbed) };
        match Rival::skip_empty(elements) {
            [Element::One(set), rest @ ..] => set.contains(byte).then_some(Rival::Live(rest)),
            [Element::AtLeastOne | Element::Anything, ..] => Some(Rival::Absorbed),
            _ => None,
        }
    }
}

fn extension(pattern: &str, caller_pattern: Option<&str>) -> String {
    match caller_pattern {
        None => pattern.into(),
        Some(caller_pattern) => format!("{pattern}/{caller_pattern}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(extensions: &[&str]) -> Vec<String> {
        let mut builder = Plan::builder();
        for extension in extensions {
            builder.context("c").add(extension, ()).unwrap();
        }
        let findings = builder.build().unwrap().check(&[], &|(), _| {});
        findings.iter().map(|finding| format!("{finding}")).collect()
    }

    #[test]
    fn rules_that_never_win() {
        let shadowed = |rule, by| {
            alloc::vec![format!("`{rule}` is never reached: `{by}` takes its calls first")]
        };
        assert_eq!(faults(&["_12", "_12!"]), shadowed("_12", "_12!"));
        assert_eq!(faults(&["_9.", "_9.5"]), shadowed("_9.", "_9.5"));
        assert_eq!(faults(&["_1[0-4]", "_1[5-9]", "_1X"]).len(), 1, "together they take all");
        assert_eq!(faults(&["_1[0-4]", "_1[5-8]", "_1X"]), [""; 0]);
        assert_eq!(faults(&["_X!", "_!"]), [""; 0], "`_!` takes the empty string");
        assert_eq!(faults(&["_X.", "_XX!", "_X"]), [""; 0], "`5*` is for `_X.`");
        assert_eq!(faults(&["_1XX/_5.", "_1XX"]), [""; 0]);
        assert_eq!(faults(&["100", "_1XX", "_8XXXXXXXXXX", "_8.", "_X.", "_.", "s"]), [""; 0]);
        assert_eq!(faults(&["_[9-1]"]), ["`_[9-1]` can never match"]);
        assert_eq!(
            faults(&["100", "1-00"]),
            ["`1-00` has priority 1 already; this one is left out"]
        );
    }

    #[test]
    fn a_large_plan_is_checked_in_good_time() {
        let extensions: Vec<String> = (0..20_000).map(|n| format!("_8{n:05}XXXXX")).collect();
        let extensions: Vec<&str> = extensions.iter().map(String::as_str).collect();
        assert_eq!(faults(&extensions), [""; 0]);
    }
}
