use alloc::{string::String, vec::Vec};
use core::{fmt, str::FromStr};

/// Seconds in a civil day.
pub(crate) const DAY: u32 = 86_400;

/// A half-open stretch of civil time: open at `start`, closed again at `end`.
///
/// Both are seconds after midnight of the day that the span belongs to, up to 48 hours. A span over
/// midnight has an `end` past 86,400; the hours after midnight still belong to the day on which they
/// began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The whole day, 00:00-24:00.
    pub const ALL_DAY: Span = Span { start: 0, end: DAY };

    /// A span from `start` to `end`, in seconds after midnight.
    ///
    /// `None` unless `start < end <= 172_800`.
    pub const fn new(start: u32, end: u32) -> Option<Self> {
        if start < end && end <= 2 * DAY { Some(Self { start, end }) } else { None }
    }

    /// The first second inside.
    pub const fn start(self) -> u32 {
        self.start
    }

    /// The first second outside, at most 172,800.
    pub const fn end(self) -> u32 {
        self.end
    }

    /// Whether the span goes on past midnight.
    pub const fn is_overnight(self) -> bool {
        self.end > DAY
    }

    /// Whether `second` after midnight of the day on which the span begins lies inside.
    pub const fn contains(self, second: u32) -> bool {
        self.start <= second && second < self.end
    }
}

/// Writes `09:00-18:00`; a span over midnight as `22:00-06:00`; one that this could not tell apart
/// with hours past 24, as `25:00-26:00`; seconds only where there are any.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_clock(f, self.start)?;
        f.write_str("-")?;
        // 24:00 is the end of this day, 00:00 the beginning of the next: the same instant, but
        // readers expect the first.
        let plain = self.end > DAY && self.start < DAY && self.end - DAY < self.start;
        write_clock(f, if plain { self.end - DAY } else { self.end })
    }
}

/// The hours of one day: spans in order that do not overlap. None at all means closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hours {
    spans: Vec<Span>,
}

impl Hours {
    /// Closed all day.
    pub const CLOSED: Hours = Hours { spans: Vec::new() };

    /// Open all day, 00:00-24:00.
    pub fn all_day() -> Self {
        Self { spans: alloc::vec![Span::ALL_DAY] }
    }

    /// Joins spans in any order; those that touch become one.
    ///
    /// # Errors
    ///
    /// [`HoursError::Overlap`] when two of them share a second.
    pub fn new(spans: impl IntoIterator<Item = Span>) -> Result<Self, HoursError> {
        let mut spans: Vec<Span> = spans.into_iter().collect();
        spans.sort_unstable();
        let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match joined.last_mut() {
                Some(last) if span.start < last.end => {
                    return Err(HoursError::Overlap { first: *last, second: span });
                }
                Some(last) if span.start == last.end => {
                    last.end = span.end;
                }
                _ => joined.push(span),
            }
        }
        Ok(Self { spans: joined })
    }

    /// The spans in order.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Whether there are none.
    pub fn is_closed(&self) -> bool {
        self.spans.is_empty()
    }

    /// The part of the last span that lies past midnight, in seconds; 0 if none does.
    pub fn after_midnight(&self) -> u32 {
        self.spans.last().map_or(0, |span| span.end.saturating_sub(DAY))
    }

    /// These hours and `more`; where they overlap they become one span.
    #[must_use]
    pub fn plus(&self, more: &Hours) -> Hours {
        let mut spans: Vec<Span> = self.spans.iter().chain(&more.spans).copied().collect();
        spans.sort_unstable();
        let mut joined: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match joined.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => joined.push(span),
            }
        }
        Hours { spans: joined }
    }

    /// These hours without those of `less`.
    #[must_use]
    pub fn minus(&self, less: &Hours) -> Hours {
        let mut left = self.spans.clone();
        for cut in &less.spans {
            left = left
                .iter()
                .flat_map(|span| {
                    let before = (span.start, span.end.min(cut.start));
                    let after = (span.start.max(cut.end), span.end);
                    [before, after].into_iter().filter(|(start, end)| start < end)
                })
                .filter_map(|(start, end)| Span::new(start, end))
                .collect();
        }
        Hours { spans: left }
    }

    /// These hours with `seconds` taken off their end.
    #[must_use]
    pub fn shortened(&self, seconds: u32) -> Hours {
        let mut spans = self.spans.clone();
        let mut left = seconds;
        while let Some(last) = spans.last_mut() {
            let length = last.end - last.start;
            if length > left {
                last.end -= left;
                break;
            }
            left -= length;
            spans.pop();
        }
        Hours { spans }
    }

    /// Whether they share a second with `other`.
    pub fn overlaps(&self, other: &Hours) -> bool {
        let overlap = |a: &Span, b: &Span| a.start < b.end && b.start < a.end;
        self.spans.iter().any(|a| other.spans.iter().any(|b| overlap(a, b)))
    }

    /// The span that contains `second` after this day's midnight.
    pub fn at(&self, second: u32) -> Option<Span> {
        self.spans.iter().copied().find(|span| span.contains(second))
    }
}

