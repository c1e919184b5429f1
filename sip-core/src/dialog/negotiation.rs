//! Who has an offer out in a dialog, over INVITE, its responses, PRACK, UPDATE and ACK (RFC 3261
//! §13.2.1, RFC 3262 §5, RFC 3311 §5, RFC 6337 §2).
//!
//! Only the turns are kept here, not what is offered: [`sdp`](crate::sdp) has that.
//!
//! ```text
//!                 we offer                          they offer
//!         +---------------------+           +-----------------------+
//!         |                     |           |                       |
//!         v  they answer, refuse|           |we answer, refuse      v
//!   Ours(carrier) ------------> Nobody's turn <------------- Theirs(carrier)
//!     |                                                          |
//!     | they offer: 491                                          | they offer: 500
//!     +-- (stays)                                                +-- (stays)
//! ```

use crate::header::ContentType;
use crate::{HeaderName, Headers, StatusCode};

/// What an offer travelled in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Carrier {
    /// An INVITE; a reliable response to it answers.
    Invite,
    /// A reliable response to an INVITE without an offer; PRACK or ACK answers.
    Response,
    /// A PRACK; its 2xx answers.
    Prack,
    /// An UPDATE; its 2xx answers.
    Update,
}

/// An offer without its answer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Offer {
    /// The peer has to answer.
    Ours(Carrier),
    /// We have to answer.
    Theirs(Carrier),
}

/// The turns of one dialog.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Negotiation {
    open: Option<Offer>,
    /// Whether the INVITE in progress has had its offer and its answer, so that further session
    /// descriptions in its responses are copies (RFC 6337 §3.1.1).
    exchanged: bool,
}

impl Negotiation {
    /// The offer that waits for its answer.
    pub fn open(&self) -> Option<Offer> {
        self.open
    }

    /// An INVITE begins, initial or not, with an offer or without.
    pub fn invite(&mut self, offer: Option<Offer>) {
        self.exchanged = false;
        if let Some(offer) = offer {
            self.open = Some(offer);
        }
    }

    /// A PRACK or an UPDATE with an offer is sent or taken; [`clash`](Self::clash) was asked before.
    pub fn offer(&mut self, offer: Offer) {
        self.open = Some(offer);
    }

    /// What a UAS answers to an offer that comes now: 491 when one of ours is out, 500 when one of
    /// theirs is unanswered (RFC 3311 §5.2).
    pub fn clash(&self) -> Option<StatusCode> {
        match self.open? {
            Offer::Ours(_) => Some(StatusCode::REQUEST_PENDING),
            Offer::Theirs(_) => Some(StatusCode::SERVER_INTERNAL_ERROR),
        }
    }

    /// The peer's response to our INVITE came, one that cannot get lost: a 2xx or a reliable provisional
    /// one. `true` when its session description is an offer, to be answered in PRACK or ACK.
    pub fn response_came(&mut self, described: bool, success: bool) -> bool {
        match self.open {
            Some(Offer::Ours(Carrier::Invite)) => {
                if described || success {
                    self.open = None;
                    self.exchanged = true;
                }
                false
            }
            None if described && !self.exchanged => {
                self.open = Some(Offer::Theirs(Carrier::Response));
                self.exchanged = true;
                true
            }
            _ => false,
        }
    }

    /// Our response to the peer's INVITE goes out, one that cannot get lost.
    pub fn response_sent(&mut self, described: bool, success: bool) {
        match self.open {
            Some(Offer::Theirs(Carrier::Invite)) if described || success => {
                self.open = None;
                self.exchanged = true;
            }
            None if described && !self.exchanged => {
                self.open = Some(Offer::Ours(Carrier::Response));
                self.exchanged = true;
            }
            _ => {}
        }
    }

    /// A PRACK or ACK passed: whoever offered in the response has its answer, or will have none.
    pub fn acknowledged(&mut self) {
        self.open.take_if(|open| {
            matches!(open, Offer::Ours(Carrier::Response) | Offer::Theirs(Carrier::Response))
        });
    }

    /// The request in which `offer` travelled has its final response: the offer is answered or
    /// refused.
    pub fn closed(&mut self, offer: Offer) {
        self.open.take_if(|open| *open == offer);
    }

    /// The INVITE in progress failed: offers in it and in its responses are void.
    pub fn invite_failed(&mut self) {
        self.exchanged = false;
        self.open.take_if(|open| {
            matches!(
                open,
                Offer::Ours(Carrier::Invite | Carrier::Response)
                    | Offer::Theirs(Carrier::Invite | Carrier::Response)
            )
        });
    }
}

/// Whether a message carries a session description, alone or as a part.
pub(crate) fn describes(headers: &Headers, body: &[u8]) -> bool {
    if body.is_empty() {
        return false;
    }
    // As nearly all write it.
    if headers.raw(HeaderName::ContentType).next() == Some(b"application/sdp") {
        return true;
    }
    let Ok(Some(ContentType(kind))) = headers.typed::<ContentType>() else { return false };
    kind.is("application", "sdp") || kind.kind.as_str().eq_ignore_ascii_case("multipart")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Offer = Offer::Ours(Carrier::Update);

    #[test]
    fn an_offer_in_an_invite_is_answered_once() {
        let mut turns = Negotiation::default();
        turns.invite(Some(Offer::Ours(Carrier::Invite)));
        assert_eq!(turns.clash(), Some(StatusCode::REQUEST_PENDING));
        assert!(!turns.response_came(false, false), "a 180 without a description says nothing");
        assert!(turns.open().is_some());
        assert!(!turns.response_came(true, false), "the reliable 183 answers");
        assert_eq!(turns.open(), None);
        assert!(!turns.response_came(true, true), "the copy in the 2xx is no offer");
        assert_eq!(turns.open(), None);
    }

    #[test]
    fn a_response_offers_when_the_invite_did_not() {
        for success in [false, true] {
            let mut turns = Negotiation::default();
            turns.invite(None);
            assert!(turns.response_came(true, success));
            assert_eq!(turns.open(), Some(Offer::Theirs(Carrier::Response)));
            assert_eq!(turns.clash(), Some(StatusCode::SERVER_INTERNAL_ERROR));
            turns.acknowledged();
            assert_eq!(turns.open(), None);
            let mut ours = Negotiation::default();
            ours.invite(None);
            ours.response_sent(true, success);
            assert_eq!(ours.open(), Some(Offer::Ours(Carrier::Response)));
            ours.acknowledged();
            assert_eq!(ours.open(), None);
        }
    }

    #[test]
    fn refusals_clear_the_table() {
        let mut turns = Negotiation::default();
        turns.offer(OURS);
        turns.closed(Offer::Theirs(Carrier::Update));
        assert_eq!(turns.open(), Some(OURS), "another's end is not ours");
        turns.closed(OURS);
        assert_eq!(turns.open(), None);
        turns.invite(Some(Offer::Theirs(Carrier::Invite)));
        turns.invite_failed();
        assert_eq!(turns.open(), None);
        // An UPDATE that is out does not care how an INVITE ends.
        turns.offer(OURS);
        turns.invite_failed();
        assert_eq!(turns.open(), Some(OURS));
    }
}
