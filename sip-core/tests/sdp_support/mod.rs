//! Shared by the SDP tests: where the corpus lies, and how to read its manifest.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of shared test data, or `None` after saying that the test is skipped.
pub(crate) fn corpus() -> Option<PathBuf> {
    let shared = std::env::var_os("TRUNKLINE_SHARED")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    let corpus = shared.join("corpus");
    if corpus.join("manifest.csv").is_file() {
        return Some(corpus);
    }
    println!("skipped: no corpus in {} (set TRUNKLINE_SHARED)", corpus.display());
    None
}

/// One row of `manifest.csv`.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    pub(crate) expected: String,
    pub(crate) category: String,
}

pub(crate) fn manifest(corpus: &Path) -> Vec<Entry> {
    let text = fs::read_to_string(corpus.join("manifest.csv")).unwrap();
    records(&text)
        .into_iter()
        .skip(1)
        .map(|row| Entry {
            name: row[0].clone(),
            file: corpus.join(&row[1]),
            expected: row[4].clone(),
            category: row[7].clone(),
        })
        .collect()
}

/// The SDP body of a SIP message, when it has one.
pub(crate) fn body(message: &[u8]) -> Option<&[u8]> {
    let end =
        |mark: &[u8]| message.windows(mark.len()).position(|w| w == mark).map(|at| at + mark.len());
    let start = end(b"\r\n\r\n").or_else(|| end(b"\n\n"))?;
    let head = String::from_utf8_lossy(&message[..start]).to_ascii_lowercase();
    let is_sdp = head.lines().any(|line| {
        line.split_once(':').is_some_and(|(name, value)| {
            matches!(name.trim(), "content-type" | "c")
                && value.trim().starts_with("application/sdp")
        })
    });
    (is_sdp && start < message.len()).then(|| &message[start..])
}

/// Comma-separated records with quoted fields.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut rows = vec![vec![String::new()]];
    let mut quoted = false;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let row = rows.last_mut().unwrap();
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                row.last_mut().unwrap().push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\n' if !quoted => rows.push(vec![String::new()]),
            '\r' if !quoted => {}
            other => row.last_mut().unwrap().push(other),
        }
    }
    rows.retain(|row| row.len() > 1);
    rows
}
