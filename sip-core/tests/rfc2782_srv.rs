//! Priorities and weights of SRV records (RFC 2782), as locating a server uses them.

use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;
use sip_core::Transport;
use sip_core::resolve::{
    Answer, Config, Destination, Families, Kind, Record, Resolver, Srv, Target,
};

const NOW: Duration = Duration::from_secs(100);

/// Priority, weight and the server's number: its host is `sN`, its address 192.0.2.N.
type Line = (u16, u16, u8);

/// In which order the servers are tried with this seed.
fn order(lines: &[Line], seed: u64) -> Vec<u8> {
    let mut config = Config::default();
    config.transports = vec![Transport::Udp];
    config.families = Families::V4;
    let mut resolver = Resolver::new(config, Box::new(ChaCha8Rng::seed_from_u64(seed)));
    let uri = "sip:example.com;transport=udp".parse().unwrap();
    resolver.resolve(NOW, Destination::of(&uri).unwrap());
    while let Some(question) = resolver.poll_question() {
        let records = match question.kind {
            Kind::Srv => lines
                .iter()
                .map(|&(priority, weight, server)| {
                    let target = format!("s{server}.example.com");
                    Record::Srv(Srv { priority, weight, port: 5060, target })
                })
                .collect(),
            _ => {
                let name = question.name.split('.').next().unwrap();
                let server: u8 = name.strip_prefix('s').unwrap().parse().unwrap();
                vec![Record::Address([192, 0, 2, server].into())]
            }
        };
        resolver.handle_answer(NOW, &question, Answer::found(records, 60));
    }
    let targets = resolver.poll_event().unwrap().outcome.unwrap();
    let host = |target: &Target| {
        let text = target.to_string();
        text.rsplit('.').next().unwrap().split(':').next().unwrap().parse().unwrap()
    };
    targets.iter().map(host).collect()
}

const SEEDS: u64 = 2_000;

/// How often each server comes first, in a thousand.
fn shares(lines: &[Line]) -> Vec<u64> {
    let first: Vec<u8> = (0..SEEDS).map(|seed| order(lines, seed)[0]).collect();
    let count = |server: u8| first.iter().filter(|first| **first == server).count() as u64;
    lines.iter().map(|line| count(line.2) * 1_000 / SEEDS).collect()
}

/// The lowest priority first, whatever the weights and whatever the order of the records.
#[test]
fn priorities_come_first() {
    for seed in 0..100 {
        assert_eq!(order(&[(30, 9_999, 3), (10, 1, 1), (20, 500, 2)], seed), [1, 2, 3]);
    }
}

/// Among equals the weights are shares of the calls.
#[test]
fn weights_are_shares() {
    let shares = shares(&[(0, 10, 1), (0, 30, 2), (0, 60, 3)]);
    for (share, expected) in shares.iter().zip([100, 300, 600]) {
        assert!(share.abs_diff(expected) < 40, "{shares:?}");
    }
}

/// A weight of 0 beside others is drawn hardly ever. Alone such records say that there is nothing to
/// choose, and the order of the answer stays.
#[test]
fn weight_zero_is_for_emergencies() {
    let beside = shares(&[(0, 0, 1), (0, 100, 2)]);
    assert!(beside[0] < 30, "{beside:?}");
    for servers in [[1, 2, 3], [3, 1, 2]] {
        assert_eq!(order(&servers.map(|server| (0, 0, server)), 1), servers);
    }
}

/// Every server is in the list, once: who comes after is who is tried when the first fails.
#[test]
fn nobody_is_lost() {
    let lines = [(0, 10, 1), (0, 0, 2), (0, 65_535, 3), (1, 0, 4), (1, 65_535, 5)];
    for seed in 0..200 {
        let order = order(&lines, seed);
        let (mut near, mut far) = (order[..3].to_vec(), order[3..].to_vec());
        near.sort_unstable();
        far.sort_unstable();
        assert_eq!((near, far), (vec![1, 2, 3], vec![4, 5]), "{order:?}");
    }
}
