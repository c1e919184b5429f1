//! The lines of a quality report: `Name: KEY=value KEY="value with spaces"`, folded like header fields.

use alloc::string::String;
use core::fmt::Write;

use super::report::ReportError;

/// A line, unfolded.
pub(super) struct Line {
    pub(super) number: usize,
    /// In lower case.
    pub(super) name: String,
    pub(super) value: String,
}

/// The lines of a body, empty ones left out.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line> {
    let mut rest = text.lines().enumerate().peekable();
    core::iter::from_fn(move || {
        let (number, line) = rest.find(|(_, line)| !line.trim().is_empty())?;
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let mut value = String::from(value.trim());
        while let Some((_, more)) = rest.next_if(|(_, line)| line.starts_with([' ', '\t'])) {
            value.push(' ');
            value.push_str(more.trim());
        }
        Some(Line { number: number + 1, name: name.trim().to_ascii_lowercase(), value })
    })
}

impl Line {
    /// Names and values; quotes around a value are taken off.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut rest = self.value.as_str();
        core::iter::from_fn(move || {
            loop {
                rest = rest.trim_start();
                if rest.is_empty() {
                    return None;
                }
                let end = rest.find(['=', ' ', '\t']).unwrap_or(rest.len());
                let (name, after) = rest.split_at(end);
                let Some(after) = after.strip_prefix('=') else {
                    // A word without a value.
                    rest = after;
                    continue;
                };
                let (value, after) = match after.strip_prefix('"') {
                    Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                    None => {
                        let end = after.find([' ', '\t']).unwrap_or(after.len());
                        after.split_at(end)
                    }
                };
                rest = after;
                return Some((name, value));
            }
        })
    }

    /// A field of this line is none.
    pub(super) fn bad(&self, field: &'static str) -> ReportError {
        ReportError::Field { line: self.number, field }
    }

    /// A whole number within a range.
    pub(super) fn whole<T: TryFrom<i64>>(
        &self,
        field: &'static str,
        value: &str,
        range: core::ops::RangeInclusive<i64>,
    ) -> Result<Option<T>, ReportError> {
        // Some write a fraction where the RFC has none.
        let whole = value.split_once('.').map_or(value, |(whole, _)| whole);
        let number: i64 = whole.parse().map_err(|_| self.bad(field))?;
        if !range.contains(&number) {
            return Err(self.bad(field));
        }
        T::try_from(number).map(Some).map_err(|_| self.bad(field))
    }

    /// A number with a fraction within a range.
    pub(super) fn fraction(
        &self,
        field: &'static str,
        value: &str,
        range: core::ops::RangeInclusive<f32>,
    ) -> Result<Option<f32>, ReportError> {
        let number: f32 = value.parse().map_err(|_| self.bad(field))?;
        if range.contains(&number) { Ok(Some(number)) } else { Err(self.bad(field)) }
    }
}

/// A line being written; it is left out when it has no field.
pub(super) struct Fields<'a> {
    out: &'a mut String,
    name: &'static str,
    begun: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn new(out: &'a mut String, name: &'static str) -> Fields<'a> {
        Fields { out, name, begun: false }
    }

    pub(super) fn number(&mut self, field: &str, value: Option<impl Into<i64>>) {
        if let Some(value) = value {
            self.begin(field);
            let _ = write!(self.out, "{}", value.into());
        }
    }

    /// With one digit behind the point, as the RFC has its percentages and MOS.
    pub(super) fn fraction(&mut self, field: &str, value: Option<f32>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.begin(field);
            let _ = write!(self.out, "{value:.1}");
        }
    }

    pub(super) fn hex(&mut self, field: &str, value: u32) {
        self.begin(field);
        let _ = write!(self.out, "0x{value:08x}");
    }

    /// A word; what would end it is left out.
    pub(super) fn text(&mut self, field: &str, value: Option<&str>) {
        let fits = |c: &char| !c.is_control() && *c != ' ' && *c != '"';
        if let Some(value) = value.filter(|value| value.chars().any(|c| fits(&c))) {
            self.begin(field);
            self.out.extend(value.chars().filter(fits));
        }
    }

    /// A text in quotes; quotes in it are left out.
    pub(super) fn quoted(&mut self, field: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.begin(field);
            self.out.push('"');
            self.out.extend(value.chars().filter(|c| !c.is_control() && *c != '"'));
            self.out.push('"');
        }
    }

    pub(super) fn end(self) {
        if self.begun {
            self.out.push_str("\r\n");
        }
    }

    fn begin(&mut self, field: &str) {
        if !core::mem::replace(&mut self.begun, true) {
            self.out.push_str(self.name);
            self.out.push(':');
        }
        self.out.push(' ');
        self.out.push_str(field);
        self.out.push('=');
    }
}
