//! Encodes, decodes, transcodes and conceals G.711 files.

mod loss;
mod sound;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};
use codec_g711::plc::{DELAY, Mode, Plc};
use codec_g711::{alaw, transcode, ulaw};
use loss::Losses;
use sound::Sound;

/// Samples a millisecond at 8 kHz.
const SAMPLES_A_MS: usize = 8;

/// Encodes, decodes, transcodes and conceals G.711 files.
///
/// A file whose name ends in .wav is a WAV file of 8 kHz, mono: 16-bit PCM or G.711. Any other file is raw:
/// 16-bit little-endian samples where it holds PCM, one byte a sample where it holds codes.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// PCM to codes of the law.
    Encode(Conversion),
    /// Codes of the law to PCM.
    Decode(Conversion),
    /// Codes of the law to codes of the other law, by the tables of ITU-T G.711.
    Transcode(Conversion),
    /// Codes of the law to PCM, with lost frames concealed. A WAV input may hold PCM as well.
    Plc(Concealment),
}

#[derive(Args)]
struct Conversion {
    /// The law of the coded side; of the input when transcoding.
    #[arg(long, value_enum)]
    law: Law,
    /// The file to read.
    input: PathBuf,
    /// The file to write.
    output: PathBuf,
}

#[derive(Args)]
struct Concealment {
    #[command(flatten)]
    files: Conversion,
    /// A text with one 0 (arrived) or 1 (lost) a frame, or an ITU-T G.192 pattern (which repeats). Without
    /// it, nothing is lost.
    #[arg(long)]
    loss: Option<PathBuf>,
    /// Length of a frame in milliseconds, 5 to 60.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(5..=60))]
    frame: u8,
    /// How gaps are filled.
    #[arg(long, value_enum, default_value_t = Filling::TwoSided)]
    mode: Filling,
}

/// A law of G.711.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Law {
    /// A-law (PCMA).
    A,
    /// mu-law (PCMU).
    U,
}

#[derive(Clone, Copy, ValueEnum)]
enum Filling {
    /// From both sides, the library's default.
    TwoSided,
    /// As ITU-T G.711 Appendix I.
    AppendixI,
}

impl Law {
    fn other(self) -> Self {
        match self {
            Self::A => Self::U,
            Self::U => Self::A,
        }
    }

    fn encode(self, pcm: &[i16]) -> Vec<u8> {
        let mut codes = vec![0; pcm.len()];
        match self {
            Self::A => alaw::encode(pcm, &mut codes),
            Self::U => ulaw::encode(pcm, &mut codes),
        };
        codes
    }

    fn decode(self, codes: &[u8]) -> Vec<i16> {
        let mut pcm = vec![0; codes.len()];
        match self {
            Self::A => alaw::decode(codes, &mut pcm),
            Self::U => ulaw::decode(codes, &mut pcm),
        };
        pcm
    }
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("g711: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<()> {
    match task {
        Task::Encode(Conversion { law, input, output }) => {
            let codes = law.encode(&sound::read_pcm(&input)?);
            sound::write(&output, &Sound::Codes(law, codes))
        }
        Task::Decode(Conversion { law, input, output }) => {
            let pcm = law.decode(&sound::read_codes(&input, law)?);
            sound::write(&output, &Sound::Pcm(pcm))
        }
        Task::Transcode(Conversion { law, input, output }) => {
            let mut codes = sound::read_codes(&input, law)?;
            match law {
                Law::A => transcode::alaw_to_ulaw_in_place(&mut codes),
                Law::U => transcode::ulaw_to_alaw_in_place(&mut codes),
            }
            sound::write(&output, &Sound::Codes(law.other(), codes))
        }
        Task::Plc(task) => conceal(&task),
    }
}

fn conceal(task: &Concealment) -> anyhow::Result<()> {
    let Conversion { law, input, output } = &task.files;
    let pcm = match sound::read_either(input, *law)? {
        // What is heard has gone through the codec.
        Sound::Pcm(pcm) => law.decode(&law.encode(&pcm)),
        Sound::Codes(_, codes) => law.decode(&codes),
    };
    let losses = match &task.loss {
        Some(path) => Losses::read(path)?,
        None => Losses::none(),
    };
    let mut plc = Plc::new(match task.mode {
        Filling::TwoSided => Mode::TwoSided,
        Filling::AppendixI => Mode::AppendixI,
    });
    let length = usize::from(task.frame) * SAMPLES_A_MS;
    let mut heard = Vec::with_capacity(pcm.len() + DELAY);
    let mut lost = 0;
    for (number, frame) in pcm.chunks(length).enumerate() {
        let mut frame = frame.to_vec();
        if losses.is_lost(number) {
            lost += 1;
            plc.conceal(&mut frame);
        } else {
            plc.good_frame(&mut frame);
        }
        heard.extend(frame);
    }
    // The output runs behind the input; what is still inside is pushed out and the start left off.
    let mut rest = [0; DELAY];
    plc.good_frame(&mut rest);
    heard.extend(rest);
    let heard = heard.split_off(DELAY);
    ensure!(heard.len() == pcm.len(), "the output has another length than the input");

    sound::write(output, &Sound::Pcm(heard))?;
    let frames = pcm.len().div_ceil(length);
    eprintln!("{lost} of {frames} frames of {} ms concealed", task.frame);
    if let Some(unused) = losses.unused(frames) {
        eprintln!("note: the loss file holds {unused} frames more than the input");
    }
    Ok(())
}

/// Adds the name of a file to an error about it.
fn about(path: &std::path::Path) -> String {
    path.display().to_string()
}

fn read_file(path: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", about(path)))
}
