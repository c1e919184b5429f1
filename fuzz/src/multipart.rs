use bytes::Bytes;
use sip_core::header::MediaType;
use sip_core::message::multipart::{self, MultipartError, Part};
use sip_core::{Limits, Token};

/// A media type on the first line, and a body of several parts behind it.
///
/// Parts are no more and no longer than the body; an error points into it; what was taken apart can be put together
/// with another boundary, and gives the same parts again, and so do parts within parts.
pub fn multipart(data: &[u8]) {
    let line = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (kind, body) = data.split_at(line);
    let body = Bytes::copy_from_slice(body.get(1..).unwrap_or_default());
    let Ok(kind) = MediaType::parse(kind) else { return };
    let limits = Limits { values: 20, ..Limits::default() };
    let parts = match multipart::parts(&kind, &body, &limits) {
        Ok(parts) => parts,
        Err(error) => {
            if let MultipartError::Head(error) = &error {
                assert!(error.offset <= body.len(), "{error}");
            }
            let _ = (error.fault(), error.to_string());
            return;
        }
    };
    assert!((1..=limits.values).contains(&parts.len()));
    assert!(parts.iter().map(|part| part.body.len()).sum::<usize>() <= body.len());
    put_together(&parts, &limits);
    for part in &parts {
        let _ = (part.media_type(), part.disposition());
        if let Ok(inner) = part.parts(1, &limits) {
            assert!(inner.iter().all(|inner| inner.body.len() <= part.body.len()));
            put_together(&inner, &limits);
        }
        assert!(part.parts(limits.nesting, &limits).is_err());
    }
}

fn put_together(parts: &[Part], limits: &Limits) {
    // One that does not stand in any part.
    let held = |boundary: &str| {
        let has = |text: &[u8]| text.windows(boundary.len()).any(|at| at == boundary.as_bytes());
        parts.iter().any(|part| has(&part.body) || part.headers.iter().any(|(_, value)| has(value)))
    };
    let Some(boundary) = (0..).map(|n| format!("boundary{n}")).find(|boundary| !held(boundary))
    else {
        return;
    };
    let written = multipart::write(parts, &boundary).unwrap();
    let kind = multipart::media_type(Token::from_static("mixed"), &boundary).unwrap();
    let limits = Limits { header_bytes: limits.header_bytes, ..limits.clone() };
    match multipart::parts(&kind, &written, &limits) {
        Ok(again) => assert_eq!(again, parts),
        Err(error) => assert!(written.len() > limits.header_bytes, "{error}"),
    }
}
