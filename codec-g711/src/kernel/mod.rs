//! Vector kernels, and the choice among them.
//!
//! The functions of [`alaw`](crate::alaw), [`ulaw`](crate::ulaw), [`transcode`](crate::transcode) and
//! [`audio`] run on [`Kernel::best`], which looks at the processor once. To run on another one (for tests and measurements),
//! take it from [`Kernel::available`] and call its methods:
//!
//! ```
//! use codec_g711::kernel::Kernel;
//!
//! for kernel in Kernel::available() {
//!     let mut codes = [0; 3];
//!     kernel.alaw_encode(&[0, -1, 32767], &mut codes);
//!     assert_eq!(codes, [0xD5, 0x55, 0xAA], "{}", kernel.name());
//! }
//! ```

mod detect;
mod portable;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod half;
#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod sse;
#[cfg(target_arch = "x86_64")]
mod sums;
#[cfg(target_arch = "x86_64")]
mod tables;
#[cfg(target_arch = "x86_64")]
mod ulaw_float;

use crate::audio::{self, Gain, Level, Sums};
use crate::plc::{Match, Search};
use crate::transcode::Rule;

/// A set of instructions that this machine has been found to have.
///
/// A value of this type is proof that its instructions may be executed, so it can only be had from
/// [`best`](Self::best) and [`available`](Self::available). All kernels give the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kernel(Isa);

/// From the one that runs everywhere to the fastest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
enum Isa {
    Portable = 1,
    #[cfg(target_arch = "x86_64")]
    Sse2,
    #[cfg(target_arch = "x86_64")]
    Ssse3,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx512Fp16,
    #[cfg(target_arch = "aarch64")]
    Neon,
}

impl Isa {
    const ALL: &[Self] = &[
        Self::Portable,
        #[cfg(target_arch = "x86_64")]
        Self::Sse2,
        #[cfg(target_arch = "x86_64")]
        Self::Ssse3,
        #[cfg(target_arch = "x86_64")]
        Self::Avx2,
        #[cfg(target_arch = "x86_64")]
        Self::Avx512,
        #[cfg(target_arch = "x86_64")]
        Self::Avx512Fp16,
        #[cfg(target_arch = "aarch64")]
        Self::Neon,
    ];
}

/// Calls the function named for the instruction set.
macro_rules! dispatch {
    ($isa:expr, $arguments:tt, portable: $portable:path, sse2: $sse2:path, ssse3: $ssse3:path,
     avx2: $avx2:path, avx512: $avx512:path, fp16: $fp16:path, neon: $neon:path $(,)?) => {
        match $isa {
            Isa::Portable => $portable $arguments,
            // SAFETY: a variant is only made where `detect` has found the features that it stands for, and
            // the functions of its module are compiled with no others.
            #[cfg(target_arch = "x86_64")]
            Isa::Sse2 => unsafe { $sse2 $arguments },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Ssse3 => unsafe { $ssse3 $arguments },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => unsafe { $avx2 $arguments },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => unsafe { $avx512 $arguments },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Fp16 => unsafe { $fp16 $arguments },
            // SAFETY: as above.
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => unsafe { $neon $arguments },
        }
    };
}

#[allow(unused_unsafe, reason = "some sets have no kernel of their own for some tasks")]
impl Kernel {
    /// The kernel that runs on every machine.
    pub const PORTABLE: Self = Self(Isa::Portable);

    /// The fastest kernel of this machine. The processor is asked the first time only.
    #[inline]
    pub fn best() -> Self {
        Self(detect::best())
    }

