//! The configuration files of Asterisk: sections, templates, `key => value`.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Files, Note, ReadError};

const MAX_DEPTH: usize = 16;
const MAX_BYTES: usize = 64 << 20;

/// A section with what it inherits.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) name: Box<str>,
    pub(super) is_template: bool,
    pub(super) file: Rc<str>,
    pub(super) line: u32,
    pub(super) lines: Vec<Rc<Line>>,
}

/// `key => value`.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) key: Box<str>,
    pub(super) value: Box<str>,
    pub(super) file: Rc<str>,
    pub(super) line: u32,
}

/// Sections in the order written; those of one name are one.
pub(super) struct Conf<'f> {
    pub(super) sections: Vec<Section>,
    pub(super) notes: Vec<Note>,
    by_name: BTreeMap<Box<str>, usize>,
    current: Option<usize>,
    in_comment: bool,
    files: &'f mut dyn Files,
    bytes: usize,
    inherited: usize,
}

/// Templates multiply lines; so many at most.
const MAX_INHERITED: usize = 1_000_000;

impl<'f> Conf<'f> {
    pub(super) fn new(files: &'f mut dyn Files) -> Conf<'f> {
        Conf {
            sections: Vec::new(),
            notes: Vec::new(),
            by_name: BTreeMap::new(),
            current: None,
            in_comment: false,
            files,
            bytes: 0,
            inherited: 0,
        }
    }

    pub(super) fn read(&mut self, file: &str, text: &str, depth: usize) -> Result<(), ReadError> {
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > MAX_BYTES {
            return Err(ReadError::TooLong { file: file.into(), limit: MAX_BYTES });
        }
        let file: Rc<str> = file.into();
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        for (number, line) in (1..).zip(text.lines()) {
            let line = self.without_comment(line);
            let line = line.trim();
            if line.is_empty() {
                continue;
            }
            if let Some(directive) = line.strip_prefix('#') {
                self.directive(directive, &file, number, depth)?;
            } else if let Some(heading) = line.strip_prefix('[') {
                self.heading(heading, &file, number);
            } else {
                self.line(line, &file, number);
            }
        }
        Ok(())
    }

    fn note(&mut self, file: &str, line: u32, text: impl Into<Box<str>>) {
        self.notes.push(Note { file: file.into(), line, text: text.into() });
    }

    /// Takes `; …` and `;-- … --;` out; `\;` is a semicolon.
    fn without_comment(&mut self, line: &str) -> String {
        let mut kept = String::new();
        let mut rest = line;
        loop {
            if self.in_comment {
                match rest.find("--;") {
                    None => return kept,
                    Some(end) => {
                        self.in_comment = false;
                        rest = rest.get(end + 3..).unwrap_or_default();
                    }
                }
                continue;
            }
            let Some(at) = rest.find(';') else {
                kept.push_str(rest);
                return kept;
            };
            let (before, after) = rest.split_at(at);
            if let Some(before) = before.strip_suffix('\\') {
                kept.push_str(before);
                kept.push(';');
                rest = after.get(1..).unwrap_or_default();
            } else if after.starts_with(";--") && !after.starts_with(";---") {
                kept.push_str(before);
                self.in_comment = true;
                rest = after.get(3..).unwrap_or_default();
            } else {
                kept.push_str(before);
                return kept;
            }
        }
    }

    fn directive(
        &mut self,
        directive: &str,
        file: &Rc<str>,
        line: u32,
        depth: usize,
    ) -> Result<(), ReadError> {
        let (name, argument) =
            directive.split_once(|c: char| c.is_whitespace()).unwrap_or((directive, ""));
        let argument = argument.trim().trim_matches(|c| matches!(c, '"' | '\'' | '<' | '>'));
        match name.to_ascii_lowercase().as_str() {
            "include" | "tryinclude" => {
                if depth >= MAX_DEPTH {
                    let file = file.to_string().into();
                    return Err(ReadError::TooDeep { file, line, limit: MAX_DEPTH });
                }
                match self.files.read(argument) {
                    Ok(files) => {
                        for (file, text) in files {
                            self.read(&file, &text, depth + 1)?;
                        }
                    }
                    Err(_) if name.eq_ignore_ascii_case("tryinclude") => {}
                    Err(why) => {
                        self.note(file, line, format!("`{argument}` is not included: {why}"))
                    }
                }
            }
            "exec" => self.note(file, line, "`#exec` is not run: a plan is only read"),
            other => self.note(file, line, format!("`#{other}` is not known")),
        }
        Ok(())
    }

    /// `[name]`, `[name](!)`, `[name](template,…)`, `[name](+)`.
    fn heading(&mut self, heading: &str, file: &Rc<str>, line: u32) {
        self.current = None;
        let Some((name, options)) = heading.split_once(']') else {
            return self.note(file, line, "the heading is not closed: `]` is missing");
        };
        let options = options.trim();
        let options = match options.strip_prefix('(') {
            None if options.is_empty() => "",
            None => {
                return self.note(file, line, format!("`{options}` after a heading is not known"));
            }
            Some(options) => match options.strip_suffix(')') {
                Some(options) => options,
                None => {
                    return self.note(
                        file,
                        line,
                        "the heading's options are not closed: `)` is missing",
                    );
                }
            },
        };
        let index = match self.by_name.get(name.trim()) {
            Some(&index) => index,
            None => {
                self.by_name.insert(name.trim().into(), self.sections.len());
                let name = name.trim().into();
                self.sections.push(Section {
                    name,
                    is_template: false,
                    file: file.clone(),
                    line,
                    lines: Vec::new(),
                });
                self.sections.len() - 1
            }
        };
        self.current = Some(index);
        for option in options.split(',').map(str::trim).filter(|option| !option.is_empty()) {
            match option {
                "!" => {
                    if let Some(section) = self.sections.get_mut(index) {
                        section.is_template = true;
                    }
                }
                "+" => {}
                template => match self.by_name.get(template) {
                    Some(&from) => self.inherit(from, index, file, line),
                    None => {
                        self.note(file, line, format!("there is no template `{template}` above"))
                    }
                },
            }
        }
    }

    fn inherit(&mut self, from: usize, to: usize, file: &str, line: u32) {
        let lines =
            self.sections.get(from).map(|section| section.lines.clone()).unwrap_or_default();
        self.inherited = self.inherited.saturating_add(lines.len());
        if self.inherited > MAX_INHERITED {
            return self.note(file, line, "templates have grown too large; this one is left out");
        }
        if let Some(section) = self.sections.get_mut(to) {
            section.lines.extend(lines);
        }
    }

    fn line(&mut self, text: &str, file: &Rc<str>, line: u32) {
        let Some((key, value)) = text.split_once('=') else {
            return self.note(file, line, "neither `key => value` nor a heading");
        };
        let value = value.strip_prefix('>').unwrap_or(value).trim();
        let Some(section) = self.current.and_then(|index| self.sections.get_mut(index)) else {
            return self.note(file, line, "before any heading, so it belongs to no context");
        };
        let (key, value) = (key.trim().to_ascii_lowercase_unless(&section.name), value.into());
        section.lines.push(Rc::new(Line { key, value, file: file.clone(), line }));
    }
}

/// Keys are the same in any case, except the names of globals.
trait Key {
    fn to_ascii_lowercase_unless(&self, section: &str) -> Box<str>;
}

impl Key for str {
    fn to_ascii_lowercase_unless(&self, section: &str) -> Box<str> {
        if section == "globals" { self.into() } else { self.to_ascii_lowercase().into() }
    }
}
