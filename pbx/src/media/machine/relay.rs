//! What the peer says, on its way to an ear or to the other leg.

use std::net::SocketAddr;
use std::time::Duration;

use packet_ring::pool::PacketBuf;
use rtp_core::session::Frame;
use rtp_core::{Header, Packet, PayloadType};

use super::playing::LONGEST;
use super::stream::{Activity, StreamState};
use super::{Machine, Transmit, path};
use crate::media::repacketizer::Repacketizer;
use crate::media::{Codec, CodecKind, Event, PortId};

impl Machine {
    pub(super) fn on_rtp(
        &mut self,
        now: Duration,
        port: PortId,
        source: SocketAddr,
        packet: PacketBuf,
    ) {
        let Some(stream) = self.streams.get_mut(&port) else {
            self.counters.unexpected += self.early.keep(now, port, source, packet);
            return;
        };
        let Ok(view) = Packet::parse(&packet) else {
            stream.malformed += 1;
            return;
        };
        let before = stream.latch.destination();
        if !stream.latch.handle_rtp(now, source, &view).is_accept() {
            return;
        }
        if stream.latch.destination() != before {
            // Its path leads to where the peer was.
            path::take_up(&mut self.streams, port);
        }
        let Some(stream) = self.streams.get_mut(&port) else { return };
        stream.heard(now);
        if !stream.session.handle_rtp(now, &view).is_playable() {
            return;
        }
        let payload_type = view.payload_type().value();
        if stream.agreed.events.is_some_and(|events| events.receive_payload_type == payload_type) {
            stream.receive_event(now, &view);
            let passed = self.pass_event(now, port, packet);
            self.report_digits(port, passed);
            return self.reschedule(port);
        }
        let Some(codec) = stream.codec_received(payload_type).cloned() else { return };
        let was_heard = stream.is_heard();
        if !stream.listen(now, &codec.kind, &view, &self.pool) {
            self.counters.no_buffer += 1;
        }
        let begins = stream.is_heard() != was_heard;
        match stream.activity {
            // What we can decode comes back when it was heard.
            Activity::Echo if !codec.is_g711() => self.pass_audio(now, port, &codec, packet),
            Activity::Bridged(other) => {
                self.pass_audio(now, other, &codec, packet);
                let payload_type = PayloadType::from_octet(payload_type);
                path::lay(&mut self.streams, now, port, payload_type);
            }
            Activity::Echo | Activity::Idle | Activity::Playing(_) => {}
        }
        if begins {
            self.reschedule(port);
        }
    }

    /// Sends audio on to `to`, which is where it came from for an echo.
    fn pass_audio(&mut self, now: Duration, to: PortId, codec: &Codec, mut packet: PacketBuf) {
        let Some(target) = self.streams.get_mut(&to) else { return };
        let Ok(view) = Packet::parse(&packet) else { return };
        let (true, Some(out)) = (target.destination().is_some(), target.codec_for(codec)) else {
            target.session.sender_mut().withhold(&view);
            return;
        };
        if target.is_sending_digit() {
            target.session.sender_mut().withhold(&view);
            return;
        }
        let payload_type = PayloadType::from_octet(out.send_payload_type);
        let kind = out.kind.clone();
        let length = view.payload().len();
        if codec.is_g711() && length != target.frame_samples() {
            return self.recut(now, to, &codec.kind, (&kind, payload_type), &view);
        }
        let Some(header) = target.session.sender_mut().relay(now, &view, payload_type, length)
        else {
            return;
        };
        let start = view.header_len();
        rewrite(&mut packet, &header);
        if let Some(transcode) = path::transcoding(&codec.kind, &kind)
            && let Some(payload) = packet.get_mut(start..start + length)
        {
            transcode(payload);
        }
        let mut begins = false;
        if target.is_recorded_both_ways()
            && let Ok(sent) = Packet::parse(&packet)
        {
            begins = target.overhearing.is_none();
            let ear = StreamState::ear(&mut target.overhearing, now, target.agreed.ptime_ms);
            self.counters.no_buffer += u64::from(!ear.take(now, &kind, &sent, &self.pool));
        }
        // Only now, and written where it stays: a copy of it would be waited for.
        if let Some(destination) = target.destination() {
            self.transmits.push_back(Transmit { port: to, destination, packet });
        }
        if begins {
            self.reschedule(to);
        }
    }

