use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Looks up a time zone by its IANA name in the database that is compiled into this crate.
///
/// The system's own files are never read, so that the same program gives the same answer on
/// every machine. Names are case-insensitive, as IANA asks.
///
/// # Errors
///
/// [`UnknownZone`] when the database has no such zone; it suggests a name that looks alike.
///
/// ```
/// let moscow = calendar::zone("Europe/Moscow")?;
/// assert_eq!(moscow.iana_name(), Some("Europe/Moscow"));
/// # Ok::<(), calendar::UnknownZone>(())
/// ```
pub fn zone(name: &str) -> Result<TimeZone, UnknownZone> {
    let db = TimeZoneDatabase::bundled();
    db.get(name).map_err(|_| UnknownZone { name: name.to_string(), nearest: nearest(&db, name) })
}

/// No zone has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown time zone {name:?}{}", hint(nearest))]
#[non_exhaustive]
pub struct UnknownZone {
    /// The name that was asked for.
    pub name: String,
    /// A name that exists and looks alike, if there is one.
    pub nearest: Option<String>,
}

fn hint(nearest: &Option<String>) -> String {
    match nearest {
        Some(name) => alloc::format!("; did you mean {name:?}?"),
        None => "; use an IANA name such as \"Europe/Moscow\"".to_string(),
    }
}

fn nearest(db: &TimeZoneDatabase, name: &str) -> Option<String> {
    let wanted = name.to_ascii_lowercase();
    let city = wanted.rsplit('/').next().unwrap_or(&wanted);
    db.available()
        .map(|known| {
            let known = known.to_string();
            let lower = known.to_ascii_lowercase();
            let tail = lower.rsplit('/').next().unwrap_or(&lower);
            // People mistype the area as often as the city: either may be right.
            let distance = edits(&lower, &wanted).min(edits(tail, city) + 1);
            (distance, known)
        })
        .min()
        .filter(|(distance, _)| *distance <= 3 && name.len() > 3)
        .map(|(_, known)| known)
}

/// Levenshtein's distance.
pub(crate) fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case() {
        assert_eq!(zone("europe/MOSCOW").unwrap().iana_name(), Some("Europe/Moscow"));
    }

    #[test]
    fn an_unknown_zone_suggests_a_neighbour() {
        let error = zone("Europe/Moskow").unwrap_err();
        assert_eq!(error.nearest.as_deref(), Some("Europe/Moscow"));
        let text = error.to_string();
        assert_eq!(text, "unknown time zone \"Europe/Moskow\"; did you mean \"Europe/Moscow\"?");
        assert_eq!(zone("Moon/Tranquillity").unwrap_err().nearest, None);
    }
}
