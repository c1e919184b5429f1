//! Comma-separated tables: rows with the line they start on.

use alloc::string::String;
use alloc::vec::Vec;

use csv_core::{ReadRecordResult, Reader};

/// Bounds on one row, so that a table of garbage costs no memory.
const MAX_ROW_BYTES: usize = 64 * 1024;
const MAX_FIELDS: usize = 256;

/// Why a table could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CsvError {
    /// A row is longer than 64 KiB or has more than 256 fields, as after a quote that is never closed.
    #[error(
        "line {line}: the row has more than {MAX_ROW_BYTES} bytes or {MAX_FIELDS} fields; is a quote left open?"
    )]
    RowTooLong {
        /// The line the row starts on, from 1.
        line: u64,
    },
    /// A row is not UTF-8.
    #[error("line {line}: not UTF-8")]
    NotUtf8 {
        /// The line the row starts on, from 1.
        line: u64,
    },
}

/// Reads rows one after the other; the memory of a row is used again for the next.
///
/// ```
/// use dialplan::csv::Rows;
///
/// let mut rows = Rows::new(b"prefix,name\n7495,\"Moscow, city\"\n");
/// rows.next()?;
/// let row = rows.next()?.unwrap();
/// assert_eq!((row.line(), row.field(1)), (2, Some("Moscow, city")));
/// # Ok::<(), dialplan::csv::CsvError>(())
/// ```
pub struct Rows<'t> {
    reader: Reader,
    rest: &'t [u8],
    bytes: Vec<u8>,
    ends: Vec<usize>,
    text: String,
    fields: usize,
    line: u64,
    finished: bool,
}

/// One row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r> {
    text: &'r str,
    ends: &'r [usize],
    line: u64,
}

impl<'t> Rows<'t> {
    /// Starts at the first row. A byte order mark is passed over.
    pub fn new(table: &'t [u8]) -> Rows<'t> {
        Rows {
            reader: Reader::new(),
            rest: table.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(table),
            bytes: alloc::vec![0; 512],
            ends: alloc::vec![0; 16],
            text: String::new(),
            fields: 0,
            line: 1,
            finished: false,
        }
    }

    /// The next row; blank lines are passed over.
    ///
    /// # Errors
    ///
    /// When a row is over the bounds or not UTF-8. Later rows can still be read after the latter.
    #[expect(clippy::should_implement_trait, reason = "rows borrow the reader, so no Iterator")]
    pub fn next(&mut self) -> Result<Option<Row<'_>>, CsvError> {
        if self.finished {
            return Ok(None);
        }
        let blank = self.rest.iter().take_while(|&&byte| byte == b'\n' || byte == b'\r').count();
        let newlines = self.rest.iter().take(blank).filter(|&&byte| byte == b'\n').count();
        self.line = self.reader.line() + newlines as u64;
        let line = self.line;
        let (mut written, mut fields) = (0, 0);
        loop {
            let bytes = self.bytes.get_mut(written..).unwrap_or_default();
            let ends = self.ends.get_mut(fields..).unwrap_or_default();
            let (result, read, wrote, ended) = self.reader.read_record(self.rest, bytes, ends);
            self.rest = self.rest.get(read..).unwrap_or_default();
            written += wrote;
            fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.bytes.len() < MAX_ROW_BYTES => {
                    self.bytes.resize(self.bytes.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < MAX_FIELDS => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    self.finished = true;
                    return Err(CsvError::RowTooLong { line });
                }
                ReadRecordResult::Record => break,
                ReadRecordResult::End => {
                    self.finished = true;
                    return Ok(None);
                }
            }
        }
        self.fields = fields;
        self.text.clear();
        let bytes = self.bytes.get(..written).unwrap_or_default();
        match core::str::from_utf8(bytes) {
            Ok(text) => self.text.push_str(text),
            Err(_) => return Err(CsvError::NotUtf8 { line }),
        }
        Ok(Some(Row { text: &self.text, ends: self.ends.get(..fields).unwrap_or_default(), line }))
    }
}

impl<'r> Row<'r> {
    /// A field, from 0.
    pub fn field(&self, index: usize) -> Option<&'r str> {
        let end = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            None => 0,
            Some(previous) => *self.ends.get(previous)?,
        };
        self.text.get(start..end)
    }

    /// How many fields the row has.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the row has no field; never so for a row that was read.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The line the row starts on, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_lines_through_quotes_and_blank_lines() {
        let mut rows = Rows::new(b"a,b\n\n\"x\ny\",2\r\nlast,");
        let mut seen = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            seen.push((row.line(), row.field(0).unwrap().len(), row.len()));
        }
        assert_eq!(seen, [(1, 1, 2), (3, 3, 2), (5, 4, 2)]);
    }

    #[test]
    fn an_open_quote_ends_in_an_error() {
        let table: Vec<u8> = [b"1,\"".as_slice(), &[b'x'; 1 << 20]].concat();
        assert_eq!(Rows::new(&table).next().unwrap_err(), CsvError::RowTooLong { line: 1 });
    }

    #[test]
    fn not_utf8_names_the_line() {
        let mut rows = Rows::new(b"ok\n\xFF\nok\n");
        rows.next().unwrap();
        assert_eq!(rows.next().unwrap_err(), CsvError::NotUtf8 { line: 2 });
        assert_eq!(rows.next().unwrap().unwrap().field(0), Some("ok"));
    }
}
