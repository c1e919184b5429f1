//! Captures in the format that everybody reads (libpcap's, with nanoseconds).

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

/// A file being written.
pub struct Pcap(BufWriter<File>);

impl Pcap {
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| path.display().to_string())?;
        let mut out = BufWriter::new(file);
        // Magic, version 2.4, zone, accuracy, longest frame, Ethernet.
        for word in [0xa1b2_3c4d_u32, 2 | 4 << 16, 0, 0, 0x4_0000, 1] {
            out.write_all(&word.to_le_bytes())?;
        }
        Ok(Self(out))
    }

    pub fn write(&mut self, at: Duration, frame: &[u8]) -> Result<()> {
        let len = frame.len() as u32;
        for word in [at.as_secs() as u32, at.subsec_nanos(), len, len] {
            self.0.write_all(&word.to_le_bytes())?;
        }
        self.0.write_all(frame)?;
        Ok(())
    }

    pub fn flush(&mut self) -> Result<()> {
        Ok(self.0.flush()?)
    }
}
