//! A mistake in the configuration, with its place.

use std::fmt;
use std::ops::Range;
use std::path::Path;

/// What is wrong, where, in one line.
#[derive(Debug)]
pub struct ConfigError {
    place: String,
    key: String,
    text: String,
}

impl ConfigError {
    pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Self {
        Self {
            place: path.display().to_string(),
            key: String::new(),
            text: format!("cannot be read: {error}"),
        }
    }

    /// A mistake that the TOML reader found: syntax, an unknown key, a value of the wrong kind.
    pub(super) fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        Self {
            place: place(path, text, start),
            key: key_at(text, start),
            text: error.message().to_owned(),
        }
    }

    pub(super) fn at(path: &Path, text: &str, span: Range<usize>, key: &str, says: String) -> Self {
        Self { place: place(path, text, span.start), key: key.to_owned(), text: says }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "{}: {}", self.place, self.text)
        } else {
            write!(f, "{}: {}: {}", self.place, self.key, self.text)
        }
    }
}

impl std::error::Error for ConfigError {}

fn place(path: &Path, text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    format!("{}:{}", path.display(), before.matches('\n').count() + 1)
}

/// The key of the line that `offset` is in.
fn key_at(text: &str, offset: usize) -> String {
    let start = text.get(..offset).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let line = text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    line.split('=').next().unwrap_or_default().trim().to_owned()
}
