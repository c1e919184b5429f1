//! What a soak has shown.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;

use super::Options;
use super::office::Office;
use super::script::Kind;
use super::watch::{Growth, Look, SHORTEST, Watch};
use crate::latency::Percentiles;
use crate::meter::Holdings;

/// What a soak has shown.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Report {
    rate: f64,
    hold: f64,
    loss: f64,
    seed: u64,
    /// From the first call to the last one's end.
    seconds: f64,
    calls: Vec<Calls>,
    most_at_once: usize,
    holds_and_resumptions: u64,
    transfers: u64,
    put_off: u64,
    registrations: u64,
    registrations_completed: u64,
    /// What failed, and how often.
    failures: BTreeMap<String, u64>,
    retransmissions: u64,
    sip_datagrams_lost: u64,
    rtp_sent: u64,
    rtp_received: u64,
    setup_ms: Percentiles,
    cpu_seconds: f64,
    /// Before the first call, and after the rest.
    idle: Holdings,
    rested: Holdings,
    memory_growth: Option<Growth>,
    descriptor_growth: Option<Growth>,
    looks: Vec<Look>,
}

#[derive(Clone, Debug, Serialize)]
struct Calls {
    kind: &'static str,
    begun: u64,
    completed: u64,
}

impl Report {
    pub(super) fn of(
        options: &Options,
        office: &Office,
        watch: &Watch,
        [idle, rested]: [Holdings; 2],
        cpu: Duration,
        played: Duration,
    ) -> Self {
        let (rtp_sent, rtp_received) = office.media.counts();
        let growth = watch.growth();
        let mut failures = office.tally.failures.clone();
        for failure in &office.registrations.failures {
            *failures.entry(failure.clone()).or_default() += 1;
        }
        let calls = Kind::ALL.iter().map(|(kind, name)| {
            let (begun, completed) = office.tally.calls[*kind as usize];
            Calls { kind: name, begun, completed }
        });
        Self {
            rate: options.rate,
            hold: options.hold,
            loss: options.loss,
            seed: options.seed,
            seconds: played.as_secs_f64(),
            calls: calls.collect(),
            most_at_once: office.tally.most_at_once,
            holds_and_resumptions: office.tally.changes,
            transfers: office.tally.transfers,
            put_off: office.tally.put_off + office.registrations.put_off,
            registrations: office.registrations.begun,
            registrations_completed: office.registrations.completed,
            failures,
            retransmissions: office.retransmissions(),
            sip_datagrams_lost: office.agent.loss.as_ref().map_or(0, |loss| loss.lost),
            rtp_sent,
            rtp_received,
            setup_ms: office.setup.percentiles(),
            cpu_seconds: cpu.as_secs_f64(),
            idle,
            rested,
            memory_growth: growth.map(|growth| growth.0),
            descriptor_growth: growth.map(|growth| growth.1),
            looks: watch.looks.clone(),
        }
    }

    /// What speaks against the server; nothing in a good run.
    pub(crate) fn faults(&self) -> Vec<String> {
        let mut faults: Vec<String> = self
            .failures
            .iter()
            .map(|(failure, count)| format!("{count} times: {failure}"))
            .collect();
        let missing: u64 = self.calls.iter().map(|calls| calls.begun - calls.completed).sum();
        if missing > 0 {
            faults.push(format!("{missing} calls did not go as they should"));
        }
        if self.registrations != self.registrations_completed {
            faults.push("not every registration was completed".into());
        }
        let growth = [("memory", self.memory_growth), ("descriptors", self.descriptor_growth)];
        for (what, growth) in growth {
            if growth.is_some_and(|growth| !growth.is_none()) {
                faults.push(format!("{what} grew"));
            }
        }
        // RTP ports stay bound for the next calls; more than there were are not needed.
        let most = self.looks.iter().map(|look| look.holds.descriptors).max();
        if most.is_some_and(|most| self.rested.descriptors > most)
            || self.rested.threads > self.idle.threads
        {
            faults.push("the rest gave nothing back, but took descriptors or threads".into());
        }
        faults
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
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
        writeln!(
            f,
            "soak, {:.1} calls/s of {:.0} s for {:.0} s, {:.1} % lost each way, seed {}",
            self.rate,
            self.hold,
            self.seconds,
            self.loss * 100.0,
            self.seed
        )?;
        writeln!(f, "  {:<24}{:>10}{:>12}", "calls", "begun", "completed")?;
        for Calls { kind, begun, completed } in &self.calls {
            writeln!(f, "  {kind:<24}{begun:>10}{completed:>12}")?;
        }
        let (begun, completed) = (self.registrations, self.registrations_completed);
        writeln!(f, "  {:<24}{begun:>10}{completed:>12}", "registrations")?;
        writeln!(
            f,
            "  {} holds and resumptions, {} transfers, {} times put off by 503, at most {} calls at once",
            self.holds_and_resumptions, self.transfers, self.put_off, self.most_at_once
        )?;
        writeln!(
            f,
            "  {} SIP datagrams lost, {} requests repeated; RTP {} sent, {} received",
            self.sip_datagrams_lost, self.retransmissions, self.rtp_sent, self.rtp_received
        )?;
        let Percentiles { p50, p90, p99, max } = self.setup_ms;
        writeln!(f, "  set-up p50 {p50:.1} ms, p90 {p90:.1}, p99 {p99:.1}, max {max:.1}")?;
        writeln!(
            f,
            "  CPU {:.1} s, {:.1} % of a core",
            self.cpu_seconds,
            self.cpu_seconds / self.seconds * 100.0
        )?;
        writeln!(
            f,
            "  {:>8}{:>8}{:>10}{:>13}{:>9}",
            "s", "calls", "PSS, MiB", "descriptors", "threads"
        )?;
        let line = |f: &mut fmt::Formatter<'_>, at: &str, calls: usize, holds: &Holdings| {
            let Holdings { memory, descriptors, threads } = *holds;
            writeln!(f, "  {at:>8}{calls:>8}{:>10.2}{descriptors:>13}{threads:>9}", mib(memory))
        };
        line(f, "idle", 0, &self.idle)?;
        let step = self.looks.len().div_ceil(12).max(1);
        for look in self.looks.iter().step_by(step) {
            line(f, &format!("{:.0}", look.at), look.calls, &look.holds)?;
        }
        line(f, "rested", 0, &self.rested)?;
        match (&self.memory_growth, &self.descriptor_growth) {
            (Some(memory), Some(descriptors)) => {
                let Growth { second_third, last_third, allowed } = *memory;
                let [second, last, more] = [second_third, last_third, allowed].map(mib);
                writeln!(
                    f,
                    "  medians of the second and the last third, and what is allowed more:"
                )?;
                writeln!(f, "    PSS {second:.2} and {last:.2} MiB, {more:.2}")?;
                let Growth { second_third, last_third, allowed } = descriptors;
                writeln!(f, "    descriptors {second_third} and {last_third}, {allowed}")?;
            }
            _ => writeln!(f, "  growth is judged from {} s on", SHORTEST.as_secs())?,
        }
        let faults = self.faults();
        for fault in &faults {
            writeln!(f, "  FAULT: {fault}")?;
        }
        if faults.is_empty() {
            writeln!(
                f,
                "  no failure{}",
                if self.memory_growth.is_some() { ", no growth" } else { "" }
            )?;
        }
        Ok(())
    }
}
