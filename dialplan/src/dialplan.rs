//! Everything that decides about a call, in one place.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use jiff::civil::DateTime;
use rand_core::Rng;

use crate::caller_id::{CallerId, CallerIdRules, Outgoing, Rule};
use crate::finding::{Fault, Finding};
use crate::number::{Dialled, Number, NumberError, Profile, Reading};
use crate::plan::{NoMatch, Origin, Plan, Query};
use crate::rate::{Micros, Tariff};
use crate::route::{Guard, Ledger, Refusal, RouteRequest, Router, Selection, Usage};
use crate::schedule::Schedules;
use crate::trace::{Line, Trace, Verdict};
use crate::variable::expand;

/// What an extension of a [`Dialplan`] leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Something within: a user, a queue, a menu. The name is the business of the exchange.
    Local(Box<str>),
    /// The public network. The number is text with variables: `${EXTEN:1}`.
    External(Box<str>),
}

/// Dialling rules, plan, routes, guard, callers' numbers and tariff.
#[derive(Clone, Debug)]
pub struct Dialplan {
    /// The dialling rules of the place.
    pub profile: Profile,
    /// The contexts.
    pub plan: Plan<Target>,
    /// The trunks and routes.
    pub router: Router,
    /// Blocked destinations and spending limits.
    pub guard: Guard,
    /// The numbers shown to callees.
    pub caller_id: CallerIdRules,
    /// What calls are charged with.
    pub tariff: Option<Tariff>,
    /// The contexts where calls begin.
    pub starts: Vec<Box<str>>,
    /// The schedules that there are, when they are declared.
    pub schedules: Option<Vec<Box<str>>>,
    /// Faults met while reading.
    pub(crate) faults: Vec<Finding>,
    pub(crate) places: Places,
}

/// Where things are written in the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    pub(crate) file: Box<str>,
    pub(crate) trunks: Vec<(Box<str>, u32)>,
    pub(crate) routes: Vec<(Box<str>, u32)>,
    /// By route and number of the choice.
    pub(crate) choices: Vec<(Box<str>, usize, u32)>,
    pub(crate) emergency: u32,
    pub(crate) profile: u32,
}

/// A call that wants to know where to go.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The context in which it begins.
    pub context: &'a str,
    /// What was dialled.
    pub dialled: &'a str,
    /// The caller's number, if it is known.
    pub caller: Option<&'a str>,
    /// The device or account that calls.
    pub device: &'a str,
    /// The number of the one who called, when the call is forwarded.
    pub forwarded_from: Option<Number>,
    /// Answers for schedules.
    pub schedules: &'a dyn Schedules,
    /// The civil time by which tariffs count.
    pub at: Option<DateTime>,
    /// The time since some start, by which spending limits count.
    pub now: Duration,
}

/// Where a call goes.
#[derive(Clone, Debug)]
pub enum Decision<'p> {
    /// To something within.
    Local(&'p str),
    /// Out over trunks.
    Out(Box<Out<'p>>),
    /// Nowhere.
    Nowhere(Rejection),
}

/// A call that goes out.
#[derive(Clone, Debug)]
pub struct Out<'p> {
    /// The number, or for an emergency call none.
    pub number: Option<Number>,
    /// The trunks to try.
    pub selection: Selection<'p>,
    /// The number the callee sees.
    pub caller_id: CallerId,
    /// What a minute is charged with.
    pub per_minute: Option<Micros>,
}

/// Why a call goes nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The plan has nothing for what was dialled.
    #[error(transparent)]
    NoMatch(#[from] NoMatch),
    /// What was dialled is not a number of the public network.
    #[error(transparent)]
    Number(#[from] NumberError),
    /// The variables of the extension cannot be put in.
    #[error(transparent)]
    Variable(#[from] crate::variable::VariableError),
    /// The destination is blocked, or too much is spent.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No route takes the number.
    #[error("no route takes this number")]
    NoRoute,
    /// The route has no trunk that could carry the call now.
    #[error("no trunk can carry the call now")]
    NoTrunk,
}

impl<'a> Call<'a> {
    /// A call without caller's number, device or schedules.
    pub fn new(context: &'a str, dialled: &'a str) -> Call<'a> {
        Call {
            context,
            dialled,
            caller: None,
            device: "",
            forwarded_from: None,
            schedules: &crate::schedule::NoSchedules,
            at: None,
            now: Duration::ZERO,
        }
    }
}

impl core::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Call").field("context", &self.context).finish_non_exhaustive()
    }
}

