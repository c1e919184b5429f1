//! Asks a dialplan where a call goes, why, and what is wrong with it.

mod answer;
mod arguments;
mod cases;
mod load;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let Arguments { command } = Arguments::parse();
    let done = match command {
        Command::Match(arguments) => match &arguments.cases {
            Some(file) => cases::matches(file),
            None => answer::matches(&arguments),
        },
        Command::Explain(arguments) => answer::explain(&arguments),
        Command::Check(arguments) => answer::check(&arguments),
        Command::Normalise(arguments) => match &arguments.cases {
            Some(file) => cases::normalise(file),
            None => answer::normalise(&arguments),
        },
        Command::Rate(arguments) => match &arguments.cases {
            Some(file) => cases::rate(file),
            None => answer::rate(&arguments),
        },
        Command::Lcr(arguments) => answer::lcr(&arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("dialplan-tool: {error:#}");
            ExitCode::from(2)
        }
    }
}
