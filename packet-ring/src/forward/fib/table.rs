use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use core::fmt;
use core::hint::select_unpredictable;
use core::num::NonZeroU16;

use thiserror::Error;

use super::node::{Link, Nodes, Painted, SLOTS};
use super::prefix::{HEAD_BITS, PART_BITS};
use super::{Address, Prefix};

/// What a prefix leads to: a number from 0 to 65,534 that the user gives a meaning, for example the index
/// of a [`Group`](crate::forward::ecmp::Group).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NextHop(NonZeroU16);

impl NextHop {
    /// `None` for 65,535, which the table uses itself.
    pub const fn new(id: u16) -> Option<Self> {
        match NonZeroU16::new(id.wrapping_add(1)) {
            Some(stored) => Some(Self(stored)),
            None => None,
        }
    }

    /// The number.
    pub const fn id(self) -> u16 {
        self.0.get() - 1
    }

    fn stored(self) -> u16 {
        self.0.get()
    }

    #[inline(always)]
    fn of_stored(stored: u16) -> Option<Self> {
        NonZeroU16::new(stored).map(Self)
    }
}

impl fmt::Debug for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NextHop").field(&self.id()).finish()
    }
}

/// Why a prefix was not added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FibError {
    /// The table has as many prefixes as it may.
    #[error("the forwarding table is full with {limit} prefixes")]
    Full {
        /// How many it may have.
        limit: usize,
    },
}

/// A longest-prefix table for one address family: `Fib<Ipv4Addr>` or `Fib<Ipv6Addr>`.
pub struct Fib<A> {
    /// One for each value of the leading bits, so that none is out of bounds.
    direct: Box<[Link; DIRECT]>,
    nodes: Nodes,
    prefixes: BTreeMap<(u8, A, u8), NextHop>,
    limit: usize,
    popcnt: bool,
}

const DIRECT: usize = 1 << HEAD_BITS;
const DEFAULT_LIMIT: usize = 4_000_000;

impl<A: Address> Default for Fib<A> {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Address> Fib<A> {
    /// An empty table for up to four million prefixes.
    pub fn new() -> Self {
        Self::with_limit(DEFAULT_LIMIT)
    }

    /// An empty table for up to `limit` prefixes.
    pub fn with_limit(limit: usize) -> Self {
        let (nodes, bare) = Nodes::new();
        Self { direct: direct(bare), nodes, prefixes: BTreeMap::new(), limit, popcnt: has_popcnt() }
    }

    /// The value of the longest prefix that `address` begins with.
    #[inline]
    pub fn lookup(&self, address: A) -> Option<NextHop> {
        #[cfg(target_arch = "x86_64")]
        if self.popcnt {
            // SAFETY: the processor was asked when the table was made.
            return unsafe { self.lookup_popcnt(address) };
        }
        self.find(address)
    }

    /// Looks up many addresses, which hides the memory's latency behind one another. As many as the
    /// shorter of the two slices has.
    pub fn lookup_batch(&self, addresses: &[A], found: &mut [Option<NextHop>]) {
        #[cfg(target_arch = "x86_64")]
        if self.popcnt {
            // SAFETY: the processor was asked when the table was made.
            return unsafe { self.lookup_batch_popcnt(addresses, found) };
        }
        self.find_batch(addresses, found);
    }

    /// Adds a prefix, or gives it another value. Returns the value it had.
    ///
    /// # Errors
    ///
    /// [`FibError::Full`]; nothing changes.
    pub fn insert(
        &mut self,
        prefix: Prefix<A>,
        next_hop: NextHop,
    ) -> Result<Option<NextHop>, FibError> {
        let key = key(prefix);
        if self.prefixes.len() >= self.limit && !self.prefixes.contains_key(&key) {
            return Err(FibError::Full { limit: self.limit });
        }
        let old = self.prefixes.insert(key, next_hop);
        if old != Some(next_hop) {
            self.repaint(prefix);
        }
        Ok(old)
    }

    /// Takes a prefix away. Returns the value it had.
    pub fn remove(&mut self, prefix: Prefix<A>) -> Option<NextHop> {
        let old = self.prefixes.remove(&key(prefix))?;
        self.repaint(prefix);
        Some(old)
    }

    /// The value of exactly this prefix.
    pub fn exact(&self, prefix: Prefix<A>) -> Option<NextHop> {
        self.prefixes.get(&key(prefix)).copied()
    }

    /// All prefixes, the shorter ones first by and large: in the order of the nodes' depths.
    pub fn iter(&self) -> impl Iterator<Item = (Prefix<A>, NextHop)> {
        self.prefixes.iter().filter_map(|(&(_, address, len), &next_hop)| {
            Prefix::of(address, len).ok().map(|prefix| (prefix, next_hop))
        })
    }

    /// How many prefixes there are.
    pub fn len(&self) -> usize {
        self.prefixes.len()
    }

    /// Whether there is no prefix.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }

