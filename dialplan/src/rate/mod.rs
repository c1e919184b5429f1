//! Rates: what a call to a number costs, in whole micro-units of the currency.

mod money;
mod tariff;

use core::fmt;
use core::str::FromStr;

pub use money::{Micros, MicrosError};
pub use tariff::{Destination, Period, Tariff, TariffError};

/// What a minute costs and how seconds are counted.
///
/// ```
/// use dialplan::rate::{Rate, Rounding};
///
/// let rate = Rate::per_minute("1.2".parse()?).increment("30/6".parse()?);
/// let charge = rate.charge(37);
/// assert_eq!((charge.billed_seconds, charge.cost.to_string().as_str()), (42, "0.84"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The price of sixty billed seconds.
    pub per_minute: Micros,
    /// Charged once for each call that lasted at all.
    pub connect_fee: Micros,
    /// The steps in which seconds are billed.
    pub increment: Increment,
    /// Seconds that are not billed.
    pub free: Free,
    /// What becomes of parts of a micro-unit.
    pub rounding: Rounding,
}

/// The first step and the following ones, in seconds: `60/60`, `30/6`, `1/1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Increment {
    first: u32,
    then: u32,
}

/// Seconds that cost nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Free {
    /// None.
    #[default]
    Nothing,
    /// Taken off the length of the call, before it is rounded up to whole steps.
    BeforeRounding(u32),
    /// Taken off the billed seconds, after the rounding to whole steps.
    AfterRounding(u32),
}

/// What becomes of parts of a micro-unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Rounding {
    /// Half a unit and more becomes one.
    #[default]
    HalfUp,
    /// To the nearest, half a unit to the even one.
    HalfEven,
    /// Any part becomes one.
    Up,
    /// Parts are dropped.
    Down,
}

/// What a call costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// The seconds that are paid for.
    pub billed_seconds: u64,
    /// The price, connect fee included.
    pub cost: Micros,
}

impl Rate {
    /// A rate by the second, without connect fee or free seconds.
    pub fn per_minute(per_minute: Micros) -> Rate {
        Rate {
            per_minute,
            connect_fee: Micros::ZERO,
            increment: Increment { first: 1, then: 1 },
            free: Free::Nothing,
            rounding: Rounding::HalfUp,
        }
    }

    /// With other steps.
    pub fn increment(self, increment: Increment) -> Rate {
        Rate { increment, ..self }
    }

    /// With a fee for each call.
    pub fn connect_fee(self, connect_fee: Micros) -> Rate {
        Rate { connect_fee, ..self }
    }

    /// With free seconds.
    pub fn free(self, free: Free) -> Rate {
        Rate { free, ..self }
    }

    /// The charge for a call of this length. A call of 0 seconds was not answered and costs nothing.
    pub fn charge(&self, seconds: u64) -> Charge {
        if seconds == 0 {
            return Charge { billed_seconds: 0, cost: Micros::ZERO };
        }
        let billed_seconds = match self.free {
            Free::Nothing => self.increment.round_up(seconds),
            Free::BeforeRounding(free) => {
                self.increment.round_up(seconds.saturating_sub(u64::from(free)))
            }
            Free::AfterRounding(free) => {
                self.increment.round_up(seconds).saturating_sub(u64::from(free))
            }
        };
        let sixtieths = i128::from(self.per_minute.get()) * i128::from(billed_seconds);
        let cost = self.rounding.divide(sixtieths, 60);
        let cost = i64::try_from(cost).unwrap_or(i64::MAX);
        let cost = Micros::new(cost.saturating_add(self.connect_fee.get()));
        Charge { billed_seconds, cost }
    }
}

impl Increment {
    /// Steps in seconds; `None` when one is 0.
    pub fn new(first: u32, then: u32) -> Option<Increment> {
        (first > 0 && then > 0).then_some(Increment { first, then })
    }

    /// Whole steps: 0 stays 0, anything up to the first step is the first step.
    pub fn round_up(self, seconds: u64) -> u64 {
        let (first, then) = (u64::from(self.first), u64::from(self.then));
        match seconds.checked_sub(first) {
            _ if seconds == 0 => 0,
            None => first,
            Some(rest) => first.saturating_add(rest.div_ceil(then).saturating_mul(then)),
        }
    }
}

impl FromStr for Increment {
    type Err = IncrementError;

    fn from_str(text: &str) -> Result<Increment, IncrementError> {
        let (first, then) = text.split_once('/').ok_or(IncrementError)?;
        let read = |text: &str| text.trim().parse().map_err(|_| IncrementError);
        Increment::new(read(first)?, read(then)?).ok_or(IncrementError)
    }
}

impl fmt::Display for Increment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.then)
    }
}

/// Steps are two whole numbers above 0, such as `60/60`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("steps are written as two whole numbers of seconds above 0, such as 60/60")]
pub struct IncrementError;

impl Rounding {
    fn divide(self, numerator: i128, denominator: i128) -> i128 {
        let (whole, part) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
        let up = match self {
            Rounding::Down => false,
            Rounding::Up => part > 0,
            Rounding::HalfUp => 2 * part >= denominator,
            Rounding::HalfEven => {
                2 * part > denominator || (2 * part == denominator && whole % 2 != 0)
            }
        };
        whole + i128::from(up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps() {
        let steps = |text: &str, seconds| text.parse::<Increment>().unwrap().round_up(seconds);
        assert_eq!([0, 1, 30, 31, 36, 37].map(|s| steps("30/6", s)), [0, 30, 30, 36, 36, 42]);
        assert_eq!(steps("60/1", 61), 61);
        assert_eq!(steps("60/60", u64::MAX - 3), u64::MAX);
        for bad in ["", "60", "0/6", "6/0", "a/b", "-1/6"] {
            assert!(bad.parse::<Increment>().is_err(), "{bad}");
        }
    }

    #[test]
    fn free_seconds_before_or_after_rounding() {
        let rate = Rate::per_minute(Micros::new(1_200_000)).increment("60/60".parse().unwrap());
        assert_eq!(rate.free(Free::BeforeRounding(10)).charge(70).billed_seconds, 60);
        assert_eq!(rate.free(Free::AfterRounding(10)).charge(70).billed_seconds, 110);
        let fee = rate.connect_fee(Micros::new(500_000)).free(Free::BeforeRounding(10));
        assert_eq!(fee.charge(5).cost, Micros::new(500_000), "answered within the free seconds");
        assert_eq!(fee.charge(0).cost, Micros::ZERO);
    }

    #[test]
    fn rounding_rules_differ_where_they_should() {
        let cost = |rounding, seconds| {
            Rate { rounding, ..Rate::per_minute(Micros::new(30)) }.charge(seconds).cost.get()
        };
        // 30 micro-units a minute are half a unit a second.
        assert_eq!([1, 2, 3].map(|s| cost(Rounding::HalfUp, s)), [1, 1, 2]);
        assert_eq!([1, 2, 3].map(|s| cost(Rounding::HalfEven, s)), [0, 1, 2]);
        assert_eq!([1, 2, 3].map(|s| cost(Rounding::Up, s)), [1, 1, 2]);
        assert_eq!([1, 2, 3].map(|s| cost(Rounding::Down, s)), [0, 1, 1]);
    }
}
