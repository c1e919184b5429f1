//! When letters would go out, without sending any.

use anyhow::Result;
use jiff::Timestamp;

use crate::{
    config::{Config, Waits},
    lead::{Lead, Phase},
};

/// The letters that are still to come, if the lead never answers: number and time.
pub fn letters(
    config: &Config,
    waits: &Waits,
    lead: Option<&Lead>,
    start: Timestamp,
) -> Result<Vec<(u32, Timestamp)>> {
    let last = u32::from(config.letters);
    let (mut number, mut at) = match lead {
        None => (1, waits.due(start)?),
        Some(lead) => match lead.phase {
            Phase::Waiting { due: at } | Phase::Letter { at, .. } => {
                (lead.sent + 1, waits.on_working_day(at.max(start))?)
            }
            Phase::Notice { at, .. } => (lead.sent + 1, waits.due(at.max(start))?),
            Phase::Ended { .. } => return Ok(Vec::new()),
        },
    };
    let mut letters = Vec::new();
    while number <= last {
        letters.push((number, at));
        number += 1;
        if number <= last {
            at = waits.due(at)?;
        }
    }
    Ok(letters)
}

/// A line of the timetable, as "letter 1   2026-12-29 10:00 Tuesday".
pub fn line(number: u32, at: Timestamp, waits: &Waits) -> String {
    let at = at.to_zoned(waits.zone().clone());
    let day = calendar::weekday_name(at.date().weekday(), calendar::Lang::En);
    format!("letter {number}   {} {day}", at.strftime("%Y-%m-%d %H:%M"))
}
