//! Against toll fraud: blocked destinations and spending limits.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use crate::number::{Digits, Number};
use crate::prefix::{PrefixError, PrefixTable};
use crate::rate::Micros;

/// What may not be called, and how much may be spent. Emergency calls are not asked about.
#[derive(Clone, Debug)]
pub struct Guard {
    /// `false` where a longer prefix allows again what a shorter one blocks.
    destinations: PrefixTable<(bool, Box<str>)>,
    limits: Vec<SpendingLimit>,
    max_accounts: usize,
}

/// How much an account may spend in any stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpendingLimit {
    /// The length of the stretch. It is counted in sixtieths: what was spent in a sixtieth leaves
    /// all at once, never early.
    pub window: Duration,
    /// The most that may be spent.
    pub amount: Micros,
}

/// Blocks nothing and limits nothing.
impl Default for Guard {
    fn default() -> Self {
        Guard { destinations: PrefixTable::default(), limits: Vec::new(), max_accounts: 10_000 }
    }
}

/// What accounts have spent.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    accounts: BTreeMap<Box<str>, Vec<Window>>,
}

/// Why a call may not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The destination is blocked.
    #[error("numbers that begin with +{prefix} are blocked: {reason}")]
    Blocked {
        /// The prefix that decided.
        prefix: Digits,
        /// The reason given in the plan.
        reason: Box<str>,
    },
    /// The account has spent what it may.
    #[error("{spent} of {amount} are spent within {} s", window.as_secs())]
    Spent {
        /// What was spent within the window.
        spent: Micros,
        /// The limit.
        amount: Micros,
        /// The window.
        window: Duration,
    },
    /// Too many accounts spend at once for all to be watched.
    #[error("more than {limit} accounts are spending; no more can be watched")]
    TooManyAccounts {
        /// The bound.
        limit: usize,
    },
}

const SLICES: usize = 60;

#[derive(Clone, Debug)]
struct Window {
    spent: [Micros; SLICES],
    /// The number of the slice that was written last.
    slice: u64,
}

impl Guard {
    /// A guard that blocks these prefixes (with a reason), except for the longer prefixes allowed.
    ///
    /// # Errors
    ///
    /// When a prefix is there twice or is not digits.
    pub fn new(
        blocked: Vec<(Digits, Box<str>)>,
        allowed: Vec<Digits>,
        limits: Vec<SpendingLimit>,
    ) -> Result<Guard, PrefixError> {
        let blocked = blocked.into_iter().map(|(prefix, reason)| (prefix, (true, reason)));
        let allowed = allowed.into_iter().map(|prefix| (prefix, (false, Box::default())));
        let destinations = PrefixTable::build(blocked.chain(allowed).collect())?;
        Ok(Guard { destinations, limits, max_accounts: 10_000 })
    }