    /// Bytes of everything that lookups touch, allocated slack included.
    pub fn memory(&self) -> usize {
        self.direct.len() * size_of::<Link>() + self.nodes.memory()
    }

    /// An estimate of the bytes of the sorted prefixes, which only updates touch.
    pub fn prefix_memory(&self) -> usize {
        // B-tree nodes are two thirds full on the average.
        self.prefixes.len() * (size_of::<(u8, A, u8)>() + size_of::<NextHop>()) * 3 / 2
    }

    /// Lays the table out without gaps, after many updates. Updates do this by themselves when a good part
    /// would be gaps.
    pub fn compact(&mut self) {
        self.nodes.tidy(&mut *self.direct, true);
    }

    #[inline(always)]
    fn find(&self, address: A) -> Option<NextHop> {
        self.find_behind(address, self.direct[address.head()])
    }

    /// The lookup from the first node on.
    #[inline(always)]
    fn find_behind(&self, address: A, link: Link) -> Option<NextHop> {
        let (value, cover) = self.nodes.step(link, address.part(0));
        let best = later(value, cover);
        if link.leads_further() {
            self.find_further(address, link, best)
        } else {
            NextHop::of_stored(best)
        }
    }

    /// Goes on behind the first node. Kept out of the way of lookups that end there.
    #[cold]
    fn find_further(&self, address: A, mut link: Link, mut best: u16) -> Option<NextHop> {
        let mut depth = 0;
        while let Some(child) = self.nodes.child(link, address.part(depth)) {
            depth += 1;
            best = later(self.nodes.step(child, address.part(depth)).0, best);
            link = child;
        }
        NextHop::of_stored(best)
    }

    /// The first step is taken for all of a few addresses before the next one, so that what they read from
    /// memory is read at the same time.
    #[inline(always)]
    fn find_batch(&self, addresses: &[A], found: &mut [Option<NextHop>]) {
        const LANES: usize = 16;
        let mut links = [self.direct[0]; LANES];
        for (addresses, found) in addresses.chunks(LANES).zip(found.chunks_mut(LANES)) {
            for (link, address) in links.iter_mut().zip(addresses) {
                *link = self.direct[address.head()];
                self.nodes.prefetch(*link);
            }
            for ((found, link), address) in found.iter_mut().zip(&links).zip(addresses) {
                *found = self.find_behind(*address, *link);
            }
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "popcnt")]
    fn lookup_popcnt(&self, address: A) -> Option<NextHop> {
        self.find(address)
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "popcnt")]
    fn lookup_batch_popcnt(&self, addresses: &[A], found: &mut [Option<NextHop>]) {
        self.find_batch(addresses, found);
    }

    /// Brings the node of `prefix` up to date with the sorted prefixes.
    fn repaint(&mut self, prefix: Prefix<A>) {
        if prefix.len() <= HEAD_BITS {
            self.repaint_direct(prefix);
        } else {
            self.repaint_node(prefix);
        }
        self.nodes.tidy(&mut *self.direct, false);
    }

    fn repaint_direct(&mut self, prefix: Prefix<A>) {
        let (first, last) = (prefix.address(), prefix.address().filled(prefix.len()));
        let cover = (0..prefix.len())
            .rev()
            .find_map(|len| self.prefixes.get(&(0, first.masked(len), len)))
            .map_or(0, |next_hop| next_hop.stored());
        let Self { direct, nodes, prefixes, .. } = self;
        let mut fill = |first: A, last: A, cover: u16| {
            for link in &mut direct[first.head()..=last.head()] {
                *link = nodes.set_cover(*link, cover);
            }
        };
        fill(first, last, cover);
        // In the order of the keys a prefix comes before those within it.
        for (&(_, address, len), next_hop) in
            prefixes.range((0, first, prefix.len())..=(0, last, u8::MAX))
        {
            fill(address, address.filled(len), next_hop.stored());
        }
    }

    fn repaint_node(&mut self, prefix: Prefix<A>) {
        let address = prefix.address();
        let level = level(prefix.len());
        let depth = level - 1;
        let base = HEAD_BITS + depth * PART_BITS;
        let first = address.masked(base);
        let mut painted: Painted = [0; SLOTS];
        for (&(_, address, len), next_hop) in
            self.prefixes.range((level, first, 0)..=(level, first.filled(base), u8::MAX))
        {
            let (from, to) = (address.part(depth), address.filled(len).part(depth));
            painted[from.into()..=to.into()].fill(next_hop.stored());
        }
        let link = self.direct[address.head()];
        self.direct[address.head()] = self.repaint_behind(link, address, 0, depth, &painted);
    }

