//! Where the bytes come from.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use anyhow::Context;
use bytes::Bytes;

use crate::capture::{self, Left};

/// One message, and what to call it.
pub(crate) struct Piece {
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
}

/// All bytes of a file; `-` is the standard input.
pub(crate) fn read(file: &Path) -> anyhow::Result<Bytes> {
    if file.as_os_str() != "-" {
        return Ok(fs::read(file)?.into());
    }
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

/// Hands over what a file holds: itself, or each message of a capture, as `file#packet`. Says what of it is
/// left.
pub(crate) fn pieces(
    file: &Path,
    bytes: Bytes,
    is_description: bool,
    mut take: impl FnMut(Piece) -> anyhow::Result<()>,
) -> anyhow::Result<Left> {
    let name = file.display().to_string();
    if is_description || !capture::is_capture(&bytes) {
        take(Piece { name, bytes })?;
        return Ok(Left::default());
    }
    capture::messages(&bytes, |packet, bytes| {
        take(Piece { name: format!("{name}#{packet}"), bytes })
    })
    .context("not all of the capture could be read")
}
