//! Offer and answer (RFC 3264).

use core::hash::{Hash, Hasher};
use std::hash::DefaultHasher;

use bytes::Bytes;

use super::agreement::{
    answered_codecs, answered_events, common_codecs, common_events, restrict, settle,
};
use super::codec::Codec;
use super::direction::Direction;
use super::error::{AnswerError, Rejection, StateError};
use super::limits::{Limits, Strictness};
use super::local::{AnswerWith, Local};
use super::media::{Media, MediaKind};
use super::negotiated::Negotiated;
use super::numbers::PayloadNumbers;
use super::peer::Peer;
use super::session::{Origin, SessionDescription};
use super::{Connection, Fmtp, Format, Protocol, Rtcp, Rtpmap, Text};

/// The negotiation of one dialog: one audio stream, whatever else the peer offers.
///
/// ```text
///                make_offer                       receive_offer
///   LocalOffer <------------ Stable ------------------------> RemoteOffer
///       |                    ^    ^                                |
///       +--------------------+    +--------------------------------+
///      receive_answer, rollback             make_answer, rollback
/// ```
///
/// Clone it for each early dialog of a forked INVITE: each gets an answer of its own (RFC 6337 §2.2).
///
/// The number and order of `m=` lines never change: streams that are not the audio stream are declined with
/// port 0 and stay so. The version in `o=` goes up by one when a description differs from the last one sent,
/// and only then.
#[derive(Clone, Debug)]
pub struct OfferAnswer {
    local: Local,
    state: State,
    /// The `m=` lines agreed on so far, for the next offer to repeat.
    streams: Box<[Line]>,
    /// Which of them carries audio.
    audio: Option<usize>,
    numbers: PayloadNumbers,
    /// The description sent last, as it was sent: a session holds it for as long as it lasts, and read
    /// into its parts it takes ten times the room. Empty before the first.
    sent: Bytes,
    /// The origin of the description received last, hashed.
    received: Option<u64>,
    current: Option<Negotiated>,
}

#[derive(Clone, Debug)]
enum State {
    /// Nothing under way. `answered` is true when the last exchange was an offer of ours.
    Stable {
        answered: bool,
    },
    LocalOffer(Box<LocalOffer>),
    RemoteOffer(Box<RemoteOffer>),
}

/// Our offer, which waits for its answer.
#[derive(Clone, Debug)]
struct LocalOffer {
    lines: Vec<Line>,
    audio: usize,
    codecs: Vec<Codec>,
    rtcp_mux: bool,
    direction: Direction,
    early: Option<Early>,
}

/// The peer's offer, which waits for our answer.
#[derive(Clone, Debug)]
struct RemoteOffer {
    offer: SessionDescription,
    /// The stream to take, unless the offer ends the audio of the session.
    audio: Option<(usize, Peer)>,
}

/// What has to be repeated of an `m=` line.
#[derive(Clone, Debug)]
struct Line {
    kind: MediaKind,
    protocol: Protocol,
    /// None of the audio stream's, which every description of ours lists anew.
    formats: Box<[Format]>,
    over: bool,
}

/// An answer that may still be corrected, and what held before it.
#[derive(Clone, Debug)]
struct Early {
    answer: SessionDescription,
    before: Option<Negotiated>,
}

impl OfferAnswer {
    /// A dialog in which nothing was said yet.
    pub fn new(local: Local) -> Self {
        Self {
            local,
            state: State::Stable { answered: false },
            streams: Box::default(),
            audio: None,
            numbers: PayloadNumbers::default(),
            sent: Bytes::new(),
            received: None,
            current: None,
        }
    }

    /// This end, as the next description will say it.
    pub fn local(&self) -> &Local {
        &self.local
    }

    /// This end, to be changed for the next description: hold, another port, other codecs.
    pub fn local_mut(&mut self) -> &mut Local {
        &mut self.local
    }

