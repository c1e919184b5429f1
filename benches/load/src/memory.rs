//! What office-pbx takes at rest and how soon it is ready; and what is left when many calls are over.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;

use crate::Options;
use crate::meter::{self, Holdings};
use crate::run;
use crate::scenario::Scenario;
use crate::target::{Target, Where};

/// How to measure starts.
#[derive(Clone, Debug, Args)]
pub(crate) struct Starts {
    /// How many extensions, one figure for each.
    #[arg(long, value_delimiter = ',', default_value = "100,1100,10000")]
    extensions: Vec<u32>,
    /// How often each is started.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[command(flatten)]
    place: Where,
}

/// Memory is looked at when this time has passed since the start.
const SETTLED: Duration = Duration::from_millis(1_500);
/// And so often while a busy time is over.
const LOOK: Duration = Duration::from_secs(10);
/// The share of a core that an overloaded server has, unless another is asked for,
const OVERLOAD_SHARE: f64 = 0.1;
/// and how much more is asked of it than in the other scenarios.
const OVERLOAD: f64 = 15.0;

/// Starts office-pbx with so many extensions, for the first time and again.
///
/// # Errors
///
/// It cannot be started or measured.
pub(crate) fn starts(starts: &Starts) -> anyhow::Result<()> {
    println!("extensions  idle MiB  each further KiB  ready ms: at first  again");
    let mut fewer: Option<(u32, u64)> = None;
    for extensions in starts.extensions.iter().copied() {
        let place = starts.place.with_users(extensions);
        let (mut idle, mut first, mut again) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..starts.rounds.max(1) {
            let mut target = Target::open(&place)?;
            first.push(ready(&target)?);
            target.restart(&place)?;
            again.push(ready(&target)?);
            thread::sleep(SETTLED);
            idle.push(memory(&target)?);
        }
        let idle = median(&mut idle);
        let further = fewer.map_or(String::new(), |(fewer, with_fewer)| {
            let bytes = idle.saturating_sub(with_fewer) as f64;
            format!("{:.2}", bytes / 1_024.0 / f64::from(extensions.saturating_sub(fewer).max(1)))
        });
        let ms = |times: &mut Vec<Duration>| median(times).as_secs_f64() * 1e3;
        println!(
            "{extensions:>10}{:>10.2}{further:>18}{:>20.0}{:>7.0}",
            mebibytes(idle),
            ms(&mut first),
            ms(&mut again)
        );
        fewer = Some((extensions, idle));
    }
    Ok(())
}

/// What was left of one scenario.
struct Rest {
    scenario: Scenario,
    /// Calls or registrations that were begun.
    begun: u64,
    failed: u64,
    idle: u64,
    end: u64,
    left: u64,
    descriptors: [u64; 3],
}

/// Plays scenarios, each on a server of its own, and looks at the server's memory for some seconds after the end of
/// each. Whether all of it went well, and no more is left than a tenth above what there was.
///
/// # Errors
///
/// As [`run::play`].
pub(crate) fn calm(scenarios: &[Scenario], options: &Options, after: u64) -> anyhow::Result<bool> {
    let all = scenarios.iter().map(|scenario| rest(*scenario, options, after));
    let all = all.collect::<anyhow::Result<Vec<Rest>>>()?;
    println!(
        "scenario       begun  idle MiB  at the end  after {after:>3} s  above idle  descriptors"
    );
    for Rest { scenario, begun, idle, end, left, descriptors, .. } in &all {
        let [first, last, still] = descriptors;
        println!(
            "{:<10}{begun:>10}{:>10.2}{:>12.2}{:>13.2}{:>10.1} %  {first}, {last}, {still}",
            scenario.name(),
            mebibytes(*idle),
            mebibytes(*end),
            mebibytes(*left),
            (*left as f64 / *idle as f64 - 1.0) * 100.0,
        );
    }
    Ok(all.iter().all(|rest| rest.failed == 0 && rest.left <= rest.idle + rest.idle / 10))
}

fn rest(scenario: Scenario, options: &Options, after: u64) -> anyhow::Result<Rest> {
    let mut options = options.clone();
    if scenario == Scenario::Overload {
        // More than the share can do, whatever the machine.
        options.target.confine(OVERLOAD_SHARE);
        options.rate *= OVERLOAD;
        options.seconds /= 4.0;
    }
    if !scenario.has_media() {
        options.hold.get_or_insert(1.0);
    }
    let mut target = Target::open(&options.target)?;
    thread::sleep(SETTLED);
    let idle = held(&target)?;
    let report = run::play(scenario, &options, &mut target)?;
    print!("{report}");
    let ended = Instant::now();
    let end = held(&target)?;
    println!("  idle {:.2} MiB, at the end {:.2}", mebibytes(idle.memory), mebibytes(end.memory));
    let (mut left, after) = (end, Duration::from_secs(after));
    while ended.elapsed() < after {
        thread::sleep(after.saturating_sub(ended.elapsed()).min(LOOK));
        left = held(&target)?;
        let seconds = ended.elapsed().as_secs_f64();
        println!("  after {seconds:>3.0} s {:.2} MiB", mebibytes(left.memory));
    }
    Ok(Rest {
        scenario,
        begun: report.begun,
        failed: report.failed,
        idle: idle.memory,
        end: end.memory,
        left: left.memory,
        descriptors: [idle, end, left].map(|held| held.descriptors),
    })
}

fn held(target: &Target) -> anyhow::Result<Holdings> {
    meter::holdings(target.pid.context("memory is that of a process: name it by --pid")?)
}

fn memory(target: &Target) -> anyhow::Result<u64> {
    Ok(meter::usage(target.pid.context("memory is that of a process: name it by --pid")?)?.memory)
}

fn ready(target: &Target) -> anyhow::Result<Duration> {
    target.ready.context("only office-pbx is started here; leave --target out")
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / 1_048_576.0
}

fn median<T: Ord + Copy>(values: &mut [T]) -> T {
    values.sort_unstable();
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert_eq!(median(&mut [3, 1, 2]), 2);
        assert_eq!(median(&mut [7]), 7);
    }
}
