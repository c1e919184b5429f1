//! Delay, target and losses over time, as SVG.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::replay::{Heard, Replay};
use crate::trace::Trace;

const WIDTH: f64 = 1600.0;
const HEIGHT: f64 = 480.0;
const MARGIN: f64 = 50.0;

/// Draws packets as dots (how late each came), the playout delay and its target as lines, and what was
/// concealed or lost as ticks below.
pub(crate) fn draw(trace: &Trace, replay: &Replay) -> String {
    let sent = trace.sent();
    let fastest = trace.fastest();
    let frame = trace.frame().as_micros() as f64;
    let end = replay.ticks.last().map_or(1.0, |tick| tick.at as f64);
    let mut late: Vec<f64> = trace
        .packets
        .iter()
        .filter_map(|packet| Some((packet.arrived? - packet.sent - fastest) as f64 / 1000.0))
        .collect();
    late.sort_by(f64::total_cmp);
    let top = (late.last().copied().unwrap_or(0.0) * 1.05).clamp(60.0, 600.0);
    let x = |at: f64| MARGIN + at / end * (WIDTH - 2.0 * MARGIN);
    let y = |ms: f64| HEIGHT - MARGIN - (ms / top).clamp(0.0, 1.0) * (HEIGHT - 2.0 * MARGIN);

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for step in 0..=4 {
        let ms = top * f64::from(step) / 4.0;
        line(&mut svg, &[(MARGIN, y(ms)), (WIDTH - MARGIN, y(ms))], "#ddd", 1.0);
        text(&mut svg, 5.0, y(ms) + 4.0, &format!("{ms:.0} ms"));
    }
    for step in 0..=10 {
        let at = end * f64::from(step) / 10.0;
        text(&mut svg, x(at) - 10.0, HEIGHT - 8.0, &format!("{:.0} s", at / 1e6));
    }
    for packet in &trace.packets {
        if let Some(arrived) = packet.arrived {
            let ms = (arrived - packet.sent - fastest) as f64 / 1000.0;
            let (x, y) = (x(arrived as f64), y(ms));
            // Writing to a string cannot fail.
            let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"0.8\" fill=\"#9bd\"/>");
        }
    }
    let target =
        replay.ticks.iter().map(|tick| (x(tick.at as f64), y(tick.target.as_secs_f64() * 1000.0)));
    line(&mut svg, &target.collect::<Vec<_>>(), "#2a2", 1.0);
    let played = replay.ticks.iter().filter_map(|tick| match tick.heard {
        Heard::Frame(index, fraction) => {
            let delay = (tick.at - sent[index] - fastest) as f64 - fraction * frame;
            Some((x(tick.at as f64), y(delay / 1000.0)))
        }
        _ => None,
    });
    line(&mut svg, &played.collect::<Vec<_>>(), "#125", 1.2);
    let bottom = HEIGHT - MARGIN;
    for tick in &replay.ticks {
        if tick.heard == Heard::Concealment {
            let x = x(tick.at as f64);
            line(&mut svg, &[(x, bottom + 3.0), (x, bottom + 11.0)], "#d60", 1.0);
        }
    }
    let heard: HashSet<usize> =
        replay.ticks.iter().flat_map(|tick| tick.taken.iter().copied()).collect();
    for (index, at) in sent.iter().enumerate().filter(|(index, _)| !heard.contains(index)) {
        let _ = index;
        let x = x(*at as f64);
        line(&mut svg, &[(x, bottom + 13.0), (x, bottom + 21.0)], "#c00", 1.0);
    }
    text(
        &mut svg,
        MARGIN,
        20.0,
        "dots: how late packets came · blue: playout delay · green: target · \
         below: concealed (orange), frames never heard (red)",
    );
    svg.push_str("</svg>\n");
    svg
}

fn line(svg: &mut String, points: &[(f64, f64)], colour: &str, width: f64) {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let points = points.join(" ");
    let _ = writeln!(
        svg,
        "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"/>"
    );
}

fn text(svg: &mut String, x: f64, y: f64, words: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"#444\">{words}</text>");
}
