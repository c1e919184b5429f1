//! Voice quality reports as SIP carries them (RFC 6035, `application/vq-rtcpxr`).

use alloc::string::String;

use super::fields::{Fields, Line, lines};
use super::{Quality, metrics::Metrics};

/// The value of the Content-Type header, and of the Event header of a PUBLISH.
pub const CONTENT_TYPE: &str = "application/vq-rtcpxr";
/// The event package (RFC 6035 section 3.1).
pub const EVENT: &str = "vq-rtcpxr";

/// Octets of a report that are read.
pub const MAX_LEN: usize = 16_384;

/// What occasioned a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReportKind {
    /// `VQSessionReport: CallTerm`: the call is over.
    #[default]
    Session,
    /// `VQSessionReport`: something else about the session.
    Change,
    /// `VQIntervalReport`: some time has passed.
    Interval,
    /// `VQAlertReport`: a threshold was passed.
    Alert,
}

/// An end of the stream as packets showed it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// IP, v4 or v6.
    pub ip: String,
    /// UDP port.
    pub port: u16,
    /// The stream's SSRC.
    pub ssrc: u32,
}

/// A report. Texts are as the user agents name things; ends of line in them are written as spaces.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// What occasioned it.
    pub kind: ReportKind,
    /// For [`ReportKind::Alert`], what passed which threshold, as in `Type=RLQ Severity=Warning Dir=local`.
    pub alert: String,
    /// The Call-ID of the dialog.
    pub call_id: String,
    /// The name-addr of the one who reports.
    pub local_id: String,
    /// The name-addr of the other side.
    pub remote_id: String,
    /// The name-addr of the one who called.
    pub orig_id: String,
    /// Where the one who reports received.
    pub local_address: Option<Address>,
    /// Where the other side sent from.
    pub remote_address: Option<Address>,
    /// Which group of devices the reporter is of.
    pub local_group: Option<String>,
    /// Which group the other side is of.
    pub remote_group: Option<String>,
    /// What the reporter measured.
    pub local: Metrics,
    /// What the other side said that it measured.
    pub remote: Option<Metrics>,
    /// The dialog that the report is about, with its tags.
    pub dialog_id: Option<String>,
}

/// Why a body is no report. Always the peer's fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// More than [`MAX_LEN`] octets.
    #[error("quality report of {0} octets is too long")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("quality report is not text")]
    NotText,
    /// The first line names no kind of report.
    #[error("quality report begins with no kind of report")]
    Kind,
    /// What the reporter measured is not there.
    #[error("quality report has no LocalMetrics")]
    NoMetrics,
    /// A figure is none, or out of its range.
    #[error("line {line} of a quality report has a bad {field}")]
    Field {
        /// Counted from 1.
        line: usize,
        /// As RFC 6035 names it.
        field: &'static str,
    },
}

impl Report {
    /// Reads a body. Lines and fields that are not known are passed over, and so is their order.
    ///
    /// # Errors
    ///
    /// [`ReportError`]: the peer's fault; 400 is to be answered.
    pub fn parse(body: &[u8]) -> Result<Report, ReportError> {
        if body.len() > MAX_LEN {
            return Err(ReportError::TooLong(body.len()));
        }
        let text = core::str::from_utf8(body).map_err(|_| ReportError::NotText)?;
        let mut lines = lines(text);
        let mut report = Report::default();
        let first = lines.next().ok_or(ReportError::Kind)?;
        report.kind = match (first.name.as_str(), first.value.as_str()) {
            ("vqsessionreport", value) if value.eq_ignore_ascii_case("callterm") => {
                ReportKind::Session
            }
            ("vqsessionreport", _) => ReportKind::Change,
            ("vqintervalreport", _) => ReportKind::Interval,
            ("vqalertreport", _) => ReportKind::Alert,
            _ => return Err(ReportError::Kind),
        };
        if report.kind == ReportKind::Alert {
            report.alert = first.value;
        }
        let mut local = None;
        let mut in_remote = false;
        for line in lines {
            match line.name.as_str() {
                "callid" => report.call_id = line.value,
                "localid" => report.local_id = line.value,
                "remoteid" => report.remote_id = line.value,
                "origid" => report.orig_id = line.value,
                "localaddr" => report.local_address = Some(Address::parse(&line)?),
                "remoteaddr" => report.remote_address = Some(Address::parse(&line)?),
                "localgroup" => report.local_group = Some(line.value),
                "remotegroup" => report.remote_group = Some(line.value),
                "dialogid" => report.dialog_id = Some(line.value),
                "localmetrics" => {
                    in_remote = false;
                    local.get_or_insert_with(Metrics::default);
                }
                "remotemetrics" => {
                    in_remote = true;
                    report.remote.get_or_insert_with(Metrics::default);
                }
                _ => {
                    let metrics = if in_remote { report.remote.as_mut() } else { local.as_mut() };
                    if let Some(metrics) = metrics {
                        metrics.read(&line)?;
                    }
                }
            }
        }
        report.local = local.ok_or(ReportError::NoMetrics)?;
        Ok(report)
    }

