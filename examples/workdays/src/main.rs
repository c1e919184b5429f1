//! Working days, norms of hours and opening hours on the command line.
#![forbid(unsafe_code)]

/// Adds a line to the output.
macro_rules! say {
    ($out:expr, $($part:tt)*) => {{
        use std::fmt::Write as _;
        // Writing to memory cannot fail.
        let _ = writeln!($out, $($part)*);
    }};
}

mod args;
mod cases;
mod days;
mod grid;
mod info;
mod open;
mod words;

use std::{io::Write, process::ExitCode};

use anyhow::{Context, Result, bail};
use calendar::{
    Calendar,
    production::{DecreeDays, Fallback, country},
};
use clap::Parser;

use args::{Args, Command};

fn main() -> ExitCode {
    let mut out = String::new();
    let code = run(&mut out, &Args::parse());
    // Whoever reads the output may stop early; that is not our mistake.
    let _ = std::io::stdout().write_all(out.as_bytes());
    code.unwrap_or_else(|error| {
        eprintln!("workdays: {error:#}");
        ExitCode::from(2)
    })
}

fn run(out: &mut String, args: &Args) -> Result<ExitCode> {
    if let Some(file) = &args.cases {
        return cases::run(out, args, file);
    }
    match &args.command {
        Some(Command::Info { what }) => info::run(out, args, what)?,
        Some(Command::Add { start, n, bitrix, zone }) => {
            days::add(out, args, start, *n, *bitrix, zone)?;
        }
        Some(Command::Count { from, to }) => days::count(out, args, *from, *to)?,
        Some(Command::Norm { period }) => info::norm(out, args, period)?,
        Some(Command::Open { schedule, at, explain, check }) => {
            open::run(out, args, schedule, at.as_deref(), *explain, *check)?;
        }
        None => bail!("nothing to do; see workdays --help"),
    }
    Ok(ExitCode::SUCCESS)
}

/// The production calendar that the arguments name.
fn load_calendar(args: &Args) -> Result<Calendar> {
    let calendar = match &args.calendar {
        Some(path) => {
            let name = path.display().to_string();
            let text =
                std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
            Calendar::from_file(&text, &name)?
        }
        None => country(&args.country)?,
    };
    let decree_days = if args.decree_days_off { DecreeDays::Off } else { DecreeDays::Working };
    let fallback = if args.weekends_without_data { Fallback::Weekends } else { Fallback::Refuse };
    Ok(calendar.with_decree_days(decree_days).with_fallback(fallback))
}
