use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

/// Working days, norms of hours and opening hours.
#[derive(Debug, Parser)]
#[command(version, about, arg_required_else_help = true, args_conflicts_with_subcommands = false)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// The language of the output
    #[arg(long, global = true, value_enum, default_value = "en")]
    pub(crate) lang: Language,

    /// The country whose embedded calendar counts
    #[arg(long, global = true, default_value = "RU", value_name = "CODE")]
    pub(crate) country: String,

    /// A calendar of your own instead: .json, .csv, .xml or .ics
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "country")]
    pub(crate) calendar: Option<PathBuf>,

    /// Count days that a decree declared non-working as days off
    #[arg(long, global = true)]
    pub(crate) decree_days_off: bool,

    /// In years without data go by the weekend, instead of refusing to answer
    #[arg(long, global = true)]
    pub(crate) weekends_without_data: bool,

    /// Colour the output
    #[arg(long, global = true, value_enum, default_value = "auto")]
    pub(crate) color: Color,

    /// Check the rows of a CSV file of expected answers; its header line tells of what kind
    #[arg(long, value_name = "FILE")]
    pub(crate) cases: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show a day (2026-11-04), a month (2026-11) or a year (2026) and why its days are off
    Info {
        /// A day, a month or a year
        what: String,
    },
    /// Add working days; the start is not counted
    Add {
        /// A day, or a time as 2026-12-30T17:30, which is kept
        start: String,
        /// How many; negative to go back
        #[arg(allow_negative_numbers = true)]
        n: i32,
        /// Move by 86,400 seconds a day as Bitrix does, so that a change of clocks shifts the time
        #[arg(long)]
        bitrix: bool,
        /// The zone of a start with a time
        #[arg(long, default_value = "Europe/Moscow")]
        zone: String,
    },
    /// Count working days from the first day up to the second, which is not counted
    Count {
        /// The first day
        from: Date,
        /// The day after the last
        to: Date,
    },
    /// Norms of working days and hours of a year, half-year (2025-H1), quarter (2025-Q1) or month
    Norm {
        /// The period; of a year all its parts are shown
        period: String,
    },
    /// Whether it is open, by a schedule
    Open {
        /// The schedule
        #[arg(value_name = "SCHEDULE.toml")]
        schedule: PathBuf,
        /// When, instead of now: with an offset, or on the clock of the schedule's zone
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Say why
        #[arg(long)]
        explain: bool,
        /// Look for conflicts and gaps in the coming year
        #[arg(long)]
        check: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// English
    En,
    /// Russian
    Ru,
}

impl From<Language> for calendar::Lang {
    fn from(language: Language) -> Self {
        match language {
            Language::En => Self::En,
            Language::Ru => Self::Ru,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl Args {
    pub(crate) fn lang(&self) -> calendar::Lang {
        self.lang.into()
    }

    pub(crate) fn is_coloured(&self) -> bool {
        use std::io::IsTerminal;
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                std::env::var_os("NO_COLOR").is_none() && std::io::stdout().is_terminal()
            }
        }
    }
}