    /// Writes the body.
    pub fn to_body(&self) -> String {
        let mut out = String::new();
        match self.kind {
            ReportKind::Session => text(&mut out, "VQSessionReport", "CallTerm"),
            ReportKind::Change => out.push_str("VQSessionReport\r\n"),
            ReportKind::Interval => out.push_str("VQIntervalReport\r\n"),
            ReportKind::Alert => text(&mut out, "VQAlertReport", &self.alert),
        }
        text(&mut out, "CallID", &self.call_id);
        text(&mut out, "LocalID", &self.local_id);
        text(&mut out, "RemoteID", &self.remote_id);
        text(&mut out, "OrigID", &self.orig_id);
        for (name, value) in
            [("LocalGroup", &self.local_group), ("RemoteGroup", &self.remote_group)]
        {
            if let Some(value) = value {
                text(&mut out, name, value);
            }
        }
        for (name, address) in
            [("LocalAddr", &self.local_address), ("RemoteAddr", &self.remote_address)]
        {
            if let Some(address) = address {
                address.write(&mut out, name);
            }
        }
        out.push_str("LocalMetrics:\r\n");
        self.local.write(&mut out);
        if let Some(remote) = &self.remote {
            out.push_str("RemoteMetrics:\r\n");
            remote.write(&mut out);
        }
        if let Some(dialog_id) = &self.dialog_id {
            text(&mut out, "DialogID", dialog_id);
        }
        out
    }
}

impl Address {
    fn parse(line: &Line) -> Result<Address, ReportError> {
        let mut address = Address::default();
        for (name, value) in line.fields() {
            if name.eq_ignore_ascii_case("IP") {
                address.ip = value.into();
            } else if name.eq_ignore_ascii_case("PORT") {
                address.port = value.parse().map_err(|_| line.bad("PORT"))?;
            } else if name.eq_ignore_ascii_case("SSRC") {
                let hex = value.trim_start_matches("0x").trim_start_matches("0X");
                address.ssrc = u32::from_str_radix(hex, 16).map_err(|_| line.bad("SSRC"))?;
            }
        }
        Ok(address)
    }

    fn write(&self, out: &mut String, name: &'static str) {
        let mut fields = Fields::new(out, name);
        fields.text("IP", Some(&self.ip));
        fields.number("PORT", Some(u32::from(self.port)));
        fields.hex("SSRC", self.ssrc);
        fields.end();
    }
}

/// The figures of the E-model, for a report.
impl From<Quality> for super::metrics::QualityEstimates {
    fn from(quality: Quality) -> Self {
        let whole = |r: f64| Some(libm::round(r.clamp(0.0, 120.0)) as u8);
        Self {
            r_listening: whole(quality.r_listening),
            r_conversational: whole(quality.r),
            r_external: None,
            mos_listening: Some(quality.mos_listening as f32),
            mos_conversational: Some(quality.mos as f32),
            algorithm: Some("G.107".into()),
        }
    }
}

/// A line of one text.
fn text(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push_str(": ");
    out.extend(value.trim().chars().map(|c| if c.is_control() { ' ' } else { c }));
    out.push_str("\r\n");
}
