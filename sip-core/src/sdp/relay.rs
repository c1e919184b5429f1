//! Two legs of one call.

use super::codec::Codec;
use super::direction::Direction;
use super::error::Rejection;
use super::local::Local;
use super::negotiated::Negotiated;
use super::offer_answer::OfferAnswer;

/// Joins the offer/answer of two dialogs, as a back-to-back user agent that relays media does.
///
/// ```text
/// A ---- offer --->  a.receive_offer
///                    relay.offer(&a, b.local_mut())    b.make_offer ---- offer ---> B
///                                                      b.receive_answer <-- answer - B
///                    relay.answer(&mut a, &negotiated_b)
/// A <--- answer ---  a.make_answer
/// ```
///
/// Leg A's [`Local::pass_through`] should be set, so that its offer is not refused before B has seen it.
/// Each leg keeps its own address, port, session and payload types; video and fax are declined towards A and
/// not offered to B.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// Codecs that can be changed into each other, offered to B behind A's own when A has one of them.
    /// Default PCMU, PCMA.
    pub transcode: Vec<Codec>,
}

impl Default for Relay {
    fn default() -> Self {
        Self { transcode: vec![Codec::PCMU, Codec::PCMA] }
    }
}

impl Relay {
    /// Sets codecs, packet time and direction of leg B from the offer that waits on leg A: A's codecs in A's
    /// order with their numbers and parameters, unknown ones too, then those that A's can be changed into.
    /// `b` keeps its address, port and the rest.
    ///
    /// # Errors
    ///
    /// [`Rejection::NothingToAnswer`] when no offer with audio waits on A.
    pub fn offer(&self, a: &OfferAnswer, b: &mut Local) -> Result<(), Rejection> {
        let peer = a.pending_peer().ok_or(Rejection::NothingToAnswer)?;
        let mut codecs: Vec<Codec> = peer.speech().cloned().collect();
        if codecs.iter().any(|codec| self.can_change(codec)) {
            for extra in &self.transcode {
                if !codecs.iter().any(|codec| codec.is_compatible(extra)) {
                    codecs.push(extra.clone());
                }
            }
        }
        codecs.shrink_to_fit();
        b.codecs = codecs;
        b.ptime = peer.ptime.map(|_| peer.ptime_ms(None));
        b.max_ptime = peer.max_ptime.map(|max| max.clamp(10, 200));
        b.direction = peer.direction;
        Ok(())
    }

    /// Sets codecs, packet time and direction of leg A from what leg B answered, so that
    /// [`OfferAnswer::make_answer`] gives A's answer: the codecs of B's answer that A offered, in B's order,
    /// with B's parameters; behind them, or alone when there are none in common, what can be changed into a
    /// codec of B.
    ///
    /// # Errors
    ///
    /// [`Rejection::NothingToAnswer`] when no offer with audio waits on A, [`Rejection::NoCommonCodec`] when
    /// the legs have nothing in common and nothing can be changed.
    pub fn answer(&self, a: &mut OfferAnswer, b: &Negotiated) -> Result<(), Rejection> {
        let peer = a.pending_peer().ok_or(Rejection::NothingToAnswer)?;
        let mut codecs: Vec<Codec> = Vec::new();
        for answered in &b.codecs {
            let theirs =
                Codec { fmtp: answered.fmtp.clone().map(Into::into), ..answered.codec.clone() };
            if peer.speech().any(|offered| offered.is_compatible(&theirs)) {
                codecs.push(theirs);
            }
        }
        if b.codecs.iter().any(|codec| self.can_change(&codec.codec)) {
            for extra in peer.speech().filter(|offered| self.can_change(offered)) {
                if !codecs.iter().any(|codec| codec.is_compatible(extra)) {
                    codecs.push(extra.clone());
                }
            }
        }
        if codecs.is_empty() {
            return Err(Rejection::NoCommonCodec);
        }
        codecs.shrink_to_fit();
        let local = a.local_mut();
        local.codecs = codecs;
        local.ptime = Some(b.ptime_ms);
        local.direction = Direction::new(b.receive, b.send);
        Ok(())
    }

    /// Whether media must be changed on the way from one leg to the other when each sends its first codec.
    pub fn must_transcode(&self, from: &Negotiated, to: &Negotiated) -> bool {
        from.codec()
            .is_some_and(|codec| !to.codecs.iter().any(|t| t.codec.is_compatible(&codec.codec)))
    }

    /// What becomes of each payload type that arrives on one leg on its way to the other. A payload type that
    /// is not here has no place on the other leg.
    pub fn payload_map(&self, from: &Negotiated, to: &Negotiated) -> Vec<PayloadMap> {
        let mut map = Vec::with_capacity(from.codecs.len() + from.telephone_events.len());
        for codec in &from.codecs {
            let receive = codec.receive_payload_type;
            if let Some(same) = to.codecs.iter().find(|t| t.codec.is_compatible(&codec.codec)) {
                map.push(PayloadMap::Copy { receive, send: same.send_payload_type });
            } else if self.can_change(&codec.codec)
                && let Some(other) = to.codecs.iter().find(|t| self.can_change(&t.codec))
            {
                map.push(PayloadMap::Transcode {
                    receive,
                    send: other.send_payload_type,
                    from: codec.codec.clone(),
                    to: other.codec.clone(),
                });
            }
        }
        for event in &from.telephone_events {
            let same = to.telephone_events.iter().find(|t| t.clock_rate == event.clock_rate);
            if let Some(other) = same.or(to.telephone_event.as_ref()) {
                map.push(PayloadMap::TelephoneEvent {
                    receive: event.receive_payload_type,
                    send: other.send_payload_type,
                    from_rate: event.clock_rate,
                    to_rate: other.clock_rate,
                });
            }
        }
        map
    }

    fn can_change(&self, codec: &Codec) -> bool {
        self.transcode.iter().any(|known| known.is_compatible(codec))
    }
}

/// What becomes of one payload type between two legs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayloadMap {
    /// The payload stays, the number changes.
    Copy {
        /// Number on arrival.
        receive: u8,
        /// Number on departure.
        send: u8,
    },
    /// The payload is decoded and encoded again.
    Transcode {
        /// Number on arrival.
        receive: u8,
        /// Number on departure.
        send: u8,
        /// What arrives.
        from: Codec,
        /// What leaves.
        to: Codec,
    },
    /// A telephone event; its duration is in units of the clock rate.
    TelephoneEvent {
        /// Number on arrival.
        receive: u8,
        /// Number on departure.
        send: u8,
        /// Clock rate on arrival, in Hz.
        from_rate: u32,
        /// Clock rate on departure, in Hz.
        to_rate: u32,
    },
}
