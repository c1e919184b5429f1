//! Payload type numbers of our side.

use super::codec::Codec;
use super::local::Local;
use super::negotiated::Negotiated;

/// What the payload types that we receive stand for.
///
/// A number once given to a codec keeps it for the whole session (RFC 3264 §8.3.2), even when the codec is
/// not in use, since packets may still be on their way. At most 128 entries, as each number is here once.
#[derive(Clone, Debug, Default)]
pub(super) struct PayloadNumbers {
    bound: Vec<Codec>,
}

impl PayloadNumbers {
    /// Numbers for all codecs of an offer, telephone events for each of their clock rates at the end.
    /// Codecs for which no number is left are not offered.
    pub(super) fn assign(&mut self, local: &Local) -> Vec<Codec> {
        let mut offered: Vec<Codec> = Vec::new();
        for codec in local.codecs.iter().filter(|codec| !codec.is_auxiliary()) {
            self.add(codec, local.rtcp_mux, &mut offered);
        }
        if local.telephone_event {
            let mut rates: Vec<u32> = Vec::new();
            for codec in &offered {
                if !rates.contains(&codec.clock_rate) {
                    rates.push(codec.clock_rate);
                }
            }
            // 101 is what telephones expect at 8 kHz, some of them blindly.
            rates.sort_by_key(|&rate| rate != 8_000);
            for rate in rates {
                let wish = (rate == 8_000).then_some(101);
                let event = Codec { payload_type: wish, ..telephone_event(rate) };
                self.add(&event, local.rtcp_mux, &mut offered);
            }
        }
        self.bound.shrink_to_fit();
        offered
    }

    /// Keeps the numbers that an answer of ours takes over from the offer, and says what to answer.
    pub(super) fn adopt(&mut self, negotiated: &Negotiated) -> Vec<Codec> {
        let codecs = negotiated.codecs.iter().map(|negotiated| negotiated.codec.clone());
        let events = negotiated.telephone_events.iter().map(|event| {
            telephone_event(event.clock_rate).with_payload_type(event.receive_payload_type)
        });
        let answered: Vec<Codec> = codecs.chain(events).collect();
        for codec in &answered {
            self.bound.retain(|bound| bound.payload_type != codec.payload_type);
        }
        self.bound.splice(0..0, answered.iter().cloned());
        // Kept for as long as the session.
        self.bound.shrink_to_fit();
        answered
    }

    fn add(&mut self, codec: &Codec, mux: bool, offered: &mut Vec<Codec>) {
        let unused = |number: u8| offered.iter().all(|c| c.payload_type != Some(number));
        let numbers = |bound: &Codec| bound.payload_type.filter(|&number| unused(number));
        let same = |bound: &&Codec| bound.is_compatible(codec);
        let exact = |bound: &&Codec| same(bound) && bound.fmtp == codec.fmtp;
        let known = self
            .bound
            .iter()
            .filter(exact)
            .find_map(numbers)
            .or_else(|| self.bound.iter().filter(same).find_map(numbers));
        let free = |&number: &u8| {
            unused(number)
                && self.bound.iter().all(|bound| bound.payload_type != Some(number))
                // RTCP packet types in disguise (RFC 5761 §4).
                && !(mux && (64..96).contains(&number))
        };
        let number = known
            .or_else(|| codec.static_payload_type().filter(free))
            .or_else(|| codec.payload_type.filter(|n| *n < 128 && may_mean(*n, codec)).filter(free))
            .or_else(|| (96..128).chain(35..64).find(free));
        let Some(number) = number else { return };
        let codec = codec.clone().with_payload_type(number);
        if known.is_none() {
            self.bound.push(codec.clone());
        }
        offered.push(codec);
    }
}

/// A static number is never given another meaning than its own.
fn may_mean(number: u8, codec: &Codec) -> bool {
    Codec::of_static(number).is_none_or(|fixed| fixed.is_same_encoding(codec))
}

fn telephone_event(clock_rate: u32) -> Codec {
    // DTMF digits and hook flash (RFC 4733 §3.2, RFC 2833 §3.10).
    Codec::telephone_event(clock_rate, "0-16")
}
