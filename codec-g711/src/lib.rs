//! ITU-T G.711 A-law and mu-law, bit-exact with the reference of ITU-T G.191.
//!
//! ```
//! use codec_g711::{alaw, transcode, ulaw};
//!
//! let pcm: [i16; 160] = core::array::from_fn(|n| (n as i16 - 80) * 300);
//!
//! let mut codes = [0u8; 160];
//! alaw::encode(&pcm, &mut codes);
//!
//! let mut heard = [0i16; 160];
//! alaw::decode(&codes, &mut heard);
//! assert!(pcm.iter().zip(&heard).all(|(a, b)| a.abs_diff(*b) <= 512));
//!
//! // The other side of the call speaks mu-law.
//! transcode::alaw_to_ulaw_in_place(&mut codes);
//! assert_eq!(codes[0], transcode::alaw_to_ulaw_sample(alaw::encode_sample(pcm[0])));
//! assert_eq!(ulaw::decode_sample(codes[80]).signum(), 1);
//! ```
//!
//! Around the codec stand [`plc`] (packet loss concealment), [`noise`] (comfort noise), [`vad`] (voice
//! activity) and [`audio`] (mixing, gain, level). Slices are processed by the fastest [`kernel`] of the machine.
//!
//! Samples are 16-bit linear PCM at 8 kHz. No function panics, allocates or looks at anything but its
//! arguments: where an input and an output slice differ in length, the shorter one counts and the number
//! of samples written is returned.

#![no_std]
#![deny(unsafe_code)]
#![deny(missing_docs)]

#[cfg(test)]
extern crate std;

pub mod alaw;
pub mod audio;
#[allow(unsafe_code, reason = "vector intrinsics; each block says why it is sound")]
pub mod kernel;
mod math;
pub mod noise;
pub mod plc;
pub mod transcode;
pub mod ulaw;
pub mod vad;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
