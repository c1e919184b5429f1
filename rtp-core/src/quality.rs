//! How a call sounded, in figures: the E-model of ITU-T G.107 with its default parameters; and in reports that SIP
//! carries (RFC 6035, [`report`]).
//!
//! ```
//! use core::time::Duration;
//! use rtp_core::quality::{CodecImpairment, Conditions};
//!
//! let conditions = Conditions {
//!     delay: Duration::from_millis(80),
//!     loss: 0.01,
//!     ..Conditions::new(CodecImpairment::G711_PLC)
//! };
//! let quality = conditions.quality();
//! assert!((4.2..4.4).contains(&quality.mos));
//! ```

mod fields;
pub mod metrics;
pub mod report;

use core::time::Duration;

/// What a codec costs (ITU-T G.113 appendix I).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CodecImpairment {
    /// Ie: the codec's impairment without loss.
    pub impairment: f64,
    /// Bpl: how well it bears loss, 1 to 40.
    pub loss_robustness: f64,
}

impl CodecImpairment {
    /// G.711 without concealment of losses.
    pub const G711: CodecImpairment = CodecImpairment { impairment: 0.0, loss_robustness: 4.3 };
    /// G.711 with the concealment of its appendix I.
    pub const G711_PLC: CodecImpairment =
        CodecImpairment { impairment: 0.0, loss_robustness: 25.1 };
    /// G.729 annex A with voice activity detection.
    pub const G729A: CodecImpairment = CodecImpairment { impairment: 11.0, loss_robustness: 19.0 };
    /// G.723.1 at 6.3 kbit/s with voice activity detection.
    pub const G723_1: CodecImpairment = CodecImpairment { impairment: 15.0, loss_robustness: 16.1 };
    /// GSM enhanced full rate, and AMR at 12.2 kbit/s.
    pub const GSM_EFR: CodecImpairment = CodecImpairment { impairment: 5.0, loss_robustness: 10.0 };
}

/// What the call went through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    /// Ta: one way from mouth to ear, with packetisation, network and playout: half the round trip
    /// plus the packet time plus the jitter buffer's delay, for most.
    pub delay: Duration,
    /// Ppl: the share of packets that were not played, 0.0 to 1.0: lost in the network or too late
    /// for playout.
    pub loss: f64,
    /// BurstR: 1.0 for random loss, more when losses come in runs; see
    /// [`LossRuns::burst_ratio`](crate::sequence::LossRuns::burst_ratio).
    pub burst_ratio: f64,
    /// The codec.
    pub codec: CodecImpairment,
    /// A: what users forgive for convenience, 0 (wired) to 20 (hard to reach places).
    pub advantage: f64,
}

impl Conditions {
    /// No delay, no loss, no advantage.
    pub const fn new(codec: CodecImpairment) -> Conditions {
        Conditions { delay: Duration::ZERO, loss: 0.0, burst_ratio: 1.0, codec, advantage: 0.0 }
    }

    /// The rating. Figures outside their ranges are taken as the nearest bound.
    pub fn quality(&self) -> Quality {
        let delay_ms = self.delay.as_secs_f64() * 1e3;
        let listening = basic_signal_to_noise()
            - simultaneous_impairment()
            - self.effective_equipment_impairment()
            + self.advantage.clamp(0.0, 20.0);
        let r = (listening - delay_impairment(delay_ms)).clamp(0.0, 100.0);
        // An ideal connection's echo loss still costs a little at no delay; that belongs to both.
        let r_listening = (listening - delay_impairment(0.0)).clamp(0.0, 100.0);
        Quality { r, mos: mos(r), r_listening, mos_listening: mos(r_listening) }
    }

    /// Ie-eff, G.107 equation 7-29.
    fn effective_equipment_impairment(&self) -> f64 {
        let ie = self.codec.impairment.clamp(0.0, 95.0);
        let percent = if self.loss > 0.0 { self.loss.min(1.0) * 100.0 } else { 0.0 };
        let burst_ratio = if self.burst_ratio > 1.0 { self.burst_ratio } else { 1.0 };
        let robustness = self.codec.loss_robustness.max(1.0);
        ie + (95.0 - ie) * percent / (percent / burst_ratio + robustness)
    }
}

/// How the call was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quality {
    /// The transmission rating R, 0 to 100; 93.2 is G.711 undisturbed, below 60 nearly all users
    /// are dissatisfied.
    pub r: f64,
    /// The conversational mean opinion score (MOS-CQE), 1.0 to 4.5.
    pub mos: f64,
    /// R without delay: what a listener who does not answer would say.
    pub r_listening: f64,
    /// The listening mean opinion score (MOS-LQE), 1.0 to 4.5.
    pub mos_listening: f64,
}

/// The mean opinion score that a rating stands for, 1.0 to 4.5 (G.107 annex B).
pub fn mos(r: f64) -> f64 {
    if r <= 0.0 {
        1.0
    } else if r >= 100.0 {
        4.5
    } else {
        // The polynomial dips below 1 for R under 6.5.
        (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0)
    }
}

