//! The media session of one leg: its offers and answers, and the stream they agree on.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use sip_core::header::ContentType;
use sip_core::sdp::{
    Codec as SdpCodec, CodecOrder, Direction, Limits, Local, Negotiated, OfferAnswer, Relay,
    SessionDescription,
};
use sip_core::{HeaderName, Request, StatusCode};

use crate::media::{Codec, CodecKind, EventPayload, Stream};

/// Offer and answer of one leg (RFC 3264), with the exchange's own address in each description.
#[derive(Debug)]
pub(crate) struct Session {
    negotiation: OfferAnswer,
    /// Which way the peer's last accepted description lets media flow, as the peer sees it.
    peer: Direction,
    /// The direction in the offer that waits.
    offered: Direction,
}

/// Why an offer or answer cannot be used, as the status to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the session description was refused: {0}")]
pub(crate) struct Refused(pub(crate) StatusCode);

impl Session {
    /// A session whose media arrive at `address`.
    pub(crate) fn new(address: SocketAddr, id: u64) -> Self {
        let mut local = Local::new(address.ip(), address.port());
        // The top bit stays clear: many peers read the number as signed.
        local.session_id = id >> 1;
        local.session_version = 1;
        local.pass_through = true;
        local.rtcp_mux = true;
        local.order = CodecOrder::Offer;
        Self {
            negotiation: OfferAnswer::new(local),
            peer: Direction::SendRecv,
            offered: Direction::SendRecv,
        }
    }

