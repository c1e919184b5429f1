//! Every back end of this machine carries datagrams between many sockets, whole, in order and counted.
#![cfg(feature = "net")]

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use packet_ring::batch::{Backend, Datagram, Finding, IoConfig, SocketId, StdIo, UdpIo, open};
use packet_ring::pool::{PacketPool, PoolConfig};

/// Those of this machine, with and without the kernel's notes; what it lacks is said.
fn back_ends(config: &IoConfig) -> Vec<Box<dyn UdpIo>> {
    [true, false].into_iter().flat_map(|stamps| opened(config, stamps)).collect()
}

fn opened(config: &IoConfig, timestamps: bool) -> Vec<Box<dyn UdpIo>> {
    let mut all = Vec::new();
    for backend in [Backend::Std, Backend::Mmsg, Backend::IoUring] {
        match open(&IoConfig { order: vec![backend], timestamps, ..config.clone() }) {
            Ok((io, report)) => {
                assert_eq!(report.chosen, backend);
                all.push(io);
            }
            Err(error) => println!("skipped: {error}"),
        }
    }
    all
}

fn pool(slots: usize) -> PacketPool {
    PacketPool::new(PoolConfig { slots, ..PoolConfig::default() }).unwrap()
}

fn socket(io: &mut dyn UdpIo) -> (SocketId, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    (io.add(socket).unwrap(), address)
}

fn datagram(pool: &PacketPool, from: SocketId, to: SocketAddr, payload: &[u8]) -> Datagram {
    let mut packet = pool.take().expect("the pool is large enough");
    packet.extend_from_slice(payload).unwrap();
    Datagram::to(from, to, packet)
}

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Receives until `wanted` have come, or nothing more does.
fn receive(io: &mut dyn UdpIo, pool: &PacketPool, wanted: usize) -> Vec<Datagram> {
    let mut all = Vec::new();
    let started = Instant::now();
    while all.len() < wanted && started.elapsed() < PATIENCE {
        io.recv_batch(pool, &mut all, Some(Duration::from_millis(50))).unwrap();
    }
    all
}

#[test]
fn datagrams_arrive_whole_and_in_order() {
    for timestamps in [true, false] {
        for mut io in opened(&IoConfig::default(), timestamps) {
            arrive_whole_and_in_order(&mut *io, timestamps);
        }
    }
}

fn arrive_whole_and_in_order(io: &mut dyn UdpIo, timestamps: bool) {
    let name = io.backend();
    let pool = pool(4096);
    let (a, a_address) = socket(io);
    let others: Vec<_> = (0..20).map(|_| socket(io)).collect();
    let mut next = vec![0_u32; others.len()];
    for round in 0..30_u32 {
        let mut batch = Vec::new();
        for (to, _) in others.iter().zip(0..) {
            for piece in 0..4_u32 {
                // Lengths that GSO can put together in part.
                let mut payload = vec![7; if piece == 3 { 60 } else { 172 }];
                payload[..4].copy_from_slice(&(round * 4 + piece).to_be_bytes());
                batch.push(datagram(&pool, a, to.1, &payload));
            }
        }
        assert_eq!(io.send_batch(&mut batch).unwrap(), 80, "{name}");
        assert!(batch.is_empty());
        for received in receive(io, &pool, 80) {
            let index = others.iter().position(|(id, _)| *id == received.socket).unwrap();
            assert_eq!(received.peer, Some(a_address));
            let number = u32::from_be_bytes(received.packet[..4].try_into().unwrap());
            assert_eq!(number, next[index], "{name}: order");
            assert_eq!(received.packet.len(), if number % 4 == 3 { 60 } else { 172 });
            assert!(received.packet[4..].iter().all(|byte| *byte == 7));
            assert_eq!(
                received.received.is_some(),
                timestamps && name != Backend::Std,
                "{name}: timestamp"
            );
            next[index] += 1;
        }
    }
    assert!(next.iter().all(|next| *next == 120), "{name}: {next:?}");
    let counters = io.counters();
    assert_eq!((counters.received, counters.sent), (2400, 2400), "{name}");
    assert_eq!(counters.errors + counters.oversize + counters.truncated, 0, "{name}");
    assert!(name == Backend::Std || counters.calls < 4800, "{name}: {}", counters.calls);
}

#[test]
fn what_is_at_hand_is_told_and_had_without_waiting() {
    for mut io in back_ends(&IoConfig::default()) {
        let pool = pool(1024);
        let sockets: Vec<_> = (0..100).map(|_| socket(&mut *io)).collect();
        assert!(!io.has_more());
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        // On 127.0.0.1 a packet is there when it has been sent, unless the system is too busy: then it is sent again.
        let had_without_waiting = (0..50).any(|_| {
            for (_, address) in &sockets {
                peer.send_to(b"one each", address).unwrap();
            }
            let mut all = Vec::new();
            io.recv_batch(&pool, &mut all, Some(PATIENCE)).unwrap();
            while io.has_more() {
                io.recv_batch(&pool, &mut all, Some(Duration::ZERO)).unwrap();
            }
            let late = sockets.len() - all.len();
            all.append(&mut receive(&mut *io, &pool, late));
            let from: std::collections::BTreeSet<_> = all.iter().map(|one| one.socket).collect();
            assert_eq!(from.len(), sockets.len(), "{}", io.backend());
            late == 0
        });
        assert!(had_without_waiting, "{}", io.backend());
    }
}

