//! How a call sounds (RFC 3611 section 4.7).

use core::time::Duration;

use crate::Ssrc;
use crate::quality::Quality;
use crate::stats::Figures;

/// VoIP metrics about one source, as the wire has them. 127 stands for "not known" where it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoipMetrics {
    /// The source.
    pub ssrc: Ssrc,
    /// The share of packets that did not come, in 1/256.
    pub loss_rate: u8,
    /// The share of packets that came too late or too early to be played, in 1/256.
    pub discard_rate: u8,
    /// The share of packets lost or discarded within bursts, in 1/256.
    pub burst_density: u8,
    /// The share of packets lost or discarded within gaps, in 1/256.
    pub gap_density: u8,
    /// The mean length of bursts, in milliseconds.
    pub burst_duration_ms: u16,
    /// The mean length of gaps, in milliseconds.
    pub gap_duration_ms: u16,
    /// The round trip between the RTP ends, in milliseconds; 0 when not known.
    pub round_trip_ms: u16,
    /// Coding, packetising and playout of this end, in milliseconds; 0 when not known.
    pub end_system_delay_ms: u16,
    /// Speech level in dBm0, -128 to 0; 127 when not known.
    pub signal_level: i8,
    /// Noise level in dBm0, -128 to 0; 127 when not known.
    pub noise_level: i8,
    /// Residual echo return loss in dB; 127 when not known.
    pub echo_return_loss: u8,
    /// As many packets in order end a burst; 16 is recommended, and what this crate counts with.
    pub gmin: u8,
    /// R of this RTP session, 0 to 100; 127 when not known.
    pub r_factor: u8,
    /// R of a part of the call that is not this session; 127 when not known.
    pub external_r_factor: u8,
    /// Listening quality times ten, 10 to 50; 127 when not known.
    pub mos_lq: u8,
    /// Conversational quality times ten, 10 to 50; 127 when not known.
    pub mos_cq: u8,
    /// Concealment and jitter buffer.
    pub receiver: ReceiverConfig,
    /// The jitter buffer's delay now, in milliseconds.
    pub jitter_buffer_nominal_ms: u16,
    /// Its greatest delay for now, in milliseconds.
    pub jitter_buffer_maximum_ms: u16,
    /// The greatest delay that it can have, in milliseconds.
    pub jitter_buffer_absolute_maximum_ms: u16,
}

/// What the receiver does about losses and jitter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReceiverConfig {
    /// What is played in place of lost packets.
    pub concealment: LossConcealment,
    /// How the jitter buffer behaves.
    pub jitter_buffer: JitterBufferKind,
    /// How fast an adaptive one adapts, 0 (not known) to 15.
    pub adaption_rate: u8,
}

/// What is played in place of lost packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LossConcealment {
    /// Not said.
    #[default]
    Unspecified,
    /// Silence.
    Disabled,
    /// Something better than repetition.
    Enhanced,
    /// Repetition, or what the codec has.
    Standard,
}

/// How a jitter buffer behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JitterBufferKind {
    /// Not known.
    #[default]
    Unknown,
    /// A reserved value.
    Reserved,
    /// Of one length.
    Fixed,
    /// Of a length that follows the jitter.
    Adaptive,
}

impl VoipMetrics {
    /// What stands for "not known" in most fields.
    pub const UNKNOWN: u8 = 127;

    /// Metrics of which nothing is known yet.
    pub const fn unknown(ssrc: Ssrc) -> VoipMetrics {
        VoipMetrics {
            ssrc,
            loss_rate: 0,
            discard_rate: 0,
            burst_density: 0,
            gap_density: 0,
            burst_duration_ms: 0,
            gap_duration_ms: 0,
            round_trip_ms: 0,
            end_system_delay_ms: 0,
            signal_level: 127,
            noise_level: 127,
            echo_return_loss: VoipMetrics::UNKNOWN,
            gmin: 16,
            r_factor: VoipMetrics::UNKNOWN,
            external_r_factor: VoipMetrics::UNKNOWN,
            mos_lq: VoipMetrics::UNKNOWN,
            mos_cq: VoipMetrics::UNKNOWN,
            receiver: ReceiverConfig {
                concealment: LossConcealment::Unspecified,
                jitter_buffer: JitterBufferKind::Unknown,
                adaption_rate: 0,
            },
            jitter_buffer_nominal_ms: 0,
            jitter_buffer_maximum_ms: 0,
            jitter_buffer_absolute_maximum_ms: 0,
        }
    }

