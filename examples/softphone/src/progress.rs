//! What the owner sees on the screen.

use std::io::Write;
use std::time::Duration;

use pbx::media::StreamStatistics;
use sip_core::sdp::Direction;

use crate::phone::{Counters, Ending, Event, HangUp, Media};

/// Prints what happens, a line each.
pub struct Progress<W> {
    out: W,
}

impl<W: Write> Progress<W> {
    /// Prints to `out`.
    pub fn new(out: W) -> Self {
        Self { out }
    }

    /// Prints a line of our own.
    pub fn say(&mut self, line: &str) {
        // Text of the peer's is in many lines, and a terminal obeys control characters. A reader who
        // has gone away is no reason to drop the call.
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        let _ = writeln!(self.out, "{line}");
        let _ = self.out.flush();
    }

    /// Prints what the phone tells.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::Registered { seconds, first: true } => {
                self.say(&format!("registered for {seconds} s"));
            }
            Event::Registered { .. } => {}
            Event::Unregistered => self.say("registration removed"),
            Event::NotRegistered { failure, retry } => {
                let again = retry.map_or_else(String::new, |wait| {
                    format!("; trying again in {} s", wait.as_secs())
                });
                self.say(&format!("registration failed: {failure}{again}"));
            }
            Event::Progress { status, reason } => match status.code() {
                180 => self.say("ringing"),
                code => self.say(&format!("progress: {code} {reason}")),
            },
            Event::Called { from } => self.say(&format!("call from {from}, ringing")),
            Event::Missed => self.say("the caller gave up"),
            Event::Answered => self.say("answered"),
            Event::Media(media) => self.say(&describe(media)),
            Event::Tick { elapsed, counters: Counters { sent, received } } => {
                let seconds = elapsed.as_secs();
                self.say(&format!("{seconds:>4} s  RTP sent {sent}, received {received}"));
            }
            Event::Digit { key, duration } => {
                self.say(&format!("heard key {key} for {} ms", duration.as_millis()));
            }
            Event::Pressed { key } => self.say(&format!("pressed {key}")),
            Event::Played => self.say("played to the end"),
            Event::Silence { since } => {
                self.say(&format!("no RTP came for {} s", since.as_secs()));
            }
            Event::Ended { ending, talked, statistics } => {
                self.say(&farewell(ending, *talked));
                if let Some(statistics) = statistics {
                    self.say(&summary(statistics));
                }
            }
        }
    }
}

fn describe(media: &Media) -> String {
    let state = match media.direction {
        Direction::SendRecv => "",
        Direction::RecvOnly => ", held: we only listen",
        Direction::SendOnly => ", we only speak",
        Direction::Inactive => ", held: nobody speaks",
    };
    let remote = media.remote.map_or_else(|| "nowhere yet".to_owned(), |to| to.to_string());
    let digits = if media.events { "digits as events" } else { "digits as tones" };
    let early = if media.early { "early media" } else { "media" };
    let Media { codec, ptime_ms, .. } = media;
    format!("{early}: {codec}, {ptime_ms} ms packets to {remote}, {digits}{state}")
}

fn farewell(ending: &Ending, talked: Option<Duration>) -> String {
    let after = talked.map_or_else(String::new, |t| format!(" after {:.1} s", t.as_secs_f64()));
    match ending {
        Ending::Ours(HangUp::TimeUp) => format!("hung up{after}, time is up"),
        Ending::Ours(HangUp::Interrupted) => format!("hung up{after}"),
        Ending::Theirs(None) => format!("the other side hung up{after}"),
        Ending::Theirs(Some(reason)) => format!("the other side hung up{after}: {reason}"),
        Ending::Failed(failure) => format!("the call failed{after}: {failure}"),
    }
}

fn summary(statistics: &StreamStatistics) -> String {
    let StreamStatistics { packets_sent, packets_received, packets_lost, .. } = statistics;
    let expected = i64::try_from(*packets_received).unwrap_or(i64::MAX) + packets_lost;
    let share = match expected {
        1.. => 100.0 * *packets_lost as f64 / expected as f64,
        _ => 0.0,
    };
    let mut line = format!(
        "RTP sent {packets_sent}, received {packets_received}, lost {packets_lost} ({share:.1} %), \
         jitter {:.1} ms",
        milliseconds(statistics.jitter)
    );
    if statistics.packets_refused > 0 {
        line.push_str(&format!(", refused {}", statistics.packets_refused));
    }
    if let Some(round_trip) = statistics.round_trip {
        line.push_str(&format!(", round trip {:.1} ms", milliseconds(round_trip)));
    }
    match statistics.mos {
        Some(mos) => line.push_str(&format!(", MOS {mos:.2}")),
        None => line.push_str(", no MOS: nothing was heard"),
    }
    line
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(event: &Event) -> String {
        let mut progress = Progress::new(Vec::new());
        progress.show(event);
        String::from_utf8(progress.out).unwrap()
    }

    #[test]
    fn the_end_has_loss_jitter_and_mos() {
        let statistics = StreamStatistics {
            packets_received: 245,
            packets_sent: 250,
            packets_lost: 5,
            jitter: Duration::from_micros(1_250),
            mos: Some(4.21),
            ..StreamStatistics::default()
        };
        let ended = Event::Ended {
            ending: Ending::Ours(HangUp::TimeUp),
            talked: Some(Duration::from_secs(5)),
            statistics: Some(statistics),
        };
        assert_eq!(
            shown(&ended),
            "hung up after 5.0 s, time is up\n\
             RTP sent 250, received 245, lost 5 (2.0 %), jitter 1.2 ms, MOS 4.21\n"
        );
    }

    #[test]
    fn a_stranger_cannot_move_the_cursor() {
        let called = Event::Called { from: "\u{1b}[2J\u{9b}1mEve".to_owned() };
        assert_eq!(shown(&called), "call from [2J1mEve, ringing\n");
    }
}
