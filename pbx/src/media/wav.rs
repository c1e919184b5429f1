//! WAV files: prompts are read, recordings are written.

use std::path::Path;

use super::Audio;

/// The only sample rate of prompts and recordings, in hertz.
pub const RATE: u32 = 8_000;

/// Why a file cannot be played.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WavError {
    /// It cannot be read, or is no WAV file.
    #[error(transparent)]
    Unreadable(#[from] hound::Error),
    /// Its format is another one.
    #[error(
        "is {rate} Hz, {channels} channels, {bits} bits; it has to be 8000 Hz, mono, 16 bits: \
         `sox IN.wav -r 8000 -c 1 -b 16 OUT.wav` makes it so"
    )]
    Format {
        /// Samples a second.
        rate: u32,
        /// Channels.
        channels: u16,
        /// Bits a sample.
        bits: u16,
    },
}

/// Reads a prompt: 8 kHz, mono, 16 bits.
///
/// # Errors
///
/// [`WavError`], which says what to do.
pub fn read(path: &Path) -> Result<Audio, WavError> {
    let mut reader = hound::WavReader::open(path)?;
    let spec = reader.spec();
    let fits = spec.sample_rate == RATE
        && spec.channels == 1
        && spec.bits_per_sample == 16
        && spec.sample_format == hound::SampleFormat::Int;
    if !fits {
        return Err(WavError::Format {
            rate: spec.sample_rate,
            channels: spec.channels,
            bits: spec.bits_per_sample,
        });
    }
    let samples: Vec<i16> = reader.samples::<i16>().collect::<Result<_, _>>()?;
    Ok(Audio { samples: samples.into(), repeat: false })
}

/// A recording on its way to a file.
pub struct Writer(hound::WavWriter<std::io::BufWriter<std::fs::File>>);

impl Writer {
    /// Begins a file of `channels` channels.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn create(path: &Path, channels: u16) -> Result<Self, WavError> {
        let spec = hound::WavSpec {
            channels,
            sample_rate: RATE,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        Ok(Self(hound::WavWriter::create(path, spec)?))
    }

    /// Appends samples.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&mut self, samples: &[i16]) -> Result<(), WavError> {
        for sample in samples {
            self.0.write_sample(*sample)?;
        }
        Ok(())
    }

    /// Completes the file's header.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn finish(self) -> Result<(), WavError> {
        Ok(self.0.finalize()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let mut writer = Writer::create(&path, 1).unwrap();
        writer.write(&[1, -2, 3]).unwrap();
        writer.finish().unwrap();
        assert_eq!(&*read(&path).unwrap().samples, [1, -2, 3]);
    }

    #[test]
    fn another_format_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        let mut writer = Writer::create(&path, 2).unwrap();
        writer.write(&[1, 2]).unwrap();
        writer.finish().unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("2 channels") && error.contains("sox"), "{error}");
    }
}