    /// These metrics with loss, bursts and gaps from what was counted of a source whose packets last
    /// `packet_time` each.
    #[must_use]
    pub fn with_figures(self, figures: &Figures, packet_time: Duration) -> VoipMetrics {
        let bursts = figures.burst_gap;
        VoipMetrics {
            loss_rate: share(figures.loss_runs.loss()),
            burst_density: share(bursts.burst_density()),
            gap_density: share(bursts.gap_density()),
            burst_duration_ms: milliseconds(packet_time.mul_f64(bursts.mean_burst())),
            gap_duration_ms: milliseconds(packet_time.mul_f64(bursts.mean_gap())),
            gmin: 16,
            ..self
        }
    }

    /// These metrics with the ratings of the E-model.
    #[must_use]
    pub fn with_quality(self, quality: &Quality) -> VoipMetrics {
        VoipMetrics {
            r_factor: libm::round(quality.r.clamp(0.0, 100.0)) as u8,
            mos_lq: libm::round(quality.mos_listening.clamp(1.0, 5.0) * 10.0) as u8,
            mos_cq: libm::round(quality.mos.clamp(1.0, 5.0) * 10.0) as u8,
            ..self
        }
    }

    /// These metrics with a round trip, cut at 65 s.
    #[must_use]
    pub fn with_round_trip(self, round_trip: Duration) -> VoipMetrics {
        VoipMetrics { round_trip_ms: milliseconds(round_trip), ..self }
    }

    pub(super) fn to_bytes(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let concealment = match self.receiver.concealment {
            LossConcealment::Unspecified => 0,
            LossConcealment::Disabled => 1,
            LossConcealment::Enhanced => 2,
            LossConcealment::Standard => 3,
        };
        let buffer = match self.receiver.jitter_buffer {
            JitterBufferKind::Unknown => 0,
            JitterBufferKind::Reserved => 1,
            JitterBufferKind::Fixed => 2,
            JitterBufferKind::Adaptive => 3,
        };
        let receiver = concealment << 6 | buffer << 4 | self.receiver.adaption_rate.min(15);
        let pair = |one: u16, other: u16| u32::from(one) << 16 | u32::from(other);
        let words = [
            self.ssrc.0,
            u32::from_be_bytes([
                self.loss_rate,
                self.discard_rate,
                self.burst_density,
                self.gap_density,
            ]),
            pair(self.burst_duration_ms, self.gap_duration_ms),
            pair(self.round_trip_ms, self.end_system_delay_ms),
            u32::from_be_bytes([
                self.signal_level as u8,
                self.noise_level as u8,
                self.echo_return_loss,
                self.gmin,
            ]),
            u32::from_be_bytes([self.r_factor, self.external_r_factor, self.mos_lq, self.mos_cq]),
            u32::from(receiver) << 24 | u32::from(self.jitter_buffer_nominal_ms),
            pair(self.jitter_buffer_maximum_ms, self.jitter_buffer_absolute_maximum_ms),
        ];
        for (octets, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *octets = word.to_be_bytes();
        }
        bytes
    }

