//! Drives a SIP server with calls, registrations and RTP, and says what they cost it.
//!
//! `main` reads the command line; [`target`] starts office-pbx or finds another server, [`run`] plays a
//! [`scenario`], [`report`] prints and compares.
#![forbid(unsafe_code)]

mod agent;
mod bare;
mod callee;
mod caller;
mod flood;
mod latency;
mod loss;
mod machine;
mod media;
mod memory;
mod meter;
mod registrant;
mod report;
mod run;
mod scenario;
mod search;
mod soak;
mod target;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use report::Report;
use scenario::Scenario;
use target::Where;

/// Drives a SIP server with calls, registrations and RTP, and says what they cost it.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Plays a scenario once.
    Run {
        /// What to play.
        #[arg(value_enum)]
        scenario: Scenario,
        #[command(flatten)]
        options: Options,
    },
    /// Finds the highest rate at which a scenario runs without failures.
    Search {
        /// What to play.
        #[arg(value_enum)]
        scenario: Scenario,
        /// Seconds for which the rate has to be borne; rates are looked for in runs of `--seconds`.
        #[arg(long, default_value_t = 60.0)]
        sustained: f64,
        #[command(flatten)]
        options: Options,
    },
    /// Plays calls with RTP, hold, transfers and registrations for a long time over a network that loses some of
    /// it; fails when anything fails, or the server grows.
    Soak(soak::Options),
    /// Measures what relaying RTP costs the server, beside a loop over bare sockets.
    BareRelay {
        /// Measure each so many times, in turn.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        #[command(flatten)]
        options: Options,
    },
    /// Measures the media machine alone: what relaying, transcoding and recording cost a packet.
    Machine {
        /// Calls at a time.
        #[arg(long, default_value_t = 150)]
        calls: usize,
        /// How much of their talk is played, as fast as it goes.
        #[arg(long, default_value_t = 5.0)]
        seconds: f64,
        /// Measure each so many times, in turn.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// Measures how soon office-pbx is ready and what it takes at rest, by the number of extensions.
    Start(memory::Starts),
    /// Plays scenarios once, each on a server of its own, and says what memory it still has some time after the end.
    Calm {
        /// What to play. Overload is at fifteen times the rate for a quarter of the time, with a tenth of a core.
        #[arg(value_enum, default_values = ["answered", "bridged", "register", "media", "flood", "overload"])]
        scenarios: Vec<Scenario>,
        /// How many seconds after.
        #[arg(long, default_value_t = 60)]
        after: u64,
        #[command(flatten)]
        options: Options,
    },
    /// The loop over bare sockets itself.
    #[command(hide = true)]
    BareLoop {
        /// How many.
        #[arg(long)]
        sockets: usize,
        /// Over which back end.
        #[arg(long)]
        backend: Option<String>,
    },
    /// Sets two reports that `--json` wrote side by side.
    Compare {
        /// The earlier one.
        before: PathBuf,
        /// The later one.
        after: PathBuf,
    },
}

/// How to play.
#[derive(Clone, Debug, Args)]
struct Options {
    #[command(flatten)]
    target: Where,
    /// Calls or registrations begun in a second.
    #[arg(long, default_value_t = 100.0)]
    rate: f64,
    /// Seconds in which they are begun.
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Seconds that a call is held; of media, how long each call talks.
    #[arg(long)]
    hold: Option<f64>,
    /// Calls at a time in the scenario media.
    #[arg(long, default_value_t = 50)]
    calls: usize,
    /// Hostile messages a second in the scenario flood.
    #[arg(long, default_value_t = 4_000.0)]
    hostile: f64,
    /// Decides when calls begin and what hostile messages say.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Also writes the report to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// No progress bar.
    #[arg(long)]
    quiet: bool,
}

fn main() -> ExitCode {
    match work(Arguments::parse().what) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything that was begun has ended well.
fn work(what: What) -> anyhow::Result<bool> {
    match what {
        What::Run { scenario: Scenario::Soak, options } => work(What::Soak(soaked(&options))),
        What::Search { scenario: Scenario::Soak, options, .. } => {
            tell(&soak::peak(&soaked(&options))?, options.json.as_deref())
        }
        What::Run { scenario, options } => {
            let report = run::once(scenario, &options)?;
            finish(&report, &options)
        }
        What::Search { scenario, sustained, options } => {
            let report = search::peak(scenario, &options, sustained)?;
            finish(&report, &options)
        }
        What::Soak(options) => tell(&soak::run(&options)?, options.json.as_deref()),
        What::BareRelay { rounds, options } => bare::compare(&options, rounds).map(|()| true),
        What::Machine { calls, seconds, rounds } => {
            machine::measure(calls, seconds, rounds).map(|()| true)
        }
        What::Start(starts) => memory::starts(&starts).map(|()| true),
        What::Calm { scenarios, after, options } => memory::calm(&scenarios, &options, after),
        What::BareLoop { sockets, backend } => {
            bare::relay(sockets, backend.as_deref()).map(|()| true)
        }
        What::Compare { before, after } => {
            print!("{}", report::compare(&Report::load(&before)?, &Report::load(&after)?));
            Ok(true)
        }
    }
}

fn tell(report: &soak::Report, json: Option<&Path>) -> anyhow::Result<bool> {
    print!("{report}");
    if let Some(path) = json {
        report.save(path)?;
    }
    Ok(report.faults().is_empty())
}

/// The same as a scenario among others.
fn soaked(options: &Options) -> soak::Options {
    let Options { target, rate, seconds, hold, seed, json, quiet, .. } = options.clone();
    soak::Options { target, rate, seconds, seed, json, quiet, ..soak::Options::holding(hold) }
}

fn finish(report: &Report, options: &Options) -> anyhow::Result<bool> {
    print!("{report}");
    if let Some(path) = &options.json {
        report.save(path)?;
    }
    Ok(report.failed == 0)
}
