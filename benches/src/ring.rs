//! packet-ring: what moving, looking up and rewriting a packet costs.
//!
//! One packet costs so little that each job does a hundred.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::time::Duration;

use packet_ring::forward::fib::{Fib, NextHop, Prefix};
use packet_ring::forward::{MacAddress, MacTable, MacTableConfig, checksum, rewrite};
use packet_ring::pipeline::Pipeline;
use packet_ring::pool::{PacketBuf, PacketPool, PoolConfig};
use packet_ring::spsc::{self, Consumer, Producer};

/// Packets a job works on.
pub const PACKETS: usize = 100;
const BATCH: usize = 32;
const PREFIXES: u32 = 10_000;
const STATIONS: u32 = 1000;

/// Numbers that look random, the same each time.
fn scattered() -> impl Iterator<Item = u32> {
    (1_u32..).map(|n| n.wrapping_mul(0x9e37_79b1).rotate_left(13).wrapping_mul(0x85eb_ca6b))
}

/// Both ends of a ring, and room for a batch.
#[derive(Debug)]
pub struct Ring {
    producer: Producer<u64>,
    consumer: Consumer<u64>,
    taken: [u64; BATCH],
}

/// An empty ring.
pub fn ring() -> Ring {
    let (producer, consumer) = spsc::ring(256);
    Ring { producer, consumer, taken: [0; BATCH] }
}

/// Pushes and pops slices of 32, 3200 numbers in all.
pub fn push_and_pop(mut ring: Ring) -> (Ring, usize) {
    let items: [u64; BATCH] = std::array::from_fn(|n| n as u64);
    let mut count = 0;
    for _ in 0..PACKETS {
        ring.producer.push_slice(black_box(&items));
        count += ring.consumer.pop_slice(&mut ring.taken);
    }
    (ring, count)
}

/// A pool, and a list with room for its buffers.
#[derive(Debug)]
pub struct Pool {
    pool: PacketPool,
    buffers: Vec<PacketBuf>,
}

/// A pool that nothing was taken from.
pub fn pool() -> Pool {
    let pool = PacketPool::new(PoolConfig { slots: 512, ..PoolConfig::default() });
    Pool { pool: pool.expect("memory"), buffers: Vec::with_capacity(PACKETS) }
}

/// Takes a buffer and drops it, a hundred times.
pub fn take_and_drop(pool: Pool) -> Pool {
    for _ in 0..PACKETS {
        drop(black_box(pool.pool.take()));
    }
    pool
}

/// Takes a hundred buffers and gives them back, together.
pub fn take_and_give_back(mut pool: Pool) -> Pool {
    assert_eq!(pool.pool.take_batch(PACKETS, &mut pool.buffers), PACKETS);
    PacketPool::give_back(black_box(&mut pool.buffers).drain(..));
    pool
}

/// A forwarding table, what is asked, and what was found.
#[derive(Debug)]
pub struct Routes {
    fib: Fib<Ipv4Addr>,
    addresses: Vec<Ipv4Addr>,
    found: Vec<Option<NextHop>>,
}

/// A table of ten thousand prefixes.
pub fn routes() -> Routes {
    let mut fib = Fib::new();
    for (id, bits) in (0..PREFIXES).zip(scattered()) {
        let prefix = Prefix::of(Ipv4Addr::from_bits(bits), 8 + (id % 17) as u8);
        let next_hop = NextHop::new((id % 251) as u16).expect("below the last");
        fib.insert(prefix.expect("a length"), next_hop).expect("room");
    }
    fib.compact();
    let addresses = scattered().skip(5).step_by(3).take(PACKETS).map(Ipv4Addr::from_bits);
    Routes { fib, addresses: addresses.collect(), found: vec![None; PACKETS] }
}

/// Looks addresses up one by one.
pub fn look_up(mut routes: Routes) -> Routes {
    for (address, found) in routes.addresses.iter().zip(&mut routes.found) {
        *found = routes.fib.lookup(*black_box(address));
    }
    routes
}

/// Looks addresses up together.
pub fn look_up_batch(mut routes: Routes) -> Routes {
    routes.fib.lookup_batch(black_box(&routes.addresses), &mut routes.found);
    routes
}

