//! Tells from a capture how calls sounded, and what is wrong with their media.

mod capture;
mod findings;
mod payload;
mod report;
mod signalling;
mod stream;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;

use payload::Formats;

/// Tells from a capture how calls sounded, and what is wrong with their media.
#[derive(Parser)]
struct Arguments {
    /// A pcap or pcapng file.
    file: PathBuf,
    /// One JSON document instead of text.
    #[arg(long)]
    json: bool,
    /// What a payload type is, such as 96=opus/48000, where the capture has no SDP that says it.
    #[arg(long = "payload", value_name = "TYPE=NAME/CLOCK", value_parser = payload::argument)]
    payloads: Vec<(u8, payload::Format)>,
    /// The network's delay one way in milliseconds, which a capture does not show, for the MOS.
    #[arg(long, value_name = "MS", default_value_t = 20)]
    delay: u16,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match examine(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("rtp-doctor: {}: {error:#}", arguments.file.display());
            ExitCode::from(2)
        }
    }
}

/// True when nothing looks wrong.
fn examine(arguments: &Arguments) -> anyhow::Result<bool> {
    let bytes = std::fs::read(&arguments.file).context("cannot be read")?;
    // Once for what payload types mean, and once to count by their clocks.
    let mut formats = Formats::new(&arguments.payloads);
    let mut signalled = signalling::Signalled::default();
    capture::read(&bytes, |seen| {
        if let capture::Seen::Datagram(datagram) = seen {
            signalled.look(&datagram);
            formats.look(&datagram);
        }
    })?;
    formats.decide(&signalled);
    let mut streams = stream::Streams::new(formats);
    capture::read(&bytes, |seen| streams.take(&seen))?;
    let streams = streams.finish();
    let findings = findings::all(&streams, &signalled);
    let delay = Duration::from_millis(arguments.delay.into());
    if arguments.json {
        println!("{}", report::json(&streams, &findings, delay));
    } else {
        print!("{}", report::text(&streams, &findings, delay));
    }
    Ok(findings.is_empty())
}
