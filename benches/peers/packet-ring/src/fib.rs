//! Longest-prefix lookups of random addresses.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Instant;

use ip_network::Ipv4Network;
use ip_network_table::IpNetworkTable;
use ipnet::Ipv4Net;
use packet_ring::forward::fib::{Fib, NextHop, Prefix};
use prefix_trie::PrefixMap;

use crate::report::{Dice, contender, goal, measure};

const ADDRESSES: usize = 1 << 16;
const TURNS: usize = 25;

/// Prefixes by length as the Internet's routing table has them, in thousandths.
const LENGTHS: [(u8, u64); 18] = [
    (8, 1), (9, 1), (10, 1), (11, 1), (12, 1), (13, 1), (14, 2), (15, 2), (16, 14), (17, 8), (18, 14),
    (19, 26), (20, 45), (21, 55), (22, 125), (23, 103), (24, 597), (32, 3),
];

pub fn run() {
    println!("\n## Longest-prefix lookup, IPv4");
    for (count, wanted) in [(100_000, 60.0), (1_000_000, 20.0)] {
        compare(count, wanted);
    }
}

fn prefixes(count: usize) -> BTreeMap<(u32, u8), u16> {
    let mut dice = Dice(count as u64);
    let mut prefixes = BTreeMap::new();
    while prefixes.len() < count {
        let mut at = dice.below(1000);
        let len = LENGTHS.iter().find(|(_, share)| {
            let here = at < *share;
            at = at.saturating_sub(*share);
            here
        });
        let len = len.map_or(24, |(len, _)| *len);
        let address = dice.next() as u32 & !(u32::MAX.checked_shr(len.into()).unwrap_or(0));
        prefixes.insert((address, len), dice.below(256) as u16);
    }
    prefixes
}

/// Nanoseconds a lookup. The first pass pays for what the contender before left in the caches.
fn timed(mut pass: impl FnMut()) -> f64 {
    pass();
    let started = Instant::now();
    for _ in 0..2 {
        pass();
    }
    started.elapsed().as_nanos() as f64 / (2 * ADDRESSES) as f64
}

fn compare(count: usize, wanted: f64) {
    let prefixes = prefixes(count);
    let mut fib = Fib::new();
    let mut trie: PrefixMap<Ipv4Net, u16> = PrefixMap::new();
    let mut table: IpNetworkTable<u16> = IpNetworkTable::new();
    // In an order of no use to anybody.
    let mut order: Vec<_> = prefixes.into_iter().collect();
    let mut dice = Dice(7);
    for at in (1..order.len()).rev() {
        order.swap(at, dice.below(at as u64 + 1) as usize);
    }
    let started = Instant::now();
    for ((address, len), hop) in &order {
        let prefix = Prefix::of(Ipv4Addr::from_bits(*address), *len).expect("at most 32");
        fib.insert(prefix, NextHop::new(*hop).expect("below 256")).expect("room");
    }
    let built = started.elapsed();
    let grown = fib.memory();
    fib.compact();
    for ((address, len), hop) in &order {
        let address = Ipv4Addr::from_bits(*address);
        trie.insert(Ipv4Net::new(address, *len).expect("at most 32"), *hop);
        table.insert(Ipv4Network::new(address, *len).expect("no host bits"), *hop);
    }
    let addresses: Vec<_> = (0..ADDRESSES).map(|_| Ipv4Addr::from_bits(dice.next() as u32)).collect();
    for address in &addresses {
        let found = fib.lookup(*address).map(NextHop::id);
        let host = Ipv4Net::new(*address, 32).expect("a host");
        assert_eq!(found, trie.get_lpm(&host).map(|(_, hop)| *hop));
        assert_eq!(found, table.longest_match_ipv4(*address).map(|(_, hop)| *hop));
    }
    let mut found = vec![None; ADDRESSES];
    let least = measure(
        &format!("{count} prefixes"),
        TURNS,
        vec![
            contender("packet-ring, `lookup_batch`", || {
                timed(|| {
                    fib.lookup_batch(black_box(&addresses), &mut found);
                    black_box(&found);
                })
            }),
            contender("packet-ring, `lookup`", || {
                timed(|| {
                    for address in black_box(&addresses) {
                        black_box(fib.lookup(*address));
                    }
                })
            }),
            contender("prefix-trie", || {
                timed(|| {
                    for address in black_box(&addresses) {
                        let host = Ipv4Net::new(*address, 32).expect("a host");
                        black_box(trie.get_lpm(&host));
                    }
                })
            }),
            contender("ip_network_table", || {
                timed(|| {
                    for address in black_box(&addresses) {
                        black_box(table.longest_match_ipv4(*address));
                    }
                })
            }),
        ],
    );
    println!();
    let rate = 1000.0 / least[1];
    goal(&format!("at least {wanted} M lookups/s, one by one"), rate >= wanted, format!("{rate:.0} M"));
    let ratio = least[2].min(least[3]) / least[1];
    goal("at least 4x the better of the others, one by one", ratio >= 4.0, format!("{ratio:.1}x"));
    let ratio = least[2].min(least[3]) / least[0];
    goal("at least 4x the better of the others, in batches", ratio >= 4.0, format!("{ratio:.1}x"));
    let memory = fib.memory() as f64 / 1e6;
    goal(
        "at most 8 MB",
        memory <= 8.0,
        format!("{memory:.2} MB ({:.2} MB as grown by inserts)", grown as f64 / 1e6),
    );
    println!("- built by single inserts in {built:.2?}; the sorted prefixes take about {:.1} MB more", fib.prefix_memory() as f64 / 1e6);
}
