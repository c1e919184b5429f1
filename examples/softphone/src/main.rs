//! A command-line telephone.
#![forbid(unsafe_code)]
#![allow(unreachable_pub, reason = "a program has no outside; its modules say what they share")]

mod account;
mod cli;
mod destination;
mod dial_string;
mod driver;
mod errand;
mod failure;
mod impair;
mod interrupt;
mod phone;
mod progress;
mod setup;

use std::process::ExitCode;

use clap::Parser as _;

use failure::Failure;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match setup::run(cli::Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("softphone: {error:#}");
            let interrupted = matches!(error.downcast_ref(), Some(Failure::Interrupted));
            ExitCode::from(if interrupted { 130 } else { 1 })
        }
    }
}
