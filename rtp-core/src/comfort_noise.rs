//! Comfort noise: what the silence of the other side sounds like (RFC 3389).
//!
//! A packet (payload type 13 at 8 kHz) says how loud the noise is and, if it likes, what colour it has: the
//! reflection coefficients of an all-pole filter. It is sent where silence begins and when the noise changes;
//! making noise of it is the business of whoever plays it.
//!
//! ```
//! use rtp_core::comfort_noise::ComfortNoise;
//!
//! let noise = ComfortNoise::white(60);
//! let mut payload = [0; 4];
//! assert_eq!(noise.write(&mut payload), Ok(1));
//! assert_eq!(ComfortNoise::parse(&payload[..1])?.level(), 60);
//! # Ok::<(), rtp_core::comfort_noise::ComfortNoiseError>(())
//! ```

/// Reflection coefficients that are written at most, and that a receiver should need.
pub const MAX_ORDER: usize = 10;

/// The noise that one packet describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComfortNoise<'a> {
    level: u8,
    coefficients: &'a [u8],
}

impl<'a> ComfortNoise<'a> {
    /// White noise of so many dB below overload (dBov), 0 to 127; more is taken as 127.
    ///
    /// The overload point is the power of a square wave of full scale (RFC 3389 section 3.1): a sine that
    /// just does not clip has -3 dBov, and 0 dBm0 are -6.15 dBov in A-law.
    pub fn white(level: u8) -> ComfortNoise<'static> {
        ComfortNoise { level: level.min(127), coefficients: &[] }
    }

    /// Noise with a spectrum, as quantized coefficients (see [`quantize`]); those beyond [`MAX_ORDER`] are left
    /// off, which a receiver may do as well.
    pub fn coloured(level: u8, coefficients: &'a [u8]) -> ComfortNoise<'a> {
        let order = coefficients.len().min(MAX_ORDER);
        ComfortNoise { level: level.min(127), coefficients: &coefficients[..order] }
    }

    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// [`ComfortNoiseError::Empty`]: the peer's fault; the packet is to be dropped.
    pub fn parse(payload: &'a [u8]) -> Result<ComfortNoise<'a>, ComfortNoiseError> {
        let (level, coefficients) = payload.split_first().ok_or(ComfortNoiseError::Empty)?;
        // The first bit is to be ignored (section 3.1).
        Ok(ComfortNoise { level: level & 0x7f, coefficients })
    }

    /// Writes the payload to the front of a buffer and returns its length.
    ///
    /// # Errors
    ///
    /// [`ComfortNoiseError::BufferTooSmall`]: the caller's misuse.
    pub fn write(&self, buffer: &mut [u8]) -> Result<usize, ComfortNoiseError> {
        let needed = 1 + self.coefficients.len();
        let Some((level, rest)) = buffer.get_mut(..needed).and_then(<[u8]>::split_first_mut) else {
            return Err(ComfortNoiseError::BufferTooSmall { needed });
        };
        *level = self.level;
        rest.copy_from_slice(self.coefficients);
        Ok(needed)
    }

    /// dB below overload, 0 to 127.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// The mean square of 16-bit samples of this level.
    pub fn mean_square(&self) -> f32 {
        32_768.0 * 32_768.0 * libm::powf(10.0, -f32::from(self.level) / 10.0)
    }

    /// The reflection coefficients, each between -1 and 1, the first first; none is white.
    pub fn coefficients(&self) -> impl ExactSizeIterator<Item = f32> + use<'a> {
        self.coefficients.iter().map(|quantized| dequantize(*quantized))
    }

    /// The order of the filter.
    pub fn order(&self) -> usize {
        self.coefficients.len()
    }
}

