//! G.711: a frame of 20 ms, by each law and kernel.

use codec_g711::kernel::Kernel;

/// Samples of a frame at 8 kHz.
pub const FRAME: usize = 160;

/// A law, a direction and a kernel, with what they work on.
#[derive(Clone, Debug)]
pub struct Frame {
    kernel: Option<Kernel>,
    pcm: [i16; FRAME],
    codes: [u8; FRAME],
}

/// A frame for the kernel of that name. Where the machine has no such kernel the jobs do nothing.
pub fn frame(kernel: &str) -> Frame {
    let kernel = Kernel::available().find(|known| known.name() == kernel);
    let mut frame = Frame { kernel, pcm: vowel(), codes: [0; FRAME] };
    Kernel::PORTABLE.alaw_encode(&frame.pcm, &mut frame.codes);
    frame
}

/// Encodes to A-law.
pub fn alaw_encode(frame: &mut Frame) {
    if let Some(kernel) = frame.kernel {
        kernel.alaw_encode(&frame.pcm, &mut frame.codes);
    }
}

/// Encodes to mu-law.
pub fn ulaw_encode(frame: &mut Frame) {
    if let Some(kernel) = frame.kernel {
        kernel.ulaw_encode(&frame.pcm, &mut frame.codes);
    }
}

/// Decodes from A-law.
pub fn alaw_decode(frame: &mut Frame) {
    if let Some(kernel) = frame.kernel {
        kernel.alaw_decode(&frame.codes, &mut frame.pcm);
    }
}

/// Decodes from mu-law.
pub fn ulaw_decode(frame: &mut Frame) {
    if let Some(kernel) = frame.kernel {
        kernel.ulaw_decode(&frame.codes, &mut frame.pcm);
    }
}

/// A vowel with a little noise: every magnitude that G.711 cuts differently occurs.
fn vowel() -> [i16; FRAME] {
    let mut noise = 1u32;
    std::array::from_fn(|n| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let time = n as f64 / 8_000.0;
        let harmonic = |k: f64| (time * 130.0 * k * std::f64::consts::TAU).sin() / k;
        let vowel: f64 = (1..6).map(|k| harmonic(f64::from(k))).sum();
        (vowel * 9_000.0) as i16 + (noise >> 24) as i16 - 128
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_does_something() {
        for kernel in Kernel::available() {
            let fresh = frame(kernel.name());
            let after = |job: fn(&mut Frame)| {
                let mut frame = Frame { codes: [0; FRAME], ..fresh.clone() };
                job(&mut frame);
                frame
            };
            assert_eq!(after(alaw_encode).codes, fresh.codes);
            assert_ne!(after(ulaw_encode).codes, fresh.codes);
            assert_eq!(after(alaw_decode).pcm, [-5504; FRAME]);
            assert_eq!(after(ulaw_decode).pcm, [-32124; FRAME]);
        }
    }
}
