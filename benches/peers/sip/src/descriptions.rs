//! The session description of the INVITE, read.

use std::hint::black_box;
use std::net::IpAddr;
use std::str::from_utf8;

use bytes::Bytes;

use crate::messages::INVITE;
use crate::turns::{contender, measure, unlike};

/// What is read of a description.
#[derive(Debug, Default, PartialEq)]
struct Values<'a> {
    address: Option<IpAddr>,
    port: u16,
    formats: [u8; 4],
    /// Payload type, encoding and clock rate of each rtpmap.
    codecs: [(u8, &'a str, u32); 4],
}

fn expected() -> Values<'static> {
    Values {
        address: Some([192, 0, 2, 11].into()),
        port: 4000,
        formats: [8, 0, 9, 101],
        codecs: [
            (8, "PCMA", 8000),
            (0, "PCMU", 8000),
            (9, "G722", 8000),
            (101, "telephone-event", 8000),
        ],
    }
}

type Read = fn(&Bytes, &mut dyn FnMut(Values<'_>));

pub fn run() {
    let (_, body) = INVITE.split_once("\r\n\r\n").unwrap();
    let body = &Bytes::from(body.as_bytes().to_vec());

    measure(
        "SDP read",
        vec![
            contender("trunkline-sip-core", move || {
                let limits = sip_core::sdp::Limits::default();
                let read = sip_core::sdp::SessionDescription::parse_bytes(black_box(body), &limits);
                black_box(&read);
            }),
            unlike("sdp-types 0.3", "addresses, formats and rtpmaps stay text", move || {
                black_box(&sdp_types::Session::parse(black_box(body)));
            }),
            contender("ezk-sdp-types 0.6", move || {
                let text = ezk_text(black_box(body));
                black_box(&ezk_sdp_types::SessionDescription::parse(&text));
            }),
            contender("rvoip-sip-core 0.4", move || {
                black_box(&rvoip_sip_core::sdp::parser::parse_sdp(black_box(body)));
            }),
            unlike("rsiprtp 0.4", "addresses, formats and rtpmaps stay text", move || {
                let text = from_utf8(black_box(body)).unwrap();
                black_box(&rsiprtp::sdp::parser::SessionDescription::parse(text));
            }),
            unlike("sip-core 0.3", "addresses stay text", move || {
                let text = from_utf8(black_box(body)).unwrap();
                black_box(&peer_sip_core::SdpSession::parse(text));
            }),
        ],
    );

    let readers: [(&'static str, Read); 6] = [
        ("trunkline-sip-core", trunkline),
        ("sdp-types 0.3, its texts read by hand", sdp_types),
        ("ezk-sdp-types 0.6", ezk),
        ("rvoip-sip-core 0.4", rvoip),
        ("rsiprtp 0.4", rsiprtp),
        ("sip-core 0.3", sip_core_03),
    ];
    let contenders = readers.into_iter().map(|(name, read)| {
        let mut seen = 0;
        read(body, &mut |values| {
            assert_eq!(values, expected(), "{name}");
            seen += 1;
        });
        assert_eq!(seen, 1, "{name}");
        contender(name, move || {
            read(black_box(body), &mut |values| {
                black_box(&values);
            });
        })
    });
    measure("SDP read, and its address, port, formats and codecs", contenders.collect());
}

fn trunkline(body: &Bytes, take: &mut dyn FnMut(Values<'_>)) {
    use sip_core::sdp::{Format, Limits, SessionDescription};
    let read = SessionDescription::parse_bytes(body, &Limits::default()).unwrap();
    let media = read.media.first().unwrap();
    let mut values = Values {
        address: read.connection.as_ref().and_then(|connection| connection.address.ip()),
        port: media.port,
        ..Values::default()
    };
    for (to, format) in values.formats.iter_mut().zip(&media.formats) {
        *to = match format {
            Format::Payload(number) => *number,
            _ => unreachable!(),
        };
    }
    for (to, payload_type) in values.codecs.iter_mut().zip(values.formats) {
        let (encoding, clock_rate, _) = media.rtpmap(payload_type).unwrap();
        *to = (payload_type, encoding, clock_rate);
    }
    take(values);
}

fn ezk_text(body: &Bytes) -> bytesstr::BytesStr {
    bytesstr::BytesStr::from_utf8_bytes(body.clone()).unwrap()
}

fn ezk(body: &Bytes, take: &mut dyn FnMut(Values<'_>)) {
    use ezk_sdp_types::TaggedAddress;
    let read = ezk_sdp_types::SessionDescription::parse(&ezk_text(body)).unwrap();
    let media = read.media_descriptions.first().unwrap();
    let mut values = Values {
        address: match read.connection.as_ref().map(|connection| &connection.address) {
            Some(TaggedAddress::IP4(address)) => Some((*address).into()),
            _ => None,
        },
        port: media.media.port,
        ..Values::default()
    };
    for (to, format) in values.formats.iter_mut().zip(&media.media.fmts) {
        *to = *format;
    }
    for (to, map) in values.codecs.iter_mut().zip(&media.rtpmap) {
        *to = (map.payload, map.encoding.as_str(), map.clock_rate);
    }
    take(values);
}

/// `8 PCMA/8000`
fn rtpmap(text: &str) -> (u8, &str, u32) {
    let (number, codec) = text.split_once(' ').unwrap();
    let (name, rate) = codec.split_once('/').unwrap();
    (number.parse().unwrap(), name, rate.parse().unwrap())
}

fn sdp_types(body: &Bytes, take: &mut dyn FnMut(Values<'_>)) {
    let read = sdp_types::Session::parse(body).unwrap();
    let media = read.medias.first().unwrap();
    let mut values = Values {
        address: read.connection.as_ref().and_then(|c| c.connection_address.parse().ok()),
        port: media.port,
        ..Values::default()
    };
    for (to, format) in values.formats.iter_mut().zip(media.fmt.split(' ')) {
        *to = format.parse().unwrap();
    }
    let maps = media.attributes.iter().filter(|attribute| attribute.attribute == "rtpmap");
    for (to, map) in values.codecs.iter_mut().zip(maps) {
        *to = rtpmap(map.value.as_deref().unwrap());
    }
    take(values);
}

fn rvoip(body: &Bytes, take: &mut dyn FnMut(Values<'_>)) {
    use rvoip_sip_core::types::sdp::ParsedAttribute;
    let read = rvoip_sip_core::sdp::parser::parse_sdp(body).unwrap();
    let media = read.media_descriptions.first().unwrap();
    let mut values = Values {
        address: read.connection_info.as_ref().and_then(|c| c.connection_address.parse().ok()),
        port: media.port,
        ..Values::default()
    };
    for (to, format) in values.formats.iter_mut().zip(&media.formats) {
        *to = format.parse().unwrap();
    }
    let maps = media.generic_attributes.iter().filter_map(|attribute| match attribute {
        ParsedAttribute::RtpMap(map) => Some(map),
        _ => None,
    });
    for (to, map) in values.codecs.iter_mut().zip(maps) {
        *to = (map.payload_type, &map.encoding_name, map.clock_rate);
    }
    take(values);
}

fn rsiprtp(body: &Bytes, take: &mut dyn FnMut(Values<'_>)) {
    let read = rsiprtp::sdp::parser::SessionDescription::parse(from_utf8(body).unwrap()).unwrap();
    let media = read.media.first().unwrap();
    let mut values = Values {
        address: read.connection.as_ref().and_then(|connection| connection.ip_addr()),
        port: media.port,
        ..Values::default()
    };
    for (to, format) in values.formats.iter_mut().zip(&media.formats) {
        *to = format.parse().unwrap();
    }
    let maps = media.rtpmaps();
    for (to, map) in values.codecs.iter_mut().zip(&maps) {
        *to = (map.payload_type, &map.encoding, map.clock_rate);
    }
    take(values);
}

fn sip_core_03(body: &Bytes, take: &mut dyn FnMut(Values<'_>)) {
    let read = peer_sip_core::SdpSession::parse(from_utf8(body).unwrap()).unwrap();
    let media = read.media_descriptions.first().unwrap();
    let mut values = Values {
        address: read.get_connection_address().and_then(|address| address.parse().ok()),
        port: media.port,
        ..Values::default()
    };
    for (to, format) in values.formats.iter_mut().zip(&media.formats) {
        *to = *format;
    }
    for (to, map) in values.codecs.iter_mut().zip(&media.rtpmaps) {
        *to = (map.payload_type, &map.encoding_name, map.clock_rate);
    }
    take(values);
}
