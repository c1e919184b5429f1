//! Calendars as files: JSON, CSV, iCalendar, and the XML form of xmlcalendar.

use alloc::{collections::BTreeMap, string::ToString, vec::Vec};

use jiff::civil::Date;

use super::{BuildError, Builder, Calendar};
use crate::{FileError, FileProblem};

#[cfg(feature = "csv")]
mod csv;
mod ics;
#[cfg(feature = "json")]
mod json;
#[cfg(feature = "xml")]
mod xml;

impl Calendar {
    /// Reads a calendar from the text of a file, in the format that the end of its name tells:
    /// `.json`, `.csv`, `.ics` or `.xml`, each behind the feature of that name but for `.ics`.
    ///
    /// # Errors
    ///
    /// [`FileError`] with the line and the field.
    pub fn from_file(text: &str, file: &str) -> Result<Calendar, FileError> {
        match file.rsplit('.').next().map(str::to_ascii_lowercase).as_deref() {
            #[cfg(feature = "json")]
            Some("json") => Self::from_json(text, file),
            #[cfg(feature = "csv")]
            Some("csv") => Self::from_csv(text, file),
            #[cfg(feature = "xml")]
            Some("xml") => Self::from_xml(text, file),
            Some("ics") => Self::from_ics(text, file),
            _ => {
                let message = "this kind of file; a calendar is .json, .csv, .xml or .ics, \
                               and the program must have been built with that format";
                let problem = FileProblem::Unsupported(message.to_string());
                Err(FileError::at_line(file, 0, "", problem))
            }
        }
    }
}

/// Where in a file each date stood, for the errors that only show when all days are together.
#[derive(Default)]
struct Places(BTreeMap<Date, Vec<usize>>);

impl Places {
    fn add(&mut self, date: Date, line: usize) {
        self.0.entry(date).or_default().push(line);
    }

    fn build(&self, builder: Builder, file: &str) -> Result<Calendar, FileError> {
        builder.build().map_err(|error| {
            let lines = self.0.get(&error.date()).map_or(&[][..], Vec::as_slice);
            let line = match error {
                BuildError::Contradiction { .. } => lines.last(),
                _ => lines.first(),
            };
            let key = error.date().to_string();
            FileError::at_line(file, line.copied().unwrap_or(0), key, error)
        })
    }
}
