use rtp_core::quality::report::{Report, ReportError};

/// The body of a voice quality report (RFC 6035).
///
/// What was read and written reads the same from then on; errors name a line of the body.
pub fn quality_report(data: &[u8]) {
    let report = match Report::parse(data) {
        Ok(report) => report,
        Err(ReportError::Field { line, .. }) => {
            assert!((1..=data.split(|byte| *byte == b'\n').count()).contains(&line));
            return;
        }
        Err(_) => return,
    };
    let written = report.to_body();
    if let Ok(again) = Report::parse(written.as_bytes()) {
        let twice = again.to_body();
        assert_eq!(Report::parse(twice.as_bytes()).as_ref(), Ok(&again));
    } else {
        // Longer by the ends of line that were not there.
        assert!(written.len() > data.len());
    }
}