    /// What holds now; an early answer counts until the final one.
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.current.as_ref()
    }

    /// The description sent last, read from its [`local_body`](Self::local_body).
    pub fn local_description(&self) -> Option<SessionDescription> {
        // Ours, whatever its size.
        const ANY: Limits = Limits {
            bytes: usize::MAX,
            line_bytes: usize::MAX,
            lines: usize::MAX,
            media: usize::MAX,
            attributes: usize::MAX,
            formats: usize::MAX,
            strictness: Strictness::Lenient,
        };
        SessionDescription::parse_bytes(self.local_body()?, &ANY).ok()
    }

    /// The description sent last, as the body of a message: to be sent in the first place, and to be
    /// repeated in a 2xx after a 183.
    pub fn local_body(&self) -> Option<&Bytes> {
        (!self.sent.is_empty()).then_some(&self.sent)
    }

    /// The peer's offer that waits for [`make_answer`](Self::make_answer).
    pub fn pending_offer(&self) -> Option<&SessionDescription> {
        match &self.state {
            State::RemoteOffer(waiting) => Some(&waiting.offer),
            _ => None,
        }
    }

    /// Whether our own offer waits for its answer.
    pub fn has_local_offer(&self) -> bool {
        matches!(self.state, State::LocalOffer(_))
    }

    /// Makes an offer: the first one, or a new one within the session (hold, codecs, address). An unchanged
    /// offer carries the version of the last description, as a session refresh wants it.
    ///
    /// # Errors
    ///
    /// When another offer, ours or the peer's, is not answered yet.
    pub fn make_offer(&mut self) -> Result<SessionDescription, StateError> {
        match self.state {
            State::Stable { .. } => {}
            State::LocalOffer(_) => return Err(StateError::LocalOfferPending),
            State::RemoteOffer(_) => return Err(StateError::RemoteOfferPending),
        }
        let reused = || self.streams.iter().position(|m| m.over && m.kind == MediaKind::Audio);
        let audio = self.audio.or_else(reused).unwrap_or(self.streams.len());
        let codecs = self.numbers.assign(&self.local);
        let protocol = match self.audio.and_then(|at| self.streams.get(at)) {
            Some(line) => line.protocol.clone(),
            None => Protocol::rtp_avp(),
        };
        let mut offer = self.description();
        offer.media = Vec::with_capacity(self.streams.len() + 1);
        offer.media.extend(self.streams.iter().map(Line::declined));
        let Local { rtcp_mux, ptime, direction, .. } = self.local;
        let media = self.audio_media(protocol, &codecs, rtcp_mux, ptime, direction);
        match offer.media.get_mut(audio) {
            Some(slot) => *slot = media,
            None => offer.media.push(media),
        }
        let lines = lines(&offer, Some(audio));
        let waiting = LocalOffer { lines, audio, codecs, rtcp_mux, direction, early: None };
        self.state = State::LocalOffer(Box::new(waiting));
        Ok(self.send(offer))
    }

    /// Takes the answer to our offer. The same answer once more (a 2xx after a reliable 183) is taken again
    /// without effect.
    ///
    /// # Errors
    ///
    /// When the answer does not fit the offer; our offer is then over, and what was agreed before holds,
    /// except that a declined stream is over.
    pub fn receive_answer(
        &mut self,
        answer: &SessionDescription,
    ) -> Result<Negotiated, AnswerError> {
        match self.state {
            State::LocalOffer(_) => {}
            State::Stable { answered: true } => return self.repeated_answer(answer),
            _ => return Err(AnswerError::NoOffer),
        }
        let answered = core::mem::replace(&mut self.state, State::Stable { answered: true });
        let State::LocalOffer(mut ours) = answered else { return Err(AnswerError::NoOffer) };
        if let Some(early) = ours.early.take() {
            self.current = early.before;
        }
        let outcome = self.evaluate_answer(answer, &ours);
        let over = matches!(outcome, Err(AnswerError::Declined));
        if over || outcome.is_ok() {
            // Our own lines are kept, so that an odd answer does not find its way into the next offer.
            for (line, answered) in ours.lines.iter_mut().zip(&answer.media) {
                line.over |= answered.port == 0;
            }
            self.streams = ours.lines.into();
            self.received = Some(hash(&answer.origin));
            self.audio = (!over).then_some(ours.audio);
            self.current = Some(outcome.clone().unwrap_or_else(|_| Negotiated::over(ours.audio)));
        }
        outcome
    }

    /// Looks at an answer in an unreliable provisional response: a preview of the answer, which the 2xx may
    /// still correct (RFC 6337 §3.1.1). The offer stays open.
    ///
    /// # Errors
    ///
    /// As [`receive_answer`](Self::receive_answer), with no effect at all.
    pub fn receive_early_answer(
        &mut self,
        answer: &SessionDescription,
    ) -> Result<Negotiated, AnswerError> {
        let State::LocalOffer(ours) = &self.state else {
            return match self.state {
                State::Stable { answered: true } => self.repeated_answer(answer),
                _ => Err(AnswerError::NoOffer),
            };
        };
        let negotiated = self.evaluate_answer(answer, ours)?;
        let before = self.current.replace(negotiated.clone());
        if let State::LocalOffer(ours) = &mut self.state {
            let before = ours.early.take().map_or(before, |early| early.before);
            ours.early = Some(Early { answer: answer.clone(), before });
        }
        Ok(negotiated)
    }

    /// Makes the early answer the final one, for a peer whose 2xx has no body after a 183 that had one.
    ///
    /// # Errors
    ///
    /// [`AnswerError::NoOffer`] when there was no early answer.
    pub fn confirm_early_answer(&mut self) -> Result<Negotiated, AnswerError> {
        match &self.state {
            State::LocalOffer(ours) => {
                let early = ours.early.as_ref().ok_or(AnswerError::NoOffer)?;
                let answer = early.answer.clone();
                self.receive_answer(&answer)
            }
            _ => Err(AnswerError::NoOffer),
        }
    }

    /// Takes the peer's offer. [`make_answer`](Self::make_answer) answers it.
    ///
    /// # Errors
    ///
    /// Says why it is refused and with which status; the session stays as it was.
    pub fn receive_offer(&mut self, offer: &SessionDescription) -> Result<(), Rejection> {
        match self.state {
            State::Stable { .. } => {}
            State::LocalOffer(_) => return Err(Rejection::Glare),
            State::RemoteOffer(_) => return Err(Rejection::OfferPending),
        }
        let audio = self.choose_stream(offer)?;
        self.state = State::RemoteOffer(Box::new(RemoteOffer { offer: offer.clone(), audio }));
        Ok(())
    }

    /// Answers the peer's offer.
    ///
    /// # Errors
    ///
    /// [`Rejection::NothingToAnswer`] without an offer; [`Rejection::NoCommonCodec`] when
    /// [`Local::codecs`] was changed since, or [`Local::pass_through`] let an offer in that nobody takes: the
    /// offer then still waits, to be answered with other codecs or given up by [`rollback`](Self::rollback).
    pub fn make_answer(&mut self) -> Result<(SessionDescription, Negotiated), Rejection> {
        let State::RemoteOffer(waiting) = &self.state else {
            return Err(Rejection::NothingToAnswer);
        };
        let RemoteOffer { offer, audio } = &**waiting;
        let mut answer = self.description();
        answer.times.clone_from(&offer.times);
        answer.media = offer.media.iter().map(Media::declined).collect();
        let mut negotiated = Negotiated::over(0);
        if let Some((at, peer)) = audio
            && let Some(offered) = offer.media.get(*at)
        {
            negotiated = self.agree(*at, peer)?;
            let codecs = self.numbers.adopt(&negotiated);
            let ptime = self.local.ptime.or(peer.ptime.map(|_| negotiated.ptime_ms));
            let (mux, direction) = (negotiated.rtcp_mux, negotiated.direction);
            let media = self.audio_media(offered.protocol.clone(), &codecs, mux, ptime, direction);
            if let Some(slot) = answer.media.get_mut(*at) {
                *slot = media;
            }
        }
        self.audio = audio.as_ref().map(|(at, _)| *at);
        self.received = Some(hash(&offer.origin));
        self.streams = lines(&answer, self.audio).into();
        self.current = Some(negotiated.clone());
        self.state = State::Stable { answered: false };
        Ok((self.send(answer), negotiated))
    }

    /// Gives up the offer under way, ours (refused with 488 or 491, or the INVITE failed) or the peer's
    /// (refused by us, or cancelled). What was agreed before holds again.
    pub fn rollback(&mut self) {
        let stable = State::Stable { answered: false };
        if let State::LocalOffer(ours) = core::mem::replace(&mut self.state, stable)
            && let Some(early) = ours.early
        {
            self.current = early.before;
        }
    }

    /// The peer's audio stream in the offer that waits.
    pub(super) fn pending_peer(&self) -> Option<&Peer> {
        match &self.state {
            State::RemoteOffer(waiting) => waiting.audio.as_ref().map(|(_, peer)| peer),
            _ => None,
        }
    }

    /// Which stream of an offer to take; `None` for an offer that ends the audio of the session.
    fn choose_stream(
        &self,
        offer: &SessionDescription,
    ) -> Result<Option<(usize, Peer)>, Rejection> {
        if offer.media.len() < self.streams.len() {
            return Err(Rejection::StreamsDropped);
        }
        if offer.media.is_empty() {
            return Err(Rejection::NoMedia);
        }
        if !self.sent.is_empty() && offer.media.iter().all(|media| media.port == 0) {
            return Ok(None);
        }
        let mut fault = Rejection::NoAudio;
        let mut any = None;
        // The stream in use first, so that a second one offered beside it does not take its place.
        let first = self.audio.filter(|&at| at < offer.media.len());
        let rest = (0..offer.media.len()).filter(|&at| Some(at) != first);
        for at in first.into_iter().chain(rest) {
            let Some(media) = offer.media.get(at) else { continue };
            match self.judge(offer, media) {
                Ok((peer, true)) => return Ok(Some((at, peer))),
                Ok((peer, false)) => any = any.or(Some((at, peer))),
                Err(reason) if rank(reason) > rank(fault) => fault = reason,
                Err(_) => {}
            }
        }
        any.map(Some).ok_or(fault)
    }

    /// Whether a stream can be taken: with a codec in common (true), or only because any codec passes
    /// through.
    fn judge(&self, offer: &SessionDescription, media: &Media) -> Result<(Peer, bool), Rejection> {
        if media.kind != MediaKind::Audio || media.port == 0 {
            return Err(Rejection::NoAudio);
        }
        if !media.protocol.is_plain_rtp() {
            return Err(Rejection::Transport);
        }
        let peer = Peer::new(offer, media, &[]).ok_or(Rejection::NoAddress)?;
        let in_common = |theirs: &Codec| self.local.codecs.iter().any(|c| c.is_compatible(theirs));
        let common = peer.speech().any(in_common);
        if common || (self.local.pass_through && peer.speech().next().is_some()) {
            return Ok((peer, common));
        }
        Err(Rejection::NoCommonCodec)
    }

    /// What an answer to this peer's offer comes to.
    fn agree(&self, stream: usize, peer: &Peer) -> Result<Negotiated, Rejection> {
        let mut codecs = common_codecs(&self.local, peer);
        if self.local.answer_with == AnswerWith::First {
            codecs.truncate(1);
        }
        if codecs.is_empty() {
            return Err(Rejection::NoCommonCodec);
        }
        let events = common_events(&self.local, peer);
        // RFC 5761 §4: numbers that would read as RTCP packet types cannot share its port.
        let clash = |number: u8| (64..96).contains(&number);
        let mux = self.local.rtcp_mux
            && peer.rtcp_mux
            && !codecs.iter().any(|codec| clash(codec.receive_payload_type))
            && !events.iter().any(|event| clash(event.receive_payload_type));
        Ok(settle(stream, &self.local, mux, peer, codecs, events))
    }

    fn evaluate_answer(
        &self,
        answer: &SessionDescription,
        ours: &LocalOffer,
    ) -> Result<Negotiated, AnswerError> {
        let LocalOffer { lines, audio, codecs: offered, rtcp_mux, direction, .. } = ours;
        let counts =
            AnswerError::StreamCount { offered: lines.len(), answered: answer.media.len() };
        let Some(media) = answer.media.get(*audio) else { return Err(counts) };
        if answer.media.len() != lines.len() {
            return Err(counts);
        }
        if media.kind != MediaKind::Audio {
            return Err(AnswerError::StreamChanged);
        }
        if media.port == 0 {
            return Err(AnswerError::Declined);
        }
        // A peer that answers AVP to AVPF, or the reverse, still sends RTP that can be understood.
        if !media.protocol.is_plain_rtp() {
            return Err(AnswerError::StreamChanged);
        }
        let peer = Peer::new(answer, media, offered).ok_or(AnswerError::NoAddress)?;
        let codecs = answered_codecs(offered, &peer);
        if codecs.is_empty() {
            return Err(AnswerError::NoCommonCodec);
        }
        let events = answered_events(offered, &peer);
        let mux = *rtcp_mux && peer.rtcp_mux;
        let mut negotiated = settle(*audio, &self.local, mux, &peer, codecs, events);
        restrict(&mut negotiated, direction.and(peer.direction.reversed()), &peer);
        Ok(negotiated)
    }

    fn repeated_answer(&self, answer: &SessionDescription) -> Result<Negotiated, AnswerError> {
        match (self.received, &self.current) {
            (Some(received), Some(current)) if received == hash(&answer.origin) => {
                if current.codecs.is_empty() {
                    Err(AnswerError::Declined)
                } else {
                    Ok(current.clone())
                }
            }
            _ => Err(AnswerError::NoOffer),
        }
    }

    /// A description without streams.
    fn description(&self) -> SessionDescription {
        let local = &self.local;
        let origin = match self.local_description() {
            Some(sent) => sent.origin,
            None => Origin::new(local.session_id, local.session_version, local.address),
        };
        let mut description = SessionDescription::new(origin);
        description.connection = Some(Connection::from(local.address));
        description
    }

    fn audio_media(
        &self,
        protocol: Protocol,
        codecs: &[Codec],
        mux: bool,
        ptime: Option<u32>,
        direction: Direction,
    ) -> Media {
        let local = &self.local;
        let numbered = || codecs.iter().filter_map(|codec| Some((codec.payload_type?, codec)));
        let formats = numbered().map(|(number, _)| Format::Payload(number)).collect();
        let mut media = Media::new(MediaKind::Audio, local.port, protocol, formats);
        for (payload_type, codec) in numbered() {
            media.attributes.push_typed(&Rtpmap {
                payload_type,
                encoding: Text::sanitized(&codec.name),
                clock_rate: codec.clock_rate,
                channels: codec.channels,
            });
            if let Some(parameters) = codec.fmtp.as_deref().filter(|text| !text.is_empty()) {
                media.attributes.push_typed(&Fmtp {
                    format: Text::sanitized(&payload_type.to_string()),
                    parameters: Text::sanitized(parameters),
                });
            }
        }
        if let Some(ptime) = ptime {
            push_number(&mut media, "ptime", ptime);
        }
        if let Some(max_ptime) = local.max_ptime {
            push_number(&mut media, "maxptime", max_ptime);
        }
        if let Some(port) = local.rtcp_port.filter(|&port| Some(port) != local.port.checked_add(1))
        {
            media.attributes.push_typed(&Rtcp { port, address: None });
        }
        if mux {
            media.attributes.push_known("rtcp-mux");
        }
        media.attributes.set_direction(direction);
        media
    }

    /// Numbers the version and remembers what is sent.
    fn send(&mut self, mut description: SessionDescription) -> SessionDescription {
        let mut body = description.to_bytes();
        if !self.sent.is_empty() && self.sent != body {
            let version = &mut description.origin.session_version;
            *version = version.saturating_add(1);
            body = description.to_bytes();
        }
        self.sent = body;
        description
    }
}

