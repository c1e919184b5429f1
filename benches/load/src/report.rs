//! What a run has shown: as text, as JSON, and beside another.

use std::fmt::{self, Write as _};
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::latency::Percentiles;
use crate::scenario::Scenario;

/// What a run has shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) scenario: Scenario,
    pub(crate) seed: u64,
    /// A second.
    pub(crate) offered_rate: f64,
    /// Calls and registrations.
    pub(crate) begun: u64,
    pub(crate) answered: u64,
    pub(crate) completed: u64,
    /// Refused with 503.
    pub(crate) shed: u64,
    pub(crate) failed: u64,
    pub(crate) retransmissions: u64,
    /// Answered a second, of what was answered while calls were begun.
    pub(crate) goodput: f64,
    /// How long it took.
    pub(crate) seconds: f64,
    pub(crate) setup_ms: Percentiles,
    pub(crate) cpu_seconds: Option<f64>,
    pub(crate) cpu_seconds_per_1000: Option<f64>,
    /// Bytes before the first call.
    pub(crate) memory_idle: Option<u64>,
    pub(crate) memory_most: Option<u64>,
    /// Bytes when a third of the time had passed: what grows from there is a leak.
    pub(crate) memory_after_a_third: Option<u64>,
    pub(crate) memory_end: Option<u64>,
    pub(crate) bytes_per_call: Option<u64>,
    pub(crate) most_at_once: usize,
    pub(crate) rtp_sent: u64,
    pub(crate) rtp_received: u64,
    /// Of the server, by RTP packets received from it: while all calls talked, in the scenario media; else of
    /// all that it did.
    pub(crate) cpu_us_per_packet: Option<f64>,
    /// Bytes that strangers got, by bytes that they sent.
    pub(crate) amplification: Option<f64>,
    pub(crate) ready_ms: Option<f64>,
    pub(crate) confinement: Option<String>,
}

impl Report {
    /// Reads what [`save`](Self::save) wrote.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no report.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        serde_json::from_str(&text).with_context(|| format!("{} is no report", path.display()))
    }

    /// Writes it as JSON.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub(crate) fn save(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(path, text).with_context(|| path.display().to_string())
    }

    /// The figures that two runs are compared by; those that were not measured are left out.
    fn figures(&self) -> Vec<(&'static str, f64)> {
        let bytes = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64 / 1024.0);
        let all = [
            ("answered a second", Some(self.goodput)),
            ("failed", Some(self.failed as f64)),
            ("refused with 503", Some(self.shed as f64)),
            ("retransmissions", Some(self.retransmissions as f64)),
            ("set-up p50, ms", Some(self.setup_ms.p50)),
            ("set-up p99, ms", Some(self.setup_ms.p99)),
            ("CPU seconds per 1,000", self.cpu_seconds_per_1000),
            ("CPU us per RTP packet", self.cpu_us_per_packet),
            ("idle, KiB", bytes(self.memory_idle)),
            ("most, KiB", bytes(self.memory_most)),
            ("bytes per call", self.bytes_per_call.map(|bytes| bytes as f64)),
            ("ready, ms", self.ready_ms),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { begun, answered, completed, shed, failed, seconds, .. } = self;
        writeln!(
            f,
            "{}, {:.1}/s offered, seed {}",
            self.scenario.name(),
            self.offered_rate,
            self.seed
        )?;
        writeln!(
            f,
            "  begun {begun}, answered {answered}, completed {completed}, refused {shed}, failed {failed}"
        )?;
        writeln!(
            f,
            "  {:.1} answered a second, {seconds:.1} s in all, at most {} at once",
            self.goodput, self.most_at_once
        )?;
        let Percentiles { p50, p90, p99, max } = self.setup_ms;
        writeln!(
            f,
            "  set-up p50 {p50:.1} ms, p90 {p90:.1}, p99 {p99:.1}, max {max:.1}; {} retransmissions",
            self.retransmissions
        )?;
        if let (Some(cpu), Some(each)) = (self.cpu_seconds, self.cpu_seconds_per_1000) {
            writeln!(f, "  CPU {cpu:.2} s, {each:.3} s per 1,000")?;
        }
        if let (Some(idle), Some(most), Some(end)) =
            (self.memory_idle, self.memory_most, self.memory_end)
        {
            let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
            let (idle, most, end) = (mib(idle), mib(most), mib(end));
            write!(f, "  memory {idle:.1} MiB idle, {most:.1} at most, {end:.1} at the end")?;
            match self.bytes_per_call {
                Some(bytes) => writeln!(f, "; {bytes} bytes a call at once")?,
                None => writeln!(f)?,
            }
        }
        if self.rtp_sent > 0 {
            let (sent, received) = (self.rtp_sent, self.rtp_received);
            write!(f, "  RTP {sent} sent, {received} received")?;
            match self.cpu_us_per_packet {
                Some(each) => writeln!(f, "; {each:.2} us of CPU each")?,
                None => writeln!(f)?,
            }
        }
        if let Some(amplification) = self.amplification {
            writeln!(f, "  strangers got {amplification:.2} bytes for each of theirs")?;
        }
        if let Some(ready) = self.ready_ms {
            writeln!(f, "  ready after {ready:.0} ms")?;
        }
        if let Some(confinement) = &self.confinement {
            writeln!(f, "  confined to {confinement}")?;
        }
        Ok(())
    }
}

/// Two runs side by side, with the change in per cent.
pub(crate) fn compare(before: &Report, after: &Report) -> String {
    let mut out = format!(
        "{:<24}{:>14}{:>14}{:>9}\n",
        "",
        before.scenario.name(),
        after.scenario.name(),
        "change"
    );
    let later = after.figures();
    for (name, one) in before.figures() {
        let Some((_, other)) = later.iter().find(|(known, _)| *known == name) else { continue };
        let change = if one == 0.0 {
            String::new()
        } else {
            format!("{:+.1} %", (other - one) / one * 100.0)
        };
        let _ = writeln!(out, "{name:<24}{one:>14.3}{other:>14.3}{change:>9}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            scenario: Scenario::Answered,
            seed: 1,
            offered_rate: 10.0,
            begun: 20,
            answered: 19,
            completed: 18,
            shed: 1,
            failed: 1,
            retransmissions: 3,
            goodput: 9.0,
            seconds: 2.0,
            setup_ms: Percentiles { p50: 1.0, p90: 2.0, p99: 3.0, max: 4.0 },
            cpu_seconds: Some(0.5),
            cpu_seconds_per_1000: Some(25.0),
            memory_idle: None,
            memory_most: None,
            memory_after_a_third: None,
            memory_end: None,
            bytes_per_call: None,
            most_at_once: 2,
            rtp_sent: 0,
            rtp_received: 0,
            cpu_us_per_packet: None,
            amplification: None,
            ready_ms: None,
            confinement: None,
        }
    }

    #[test]
    fn a_report_survives_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        report().save(&path).unwrap();
        assert_eq!(format!("{:?}", Report::load(&path).unwrap()), format!("{:?}", report()));
        fs::write(&path, "{}").unwrap();
        let error = Report::load(&path).unwrap_err().to_string();
        assert!(error.ends_with("report.json is no report"), "{error}");
    }

    #[test]
    fn two_runs_are_compared_by_what_both_have() {
        let after = Report { cpu_seconds_per_1000: Some(20.0), memory_idle: Some(1), ..report() };
        let text = compare(&report(), &after);
        let line = text.lines().find(|line| line.starts_with("CPU seconds per 1,000")).unwrap();
        assert!(line.ends_with("-20.0 %"), "{line}");
        assert!(!text.contains("idle"), "{text}");
    }
}