/// Writes `09:00-13:00, 14:00-18:00`, or `closed`.
impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_closed() {
            return f.write_str("closed");
        }
        for (i, span) in self.spans.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            span.fmt(f)?;
        }
        Ok(())
    }
}

/// Reads `09:00-13:00, 14:00-18:00`, `22:00-06:00` (over midnight, also `22:00-30:00`),
/// `00:00-24:00`, `open` (all day) or `closed`. Times are `H:MM`, `HH:MM` or `HH:MM:SS`; the end is
/// not included.
impl FromStr for Hours {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        match text.trim() {
            "closed" => return Ok(Self::CLOSED),
            "open" => return Ok(Self::all_day()),
            _ => {}
        }
        let mut spans = Vec::new();
        let mut offset = 0;
        for part in text.split(',') {
            spans.push(parse_span(part, offset)?);
            offset += part.len() + 1;
        }
        Self::new(spans)
    }
}

/// What is wrong with the text or the spans that were to become [`Hours`]: the caller's mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HoursError {
    /// A time that is no time of day.
    #[error("at column {}: {text:?} is no time; write it as 09:00, up to 48:00", offset + 1)]
    Time {
        /// Byte offset in the text.
        offset: usize,
        /// What stood there.
        text: String,
    },
    /// A part without `-`.
    #[error("at column {}: a span needs a beginning and an end, as in 09:00-18:00", offset + 1)]
    Dash {
        /// Byte offset in the text.
        offset: usize,
    },
    /// Beginning and end are the same.
    #[error("at column {}: the span is empty; for the whole day write 00:00-24:00", offset + 1)]
    Empty {
        /// Byte offset in the text.
        offset: usize,
    },
    /// Two spans share time.
    #[error("{first} and {second} overlap; join them or move one")]
    Overlap {
        /// The one that begins first.
        first: Span,
        /// The other.
        second: Span,
    },
}

fn write_clock(f: &mut fmt::Formatter<'_>, second: u32) -> fmt::Result {
    write!(f, "{:02}:{:02}", second / 3600, second / 60 % 60)?;
    match second % 60 {
        0 => Ok(()),
        s => write!(f, ":{s:02}"),
    }
}

fn parse_span(part: &str, offset: usize) -> Result<Span, HoursError> {
    let lead = part.len() - part.trim_start().len();
    let offset = offset + lead;
    let part = part.trim();
    let (start, end) = part.split_once('-').ok_or(HoursError::Dash { offset })?;
    let end_offset = offset + start.len() + 1;
    let first = parse_clock(start, offset)?;
    let mut last = parse_clock(end, end_offset)?;
    if last == first {
        return Err(HoursError::Empty { offset });
    }
    if last < first {
        last += DAY;
    }
    let bad = || HoursError::Time { offset: end_offset, text: end.trim().into() };
    Span::new(first, last).ok_or_else(bad)
}

