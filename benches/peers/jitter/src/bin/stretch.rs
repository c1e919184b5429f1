//! Makes a voice longer or shorter as the jitter buffer does: frame by frame, without looking ahead.
//!
//! `stretch PERCENT < IN > OUT`, both 8 kHz mono PCM of 16 bits.

use std::io::{Read, Write};

use jitter_buffer::audio::{Playback, Repetition};

const FRAME: usize = 160;
/// The highest voice's pitch period; the buffer wishes no less.
const LEAST: i32 = 20;

fn main() -> std::io::Result<()> {
    let percent = std::env::args().nth(1).and_then(|word| word.parse::<i32>().ok());
    let Some(percent) = percent.filter(|percent| (-20..=20).contains(percent)) else {
        eprintln!("stretch PERCENT < IN > OUT, with PERCENT from -20 to 20");
        std::process::exit(2);
    };
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let input: Vec<i16> =
        bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();

    let mut playback = Playback::new(8000, Repetition::new(8000));
    let mut out = std::io::stdout().lock();
    // What should have been added so far and was not, in hundredths of a sample.
    let mut owed = 0;
    for frame in input.chunks(FRAME) {
        owed += frame.len() as i32 * percent;
        // The buffer saves up 40 ms of stretching at most.
        let wish = (owed / 100).clamp(-320, 320);
        if wish.abs() >= LEAST {
            owed -= playback.frame(frame, wish) * 100;
        } else {
            playback.frame(frame, 0);
        }
        let mut sound = vec![0; playback.waiting()];
        playback.read(&mut sound);
        let bytes: Vec<u8> = sound.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        out.write_all(&bytes)?;
    }
    Ok(())
}
