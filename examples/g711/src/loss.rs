//! Which frames are lost.

use std::path::Path;

use anyhow::bail;

use crate::read_file;

/// ITU-T G.192 words of frames that arrived and that did not.
const GOOD: [u8; 2] = [0x21, 0x6B];
const BAD: [u8; 2] = [0x20, 0x6B];

/// One mark a frame.
pub(crate) struct Losses {
    lost: Vec<bool>,
    repeats: bool,
}

impl Losses {
    /// Nothing is lost.
    pub(crate) fn none() -> Self {
        Self { lost: Vec::new(), repeats: false }
    }

    /// Reads a text of zeros and ones, or a G.192 pattern.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = read_file(path)?;
        if let (words, []) = bytes.as_chunks::<2>()
            && !words.is_empty()
            && words.iter().all(|word| [GOOD, BAD].contains(word))
        {
            return Ok(Self {
                lost: words.iter().map(|word| *word == BAD).collect(),
                repeats: true,
            });
        }
        let mut lost = Vec::new();
        for (line, text) in bytes.split(|byte| *byte == b'\n').enumerate() {
            for byte in text {
                match byte {
                    b'0' => lost.push(false),
                    b'1' => lost.push(true),
                    byte if byte.is_ascii_whitespace() => {}
                    byte => bail!(
                        "{}, line {}: '{}' is neither 0 (frame arrived) nor 1 (frame lost)",
                        path.display(),
                        line + 1,
                        byte.escape_ascii()
                    ),
                }
            }
        }
        if lost.is_empty() {
            bail!(
                "{} is empty; write one 0 (frame arrived) or 1 (frame lost) a frame",
                path.display()
            );
        }
        Ok(Self { lost, repeats: false })
    }

    /// Whether a frame is lost; frames beyond the end of a text arrive.
    pub(crate) fn is_lost(&self, number: usize) -> bool {
        let at = if self.repeats { number % self.lost.len() } else { number };
        self.lost.get(at).copied().unwrap_or(false)
    }

    /// How many marks are left over, if any.
    pub(crate) fn unused(&self, frames: usize) -> Option<usize> {
        let unused = self.lost.len().checked_sub(frames)?;
        (!self.repeats && unused > 0).then_some(unused)
    }
}
