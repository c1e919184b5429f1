//! Finds telephone digits in WAV files, and writes files that contain them.

mod sound;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::{Args, Parser, Subcommand};
use rtp_core::dtmf::{Detector, Digit, Event, Generator, GeneratorConfig};
use rtp_core::tone::Level;

/// Finds telephone digits in WAV files, and writes files that contain them.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Prints a line a digit: when it began and how long it lasted in milliseconds, and which it is.
    Decode(Decode),
    /// Writes digits as tones: 8 kHz, mono, 16 bits.
    Encode(Encode),
}

#[derive(Args)]
struct Decode {
    /// The channel to listen to, from 1; needed where there are several.
    #[arg(long)]
    channel: Option<u16>,
    /// Quieter digits are passed over, in dBm0 of both tones together.
    #[arg(long, default_value_t = -42.0, allow_negative_numbers = true)]
    min_level: f32,
    /// The file to read.
    file: PathBuf,
}

#[derive(Args)]
struct Encode {
    /// Length of a tone in milliseconds.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    tone: u16,
    /// Length of the silence before, between and after them in milliseconds.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(0..=10_000))]
    pause: u16,
    /// Level of the row's tone in dBm0.
    #[arg(long, default_value_t = -11.0, allow_negative_numbers = true)]
    low: f32,
    /// Level of the column's tone in dBm0.
    #[arg(long, default_value_t = -9.0, allow_negative_numbers = true)]
    high: f32,
    /// 0 to 9, *, #, A to D.
    digits: String,
    /// The file to write.
    file: PathBuf,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Decode(task) => decode(&task),
        Task::Encode(task) => encode(&task),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dtmf: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn decode(task: &Decode) -> anyhow::Result<()> {
    let audio = sound::read(&task.file, task.channel)?;
    let config = rtp_core::dtmf::DetectorConfig { min_level: Level(task.min_level) };
    let mut detector = Detector::new(config);
    let mut lines = String::new();
    let mut take = |event| {
        if let Event::Ended { digit, start, duration } = event {
            lines += &format!("{} {} {digit}\n", milliseconds(start), milliseconds(duration));
        }
    };
    for frame in audio.chunks(160) {
        detector.process(frame, &mut take);
    }
    detector.finish(&mut take);
    std::io::stdout().write_all(lines.as_bytes()).context("cannot write what was found")
}

fn milliseconds(duration: Duration) -> u128 {
    (duration.as_micros() + 500) / 1_000
}

fn encode(task: &Encode) -> anyhow::Result<()> {
    let digits: Vec<Digit> = task
        .digits
        .chars()
        .map(|key| {
            Digit::from_char(key)
                .with_context(|| format!("'{key}' is on no telephone; 0 to 9, *, # and A to D are"))
        })
        .collect::<anyhow::Result<_>>()?;
    ensure!(!digits.is_empty(), "there are no digits to write");
    let pause = Duration::from_millis(task.pause.into());
    let mut generator = Generator::new(GeneratorConfig {
        low: Level(task.low),
        high: Level(task.high),
        pause,
        max_queue: digits.len(),
    });
    for digit in &digits {
        generator.press(*digit, Duration::from_millis(task.tone.into()))?;
    }
    let mut audio = vec![0; usize::from(task.pause) * 8];
    while !generator.is_idle() {
        // Tones and pauses are whole milliseconds.
        let mut piece = [0; 8];
        generator.fill(&mut piece);
        audio.extend(piece);
    }
    write(&task.file, &audio)
}

fn write(path: &Path, audio: &[i16]) -> anyhow::Result<()> {
    let cannot = || format!("cannot write {}", path.display());
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).with_context(cannot)?;
    for sample in audio {
        writer.write_sample(*sample).with_context(cannot)?;
    }
    writer.finalize().with_context(cannot)
}
