//! Files that lie beside the workspace and are not part of it.

use std::{collections::HashMap, io::Write, path::PathBuf};

/// The rows of a CSV file of `shared/calendar`, by the names in its header line.
///
/// Prints that the test is skipped when the folder is not there.
pub(crate) fn rows(name: &str) -> Option<Vec<HashMap<String, String>>> {
    let folder = std::env::var_os("TRUNKLINE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")),
        PathBuf::from,
    );
    let path = folder.join("calendar").join(name);
    if !path.exists() {
        // The macros' output is hidden where a test passes.
        let _ = writeln!(std::io::stderr(), "skipped: there is no {}", path.display());
        return None;
    }
    let mut reader = csv::Reader::from_path(&path).expect("a file that opens");
    Some(reader.deserialize().map(|row| row.expect("a row of CSV")).collect())
}