    /// Whether a destination may be called.
    ///
    /// # Errors
    ///
    /// When it is blocked.
    pub fn allows(&self, number: Number) -> Result<(), Refusal> {
        match self.destinations.lookup(number.digits()) {
            Some((prefix, (true, reason))) => {
                Err(Refusal::Blocked { prefix, reason: reason.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Whether an account may spend this much more now; `cost` may be an estimate or 0.
    ///
    /// # Errors
    ///
    /// When it would go beyond a limit, or has reached one.
    pub fn may_spend(
        &self,
        ledger: &Ledger,
        account: &str,
        cost: Micros,
        now: Duration,
    ) -> Result<(), Refusal> {
        let windows = ledger.accounts.get(account);
        if windows.is_none()
            && !self.limits.is_empty()
            && ledger.live(self, now) >= self.max_accounts
        {
            return Err(Refusal::TooManyAccounts { limit: self.max_accounts });
        }
        for (index, limit) in self.limits.iter().enumerate() {
            let window = windows.and_then(|windows| windows.get(index));
            let spent = window.map_or(Micros::ZERO, |window| window.total(limit, now));
            if spent + cost > limit.amount || spent == limit.amount {
                return Err(Refusal::Spent { spent, amount: limit.amount, window: limit.window });
            }
        }
        Ok(())
    }

    /// Notes what a call has cost. Call it while the call goes on too, with what has come since.
    pub fn spend(&self, ledger: &mut Ledger, account: &str, cost: Micros, now: Duration) {
        if self.limits.is_empty() {
            return;
        }
        if !ledger.accounts.contains_key(account) && ledger.accounts.len() >= self.max_accounts {
            ledger.forget(self, now);
        }
        let windows = ledger.accounts.entry(account.into()).or_insert_with(|| {
            let empty = Window { spent: [Micros::ZERO; SLICES], slice: 0 };
            alloc::vec![empty; self.limits.len()]
        });
        for (limit, window) in self.limits.iter().zip(windows) {
            window.add(limit, cost, now);
        }
    }

    /// Bounds how many accounts are watched at once; 10,000 when nothing is said.
    pub fn max_accounts(mut self, limit: usize) -> Guard {
        self.max_accounts = limit;
        self
    }

    /// The limits.
    pub fn limits(&self) -> &[SpendingLimit] {
        &self.limits
    }
}

impl Ledger {
    /// How many accounts are kept.
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Drops the accounts that have spent nothing within any window.
    fn forget(&mut self, guard: &Guard, now: Duration) {
        self.accounts.retain(|_, windows| is_live(guard, windows, now));
    }

    fn live(&self, guard: &Guard, now: Duration) -> usize {
        if self.accounts.len() < guard.max_accounts {
            return self.accounts.len();
        }
        self.accounts.values().filter(|windows| is_live(guard, windows, now)).count()
    }
}

fn is_live(guard: &Guard, windows: &[Window], now: Duration) -> bool {
    guard.limits.iter().zip(windows).any(|(limit, window)| window.total(limit, now) != Micros::ZERO)
}

impl Window {
    /// The spent slices that are still in the window. One slice more than the window holds is
    /// kept, so that nothing leaves early.
    fn total(&self, limit: &SpendingLimit, now: Duration) -> Micros {
        let current = slice(limit, now);
        let gone = current.saturating_sub(self.slice).min(SLICES as u64);
        let kept = SLICES as u64 - gone;
        (0..kept)
            .filter_map(|back| {
                let slice = self.slice.checked_sub(back)?;
                self.spent.get((slice % SLICES as u64) as usize).copied()
            })
            .sum()
    }

    fn add(&mut self, limit: &SpendingLimit, cost: Micros, now: Duration) {
        let current = slice(limit, now).max(self.slice);
        for passed in self.slice + 1..=current.min(self.slice + SLICES as u64) {
            if let Some(spent) = self.spent.get_mut((passed % SLICES as u64) as usize) {
                *spent = Micros::ZERO;
            }
        }
        self.slice = current;
        if let Some(spent) = self.spent.get_mut((current % SLICES as u64) as usize) {
            *spent = *spent + cost;
        }
    }
}

/// The slice that a time is in: 59 of them make the window, and the sixtieth is the one begun.
fn slice(limit: &SpendingLimit, now: Duration) -> u64 {
    let length = (limit.window.as_nanos() / (SLICES as u128 - 1)).max(1);
    u64::try_from(now.as_nanos() / length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(amount: i64) -> Guard {
        let limit =
            SpendingLimit { window: Duration::from_secs(3600), amount: Micros::new(amount) };
        let digits = |text: &str| text.parse().unwrap();
        let blocked =
            alloc::vec![(digits("88"), "satellite".into()), (digits("53"), "fraud".into())];
        Guard::new(blocked, alloc::vec![digits("5399")], alloc::vec![limit]).unwrap()
    }

    #[test]
    fn blocks_prefixes_and_allows_longer_ones() {
        let guard = guard(0);
        assert!(guard.allows("+4930123456".parse().unwrap()).is_ok());
        assert!(guard.allows("+5399123".parse().unwrap()).is_ok());
        let refusal = guard.allows("+881234".parse().unwrap()).unwrap_err();
        assert_eq!(
            refusal,
            Refusal::Blocked { prefix: "88".parse().unwrap(), reason: "satellite".into() }
        );
    }

    #[test]
    fn spending_ends_at_the_limit_and_returns_after_the_window() {
        let (guard, mut ledger) = (guard(100), Ledger::default());
        let at = Duration::from_secs;
        guard.spend(&mut ledger, "101", Micros::new(60), at(10));
        assert!(guard.may_spend(&ledger, "101", Micros::new(40), at(20)).is_ok());
        assert!(guard.may_spend(&ledger, "101", Micros::new(41), at(20)).is_err());
        assert!(guard.may_spend(&ledger, "102", Micros::new(41), at(20)).is_ok());
        guard.spend(&mut ledger, "101", Micros::new(40), at(1800));
        assert!(
            guard.may_spend(&ledger, "101", Micros::ZERO, at(3600)).is_err(),
            "within the hour"
        );
        assert!(
            guard.may_spend(&ledger, "101", Micros::new(60), at(3680)).is_ok(),
            "the first has left"
        );
        assert!(guard.may_spend(&ledger, "101", Micros::new(61), at(3680)).is_err());
        assert!(guard.may_spend(&ledger, "101", Micros::new(100), at(1_000_000)).is_ok());
    }

    #[test]
    fn a_flood_of_accounts_does_not_grow_the_ledger() {
        let (guard, mut ledger) = (guard(100).max_accounts(10), Ledger::default());
        for number in 0..1000u32 {
            let account = alloc::format!("{number}");
            let now = Duration::from_secs(u64::from(number));
            if guard.may_spend(&ledger, &account, Micros::new(1), now).is_ok() {
                guard.spend(&mut ledger, &account, Micros::new(1), now);
            }
        }
        assert_eq!(ledger.len(), 10);
        let later = Duration::from_secs(10_000);
        assert!(guard.may_spend(&ledger, "new", Micros::new(1), later).is_ok());
        guard.spend(&mut ledger, "new", Micros::new(1), later);
        assert_eq!(ledger.len(), 1);
    }
}