/// Default values of G.107 table 2.
const SEND_LOUDNESS: f64 = 8.0;
const RECEIVE_LOUDNESS: f64 = 2.0;
const SIDETONE_MASKING: f64 = 15.0;
const LISTENER_SIDETONE: f64 = 18.0;
const D_FACTOR: f64 = 3.0;
const ECHO_LOUDNESS: f64 = 65.0;
const ECHO_PATH_LOSS: f64 = 110.0;
const QUANTIZING_UNITS: f64 = 1.0;
const CIRCUIT_NOISE: f64 = -70.0;
const NOISE_FLOOR: f64 = -64.0;
const ROOM_NOISE: f64 = 35.0;

/// No, equations 7-3 to 7-7: all noise at the 0 dBr point, in dBm0p.
fn noise() -> f64 {
    let overall_loudness = SEND_LOUDNESS + RECEIVE_LOUDNESS;
    let send_excess = ROOM_NOISE - overall_loudness - D_FACTOR - 14.0;
    let send_room =
        ROOM_NOISE - SEND_LOUDNESS - D_FACTOR - 100.0 + 0.004 * send_excess * send_excess;
    let receive_level =
        ROOM_NOISE + 10.0 * libm::log10(1.0 + power((10.0 - LISTENER_SIDETONE) / 10.0));
    let receive_excess = receive_level - 35.0;
    let receive_room =
        RECEIVE_LOUDNESS - 121.0 + receive_level + 0.008 * receive_excess * receive_excess;
    let floor = NOISE_FLOOR + RECEIVE_LOUDNESS;
    let sum = power(CIRCUIT_NOISE / 10.0)
        + power(send_room / 10.0)
        + power(receive_room / 10.0)
        + power(floor / 10.0);
    10.0 * libm::log10(sum)
}

/// Ro, equation 7-2.
fn basic_signal_to_noise() -> f64 {
    15.0 - 1.5 * (SEND_LOUDNESS + noise())
}

/// Is, equations 7-8 to 7-17: too loud a connection, sidetone, quantizing.
fn simultaneous_impairment() -> f64 {
    let overall_loudness = SEND_LOUDNESS + RECEIVE_LOUDNESS;
    let x = (overall_loudness + 0.2 * (64.0 + noise() - RECEIVE_LOUDNESS)) / 8.0;
    let loudness = 20.0 * (root(x, 8.0) - x);

    // With the default echo path its share of the sidetone is below a hundredth of a decibel.
    let stmr = -10.0 * libm::log10(power(-SIDETONE_MASKING / 10.0) + power(-ECHO_LOUDNESS / 10.0));
    let sidetone = 12.0 * root((stmr - 13.0) / 6.0, 8.0)
        - 28.0 * root((stmr + 1.0) / 19.4, 35.0)
        - 13.0 * root((stmr - 3.0) / 33.0, 13.0)
        + 29.0;

    let q = 37.0 - 15.0 * libm::log10(QUANTIZING_UNITS);
    let g = 1.07 + 0.258 * q + 0.0602 * q * q;
    let y = (basic_signal_to_noise() - 100.0) / 15.0 + 46.0 / 8.4 - g / 9.0;
    let z = 46.0 / 30.0 - g / 40.0;
    let quantizing = 15.0 * libm::log10(1.0 + power(y) + power(z));
    loudness + sidetone + quantizing
}

/// Id, equations 7-18 to 7-28: talker echo, listener echo, and delay by itself.
fn delay_impairment(delay_ms: f64) -> f64 {
    let ratio = (1.0 + delay_ms / 10.0) / (1.0 + delay_ms / 150.0);
    let terv =
        ECHO_LOUDNESS - 40.0 * libm::log10(ratio) + 6.0 * libm::exp(-0.3 * delay_ms * delay_ms);
    let re = 80.0 + 2.5 * (terv - 14.0);
    let roe = -1.5 * (noise() - RECEIVE_LOUDNESS);
    let half = (roe - re) / 2.0;
    let talker_echo = (half + libm::sqrt(half * half + 100.0) - 1.0) * (1.0 - libm::exp(-delay_ms));

    let round_trip_ms = 2.0 * delay_ms;
    let rle = 10.5 * (ECHO_PATH_LOSS + 7.0) * libm::pow(round_trip_ms + 1.0, -0.25);
    let half = (basic_signal_to_noise() - rle) / 2.0;
    let listener_echo = half + libm::sqrt(half * half + 169.0);

    let absolute_delay = if delay_ms <= 100.0 {
        0.0
    } else {
        let x = libm::log2(delay_ms / 100.0);
        25.0 * (root(x, 6.0) - 3.0 * root(x / 3.0, 6.0) + 2.0)
    };
    talker_echo + listener_echo + absolute_delay
}

/// (1 + x^n)^(1/n)
fn root(x: f64, n: f64) -> f64 {
    libm::pow(1.0 + libm::pow(x, n), 1.0 / n)
}

