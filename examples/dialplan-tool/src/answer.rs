//! Answers to single questions.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use dialplan::asterisk::Application;
use dialplan::number::{Number, describe};
use dialplan::plan::Query;
use dialplan::rate::Tariff;
use dialplan::route::{Ledger, RouteRequest, Usage};
use dialplan::{Call, Dialplan, Fault, Finding, Target, Trace};
use jiff::Zoned;
use jiff::civil::DateTime;
use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

use crate::arguments::{self, Check, Lcr, Match, Normalise, Question};
use crate::load::{Loaded, load, load_toml};

/// The same draw each time: a tool that answers otherwise when asked again explains nothing.
fn random() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(0)
}

fn time(at: Option<DateTime>) -> DateTime {
    at.unwrap_or_else(|| Zoned::now().datetime())
}

fn schedules(open: &[String]) -> impl Fn(&str) -> Option<bool> {
    |schedule| Some(open.iter().any(|open| open == schedule))
}

pub(crate) fn matches(arguments: &Match) -> Result<bool> {
    let (Some(path), Some(dialled)) = (&arguments.plan, &arguments.dialled) else {
        anyhow::bail!("a plan and a number, or a file of cases");
    };
    let schedules = schedules(&arguments.open);
    let query =
        Query { caller: arguments.caller.as_deref(), schedules: &schedules, ..Query::new(dialled) };
    match load(path)? {
        Loaded::Toml(dialplan) => {
            let target = |target: &Target| match target {
                Target::Local(name) => name.to_string(),
                Target::External(number) => format!("out as {number}"),
            };
            Ok(print_matches(&dialplan.plan, &arguments.context, &query, target))
        }
        Loaded::Asterisk(plan, _) => {
            let target = |app: &Application| format!("{}({})", app.name, app.arguments);
            Ok(print_matches(&plan, &arguments.context, &query, target))
        }
    }
}

fn print_matches<T>(
    plan: &dialplan::plan::Plan<T>,
    context: &str,
    query: &Query<'_>,
    target: impl Fn(&T) -> String,
) -> bool {
    let print = |found: &dialplan::plan::Match<'_, T>| {
        let caller = found.caller_pattern().map_or(String::new(), |caller| format!("/{caller}"));
        let place = found.origin().map_or(String::new(), |origin| format!(" ({origin})"));
        println!(
            "{}{caller} in {}: {}{place}",
            found.pattern(),
            found.context(),
            target(found.target)
        );
    };
    match plan.find(context, query) {
        Err(error) => {
            println!("{error}");
            false
        }
        Ok(winner) => {
            print(&winner);
            for other in plan.matches(winner.context(), query).iter().skip(1) {
                print!("  then ");
                print(other);
            }
            true
        }
    }
}

pub(crate) fn explain(Question { plan, call }: &Question) -> Result<bool> {
    let schedules = schedules(&plan.open);
    let caller = call.caller.as_deref();
    match load(&plan.plan)? {
        Loaded::Toml(dialplan) => {
            let call = Call {
                caller,
                device: call.device.as_deref().or(caller).unwrap_or_default(),
                schedules: &schedules,
                at: Some(time(plan.at)),
                now: Duration::ZERO,
                ..Call::new(&call.context, &call.dialled)
            };
            let (usage, ledger) = (Usage::default(), Ledger::default());
            print!("{}", dialplan.explain(&call, &usage, &ledger, &mut random()));
            let decision = dialplan.decide(&call, &mut Usage::default(), &ledger, &mut random());
            Ok(!matches!(decision, dialplan::Decision::Nowhere(_)))
        }
        Loaded::Asterisk(plan, _) => {
            let query = Query { caller, schedules: &schedules, ..Query::new(&call.dialled) };
            let mut trace = Trace::default();
            let found = plan.explain(&call.context, &query, &mut trace.lines);
            print!("{trace}");
            match found {
                Some(found) => {
                    let Application { name, arguments } = found.target;
                    println!("* So the call begins with {name}({arguments}).");
                }
                None => println!("- So nothing takes the call."),
            }
            Ok(found.is_some())
        }
    }
}