    pub(super) fn read(data: &[u8]) -> Option<VoipMetrics> {
        let mut words = [[0; 4]; 8];
        words.copy_from_slice(data.as_array::<32>()?.as_chunks::<4>().0);
        let [ssrc, rates, durations, delays, levels, ratings, receiver, buffer] = words;
        let high = |[high, low, _, _]: [u8; 4]| u16::from_be_bytes([high, low]);
        let low = |[_, _, high, low]: [u8; 4]| u16::from_be_bytes([high, low]);
        let [loss_rate, discard_rate, burst_density, gap_density] = rates;
        let [signal_level, noise_level, echo_return_loss, gmin] = levels;
        let [r_factor, external_r_factor, mos_lq, mos_cq] = ratings;
        Some(VoipMetrics {
            ssrc: Ssrc(u32::from_be_bytes(ssrc)),
            loss_rate,
            discard_rate,
            burst_density,
            gap_density,
            burst_duration_ms: high(durations),
            gap_duration_ms: low(durations),
            round_trip_ms: high(delays),
            end_system_delay_ms: low(delays),
            signal_level: signal_level as i8,
            noise_level: noise_level as i8,
            echo_return_loss,
            gmin,
            r_factor,
            external_r_factor,
            mos_lq,
            mos_cq,
            receiver: ReceiverConfig {
                concealment: match receiver[0] >> 6 {
                    0 => LossConcealment::Unspecified,
                    1 => LossConcealment::Disabled,
                    2 => LossConcealment::Enhanced,
                    _ => LossConcealment::Standard,
                },
                jitter_buffer: match receiver[0] >> 4 & 3 {
                    0 => JitterBufferKind::Unknown,
                    1 => JitterBufferKind::Reserved,
                    2 => JitterBufferKind::Fixed,
                    _ => JitterBufferKind::Adaptive,
                },
                adaption_rate: receiver[0] & 0x0f,
            },
            jitter_buffer_nominal_ms: low(receiver),
            jitter_buffer_maximum_ms: high(buffer),
            jitter_buffer_absolute_maximum_ms: low(buffer),
        })
    }
}

/// A share in 1/256; all of it is 255.
fn share(share: f64) -> u8 {
    libm::floor(share.clamp(0.0, 1.0) * 256.0).min(255.0) as u8
}

fn milliseconds(duration: Duration) -> u16 {
    u16::try_from(duration.as_millis()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequence::{BurstGap, LossRuns};

    #[test]
    fn every_octet_has_its_field() {
        let mut bytes = [0; 32];
        for (octet, value) in bytes.iter_mut().zip(1u8..) {
            *octet = value;
        }
        // The reserved octet.
        bytes[25] = 0;
        let metrics = VoipMetrics::read(&bytes).unwrap();
        assert_eq!(metrics.to_bytes(), bytes);
        assert_eq!((metrics.gap_density, metrics.burst_duration_ms), (8, 0x090a));
        assert_eq!((metrics.signal_level, metrics.mos_cq), (17, 24));
        assert_eq!(metrics.jitter_buffer_absolute_maximum_ms, 0x1f20);
        for receiver in 0..=255 {
            bytes[24] = receiver;
            assert_eq!(VoipMetrics::read(&bytes).unwrap().to_bytes(), bytes);
        }
        assert!(VoipMetrics::read(&bytes[..28]).is_none());
    }

    #[test]
    fn figures_and_quality_become_metrics() {
        let mut burst_gap = BurstGap::default();
        for n in 0..200 {
            // Three of five are lost, from the hundredth packet on.
            burst_gap.push(!(n == 100 || n == 102 || n == 104));
        }
        let loss_runs = LossRuns { received: 192, lost: 64, runs: 1 };
        let figures = Figures { loss_runs, burst_gap, ..Figures::default() };
        let quality = Quality { r: 93.2, mos: 4.41, r_listening: 93.2, mos_listening: 4.41 };
        let metrics = VoipMetrics::unknown(Ssrc(1))
            .with_figures(&figures, Duration::from_millis(20))
            .with_quality(&quality)
            .with_round_trip(Duration::from_secs(100));
        assert_eq!(metrics.loss_rate, 64);
        assert_eq!((metrics.burst_density, metrics.gap_density), (153, 0));
        assert_eq!((metrics.burst_duration_ms, metrics.gap_duration_ms), (100, 1_950));
        assert_eq!((metrics.r_factor, metrics.mos_lq, metrics.mos_cq), (93, 44, 44));
        assert_eq!(metrics.round_trip_ms, u16::MAX);
    }
}
