//! Relays UDP flows between pairs of addresses.
//!
//! A flow has two sides, each with a local address of ours and the peer's. What comes from one peer to its
//! local address leaves from the other local address to the other peer, and back; everything else is
//! dropped and counted. One thread serves all flows.
#![forbid(unsafe_code)]

mod control;
mod relay;

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::{Parser, ValueEnum};
use packet_ring::batch::{Backend, IoConfig};
use serde::Deserialize;

use relay::{Relay, Side};

/// Relay UDP flows between pairs of addresses.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// File of flows, in TOML: see the README.
    #[arg(long)]
    flows: Option<PathBuf>,
    /// Address of the control socket, on the loopback: `add`, `del`, `list`, `stats`.
    #[arg(long)]
    control: Option<SocketAddr>,
    /// How packets are received and sent.
    #[arg(long, value_enum, default_value = "auto")]
    io: Io,
    /// About how many flows there will be, for the choice of `--io auto`.
    #[arg(long, default_value_t = 1)]
    expect: usize,
    /// The longest delay added so that packets are handled in batches, in microseconds.
    #[arg(long, default_value_t = 1000)]
    gather: u64,
    /// Print counters every so many seconds.
    #[arg(long)]
    report: Option<u64>,
    /// Stop after so many seconds.
    #[arg(long)]
    seconds: Option<u64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Io {
    Auto,
    Std,
    Mmsg,
    #[value(name = "io_uring")]
    Uring,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    flow: Vec<Flow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Flow {
    left: Side,
    right: Side,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.flows.is_none() && arguments.control.is_none() {
        bail!("nothing to do: give --flows, --control, or both");
    }
    let order = match arguments.io {
        Io::Auto => vec![],
        Io::Std => vec![Backend::Std],
        Io::Mmsg => vec![Backend::Mmsg],
        Io::Uring => vec![Backend::IoUring],
    };
    let config = IoConfig { order, expected_sockets: arguments.expect * 2, ..IoConfig::default() };
    let (mut relay, report) = Relay::open(&config, Duration::from_micros(arguments.gather))?;
    println!("{report}");
    if let Some(path) = &arguments.flows {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let file: File = toml::from_str(&text).with_context(|| path.display().to_string())?;
        for Flow { left, right } in file.flow {
            let (left, right) = relay.add(left, right)?;
            println!("flow {left} {right}");
        }
    }
    if let Some(address) = arguments.control {
        if !address.ip().is_loopback() {
            bail!("the control socket obeys everybody who reaches it: give it a loopback address");
        }
        let socket = UdpSocket::bind(address).context("control socket")?;
        println!("control at {}", socket.local_addr()?);
        relay.obey(socket)?;
    }
    println!("relaying; Ctrl-C stops it");

    let started = Instant::now();
    let mut reported = started;
    loop {
        relay.turn(Duration::from_millis(100))?;
        if arguments.report.is_some_and(|every| reported.elapsed().as_secs() >= every) {
            println!("{}", relay.stats());
            reported = Instant::now();
        }
        if arguments.seconds.is_some_and(|seconds| started.elapsed().as_secs() >= seconds) {
            println!("{}", relay.stats());
            return Ok(());
        }
    }
}