/// Seconds after midnight, up to and including 48:00.
pub(crate) fn parse_clock(text: &str, offset: usize) -> Result<u32, HoursError> {
    let bad = || HoursError::Time { offset, text: text.trim().into() };
    let mut fields = text.trim().split(':');
    let mut field = |required: bool, width: core::ops::RangeInclusive<usize>| match fields.next() {
        Some(digits)
            if width.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) =>
        {
            digits.parse::<u32>().map_err(|_| bad())
        }
        None if !required => Ok(0),
        _ => Err(bad()),
    };
    let (hour, minute, second) = (field(true, 1..=2)?, field(true, 2..=2)?, field(false, 2..=2)?);
    let total = hour * 3600 + minute * 60 + second;
    if fields.next().is_some() || minute > 59 || second > 59 || total > 2 * DAY {
        return Err(bad());
    }
    Ok(total)
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn reads_and_writes_hours() {
        for text in
            ["09:00-18:00", "09:00-13:00, 14:00-18:00", "22:00-06:00", "00:00-24:00", "closed"]
        {
            assert_eq!(text.parse::<Hours>().unwrap().to_string(), text);
        }
        assert_eq!("14:00-18:00,9:00-14:00".parse::<Hours>().unwrap().to_string(), "09:00-18:00");
        assert_eq!("open".parse::<Hours>().unwrap(), Hours::all_day());
        assert_eq!("09:00:30-10:00".parse::<Hours>().unwrap().to_string(), "09:00:30-10:00");
    }

    #[test]
    fn an_evening_span_ends_at_midnight_not_before_it_begins() {
        let hours: Hours = "18:00-00:00".parse().unwrap();
        assert_eq!(hours.spans(), [Span::new(18 * 3600, DAY).unwrap()]);
        assert_eq!(hours.after_midnight(), 0);
        assert_eq!(hours.to_string(), "18:00-24:00");
    }

    #[test]
    fn spans_that_midnight_could_confuse_are_written_past_24() {
        for text in ["25:00-26:00", "06:00-30:00", "22:00-06:00", "06:00-31:30"] {
            assert_eq!(text.parse::<Hours>().unwrap().to_string(), text);
        }
        assert_eq!("22:00-30:00".parse::<Hours>().unwrap().to_string(), "22:00-06:00");
    }

    #[test]
    fn hours_add_and_subtract() {
        let hours = |text: &str| text.parse::<Hours>().unwrap();
        let day = hours("09:00-13:00, 14:00-18:00");
        assert_eq!(day.plus(&hours("12:00-15:00, 20:00-21:00")), hours("09:00-18:00, 20:00-21:00"));
        assert_eq!(day.minus(&hours("12:30-15:00")), hours("09:00-12:30, 15:00-18:00"));
        assert_eq!(day.minus(&hours("open")), Hours::CLOSED);
        assert_eq!(hours("22:00-06:00").minus(&hours("22:00-01:00")), hours("25:00-30:00"));
        assert_eq!(day.shortened(3600), hours("09:00-13:00, 14:00-17:00"));
        assert_eq!(day.shortened(5 * 3600), hours("09:00-12:00"));
        assert_eq!(day.shortened(8 * 3600), Hours::CLOSED);
        assert!(day.overlaps(&hours("12:59-14:00")));
        assert!(!day.overlaps(&hours("13:00-14:00")));
    }

    #[test]
    fn says_where_the_mistake_is() {
        let error = |text: &str| text.parse::<Hours>().unwrap_err();
        assert_eq!(error("09:00-48:01"), HoursError::Time { offset: 6, text: "48:01".into() });
        assert_eq!(error("09:00-10:00, 9-12"), HoursError::Time { offset: 13, text: "9".into() });
        assert_eq!(error("09:00"), HoursError::Dash { offset: 0 });
        assert_eq!(error("09:00-09:00"), HoursError::Empty { offset: 0 });
        assert!(matches!(error("09:00-12:00, 11:00-13:00"), HoursError::Overlap { .. }));
        assert!(matches!(error("47:00-02:00"), HoursError::Time { .. }));
        assert!(matches!(error("+9:00-10:00"), HoursError::Time { .. }));
    }
}
