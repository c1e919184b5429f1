use super::MAX_ORDER;
use crate::audio::OVERLOAD_POWER;
use crate::math;

/// A silence insertion descriptor: the level and the spectrum of noise, as RFC 3389 section 3 packs them.
///
/// The spectrum is an all-pole model given by reflection coefficients. Their sign follows the predictor
/// polynomial 1 + a1/z + …, so that noise with more low than high frequencies has a negative first
/// coefficient; the RFC leaves it open and this is what other implementations do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sid {
    /// Level below overload in dB.
    level: u8,
    coefficients: [u8; MAX_ORDER],
    order: usize,
}

impl Sid {
    /// White noise at a level of `level` dB below overload (-dBov), 0 to 127.
    pub fn white(level: u8) -> Self {
        Self { level: level.min(127), coefficients: [0; MAX_ORDER], order: 0 }
    }

    pub(super) fn from_model(mean_square: f32, reflections: &[f32]) -> Self {
        let below = -math::decibels(mean_square / OVERLOAD_POWER);
        let mut sid = Self::white(below.clamp(0.0, 127.0).round_half_up());
        for (byte, reflection) in sid.coefficients.iter_mut().zip(reflections) {
            *byte = (reflection * (32768.0 / 258.0) + 127.0).clamp(0.0, 254.0).round_half_up();
        }
        sid.order = reflections.len().min(MAX_ORDER);
        sid
    }

    /// Reads an RTP payload; `None` if it is empty. Coefficients beyond [`MAX_ORDER`] are ignored.
    pub fn from_payload(payload: &[u8]) -> Option<Self> {
        let (level, rest) = payload.split_first()?;
        // The highest bit is reserved and ignored.
        let mut sid = Self::white(level & 0x7F);
        for (byte, received) in sid.coefficients.iter_mut().zip(rest) {
            *byte = *received;
        }
        sid.order = rest.len().min(MAX_ORDER);
        Some(sid)
    }

    /// Writes an RTP payload as far as there is room; returns its length. Fewer coefficients are a coarser
    /// spectrum of the same level.
    pub fn write(&self, payload: &mut [u8]) -> usize {
        let bytes = core::iter::once(&self.level).chain(self.coefficients.iter().take(self.order));
        payload.iter_mut().zip(bytes).map(|(to, from)| *to = *from).count()
    }

    /// The level in dB below overload (-dBov), 0 to 127.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// How many coefficients there are, 0 for white noise.
    pub fn order(&self) -> usize {
        self.order
    }

    /// The mean of the squared samples that the level stands for.
    pub(super) fn mean_square(&self) -> f32 {
        OVERLOAD_POWER * math::power_ratio(-f32::from(self.level))
    }

    /// The coefficients, between -1 and 1; 0 beyond the order.
    pub fn reflections(&self) -> [f32; MAX_ORDER] {
        let mut reflections = [0.0; MAX_ORDER];
        for (reflection, byte) in
            reflections.iter_mut().zip(self.coefficients.iter().take(self.order))
        {
            // 255 is no valid code; it would be a coefficient beyond 1 and an unstable filter.
            *reflection = (f32::from((*byte).min(254)) - 127.0) * (258.0 / 32768.0);
        }
        reflections
    }
}

trait RoundHalfUp {
    fn round_half_up(self) -> u8;
}

impl RoundHalfUp for f32 {
    /// Of a number between 0 and 255.
    fn round_half_up(self) -> u8 {
        (self + 0.5) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_payload_survives() {
        for length in 1..=MAX_ORDER + 1 {
            let payload: std::vec::Vec<u8> =
                (0..length).map(|n| (n * 19 + 40) as u8 & 0x7F).collect();
            let sid = Sid::from_payload(&payload).expect("not empty");
            let mut written = [0; MAX_ORDER + 1];
            assert_eq!(sid.write(&mut written), length);
            assert_eq!(written[..length], payload);
        }
        assert_eq!(Sid::from_payload(&[]), None);
    }

    #[test]
    fn hostile_payloads_give_stable_filters() {
        let sid = Sid::from_payload(&[0xFF; 200]).expect("not empty");
        assert_eq!(sid.level(), 127);
        assert_eq!(sid.order(), MAX_ORDER);
        assert!(sid.reflections().iter().all(|reflection| reflection.abs() < 1.0));
        assert!(Sid::from_payload(&[0; 13]).is_some_and(|sid| {
            sid.reflections().iter().all(|reflection| reflection.abs() < 1.0)
        }));
    }

    #[test]
    fn models_are_quantised_as_the_rfc_says() {
        let sid = Sid::from_model(OVERLOAD_POWER / 1e5, &[-0.9, 0.0, 0.5, 1.0]);
        assert_eq!(sid.level(), 50);
        let mut payload = [0; 13];
        assert_eq!(sid.write(&mut payload), 5);
        assert_eq!(payload[..5], [50, 13, 127, 191, 254]);
        let back = sid.reflections();
        for (wanted, got) in [-0.9, 0.0, 0.5, 1.0].iter().zip(back) {
            assert!((wanted - got).abs() <= 0.5 * 258.0 / 32768.0 + 1e-6);
        }
    }
}
