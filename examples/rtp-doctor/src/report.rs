//! Streams and findings as text and as JSON.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::findings::{Finding, milliseconds};
use crate::stream::Stream;

pub(crate) fn text(streams: &[Stream], findings: &[Finding], delay: Duration) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = describe(&mut out, streams, findings, delay);
    out
}

fn describe(
    out: &mut String,
    streams: &[Stream],
    findings: &[Finding],
    delay: Duration,
) -> std::fmt::Result {
    if streams.is_empty() {
        return writeln!(out, "No RTP.");
    }
    for (index, stream) in streams.iter().enumerate() {
        let (id, figures) = (stream.id, stream.figures());
        let losses = figures.loss_runs;
        let formats: Vec<&str> = stream.formats.iter().map(|format| &format.name[..]).collect();
        write!(out, "{} > {}  SSRC {}  {}", id.from, id.to, id.ssrc, formats.join(", "))?;
        if let Some(time) = stream.packet_time() {
            write!(out, " {} ms", time.as_millis())?;
        }
        let seconds = (stream.last - stream.first).as_secs_f64();
        writeln!(out, "  {seconds:.1} s from {:.1} s on", stream.first.as_secs_f64())?;
        writeln!(
            out,
            "  {} packets, {:.2} % lost ({}), {} late, {} duplicates, jitter {:.1} ms (peak {:.1})",
            figures.packets,
            losses.loss() * 100.0,
            losses.lost,
            figures.late,
            figures.duplicates,
            milliseconds(figures.jitter),
            milliseconds(figures.peak_jitter),
        )?;
        if let Some(quality) = stream.quality(delay) {
            writeln!(out, "  MOS {:.2}, R {:.1}", quality.mos, quality.r)?;
        }
        if !stream.digits.is_empty() {
            writeln!(out, "  digits {}", stream.digits)?;
        }
        if !stream.in_band.digits.is_empty() {
            writeln!(out, "  digits in the sound {}", stream.in_band.digits)?;
        }
        if let Some(block) = stream.reported {
            writeln!(out, "  the receiver reports {} lost", block.cumulative_lost)?;
        }
        for finding in findings.iter().filter(|finding| finding.stream == index) {
            writeln!(out, "! {}: {}", finding.kind.name(), finding.text)?;
        }
    }
    match findings.len() {
        0 => writeln!(out, "Nothing looks wrong."),
        1 => writeln!(out, "One thing looks wrong."),
        count => writeln!(out, "{count} things look wrong."),
    }
}

pub(crate) fn json(streams: &[Stream], findings: &[Finding], delay: Duration) -> String {
    let streams: Vec<Value> = streams
        .iter()
        .enumerate()
        .map(|(index, stream)| {
            let (figures, quality) = (stream.figures(), stream.quality(delay));
            let bursts = figures.burst_gap;
            let findings: Vec<Value> = findings
                .iter()
                .filter(|finding| finding.stream == index)
                .map(|finding| json!({"kind": finding.kind.name(), "text": finding.text}))
                .collect();
            json!({
                "from": stream.id.from.to_string(),
                "to": stream.id.to.to_string(),
                "ssrc": stream.id.ssrc.to_string(),
                "formats": stream.formats.iter().map(|format| json!({
                    "name": format.name,
                    "clock_hz": format.clock.hz(),
                })).collect::<Vec<_>>(),
                "packet_ms": stream.packet_time().map(milliseconds),
                "start_s": stream.first.as_secs_f64(),
                "duration_s": (stream.last - stream.first).as_secs_f64(),
                "packets": figures.packets,
                "lost": figures.loss_runs.lost,
                "loss": figures.loss_runs.loss(),
                "bursts": bursts.bursts(),
                "burst_density": bursts.burst_density(),
                "gap_density": bursts.gap_density(),
                "late": figures.late,
                "duplicates": figures.duplicates,
                "jitter_ms": milliseconds(figures.jitter),
                "peak_jitter_ms": milliseconds(figures.peak_jitter),
                "mos": quality.map(|quality| quality.mos),
                "r": quality.map(|quality| quality.r),
                "digits": stream.digits,
                "digits_in_band": stream.in_band.digits,
                "reported_lost": stream.reported.map(|block| block.cumulative_lost),
                "findings": findings,
            })
        })
        .collect();
    json!({"streams": streams, "findings": findings.len()}).to_string()
}
