//! Reference data from the shared folder, which the repository does not carry.
#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::PathBuf;

/// The folder `g711` of the shared data, or a visible skip.
pub(crate) fn shared() -> Option<PathBuf> {
    let root = std::env::var_os("TRUNKLINE_SHARED").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared")),
        PathBuf::from,
    );
    let folder = root.join("g711");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: no reference data at {}", folder.display());
    None
}

/// Reads a file of 16-bit little-endian words.
pub(crate) fn words(path: PathBuf) -> Vec<i16> {
    let bytes = bytes(path);
    assert_eq!(bytes.len() % 2, 0);
    bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// Reads a file as it is.
pub(crate) fn bytes(path: PathBuf) -> Vec<u8> {
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