    /// All kernels of this machine, slowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Isa::ALL.iter().copied().filter(|isa| detect::has(*isa)).map(Self)
    }

    /// A short name for logs and measurements, such as `avx2`.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Isa::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Isa::Sse2 => "sse2",
            #[cfg(target_arch = "x86_64")]
            Isa::Ssse3 => "ssse3",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => "avx512",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Fp16 => "avx512-fp16",
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => "neon",
        }
    }

    /// Encodes to A-law until one of the slices ends; returns how many samples were encoded.
    pub fn alaw_encode(self, pcm: &[i16], codes: &mut [u8]) -> usize {
        let (pcm, codes) = same_length(pcm, codes);
        dispatch!(self.0, (pcm, codes), portable: portable::alaw_encode, sse2: sse::alaw_encode,
            ssse3: sse::alaw_encode, avx2: avx2::alaw_encode, avx512: avx512::alaw_encode,
            fp16: avx512::alaw_encode_fp16, neon: neon::alaw_encode);
        pcm.len()
    }

    /// Decodes from A-law until one of the slices ends; returns how many codes were decoded.
    pub fn alaw_decode(self, codes: &[u8], pcm: &mut [i16]) -> usize {
        let (codes, pcm) = same_length(codes, pcm);
        dispatch!(self.0, (codes, pcm), portable: portable::alaw_decode, sse2: portable::alaw_decode,
            ssse3: sse::alaw_decode, avx2: avx2::alaw_decode, avx512: avx512::alaw_decode,
            fp16: avx512::alaw_decode, neon: neon::alaw_decode);
        codes.len()
    }

    /// Encodes to mu-law until one of the slices ends; returns how many samples were encoded.
    pub fn ulaw_encode(self, pcm: &[i16], codes: &mut [u8]) -> usize {
        let (pcm, codes) = same_length(pcm, codes);
        dispatch!(self.0, (pcm, codes), portable: portable::ulaw_encode, sse2: sse::ulaw_encode,
            ssse3: sse::ulaw_encode, avx2: avx2::ulaw_encode, avx512: avx512::ulaw_encode,
            fp16: avx512::ulaw_encode_fp16, neon: neon::ulaw_encode);
        pcm.len()
    }

    /// Decodes from mu-law until one of the slices ends; returns how many codes were decoded.
    pub fn ulaw_decode(self, codes: &[u8], pcm: &mut [i16]) -> usize {
        let (codes, pcm) = same_length(codes, pcm);
        dispatch!(self.0, (codes, pcm), portable: portable::ulaw_decode, sse2: portable::ulaw_decode,
            ssse3: sse::ulaw_decode, avx2: avx2::ulaw_decode, avx512: avx512::ulaw_decode,
            fp16: avx512::ulaw_decode, neon: neon::ulaw_decode);
        codes.len()
    }

    /// Converts A-law codes to mu-law until one of the slices ends; returns how many.
    pub fn alaw_to_ulaw(self, rule: Rule, alaw: &[u8], ulaw: &mut [u8]) -> usize {
        self.map(rule.alaw_to_ulaw(), alaw, ulaw)
    }

    /// Converts mu-law codes to A-law until one of the slices ends; returns how many.
    pub fn ulaw_to_alaw(self, rule: Rule, ulaw: &[u8], alaw: &mut [u8]) -> usize {
        self.map(rule.ulaw_to_alaw(), ulaw, alaw)
    }

    /// Converts A-law codes to mu-law where they are.
    pub fn alaw_to_ulaw_in_place(self, rule: Rule, codes: &mut [u8]) {
        self.map_in_place(rule.alaw_to_ulaw(), codes);
    }

    /// Converts mu-law codes to A-law where they are.
    pub fn ulaw_to_alaw_in_place(self, rule: Rule, codes: &mut [u8]) {
        self.map_in_place(rule.ulaw_to_alaw(), codes);
    }

    /// Adds streams and saturates, as [`audio::mix`].
    pub fn mix(self, streams: &[&[i16]], out: &mut [i16]) {
        dispatch!(self.0, (streams, out), portable: audio::add_up, sse2: sums::mix_sse2,
            ssse3: sums::mix_sse2, avx2: sums::mix_avx2, avx512: sums::mix_avx512,
            fp16: sums::mix_avx512, neon: audio::add_up);
    }

    /// Multiplies samples, as [`Gain::apply`].
    pub fn apply_gain(self, gain: Gain, samples: &mut [i16]) {
        let factor = gain.factor();
        dispatch!(self.0, (samples, factor), portable: audio::scale, sse2: audio::scale,
            ssse3: audio::scale, avx2: sums::scale_avx2, avx512: sums::scale_avx512,
            fp16: sums::scale_avx512, neon: audio::scale);
    }

    /// Measures samples, as [`Level::of`].
    pub fn level(self, samples: &[i16]) -> Level {
        let sums = dispatch!(self.0, (samples), portable: Sums::over, sse2: Sums::over,
            ssse3: Sums::over, avx2: sums::level_avx2, avx512: sums::level_avx512,
            fp16: sums::level_avx512, neon: Sums::over);
        Level::from_sums(sums, samples.len())
    }

    pub(crate) fn find_pitch(self, search: Search, past: &[i16]) -> Match {
        dispatch!(self.0, (search, past), portable: Search::run, sse2: Search::run,
            ssse3: Search::run, avx2: sums::find_pitch_avx2, avx512: sums::find_pitch_avx512,
            fp16: sums::find_pitch_avx512, neon: Search::run)
    }

    fn map(self, table: &[u8; 256], from: &[u8], to: &mut [u8]) -> usize {
        let (from, to) = same_length(from, to);
        dispatch!(self.0, (table, from, to), portable: portable::map, sse2: portable::map,
            ssse3: portable::map, avx2: portable::map, avx512: avx512::map, fp16: avx512::map,
            neon: neon::map);
        from.len()
    }

    fn map_in_place(self, table: &[u8; 256], bytes: &mut [u8]) {
        dispatch!(self.0, (table, bytes), portable: portable::map_in_place,
            sse2: portable::map_in_place, ssse3: portable::map_in_place,
            avx2: portable::map_in_place, avx512: avx512::map_in_place,
            fp16: avx512::map_in_place, neon: neon::map_in_place);
    }
}

fn same_length<'a, F, T>(from: &'a [F], to: &'a mut [T]) -> (&'a [F], &'a mut [T]) {
    let length = from.len().min(to.len());
    (&from[..length], &mut to[..length])
}
