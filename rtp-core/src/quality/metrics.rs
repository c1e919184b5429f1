//! What one side measured, as a quality report has it (RFC 6035 section 4.6.2).

use alloc::string::String;

use super::fields::{Fields, Line};
use super::report::ReportError;

/// Everything one side measured. What is `None` was not measured, and is not written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Metrics {
    /// When the measurement began and ended, as RFC 3339 writes it in UTC.
    pub start: Option<String>,
    /// See `start`.
    pub stop: Option<String>,
    /// The codec.
    pub session: SessionDescription,
    /// The jitter buffer.
    pub jitter_buffer: JitterBuffer,
    /// NLR: lost in the network, percent.
    pub network_loss: Option<f32>,
    /// JDR: discarded by the jitter buffer, percent.
    pub discard: Option<f32>,
    /// How losses lie.
    pub bursts: Bursts,
    /// Delay and jitter.
    pub delay: Delay,
    /// Levels.
    pub signal: SignalLevels,
    /// What that sounds like.
    pub quality: QualityEstimates,
}

/// SessionDesc.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionDescription {
    /// PT: the payload type.
    pub payload_type: Option<u8>,
    /// PD: the codec's name.
    pub payload_name: Option<String>,
    /// SR: samples a second.
    pub sample_rate: Option<u32>,
    /// FD: milliseconds of a frame.
    pub frame_duration: Option<u16>,
    /// FO: octets of a frame.
    pub frame_octets: Option<u16>,
    /// FPP: frames a packet.
    pub frames_per_packet: Option<u16>,
    /// PPS: packets a second.
    pub packets_per_second: Option<u16>,
    /// FMTP: the codec's parameters.
    pub format_parameters: Option<String>,
    /// PLC: 0 unspecified, 1 none, 2 silence, 3 standard, 4 enhanced concealment.
    pub concealment: Option<u8>,
    /// SSUP: are silences not sent?
    pub silence_suppression: Option<bool>,
}

/// JitterBuffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JitterBuffer {
    /// JBA: 0 unknown, 2 fixed, 3 adaptive.
    pub adaptive: Option<u8>,
    /// JBR: how fast it adapts, 0 to 15.
    pub rate: Option<u8>,
    /// JBN: its delay, milliseconds.
    pub nominal: Option<u16>,
    /// JBM: the most it has now, milliseconds.
    pub max: Option<u16>,
    /// JBX: the most it may ever have, milliseconds.
    pub absolute_max: Option<u16>,
}

/// BurstGapLoss.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bursts {
    /// BLD: lost and discarded in bursts, percent.
    pub burst_density: Option<f32>,
    /// BD: mean length of a burst, milliseconds.
    pub burst_duration: Option<u16>,
    /// GLD: lost and discarded between them, percent.
    pub gap_density: Option<f32>,
    /// GD: mean length of a gap, milliseconds.
    pub gap_duration: Option<u16>,
    /// GMIN: packets between losses that end a burst (RFC 3611 section 4.7.2).
    pub gap_min: Option<u8>,
}

/// Delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delay {
    /// RTD: round trip, milliseconds.
    pub round_trip: Option<u16>,
    /// ESD: within the end systems, milliseconds.
    pub end_system: Option<u16>,
    /// OWD: one way as measured, milliseconds.
    pub one_way: Option<u16>,
    /// SOWD: one way as half of the round trip with the end system, milliseconds.
    pub symmetric_one_way: Option<u16>,
    /// IAJ: interarrival jitter (RFC 3550), milliseconds.
    pub interarrival_jitter: Option<u16>,
    /// MAJ: mean absolute jitter, milliseconds.
    pub mean_absolute_jitter: Option<u16>,
}

/// Signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SignalLevels {
    /// SL: of speech, dBm0.
    pub signal: Option<i8>,
    /// NL: of noise, dBm0.
    pub noise: Option<i8>,
    /// RERL: residual echo return loss, dB.
    pub echo_return_loss: Option<i8>,
}

