//! When a busy time is over, no table keeps the room it has needed.

mod office;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::mem::replace;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use dialplan::plan::Plan;
use office::{Scene, exchange_address};
use packet_ring::pool::{PacketPool, PoolConfig};
use pbx::directory::Directory;
use pbx::exchange::{Exchange, Settings};
use pbx::front::{self, Front};
use pbx::media::Machine;
use sip_core::{Flow, Limits};
use testkit::Answering;

/// Counts the bytes that each thread has: a simulation is one thread's.
struct Weighing;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

fn add(bytes: isize) {
    // While a thread ends there is nothing to be counted any more.
    let _ = LIVE.try_with(|live| live.set(live.get() + bytes));
}

// SAFETY: every call is passed to `System` unchanged; only a sum is kept beside it.
unsafe impl GlobalAlloc for Weighing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size() as isize);
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        add(-(layout.size() as isize));
        // SAFETY: `pointer` came from `alloc` above with this `layout`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Weighing = Weighing;

/// The bytes that go with something.
fn weight<T>(thing: T) -> isize {
    let before = LIVE.with(Cell::get);
    drop(thing);
    before - LIVE.with(Cell::get)
}

/// What may differ by chance, such as the nodes of a tree.
const LITTLE: isize = 512;
/// What is seen of a busy time.
const MUCH: isize = 64 * 1_024;
const PAIRS: u8 = 30;

/// Plays so many rounds of as many calls as told, waits until all is over, and weighs the exchange and the media machine.
fn after_calls(rounds: u32, calls: u8, shrinks: bool) -> (isize, isize) {
    let mut scene = Scene::for_long(2 * PAIRS, 3);
    scene.office_acts(|office, _| {
        office.front = Some(Front::new(front::Settings::default(), Limits::default(), [3; 32]));
    });
    for n in 1..=2 * PAIRS {
        scene.act(n, |phone, now| phone.register(now));
        scene.answering(n, Answering::After(Duration::from_millis(100)));
    }
    for _ in 0..rounds {
        for pair in 0..calls {
            let number = (100 + u16::from(2 * pair + 2)).to_string();
            scene.act(2 * pair + 1, |phone, now| phone.call(now, &number));
        }
        scene.run_for_seconds(2);
        for pair in 0..calls {
            scene.act(2 * pair + 1, |phone, now| phone.hang_up(now));
        }
        scene.run_for_seconds(1);
    }
    scene.rest();
    scene.office_acts(|office, now| {
        assert_eq!(office.records.len() as u32, rounds * u32::from(calls));
        assert!(office.records.iter().all(|record| record.status == 200));
        if shrinks {
            office.exchange.shrink(now);
            office.media.shrink();
        }
        let directory = Directory::new(Plan::builder().build().unwrap());
        let other = Exchange::new(Settings::default(), directory, office::epoch(), 1, [0; 32]);
        let exchange = weight(replace(&mut office.exchange, other));
        let pool = PacketPool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).unwrap();
        let media = weight(replace(&mut office.media, Machine::new(pool, [0; 32])));
        (exchange, media)
    })
}

#[test]
fn after_many_calls_the_machines_are_as_large_as_after_few() {
    let few = after_calls(1, 1, true);
    let many = after_calls(9, PAIRS, true);
    let kept = after_calls(9, PAIRS, false);
    println!("{few:?} {many:?} {kept:?}");
    assert!(many.0 <= few.0 + LITTLE, "the exchange: {} after few, {} after many", few.0, many.0);
    assert!(many.1 <= few.1 + LITTLE, "the media: {} after few, {} after many", few.1, many.1);
    assert!(kept.0 > many.0 + MUCH, "the scales show it: {} and {}", kept.0, many.0);
}

#[test]
fn after_a_flood_the_front_is_as_large_as_before() {
    let settings = front::Settings { trusted: Vec::new(), ..front::Settings::default() };
    let front = || Front::new(settings.clone(), Limits::default(), [3; 32]);
    let fresh = weight(front());
    let flood = |shrinks: bool| {
        let mut front = front();
        let now = Duration::from_secs(1);
        for n in 0..40_000_u32 {
            let address = Ipv4Addr::from(0x0a00_0000 + n);
            let flow = Flow::udp(exchange_address(), SocketAddr::from((address, 5060)));
            let agent = if n % 2 == 0 { "sipvicious" } else { "telephone" };
            let message = format!(
                "INVITE sip:1@192.0.2.100 SIP/2.0\r\n\
                 Via: SIP/2.0/UDP {address}:5060;branch=z9hG4bK{n}\r\n\
                 From: <sip:a@{address}>;tag={n}\r\nTo: <sip:1@192.0.2.100>\r\n\
                 Call-ID: {n}\r\nCSeq: 1 INVITE\r\nUser-Agent: {agent}\r\n\
                 Content-Length: 0\r\n\r\n"
            );
            front.handle_message(now, flow, message.as_bytes());
        }
        assert!(front.waiting() > 1_000 && front.bans().count() > 1_000);
        let later = now + Duration::from_secs(1);
        while front.poll_input(later).is_some() {}
        while front.poll_transmit().is_some() {}
        // The bans run out.
        let end = later + settings.bans.lasts;
        front.handle_timeout(end);
        while front.poll_event().is_some() {}
        if shrinks {
            front.shrink(end);
            assert_eq!(front.remembered(), 0);
        }
        weight(front)
    };
    let (given, kept) = (flood(true), flood(false));
    println!("{fresh} {given} {kept}");
    assert!(given <= fresh + LITTLE, "{fresh} before, {given} after");
    assert!(kept > given + MUCH, "the scales show it: {kept} and {given}");
}