/// The level of a piece of noise in dB below overload, 0 to 127, as [`ComfortNoise::white`] takes it.
pub fn level_of(samples: &[i16]) -> u8 {
    let energy: f32 = samples.iter().map(|sample| f32::from(*sample) * f32::from(*sample)).sum();
    let mean_square = energy / samples.len().max(1) as f32;
    if mean_square <= 0.0 {
        return 127;
    }
    let below = -10.0 * libm::log10f(mean_square / (32_768.0 * 32_768.0));
    libm::roundf(below.clamp(0.0, 127.0)) as u8
}

/// A reflection coefficient as an octet: 127 is zero, a step is 258/32768 (RFC 3389 section 3.2).
pub fn quantize(coefficient: f32) -> u8 {
    let steps = coefficient * (32_768.0 / 258.0) + 127.0;
    if steps.is_nan() { 127 } else { libm::roundf(steps.clamp(0.0, 254.0)) as u8 }
}

/// The coefficient that an octet stands for. 255 is reserved and taken as 254.
pub fn dequantize(quantized: u8) -> f32 {
    258.0 * (f32::from(quantized.min(254)) - 127.0) / 32_768.0
}

/// Why a payload was not read or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ComfortNoiseError {
    /// The peer sent a payload without a level.
    #[error("comfort noise payload is empty")]
    Empty,
    /// The caller's buffer does not hold the payload.
    #[error("comfort noise payload needs {needed} octets")]
    BufferTooSmall {
        /// Octets that it needs.
        needed: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn the_octets_are_the_rfcs() {
        // The reserved bit is ignored; 127 is zero, 0 and 254 are the ends.
        let noise = ComfortNoise::parse(&[0x80 | 72, 127, 0, 254, 255]).unwrap();
        assert_eq!((noise.level(), noise.order()), (72, 4));
        let coefficients: Vec<f32> = noise.coefficients().collect();
        assert_eq!(coefficients[0], 0.0);
        assert!((coefficients[1] + 0.99994).abs() < 1e-4);
        assert!((coefficients[2] - 0.99994).abs() < 1e-4);
        assert_eq!(coefficients[3], coefficients[2]);
        assert_eq!(ComfortNoise::parse(&[]), Err(ComfortNoiseError::Empty));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let noise = ComfortNoise::coloured(200, &[127; 20]);
        assert_eq!((noise.level(), noise.order()), (127, MAX_ORDER));
        let needed = ComfortNoiseError::BufferTooSmall { needed: 11 };
        assert_eq!(noise.write(&mut [0; 10]), Err(needed));
        assert_eq!(noise.write(&mut [0; 11]), Ok(11));
        assert!(ComfortNoise::white(1).write(&mut []).is_err());
    }

    #[test]
    fn levels_are_below_overload() {
        assert_eq!(level_of(&[0; 160]), 127);
        assert_eq!(level_of(&[]), 127);
        assert_eq!(level_of(&[i16::MIN; 160]), 0);
        // 32768 / 1000 are 30.3 dB.
        let square: Vec<i16> = (0..160).map(|n| if n % 2 == 0 { 1_000 } else { -1_000 }).collect();
        assert_eq!(level_of(&square), 30);
        assert!((ComfortNoise::white(30).mean_square() / 1e6 - 1.0737).abs() < 0.001);
    }

    proptest! {
        #[test]
        fn writing_and_reading_again_gives_the_same(
            level in 0u8..=127,
            coefficients in proptest::collection::vec(-1.0f32..1.0, 0..MAX_ORDER),
        ) {
            let quantized: Vec<u8> = coefficients.iter().map(|k| quantize(*k)).collect();
            let noise = ComfortNoise::coloured(level, &quantized);
            let mut buffer = [0; 11];
            let length = noise.write(&mut buffer).unwrap();
            let read = ComfortNoise::parse(&buffer[..length]).unwrap();
            prop_assert_eq!(read, noise);
            for (read, meant) in read.coefficients().zip(coefficients) {
                prop_assert!((read - meant).abs() <= 129.0 / 32_768.0 + 1e-6);
            }
        }
    }
}
