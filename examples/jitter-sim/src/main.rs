//! Replays a trace of packet arrivals through the jitter buffer, and rates, logs and plots what would be
//! heard.

mod generate;
mod plot;
mod rating;
mod replay;
mod talker;
mod trace;

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use jitter_buffer::{Config, Mode};

use generate::Family;
use rating::Rating;
use replay::Replay;
use trace::Trace;

/// Replays a trace of packet arrivals through the jitter buffer, and rates what would be heard.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The trace: a line a packet, `index,sent_us,arrived_us,seq,timestamp,ssrc,marker`, -1 for lost;
    /// gzipped when its name ends in .gz.
    #[arg(long, value_name = "FILE", required_unless_present = "generate")]
    trace: Option<PathBuf>,
    /// How often playout asks for sound, in ms.
    #[arg(long, value_name = "MS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(5..=60))]
    tick: u64,
    /// Write what was played when: a line a tick, and one a frame taken.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Draw delay, target and losses over time.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
    /// Write what is heard, when a synthetic voice is sent over this path.
    #[arg(long, value_name = "FILE.wav")]
    wav: Option<PathBuf>,
    /// A fixed delay instead of the adaptive one, in ms.
    #[arg(long, value_name = "MS")]
    fixed: Option<u64>,
    /// Change the delay by dropping and concealing only.
    #[arg(long)]
    no_stretch: bool,
    /// The delay from mouth to ear without buffer and packetisation, for the rating, in ms.
    #[arg(long, value_name = "MS", default_value_t = 130)]
    network_delay: u64,
    /// Print a trace of this family instead of replaying one.
    #[arg(long, value_enum, value_name = "FAMILY", conflicts_with = "trace")]
    generate: Option<Family>,
    /// Which trace of the family.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How long a trace to make, in seconds.
    #[arg(long, value_name = "S", default_value_t = 300)]
    seconds: u64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("jitter-sim: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    if let Some(family) = arguments.generate {
        let trace = family.generate(arguments.seed, arguments.seconds);
        let mut out = BufWriter::new(std::io::stdout().lock());
        return trace.write(&mut out).context("writing the trace");
    }
    let Some(path) = &arguments.trace else { bail!("no --trace") };
    let trace = Trace::read(path)?;
    let mut config = Config::new(trace::CLOCK_RATE, trace.frame());
    config.tick = Duration::from_millis(arguments.tick);
    config.mode = match arguments.fixed {
        Some(delay) => Mode::Fixed { delay: Duration::from_millis(delay) },
        None => Mode::ADAPTIVE,
    };
    config.stretching = !arguments.no_stretch;
    let replay = Replay::run(&trace, config)?;
    if let Some(path) = &arguments.log {
        let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
        let mut out = BufWriter::new(file);
        replay.write_log(&mut out).and_then(|()| out.flush()).context("writing the log")?;
    }
    if let Some(path) = &arguments.plot {
        let drawing = plot::draw(&trace, &replay);
        std::fs::write(path, drawing).with_context(|| format!("writing {}", path.display()))?;
    }
    if let Some(path) = &arguments.wav {
        replay.write_wav(path)?;
    }
    let rating = Rating::of(&trace, &replay, Duration::from_millis(arguments.network_delay));
    let mut out = std::io::stdout().lock();
    writeln!(out, "{rating}\n{}", replay.summary()).context("printing")
}
