//! Sequence numbers: extension beyond 16 bits and validation of a source (RFC 3550 appendix A.1).
//!
//! ```text
//!           first packet                 `probation` packets in order
//!   Empty ---------------> Probation ------------------------------> Valid
//!                           ^     | out of order                     |  ^
//!                           +-----+                     far jump     v  | any other packet
//!                                                                  Jumped
//!                                                                    | the jump's successor
//!                                                                    v
//!                                                       Valid, counted from there (restart)
//! ```

mod burst;
mod history;

pub use burst::BurstGap;
use history::History;
pub use history::LossRuns;

/// A sequence number with its wraps counted.
///
/// The low 32 bits are the "extended highest sequence number" of a receiver report. Counting starts
/// at 2^32 so that packets from before the first one stay above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtendedSequence(pub u64);

impl ExtendedSequence {
    /// The 16 bits that were on the wire.
    pub const fn number(self) -> u16 {
        self.0 as u16
    }

    /// Wraps in the high half, sequence number in the low half (RFC 3550 section 6.4.1).
    pub const fn to_report(self) -> u32 {
        self.0 as u32
    }

    const fn first(number: u16) -> ExtendedSequence {
        ExtendedSequence(1 << 32 | number as u64)
    }
}

/// How far a source may stray before it counts as another one (RFC 3550 appendix A.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SequenceLimits {
    /// Packets in order before the source is believed; 0 and 1 believe the first one.
    pub probation: u16,
    /// A step forward of this many numbers or more is a jump.
    pub max_dropout: u16,
    /// A packet older than the newest by this many numbers or more is a jump, too.
    pub max_misorder: u16,
}

impl Default for SequenceLimits {
    /// The RFC's constants: 2, 3000 and 100.
    fn default() -> SequenceLimits {
        SequenceLimits { probation: 2, max_dropout: 3_000, max_misorder: 100 }
    }
}

/// What a packet is to its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The source is not believed yet; the packet is not to be played.
    Probation,
    /// The next packet, or a later one when some are missing.
    InOrder(ExtendedSequence),
    /// Older than the newest, not seen before.
    Late(ExtendedSequence),
    /// Seen before.
    Duplicate(ExtendedSequence),
    /// Too far from the newest; dropped, unless its successor follows and makes it a restart.
    Jumped,
    /// The source starts anew from this packet; what was counted before it is void.
    Restarted(ExtendedSequence),
}

impl Arrival {
    /// The packet's number when it belongs to the stream and is not a duplicate: it may be played.
    pub const fn playable(self) -> Option<ExtendedSequence> {
        match self {
            Arrival::InOrder(number) | Arrival::Late(number) | Arrival::Restarted(number) => {
                Some(number)
            }
            Arrival::Probation | Arrival::Duplicate(_) | Arrival::Jumped => None,
        }
    }
}

/// Follows the sequence numbers of one source.
#[derive(Debug, Clone)]
pub struct Sequence {
    limits: SequenceLimits,
    state: State,
    base: ExtendedSequence,
    highest: ExtendedSequence,
    bad: Option<u16>,
    history: History,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Empty,
    Probation { expected: u16, left: u16 },
    Valid,
}

impl Sequence {
    /// A source from which nothing has come.
    pub fn new(limits: SequenceLimits) -> Sequence {
        let zero = ExtendedSequence::first(0);
        Sequence {
            limits,
            state: State::Empty,
            base: zero,
            highest: zero,
            bad: None,
            history: History::new(),
        }
    }

    /// Takes the number of a packet that has just come.
    pub fn update(&mut self, number: u16) -> Arrival {
        match self.state {
            State::Empty => self.probe(number, self.limits.probation),
            State::Probation { expected, left } if expected == number => self.probe(number, left),
            State::Probation { .. } => self.probe(number, self.limits.probation),
            State::Valid => self.follow(number),
        }
    }

    /// Takes `count` packets that have come, each with the number after the highest.
    pub(crate) fn in_order(&mut self, count: u64) {
        self.highest.0 += count;
        for _ in 0..count {
            self.history.advance(1);
        }
    }

    /// Has the source passed its probation?
    pub fn is_valid(&self) -> bool {
        self.state == State::Valid
    }

    /// The highest number so far; `None` before the source is valid.
    pub fn highest(&self) -> Option<ExtendedSequence> {
        self.is_valid().then_some(self.highest)
    }

    /// Packets that should have come since the source became valid or started anew.
    pub fn expected(&self) -> u64 {
        if self.is_valid() { self.highest.0 - self.base.0 + 1 } else { 0 }
    }

    /// How the losses lie: late packets count as received, duplicates once.
    pub fn loss_runs(&self) -> LossRuns {
        self.history.loss_runs()
    }

    /// How the losses lie in bursts and gaps; late packets count as received.
    pub fn burst_gap(&self) -> BurstGap {
        self.history.burst_gap()
    }