/// 10^x
fn power(x: f64) -> f64 {
    libm::pow(10.0, x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn r(codec: CodecImpairment, delay_ms: u64, loss: f64, burst_ratio: f64) -> f64 {
        let delay = Duration::from_millis(delay_ms);
        Conditions { delay, loss, burst_ratio, ..Conditions::new(codec) }.quality().r
    }

    #[test]
    fn the_default_connection_rates_93_2() {
        let quality = Conditions::new(CodecImpairment::G711).quality();
        assert!((quality.r - 93.2).abs() < 0.05, "{quality:?}");
        assert!((quality.mos - 4.41).abs() < 0.01, "{quality:?}");
        assert_eq!(quality.r, quality.r_listening);
        assert!((basic_signal_to_noise() - 94.77).abs() < 0.01);
        assert!((simultaneous_impairment() - 1.41).abs() < 0.01);
    }

    #[test]
    fn mos_follows_annex_b() {
        // G.107 table B.1, the lower limits of user satisfaction; it prints 4.03 for 4.024.
        for (r, expected) in [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)]
        {
            assert!((mos(r) - expected).abs() < 0.01, "{r}: {}", mos(r));
        }
        assert_eq!((mos(-1.0), mos(3.0), mos(100.0)), (1.0, 1.0, 4.5));
    }

    #[test]
    fn delay_hurts_beyond_150_ms() {
        // Cole and Rosenbluth's straight lines through the model's curve: 0.024 a millisecond, and
        // 0.11 more from 177.3 ms on.
        for delay in [50, 100, 150, 200, 250, 300] {
            let ms = delay as f64;
            let lines = 93.2 - 0.024 * ms - 0.11 * (ms - 177.3).max(0.0);
            let model = r(CodecImpairment::G711, delay, 0.0, 1.0);
            assert!((model - lines).abs() < 2.5, "{delay} ms: {model} against {lines}");
        }
        let listening = |delay_ms| {
            let delay = Duration::from_millis(delay_ms);
            Conditions { delay, ..Conditions::new(CodecImpairment::G711) }.quality().r_listening
        };
        assert_eq!(listening(0), listening(800));
    }

    #[test]
    fn loss_follows_ie_eff() {
        // 95 * 1 / (1 + 4.3) and 95 * 1 / (1 + 25.1) by hand.
        let clean = r(CodecImpairment::G711, 0, 0.0, 1.0);
        assert!((clean - r(CodecImpairment::G711, 0, 0.01, 1.0) - 17.92).abs() < 0.01);
        assert!((clean - r(CodecImpairment::G711_PLC, 0, 0.01, 1.0) - 3.64).abs() < 0.01);
        // 95 * 1 / (1 / 2 + 4.3): the same loss in bursts.
        assert!((clean - r(CodecImpairment::G711, 0, 0.01, 2.0) - 19.79).abs() < 0.01);
        // 11 + 84 * 2 / (2 + 19)
        assert!((clean - r(CodecImpairment::G729A, 0, 0.02, 1.0) - 19.0).abs() < 0.01);
    }

    #[test]
    fn the_whole_model_agrees_with_another_one() {
        // By a program that folds Ro and Is into constants (94.77, 1.41) and was written apart from this.
        for (delay_ms, loss, burst_ratio, loss_robustness, impairment, expected, expected_mos) in [
            (0, 0.0, 1.0, 25.1, 0.0, 93.211, 4.4095),
            (20, 0.0, 1.0, 25.1, 0.0, 92.536, 4.3961),
            (50, 0.01, 1.0, 25.1, 0.0, 88.121, 4.2903),
            (100, 0.02, 1.0, 4.3, 0.0, 60.510, 3.1264),
            (150, 0.005, 1.5, 25.1, 0.0, 87.676, 4.2780),
            (177, 0.0, 1.0, 25.1, 0.0, 88.080, 4.2892),
            (250, 0.03, 2.0, 25.1, 0.0, 68.467, 3.5243),
            (300, 0.01, 1.0, 19.0, 11.0, 57.471, 2.9682),
            (400, 0.05, 1.2, 10.0, 5.0, 25.486, 1.4332),
            (600, 0.1, 2.0, 25.1, 0.0, 17.927, 1.1941),
        ] {
            let codec = CodecImpairment { impairment, loss_robustness };
            let delay = Duration::from_millis(delay_ms);
            let quality =
                Conditions { delay, loss, burst_ratio, ..Conditions::new(codec) }.quality();
            assert!((quality.r - expected).abs() < 0.05, "{delay_ms} ms: {quality:?}");
            assert!((quality.mos - expected_mos).abs() < 0.003, "{delay_ms} ms: {quality:?}");
        }
    }

    #[test]
    fn senseless_figures_give_a_rating_all_the_same() {
        let codec = CodecImpairment { impairment: f64::MAX, loss_robustness: -1.0 };
        for loss in [f64::NAN, -1.0, 2.0, f64::INFINITY] {
            for burst_ratio in [f64::NAN, 0.0, -3.0, f64::INFINITY] {
                let conditions = Conditions {
                    delay: Duration::MAX,
                    loss,
                    burst_ratio,
                    codec,
                    advantage: f64::INFINITY,
                };
                let quality = conditions.quality();
                assert!((0.0..=100.0).contains(&quality.r), "{conditions:?}: {quality:?}");
                assert!((1.0..=4.5).contains(&quality.mos));
            }
        }
    }
}
