//! Times: Date, Retry-After, Timestamp (RFC 3261 §20.17, §20.33, §20.38).

use core::fmt;

use super::params::{Params, ParamsRef};
use super::{HeaderName, TypedHeader};
use crate::error::{HeaderError, ValueError, ValueErrorKind};
use crate::text::{Cursor, class, str};

/// A moment in GMT: `Sat, 13 Nov 2010 23:29:00 GMT`, and no other form (RFC 3261 §20.17).
///
/// Grammar: `wkday "," SP 2DIGIT SP month SP 4DIGIT SP 2DIGIT ":" 2DIGIT ":" 2DIGIT SP "GMT"`
///
/// Example: `Date: Sat, 13 Nov 2010 23:29:00 GMT`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Date {
    /// A moment so many seconds after 1970-01-01T00:00:00Z; the last second of the year 9999 for
    /// anything later.
    pub fn from_unix(seconds: u64) -> Date {
        let seconds = seconds.min(253_402_300_799);
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        // Eras of 400 years that start on 1 March, so that the leap day comes last.
        let from_march_0 = days + 719_468;
        let (era, day_of_era) = (from_march_0 / 146_097, from_march_0 % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        // Every value is within the range of its field, by the arithmetic above.
        #[expect(clippy::cast_possible_truncation, reason = "in range by construction")]
        Date {
            year: year as u16,
            month: month as u8,
            day: day as u8,
            hour: (rest / 3_600) as u8,
            minute: (rest / 60 % 60) as u8,
            second: (rest % 60) as u8,
        }
    }

    /// Seconds after 1970-01-01T00:00:00Z. A leap second counts as the first of the next minute.
    pub fn to_unix(self) -> u64 {
        self.days() * 86_400
            + u64::from(self.hour) * 3_600
            + u64::from(self.minute) * 60
            + u64::from(self.second)
    }

    fn days(self) -> u64 {
        let (year, month) = (u64::from(self.year), u64::from(self.month));
        let year = if month <= 2 { year - 1 } else { year };
        let (era, year_of_era) = (year / 400, year % 400);
        let shifted = if month > 2 { month - 3 } else { month + 9 };
        let day_of_year = (153 * shifted + 2) / 5 + u64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * 146_097 + day_of_era - 719_468
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weekday = usize::try_from(self.days() % 7).unwrap_or_default();
        let day = DAYS.get(weekday).copied().unwrap_or_default();
        let month = MONTHS.get(usize::from(self.month) - 1).copied().unwrap_or_default();
        write!(
            f,
            "{day}, {:02} {month} {:04} {:02}:{:02}:{:02} GMT",
            self.day, self.year, self.hour, self.minute, self.second
        )
    }
}

impl TypedHeader for Date {
    const NAME: HeaderName = HeaderName::Date;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        read_date(value).map_err(|error| error.of(HeaderName::Date))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.to_string().as_bytes());
    }
}

fn read_date(value: &[u8]) -> Result<Date, ValueError> {
    let mut cursor = Cursor::of(value)?;
    let named = |cursor: &mut Cursor<'_>, names: &[&str], what| -> Result<u8, ValueError> {
        let at = cursor.at();
        let word = cursor.word(what)?;
        let found = names.iter().position(|name| name.eq_ignore_ascii_case(word));
        found.and_then(|index| u8::try_from(index).ok()).ok_or(ValueError::expected(what, at))
    };
    let number = |cursor: &mut Cursor<'_>, digits: usize, most: u16| -> Result<u16, ValueError> {
        let at = cursor.at();
        let number = cursor.number(u64::from(most))?;
        if cursor.at() - at != digits {
            return Err(ValueError::new(ValueErrorKind::Range, at));
        }
        Ok(u16::try_from(number).unwrap_or(most))
    };
    let small = |number: u16| u8::try_from(number).unwrap_or(u8::MAX);
    let eat = |cursor: &mut Cursor<'_>, byte, what| {
        if cursor.eat(byte) { Ok(()) } else { Err(cursor.expected(what)) }
    };

    cursor.lws();
    named(&mut cursor, &DAYS, "a weekday")?;
    eat(&mut cursor, b',', ", after the weekday")?;
    cursor.lws();
    let at = cursor.at();
    let day = small(number(&mut cursor, 2, 31)?);
    cursor.lws();
    let month = named(&mut cursor, &MONTHS, "a month")? + 1;
    cursor.lws();
    let year = number(&mut cursor, 4, 9999)?;
    cursor.lws();
    let hour = small(number(&mut cursor, 2, 23)?);
    eat(&mut cursor, b':', ": after the hour")?;
    let minute = small(number(&mut cursor, 2, 59)?);
    eat(&mut cursor, b':', ": after the minute")?;
    let second = small(number(&mut cursor, 2, 60)?);
    cursor.lws();
    if !cursor.rest().starts_with(b"GMT") {
        return Err(cursor.expected("GMT"));
    }
    cursor.advance(3);
    cursor.end()?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if day == 0 || day > longest || year < 1970 {
        return Err(ValueError::new(ValueErrorKind::Range, at));
    }
    Ok(Date { year, month, day, hour, minute, second })
}

/// When to try again (RFC 3261 §20.33): `18000 (I am in a meeting);duration=3600`.
///
/// Grammar: `delta-seconds [ comment ] *( ";" ( "duration=" delta-seconds / generic-param ) )`
///
/// Example: `Retry-After: 18000;duration=3600`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RetryAfter {
    /// Seconds from now.
    pub seconds: u32,
    /// Why, for people; as it was written, without the outer parentheses.
    pub comment: Option<String>,
    /// The parameters, such as `duration` in seconds.
    pub params: Params,
}

