//! In which order trunks of the same priority are tried.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;

use rand_core::Rng;

use crate::rate::Micros;

/// How trunks of the same priority share the calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// As they are written.
    #[default]
    InOrder,
    /// The cheapest first; those whose price is not known last.
    LeastCost,
    /// Drawn by weight, each call by itself.
    Weighted,
    /// Shares by weight, kept exactly over every round of as many calls as the weights add up to.
    Percentage,
    /// Each is first in its turn.
    RoundRobin,
}

/// As in a plan file: `least-cost`.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Policy::InOrder => "in-order",
            Policy::LeastCost => "least-cost",
            Policy::Weighted => "weighted",
            Policy::Percentage => "percentage",
            Policy::RoundRobin => "round-robin",
        })
    }
}

/// A trunk among those of its priority.
pub(super) struct Contestant {
    /// Which choice of the route.
    pub(super) choice: usize,
    pub(super) weight: u32,
    pub(super) cost: Option<Micros>,
}

/// What a route remembers from call to call.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    turn: usize,
    /// By choice: how far it lags behind its share.
    credit: Vec<i64>,
}

impl Policy {
    /// Puts trunks of one priority in the order in which they are tried.
    pub(super) fn order(
        self,
        contestants: &mut Vec<Contestant>,
        memory: &mut Memory,
        random: &mut impl Rng,
    ) {
        match self {
            Policy::InOrder => {}
            Policy::LeastCost => contestants.sort_by_key(|c| (c.cost.is_none(), c.cost)),
            Policy::Weighted => {
                let mut drawn = Vec::with_capacity(contestants.len());
                while let Some(at) = draw(contestants, random) {
                    drawn.push(contestants.remove(at));
                }
                // What has no weight is only used when all else fails.
                drawn.append(contestants);
                *contestants = drawn;
            }
            Policy::Percentage => {
                let total: i64 = contestants.iter().map(|c| i64::from(c.weight)).sum();
                let last = contestants.iter().map(|c| c.choice).max().unwrap_or(0);
                if memory.credit.len() <= last {
                    memory.credit.resize(last + 1, 0);
                }
                for contestant in contestants.iter() {
                    if let Some(credit) = memory.credit.get_mut(contestant.choice) {
                        *credit += i64::from(contestant.weight);
                    }
                }
                let credit = |c: &Contestant| memory.credit.get(c.choice).copied().unwrap_or(0);
                contestants.sort_by_key(|c| (c.weight == 0, Reverse(credit(c))));
                if let Some(first) = contestants.first()
                    && let Some(credit) = memory.credit.get_mut(first.choice)
                {
                    *credit -= total;
                }
            }
            Policy::RoundRobin => {
                if !contestants.is_empty() {
                    let turn = memory.turn % contestants.len();
                    contestants.rotate_left(turn);
                    memory.turn = memory.turn.wrapping_add(1);
                }
            }
        }
    }
}

/// Draws one by weight; `None` when no weight is left.
fn draw(contestants: &[Contestant], random: &mut impl Rng) -> Option<usize> {
    let total: u64 = contestants.iter().map(|c| u64::from(c.weight)).sum();
    let mut drawn = below(total, random)?;
    for (at, contestant) in contestants.iter().enumerate() {
        match drawn.checked_sub(u64::from(contestant.weight)) {
            Some(rest) => drawn = rest,
            None => return Some(at),
        }
    }
    None
}

/// A number below `bound`, each as likely: what would favour some is drawn again.
fn below(bound: u64, random: &mut impl Rng) -> Option<u64> {
    if bound == 0 {
        return None;
    }
    let uneven = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(random.next_u64()) * u128::from(bound);
        if product as u64 >= uneven {
            return Some((product >> 64) as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha8Rng;
    use rand_core::SeedableRng;

    fn firsts(policy: Policy, weights: &[u32], calls: usize) -> Vec<usize> {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut memory = Memory::default();
        let mut counts = alloc::vec![0; weights.len()];
        for _ in 0..calls {
            let mut contestants: Vec<Contestant> = weights
                .iter()
                .enumerate()
                .map(|(choice, &weight)| Contestant { choice, weight, cost: None })
                .collect();
            policy.order(&mut contestants, &mut memory, &mut random);
            assert_eq!(contestants.len(), weights.len(), "none is lost");
            counts[contestants[0].choice] += 1;
        }
        counts
    }

    #[test]
    fn percentages_are_exact() {
        assert_eq!(firsts(Policy::Percentage, &[70, 20, 10], 100), [70, 20, 10]);
        assert_eq!(firsts(Policy::Percentage, &[5, 1, 1, 0], 7_000), [5_000, 1_000, 1_000, 0]);
    }

    #[test]
    fn weights_are_drawn_without_bias() {
        // Standard deviation of the first is 145; four of them is one chance in 15,000, and the
        // seed is fixed.
        let counts = firsts(Policy::Weighted, &[7, 2, 1, 0], 100_000);
        for (count, expected) in counts.iter().zip([70_000i64, 20_000, 10_000, 0]) {
            assert!((*count as i64 - expected).abs() < 600, "{counts:?}");
        }
    }

    #[test]
    fn uneven_draws_are_drawn_again() {
        struct Fixed(Vec<u64>);
        impl rand_core::TryRng for Fixed {
            type Error = core::convert::Infallible;
            fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
                unreachable!("only 64 bits are drawn")
            }
            fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
                Ok(self.0.pop().expect("one more draw than there should be"))
            }
            fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
                unreachable!("only words are drawn")
            }
        }
        // 2^64 mod 3 is 1: of all words, the one whose product has a low half of 0 is one too many.
        assert_eq!(below(3, &mut Fixed([u64::MAX, 0].into())), Some(2));
        assert_eq!(below(1, &mut Fixed([0].into())), Some(0));
    }

    #[test]
    fn each_has_its_turn() {
        assert_eq!(firsts(Policy::RoundRobin, &[0, 0, 0], 9), [3, 3, 3]);
    }
}