#[test]
fn a_flooded_socket_keeps_nobody_waiting() {
    for mut io in back_ends(&IoConfig::default()) {
        let pool = pool(1024);
        let sockets = [socket(&mut *io), socket(&mut *io), socket(&mut *io)];
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut come = Vec::new();
        for round in 0..20 {
            for _ in 0..100 {
                peer.send_to(b"flood", sockets[1].1).unwrap();
            }
            if round == 10 {
                for at in [0, 2] {
                    peer.send_to(b"voice", sockets[at].1).unwrap();
                }
            }
            let mut batch = Vec::new();
            io.recv_batch(&pool, &mut batch, Some(Duration::ZERO)).unwrap();
            come.extend(batch.iter().map(|one| (round, one.socket)));
        }
        for at in [0, 2] {
            let first = come.iter().find(|(_, from)| *from == sockets[at].0);
            assert!(first.is_some_and(|(round, _)| *round <= 13), "{}: {first:?}", io.backend());
        }
    }
}

#[test]
fn sockets_come_and_go() {
    for mut io in back_ends(&IoConfig::default()) {
        let io = &mut *io;
        let name = io.backend();
        let pool = pool(1024);
        let mut open = Vec::new();
        // Up, down to none, and up again: one socket is waited for in another way than several.
        for wanted in [1, 2, 3, 2, 1, 0, 1, 2, 0, 2] {
            while open.len() < wanted {
                open.push(socket(io));
            }
            for (id, _) in open.drain(wanted..) {
                assert!(io.remove(id), "{name}");
            }
            io.shrink();
            assert_eq!(pool.stats().free, 1024, "{name} holds no buffers ready");
            for _ in 0..3 {
                for (id, address) in &open {
                    // More than are expected of any of them.
                    let mut batch: Vec<_> =
                        (0..5).map(|n| datagram(&pool, *id, *address, &[n])).collect();
                    assert_eq!(io.send_batch(&mut batch).unwrap(), 5, "{name}");
                }
                let mut came: Vec<_> = receive(io, &pool, 5 * wanted)
                    .iter()
                    .map(|datagram| (datagram.socket, datagram.packet.to_vec()))
                    .collect();
                came.sort_by_key(|(socket, _)| *socket);
                let sent = open.iter().flat_map(|(id, _)| (0..5).map(|n| (*id, vec![n])));
                let mut sent: Vec<_> = sent.collect();
                sent.sort_by_key(|(socket, _)| *socket);
                assert_eq!(came, sent, "{name} with {wanted}: all, in order");
            }
        }
    }
}

#[test]
fn the_pool_gets_everything_back() {
    for mut io in back_ends(&IoConfig::default()) {
        let pool = pool(256);
        let (id, address) = socket(&mut *io);
        for _ in 0..50 {
            let mut batch: Vec<_> =
                (0..40).map(|_| datagram(&pool, id, address, b"round and round")).collect();
            io.send_batch(&mut batch).unwrap();
            assert_eq!(receive(&mut *io, &pool, 40).len(), 40, "{}", io.backend());
        }
        let name = io.backend();
        drop(io);
        assert_eq!(pool.stats().free, 256, "{name}");
    }
}