impl Dialplan {
    /// Where a call goes. Emergency calls come before everything else, and nothing refuses them.
    pub fn decide(
        &self,
        call: &Call<'_>,
        usage: &mut Usage,
        ledger: &Ledger,
        random: &mut impl Rng,
    ) -> Decision<'_> {
        self.walk(call, usage, ledger, random, None)
    }

    /// What [`Dialplan::decide`] would look at, in words; nothing changes.
    pub fn explain(
        &self,
        call: &Call<'_>,
        usage: &Usage,
        ledger: &Ledger,
        random: &mut impl Rng,
    ) -> Trace {
        let mut trace = Trace::default();
        let mut usage = usage.clone();
        self.walk(call, &mut usage, ledger, random, Some(&mut trace.lines));
        trace
    }

    /// Looks for faults in the whole plan.
    pub fn check(&self) -> Vec<Finding> {
        let starts: Vec<&str> = self.starts.iter().map(|start| &**start).collect();
        let mut findings = self.plan.check(&starts, &|_, _| {});
        findings.extend(self.faults.iter().cloned());
        self.check_routes(&mut findings);
        self.check_emergency(&mut findings);
        self.check_schedules(&mut findings);
        findings.sort();
        findings.dedup();
        findings
    }

    /// One way for both, so that the words never tell another story than the call.
    fn walk(
        &self,
        call: &Call<'_>,
        usage: &mut Usage,
        ledger: &Ledger,
        random: &mut impl Rng,
        mut lines: Option<&mut Vec<Line>>,
    ) -> Decision<'_> {
        let mut say = |verdict, text: &dyn Fn() -> String| {
            if let Some(lines) = lines.as_deref_mut() {
                lines.push(Line::new(verdict, text()));
            }
        };
        say(Verdict::Note, &|| {
            let who = call.caller.filter(|caller| !caller.is_empty()).unwrap_or("Someone");
            format!("{who} dials {} in `{}`.", call.dialled, call.context)
        });
        if let Some(selection) = self.router.select_emergency(call.dialled, &self.profile, usage) {
            say(Verdict::Yes, &|| "It is an emergency call: nothing may stop it.".into());
            say_attempts(&mut say, &selection);
            let caller_id = CallerId { number: None, rule: Rule::Nothing };
            let out = Out { number: None, selection, caller_id, per_minute: None };
            return Decision::Out(Box::new(out));
        }
        let query =
            Query { caller: call.caller, schedules: call.schedules, ..Query::new(call.dialled) };
        let found = match lines.as_deref_mut() {
            None => self.plan.find(call.context, &query),
            Some(lines) => {
                self.plan.explain(call.context, &query, lines);
                self.plan.find(call.context, &query)
            }
        };
        let mut say = |verdict, text: &dyn Fn() -> String| {
            if let Some(lines) = lines.as_deref_mut() {
                lines.push(Line::new(verdict, text()));
            }
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                say(Verdict::No, &|| "So nothing takes the call.".into());
                return Decision::Nowhere(error.into());
            }
        };
        match found.target {
            Target::Local(name) => {
                say(Verdict::Yes, &|| format!("So the call goes to {name}."));
                Decision::Local(name)
            }
            Target::External(number) => {
                let out = self.go_out(call, number, usage, ledger, random, &mut say);
                match out {
                    Ok(out) => Decision::Out(Box::new(out)),
                    Err(rejection) => {
                        say(Verdict::No, &|| format!("So the call is not made: {rejection}."));
                        Decision::Nowhere(rejection)
                    }
                }
            }
        }
    }

    fn go_out(
        &self,
        call: &Call<'_>,
        number: &str,
        usage: &mut Usage,
        ledger: &Ledger,
        random: &mut impl Rng,
        say: &mut dyn FnMut(Verdict, &dyn Fn() -> String),
    ) -> Result<Out<'_>, Rejection> {
        let value = |name: &str| match name {
            "EXTEN" => Some(call.dialled.to_string()),
            "CALLERID(num)" => call.caller.map(Into::into),
            _ => None,
        };
        let dialled = expand(number, &value)?;
        say(Verdict::Note, &|| format!("It goes out to the public network as {dialled}."));
        if let Some(selection) = self.router.select_emergency(&dialled, &self.profile, usage) {
            say(Verdict::Yes, &|| "It is an emergency call: nothing may stop it.".into());
            say_attempts(say, &selection);
            let caller_id = CallerId { number: None, rule: Rule::Nothing };
            return Ok(Out { number: None, selection, caller_id, per_minute: None });
        }
        let Dialled { reading, .. } = self.profile.normalise(&dialled)?;
        let number = match reading {
            Reading::Number(number) => number,
            // Short numbers exist only within the country: they are routed by their own digits.
            Reading::Short(digits) | Reading::Emergency(digits) => Number::new(digits)?,
        };
        say(Verdict::Note, &|| {
            format!("By the dialling rules of {} that is {number}.", self.profile.name())
        });
        self.guard.allows(number)?;
        let per_minute = call.at.and_then(|at| {
            let (_, _, rate) = self.tariff.as_ref()?.rate(number, at)?;
            Some(rate.per_minute)
        });
        self.guard.may_spend(ledger, call.device, per_minute.unwrap_or(Micros::ZERO), call.now)?;
        let request =
            RouteRequest { number, profile: &self.profile, schedules: call.schedules, at: call.at };
        let Some((prefix, route)) = self.router.route(number) else {
            return Err(Rejection::NoRoute);
        };
        say(Verdict::Yes, &|| {
            let why = match prefix.is_empty() {
                true => "which takes every number that no other route takes".into(),
                false => format!("since it begins with +{prefix}"),
            };
            format!("Route `{}` takes it, {why}.", route.name)
        });
        let selection = self.router.select(&request, usage, random);
        say_attempts(say, &selection);
        if selection.attempts.is_empty() {
            return Err(Rejection::NoTrunk);
        }
        let outgoing = Outgoing {
            device: call.device,
            destination: number,
            forwarded_from: call.forwarded_from,
        };
        let caller_id = self.caller_id.choose(&outgoing);
        say(Verdict::Note, &|| say_caller_id(&caller_id, call.device));
        if let (Some(tariff), Some(at)) = (&self.tariff, call.at) {
            say(Verdict::Note, &|| match tariff.rate(number, at) {
                Some((_, name, rate)) => {
                    format!("A minute to {name} is charged with {}.", rate.per_minute)
                }
                None => "The tariff has no rate for this number.".into(),
            });
        }
        Ok(Out { number: Some(number), selection, caller_id, per_minute })
    }

    fn fault(&self, kind: Fault, line: u32, text: String) -> Finding {
        Finding { file: self.places.file.clone(), line, kind, text: text.into() }
    }

    fn check_routes(&self, findings: &mut Vec<Finding>) {
        let line_of = |places: &[(Box<str>, u32)], name: &str| {
            places.iter().find(|(known, _)| **known == *name).map_or(0, |(_, line)| *line)
        };
        for route in self.router.routes() {
            let line = line_of(&self.places.routes, &route.name);
            for (index, choice) in route.choices.iter().enumerate() {
                if self.router.trunk(&choice.trunk).is_none() {
                    let place = self
                        .places
                        .choices
                        .iter()
                        .find(|(name, number, _)| *name == route.name && *number == index);
                    let text = format!(
                        "route `{}` uses trunk `{}`, which does not exist",
                        route.name, choice.trunk
                    );
                    findings.push(self.fault(
                        Fault::UnknownTrunk,
                        place.map_or(line, |p| p.2),
                        text,
                    ));
                }
            }
            let carries = |choice: &crate::route::Choice| {
                let overlaps = |prefix: crate::number::Digits| {
                    route.prefixes.iter().any(|p| p.starts_with(prefix) || prefix.starts_with(*p))
                };
                self.router.trunk(&choice.trunk).is_some() && choice.prefix.is_none_or(overlaps)
            };
            if !route.choices.iter().any(carries) {
                let text = format!("route `{}` has no trunk for its numbers", route.name);
                findings.push(self.fault(Fault::NowhereRoute, line, text));
            }
            if route.prefixes.is_empty() {
                let text =
                    format!("route `{}` has no prefixes, so it takes no numbers", route.name);
                findings.push(self.fault(Fault::NowhereRoute, line, text));
            }
        }
        for trunk in self.router.trunks() {
            let is_used =
                self.router.routes().any(|r| r.choices.iter().any(|c| c.trunk == trunk.name))
                    || self.router.emergency().trunks.contains(&trunk.name);
            if !is_used {
                let line = line_of(&self.places.trunks, &trunk.name);
                let text = format!("trunk `{}` is used by no route", trunk.name);
                findings.push(self.fault(Fault::UnusedTrunk, line, text));
            }
            if trunk.capacity == Some(0) {
                let line = line_of(&self.places.trunks, &trunk.name);
                let text = format!("trunk `{}` has capacity 0, so it carries nothing", trunk.name);
                findings.push(self.fault(Fault::NowhereRoute, line, text));
            }
        }
        if self.router.routes().next().is_none() {
            self.each_rule(&mut |rule| {
                if let (Target::External(_), Some(origin)) = (rule.target, rule.origin()) {
                    let text = format!(
                        "`{}` goes out to the public network, and there is no route",
                        rule.pattern()
                    );
                    findings.push(self.fault(Fault::NoRoute, origin.line, text));
                }
            });
        }
    }

    fn check_emergency(&self, findings: &mut Vec<Finding>) {
        let goes_out = self.router.trunks().next().is_some();
        let emergency = self.router.emergency();
        for name in &emergency.trunks {
            if self.router.trunk(name).is_none() {
                let text = format!("emergency calls use trunk `{name}`, which does not exist");
                findings.push(self.fault(Fault::UnknownTrunk, self.places.emergency, text));
            }
        }
        let has_numbers = self.profile.emergency_numbers().next().is_some();
        let has_trunk = emergency.trunks.iter().any(|name| self.router.trunk(name).is_some());
        if has_numbers && goes_out && !has_trunk {
            let line =
                if self.places.emergency > 0 { self.places.emergency } else { self.places.profile };
            let numbers: Vec<String> =
                self.profile.emergency_numbers().map(|number| number.to_string()).collect();
            let text =
                format!("no trunk is named for the emergency numbers {}", numbers.join(", "));
            findings.push(self.fault(Fault::NoEmergencyRoute, line, text));
        }
        self.each_rule(&mut |rule| {
            let hidden = !rule.pattern().starts_with('_')
                && self.profile.is_emergency(rule.pattern())
                && matches!(rule.target, Target::Local(_));
            if let (true, Some(Origin { line, .. })) = (hidden, rule.origin()) {
                let text = format!(
                    "extension `{}` is never reached: it is an emergency number of {}",
                    rule.pattern(),
                    self.profile.name()
                );
                findings.push(self.fault(Fault::HiddenByEmergency, line, text));
            }
        });
    }

    fn check_schedules(&self, findings: &mut Vec<Finding>) {
        let Some(known) = &self.schedules else { return };
        let is_known =
            |name: &str| name.contains(',') || known.iter().any(|known| **known == *name);
        for include in self.plan.conditions() {
            if !is_known(include.0) {
                let text = format!("there is no schedule `{}`", include.0);
                let line = include.1.map_or(0, |origin| origin.line);
                findings.push(self.fault(Fault::UnknownSchedule, line, text));
            }
        }
        let trunks = self.router.trunks().filter_map(|trunk| {
            let place = self.places.trunks.iter().find(|(name, _)| *name == trunk.name)?;
            Some((trunk.schedule.as_deref()?, place.1))
        });
        let choices = self.router.routes().flat_map(|route| {
            route.choices.iter().enumerate().filter_map(|(index, choice)| {
                let place = self
                    .places
                    .choices
                    .iter()
                    .find(|(name, at, _)| *name == route.name && *at == index)?;
                Some((choice.schedule.as_deref()?, place.2))
            })
        });
        for (schedule, line) in trunks.chain(choices) {
            if !is_known(schedule) {
                let text = format!("there is no schedule `{schedule}`");
                findings.push(self.fault(Fault::UnknownSchedule, line, text));
            }
        }
    }

    fn each_rule(&self, visit: &mut dyn FnMut(crate::plan::Match<'_, Target>)) {
        for context in self.plan.context_names() {
            self.plan.each_rule(context, &mut *visit);
        }
    }
}

