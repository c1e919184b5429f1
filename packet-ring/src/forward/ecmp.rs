//! Load shared over equal paths: members of a group, one chosen by a flow's hash.
//!
//! What matters is what happens when a member goes. RFC 2992 counts for hash-threshold that a quarter to a
//! half of all flows move to another path. With resilient buckets and with rendezvous only the flows of
//! the lost member do.
//!
//! ```
//! use packet_ring::forward::ecmp::{Group, Policy};
//!
//! let mut group = Group::new(Policy::default(), 42);
//! for link in 0..8 {
//!     group.set(link, 1);
//! }
//! let before: Vec<_> = (0..1000).map(|flow| group.select(flow << 50 | flow).copied()).collect();
//! group.remove(&3);
//! for (flow, before) in (0..1000).zip(before) {
//!     let after = group.select(flow << 50 | flow).copied();
//!     assert!(before == after || before == Some(3), "only flows of the lost link move");
//! }
//! ```

use alloc::vec::Vec;

use super::hash::keyed;

/// How a [`Group`] maps hashes to members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// A fixed number of buckets, each of a member. A member that goes leaves its buckets to the others,
    /// one that comes takes its share from those that have most. One look per packet.
    Resilient {
        /// How many; at least the members, better some dozens for each. Shares are whole buckets.
        buckets: u16,
    },
    /// The hash space is cut into as many regions as members (RFC 2992). One search per packet.
    HashThreshold,
    /// The member whose own hash with the flow's is highest. As many hashes per packet as weights add up
    /// to.
    Rendezvous,
}

impl Default for Policy {
    /// 512 resilient buckets.
    fn default() -> Self {
        Self::Resilient { buckets: 512 }
    }
}

/// Members that share load.
#[derive(Debug, Clone)]
pub struct Group<M> {
    policy: Policy,
    seed: u64,
    members: Vec<Member<M>>,
    /// Resilient: the index of each bucket's member.
    buckets: Vec<u16>,
    total: u32,
    next_id: u64,
}

#[derive(Debug, Clone)]
struct Member<M> {
    member: M,
    weight: u8,
    /// Of rendezvous; stays the same while others come and go.
    id: u64,
}

impl<M: PartialEq> Group<M> {
    /// A group without members. The seed keeps routers in a row from choosing alike, which would leave
    /// paths unused behind the first.
    pub fn new(policy: Policy, seed: u64) -> Self {
        Self { policy, seed, members: Vec::new(), buckets: Vec::new(), total: 0, next_id: 0 }
    }

    /// Adds a member, or changes its weight; a weight of 0 removes it. Up to 1024 members, more are
    /// ignored. Returns whether the group changed.
    pub fn set(&mut self, member: M, weight: u8) -> bool {
        if weight == 0 {
            return self.remove(&member);
        }
        let is_full = self.members.len() == MOST;
        match self.members.iter_mut().find(|known| known.member == member) {
            Some(known) if known.weight == weight => return false,
            Some(known) => known.weight = weight,
            None if is_full => return false,
            None => {
                self.members.push(Member { member, weight, id: self.next_id });
                self.next_id += 1;
            }
        }
        self.rebalance();
        true
    }

    /// Takes a member away. Returns whether it was there.
    pub fn remove(&mut self, member: &M) -> bool {
        let Some(at) = self.members.iter().position(|known| known.member == *member) else {
            return false;
        };
        self.members.remove(at);
        for bucket in &mut self.buckets {
            *bucket = match usize::from(*bucket) {
                index if index == at => NOBODY,
                index if index > at && *bucket != NOBODY => *bucket - 1,
                _ => *bucket,
            };
        }
        self.rebalance();
        true
    }

    /// The member for a flow; `None` when there is none. The hash is mixed with the seed first.
    #[inline]
    pub fn select(&self, flow: u64) -> Option<&M> {
        let hash = keyed(self.seed, [flow]);
        let at = match self.policy {
            Policy::Resilient { .. } => {
                usize::from(*self.buckets.get(share(hash, self.buckets.len() as u64) as usize)?)
            }
            Policy::HashThreshold => {
                let mut place = share(hash, self.total.into());
                self.members.iter().position(|member| {
                    let here = place < u64::from(member.weight);
                    place = place.saturating_sub(member.weight.into());
                    here
                })?
            }
            Policy::Rendezvous => {
                let score = |member: &Member<M>| {
                    (0..u64::from(member.weight))
                        .map(|draw| keyed(hash, [member.id << 8 | draw]))
                        .max()
                        .unwrap_or(0)
                };
                let scores = self.members.iter().map(score).enumerate();
                scores.max_by_key(|(_, score)| *score).map(|(at, _)| at)?
            }
        };
        self.members.get(at).map(|member| &member.member)
    }

