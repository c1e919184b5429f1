//! What looks wrong.

use std::net::SocketAddr;
use std::time::Duration;

use crate::signalling::Signalled;
use crate::stream::Stream;

/// Something that looks wrong about a stream.
pub(crate) struct Finding {
    /// Which stream, by its place in the list.
    pub(crate) stream: usize,
    pub(crate) kind: Kind,
    pub(crate) text: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    OneWay,
    WrongPort,
    TwoSources,
    Loss,
    Jitter,
    Duplicates,
    Pause,
    Restart,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::OneWay => "one-way",
            Kind::WrongPort => "wrong-port",
            Kind::TwoSources => "two-sources",
            Kind::Loss => "loss",
            Kind::Jitter => "jitter",
            Kind::Duplicates => "duplicates",
            Kind::Pause => "pause",
            Kind::Restart => "restart",
        }
    }
}

/// Shorter streams need no answer.
const ANSWERED_AFTER: Duration = Duration::from_secs(1);
const MAX_LOSS: f64 = 0.01;
const MAX_JITTER: Duration = Duration::from_millis(30);
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// Everything that looks wrong, by stream.
pub(crate) fn all(streams: &[Stream], signalled: &Signalled) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, stream) in streams.iter().enumerate() {
        let mut found = |kind, text: String| findings.push(Finding { stream: index, kind, text });
        direction(stream, streams, &mut found);
        port(stream, streams, signalled, &mut found);
        sources(index, streams, &mut found);
        figures(stream, &mut found);
    }
    findings
}

fn direction(stream: &Stream, streams: &[Stream], found: &mut impl FnMut(Kind, String)) {
    let (from, to) = (stream.id.from.ip(), stream.id.to.ip());
    let long = stream.last - stream.first >= ANSWERED_AFTER;
    let back = |other: &&Stream| other.id.from.ip() == to && other.id.to.ip() == from;
    if long && !to.is_multicast() && !streams.iter().any(|other| back(&other)) {
        found(Kind::OneWay, format!("nothing comes back from {to} to {from}"));
    }
}

fn port(
    stream: &Stream,
    streams: &[Stream],
    signalled: &Signalled,
    found: &mut impl FnMut(Kind, String),
) {
    let (from, to) = (stream.id.from, stream.id.to);
    if stream.unreachable {
        found(
            Kind::WrongPort,
            format!("{} says that nobody listens on port {}", to.ip(), to.port()),
        );
        return;
    }
    let wanted: Vec<&SocketAddr> =
        signalled.addresses.iter().filter(|address| address.ip() == to.ip()).collect();
    if !wanted.is_empty() && !wanted.contains(&&to) {
        let ports: Vec<String> = wanted.iter().map(|address| address.port().to_string()).collect();
        found(
            Kind::WrongPort,
            format!("goes to port {}, but SDP asks for {}", to.port(), ports.join(", ")),
        );
        return;
    }
    let mut back = streams
        .iter()
        .filter(|other| (other.id.from.ip(), other.id.to.ip()) == (to.ip(), from.ip()));
    let mut ports: Vec<u16> = back.by_ref().map(|other| other.id.from.port()).collect();
    ports.dedup();
    if !ports.is_empty() && !ports.contains(&to.port()) {
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        found(
            Kind::WrongPort,
            format!(
                "goes to port {}, while {} sends from {}",
                to.port(),
                to.ip(),
                ports.join(", ")
            ),
        );
    }
}

fn sources(index: usize, streams: &[Stream], found: &mut impl FnMut(Kind, String)) {
    let Some(stream) = streams.get(index) else { return };
    for (place, other) in streams.iter().enumerate() {
        if place != index && other.id.to == stream.id.to && stream.overlaps(other) {
            found(
                Kind::TwoSources,
                format!(
                    "{} with SSRC {} sends to {} at the same time",
                    other.id.from, other.id.ssrc, other.id.to
                ),
            );
        }
    }
}

fn figures(stream: &Stream, found: &mut impl FnMut(Kind, String)) {
    let figures = stream.figures();
    let losses = figures.loss_runs;
    if losses.loss() > MAX_LOSS {
        let bursts = figures.burst_gap;
        let mut text = format!("{:.1} % of the packets are lost", losses.loss() * 100.0);
        match bursts.bursts() {
            0 => {}
            1 => text += &format!(", most of them in a burst of {} packets", bursts.mean_burst()),
            count => {
                text += &format!(", in {count} bursts of {:.0} packets", bursts.mean_burst());
            }
        }
        found(Kind::Loss, text);
    }
    if figures.jitter > MAX_JITTER {
        found(Kind::Jitter, format!("jitter of {:.1} ms", milliseconds(figures.jitter)));
    }
    if figures.duplicates * 100 > figures.packets {
        found(Kind::Duplicates, format!("{} packets came twice", figures.duplicates));
    }
    if stream.pause.0 > MAX_PAUSE {
        let (pause, at) = (stream.pause.0.as_secs_f64(), stream.pause.1.as_secs_f64());
        found(Kind::Pause, format!("no packet for {pause:.1} s, from {at:.1} s on"));
    }
    if figures.restarts > 0 {
        let times = figures.restarts;
        found(Kind::Restart, format!("the sequence numbers begin anew {times} times"));
    }
}

pub(crate) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