    /// Sends audio on in packets of the length that the target wants.
    fn recut(
        &mut self,
        now: Duration,
        to: PortId,
        from: &CodecKind,
        (kind, payload_type): (&CodecKind, PayloadType),
        view: &Packet<'_>,
    ) {
        let Self { streams, pool, transmits, counters, .. } = self;
        let Some(target) = streams.get_mut(&to) else { return };
        let Some(destination) = target.destination() else { return };
        let mut octets = [0; LONGEST];
        let (is_recorded, was_overheard) =
            (target.is_recorded_both_ways(), target.overhearing.is_some());
        let StreamState { cutter, session, overhearing, agreed, .. } = &mut **target;
        let cutter = cutter.get_or_insert_with(|| Box::new(Repacketizer::new(agreed.ptime_ms)));
        let mut timestamp = view.timestamp();
        for piece in view.payload().chunks(LONGEST) {
            let Some(octets) = octets.get_mut(..piece.len()) else { return };
            octets.copy_from_slice(piece);
            if let Some(transcode) = path::transcoding(from, kind) {
                transcode(octets);
            }
            cutter.push(timestamp, octets, |timestamp, frame| {
                let Some(mut packet) = pool.take() else {
                    counters.no_buffer += 1;
                    return;
                };
                let payload_len = frame.len();
                let header = session
                    .sender_mut()
                    .send(now, Frame { payload_type, timestamp, marker: false, payload_len });
                if packet.set_len(12 + payload_len).is_ok()
                    && header.write(&mut packet).is_ok()
                    && let Some(payload) = packet.get_mut(12..)
                {
                    payload.copy_from_slice(frame);
                    if is_recorded && let Ok(sent) = Packet::parse(&packet) {
                        let ear = StreamState::ear(overhearing, now, agreed.ptime_ms);
                        counters.no_buffer += u64::from(!ear.take(now, kind, &sent, pool));
                    }
                    transmits.push_back(Transmit { port: to, destination, packet });
                }
            });
            timestamp = timestamp.wrapping_add(octets.len() as u32);
        }
        if is_recorded && !was_overheard {
            self.reschedule(to);
        }
    }

    /// Tells of digits that have ended. Those that could not pass as the packets they came in are sent
    /// to the bridged leg as that leg can take them.
    pub(super) fn report_digits(&mut self, port: PortId, passed: bool) {
        while let Some(stream) = self.streams.get_mut(&port) {
            let Some((digit, duration)) = stream.ended_digit() else { return };
            self.events.push_back(Event::Digit { port, digit, duration });
            if let (Activity::Bridged(to), false) = (&stream.activity, passed) {
                let to = *to;
                if let Some(target) = self.streams.get_mut(&to) {
                    target.queue_digit(digit, duration);
                }
                self.reschedule(to);
            }
        }
    }

    /// Sends a packet of a telephone event on to the bridged leg. `false` when that has not agreed to
    /// events of the same clock.
    fn pass_event(&mut self, now: Duration, port: PortId, mut packet: PacketBuf) -> bool {
        let Some(stream) = self.streams.get_mut(&port) else { return true };
        let to = match stream.activity {
            Activity::Bridged(to) => to,
            Activity::Echo | Activity::Idle | Activity::Playing(_) => return true,
        };
        let clock_rate = stream.agreed.events.map(|events| events.clock_rate);
        let Some(target) = self.streams.get_mut(&to) else { return true };
        let Ok(view) = Packet::parse(&packet) else { return true };
        let events = target.agreed.events.filter(|events| Some(events.clock_rate) == clock_rate);
        let (Some(events), Some(destination), false) =
            (events, target.destination(), target.is_sending_digit())
        else {
            target.session.sender_mut().withhold(&view);
            return false;
        };
        let payload_type = PayloadType::from_octet(events.send_payload_type);
        let length = view.payload().len();
        let Some(header) = target.session.sender_mut().relay(now, &view, payload_type, length)
        else {
            return true;
        };
        rewrite(&mut packet, &header);
        self.transmits.push_back(Transmit { port: to, destination, packet });
        true
    }
}

/// Puts a header's numbers into a packet that has been parsed; what it carries besides, extensions and
/// contributing sources, stays.
fn rewrite(packet: &mut [u8], header: &Header<'_>) {
    let Some(fixed) = packet.get_mut(1..12) else { return };
    let mut fields = [0; 11];
    let (kind, rest) = fields.split_at_mut(1);
    let (number, rest) = rest.split_at_mut(2);
    let (timestamp, ssrc) = rest.split_at_mut(4);
    kind.fill(u8::from(header.marker) << 7 | header.payload_type.value());
    number.copy_from_slice(&header.sequence_number.to_be_bytes());
    timestamp.copy_from_slice(&header.timestamp.to_be_bytes());
    ssrc.copy_from_slice(&header.ssrc.0.to_be_bytes());
    fixed.copy_from_slice(&fields);
}
