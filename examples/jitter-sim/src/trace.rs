//! A trace: when packets were sent and when they came.

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// Timestamp units a second.
pub(crate) const CLOCK_RATE: u32 = 8000;

/// A packet as a line of the trace has it. A duplicate is a line of the same index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) index: usize,
    /// In µs since the trace's zero, like `arrived`.
    pub(crate) sent: i64,
    /// `None` when it was lost.
    pub(crate) arrived: Option<i64>,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    pub(crate) marker: bool,
}

/// Packets in the order of arrival, and lost ones last.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) packets: Vec<Packet>,
}

impl Trace {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
        let mut text = String::new();
        let result = if path.extension().is_some_and(|extension| extension == "gz") {
            flate2::read::MultiGzDecoder::new(file).read_to_string(&mut text)
        } else {
            io::BufReader::new(file).read_to_string(&mut text)
        };
        result.with_context(|| format!("reading {}", path.display()))?;
        let mut trace = Self::default();
        for (number, line) in text.lines().enumerate() {
            // A heading is no packet.
            if line.is_empty() || number == 0 && line.starts_with(|c: char| c.is_alphabetic()) {
                continue;
            }
            let packet =
                parse(line).with_context(|| format!("{}:{}", path.display(), number + 1))?;
            trace.packets.push(packet);
        }
        if trace.packets.iter().all(|packet| packet.arrived.is_none()) {
            bail!("{}: no packet arrived", path.display());
        }
        trace.sort();
        Ok(trace)
    }

    pub(crate) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for packet in &self.packets {
            let Packet { index, sent, arrived, sequence, timestamp, ssrc, marker } = *packet;
            let (arrived, marker) = (arrived.unwrap_or(-1), u8::from(marker));
            writeln!(out, "{index},{sent},{arrived},{sequence},{timestamp},{ssrc},{marker}")?;
        }
        Ok(())
    }

    pub(crate) fn sort(&mut self) {
        self.packets.sort_by_key(|packet| packet.arrived.unwrap_or(i64::MAX));
    }

    /// When each frame was sent, by index.
    pub(crate) fn sent(&self) -> Vec<i64> {
        let frames = self.packets.iter().map(|packet| packet.index + 1).max().unwrap_or(0);
        let mut sent = vec![0; frames];
        for packet in &self.packets {
            sent[packet.index] = packet.sent;
        }
        sent
    }

    /// The fastest path, in µs.
    pub(crate) fn fastest(&self) -> i64 {
        let transits = self.packets.iter().filter_map(|p| Some(p.arrived? - p.sent));
        transits.min().unwrap_or(0)
    }

    pub(crate) fn lost(&self) -> usize {
        self.packets.iter().filter(|packet| packet.arrived.is_none()).count()
    }

    /// How long a frame lasts: the most frequent step between timestamps.
    pub(crate) fn frame(&self) -> Duration {
        let mut by_index: Vec<_> = self.packets.iter().map(|p| (p.index, p.timestamp)).collect();
        by_index.sort_unstable();
        by_index.dedup();
        let mut steps: Vec<u32> =
            by_index.windows(2).map(|pair| pair[1].1.wrapping_sub(pair[0].1)).collect();
        steps.sort_unstable();
        let longest = steps.chunk_by(|a, b| a == b).max_by_key(|chunk| chunk.len());
        let units = longest.and_then(|chunk| chunk.first()).copied().unwrap_or(160);
        let units = units.clamp(CLOCK_RATE / 400, CLOCK_RATE / 1000 * 120);
        Duration::from_micros(u64::from(units) * 1_000_000 / u64::from(CLOCK_RATE))
    }

    /// How many timestamp units each frame lasts, by index.
    pub(crate) fn frame_lengths(&self) -> Vec<u32> {
        let mut timestamps = vec![0; self.sent().len()];
        for packet in &self.packets {
            timestamps[packet.index] = packet.timestamp;
        }
        let step = |at: usize| Some(timestamps.get(at + 1)?.wrapping_sub(timestamps[at]));
        let mut length = self.frame().as_micros() as u32 / 1000 * (CLOCK_RATE / 1000);
        (0..timestamps.len())
            .map(|index| {
                // A step that does not come twice is the edge of a silence or a jump.
                let is_steady = step(index) == step(index + 1);
                if let Some(step) =
                    step(index).filter(|step| is_steady && (20..=480).contains(step))
                {
                    length = step;
                }
                length
            })
            .collect()
    }
}

fn parse(line: &str) -> Result<Packet> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let &[index, sent, arrived, sequence, timestamp, ssrc, marker] = fields.as_slice() else {
        bail!("{} fields instead of seven", fields.len());
    };
    let arrived: i64 = arrived.parse().context("arrived_us")?;
    Ok(Packet {
        index: index.parse().context("index")?,
        sent: sent.parse().context("sent_us")?,
        arrived: (arrived >= 0).then_some(arrived),
        sequence: sequence.parse().context("seq")?,
        timestamp: timestamp.parse().context("timestamp")?,
        ssrc: ssrc.parse().context("ssrc")?,
        marker: marker == "1",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_they_are_written() {
        let lines = "0,0,30609,1000,160000,4660,1\n1,20000,-1,1001,160160,4660,0\n";
        let trace = Trace { packets: lines.lines().map(|line| parse(line).unwrap()).collect() };
        let mut written = Vec::new();
        trace.write(&mut written).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), lines);
        assert_eq!((trace.lost(), trace.fastest()), (1, 30_609));
        assert_eq!(trace.frame(), Duration::from_millis(20));
        assert!(parse("0,0,1").is_err() && parse("0,0,x,1,1,1,0").is_err());
    }
}