impl RetryAfter {
    /// So many seconds from now.
    pub fn new(seconds: u32) -> RetryAfter {
        RetryAfter { seconds, comment: None, params: Params::default() }
    }
}

impl TypedHeader for RetryAfter {
    const NAME: HeaderName = HeaderName::RetryAfter;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        let read = || -> Result<RetryAfter, ValueError> {
            let mut cursor = Cursor::of(value)?;
            cursor.lws();
            let seconds = cursor.number(u64::from(u32::MAX))?;
            cursor.lws();
            let comment = if cursor.peek() == Some(b'(') {
                Some(comment(&mut cursor)?.to_owned())
            } else {
                None
            };
            let params = ParamsRef::read(&mut cursor, |_, _| Ok(()))?.to_params();
            cursor.end()?;
            Ok(RetryAfter { seconds: u32::try_from(seconds).unwrap_or(u32::MAX), comment, params })
        };
        read().map_err(|error| error.of(HeaderName::RetryAfter))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.seconds.to_string().as_bytes());
        if let Some(comment) = &self.comment {
            out.extend_from_slice(b" (");
            super::texts::write_comment(comment, out);
            out.push(b')');
        }
        out.extend_from_slice(self.params.as_str().as_bytes());
    }
}

/// Passes a comment with nested ones; gives the text within.
pub(super) fn comment<'a>(cursor: &mut Cursor<'a>) -> Result<&'a str, ValueError> {
    let before = cursor.rest();
    let start = cursor.at();
    let mut depth = 0usize;
    loop {
        match cursor.rest() {
            [b'(', ..] => depth += 1,
            [b')', ..] => depth -= 1,
            [b'\\', next, ..] if next.is_ascii() && !matches!(next, b'\r' | b'\n') => {
                cursor.advance(1)
            }
            [b'\r', ..] if cursor.lws() => continue,
            [b'\\' | 0x00..=0x08 | 0x0a..=0x1f | 0x7f, ..] => {
                return Err(cursor.expected("a character that comments allow"));
            }
            [] => return Err(ValueError::expected(") after the comment", start)),
            _ => {}
        }
        cursor.advance(1);
        if depth == 0 {
            let whole = cursor.since(before);
            return Ok(str(whole.get(1..whole.len() - 1).unwrap_or_default()));
        }
    }
}

/// When the request was sent, by the sender's clock, and how long the peer took to answer
/// (RFC 3261 §20.38): `54.21 0.5`. Kept as text, since it is only ever sent back.
///
/// Grammar: `1*DIGIT [ "." *DIGIT ] [ LWS *DIGIT [ "." *DIGIT ] ]`
///
/// Example: `Timestamp: 54.21 0.5`
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timestamp {
    /// Seconds, as they were written.
    pub sent: String,
    /// Seconds, as they were written.
    pub delay: Option<String>,
}

impl TypedHeader for Timestamp {
    const NAME: HeaderName = HeaderName::Timestamp;

    fn parse(value: &[u8]) -> Result<Self, HeaderError> {
        fn decimal<'a>(cursor: &mut Cursor<'a>, whole: bool) -> Result<&'a str, ValueError> {
            let before = cursor.rest();
            if cursor.run(class::DIGIT).is_empty() && whole {
                return Err(cursor.expected("a number"));
            }
            if cursor.eat(b'.') {
                cursor.run(class::DIGIT);
            }
            Ok(str(cursor.since(before)))
        }
        let read = || -> Result<Timestamp, ValueError> {
            let mut cursor = Cursor::of(value)?;
            cursor.lws();
            let sent = decimal(&mut cursor, true)?.to_owned();
            let delay = if cursor.lws() { decimal(&mut cursor, false)? } else { "" };
            cursor.end()?;
            Ok(Timestamp { sent, delay: (!delay.is_empty()).then(|| delay.to_owned()) })
        };
        read().map_err(|error| error.of(HeaderName::Timestamp))
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.sent.as_bytes());
        if let Some(delay) = &self.delay {
            out.push(b' ');
            out.extend_from_slice(delay.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (text, unix) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Thu, 21 Feb 2002 13:02:03 GMT", 1_014_296_523),
            ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ] {
            let date = Date::parse(text.as_bytes()).unwrap();
            assert_eq!((date.to_unix(), date.to_string().as_str()), (unix, text));
            assert_eq!(Date::from_unix(unix), date);
        }
        for text in [
            "Fri, 01 Jan 2010 16:00:00 EST",
            "Fri, 1 Jan 2010 16:00:00 GMT",
            "Fri, 32 Jan 2010 16:00:00 GMT",
            "Fri, 01 Jan 2010 24:00:00 GMT",
            "01 Jan 2010 16:00:00 GMT",
            "Fri, 29 Feb 2023 16:00:00 GMT",
            "Fri, 00 Jan 2010 16:00:00 GMT",
            "",
            "Fri, 01 Jan 2010 16:00:00 GMT+1",
        ] {
            assert!(Date::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn retry_after() {
        let retry = RetryAfter::parse(b"18000 (in a (long) meeting \\)) ; duration=3600").unwrap();
        assert_eq!(
            (retry.seconds, retry.comment.as_deref()),
            (18000, Some("in a (long) meeting \\)"))
        );
        assert_eq!(retry.params.get("duration"), Some("3600"));
        let mut out = Vec::new();
        retry.write(&mut out);
        assert_eq!(RetryAfter::parse(&out), Ok(retry));
        for text in ["", "x", "949302838503028349304023988", "1 (", "1 )", "1 (()", "1 x"] {
            assert!(RetryAfter::parse(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn timestamps() {
        let stamp = Timestamp::parse(b"54.21 .5").unwrap();
        assert_eq!((stamp.sent.as_str(), stamp.delay.as_deref()), ("54.21", Some(".5")));
        assert!(Timestamp::parse(b"x").is_err());
    }
}
