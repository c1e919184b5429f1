//! Writes to a lead every three working days until it answers.
#![forbid(unsafe_code)]

use std::{
    io::IsTerminal,
    path::PathBuf,
    process::ExitCode,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    time::Duration,
};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use follow_up::{
    config::Config,
    engine::{Engine, Rules},
    http::Service,
    lead::Phase,
    outbox,
    store::Store,
    timetable,
};
use jiff::{Timestamp, civil::DateTime};
use tracing::{error, info};

/// Writes to a lead every three working days until it answers.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Args {
    /// The configuration
    #[arg(long, global = true, default_value = "follow-up.toml", value_name = "FILE")]
    config: PathBuf,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run until interrupted
    Run,
    /// Print when each letter would go out, and send none
    DryRun {
        /// When a lead becomes pressing, on the clock of the configured zone; now by default
        #[arg(long, value_name = "TIME")]
        start: Option<String>,
    },
    /// Print the leads and where they stand
    List,
    /// Print a configuration to begin with
    PrintConfig,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_default_env();
    tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| "info".into()))
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr)
        .init();
    let done = match args.command {
        Command::Run => run(&args),
        Command::DryRun { ref start } => dry_run(&args, start.as_deref()),
        Command::List => list(&args),
        Command::PrintConfig => {
            print!("{}", include_str!("../follow-up.toml"));
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("follow-up: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let config = Config::load(&args.config)?;
    let rules = Rules::new(config)?;
    let database = rules.config.database.clone();
    let engine =
        Engine::new(Store::open(&database)?, rules.clone(), outbox::from_config(&rules.config)?);
    let (wake, woken) = channel();
    let poke = wake.clone();
    let service = Service::new(Store::open(&database)?, rules.clone(), move || {
        // The worker is gone only when the program ends.
        let _ = poke.send(true);
    });
    let worker = std::thread::spawn(move || work(engine, &woken));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(serve(service, &rules));
    let _ = wake.send(false);
    if worker.join().is_err() {
        error!("the worker failed");
    }
    served
}

async fn serve(service: Service, rules: &Rules) -> Result<()> {
    let address = rules.config.http;
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    // Tests ask for port 0 and read which it became.
    println!("listening on http://{}", listener.local_addr()?);
    let server = axum::serve(listener, service.router());
    server.with_graceful_shutdown(interrupted()).await?;
    info!("stopping");
    Ok(())
}

async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Does what is due, then sleeps until the next step, or until something changes.
fn work(mut engine: Engine, woken: &Receiver<bool>) {
    loop {
        let wait = match steps(&mut engine) {
            Ok(wait) => wait,
            Err(failure) => {
                error!("{failure:#}");
                Duration::from_secs(10)
            }
        };
        match woken.recv_timeout(wait) {
            Ok(true) | Err(RecvTimeoutError::Timeout) => {}
            Ok(false) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn steps(engine: &mut Engine) -> Result<Duration> {
    while engine.step(Timestamp::now())? {}
    // Clocks are set and computers sleep: never longer than a minute without a look.
    let longest = Duration::from_secs(60);
    let Some(wake) = engine.wake()? else { return Ok(longest) };
    let left = wake.duration_since(Timestamp::now());
    Ok(Duration::try_from(left).unwrap_or_default().min(longest))
}

fn dry_run(args: &Args, start: Option<&str>) -> Result<()> {
    let config = Config::load(&args.config)?;
    let waits = config.waits()?;
    let now = Timestamp::now();
    let start = match start {
        None => now,
        Some(text) => {
            let at: DateTime =
                text.parse().with_context(|| format!("{text:?} is no time as 2026-12-24T10:00"))?;
            waits.zone().to_timestamp(at)?
        }
    };
    println!(
        "a lead that becomes pressing {}",
        start.to_zoned(waits.zone().clone()).strftime("%Y-%m-%d %H:%M")
    );
    for (number, at) in timetable::letters(&config, &waits, None, start)? {
        println!("  {}", timetable::line(number, at, &waits));
    }
    if config.database.exists() {
        for lead in Store::open(&config.database)?.leads()? {
            println!("lead {}: {}, {} sent", lead.id, lead.data.title, lead.sent);
            for (number, at) in timetable::letters(&config, &waits, Some(&lead), now)? {
                println!("  {}", timetable::line(number, at, &waits));
            }
        }
    }
    Ok(())
}

fn list(args: &Args) -> Result<()> {
    let config = Config::load(&args.config)?;
    let waits = config.waits()?;
    for lead in Store::open(&config.database)?.leads()? {
        let stands = match &lead.phase {
            Phase::Waiting { due } => timetable::line(lead.sent + 1, *due, &waits),
            Phase::Letter { at, failures } => {
                format!("{}, tried {failures} times", timetable::line(lead.sent + 1, *at, &waits))
            }
            Phase::Notice { .. } => format!("letter {} sent, to be noted", lead.sent),
            Phase::Ended { reason } => format!("ended: {reason}"),
        };
        println!(
            "{}  {}  {}  {} sent  {stands}",
            lead.id, lead.data.title, lead.data.status, lead.sent
        );
    }
    Ok(())
}