pub(crate) fn check(arguments: &Check) -> Result<bool> {
    let findings = match load(&arguments.plan)? {
        Loaded::Toml(dialplan) => dialplan.check(),
        Loaded::Asterisk(plan, notes) => {
            let starts: Vec<&str> = arguments.start.iter().map(String::as_str).collect();
            let mut findings = plan.check(&starts, &Application::contexts);
            findings.extend(notes.into_iter().map(|note| Finding {
                file: note.file,
                line: note.line,
                kind: Fault::NotUnderstood,
                text: note.text,
            }));
            findings.sort();
            findings
        }
    };
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("nothing found");
    }
    Ok(findings.is_empty())
}

pub(crate) fn normalise(arguments: &Normalise) -> Result<bool> {
    let dialplan = arguments.plan.as_deref().map(load_toml).transpose()?;
    let mut all = true;
    for number in &arguments.numbers {
        let answer = match &dialplan {
            Some(dialplan) => dialplan.profile.normalise(number).map(|read| {
                let extension = read.extension.map_or(String::new(), |e| format!(" ext {e}"));
                format!("{read}{extension}")
            })?,
            None => match describe(number, Some(&arguments.region)) {
                Ok(details) => {
                    let valid = if details.is_valid { "valid" } else { "not valid" };
                    let kind = details.kind.as_str();
                    format!("{} {valid} {kind} {}", details.e164, details.international)
                }
                Err(error) => {
                    all = false;
                    format!("{error}")
                }
            },
        };
        println!("{number}: {answer}");
    }
    Ok(all)
}

pub(crate) fn rate(arguments: &arguments::Rate) -> Result<bool> {
    let (Some(path), Some(number), Some(seconds)) =
        (&arguments.tariff, &arguments.number, arguments.seconds)
    else {
        anyhow::bail!("a tariff, a number and a length, or a file of cases");
    };
    let table = fs::read(path).with_context(|| path.display().to_string())?;
    let tariff = Tariff::from_csv(&table).with_context(|| path.display().to_string())?;
    let number: Number = describe(number, Some(&arguments.region))?.e164.parse()?;
    let Some((prefix, name, rate)) = tariff.rate(number, time(arguments.at)) else {
        println!("{number}: no rate");
        return Ok(false);
    };
    let charge = rate.charge(seconds);
    println!(
        "{number}: {name} (+{prefix}), {} a minute, {} s billed, {}",
        rate.per_minute, charge.billed_seconds, charge.cost
    );
    Ok(true)
}

pub(crate) fn lcr(Lcr { plan, number }: &Lcr) -> Result<bool> {
    let dialplan: Box<Dialplan> = load_toml(&plan.plan)?;
    let read = dialplan.profile.normalise(number)?;
    let number = read.number().with_context(|| format!("{number} is not a number of E.164"))?;
    let schedules = schedules(&plan.open);
    let request = RouteRequest {
        number,
        profile: &dialplan.profile,
        schedules: &schedules,
        at: Some(time(plan.at)),
    };
    let Some((prefix, route)) = dialplan.router.route(number) else {
        println!("{number}: no route");
        return Ok(false);
    };
    println!("{number}: route {} (+{prefix}), {route}", route.name);
    let selection = dialplan.router.select(&request, &mut Usage::default(), &mut random());
    for (place, attempt) in (1..).zip(&selection.attempts) {
        let cost = attempt.cost.map_or("price not known".into(), |cost| format!("{cost} a minute"));
        println!("{place}. {} as {}, {cost}", attempt.name, attempt.number);
    }
    for skipped in &selection.skipped {
        println!("-  {}: {}", skipped.name, skipped.why);
    }
    Ok(!selection.attempts.is_empty())
}
