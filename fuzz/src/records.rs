//! A binary script: datagrams with their sources and times.

use std::time::Duration;

/// One datagram of a script.
pub(crate) struct Record<'a> {
    /// How long after the one before.
    pub(crate) after: Duration,
    /// Which address it comes from, for the target to interpret.
    pub(crate) from: u8,
    /// The datagram.
    pub(crate) bytes: &'a [u8],
}

/// At most 200 records, each of a byte that says how long after the one before (milliseconds below 200, seconds
/// above 200), a byte for the source, a byte of length, and the datagram.
pub(crate) fn records(data: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut rest = data;
    let next = move || {
        let (&[after, from, length], behind) = rest.split_first_chunk::<3>()?;
        let (bytes, behind) = behind.split_at(behind.len().min(usize::from(length)));
        rest = behind;
        let after = match after {
            0..=200 => Duration::from_millis(after.into()),
            _ => Duration::from_secs(u64::from(after) - 200),
        };
        Some(Record { after, from, bytes })
    };
    std::iter::from_fn(next).take(200)
}