#[test]
fn an_empty_pool_is_counted_and_loses_nothing_that_the_socket_holds() {
    for mut io in back_ends(&IoConfig::default()) {
        let io = &mut *io;
        let sender = pool(64);
        let tiny = pool(4);
        let (id, address) = socket(io);
        let mut batch: Vec<_> =
            (0..20_u8).map(|n| datagram(&sender, id, address, &[n; 99])).collect();
        assert_eq!(io.send_batch(&mut batch).unwrap(), 20);
        let held: Vec<_> = (0..4).map(|_| tiny.take().unwrap()).collect();
        let mut into = Vec::new();
        let started = Instant::now();
        while io.counters().starved == 0 {
            assert_eq!(io.recv_batch(&tiny, &mut into, Some(Duration::from_millis(1))).unwrap(), 0);
            assert!(started.elapsed() < PATIENCE, "{}", io.backend());
        }
        drop(held);
        let mut expected = 0;
        while expected < 20 {
            let some = receive(io, &tiny, 1);
            assert!(!some.is_empty(), "{}: {expected} came", io.backend());
            for received in some {
                assert_eq!(received.packet[..], [expected; 99]);
                expected += 1;
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_counted() {
    for mut io in back_ends(&IoConfig { mtu: 1500, ..IoConfig::default() }) {
        let io = &mut *io;
        let name = io.backend();
        let large =
            PacketPool::new(PoolConfig { slots: 8, slot_size: 4096, headroom: 64 }).unwrap();
        let (id, address) = socket(io);
        let mut batch = vec![
            datagram(&large, id, address, &[1; 1473]),
            datagram(&large, id, address, &[2; 1472]),
            datagram(&large, SocketId(99), address, b"nobody's"),
        ];
        assert_eq!(io.send_batch(&mut batch).unwrap(), 1);
        assert_eq!((io.counters().oversize, io.counters().errors), (1, 1), "{name}");
        let small =
            PacketPool::new(PoolConfig { slots: 600, slot_size: 512, headroom: 0 }).unwrap();
        let mut into = Vec::new();
        let started = Instant::now();
        while io.counters().truncated == 0 && started.elapsed() < PATIENCE {
            io.recv_batch(&small, &mut into, Some(Duration::from_millis(10))).unwrap();
        }
        assert!(into.is_empty());
        assert_eq!(io.counters().truncated, 1, "{name}");
    }
}

#[test]
fn a_closed_peer_and_a_removed_socket_do_no_harm() {
    for mut io in back_ends(&IoConfig { gso: false, ..IoConfig::default() }) {
        let io = &mut *io;
        let name = io.backend();
        let pool = pool(2048);
        // Somebody's, so that nobody else gets the port, and closed for all but one.
        let deaf = UdpSocket::bind("127.0.0.1:0").unwrap();
        deaf.connect("127.0.0.1:9").unwrap();
        let gone = deaf.local_addr().unwrap();
        let (a, _) = socket(io);
        let (b, b_address) = socket(io);
        for _ in 0..5 {
            let mut batch =
                vec![datagram(&pool, a, gone, b"anyone?"), datagram(&pool, a, b_address, b"hello")];
            io.send_batch(&mut batch).unwrap();
            let received = receive(io, &pool, 1);
            assert_eq!(received[0].packet[..], *b"hello", "{name}");
        }
        assert!(io.remove(b) && !io.remove(b));
        let (c, c_address) = socket(io);
        assert_eq!(c, b, "{name}: the number is given again");
        io.send_batch(&mut vec![datagram(&pool, a, c_address, b"new")]).unwrap();
        let received = receive(io, &pool, 1);
        assert_eq!((received[0].socket, &received[0].packet[..]), (c, &b"new"[..]), "{name}");
    }
}

#[test]
fn gro_is_taken_apart() {
    let config = IoConfig { gro: true, order: vec![Backend::Mmsg], ..IoConfig::default() };
    let (mut io, _) = match open(&config) {
        Ok(opened) => opened,
        Err(error) => return println!("skipped: {error}"),
    };
    let pool = pool(512);
    let (id, address) = socket(&mut *io);
    let mut batch: Vec<_> = (0..60_u8).map(|n| datagram(&pool, id, address, &[n; 172])).collect();
    assert_eq!(io.send_batch(&mut batch).unwrap(), 60);
    let received = receive(&mut *io, &pool, 60);
    assert_eq!(received.len(), 60);
    for (received, n) in received.iter().zip(0..) {
        assert_eq!(received.packet[..], [n; 172]);
    }
    io.send_batch(&mut vec![datagram(&pool, id, address, b"")]).unwrap();
    assert!(receive(&mut *io, &pool, 1)[0].packet.is_empty());
}

#[test]
fn the_choice_is_told() {
    let (io, report) = open(&IoConfig::default()).unwrap();
    println!("{report}");
    assert_eq!(io.backend(), report.chosen);
    assert!(
        matches!(report.findings.last(), Some((chosen, Finding::Chosen(_))) if *chosen == report.chosen)
    );
    let order = vec![Backend::AfPacket, Backend::Std];
    let (_, report) = open(&IoConfig { order, ..IoConfig::default() }).unwrap();
    assert_eq!(report.findings[0], (Backend::AfPacket, Finding::Unfit));
    assert!(open(&IoConfig { order: vec![Backend::AfPacket], ..IoConfig::default() }).is_err());
}

#[test]
fn a_back_end_moves_between_threads() {
    for mut io in back_ends(&IoConfig::default()) {
        let pool = pool(2048);
        let (id, address) = socket(&mut *io);
        for _ in 0..3 {
            let pool = pool.clone();
            io = std::thread::spawn(move || {
                io.send_batch(&mut vec![datagram(&pool, id, address, b"here")]).unwrap();
                assert_eq!(receive(&mut *io, &pool, 1).len(), 1, "{}", io.backend());
                io
            })
            .join()
            .unwrap();
        }
    }
    let _: &dyn Send = &StdIo::new(IoConfig::default());
}
