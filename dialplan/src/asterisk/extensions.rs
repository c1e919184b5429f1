//! From sections to contexts.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::plan::{Origin, Plan, PlanBuilder, Step};
use crate::variable::expand;

use super::conf::{Conf, Line, Section};
use super::{Application, Files, HINT, Note, ReadError};

/// Reads an `extensions.conf`, with the files it includes. The notes say what did not become part
/// of the plan.
///
/// # Errors
///
/// When a limit is broken: includes of files or contexts too deep, or too much text.
pub fn read(
    file: &str,
    text: &str,
    files: &mut dyn Files,
) -> Result<(Plan<Application>, Vec<Note>), ReadError> {
    let mut conf = Conf::new(files);
    conf.read(file, text, 0)?;
    let Conf { sections, notes, .. } = conf;
    let mut reader = Reader { builder: Plan::builder(), notes, globals: BTreeMap::new() };
    for section in sections.iter().filter(|section| &*section.name == "globals") {
        for line in &section.lines {
            let value = reader.expand(&line.value, line);
            reader.globals.insert(line.key.clone(), value);
        }
    }
    for section in &sections {
        if !section.is_template && !matches!(&*section.name, "general" | "globals") {
            reader.context(section);
        }
    }
    Ok((reader.builder.build()?, reader.notes))
}

struct Reader {
    builder: PlanBuilder<Application>,
    notes: Vec<Note>,
    globals: BTreeMap<Box<str>, String>,
}

/// What `same` and `n` go on from.
#[derive(Default)]
struct Last {
    extension: String,
    priority: u32,
}

impl Reader {
    fn note(&mut self, line: &Line, text: impl Into<Box<str>>) {
        let file = Box::from(&*line.file);
        self.notes.push(Note { file, line: line.line, text: text.into() });
    }

    fn expand(&mut self, text: &str, line: &Line) -> String {
        let globals = &self.globals;
        let value = |name: &str| {
            let name =
                name.strip_prefix("GLOBAL(").and_then(|n| n.strip_suffix(')')).unwrap_or(name);
            globals.get(name).cloned()
        };
        match expand(text, &value) {
            Ok(text) => text,
            Err(error) => {
                self.note(line, format!("{error}"));
                text.into()
            }
        }
    }

    fn context(&mut self, section: &Section) {
        let mut last = Last::default();
        let origin = Origin { file: &section.file, line: section.line };
        self.builder.context(&section.name).written_at(origin);
        for line in &section.lines {
            match &*line.key {
                "exten" => self.exten(section, line, &mut last),
                "same" if last.extension.is_empty() => {
                    self.note(line, "`same` before any `exten`");
                }
                "same" => self.step(section, line, &line.value, &mut last),
                "include" => self.include(section, line),
                "ignorepat" | "autohints" => {
                    self.note(line, format!("`{}` has no meaning here and is left out", line.key));
                }
                "switch" | "lswitch" | "eswitch" => {
                    self.note(line, "`switch` asks another plan, which is not supported");
                }
                other => self.note(line, format!("`{other}` is not known in a context")),
            }
        }
    }

    /// `extension[/caller],priority,application`.
    fn exten(&mut self, section: &Section, line: &Line, last: &mut Last) {
        let Some((extension, rest)) = split_extension(&line.value) else {
            return self.note(line, "an extension needs a priority and an application");
        };
        let extension = self.expand(extension, line);
        // Spaces are decoration outside sets, as dashes are.
        let mut in_set = false;
        last.extension = extension
            .chars()
            .filter(|&character| {
                in_set = (in_set || character == '[') && character != ']';
                in_set || !character.is_whitespace()
            })
            .collect();
        if let Some(at) = last.extension.find('/') {
            let caller = shrink(&last.extension.split_off(at));
            last.extension.push_str(&caller);
        }
        self.step(section, line, rest, last);
    }

    /// `priority[(label)],application`.
    fn step(&mut self, section: &Section, line: &Line, text: &str, last: &mut Last) {
        let (priority, application) = text.split_once(',').unwrap_or((text, ""));
        let priority = self.expand(priority, line);
        let (number, label) = match priority.split_once('(') {
            None => (priority.trim(), None),
            Some((number, label)) => match label.split_once(')') {
                Some((label, after)) if after.trim().is_empty() => {
                    (number.trim(), Some(label.trim()))
                }
                _ => {
                    return self.note(line, format!("`{priority}` is not a priority with a label"));
                }
            },
        };
        let is_hint = number.eq_ignore_ascii_case("hint");
        let priority = match number {
            _ if is_hint => Some(HINT),
            "n" | "next" if last.priority == 0 => {
                // Asterisk refuses it too, since there is nothing to be next to. Further down it goes
                // on from the line above, whatever extension that is.
                return self.note(line, "the first priority of a context cannot be `n`");
            }
            _ => {
                let (base, more) = match number.split_once('+') {
                    None => (number, Some(0)),
                    Some((base, more)) => (base.trim(), more.trim().parse::<u32>().ok()),
                };
                let base = match base {
                    "n" | "next" => last.priority.checked_add(1),
                    "s" | "same" => Some(last.priority),
                    base => base.parse().ok(),
                };
                base.zip(more).and_then(|(base, more)| base.checked_add(more))
            }
        };
        let Some(priority) = priority.filter(|&priority| priority > 0) else {
            return self.note(line, format!("`{number}` is not a priority"));
        };
        let Some(target) = application_of(application, is_hint) else {
            return self.note(line, "there is no application");
        };
        if !is_hint {
            last.priority = priority;
        }
        let origin = Some(Origin { file: &line.file, line: line.line });
        let step = Step { priority, label, origin, target };
        let added = self.builder.context(&section.name).add_step(&last.extension, step).map(|_| ());
        if let Err(error) = added {
            self.note(line, format!("extension `{}`: {error}", last.extension));
        }
    }

    /// `context[,hours,days of the week,days,months[,zone]]`.
    fn include(&mut self, section: &Section, line: &Line) {
        let value = self.expand(&line.value, line).replace('|', ",");
        let (context, times) = value.split_once(',').unwrap_or((&value, ""));
        let times = times.trim();
        let schedule = Some(times).filter(|times| !times.is_empty());
        let origin = Some(Origin { file: &line.file, line: line.line });
        self.builder.context(&section.name).include_when(context.trim(), schedule, origin);
    }
}

/// A caller's pattern without the decoration of numbers, as Asterisk keeps it.
fn shrink(caller: &str) -> String {
    let mut in_set = false;
    let last = caller.len().saturating_sub(1);
    let keep = |(at, character): &(usize, char)| {
        in_set = (in_set || *character == '[') && *character != ']';
        match character {
            '(' | ')' => false,
            '-' => in_set,
            '.' => *at == last,
            _ => true,
        }
    };
    caller.char_indices().filter(keep).map(|(_, character)| character).collect()
}

/// Splits at the first comma that is not in a variable.
fn split_extension(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0i32;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b',' if depth <= 0 => return Some((text.get(..at)?.trim(), text.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

fn application_of(text: &str, is_hint: bool) -> Option<Application> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if is_hint {
        return Some(Application { name: "hint".into(), arguments: text.into() });
    }
    let (name, arguments) = match text.split_once('(') {
        // The old way, `Dial,SIP/101`, is still met.
        None => text.split_once([',', '|']).unwrap_or((text, "")),
        Some((name, rest)) => (name, rest.strip_suffix(')').unwrap_or(rest)),
    };
    Some(Application { name: name.trim().into(), arguments: arguments.into() })
}
