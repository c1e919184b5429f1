//! Packets from addresses that nobody named.

use std::time::Duration;

use pbx::media::{CodecKind, Command, Event};

use crate::bench::{A, B, Bench, FRAME, Phone, address, stream};

#[test]
fn a_third_address_never_takes_over_a_settled_stream() {
    let (a, b, mallory) = (address(1, 4000), address(2, 4002), address(66, 6666));
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcmu], a), stream(&[CodecKind::Pcmu], b));
    let (mut alice, mut bob) = (Phone::new(1, 0), Phone::new(2, 0));
    let mut thief = Phone::new(1, 0);
    for n in 0..200u8 {
        if n < 100 {
            bench.receive(A, a, &alice.speak(&[1; 160]));
        }
        bench.receive(A, mallory, &thief.speak(&[66; 160]));
        bench.receive(B, b, &bob.speak(&[2; 160]));
        bench.run_for(FRAME);
    }
    assert!(
        bench.sent.iter().all(|sent| sent.to != mallory),
        "not one octet for the third address"
    );
    assert!(bench.to(b).iter().all(|packet| packet.payload() == [1; 160]), "and none from it");
    assert_eq!(bench.to(a).len(), 200);
    bench.command(Command::Close { port: A });
    let Some(Event::Closed { statistics, .. }) = bench.events.pop_back() else { panic!() };
    assert_eq!(statistics.packets_refused, 200);
}

#[test]
fn who_knows_what_comes_next_is_not_passed_on_from_elsewhere() {
    let (a, b, mallory) = (address(1, 4000), address(2, 4002), address(66, 6666));
    let mut bench = Bench::bridged(stream(&[CodecKind::Pcmu], a), stream(&[CodecKind::Pcmu], b));
    let mut alice = Phone::new(1, 0);
    for _ in 0..100 {
        bench.receive(A, a, &alice.speak(&[1; 160]));
        bench.run_for(FRAME);
    }
    // As Alice would go on, each in its time.
    for _ in 0..100 {
        bench.receive(A, mallory, &alice.speak(&[66; 160]));
        bench.run_for(FRAME);
    }
    assert_eq!(bench.to(b).len(), 100);
    assert!(bench.to(b).iter().all(|packet| packet.payload() == [1; 160]));
    bench.command(Command::Close { port: A });
    let Some(Event::Closed { statistics, .. }) = bench.events.pop_back() else { panic!() };
    assert_eq!(statistics.packets_refused, 100);
}

#[test]
fn strangers_at_unused_ports_keep_few_buffers_and_those_not_for_long() {
    let mut bench = Bench::new();
    let mut thief = Phone::new(3, 0);
    for _ in 0..1_000 {
        bench.receive(B, address(66, 6666), &thief.speak(&[66; 160]));
    }
    let stats = bench.pool.stats();
    assert!(stats.slots - stats.free <= 64, "{stats:?}");
    bench.run_for(Duration::from_secs(1));
    assert_eq!(bench.pool.stats().free, stats.slots);
    assert_eq!(bench.machine.counters().unexpected, 1_000);
}