impl Line {
    /// As [`Media::declined`].
    fn declined(&self) -> Media {
        let (kind, protocol) = (self.kind.clone(), self.protocol.clone());
        Media::new(kind, 0, protocol, self.formats.to_vec()).declined()
    }
}

/// The lines of a description of ours, for later ones.
fn lines(description: &SessionDescription, audio: Option<usize>) -> Vec<Line> {
    let line = |(at, media): (usize, &Media)| Line {
        kind: media.kind.detached(),
        protocol: media.protocol.detached(),
        formats: match audio {
            Some(audio) if audio == at => Box::default(),
            _ => media.formats.iter().map(Format::detached).collect(),
        },
        over: media.port == 0,
    };
    description.media.iter().enumerate().map(line).collect()
}

/// Two origins are not compared but within one session, where nobody but the peer gains from a
/// collision.
fn hash(origin: &Origin) -> u64 {
    let mut hasher = DefaultHasher::new();
    origin.hash(&mut hasher);
    hasher.finish()
}

/// Which reason tells most about an offer that is refused.
fn rank(reason: Rejection) -> u8 {
    match reason {
        Rejection::NoCommonCodec => 3,
        Rejection::NoAddress => 2,
        Rejection::Transport => 1,
        _ => 0,
    }
}

fn push_number(media: &mut Media, name: &str, value: u32) {
    // A number cannot break a line.
    let _ = media.attributes.push(name, value.to_string());
}
