use rtp_core::extension::{ElementForm, ExtensionWriter};
use rtp_core::packet::{Element, Extension};
use rtp_core::{Header, Packet, PayloadType, Ssrc};

/// Two bytes of profile and the data of a header extension.
///
/// Elements lie within the data, one behind the other; written again in their own form they read as the same, and
/// the same through a packet.
pub fn header_extension(data: &[u8]) {
    let Some((&[high, low], rest)) = data.split_first_chunk::<2>() else { return };
    let profile = u16::from_be_bytes([high, low]);
    let whole = &rest[..rest.len() / 4 * 4];
    // Data that is no whole number of words reads, too, though a packet cannot have it.
    let _ = Extension { profile, data: rest }.elements().count();
    let extension = Extension { profile, data: whole };
    let elements: Vec<Element<'_>> = extension.elements().collect();
    let form = match profile {
        Extension::ONE_BYTE => ElementForm::OneByte,
        0x1000..=0x100f => ElementForm::TwoByte { application: low & 0x0f },
        _ => {
            assert!(elements.is_empty());
            return;
        }
    };
    let head = if form == ElementForm::OneByte { 1 } else { 2 };
    let octets: usize = elements.iter().map(|element| head + element.data.len()).sum();
    assert!(octets <= whole.len());

    let mut room = vec![0xff; whole.len()];
    let mut writer = ExtensionWriter::new(form, &mut room);
    let mut kept = Vec::new();
    for element in &elements {
        // Identifier 0 of the one-byte form is malformed and only ever read.
        if element.id == 0 {
            assert!(writer.push(0, element.data).is_err());
            continue;
        }
        writer
            .push(element.id, element.data)
            .expect("what was read has room where it was read from");
        kept.push(*element);
    }
    let written = writer.finish();
    assert_eq!(written.profile, profile);
    assert!(written.data.len() <= whole.len() && written.data.len().is_multiple_of(4));
    assert!(written.elements().eq(kept.iter().copied()));

    let header =
        Header { extension: Some(extension), ..Header::new(PayloadType::PCMA, 1, 2, Ssrc(3)) };
    let mut packet = vec![0; header.encoded_len() + 5];
    if header.write(&mut packet).is_ok() {
        let read = Packet::parse(&packet).unwrap();
        assert_eq!(read.extension(), Some(extension));
        assert_eq!(read.payload(), [0; 5]);
    }
}
