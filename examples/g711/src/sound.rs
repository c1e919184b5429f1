//! Sound files: WAV (PCM and G.711) and raw. The usual WAV crates know no G.711, hence this one.

use std::path::Path;

use anyhow::{Context, bail, ensure};

use crate::{Law, read_file};

/// What a file holds.
pub(crate) enum Sound {
    Pcm(Vec<i16>),
    Codes(Law, Vec<u8>),
}

/// WAVE format tags.
const TAG_PCM: u16 = 1;
const TAG_ALAW: u16 = 6;
const TAG_ULAW: u16 = 7;
const TAG_EXTENSIBLE: u16 = 0xFFFE;
const RATE: u32 = 8000;

/// Reads samples.
pub(crate) fn read_pcm(path: &Path) -> anyhow::Result<Vec<i16>> {
    let bytes = read_file(path)?;
    if !is_wav(path) {
        return samples(path, &bytes);
    }
    match parse_wav(path, &bytes)? {
        Sound::Pcm(pcm) => Ok(pcm),
        Sound::Codes(..) => bail!(
            "{} holds G.711 codes already; use `decode` to get samples or `transcode` for the other law",
            path.display()
        ),
    }
}

/// Reads codes of a law.
pub(crate) fn read_codes(path: &Path, law: Law) -> anyhow::Result<Vec<u8>> {
    match read_either(path, law)? {
        Sound::Codes(_, codes) => Ok(codes),
        Sound::Pcm(_) => {
            bail!("{} holds PCM samples, not codes; use `encode` first", path.display())
        }
    }
}

/// Reads codes of a law, or the samples of a PCM WAV file.
pub(crate) fn read_either(path: &Path, law: Law) -> anyhow::Result<Sound> {
    let bytes = read_file(path)?;
    if !is_wav(path) {
        return Ok(Sound::Codes(law, bytes));
    }
    let sound = parse_wav(path, &bytes)?;
    if let Sound::Codes(found, _) = &sound {
        ensure!(
            *found == law,
            "{} says that it is {}-law; use --law {}",
            path.display(),
            letter(*found),
            letter(*found)
        );
    }
    Ok(sound)
}

/// Writes a WAV file or a raw one, as the name says.
pub(crate) fn write(path: &Path, sound: &Sound) -> anyhow::Result<()> {
    let (tag, sample_bytes, data) = match sound {
        Sound::Pcm(pcm) => {
            (TAG_PCM, 2, pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect())
        }
        Sound::Codes(Law::A, codes) => (TAG_ALAW, 1, codes.clone()),
        Sound::Codes(Law::U, codes) => (TAG_ULAW, 1, codes.clone()),
    };
    let bytes = if is_wav(path) { wav(tag, sample_bytes, &data)? } else { data };
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

fn is_wav(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("wav"))
}

fn letter(law: Law) -> char {
    match law {
        Law::A => 'a',
        Law::U => 'u',
    }
}

fn samples(path: &Path, bytes: &[u8]) -> anyhow::Result<Vec<i16>> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    ensure!(
        rest.is_empty(),
        "{} has an odd number of bytes, so it holds no 16-bit samples",
        path.display()
    );
    Ok(pairs.iter().map(|pair| i16::from_le_bytes(*pair)).collect())
}

