//! A soak: calls with RTP, hold, transfers and registrations for a long time, over a network that loses some of
//! everything. Nothing may fail, and the server may not grow.
//!
//! [`script`] says what a call goes through; a [`scene`] is one call with the [`leg`]s of its telephones;
//! [`office`] plays all calls and registrations on one endpoint, [`watch`] looks at the server, [`report`] tells.

mod leg;
mod office;
mod registrations;
mod report;
mod scene;
mod script;
mod watch;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

pub(crate) use report::Report;

use crate::agent::Agent;
use crate::loss::Loss;
use crate::media::Media;
use crate::meter;
use crate::target::{Target, Where};

use office::Office;
use watch::Watch;

/// How to soak.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) target: Where,
    /// Calls begun in a second.
    #[arg(long, default_value_t = 20.0)]
    pub(crate) rate: f64,
    /// Seconds in which they are begun.
    #[arg(long, default_value_t = 1_800.0)]
    pub(crate) seconds: f64,
    /// Seconds that a call lasts, about.
    #[arg(long, default_value_t = 15.0)]
    pub(crate) hold: f64,
    /// The share of datagrams, SIP and RTP, that get lost in each direction.
    #[arg(long, default_value_t = 0.01)]
    pub(crate) loss: f64,
    /// Seconds after which each telephone registers again.
    #[arg(long, default_value_t = 30.0)]
    pub(crate) register: f64,
    /// Seconds of rest after the last call.
    #[arg(long, default_value_t = 60.0)]
    pub(crate) rest: f64,
    /// Decides who calls whom and when, what becomes of it, and what gets lost.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Also writes the report to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// No progress bar.
    #[arg(long)]
    pub(crate) quiet: bool,
}

impl Options {
    /// The options of a run whose calls last so long.
    pub(crate) fn holding(hold: Option<f64>) -> Self {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            options: Options,
        }
        let Line { options } = <Line as clap::Parser>::parse_from(["soak"]);
        Self { hold: hold.unwrap_or(options.hold), ..options }
    }
}

/// The longest that we sleep.
const STEP: Duration = Duration::from_millis(50);

/// How much longer than planned a call or registration may take: 64*T1 twice, and a little.
const PATIENCE: Duration = Duration::from_secs(70);

/// Plays it, and tells how it went.
///
/// # Errors
///
/// The target cannot be started, its process is gone, or ports run out.
pub(crate) fn run(options: &Options) -> anyhow::Result<Report> {
    raise_limit();
    let target = Target::open(&options.target)?;
    let pid = target.pid.context("the server's process is not known: --pid")?;
    let mut poll = mio::Poll::new()?;
    let mut agent = Agent::new(target.address, &poll, 0, options.seed)?;
    agent.loss = Some(Loss::new(options.loss, options.seed ^ 0x51b));
    // Three of four calls need two ports, the others up to four for a while.
    let at_once = options.rate * options.hold * 3.5 + 64.0;
    let (media, ports) =
        Media::start(at_once as usize, Some(Loss::new(options.loss, options.seed ^ 0x27b)))
            .context("too many calls for the descriptors of this process")?;
    let mut office = Office::new(agent, target.accounts.clone(), media, ports, options);
    let mut events = mio::Events::with_capacity(64);
    let start = Instant::now();
    let mut turn = |office: &mut Office, due: Option<Duration>| -> anyhow::Result<Duration> {
        office.work(start.elapsed());
        let due = [due, office.due()].into_iter().flatten().min();
        let wait = due.map_or(STEP, |due| due.saturating_sub(start.elapsed()).min(STEP));
        match poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => Err(error.into()),
            _ => Ok(start.elapsed()),
        }
    };

    // Everybody is registered before the first call.
    office.registrations.begin();
    while !office.registrations.are_complete() && start.elapsed() < PATIENCE {
        turn(&mut office, None)?;
    }
    let before = meter::usage(pid)?;
    let idle = meter::holdings(pid)?;
    let began = start.elapsed();
    let length = Duration::from_secs_f64(options.seconds);
    let mut watch = Watch::new(length);
    let mut schedule = script::schedule(options.rate, length, options.seed);
    let bar = bar(schedule.len() as u64, options.quiet);
    let begun = schedule.len() as u64;
    loop {
        let now = start.elapsed();
        let since = now - began;
        while schedule.last().is_some_and(|at| *at <= since) {
            schedule.pop();
            office.call(now);
        }
        if watch.is_due(since) {
            watch.look(since, pid, office.calls())?;
            bar.set_position(begun - schedule.len() as u64);
        }
        if schedule.is_empty() && (office.calls() == 0 && since >= length) {
            break;
        }
        turn(&mut office, schedule.last().map(|at| began + *at))?;
    }
    bar.finish_and_clear();
    watch.look(start.elapsed() - began, pid, 0)?;
    let after = meter::usage(pid)?;
    let played = start.elapsed() - began;
    // Registrations go on while the server rests: that is what rest is in an office.
    let until = start.elapsed() + Duration::from_secs_f64(options.rest);
    while start.elapsed() < until {
        turn(&mut office, Some(until))?;
    }
    office.registrations.finish();
    while !office.registrations.are_complete() {
        turn(&mut office, None)?;
    }
    let rested = meter::holdings(pid)?;
    Ok(Report::of(options, &office, &watch, [idle, rested], after.cpu - before.cpu, played))
}

/// The highest rate at which nothing fails, to a tenth: the rate given is doubled until something does, then the
/// distance is halved.
///
/// # Errors
///
/// As [`run`]; or even the first rate fails.
pub(crate) fn peak(options: &Options) -> anyhow::Result<Report> {
    let mut options = Options { rest: 0.0, ..options.clone() };
    let (mut best, mut worst) = (None::<(f64, Report)>, f64::INFINITY);
    loop {
        let report = run(&options)?;
        let (rate, faults) = (options.rate, report.faults());
        eprintln!("{rate:.0}/s: {}", faults.first().map_or("no failure", |fault| fault));
        if faults.is_empty() {
            best = Some((rate, report));
        } else {
            worst = rate;
        }
        let low = best.as_ref().map_or(0.0, |best| best.0);
        if worst.is_infinite() {
            options.rate = low * 2.0;
        } else if worst - low <= worst / 10.0 || worst < 1.0 {
            break;
        } else {
            options.rate = low.midpoint(worst);
        }
    }
    best.map(|best| best.1).context("not one call a second goes well")
}

/// Lets us, and the server that we start, open as many files as the system allows.
fn raise_limit() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where it is not to be had, what it was is what there is.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

fn bar(length: u64, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} calls, {elapsed}") {
        bar.set_style(style);
    }
    bar
}
