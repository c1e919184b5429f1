//! The forwarding table against a linear scan over all prefixes, with inserts and removes.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use packet_ring::forward::fib::{Address, Fib, NextHop, Prefix};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Insert(u128, u8, u16),
    /// Removes the nth prefix there is.
    Remove(usize),
    Compact,
}

/// Addresses close together, so that prefixes nest and nodes are shared, and a few from everywhere.
fn bits() -> impl Strategy<Value = u128> {
    prop_oneof![
        3 => (0_u128..4, any::<u8>(), any::<u8>(), 0_u128..4).prop_map(|(a, b, c, d)| {
            (0x0a00 | a) << 112 | u128::from(b & 0xc3) << 104 | u128::from(c) << 96 | d << 62
        }),
        1 => any::<u128>(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (bits(), any::<u8>(), 0_u16..5).prop_map(|(bits, len, hop)| Step::Insert(bits, len, hop)),
        3 => any::<usize>().prop_map(Step::Remove),
        1 => Just(Step::Compact),
    ]
}

fn check<A: Address + std::hash::Hash>(
    steps: Vec<Step>,
    asked: Vec<u128>,
    lengths: u8,
    of_bits: fn(u128) -> A,
) -> Result<(), TestCaseError> {
    let mut fib = Fib::new();
    let mut twin: HashMap<Prefix<A>, NextHop> = HashMap::new();
    let mut order = Vec::new();
    let mut corners = Vec::new();
    for step in steps {
        match step {
            Step::Insert(bits, len, hop) => {
                let prefix = Prefix::of(of_bits(bits), len % lengths).unwrap();
                let hop = NextHop::new(hop).unwrap();
                let old = twin.insert(prefix, hop);
                prop_assert_eq!(fib.insert(prefix, hop), Ok(old));
                if old.is_none() {
                    order.push(prefix);
                }
                corners.push(bits);
            }
            Step::Remove(at) if !order.is_empty() => {
                let prefix = order.swap_remove(at % order.len());
                prop_assert_eq!(fib.remove(prefix), twin.remove(&prefix));
                prop_assert_eq!(fib.remove(prefix), None);
            }
            Step::Remove(_) => {}
            Step::Compact => fib.compact(),
        }
        prop_assert_eq!(fib.len(), twin.len());
        // What lies around everything ever inserted, and elsewhere.
        for bits in corners.iter().chain(&asked) {
            for bits in [*bits, bits ^ 1 << 96, bits.wrapping_add(1 << 103)] {
                let address = of_bits(bits);
                let expected = twin
                    .iter()
                    .filter(|(prefix, _)| prefix.contains(address))
                    .max_by_key(|(prefix, _)| prefix.len())
                    .map(|(_, hop)| *hop);
                prop_assert_eq!(fib.lookup(address), expected, "{}", address);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn ipv4(steps in prop::collection::vec(step(), 1..50), asked in prop::collection::vec(bits(), 0..10)) {
        check(steps, asked, 33, |bits| Ipv4Addr::from_bits((bits >> 96) as u32))?;
    }

    #[test]
    fn ipv6(steps in prop::collection::vec(step(), 1..50), asked in prop::collection::vec(bits(), 0..10)) {
        check(steps, asked, 129, Ipv6Addr::from_bits)?;
    }
}

#[test]
fn thousands_in_and_out_leave_an_empty_table() {
    let mut bits = 1_u32;
    let mut next = move || {
        bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bits.swap_bytes()
    };
    let mut fib = Fib::new();
    let fresh = fib.memory();
    let prefixes: Vec<_> = (0..20_000)
        .map(|_| Prefix::of(Ipv4Addr::from_bits(next()), 1 + (next() >> 27) as u8).unwrap())
        .collect();
    for (prefix, id) in prefixes.iter().zip(0..) {
        fib.insert(*prefix, NextHop::new(id).unwrap()).unwrap();
    }
    assert!(fib.memory() > fresh);
    for prefix in &prefixes {
        fib.remove(*prefix);
    }
    assert!(fib.is_empty());
    fib.compact();
    // The node table itself does not shrink, what hangs off it does.
    assert!((0..1000).all(|_| fib.lookup(Ipv4Addr::from_bits(next())).is_none()));
}
