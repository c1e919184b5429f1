//! Every slot comes back, whatever is done with the buffers and on whatever thread they end.

use std::thread;

use bytes::Bytes;
use packet_ring::pool::{PacketBuf, PacketPool, PoolConfig};
use packet_ring::spsc;

fn pool(slots: usize) -> PacketPool {
    PacketPool::new(PoolConfig { slots, slot_size: 192, headroom: 8 }).unwrap()
}

/// A small generator (xorshift64*), so that a failure repeats itself.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % sides
    }
}

#[test]
fn a_million_random_operations() {
    const SLOTS: usize = 200;
    let pool = pool(SLOTS);
    let mut dice = Dice(0x5EED);
    // Each buffer is filled with a mark of its own, so that two owners of one slot would show.
    let mut held: Vec<(PacketBuf, u8)> = Vec::new();
    let mut frozen: Vec<(Bytes, u8)> = Vec::new();
    let mut batch = Vec::new();
    let mut refused = 0;
    for operation in 0..1_000_000_u32 {
        let mark = operation as u8;
        match dice.roll(10) {
            0..=3 => match pool.take() {
                Some(mut packet) => {
                    packet.extend_from_slice(&[mark; 100]).unwrap();
                    held.push((packet, mark));
                }
                None => {
                    assert_eq!(held.len() + frozen.len(), SLOTS);
                    refused += 1;
                }
            },
            4 => {
                let wanted = dice.roll(8);
                let expected = wanted.min(SLOTS - held.len() - frozen.len());
                assert_eq!(pool.take_batch(wanted, &mut batch), expected);
                refused += usize::from(expected < wanted);
                for mut packet in batch.drain(..) {
                    packet.extend_from_slice(&[mark; 100]).unwrap();
                    held.push((packet, mark));
                }
            }
            5..=7 if !held.is_empty() => {
                let (packet, mark) = held.swap_remove(dice.roll(held.len()));
                assert_eq!(packet[..], [mark; 100]);
            }
            8 if !held.is_empty() => {
                let (packet, mark) = held.swap_remove(dice.roll(held.len()));
                frozen.push((packet.freeze(), mark));
            }
            9 if !frozen.is_empty() => {
                let (bytes, mark) = frozen.swap_remove(dice.roll(frozen.len()));
                let part = bytes.slice(10..20);
                drop(bytes);
                assert_eq!(part[..], [mark; 10]);
            }
            _ => {}
        }
        if operation % 1000 == 0 {
            assert_eq!(pool.stats().free, SLOTS - held.len() - frozen.len());
        }
    }
    assert!(refused > 0, "the pool ran empty at times");
    assert_eq!(pool.stats().exhausted, refused);
    drop((held, frozen));
    assert_eq!(pool.stats().free, SLOTS);
}

#[test]
fn buffers_return_from_other_threads() {
    const SLOTS: usize = 96;
    let pool = pool(SLOTS);
    let workers: Vec<_> = (0..3_u8)
        .map(|worker| {
            let pool = pool.clone();
            let (mut producer, mut consumer) = spsc::ring::<PacketBuf>(16);
            let sender = thread::spawn(move || {
                for number in 0..20_000_u32 {
                    let Some(mut packet) = pool.take() else {
                        thread::yield_now();
                        continue;
                    };
                    packet.extend_from_slice(&number.to_be_bytes()).unwrap();
                    packet.extend_from_slice(&[worker; 60]).unwrap();
                    // A full ring drops the packet here, on the sender's thread.
                    let _ = producer.push(packet);
                }
            });
            let receiver = thread::spawn(move || {
                let mut last = None;
                while !(consumer.is_abandoned() && consumer.is_empty()) {
                    for packet in consumer.drain(8) {
                        let (number, rest) = packet.split_first_chunk::<4>().unwrap();
                        let number = u32::from_be_bytes(*number);
                        assert!(last.is_none_or(|last| last < number), "order kept");
                        assert_eq!(rest, [worker; 60], "nobody else wrote here");
                        last = Some(number);
                        let bytes = packet.freeze();
                        assert_eq!(bytes.slice(4..), [worker; 60][..]);
                    }
                    thread::yield_now();
                }
            });
            [sender, receiver]
        })
        .collect();
    for thread in workers.into_iter().flatten() {
        thread.join().unwrap();
    }
    assert_eq!(pool.stats().free, SLOTS);
}
