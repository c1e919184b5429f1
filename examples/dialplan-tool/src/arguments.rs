//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use jiff::civil::DateTime;

/// Asks a dialplan where a call goes, why, and what is wrong with it.
///
/// Exit status: 0 when there is an answer (or nothing wrong), 1 when nothing matches (or something is wrong), 2
/// when a file cannot be read.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print which rules match, the winner first.
    Match(Match),
    /// Say step by step where a call goes and why.
    Explain(Question),
    /// Look for faults in a plan.
    Check(Check),
    /// Write numbers in the form of E.164.
    Normalise(Normalise),
    /// Say what a call costs.
    Rate(Rate),
    /// List the trunks for a number, in the order in which they are tried.
    Lcr(Lcr),
}

/// Which plan, and what it may assume.
#[derive(Args, Debug)]
pub(crate) struct Plan {
    /// A plan in TOML, or an `extensions.conf` (any name that ends in `.conf`).
    #[arg(long, short)]
    pub(crate) plan: PathBuf,
    /// A schedule that is open now; all others are closed. May be given again.
    #[arg(long, value_name = "SCHEDULE")]
    pub(crate) open: Vec<String>,
    /// The time of the call, by which tariffs count: 2026-03-02T10:00. Now, when nothing is said.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<DateTime>,
}

#[derive(Args, Debug)]
pub(crate) struct Call {
    /// The context in which the call begins.
    #[arg(long, short, default_value = "internal")]
    pub(crate) context: String,
    /// The caller's number.
    #[arg(long)]
    pub(crate) caller: Option<String>,
    /// The device that calls; the caller's number, when nothing is said.
    #[arg(long)]
    pub(crate) device: Option<String>,
    /// What is dialled.
    #[arg(value_name = "DIALLED")]
    pub(crate) dialled: String,
}

#[derive(Args, Debug)]
pub(crate) struct Question {
    #[command(flatten)]
    pub(crate) plan: Plan,
    #[command(flatten)]
    pub(crate) call: Call,
}

#[derive(Args, Debug)]
pub(crate) struct Match {
    /// A CSV of cases (columns id, mode, patterns, input, callerid): a JSON line for each row.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["plan", "dialled"])]
    pub(crate) cases: Option<PathBuf>,
    /// A plan in TOML, or an `extensions.conf`.
    #[arg(long, short, required_unless_present = "cases")]
    pub(crate) plan: Option<PathBuf>,
    /// The context to look in.
    #[arg(long, short, default_value = "internal")]
    pub(crate) context: String,
    /// The caller's number.
    #[arg(long)]
    pub(crate) caller: Option<String>,
    /// A schedule that is open now; all others are closed. May be given again.
    #[arg(long, value_name = "SCHEDULE")]
    pub(crate) open: Vec<String>,
    /// What is dialled.
    #[arg(required_unless_present = "cases")]
    pub(crate) dialled: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Check {
    /// A plan in TOML, or an `extensions.conf`.
    #[arg(long, short)]
    pub(crate) plan: PathBuf,
    /// A context where calls begin, for an `extensions.conf`. May be given again.
    #[arg(long, value_name = "CONTEXT")]
    pub(crate) start: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Normalise {
    /// A CSV of cases (columns input, default_region): a JSON line for each row.
    #[arg(long, value_name = "FILE", conflicts_with = "numbers")]
    pub(crate) cases: Option<PathBuf>,
    /// Use the dialling rules of this plan instead of the metadata of the world.
    #[arg(long, short)]
    pub(crate) plan: Option<PathBuf>,
    /// The region in which national numbers are dialled (ISO 3166-1).
    #[arg(long, short, default_value = "RU")]
    pub(crate) region: String,
    /// The numbers.
    #[arg(required_unless_present = "cases")]
    pub(crate) numbers: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Rate {
    /// A CSV of cases (columns seconds, initial/increment, rate_per_min, connect_fee, free_seconds): a JSON line
    /// for each row.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["tariff", "number", "seconds"])]
    pub(crate) cases: Option<PathBuf>,
    /// A tariff in CSV.
    #[arg(long, short, required_unless_present = "cases")]
    pub(crate) tariff: Option<PathBuf>,
    /// The time of the call: 2026-03-02T10:00. Now, when nothing is said.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<DateTime>,
    /// The region in which a national number is dialled (ISO 3166-1).
    #[arg(long, short, default_value = "RU")]
    pub(crate) region: String,
    /// The number called.
    #[arg(required_unless_present = "cases")]
    pub(crate) number: Option<String>,
    /// How long the call lasted.
    #[arg(required_unless_present = "cases")]
    pub(crate) seconds: Option<u64>,
}

#[derive(Args, Debug)]
pub(crate) struct Lcr {
    #[command(flatten)]
    pub(crate) plan: Plan,
    /// The number called.
    pub(crate) number: String,
}
