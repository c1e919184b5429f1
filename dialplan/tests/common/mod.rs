//! Where the shared case tables are.

use std::path::PathBuf;

/// The text of a file in the shared folder, or `None` after saying that the test is skipped.
pub(crate) fn shared(path: &str) -> Option<String> {
    let folder = std::env::var_os("TRUNKLINE_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let file = folder.join(path);
    match std::fs::read_to_string(&file) {
        Ok(text) => Some(text),
        Err(_) => {
            println!("skipped: no {} here; set TRUNKLINE_SHARED", file.display());
            None
        }
    }
}
