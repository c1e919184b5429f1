//! What is written is read back, whatever the header holds.

use proptest::collection::vec;
use proptest::prelude::*;
use rtp_core::packet::Extension;
use rtp_core::{Header, Packet, PacketMut, PayloadType, Ssrc};

proptest! {
    #[test]
    fn headers_survive(
        marker: bool,
        payload_type in 0u8..128,
        sequence_number: u16,
        timestamp: u32,
        ssrc: u32,
        csrcs in vec(any::<u32>(), 0..=15),
        extension in proptest::option::of((any::<u16>(), vec(any::<[u8; 4]>(), 0..20))),
        payload in vec(any::<u8>(), 0..400),
        padding: u8,
    ) {
        let csrcs: Vec<Ssrc> = csrcs.into_iter().map(Ssrc).collect();
        let data = extension.as_ref().map(|(_, words)| words.concat()).unwrap_or_default();
        let extension = extension.map(|(profile, _)| Extension { profile, data: &data });
        let header = Header {
            marker,
            payload_type: PayloadType::new(payload_type).unwrap(),
            sequence_number,
            timestamp,
            ssrc: Ssrc(ssrc),
            csrcs: &csrcs,
            extension,
        };
        let mut buf = vec![0xa5; 2_000];
        let len = header.write_packet(&payload, padding, &mut buf).unwrap();
        let mut bytes = buf[..len].to_vec();

        let packet = Packet::parse(&bytes).unwrap();
        prop_assert_eq!(packet.marker(), marker);
        prop_assert_eq!(packet.payload_type().value(), payload_type);
        prop_assert_eq!(packet.sequence_number(), sequence_number);
        prop_assert_eq!(packet.timestamp(), timestamp);
        prop_assert_eq!(packet.ssrc(), Ssrc(ssrc));
        prop_assert!(packet.csrcs().eq(csrcs.iter().copied()));
        prop_assert_eq!(packet.extension(), extension);
        prop_assert_eq!(packet.header_len(), header.encoded_len());
        prop_assert_eq!(packet.payload(), &payload[..]);
        prop_assert_eq!(packet.padding_len(), usize::from(padding));
        prop_assert!(buf[len..].iter().all(|&octet| octet == 0xa5));

        // The header alone goes in front of a payload in place, apart from the padding bit.
        if padding == 0 {
            let mut in_place = vec![0; header.encoded_len()];
            in_place.extend_from_slice(&payload);
            prop_assert_eq!(header.write(&mut in_place), Ok(header.encoded_len()));
            prop_assert_eq!(&in_place, &bytes);
        }

        // A relay changes these five and nothing else.
        let mut relayed = PacketMut::parse(&mut bytes).unwrap();
        relayed.set_marker(!marker);
        relayed.set_payload_type(PayloadType::PCMU);
        relayed.set_sequence_number(!sequence_number);
        relayed.set_timestamp(!timestamp);
        relayed.set_ssrc(Ssrc(!ssrc));
        let expected = Header {
            marker: !marker,
            payload_type: PayloadType::PCMU,
            sequence_number: !sequence_number,
            timestamp: !timestamp,
            ssrc: Ssrc(!ssrc),
            ..header
        };
        let len = expected.write_packet(&payload, padding, &mut buf).unwrap();
        prop_assert_eq!(&bytes[..], &buf[..len]);
    }

    #[test]
    fn a_short_buffer_is_refused_untouched(
        payload in vec(any::<u8>(), 0..40),
        padding in 0u8..8,
        missing in 1usize..20,
    ) {
        let header = Header::new(PayloadType::PCMU, 1, 2, Ssrc(3));
        let needed = header.encoded_len() + payload.len() + usize::from(padding);
        let mut buf = vec![0xa5; needed.saturating_sub(missing)];
        prop_assert!(header.write_packet(&payload, padding, &mut buf).is_err());
        prop_assert!(buf.iter().all(|&octet| octet == 0xa5));
    }
}