    /// Takes the offer of an INVITE. `false` when it has none and wants ours in the 2xx.
    ///
    /// # Errors
    ///
    /// 415 for a body that is no SDP or coded (RFC 3261 §8.2.3), 400 for SDP that is malformed, 488 and 491 by RFC 3264.
    pub(crate) fn receive_invite(&mut self, request: &Request) -> Result<bool, Refused> {
        if request.body.is_empty() {
            return Ok(false);
        }
        match request.headers.typed::<ContentType>() {
            Ok(Some(kind)) if !kind.is("application", "sdp") => {
                return Err(Refused(StatusCode::UNSUPPORTED_MEDIA_TYPE));
            }
            Ok(_) => {}
            Err(_) => return Err(Refused(StatusCode::BAD_REQUEST)),
        }
        let is_plain = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"identity");
        if !request.headers.raw(HeaderName::ContentEncoding).all(is_plain) {
            return Err(Refused(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let offer = parse(&request.body)?;
        self.negotiation.receive_offer(&offer).map_err(|error| Refused(error.status()))?;
        let mut probe = self.negotiation.local().clone();
        if Relay::default().offer(&self.negotiation, &mut probe).is_ok() {
            self.offered = probe.direction;
        }
        Ok(true)
    }

    /// An offer of ours, the first one or a repetition of what holds.
    pub(crate) fn offer(&mut self) -> Bytes {
        match self.negotiation.make_offer() {
            Ok(_) => self.described(),
            Err(_) => Bytes::new(),
        }
    }

    /// An offer for the leg that `caller`'s offer is to become: its codecs first, in its order. Where the
    /// caller has answered already, its codec in use comes first; where it left the offer to us, ours do.
    pub(crate) fn offer_like(&mut self, caller: &Self) -> Bytes {
        let local = self.negotiation.local_mut();
        if Relay::default().offer(&caller.negotiation, local).is_err()
            && let Some(agreed) = caller.negotiation.negotiated()
        {
            let mut codecs: Vec<SdpCodec> =
                agreed.codecs.iter().map(|codec| codec.codec.clone()).collect();
            for extra in [SdpCodec::PCMA, SdpCodec::PCMU] {
                if !codecs.iter().any(|codec| codec.is_compatible(&extra)) {
                    codecs.push(extra);
                }
            }
            local.codecs = codecs;
        }
        self.offer()
    }

    /// An offer within the session that lets media flow as `direction` says.
    pub(crate) fn offer_direction(&mut self, direction: Direction) -> Bytes {
        self.negotiation.local_mut().direction = direction;
        self.offer()
    }

    /// An offer within the session that lets media flow both ways, of `codecs` where there are any.
    pub(crate) fn offer_anew(&mut self, codecs: Vec<SdpCodec>) -> Bytes {
        if !codecs.is_empty() {
            self.negotiation.local_mut().codecs = codecs;
        }
        self.offer_direction(Direction::SendRecv)
    }

    /// Whether what this peer sends can be given to the other, as it is or transcoded.
    pub(crate) fn is_understood_by(&self, other: &Self) -> bool {
        let theirs = other.codecs();
        self.codecs().first().is_none_or(|own| {
            theirs.iter().any(|codec| codec.is_compatible(own))
                || is_g711(own) && theirs.iter().any(is_g711)
        })
    }

    /// The codecs that can be given to this peer.
    pub(crate) fn understood(&self) -> Vec<SdpCodec> {
        let mut codecs = self.codecs();
        if codecs.iter().any(is_g711) {
            for known in [SdpCodec::PCMA, SdpCodec::PCMU] {
                if !codecs.iter().any(|codec| codec.is_compatible(&known)) {
                    codecs.push(known);
                }
            }
        }
        codecs
    }

    /// The codecs agreed on, the one that is sent first.
    fn codecs(&self) -> Vec<SdpCodec> {
        let agreed = self.negotiation.negotiated().map(|agreed| &agreed.codecs[..]);
        agreed.unwrap_or_default().iter().map(|codec| codec.codec.clone()).collect()
    }

    /// The answer to the offer that waits; the one given before where none waits. With `like`, its
    /// codec comes first, so that nothing needs to be transcoded.
    ///
    /// # Errors
    ///
    /// 488 when there is no codec in common.
    pub(crate) fn answer(&mut self, like: Option<&Negotiated>) -> Result<Bytes, Refused> {
        if self.negotiation.pending_offer().is_none()
            && let Some(given) = self.negotiation.local_body()
        {
            return Ok(given.clone());
        }
        if let Some(other) = like {
            let _ = Relay::default().answer(&mut self.negotiation, other);
            self.negotiation.local_mut().order = CodecOrder::Local;
        }
        self.negotiation.make_answer().map_err(|error| Refused(error.status()))?;
        self.peer = self.offered;
        Ok(self.described())
    }

    /// What was just said of the session.
    fn described(&self) -> Bytes {
        self.negotiation.local_body().cloned().unwrap_or_default()
    }

    /// Takes the answer to our offer from a 2xx or an ACK. An empty one confirms an early answer.
    ///
    /// # Errors
    ///
    /// 488 when the answer is missing or cannot be used.
    pub(crate) fn receive_answer(&mut self, body: &Bytes) -> Result<(), Refused> {
        let agreed = if body.is_empty() {
            self.negotiation.confirm_early_answer()
        } else {
            self.negotiation.receive_answer(&parse(body)?)
        };
        let agreed = agreed.map_err(|_| Refused(StatusCode::NOT_ACCEPTABLE_HERE))?;
        self.peer = agreed.direction.reversed();
        Ok(())
    }

    /// Takes an answer from a provisional response; the 2xx may still correct it.
    ///
    /// # Errors
    ///
    /// 488 when it cannot be used; nothing has changed then.
    pub(crate) fn receive_early_answer(&mut self, body: &Bytes) -> Result<(), Refused> {
        let agreed = self.negotiation.receive_early_answer(&parse(body)?);
        agreed.map(|_| ()).map_err(|_| Refused(StatusCode::NOT_ACCEPTABLE_HERE))
    }

    /// Gives up the offer under way, whoever made it; what held before holds again.
    pub(crate) fn roll_back(&mut self) {
        self.negotiation.rollback();
        let held_before = self.negotiation.negotiated().map(|agreed| agreed.direction);
        if let Some(direction) = held_before {
            self.negotiation.local_mut().direction = direction;
        }
    }

    /// Whether an offer of the peer came with its INVITE, answered or not.
    pub(crate) fn has_remote_offer(&self) -> bool {
        self.negotiation.pending_offer().is_some()
    }

    /// Whether the peer's waiting offer changes which way media flow.
    pub(crate) fn offer_changes_direction(&self) -> bool {
        self.offered != self.peer
    }

    /// The direction that the peer's waiting offer asks for, as the peer sees it.
    pub(crate) fn offered_direction(&self) -> Direction {
        self.offered
    }

    /// Allows in our answer no more than `other`, the session of the leg that was asked, agreed to.
    pub(crate) fn limit_to(&mut self, other: Direction) {
        self.negotiation.local_mut().direction = other;
    }

    /// Which way media flow now, as we see it.
    pub(crate) fn direction(&self) -> Direction {
        self.negotiation.negotiated().map_or(Direction::SendRecv, |agreed| agreed.direction)
    }

    /// Whether the peer has put us on hold: it does not want to hear us.
    pub(crate) fn peer_holds(&self) -> bool {
        !self.peer.receives()
    }

    /// What offer and answer agreed on.
    pub(crate) fn negotiated(&self) -> Option<&Negotiated> {
        self.negotiation.negotiated()
    }

    /// The stream for the media machine; `None` while nothing is agreed.
    pub(crate) fn stream(
        &self,
        signalled_from: Option<IpAddr>,
        silence: Option<Duration>,
    ) -> Option<Stream> {
        let agreed = self.negotiation.negotiated()?;
        if agreed.codecs.is_empty() {
            return None;
        }
        Some(Stream {
            remote: agreed.remote,
            sends_first: true,
            rtcp_mux: agreed.rtcp_mux,
            signalled_from,
            codecs: agreed
                .codecs
                .iter()
                .map(|codec| Codec {
                    kind: kind(&codec.codec),
                    send_payload_type: codec.send_payload_type,
                    receive_payload_type: codec.receive_payload_type,
                    clock_rate: codec.codec.clock_rate,
                })
                .collect(),
            events: agreed.telephone_event.map(|event| EventPayload {
                send_payload_type: event.send_payload_type,
                receive_payload_type: event.receive_payload_type,
                clock_rate: event.clock_rate,
            }),
            ptime_ms: agreed.ptime_ms,
            send: agreed.send,
            receive: agreed.receive,
            silence: silence.filter(|_| agreed.receive),
        })
    }
}

fn parse(body: &Bytes) -> Result<SessionDescription, Refused> {
    SessionDescription::parse_bytes(body, &Limits::default())
        .map_err(|error| Refused(error.status()))
}

fn is_g711(codec: &SdpCodec) -> bool {
    [SdpCodec::PCMA, SdpCodec::PCMU].iter().any(|known| codec.is_compatible(known))
}

fn kind(codec: &SdpCodec) -> CodecKind {
    if codec.is_compatible(&SdpCodec::PCMU) {
        CodecKind::Pcmu
    } else if codec.is_compatible(&SdpCodec::PCMA) {
        CodecKind::Pcma
    } else {
        CodecKind::Other(codec.name.as_ref().into())
    }
}