    /// The members and their weights.
    pub fn members(&self) -> impl Iterator<Item = (&M, u8)> {
        self.members.iter().map(|member| (&member.member, member.weight))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    fn rebalance(&mut self) {
        self.total = self.members.iter().map(|member| u32::from(member.weight)).sum();
        let Policy::Resilient { buckets } = self.policy else { return };
        if self.members.is_empty() {
            self.buckets.clear();
            return;
        }
        let count = usize::from(buckets).max(self.members.len());
        self.buckets.resize(count, NOBODY);
        // What each should have, so that the sum is right: cut down, and one more for the first.
        let mut wanted: Vec<usize> = self
            .members
            .iter()
            .map(|member| count * usize::from(member.weight) / self.total as usize)
            .collect();
        let missing = count - wanted.iter().sum::<usize>();
        let mut has = alloc::vec![0; self.members.len()];
        for bucket in &self.buckets {
            if let Some(has) = has.get_mut(usize::from(*bucket)) {
                *has += 1;
            }
        }
        // The odd buckets stay with those who have them, so that nothing moves for them.
        let mut order: Vec<usize> = (0..wanted.len()).collect();
        order.sort_by_key(|&at| has[at] <= wanted[at]);
        for at in order.into_iter().take(missing) {
            wanted[at] += 1;
        }
        // Those with too many give; then each ownerless bucket goes to the one who lacks most.
        for bucket in &mut self.buckets {
            let at = usize::from(*bucket);
            if let (Some(has), Some(wanted)) = (has.get_mut(at), wanted.get(at))
                && *has > *wanted
            {
                *has -= 1;
                *bucket = NOBODY;
            }
        }
        for bucket in self.buckets.iter_mut().filter(|bucket| **bucket == NOBODY) {
            let poorest = (0..has.len()).max_by_key(|&at| wanted[at].saturating_sub(has[at]));
            if let Some(at) = poorest {
                has[at] += 1;
                *bucket = at as u16;
            }
        }
    }
}

const MOST: usize = 1024;
const NOBODY: u16 = u16::MAX;

/// A hash scaled to `0..end`.
#[inline]
fn share(hash: u64, end: u64) -> u64 {
    ((u128::from(hash) * u128::from(end)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOWS: u64 = 40_000;
    const POLICIES: [Policy; 3] =
        [Policy::Resilient { buckets: 512 }, Policy::HashThreshold, Policy::Rendezvous];

    fn choices(group: &Group<u8>) -> Vec<u8> {
        (0..FLOWS).map(|flow| *group.select(flow).unwrap()).collect()
    }

    fn moved(before: &[u8], after: &[u8]) -> f64 {
        before.iter().zip(after).filter(|(a, b)| a != b).count() as f64 / FLOWS as f64
    }

    fn group(policy: Policy) -> Group<u8> {
        let mut group = Group::new(policy, 5);
        assert_eq!(group.select(1), None);
        for link in 0..8 {
            assert!(group.set(link, 1));
        }
        group
    }

    #[test]
    fn all_spread_evenly() {
        for policy in POLICIES {
            let choices = choices(&group(policy));
            for link in 0..8 {
                let share =
                    choices.iter().filter(|choice| **choice == link).count() as f64 / FLOWS as f64;
                assert!((0.115..0.135).contains(&share), "{policy:?}: {share}");
            }
        }
    }

    #[test]
    fn one_of_eight_goes_and_comes_back() {
        for policy in POLICIES {
            for lost in 0..8 {
                let mut group = group(policy);
                let before = choices(&group);
                assert!(group.remove(&lost) && !group.remove(&lost));
                let after = choices(&group);
                assert!(!after.contains(&lost));
                let share = moved(&before, &after);
                if policy == Policy::HashThreshold {
                    assert!(share < 0.52, "RFC 2992, 3: {share}");
                } else {
                    assert!(share <= 0.14, "{policy:?}: {share}");
                    let kept = before.iter().zip(&after).all(|(a, b)| a == b || *a == lost);
                    assert!(kept, "{policy:?}: only its flows move");
                }
                group.set(lost, 1);
                let back = moved(&after, &choices(&group));
                assert!(policy == Policy::HashThreshold || back <= 0.14, "{policy:?}: {back}");
            }
        }
    }

    #[test]
    fn weights_are_kept_to() {
        for policy in POLICIES {
            let mut group = Group::new(policy, 9);
            group.set(1, 3);
            group.set(2, 1);
            let share =
                choices(&group).iter().filter(|choice| **choice == 1).count() as f64 / FLOWS as f64;
            assert!((0.72..0.78).contains(&share), "{policy:?}: {share}");
            assert!(!group.set(2, 1), "nothing changes");
            assert!(group.set(1, 0));
            assert_eq!(group.members().collect::<Vec<_>>(), [(&2, 1)]);
            assert!(choices(&group).iter().all(|choice| *choice == 2));
            group.remove(&2);
            assert!(group.is_empty() && group.select(3).is_none());
        }
    }

    #[test]
    fn more_members_than_buckets() {
        let mut group = Group::new(Policy::Resilient { buckets: 2 }, 0);
        for member in 0..5_u8 {
            group.set(member, 1);
        }
        let choices = choices(&group);
        assert!((0..5).all(|member| choices.contains(&member)));
    }
}