fn parse_wav(path: &Path, bytes: &[u8]) -> anyhow::Result<Sound> {
    let name = path.display();
    let broken = || format!("{name} is not a whole WAV file");
    ensure!(
        bytes.get(..4) == Some(b"RIFF") && bytes.get(8..12) == Some(b"WAVE"),
        "{name} is not a WAV file; rename it if it is raw"
    );
    let mut rest = &bytes[12..];
    let mut format = None;
    loop {
        let (header, after) = rest.split_first_chunk::<8>().with_context(broken)?;
        let [kind @ .., a, b, c, d] = *header;
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        match &kind {
            b"fmt " => {
                format = Some(
                    Format::parse(after.get(..length).with_context(broken)?)
                        .with_context(broken)?,
                )
            }
            b"data" => {
                let format = format.with_context(broken)?;
                format.check(path)?;
                // A writer that could not seek back leaves the length open; the file ends the data then.
                let data = after.get(..length).unwrap_or(after);
                return match format.tag {
                    TAG_PCM => Ok(Sound::Pcm(samples(path, data)?)),
                    TAG_ALAW => Ok(Sound::Codes(Law::A, data.to_vec())),
                    _ => Ok(Sound::Codes(Law::U, data.to_vec())),
                };
            }
            _ => {}
        }
        // Chunks are padded to even lengths.
        rest = after.get(length.saturating_add(length % 2)..).with_context(broken)?;
    }
}

#[derive(Clone, Copy)]
struct Format {
    tag: u16,
    channels: u16,
    rate: u32,
    bits: u16,
}

impl Format {
    fn parse(chunk: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u16::from_le_bytes(*chunk.get(at..)?.first_chunk()?));
        let tag = match word(0)? {
            TAG_EXTENSIBLE => word(24)?,
            tag => tag,
        };
        let rate = u32::from_le_bytes(*chunk.get(4..)?.first_chunk()?);
        Some(Self { tag, channels: word(2)?, rate, bits: word(14)? })
    }

    /// Refuses what this program does not convert, and says how to get what it does.
    fn check(self, path: &Path) -> anyhow::Result<()> {
        let bits = match self.tag {
            TAG_PCM => 16,
            TAG_ALAW | TAG_ULAW => 8,
            _ => 0,
        };
        if self.channels == 1 && self.rate == RATE && self.bits == bits {
            return Ok(());
        }
        let coding = match self.tag {
            TAG_PCM => "PCM",
            3 => "floating point",
            TAG_ALAW => "A-law",
            TAG_ULAW => "mu-law",
            _ => "of another coding",
        };
        let name = path.display();
        bail!(
            "{name} is {} Hz, {} channel(s), {} bits, {coding}; 8000 Hz mono of 16-bit PCM or G.711 is needed. \
             Convert it: sox {name} -r 8000 -c 1 -b 16 -e signed-integer converted.wav",
            self.rate,
            self.channels,
            self.bits
        )
    }
}

fn wav(tag: u16, sample_bytes: u16, data: &[u8]) -> anyhow::Result<Vec<u8>> {
    let samples = data.len() / usize::from(sample_bytes);
    // Only PCM may leave out the length of the extension and the number of samples.
    let extra: Vec<u8> = if tag == TAG_PCM {
        Vec::new()
    } else {
        let mut extra = Vec::new();
        extra.extend(0u16.to_le_bytes());
        extra
    };
    let fact: Vec<u8> = if tag == TAG_PCM {
        Vec::new()
    } else {
        let mut fact = b"fact".to_vec();
        fact.extend(4u32.to_le_bytes());
        fact.extend(u32::try_from(samples).context("too long for a WAV file")?.to_le_bytes());
        fact
    };
    let padding = data.len() % 2;
    let size = 4 + 8 + 16 + extra.len() + fact.len() + 8 + data.len() + padding;
    let size = u32::try_from(size).context("too long for a WAV file")?;

    let mut bytes = Vec::with_capacity(size as usize + 8);
    bytes.extend(b"RIFF");
    bytes.extend(size.to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend((16 + extra.len() as u32).to_le_bytes());
    bytes.extend(tag.to_le_bytes());
    bytes.extend(1u16.to_le_bytes());
    bytes.extend(RATE.to_le_bytes());
    bytes.extend((RATE * u32::from(sample_bytes)).to_le_bytes());
    bytes.extend(sample_bytes.to_le_bytes());
    bytes.extend((sample_bytes * 8).to_le_bytes());
    bytes.extend(extra);
    bytes.extend(fact);
    bytes.extend(b"data");
    bytes.extend((data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes.extend(std::iter::repeat_n(0, padding));
    Ok(bytes)
}
