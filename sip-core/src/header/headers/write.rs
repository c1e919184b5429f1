//! The list as it is sent.

use super::{Field, Headers};
use crate::header::name::Known;
use crate::message::scan::content_length;
use crate::text::write_number;

impl Headers {
    /// Writes all lines.
    pub(crate) fn write_as_they_are(&self, out: &mut Vec<u8>) {
        for field in &self.fields {
            out.extend_from_slice(self.line(field));
            out.extend_from_slice(b"\r\n");
        }
    }

    /// Writes the lines of known names that pass.
    pub(crate) fn write_known(&self, passes: impl Fn(Known) -> bool, out: &mut Vec<u8>) {
        let mut run = None;
        for field in self.fields.iter().filter(|field| passes(field.known)) {
            self.write_behind(&mut run, field, out);
        }
        run.iter().for_each(|run| self.write_run(run, out));
    }

    /// So many bytes are written by [`write_known`](Self::write_known).
    pub(crate) fn written_known(&self, passes: impl Fn(Known) -> bool) -> usize {
        let passing = self.fields.iter().filter(|field| passes(field.known));
        passing.map(|field| field.len() + 2).sum()
    }

    /// Writes all lines, and a Content-Length that is right.
    pub(crate) fn write(&self, body: usize, out: &mut Vec<u8>) {
        let mut counted = false;
        let mut run = None;
        for field in &self.fields {
            if field.known == Known::ContentLength {
                if counted {
                    continue;
                }
                counted = true;
                if !self.says(field, body) {
                    run.take().iter().for_each(|run| self.write_run(run, out));
                    write_length(body, out);
                    continue;
                }
            }
            self.write_behind(&mut run, field, out);
        }
        run.iter().for_each(|run| self.write_run(run, out));
        if !counted {
            write_length(body, out);
        }
    }

    /// At most so many bytes are written by [`write`](Self::write), and if no Content-Length is
    /// there, exactly so many.
    pub(crate) fn written(&self, body: usize) -> usize {
        let mut counted = false;
        let mut length = 0;
        for field in &self.fields {
            counted |= field.known == Known::ContentLength && self.says(field, body);
            length += field.len() + 2;
        }
        length + if counted { 0 } else { LENGTH.len() + digits(body) + 2 }
    }

    /// Whether a Content-Length says that the body has so many bytes.
    fn says(&self, field: &Field, body: usize) -> bool {
        content_length(self.value_of(field), 0) == Ok(body)
    }

    /// Adds a line to the run of lines that stand side by side, which are copied as one, or writes that
    /// and begins another one.
    #[inline]
    fn write_behind(&self, run: &mut Option<Field>, field: &Field, out: &mut Vec<u8>) {
        match run {
            Some(run) if run.is_own == field.is_own && run.end + 2 == field.start => {
                run.end = field.end;
            }
            _ => run.replace(*field).iter().for_each(|run| self.write_run(run, out)),
        }
    }

    /// Writes from the start of a first line to the end of a last one, with its line end.
    fn write_run(&self, run: &Field, out: &mut Vec<u8>) {
        let buffer = if run.is_own { &self.own[..] } else { &self.source[..] };
        let (start, end) = (run.start as usize, run.end as usize + 2);
        out.extend_from_slice(buffer.get(start..end).unwrap_or_default());
    }
}

const LENGTH: &[u8] = b"Content-Length: ";

fn digits(number: usize) -> usize {
    number.checked_ilog10().unwrap_or(0) as usize + 1
}

fn write_length(body: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(LENGTH);
    write_number(out, body as u64);
    out.extend_from_slice(b"\r\n");
}
