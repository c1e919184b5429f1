//! Source validation against a plain transcription of RFC 3550 appendix A.1 into other words.

use proptest::collection::vec;
use proptest::prelude::*;
use rtp_core::sequence::{Arrival, ExtendedSequence, Sequence, SequenceLimits};

/// The algorithm in the RFC's own variables, without knowledge of duplicates.
#[derive(Default)]
struct Model {
    started: bool,
    probation: u32,
    max_seq: u32,
    cycles: u64,
    base_seq: u64,
    bad_seq: Option<u32>,
    received: u64,
}

impl Model {
    fn init(&mut self, seq: u32) {
        self.base_seq = u64::from(seq);
        self.max_seq = seq;
        self.bad_seq = None;
        self.cycles = 0;
        self.received = 0;
    }

    /// True when the packet counts as received.
    fn update(&mut self, seq: u16) -> bool {
        let seq = u32::from(seq);
        if !self.started {
            self.started = true;
            self.init(seq);
            self.max_seq = (seq + 65_535) % 65_536;
            self.probation = 2;
        }
        if self.probation > 0 {
            if seq == (self.max_seq + 1) % 65_536 {
                self.probation -= 1;
                self.max_seq = seq;
                if self.probation == 0 {
                    self.init(seq);
                    self.received = 1;
                    return true;
                }
            } else {
                self.probation = 1;
                self.max_seq = seq;
            }
            return false;
        }
        let delta = (seq + 65_536 - self.max_seq) % 65_536;
        if delta < 3_000 {
            if seq < self.max_seq {
                self.cycles += 65_536;
            }
            self.max_seq = seq;
        } else if delta <= 65_536 - 100 {
            if self.bad_seq == Some(seq) {
                self.init(seq);
            } else {
                self.bad_seq = Some((seq + 1) % 65_536);
                return false;
            }
        }
        self.received += 1;
        true
    }

    fn expected(&self) -> u64 {
        self.cycles + u64::from(self.max_seq) - self.base_seq + 1
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn agrees_with_the_rfc(
        first: u16,
        steps in vec(prop_oneof![
            8 => Just(1i32),
            2 => -3i32..6,
            1 => -150i32..4_000,
            1 => any::<i16>().prop_map(i32::from),
        ], 1..300),
    ) {
        let mut model = Model::default();
        let mut sequence = Sequence::new(SequenceLimits::default());
        let mut seq = first;
        let mut received = 0;
        for step in std::iter::once(0).chain(steps) {
            seq = seq.wrapping_add(step as u16);
            let counts = model.update(seq);
            let arrival = sequence.update(seq);
            let counted = !matches!(arrival, Arrival::Probation | Arrival::Jumped);
            prop_assert_eq!(counted, counts, "{} {:?}", seq, arrival);
            if matches!(arrival, Arrival::Restarted(_)) {
                received = 0;
            }
            received += u64::from(counted);
            if model.probation == 0 {
                let highest = model.cycles + u64::from(model.max_seq);
                prop_assert_eq!(
                    sequence.highest().map(ExtendedSequence::to_report),
                    Some(highest as u32)
                );
                prop_assert_eq!(sequence.expected(), model.expected());
                prop_assert_eq!(received, model.received);
            } else {
                prop_assert_eq!(sequence.highest(), None);
            }
            if let Some(number) = arrival.playable() {
                prop_assert_eq!(number.number(), seq);
            }
        }
    }

    /// Whatever the order, a packet is played once and every hole is counted once.
    #[test]
    fn each_packet_is_played_once(
        first: u16,
        order in vec((0u16..2_000, 0u16..20), 50..400),
    ) {
        let mut arrivals: Vec<(u32, u16)> = order
            .iter()
            .map(|&(offset, delay)| (u32::from(offset) + u32::from(delay), offset))
            .collect();
        arrivals.sort();
        let limits = SequenceLimits { probation: 1, ..SequenceLimits::default() };
        let mut sequence = Sequence::new(limits);
        let mut played = Vec::new();
        for (_, offset) in arrivals {
            let arrival = sequence.update(first.wrapping_add(offset));
            if let Some(number) = arrival.playable() {
                prop_assert!(!played.contains(&number), "{:?} twice", number);
                played.push(number);
            }
        }
        let runs = sequence.loss_runs();
        let base = sequence.highest().unwrap().0 + 1 - sequence.expected();
        let since_base = played.iter().filter(|number| number.0 >= base).count() as u64;
        prop_assert_eq!(runs.received, since_base);
        prop_assert_eq!(runs.received + runs.lost, sequence.expected());
        prop_assert!(runs.runs <= runs.lost);
    }
}