fn say_attempts(
    say: &mut (impl FnMut(Verdict, &dyn Fn() -> String) + ?Sized),
    selection: &Selection<'_>,
) {
    for skipped in &selection.skipped {
        say(Verdict::No, &|| format!("Trunk `{}` is left out: {}.", skipped.name, skipped.why));
    }
    for (index, attempt) in selection.attempts.iter().enumerate() {
        say(if index == 0 { Verdict::Yes } else { Verdict::Note }, &|| {
            let cost = attempt.cost.map_or(String::new(), |cost| format!(" at {cost} a minute"));
            let number = &attempt.number;
            match index {
                0 => format!("The call is sent over trunk `{}` as {number}{cost}.", attempt.name),
                _ => format!("Should that fail, over `{}` as {number}{cost}.", attempt.name),
            }
        });
    }
}

fn say_caller_id(caller_id: &CallerId, device: &str) -> String {
    let Some(number) = caller_id.number else {
        return "The callee sees no number of ours.".into();
    };
    match caller_id.rule {
        Rule::Forwarding => format!("The callee sees {number}, the number of the one who called."),
        Rule::Device => format!("The callee sees {number}, the number of {device}."),
        Rule::Direction(prefix) => {
            format!("The callee sees {number}, which is for numbers that begin with +{prefix}.")
        }
        Rule::Company | Rule::Nothing => format!("The callee sees {number}, the company's number."),
    }
}