    /// Paints the node at depth `last` on the way to `address`, made where it is missing and dropped where it
    /// says nothing, and returns the way to `link`'s node from now on, which is at `depth`.
    fn repaint_behind(
        &mut self,
        link: Link,
        address: A,
        depth: u8,
        last: u8,
        painted: &Painted,
    ) -> Link {
        if depth == last {
            return self.nodes.paint(link, painted);
        }
        let at = address.part(depth);
        let child = match self.nodes.child(link, at) {
            Some(child) => child,
            None => self.nodes.bare(0),
        };
        let child = self.repaint_behind(child, address, depth + 1, last, painted);
        self.nodes.set_child(link, at, child)
    }
}

/// An empty direct table, made where it stays.
fn direct(bare: Link) -> Box<[Link; DIRECT]> {
    let links: Box<[Link]> = alloc::vec![bare; DIRECT].into();
    // The length is right; the other arm is never taken.
    links.try_into().unwrap_or_else(|_| Box::new([bare; DIRECT]))
}

/// The value of a longer prefix, if there is one.
#[inline(always)]
fn later(longer: u16, shorter: u16) -> u16 {
    select_unpredictable(longer != 0, longer, shorter)
}

/// By the depth of the node that the prefix lives in, then by address, then by length.
fn key<A: Address>(prefix: Prefix<A>) -> (u8, A, u8) {
    (level(prefix.len()), prefix.address(), prefix.len())
}

/// 0 for the direct table, then a level for each further part of the address.
fn level(len: u8) -> u8 {
    len.saturating_sub(HEAD_BITS).div_ceil(PART_BITS)
}

fn has_popcnt() -> bool {
    #[cfg(all(target_arch = "x86_64", feature = "std"))]
    let found = std::arch::is_x86_feature_detected!("popcnt");
    #[cfg(not(all(target_arch = "x86_64", feature = "std")))]
    let found = cfg!(target_feature = "popcnt");
    found
}

impl<A: Address> fmt::Debug for Fib<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fib")
            .field("prefixes", &self.len())
            .field("memory", &self.memory())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use core::net::{Ipv4Addr, Ipv6Addr};

    fn hop(id: u16) -> NextHop {
        NextHop::new(id).unwrap()
    }

    #[test]
    fn every_length_of_one_address() {
        let mut fib = Fib::new();
        let address = Ipv6Addr::from_bits(0x2001_0db8_1234_5678_9abc_def0_1122_3344);
        for len in 0..=128 {
            fib.insert(Prefix::of(address, len).unwrap(), hop(len.into())).unwrap();
            assert_eq!(fib.lookup(address), Some(hop(len.into())));
        }
        for len in (0..=128).rev() {
            assert_eq!(fib.lookup(address), Some(hop(len.into())));
            fib.remove(Prefix::of(address, len).unwrap()).unwrap();
        }
        assert_eq!(fib.lookup(address), None);
        assert!(fib.is_empty());
        fib.compact();
        let fresh = Fib::<Ipv6Addr>::new();
        assert!(fib.memory() < fresh.memory() + 4096, "{} {}", fib.memory(), fresh.memory());
    }

    #[test]
    fn the_limit_holds() {
        let mut fib = Fib::<Ipv4Addr>::with_limit(1);
        let [one, two]: [Prefix<Ipv4Addr>; 2] =
            ["10.0.0.0/8", "11.0.0.0/8"].map(|text| text.parse().unwrap());
        assert_eq!(fib.insert(one, hop(1)), Ok(None));
        assert_eq!(fib.insert(two, hop(1)), Err(FibError::Full { limit: 1 }));
        assert_eq!(fib.insert(one, hop(2)), Ok(Some(hop(1))), "a new value is no new prefix");
        assert_eq!(fib.iter().collect::<Vec<_>>(), [(one, hop(2))]);
        assert_eq!((fib.exact(one), fib.exact(two)), (Some(hop(2)), None));
    }

    #[test]
    fn the_last_number_is_taken() {
        assert_eq!(NextHop::new(u16::MAX), None);
        let mut fib = Fib::<Ipv4Addr>::new();
        fib.insert("0.0.0.0/0".parse().unwrap(), hop(u16::MAX - 1)).unwrap();
        assert_eq!(fib.lookup(Ipv4Addr::LOCALHOST), Some(hop(u16::MAX - 1)));
    }

    /// The portable lookup is the twin of the one with the processor's bit counting.
    #[test]
    fn both_lookups_agree() {
        let mut fib = Fib::<Ipv4Addr>::new();
        let mut bits = 1_u32;
        let mut next = || {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bits
        };
        for id in 0..3000 {
            let len = 8 + (next() >> 27) as u8 % 25;
            fib.insert(Prefix::of(Ipv4Addr::from_bits(next()), len).unwrap(), hop(id)).unwrap();
        }
        let addresses: Vec<_> = (0..3000).map(|_| Ipv4Addr::from_bits(next())).collect();
        let mut found = alloc::vec![None; addresses.len()];
        fib.lookup_batch(&addresses, &mut found);
        for (address, found) in addresses.iter().zip(found) {
            assert_eq!(found, fib.find(*address));
            assert_eq!(found, fib.lookup(*address));
        }
    }
}
