//! Call progress and test tones.

mod level;
mod oscillator;

pub use level::Level;
pub use oscillator::Oscillator;

pub(crate) use oscillator::to_sample;
