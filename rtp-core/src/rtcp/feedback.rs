//! Feedback messages (RFC 4585, RFC 5104): read, carried, and translated when media is relayed.
//!
//! A relay numbers packets anew, so what a listener says of the relay's stream means other packets
//! and another SSRC to the one who sent them. [`Feedback::translate`] says it in the sender's terms.

use super::{CompoundWriter, RtcpWriteError, packet_type};
use crate::Ssrc;

/// RTPFB or PSFB: a listener's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Feedback<'a> {
    /// About transport or about the payload.
    pub layer: FeedbackLayer,
    /// FMT: which message; 0 to 31.
    pub format: u8,
    /// Who wishes.
    pub sender: Ssrc,
    /// Whose media; 0 where the entries say it.
    pub media: Ssrc,
    /// The feedback control information, whole words.
    pub fci: &'a [u8],
}

/// Which of the two packet types of feedback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedbackLayer {
    /// RTPFB, 205.
    Transport,
    /// PSFB, 206.
    Payload,
}

/// What a feedback packet says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FeedbackMessage<'a> {
    /// Packets that are missing (RFC 4585 section 6.2.1).
    Nack(Nacks<'a>),
    /// A greatest bit rate is asked for (RFC 5104 section 4.2.1).
    Tmmbr(Entries<'a>),
    /// The greatest bit rates that bind (RFC 5104 section 4.2.2).
    Tmmbn(Entries<'a>),
    /// A picture was lost (RFC 4585 section 6.3.1).
    PictureLoss,
    /// Slices were lost (RFC 4585 section 6.3.2); words as they stand.
    SliceLoss(&'a [u8]),
    /// A reference picture is chosen (RFC 4585 section 6.3.3); octets as they stand.
    ReferencePicture(&'a [u8]),
    /// A decoder refresh point is wanted (RFC 5104 section 4.3.1).
    FullIntraRequest(Entries<'a>),
    /// Another balance between sharpness and motion is wanted (RFC 5104 section 4.3.2).
    TradeOffRequest(Entries<'a>),
    /// The balance that is in force (RFC 5104 section 4.3.3).
    TradeOffNotice(Entries<'a>),
    /// Video back channel (RFC 5104 section 4.3.4); octets as they stand, the SSRC first.
    VideoBackChannel(&'a [u8]),
    /// Something of the application (RFC 4585 section 6.4).
    Application(&'a [u8]),
    /// A format that this crate does not interpret.
    Unknown,
}

impl<'a> Feedback<'a> {
    /// A generic NACK with entries made by [`Nack::to_bytes`].
    pub fn nack(sender: Ssrc, media: Ssrc, entries: &'a [[u8; 4]]) -> Feedback<'a> {
        let fci = entries.as_flattened();
        Feedback { layer: FeedbackLayer::Transport, format: NACK, sender, media, fci }
    }

    /// A picture loss indication.
    pub fn picture_loss(sender: Ssrc, media: Ssrc) -> Feedback<'static> {
        Feedback { layer: FeedbackLayer::Payload, format: PLI, sender, media, fci: &[] }
    }

    /// A full intra request with entries made by [`Entry::to_bytes`].
    pub fn full_intra_request(sender: Ssrc, entries: &'a [[u8; 8]]) -> Feedback<'a> {
        let (layer, fci) = (FeedbackLayer::Payload, entries.as_flattened());
        Feedback { layer, format: FIR, sender, media: Ssrc(0), fci }
    }

    /// What it says. Control information of a wrong length makes it [`FeedbackMessage::Unknown`].
    pub fn message(&self) -> FeedbackMessage<'a> {
        use FeedbackMessage as Message;
        let entries = |message: fn(Entries<'a>) -> Message<'a>| match self.fci.as_chunks() {
            (entries, []) => message(Entries { entries }),
            _ => Message::Unknown,
        };
        match (self.layer, self.format) {
            (FeedbackLayer::Transport, NACK) => match self.fci.as_chunks() {
                (entries, []) => Message::Nack(Nacks { entries }),
                _ => Message::Unknown,
            },
            (FeedbackLayer::Transport, TMMBR) => entries(Message::Tmmbr),
            (FeedbackLayer::Transport, TMMBN) => entries(Message::Tmmbn),
            (FeedbackLayer::Payload, PLI) => Message::PictureLoss,
            (FeedbackLayer::Payload, SLI) => Message::SliceLoss(self.fci),
            (FeedbackLayer::Payload, RPSI) => Message::ReferencePicture(self.fci),
            (FeedbackLayer::Payload, FIR) => entries(Message::FullIntraRequest),
            (FeedbackLayer::Payload, TSTR) => entries(Message::TradeOffRequest),
            (FeedbackLayer::Payload, TSTN) => entries(Message::TradeOffNotice),
            (FeedbackLayer::Payload, VBCM) => Message::VideoBackChannel(self.fci),
            (FeedbackLayer::Payload, AFB) => Message::Application(self.fci),
            _ => Message::Unknown,
        }
    }

    /// Appends this feedback to `writer` in the terms of the session that the media comes from.
    /// False when it is not about the relayed stream: then nothing is appended, and nothing is to be
    /// sent on.
    ///
    /// SSRCs in the header and in entries are replaced, lost packets are named by the numbers that
    /// they had; everything else stays as it is.
    ///
    /// # Errors
    ///
    /// [`RtcpWriteError`]: the buffer is too small; nothing is appended.
    pub fn translate(
        &self,
        relayed: &RelayedStream,
        writer: &mut CompoundWriter<'_>,
    ) -> Result<bool, RtcpWriteError> {
        let message = self.message();
        let entries = match message {
            FeedbackMessage::Tmmbr(entries)
            | FeedbackMessage::FullIntraRequest(entries)
            | FeedbackMessage::TradeOffRequest(entries) => Some(entries),
            // These answer a sender's own requests, which a relay does not pass on.
            FeedbackMessage::Tmmbn(_) | FeedbackMessage::TradeOffNotice(_) => return Ok(false),
            _ => None,
        };
        let ours = |ssrc| ssrc == relayed.outgoing;
        let about = match (entries, message) {
            (Some(mut entries), _) => entries.any(|entry| ours(entry.ssrc)),
            (None, FeedbackMessage::VideoBackChannel([a, b, c, d, ..])) => {
                ours(Ssrc(u32::from_be_bytes([*a, *b, *c, *d])))
            }
            _ => ours(self.media),
        };
        if !about {
            return Ok(false);
        }
        // A media SSRC of 0 stays: there the entries say whose media it is.
        let media = if ours(self.media) { relayed.incoming } else { Ssrc(0) };
        let head = Feedback { sender: relayed.sender, media, ..*self };
        writer.feedback_with(&head, |writer| match (entries, message) {
            (Some(entries), _) => entries.filter(|entry| ours(entry.ssrc)).try_for_each(|entry| {
                writer.put(&Entry { ssrc: relayed.incoming, ..entry }.to_bytes())
            }),
            (None, FeedbackMessage::Nack(nacks)) => {
                let mut nacks = nacks;
                nacks.try_for_each(|nack| {
                    let first = nack.first.wrapping_sub(relayed.sequence_offset);
                    writer.put(&Nack { first, ..nack }.to_bytes())
                })
            }
            (None, FeedbackMessage::VideoBackChannel([_, _, _, _, rest @ ..])) => {
                writer.put(&relayed.incoming.0.to_be_bytes())?;
                writer.put(rest)
            }
            _ => writer.put(self.fci),
        })?;
        Ok(true)
    }

    pub(super) fn packet_type(&self) -> u8 {
        match self.layer {
            FeedbackLayer::Transport => packet_type::RTPFB,
            FeedbackLayer::Payload => packet_type::PSFB,
        }
    }

    pub(super) fn read(layer: FeedbackLayer, format: u8, body: &'a [u8]) -> Option<Feedback<'a>> {
        let (sender, rest) = body.split_first_chunk::<4>()?;
        let (media, fci) = rest.split_first_chunk::<4>()?;
        // A generic NACK without an entry asks for nothing (RFC 4585 section 6.2.1).
        if (layer, format) == (FeedbackLayer::Transport, NACK) && fci.is_empty() {
            return None;
        }
        let ssrc = |octets: &[u8; 4]| Ssrc(u32::from_be_bytes(*octets));
        Some(Feedback { layer, format, sender: ssrc(sender), media: ssrc(media), fci })
    }
}

/// What a relay does to a stream: see [`crate::session::Sender::relayed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayedStream {
    /// Our SSRC in the session that the media comes from, in whose name wishes are sent there.
    pub sender: Ssrc,
    /// The SSRC of the stream as it comes.
    pub incoming: Ssrc,
    /// The SSRC of the stream as it goes out.
    pub outgoing: Ssrc,
    /// What is added to sequence numbers on the way out.
    pub sequence_offset: u16,
}

const NACK: u8 = 1;
const TMMBR: u8 = 3;
const TMMBN: u8 = 4;
const PLI: u8 = 1;
const SLI: u8 = 2;
const RPSI: u8 = 3;
const FIR: u8 = 4;
const TSTR: u8 = 5;
const TSTN: u8 = 6;
const VBCM: u8 = 7;
const AFB: u8 = 15;

/// Up to seventeen lost packets (RFC 4585 section 6.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nack {
    /// PID: the first of them.
    pub first: u16,
    /// BLP: bit `i` stands for the packet `i + 1` after the first.
    pub following: u16,
}

impl Nack {
    /// As it stands on the wire.
    pub fn to_bytes(self) -> [u8; 4] {
        let [f1, f0] = self.first.to_be_bytes();
        let [b1, b0] = self.following.to_be_bytes();
        [f1, f0, b1, b0]
    }

    /// The numbers of the lost packets.
    pub fn numbers(self) -> impl Iterator<Item = u16> {
        let following = (0..16u16).filter(move |bit| self.following >> bit & 1 == 1);
        core::iter::once(self.first)
            .chain(following.map(move |bit| self.first.wrapping_add(bit + 1)))
    }
}

/// The entries of a generic NACK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nacks<'a> {
    entries: &'a [[u8; 4]],
}

impl Iterator for Nacks<'_> {
    type Item = Nack;

    fn next(&mut self) -> Option<Nack> {
        let (&[f1, f0, b1, b0], rest) = self.entries.split_first()?;
        self.entries = rest;
        Some(Nack { first: u16::from_be_bytes([f1, f0]), following: u16::from_be_bytes([b1, b0]) })
    }
}

/// An SSRC and what is wished of it: the entries of RFC 5104.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Whose media.
    pub ssrc: Ssrc,
    /// Four octets of the message's own: a sequence number first for FIR, a bit rate for TMMBR.
    pub value: [u8; 4],
}

impl Entry {
    /// As it stands on the wire.
    pub fn to_bytes(self) -> [u8; 8] {
        let [s3, s2, s1, s0] = self.ssrc.0.to_be_bytes();
        let [v3, v2, v1, v0] = self.value;
        [s3, s2, s1, s0, v3, v2, v1, v0]
    }

    /// The greatest bit rate of a TMMBR or TMMBN entry, in bits a second, saturating.
    pub fn bit_rate(&self) -> u64 {
        let word = u32::from_be_bytes(self.value);
        let mantissa = u64::from(word >> 9 & 0x1_ffff);
        let exponent = word >> 26;
        if mantissa == 0 {
            0
        } else {
            mantissa
                .checked_shl(exponent)
                .filter(|rate| rate >> exponent == mantissa)
                .unwrap_or(u64::MAX)
        }
    }
}

/// The entries of a message of RFC 5104.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entries<'a> {
    entries: &'a [[u8; 8]],
}

impl Iterator for Entries<'_> {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        let (&[s3, s2, s1, s0, v3, v2, v1, v0], rest) = self.entries.split_first()?;
        self.entries = rest;
        Some(Entry { ssrc: Ssrc(u32::from_be_bytes([s3, s2, s1, s0])), value: [v3, v2, v1, v0] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtcp::{Compound, Packet};
    use alloc::vec::Vec;

    const RELAYED: RelayedStream = RelayedStream {
        sender: Ssrc(10),
        incoming: Ssrc(20),
        outgoing: Ssrc(30),
        sequence_offset: 65_000,
    };

    fn translate(feedback: &Feedback<'_>) -> Option<Vec<u8>> {
        let mut buf = [0; 256];
        let mut writer = CompoundWriter::reduced_size(&mut buf);
        let translated = feedback.translate(&RELAYED, &mut writer).unwrap();
        let len = writer.finish();
        assert_eq!(translated, len > 0);
        translated.then(|| buf[..len].to_vec())
    }

    fn read(bytes: &[u8]) -> Feedback<'_> {
        let compound = Compound::parse_reduced_size(bytes).unwrap();
        let Some(Packet::Feedback(feedback)) = compound.packets().next() else { panic!() };
        feedback
    }

    #[test]
    fn lost_packets_are_named_by_their_first_numbers() {
        let nack = Nack { first: 64_990, following: 0b101 };
        assert!(nack.numbers().eq([64_990, 64_991, 64_993]));
        let entries = [nack.to_bytes(), Nack { first: 5, following: 0 }.to_bytes()];
        let bytes = translate(&Feedback::nack(Ssrc(1), Ssrc(30), &entries)).unwrap();
        let translated = read(&bytes);
        assert_eq!((translated.sender, translated.media), (Ssrc(10), Ssrc(20)));
        let FeedbackMessage::Nack(mut nacks) = translated.message() else { panic!() };
        assert_eq!(nacks.next(), Some(Nack { first: 65_526, following: 0b101 }));
        assert_eq!(nacks.next(), Some(Nack { first: 541, following: 0 }));
        assert_eq!(nacks.next(), None);
    }

    #[test]
    fn what_is_about_another_stream_goes_nowhere() {
        assert_eq!(translate(&Feedback::picture_loss(Ssrc(1), Ssrc(31))), None);
        let other = [Entry { ssrc: Ssrc(31), value: [1; 4] }.to_bytes()];
        assert_eq!(translate(&Feedback::full_intra_request(Ssrc(1), &other)), None);
        let bytes = translate(&Feedback::picture_loss(Ssrc(1), Ssrc(30))).unwrap();
        assert_eq!(read(&bytes), Feedback::picture_loss(Ssrc(10), Ssrc(20)));
    }

    #[test]
    fn entries_for_others_are_left_out() {
        let entry = |ssrc| Entry { ssrc: Ssrc(ssrc), value: [9, 0, 0, 0] };
        let entries = [entry(31).to_bytes(), entry(30).to_bytes()];
        let bytes = translate(&Feedback::full_intra_request(Ssrc(1), &entries)).unwrap();
        let translated = read(&bytes);
        assert_eq!((translated.sender, translated.media), (Ssrc(10), Ssrc(0)));
        let FeedbackMessage::FullIntraRequest(entries) = translated.message() else { panic!() };
        assert!(entries.eq([entry(20)]));
    }

    #[test]
    fn every_format_is_carried() {
        for layer in [FeedbackLayer::Transport, FeedbackLayer::Payload] {
            for format in 0..32 {
                let fci = [0, 0, 0, 30, 1, 2, 3, 4];
                let feedback =
                    Feedback { layer, format, sender: Ssrc(1), media: Ssrc(30), fci: &fci };
                let Some(bytes) = translate(&feedback) else {
                    assert!(matches!(
                        feedback.message(),
                        FeedbackMessage::Tmmbn(_) | FeedbackMessage::TradeOffNotice(_)
                    ));
                    continue;
                };
                let translated = read(&bytes);
                assert_eq!((translated.layer, translated.format), (layer, format));
                assert_eq!(translated.fci.len(), fci.len());
                assert_eq!(translated.media, Ssrc(20));
                if feedback.message() == FeedbackMessage::Unknown {
                    assert_eq!(translated.fci, fci);
                }
            }
        }
    }

    #[test]
    fn bit_rates_have_a_mantissa_and_an_exponent() {
        let entry = |word: u32| Entry { ssrc: Ssrc(0), value: word.to_be_bytes() };
        assert_eq!(entry(3 << 26 | 1_000 << 9 | 40).bit_rate(), 8_000);
        assert_eq!(entry(63 << 26).bit_rate(), 0);
        assert_eq!(entry(63 << 26 | 2 << 9).bit_rate(), u64::MAX);
        assert_eq!(entry(u32::MAX).bit_rate(), u64::MAX);
    }

    #[test]
    fn a_buffer_too_small_is_left_alone() {
        let mut buf = [0; 11];
        let mut writer = CompoundWriter::reduced_size(&mut buf);
        let feedback = Feedback::picture_loss(Ssrc(1), Ssrc(30));
        assert_eq!(feedback.translate(&RELAYED, &mut writer), Err(RtcpWriteError::BufferTooSmall));
        assert!(writer.is_empty());
    }
}