/// QualityEst.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QualityEstimates {
    /// RLQ: listening R, 0 to 120.
    pub r_listening: Option<u8>,
    /// RCQ: conversational R, 0 to 120.
    pub r_conversational: Option<u8>,
    /// EXTRI: R of what lies before this network, 0 to 120.
    pub r_external: Option<u8>,
    /// MOSLQ: listening MOS, 0 to 4.9.
    pub mos_listening: Option<f32>,
    /// MOSCQ: conversational MOS, 0 to 4.9.
    pub mos_conversational: Option<f32>,
    /// QoEEstAlg: how they were estimated.
    pub algorithm: Option<String>,
}

impl Metrics {
    /// Takes a line; unknown ones are passed over.
    pub(super) fn read(&mut self, line: &Line) -> Result<(), ReportError> {
        for (name, value) in line.fields() {
            match (line.name.as_str(), name) {
                ("timestamps", "START") => self.start = Some(value.into()),
                ("timestamps", "STOP") => self.stop = Some(value.into()),
                ("sessiondesc", _) => self.session.read(line, name, value)?,
                ("jitterbuffer", _) => self.jitter_buffer.read(line, name, value)?,
                ("packetloss", "NLR") => {
                    self.network_loss = line.fraction("NLR", value, 0.0..=100.0)?;
                }
                ("packetloss", "JDR") => {
                    self.discard = line.fraction("JDR", value, 0.0..=100.0)?;
                }
                ("burstgaploss", _) => self.bursts.read(line, name, value)?,
                ("delay", _) => self.delay.read(line, name, value)?,
                ("signal", "SL") => self.signal.signal = line.whole("SL", value, -127..=127)?,
                ("signal", "NL") => self.signal.noise = line.whole("NL", value, -127..=127)?,
                ("signal", "RERL") => {
                    self.signal.echo_return_loss = line.whole("RERL", value, 0..=127)?;
                }
                ("qualityest", _) => self.quality.read(line, name, value)?,
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn write(&self, out: &mut String) {
        let mut fields = Fields::new(out, "Timestamps");
        fields.text("START", self.start.as_deref());
        fields.text("STOP", self.stop.as_deref());
        fields.end();
        self.session.write(out);
        let mut fields = Fields::new(out, "JitterBuffer");
        fields.number("JBA", self.jitter_buffer.adaptive);
        fields.number("JBR", self.jitter_buffer.rate);
        fields.number("JBN", self.jitter_buffer.nominal);
        fields.number("JBM", self.jitter_buffer.max);
        fields.number("JBX", self.jitter_buffer.absolute_max);
        fields.end();
        let mut fields = Fields::new(out, "PacketLoss");
        fields.fraction("NLR", self.network_loss);
        fields.fraction("JDR", self.discard);
        fields.end();
        let mut fields = Fields::new(out, "BurstGapLoss");
        fields.fraction("BLD", self.bursts.burst_density);
        fields.number("BD", self.bursts.burst_duration);
        fields.fraction("GLD", self.bursts.gap_density);
        fields.number("GD", self.bursts.gap_duration);
        fields.number("GMIN", self.bursts.gap_min);
        fields.end();
        let mut fields = Fields::new(out, "Delay");
        fields.number("RTD", self.delay.round_trip);
        fields.number("ESD", self.delay.end_system);
        fields.number("OWD", self.delay.one_way);
        fields.number("SOWD", self.delay.symmetric_one_way);
        fields.number("IAJ", self.delay.interarrival_jitter);
        fields.number("MAJ", self.delay.mean_absolute_jitter);
        fields.end();
        let mut fields = Fields::new(out, "Signal");
        fields.number("SL", self.signal.signal);
        fields.number("NL", self.signal.noise);
        fields.number("RERL", self.signal.echo_return_loss);
        fields.end();
        let mut fields = Fields::new(out, "QualityEst");
        fields.number("RLQ", self.quality.r_listening);
        fields.number("RCQ", self.quality.r_conversational);
        fields.number("EXTRI", self.quality.r_external);
        fields.fraction("MOSLQ", self.quality.mos_listening);
        fields.fraction("MOSCQ", self.quality.mos_conversational);
        fields.text("QoEEstAlg", self.quality.algorithm.as_deref());
        fields.end();
    }
}

/// The milliseconds that RFC 6035 allows.
const MS: core::ops::RangeInclusive<i64> = 0..=65_535;

impl SessionDescription {
    fn read(&mut self, line: &Line, name: &str, value: &str) -> Result<(), ReportError> {
        match name {
            "PT" => self.payload_type = line.whole("PT", value, 0..=127)?,
            "PD" => self.payload_name = Some(value.into()),
            "SR" => self.sample_rate = line.whole("SR", value, 1..=1_000_000)?,
            "FD" => self.frame_duration = line.whole("FD", value, MS)?,
            "FO" => self.frame_octets = line.whole("FO", value, 0..=65_535)?,
            "FPP" => self.frames_per_packet = line.whole("FPP", value, 0..=65_535)?,
            "PPS" => self.packets_per_second = line.whole("PPS", value, 0..=65_535)?,
            "FMTP" => self.format_parameters = Some(value.into()),
            "PLC" => self.concealment = line.whole("PLC", value, 0..=255)?,
            "SSUP" => {
                self.silence_suppression = match value.to_ascii_lowercase().as_str() {
                    "on" => Some(true),
                    "off" => Some(false),
                    _ => return Err(line.bad("SSUP")),
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn write(&self, out: &mut String) {
        let mut fields = Fields::new(out, "SessionDesc");
        fields.number("PT", self.payload_type);
        fields.text("PD", self.payload_name.as_deref());
        fields.number("SR", self.sample_rate);
        fields.number("FD", self.frame_duration);
        fields.number("FO", self.frame_octets);
        fields.number("FPP", self.frames_per_packet);
        fields.number("PPS", self.packets_per_second);
        fields.quoted("FMTP", self.format_parameters.as_deref());
        fields.number("PLC", self.concealment);
        fields.text("SSUP", self.silence_suppression.map(|on| if on { "on" } else { "off" }));
        fields.end();
    }
}

impl JitterBuffer {
    fn read(&mut self, line: &Line, name: &str, value: &str) -> Result<(), ReportError> {
        match name {
            "JBA" => self.adaptive = line.whole("JBA", value, 0..=255)?,
            "JBR" => self.rate = line.whole("JBR", value, 0..=255)?,
            "JBN" => self.nominal = line.whole("JBN", value, MS)?,
            "JBM" => self.max = line.whole("JBM", value, MS)?,
            "JBX" => self.absolute_max = line.whole("JBX", value, MS)?,
            _ => {}
        }
        Ok(())
    }
}

impl Bursts {
    fn read(&mut self, line: &Line, name: &str, value: &str) -> Result<(), ReportError> {
        match name {
            "BLD" => self.burst_density = line.fraction("BLD", value, 0.0..=100.0)?,
            "BD" => self.burst_duration = line.whole("BD", value, MS)?,
            "GLD" => self.gap_density = line.fraction("GLD", value, 0.0..=100.0)?,
            "GD" => self.gap_duration = line.whole("GD", value, MS)?,
            "GMIN" => self.gap_min = line.whole("GMIN", value, 0..=127)?,
            _ => {}
        }
        Ok(())
    }
}

impl Delay {
    fn read(&mut self, line: &Line, name: &str, value: &str) -> Result<(), ReportError> {
        match name {
            "RTD" => self.round_trip = line.whole("RTD", value, MS)?,
            "ESD" => self.end_system = line.whole("ESD", value, MS)?,
            "OWD" => self.one_way = line.whole("OWD", value, MS)?,
            "SOWD" => self.symmetric_one_way = line.whole("SOWD", value, MS)?,
            "IAJ" => self.interarrival_jitter = line.whole("IAJ", value, MS)?,
            "MAJ" => self.mean_absolute_jitter = line.whole("MAJ", value, MS)?,
            _ => {}
        }
        Ok(())
    }
}

impl QualityEstimates {
    fn read(&mut self, line: &Line, name: &str, value: &str) -> Result<(), ReportError> {
        match name {
            "RLQ" => self.r_listening = line.whole("RLQ", value, 0..=120)?,
            "RCQ" => self.r_conversational = line.whole("RCQ", value, 0..=120)?,
            "EXTRI" => self.r_external = line.whole("EXTRI", value, 0..=120)?,
            "MOSLQ" => self.mos_listening = line.fraction("MOSLQ", value, 0.0..=5.0)?,
            "MOSCQ" => self.mos_conversational = line.fraction("MOSCQ", value, 0.0..=5.0)?,
            "QoEEstAlg" => self.algorithm = Some(value.into()),
            _ => {}
        }
        Ok(())
    }
}
