//! Which codecs two ends have in common, and what follows from that.

use super::codec::Codec;
use super::direction::Direction;
use super::local::{CodecOrder, Local};
use super::negotiated::{Negotiated, NegotiatedCodec, NegotiatedTelephoneEvent};
use super::peer::Peer;
use super::telephone_event::TelephoneEvents;

/// The codecs of an offer that we have too, in the order that [`Local::order`] asks for.
pub(super) fn common_codecs(local: &Local, peer: &Peer) -> Vec<NegotiatedCodec> {
    let mut codecs = in_local_order(&local.codecs, peer);
    if local.order == CodecOrder::Offer {
        codecs.sort_by_key(|codec| {
            peer.codecs.iter().position(|c| c.payload_type == Some(codec.send_payload_type))
        });
    }
    codecs
}

/// The codecs of an answer that are in our offer, in the answer's order.
pub(super) fn answered_codecs(offered: &[Codec], peer: &Peer) -> Vec<NegotiatedCodec> {
    let mut codecs: Vec<NegotiatedCodec> = Vec::new();
    for theirs in peer.speech() {
        let fits = |ours: &&Codec| ours.is_compatible(theirs);
        let same_number = |ours: &&Codec| ours.payload_type == theirs.payload_type;
        let found = offered
            .iter()
            .filter(fits)
            .find(same_number)
            .or_else(|| offered.iter().find(fits))
            // Parameters of the framing are often left out of answers, though they must not be.
            .or_else(|| offered.iter().filter(same_number).find(|c| c.is_same_encoding(theirs)));
        let Some(ours) = found else { continue };
        let taken = |done: &NegotiatedCodec| Some(done.receive_payload_type) == ours.payload_type;
        if !codecs.iter().any(taken) {
            codecs.extend(pair(ours, theirs, ours.payload_type));
        }
    }
    codecs
}

/// The telephone events of an offer, when we want some.
pub(super) fn common_events(local: &Local, peer: &Peer) -> Vec<NegotiatedTelephoneEvent> {
    let wanted = peer.telephone_events().filter(|_| local.telephone_event);
    wanted.filter_map(|theirs| event(theirs, theirs)).collect()
}

/// The telephone events of an answer that are in our offer.
pub(super) fn answered_events(offered: &[Codec], peer: &Peer) -> Vec<NegotiatedTelephoneEvent> {
    let ours = |theirs: &Codec| {
        offered.iter().find(|c| c.is_telephone_event() && c.clock_rate == theirs.clock_rate)
    };
    peer.telephone_events().filter_map(|theirs| event(ours(theirs)?, theirs)).collect()
}

/// All of the agreement but the codecs, which are given.
pub(super) fn settle(
    stream: usize,
    local: &Local,
    rtcp_mux: bool,
    peer: &Peer,
    codecs: Vec<NegotiatedCodec>,
    mut events: Vec<NegotiatedTelephoneEvent>,
) -> Negotiated {
    // One for each clock is enough, and a number that comes twice in the peer's list is one too.
    let mut rates: Vec<u32> = Vec::new();
    events.retain(|event| {
        let new = !rates.contains(&event.clock_rate);
        rates.push(event.clock_rate);
        new
    });
    let used = |event: &NegotiatedTelephoneEvent| {
        codecs.iter().any(|codec| codec.codec.clock_rate == event.clock_rate)
    };
    // Events at a clock of no codec are wrong (RFC 4733 §2.1) and yet all that some telephones offer
    // beside a wideband codec: one is kept when there is no better.
    if events.iter().any(used) {
        events.retain(used);
    } else {
        events.truncate(1);
    }
    let rate = codecs.first().map(|codec| codec.codec.clock_rate);
    let event = events.iter().find(|event| Some(event.clock_rate) == rate).or(events.first());
    let mut negotiated = Negotiated {
        stream,
        remote: peer.remote,
        remote_rtcp: if rtcp_mux { peer.remote } else { peer.remote_rtcp },
        remote_name: peer.remote_name.clone(),
        rtcp_mux,
        telephone_event: event.copied(),
        telephone_events: events,
        codecs,
        ptime_ms: peer.ptime_ms(local.ptime),
        ..Negotiated::over(stream)
    };
    restrict(&mut negotiated, local.direction.and(peer.direction.reversed()), peer);
    negotiated
}

/// Sets the direction and what follows from it.
pub(super) fn restrict(negotiated: &mut Negotiated, direction: Direction, peer: &Peer) {
    negotiated.direction = direction;
    negotiated.send = direction.sends() && (peer.remote.is_some() || peer.remote_name.is_some());
    negotiated.receive = direction.receives();
}

fn in_local_order(ours: &[Codec], peer: &Peer) -> Vec<NegotiatedCodec> {
    let mut codecs: Vec<NegotiatedCodec> = Vec::new();
    for local in ours {
        let free = |theirs: &&Codec| {
            theirs.is_compatible(local)
                && codecs.iter().all(|done| Some(done.send_payload_type) != theirs.payload_type)
        };
        let exact = peer.speech().filter(free).find(|theirs| theirs.fmtp == local.fmtp);
        let found = exact.or_else(|| peer.speech().find(free));
        if let Some(codec) = found.and_then(|theirs| pair(local, theirs, None)) {
            codecs.push(codec);
        }
    }
    codecs
}

/// Our codec under the number and with the wishes of the peer.
fn pair(ours: &Codec, theirs: &Codec, receive: Option<u8>) -> Option<NegotiatedCodec> {
    let send_payload_type = theirs.payload_type?;
    let receive_payload_type = receive.unwrap_or(send_payload_type);
    Some(NegotiatedCodec {
        codec: Codec { payload_type: Some(receive_payload_type), ..ours.clone() },
        send_payload_type,
        receive_payload_type,
        fmtp: theirs.fmtp.as_deref().map(str::to_owned),
    })
}

fn event(ours: &Codec, theirs: &Codec) -> Option<NegotiatedTelephoneEvent> {
    Some(NegotiatedTelephoneEvent {
        clock_rate: theirs.clock_rate,
        send_payload_type: theirs.payload_type?,
        receive_payload_type: ours.payload_type?,
        events: TelephoneEvents::of_peer(theirs.fmtp.as_deref()),
    })
}
