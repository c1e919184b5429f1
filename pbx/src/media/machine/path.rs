//! The short way of a voice: from a peer that is known to the leg it is bridged to.
//!
//! Of nearly every packet all that has to be said was said of the one before: who sent it, what it is, what number it
//! is sent on with, and where to. A [`Path`] remembers that. A packet that does not fit it in every respect takes the long way
//! through [`super::relay`]. Before that, and before anything else that concerns one of the two streams, the path is taken
//! up, and the streams are told what has gone over it. Neither way lets through or changes anything that the other would
//! not.

use std::net::SocketAddr;
use std::time::Duration;

use packet_ring::pool::PacketBuf;
use rtp_core::run::Run;
use rtp_core::{Packet, PayloadType};

use super::stream::{Activity, StreamState};
use super::{Machine, Streams, Transmit};
use crate::media::{CodecKind, PortId};

/// Types that a packet with the marker has in common with RTCP (RFC 5761 §4).
const LIKE_RTCP: std::ops::Range<u8> = 64..96;

/// What the next packet of a bridged peer looks like, and what becomes of it.
#[derive(Debug)]
pub(super) struct Path {
    source: SocketAddr,
    payload_type: PayloadType,
    /// Octets of payload; of a codec that cannot be cut anew it does not matter.
    length: Option<usize>,
    run: Run,
    /// What is done to the octets: from this law to that.
    transcoding: Option<fn(&mut [u8])>,
    sent_payload_type: PayloadType,
    to: PortId,
    destination: SocketAddr,
}

impl Path {
    /// Takes a packet that fits, and makes it the one to send; `false` leaves it as it is.
    #[inline]
    fn takes(&mut self, now: Duration, source: SocketAddr, packet: &mut PacketBuf) -> bool {
        let Ok(view) = Packet::parse(packet) else { return false };
        let (start, length) = (view.header_len(), view.payload().len());
        if source != self.source
            || view.payload_type() != self.payload_type
            || self.length.is_some_and(|usual| usual != length)
            || !self.run.continues(now, &view)
        {
            return false;
        }
        if let Some(header) = packet.first_chunk_mut() {
            self.run.renumber(header, self.sent_payload_type);
        }
        if let Some(transcode) = self.transcoding
            && let Some(payload) = packet.get_mut(start..start + length)
        {
            transcode(payload);
        }
        true
    }
}

/// How many packets take the long way before another path is laid, where paths have led nowhere: some sources have
/// never two packets alike.
#[derive(Debug, Default)]
pub(super) struct Reluctance {
    in_vain: u8,
    wait: u8,
}

impl Reluctance {
    /// The longest wait is of 2^6 packets.
    const MOST: u8 = 6;

    fn is_over(&mut self) -> bool {
        let over = self.wait == 0;
        self.wait = self.wait.saturating_sub(1);
        over
    }

    fn learn(&mut self, run: &Run) {
        self.in_vain = if run.packets() == 0 { Self::MOST.min(self.in_vain + 1) } else { 0 };
        self.wait = (1 << self.in_vain) - 1;
    }
}

impl Machine {
    /// Sends a packet on by the path of its port, if there is one that it fits; else takes that up and gives the
    /// packet back.
    #[inline]
    pub(super) fn pass_by_path(
        &mut self,
        now: Duration,
        port: PortId,
        source: SocketAddr,
        mut packet: PacketBuf,
    ) -> Result<(), PacketBuf> {
        let Some(path) = self.streams.get_mut(&port).and_then(|stream| stream.path.as_mut()) else {
            return Err(packet);
        };
        if !path.takes(now, source, &mut packet) {
            take_up_from(&mut self.streams, port);
            return Err(packet);
        }
        let (port, destination) = (path.to, path.destination);
        self.transmits.push_back(Transmit { port, destination, packet });
        Ok(())
    }
}

/// Lays a path from `port` to the leg it is bridged to, when a packet of this type has just taken the long way and
/// the next will have to do nothing else on it.
pub(super) fn lay(streams: &mut Streams, now: Duration, port: PortId, payload_type: PayloadType) {
    let stream = streams.get_mut(&port).filter(|stream| stream.is_only_relayed());
    if !stream.is_some_and(|stream| stream.reluctance.is_over()) {
        return;
    }
    let Some(path) = path(streams, now, port, payload_type) else { return };
    if let Some(stream) = streams.get_mut(&port) {
        stream.path = Some(path);
    }
}

/// Takes up the paths from and to a port: what is to come may change both.
pub(super) fn take_up(streams: &mut Streams, port: PortId) {
    take_up_from(streams, port);
    if let Some(Activity::Bridged(partner)) = streams.get(&port).map(|stream| &stream.activity) {
        let partner = *partner;
        take_up_from(streams, partner);
    }
}

/// Takes up the path from a port: what its peer sent is to be looked at.
pub(super) fn take_up_from(streams: &mut Streams, port: PortId) {
    let Some(stream) = streams.get_mut(&port) else { return };
    let Some(path) = stream.path.take() else { return };
    stream.reluctance.learn(&path.run);
    stream.end_run(&path.run);
    if let Some(target) = streams.get_mut(&path.to) {
        target.session.sender_mut().end_run(&path.run);
    }
}

fn path(streams: &Streams, now: Duration, port: PortId, payload_type: PayloadType) -> Option<Path> {
    let stream = streams.get(&port)?;
    let Activity::Bridged(to) = stream.activity else { return None };
    let target = streams.get(&to).filter(|target| !target.is_sending_digit())?;
    // A recording that holds what is sent there listens to it.
    if target.is_recorded_both_ways() || LIKE_RTCP.contains(&payload_type.value()) {
        return None;
    }
    let (source, ssrc) = stream.latch.settled()?;
    let received = stream.codec_received(payload_type.value())?;
    let sent = target.codec_for(received)?;
    let run = Run::begin(now, &stream.session, payload_type, target.session.sender())?;
    (run.ssrc() == ssrc).then_some(Path {
        source,
        payload_type,
        length: received.is_g711().then(|| target.frame_samples()),
        run,
        transcoding: transcoding(&received.kind, &sent.kind),
        sent_payload_type: PayloadType::from_octet(sent.send_payload_type),
        to,
        destination: target.destination()?,
    })
}

/// What changes the law of G.711 octets in place; other codecs, and the same law, stay as they are.
pub(super) fn transcoding(from: &CodecKind, to: &CodecKind) -> Option<fn(&mut [u8])> {
    match (from, to) {
        (CodecKind::Pcma, CodecKind::Pcmu) => Some(codec_g711::transcode::alaw_to_ulaw_in_place),
        (CodecKind::Pcmu, CodecKind::Pcma) => Some(codec_g711::transcode::ulaw_to_alaw_in_place),
        _ => None,
    }
}

impl StreamState {
    /// Whether what the peer says is passed on and heard by nobody here.
    fn is_only_relayed(&self) -> bool {
        self.recorder.is_none() && !self.is_heard()
    }

    fn end_run(&mut self, run: &Run) {
        if run.packets() > 0 {
            self.latch.end_run(run);
            self.heard(run.last());
            self.session.end_run(run);
        }
    }
}
