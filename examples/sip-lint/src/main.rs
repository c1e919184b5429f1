//! Says what is wrong with SIP messages and session descriptions, where, and what a UAS would answer.

mod capture;
mod description;
mod input;
mod inspect;
mod judge;
mod report;
mod streams;
mod uas;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use input::Piece;
use report::Report;

/// Says what is wrong with SIP messages, where, and what a user agent server would answer.
///
/// Each file holds one message, as it would come in a datagram; a capture (pcap, pcapng) may hold many.
#[derive(Parser)]
#[command(version)]
struct Cli {
    /// Write one JSON object a message, each on its line.
    #[arg(long)]
    json: bool,
    /// The files are session descriptions (SDP), not messages.
    #[arg(long)]
    sdp: bool,
    /// Files to judge; - is the standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever reads our output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sip-lint: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Judges all files; says whether each could be.
fn run(cli: &Cli) -> io::Result<bool> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut all = true;
    for file in &cli.files {
        let outcome = input::read(file).and_then(|bytes| {
            input::pieces(file, bytes, cli.sdp, |piece| Ok(write(cli, &piece, &mut out)?))
        });
        let error = match outcome {
            Ok(left) => {
                for note in left.notes() {
                    out.flush()?;
                    eprintln!("sip-lint: {}: {note}", file.display());
                }
                continue;
            }
            Err(error) => error,
        };
        if let Some(broken) = error.downcast_ref::<io::Error>()
            && broken.kind() == io::ErrorKind::BrokenPipe
        {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        out.flush()?;
        eprintln!("sip-lint: {}: {error:#}", file.display());
        all = false;
    }
    out.flush()?;
    Ok(all)
}

fn write(cli: &Cli, piece: &Piece, out: &mut impl Write) -> io::Result<()> {
    let verdict =
        if cli.sdp { description::judge(&piece.bytes) } else { judge::message(&piece.bytes) };
    let report = Report { file: &piece.name, verdict };
    if cli.json { report.json(out) } else { report.text(out) }
}
