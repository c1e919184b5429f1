use rtp_core::telephone_event::{InfoEvent, InfoType, MAX_DURATION};

/// The body of a SIP INFO; the first line may be a Content-Type.
///
/// Only telephone keys and the hook flash are read, durations are bounded, and what was read is written so that it
/// reads the same.
pub fn info_body(data: &[u8]) {
    if let Some(line) = data.split(|byte| *byte == b'\n').next()
        && let Ok(line) = std::str::from_utf8(line)
    {
        let _ = InfoType::from_content_type(line);
    }
    for kind in [InfoType::Dtmf, InfoType::DtmfRelay] {
        assert_eq!(InfoType::from_content_type(kind.content_type()), Some(kind));
        let Ok(event) = InfoEvent::parse(kind, data) else { continue };
        assert!(event.code.0 <= 16);
        assert!(event.duration.is_none_or(|duration| duration <= MAX_DURATION));
        let read = InfoEvent::parse(kind, event.to_body(kind).as_bytes()).unwrap();
        assert_eq!(read.code, event.code);
        // A duration of nothing is written as a millisecond.
        if kind == InfoType::DtmfRelay && event.duration.is_none_or(|d| !d.is_zero()) {
            assert_eq!(read, event);
        }
    }
}
