//! Any WAV file as 8 kHz mono.

use std::io::Cursor;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use codec_g711::{alaw, ulaw};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, FixedAsync, Resampler, SincInterpolationParameters, WindowFunction};

/// WAVE format tags of G.711, which hound does not read.
const TAG_ALAW: u16 = 6;
const TAG_ULAW: u16 = 7;
/// What the detector takes.
const RATE: u32 = 8_000;
const RATES: std::ops::RangeInclusive<u32> = 6_000..=192_000;

/// What a file holds, channels interleaved, full scale at 32,768.
struct Sound {
    samples: Vec<f32>,
    channels: u16,
    rate: u32,
}

/// Reads a file; of several channels the one named, counted from 1.
pub(crate) fn read(path: &Path, channel: Option<u16>) -> anyhow::Result<Vec<i16>> {
    let name = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {name}"))?;
    let sound = match g711(&bytes) {
        Some(sound) => sound,
        None => pcm(&bytes).with_context(|| format!("cannot read {name} as a WAV file"))?,
    };
    let channel = match (sound.channels, channel) {
        (1, None) => 1,
        (channels, Some(channel)) if (1..=channels).contains(&channel) => channel,
        (channels, Some(_)) => bail!("{name} has channels 1 to {channels}"),
        (channels, None) => {
            bail!("{name} has {channels} channels; name the one to listen to: --channel 1")
        }
    };
    let first = usize::from(channel) - 1;
    let samples: Vec<f32> =
        sound.samples.into_iter().skip(first).step_by(sound.channels.into()).collect();
    let samples = match sound.rate {
        RATE => samples,
        rate if RATES.contains(&rate) => resample(&samples, rate)?,
        rate => bail!(
            "{name} has {rate} samples a second; {} to {} can be converted",
            RATES.start(),
            RATES.end()
        ),
    };
    // A cast saturates.
    Ok(samples.into_iter().map(|sample| sample.round() as i16).collect())
}

fn pcm(bytes: &[u8]) -> anyhow::Result<Sound> {
    let mut reader = hound::WavReader::new(Cursor::new(bytes))?;
    let spec = reader.spec();
    let samples: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader
            .samples::<f32>()
            .map(|sample| sample.map(|s| s * 32_768.0))
            .collect::<Result<_, _>>()?,
        hound::SampleFormat::Int => {
            let scale = 32_768.0 / 2f64.powi(i32::from(spec.bits_per_sample) - 1);
            reader
                .samples::<i32>()
                .map(|sample| sample.map(|s| (f64::from(s) * scale) as f32))
                .collect::<Result<_, _>>()?
        }
    };
    ensure!(spec.channels > 0, "it has no channel");
    Ok(Sound { samples, channels: spec.channels, rate: spec.sample_rate })
}

/// A WAV file of A-law or mu-law; `None` for any other.
fn g711(bytes: &[u8]) -> Option<Sound> {
    let mut rest = bytes.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WAVE")?;
    let mut format = None;
    loop {
        let (header, after) = rest.split_first_chunk::<8>()?;
        let [kind @ .., a, b, c, d] = *header;
        let length = usize::try_from(u32::from_le_bytes([a, b, c, d])).ok()?;
        // A writer that could not seek back leaves the length open; the file ends the data then.
        let chunk = after.get(..length).unwrap_or(after);
        match &kind {
            b"fmt " => {
                let word = |at: usize| Some(u16::from_le_bytes(*chunk.get(at..)?.first_chunk()?));
                let rate = u32::from_le_bytes(*chunk.get(4..)?.first_chunk()?);
                format = Some((word(0)?, word(2).filter(|channels| *channels > 0)?, rate));
            }
            b"data" => {
                let (tag, channels, rate) = format?;
                let mut decoded = vec![0; chunk.len()];
                match tag {
                    TAG_ALAW => alaw::decode(chunk, &mut decoded),
                    TAG_ULAW => ulaw::decode(chunk, &mut decoded),
                    _ => return None,
                };
                let samples = decoded.into_iter().map(f32::from).collect();
                return Some(Sound { samples, channels, rate });
            }
            _ => {}
        }
        // Chunks are padded to even lengths.
        rest = after.get(length.checked_add(length % 2)?..)?;
    }
}

fn resample(samples: &[f32], rate: u32) -> anyhow::Result<Vec<f32>> {
    let ratio = f64::from(RATE) / f64::from(rate);
    let parameters = SincInterpolationParameters::new(128, WindowFunction::BlackmanHarris2);
    let mut resampler =
        Async::<f32>::new_sinc(ratio, 1.0, &parameters, 1_024, 1, FixedAsync::Input)?;
    let input = InterleavedSlice::new(samples, 1, samples.len())?;
    Ok(resampler.process_all(&input, samples.len(), None)?.take_data())
}