/// How many addresses had a route.
pub fn routed(routes: &Routes) -> usize {
    routes.found.iter().flatten().count()
}

/// A bridge's table of a thousand stations.
pub fn stations() -> MacTable {
    let mut table = MacTable::new(MacTableConfig::default(), 7);
    for n in 0..STATIONS {
        table.learn(Duration::ZERO, 0, station(n), (n % 8) as u16);
    }
    table
}

/// Notes the source of a frame and looks its destination up, as a bridge does; returns how many were known.
pub fn learn_and_look_up(mut table: MacTable) -> (MacTable, usize) {
    let now = Duration::from_secs(1);
    let mut known = 0;
    for n in 0..PACKETS as u32 {
        let (from, to) = (n * 7 % STATIONS, n * 11 % STATIONS);
        black_box(table.learn(now, 0, station(from), (from % 8) as u16));
        known += usize::from(table.lookup(now, 0, black_box(station(to))).is_some());
    }
    (table, known)
}

fn station(n: u32) -> MacAddress {
    let [a, b, c, d] = n.wrapping_mul(0x9e37_79b1).to_be_bytes();
    MacAddress([2, 0, a, b, c, d])
}

/// Packets of IPv4 to be routed, each with room for its Ethernet header in front.
pub fn packets() -> Vec<PacketBuf> {
    let mut pool = pool();
    pool.pool.take_batch(PACKETS, &mut pool.buffers);
    for packet in &mut pool.buffers {
        let mut header = [0_u8; 20];
        header[..4].copy_from_slice(&[0x45, 0, 0, 200]);
        header[8..10].copy_from_slice(&[64, 17]);
        header[12..].copy_from_slice(&[10, 0, 0, 1, 10, 0, 1, 2]);
        let sum = checksum::of(&header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        packet.extend_from_slice(&header).expect("room");
        packet.extend_from_slice(&[0; 180]).expect("room");
    }
    pool.buffers
}

/// Takes a hop from each packet, its checksum with it, and puts a ready Ethernet header before it.
pub fn rewrite_headers(mut packets: Vec<PacketBuf>) -> Vec<PacketBuf> {
    let header = [2_u8, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0];
    for packet in &mut packets {
        rewrite::hop(black_box(packet)).expect("hops are left");
        packet.prepend(header.len()).expect("headroom").copy_from_slice(&header);
    }
    packets
}

/// A pipeline of three stages, from a list of packets to another.
pub fn pipeline() -> Pipeline<u64> {
    let mut numbers = 0..PACKETS as u64;
    Pipeline::new()
        .stage("receive", move |_: Duration, _: &mut Vec<u64>, output: &mut Vec<u64>| {
            output.extend(numbers.by_ref().take(BATCH));
        })
        .stage("pass", |_: Duration, input: &mut Vec<u64>, output: &mut Vec<u64>| {
            output.append(input);
        })
        .stage("transmit", |_: Duration, input: &mut Vec<u64>, output: &mut Vec<u64>| {
            output.append(black_box(input));
        })
}

/// Lets a pipeline carry its hundred packets, on one thread.
pub fn carry(mut pipeline: Pipeline<u64>) -> Pipeline<u64> {
    while pipeline.run_once(Duration::ZERO) {}
    pipeline
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jobs_do_what_they_say() {
        assert_eq!(push_and_pop(ring()).1, PACKETS * BATCH);
        assert_eq!(take_and_drop(pool()).pool.stats().free, 512);
        assert_eq!(take_and_give_back(pool()).pool.stats().free, 512);
        let (one_by_one, together) = (look_up(routes()), look_up_batch(routes()));
        assert_eq!(one_by_one.found, together.found);
        assert!(routed(&one_by_one) > PACKETS / 2, "{}", routed(&one_by_one));
        assert_eq!(learn_and_look_up(stations()).1, PACKETS);
        for packet in rewrite_headers(packets()) {
            assert_eq!((packet.len(), packet[22]), (214, 63));
            assert_eq!(checksum::of(&packet[14..34]), 0);
        }
        assert_eq!(carry(pipeline()).counters()[2].passed, PACKETS as u64);
    }
}