    /// A packet while on probation, which `left` packets in order would end, this one included.
    fn probe(&mut self, number: u16, left: u16) -> Arrival {
        if left <= 1 {
            return Arrival::InOrder(self.start(number));
        }
        self.state = State::Probation { expected: number.wrapping_add(1), left: left - 1 };
        Arrival::Probation
    }

    fn start(&mut self, number: u16) -> ExtendedSequence {
        self.state = State::Valid;
        self.base = ExtendedSequence::first(number);
        self.highest = self.base;
        self.bad = None;
        self.history.restart();
        self.base
    }

    fn follow(&mut self, number: u16) -> Arrival {
        let ahead = number.wrapping_sub(self.highest.number());
        if ahead == 0 {
            return Arrival::Duplicate(self.highest);
        }
        if ahead < self.limits.max_dropout {
            self.highest.0 += u64::from(ahead);
            self.history.advance(ahead);
            return Arrival::InOrder(self.highest);
        }
        let behind = ahead.wrapping_neg();
        if behind < self.limits.max_misorder {
            let extended = ExtendedSequence(self.highest.0 - u64::from(behind));
            return if self.history.mark(behind) {
                Arrival::Late(extended)
            } else {
                Arrival::Duplicate(extended)
            };
        }
        if self.bad == Some(number) {
            return Arrival::Restarted(self.start(number));
        }
        self.bad = Some(number.wrapping_add(1));
        Arrival::Jumped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn valid_from(number: u16) -> Sequence {
        let mut sequence = Sequence::new(SequenceLimits::default());
        assert_eq!(sequence.update(number.wrapping_sub(1)), Arrival::Probation);
        assert_eq!(sequence.update(number), Arrival::InOrder(ExtendedSequence::first(number)));
        sequence
    }

    #[test]
    fn probation_wants_packets_in_order() {
        let mut sequence = Sequence::new(SequenceLimits::default());
        assert_eq!(sequence.update(10), Arrival::Probation);
        assert_eq!(sequence.update(12), Arrival::Probation);
        assert_eq!(sequence.update(11), Arrival::Probation);
        assert_eq!(sequence.highest(), None);
        assert_eq!(sequence.update(12).playable().map(ExtendedSequence::number), Some(12));
        assert_eq!(sequence.expected(), 1);
    }

    #[test]
    fn probation_of_one_believes_the_first() {
        let mut sequence =
            Sequence::new(SequenceLimits { probation: 1, ..SequenceLimits::default() });
        assert!(sequence.update(10).playable().is_some());
    }

    #[test]
    fn wraps_are_counted() {
        let mut sequence = valid_from(65_534);
        for number in [65_535, 0, 1] {
            assert!(matches!(sequence.update(number), Arrival::InOrder(_)));
        }
        assert_eq!(sequence.highest().map(ExtendedSequence::to_report), Some(0x0001_0001));
        assert_eq!(sequence.expected(), 4);
        let late = ExtendedSequence(sequence.highest().unwrap().0 - 2);
        assert_eq!(sequence.update(65_535), Arrival::Duplicate(late));
    }

    #[test]
    fn a_packet_from_before_the_first_is_late() {
        let mut sequence = valid_from(1);
        assert_eq!(sequence.update(65_535), Arrival::Late(ExtendedSequence((1 << 32) - 1)));
        assert_eq!(sequence.update(65_535), Arrival::Duplicate(ExtendedSequence((1 << 32) - 1)));
    }

    #[test]
    fn late_and_duplicate_are_told_apart() {
        let mut sequence = valid_from(100);
        assert!(matches!(sequence.update(103), Arrival::InOrder(_)));
        assert!(matches!(sequence.update(102), Arrival::Late(_)));
        assert!(matches!(sequence.update(102), Arrival::Duplicate(_)));
        assert!(matches!(sequence.update(103), Arrival::Duplicate(_)));
        assert!(matches!(sequence.update(100), Arrival::Duplicate(_)));
        assert!(matches!(sequence.update(101), Arrival::Late(_)));
    }

    #[test]
    fn the_limits_are_the_rfcs() {
        let mut sequence = valid_from(5_000);
        assert_eq!(sequence.update(8_000), Arrival::Jumped);
        assert!(matches!(sequence.update(7_999), Arrival::InOrder(_)));
        assert_eq!(sequence.update(7_899), Arrival::Jumped);
        assert!(matches!(sequence.update(7_900), Arrival::Late(_)));
    }

    #[test]
    fn a_jump_with_its_successor_is_a_restart() {
        let mut sequence = valid_from(5_000);
        assert_eq!(sequence.update(40_000), Arrival::Jumped);
        assert!(matches!(sequence.update(5_001), Arrival::InOrder(_)));
        assert_eq!(sequence.update(40_001), Arrival::Restarted(ExtendedSequence::first(40_001)));
        assert_eq!(sequence.expected(), 1);
        assert_eq!(sequence.update(5_002), Arrival::Jumped);
    }
}
