//! What a process uses, from `/proc`.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// What a process has used up to now.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Processor time, user and system.
    pub(crate) cpu: Duration,
    /// Proportional set size in bytes, or the resident set where that is not to be had.
    pub(crate) memory: u64,
}

/// What a process holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holdings {
    /// Bytes, as [`Usage::memory`].
    pub(crate) memory: u64,
    /// Files and sockets.
    pub(crate) descriptors: u64,
    pub(crate) threads: u64,
}

/// Reads `/proc/PID`.
///
/// # Errors
///
/// There is no such process, or no `/proc`.
pub(crate) fn holdings(pid: u32) -> anyhow::Result<Holdings> {
    let count = |folder: &str| -> anyhow::Result<u64> {
        let path = format!("/proc/{pid}/{folder}");
        Ok(fs::read_dir(&path).with_context(|| path.clone())?.count() as u64)
    };
    let (descriptors, threads) = (count("fd")?, count("task")?);
    Ok(Holdings { memory: memory(pid), descriptors, threads })
}

/// Reads `/proc/PID`.
///
/// # Errors
///
/// There is no such process, or no `/proc`.
pub(crate) fn usage(pid: u32) -> anyhow::Result<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} cannot be measured"))?;
    // The second field, the name, may contain anything but ends with the last parenthesis.
    let fields: Vec<&str> =
        stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    let cpu = Duration::from_secs_f64((ticks(11) + ticks(12)) as f64 / TICKS_PER_SECOND);
    Ok(Usage { cpu, memory: memory(pid) })
}

/// Processor time of the threads that run now, to the nanosecond where the scheduler tells it: of a second's work, the
/// hundredths of [`usage`] would be a good part.
///
/// # Errors
///
/// There is no such process, or no `/proc`.
pub(crate) fn running(pid: u32) -> anyhow::Result<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task"))
        .with_context(|| format!("process {pid} cannot be measured"))?;
    let times = threads.map(|thread| {
        let text = fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
    });
    times.sum::<Option<_>>().map_or_else(|| Ok(usage(pid)?.cpu), Ok)
}

/// `USER_HZ`, which Linux fixes at 100 for every program.
const TICKS_PER_SECOND: f64 = 100.0;

fn memory(pid: u32) -> u64 {
    let kilobytes = |file: &str, key: &str| -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let pss = kilobytes("smaps_rollup", "Pss:");
    pss.or_else(|| kilobytes("status", "VmRSS:")).unwrap_or(0) * 1_024
}
