//! Calls over a network that loses, doubles and reorders: whatever becomes of a call, nothing of it
//! stays, and what the record says is what the telephones saw.

mod office;

use std::time::Duration;

use office::Scene;
use pbx::exchange::Settings;
use testkit::{Answering, Faults, Seen};

const SEEDS: u64 = 500;

/// One call between two telephones on a rough network, with the ending that the seed chooses.
fn call(seed: u64) -> (Scene, String) {
    let mut scene = Scene::unregistered(2, Faults::rough(100), seed, Settings::default());
    for n in [1, 2] {
        scene.act(n, |phone, now| phone.register(now));
    }
    scene.run_for_seconds(40);
    let answering = match seed % 4 {
        0 => Answering::After(Duration::from_secs(1)),
        1 => Answering::EarlyMedia(Duration::from_secs(1)),
        2 => Answering::Refuse(486),
        _ => Answering::Never,
    };
    scene.answering(2, answering);
    scene.act(1, |alice, now| alice.call(now, "102"));
    scene.run_for_seconds(12);
    match seed % 3 {
        0 => scene.act(1, |alice, now| alice.hang_up(now)),
        1 => scene.act(2, |bob, now| bob.hang_up(now)),
        _ => {
            scene.act(1, |alice, now| alice.hang_up(now));
            scene.act(2, |bob, now| bob.hang_up(now));
        }
    }
    // The ring time, then 64*T1 for each of two transactions in a row, then T4.
    scene.run_for_seconds(25 + 32 + 32 + 5);
    // Whoever still talks, because its BYE got lost for good, is let go now.
    for n in [1, 2] {
        scene.act(n, |phone, now| phone.hang_up(now));
    }
    scene.run_for_seconds(75);
    let trace = scene.ladder();
    (scene, trace)
}

#[test]
fn nothing_stays_whatever_the_network_does() {
    let mut answered = 0;
    for seed in 1..=SEEDS {
        let (scene, trace) = call(seed);
        let occupancy = scene.office().exchange.occupancy();
        assert_eq!(occupancy, Default::default(), "seed {seed}:\n{trace}");
        assert_eq!(scene.office().media.streams(), 0, "seed {seed}");
        for n in [1, 2] {
            let endpoint = scene.phone(n).endpoint();
            assert_eq!((endpoint.transactions(), endpoint.dialogs()), (0, 0), "seed {seed}");
        }
        let accepted = scene.seen(1).contains(&Seen::Accepted);
        answered += u64::from(accepted);
        if accepted {
            let record = scene.office().records.last().expect("a record");
            assert!(record.answered.is_some(), "seed {seed}:\n{trace}");
        }
        let outcomes = scene
            .seen(1)
            .iter()
            .filter(|seen| matches!(seen, Seen::Accepted | Seen::Refused(_)))
            .count();
        assert_eq!(outcomes, 1, "seed {seed}: the caller learns one outcome:\n{trace}");
    }
    assert!(answered > SEEDS / 5, "only {answered} of {SEEDS} calls were answered");
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [3, 4, 5] {
        assert_eq!(call(seed).1, call(seed).1);
    }
}
