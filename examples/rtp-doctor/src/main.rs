//! Tells from a capture how calls sounded, and what is wrong with their media.

mod capture;
mod findings;
mod in_band;
mod payload;
mod report;
mod secret;
mod signalling;
mod stream;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;

use payload::Formats;
use rtp_core::demux::{Kind, classify};
use rtp_core::srtp::MasterKey;

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
    /// A key of SRTP in the capture, such as AES_CM_128_HMAC_SHA1_80: with key and salt in
    /// hexadecimal behind; one for each direction.
    #[arg(long = "srtp", value_name = "SUITE:HEX", value_parser = secret::argument)]
    keys: Vec<MasterKey>,
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
    read(&bytes, &arguments.keys, |seen| {
        if let capture::Seen::Datagram(datagram) = seen {
            signalled.look(&datagram);
            formats.look(&datagram);
        }
    })?;
    formats.decide(&signalled);
    let mut streams = stream::Streams::new(formats);
    read(&bytes, &arguments.keys, |seen| streams.take(&seen))?;
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

/// What a capture holds, with the protection taken off where a key fits.
fn read(
    bytes: &[u8],
    keys: &[MasterKey],
    mut take: impl FnMut(capture::Seen<'_>),
) -> anyhow::Result<()> {
    let mut secrets = secret::Secrets::new(keys)?;
    capture::read(bytes, |seen| match seen {
        capture::Seen::Datagram(datagram) => {
            let payload = match classify(datagram.payload) {
                Kind::Rtp => secrets.open(datagram.payload, false),
                Kind::Rtcp => secrets.open(datagram.payload, true),
                _ => datagram.payload,
            };
            take(capture::Seen::Datagram(capture::Datagram { payload, ..datagram }));
        }
        other => take(other),
    })
}
