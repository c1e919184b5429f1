//! Session descriptions: reading and writing, offer and answer.

use bytes::Bytes;
use sip_core::sdp::{Codec, Limits, Local, Negotiated, OfferAnswer, SessionDescription};

/// A dialog in which nothing was said yet, of somebody who speaks both laws of G.711.
pub fn negotiation() -> OfferAnswer {
    let mut local = Local::new([192, 0, 2, 12].into(), 20_000);
    local.codecs = vec![Codec::PCMA, Codec::PCMU];
    local.session_id = 3_890_002;
    OfferAnswer::new(local)
}

/// Reads a description.
pub fn parse(bytes: Bytes) -> (Bytes, SessionDescription) {
    let description = SessionDescription::parse_bytes(&bytes, &Limits::default());
    (bytes, description.expect("a session description"))
}

/// Writes a description.
pub fn write(description: SessionDescription) -> (SessionDescription, Bytes) {
    let bytes = description.to_bytes();
    (description, bytes)
}

/// Makes a first offer.
pub fn make_offer(mut dialog: OfferAnswer) -> (OfferAnswer, SessionDescription) {
    let offer = dialog.make_offer().expect("a first offer");
    (dialog, offer)
}

/// Takes an offer and answers it.
pub fn answer_offer(
    (mut dialog, offer): (OfferAnswer, SessionDescription),
) -> (OfferAnswer, SessionDescription, SessionDescription, Negotiated) {
    dialog.receive_offer(&offer).expect("an offer with audio");
    let (answer, negotiated) = dialog.make_answer().expect("codecs in common");
    (dialog, offer, answer, negotiated)
}

/// An offer and its answer between two dialogs, each description written and read.
pub fn exchange(
    (mut caller, mut callee): (OfferAnswer, OfferAnswer),
) -> (OfferAnswer, OfferAnswer, Negotiated) {
    let offer = caller.make_offer().expect("a first offer").to_bytes();
    let (_, offer) = parse(offer);
    callee.receive_offer(&offer).expect("an offer with audio");
    let answer = callee.make_answer().expect("codecs in common").0.to_bytes();
    let (_, answer) = parse(answer);
    let negotiated = caller.receive_answer(&answer).expect("an answer to our offer");
    (caller, callee, negotiated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invite;

    #[test]
    fn both_laws_are_agreed_on() {
        let (.., negotiated) = answer_offer((negotiation(), invite::offer()));
        assert_eq!(negotiated.codecs.len(), 2);
        let (.., negotiated) = exchange((negotiation(), negotiation()));
        assert_eq!(negotiated.codecs.len(), 2);
    }
}
