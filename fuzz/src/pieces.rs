//! A byte stream as it arrives: in pieces.

/// What a target is given: how the stream is cut, and the stream. The first line says it: each of its bytes is the
/// length of a piece, from the start again after the last.
pub(crate) fn cut_stream(data: &[u8]) -> (&[u8], &[u8]) {
    let line = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (cuts, stream) = data.split_at(line);
    (cuts, stream.get(1..).unwrap_or_default())
}

/// The pieces of a stream; one where nothing is said of cuts.
pub(crate) fn pieces<'a>(stream: &'a [u8], cuts: &[u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut lengths = cuts.iter().map(|cut| usize::from(*cut).max(1)).cycle();
    let mut rest = stream;
    std::iter::from_fn(move || {
        let length = lengths.next().unwrap_or(rest.len()).min(rest.len());
        let (piece, after) = rest.split_at(length);
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}
