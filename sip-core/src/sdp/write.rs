//! Writing a description.

use super::address::Connection;
use super::attribute::Attributes;
use super::grammar::write_number;
use super::media::{Format, Media};
use super::session::{Bandwidth, SessionDescription};
use super::text::Text;

pub(super) fn session(description: &SessionDescription, out: &mut Vec<u8>) {
    out.extend_from_slice(b"v=0\r\no=");
    let origin = &description.origin;
    out.extend_from_slice(origin.username.as_bytes());
    out.push(b' ');
    write_number(out, origin.session_id);
    out.push(b' ');
    write_number(out, origin.session_version);
    out.push(b' ');
    address(out, &origin.address);
    out.extend_from_slice(b"\r\n");
    line(out, b's', &description.name);
    description.information.iter().for_each(|text| line(out, b'i', text));
    description.uri.iter().for_each(|text| line(out, b'u', text));
    description.emails.iter().for_each(|text| line(out, b'e', text));
    description.phones.iter().for_each(|text| line(out, b'p', text));
    description.connection.iter().for_each(|c| connection(out, c));
    bandwidths(out, &description.bandwidths);
    for time in &description.times {
        out.extend_from_slice(b"t=");
        write_number(out, time.start);
        out.push(b' ');
        write_number(out, time.stop);
        out.extend_from_slice(b"\r\n");
        time.repeats.iter().for_each(|text| line(out, b'r', text));
        time.zone.iter().for_each(|text| line(out, b'z', text));
    }
    description.key.iter().for_each(|text| line(out, b'k', text));
    attributes(out, &description.attributes);
    description.media.iter().for_each(|m| media(out, m));
}

fn media(out: &mut Vec<u8>, media: &Media) {
    out.extend_from_slice(b"m=");
    out.extend_from_slice(media.kind.as_bytes());
    out.push(b' ');
    write_number(out, media.port.into());
    if let Some(count) = media.port_count {
        out.push(b'/');
        write_number(out, count.into());
    }
    out.push(b' ');
    out.extend_from_slice(media.protocol.as_bytes());
    for format in &media.formats {
        out.push(b' ');
        match format {
            Format::Payload(payload_type) => write_number(out, (*payload_type).into()),
            Format::Other(text) => out.extend_from_slice(text.as_bytes()),
        }
    }
    out.extend_from_slice(b"\r\n");
    media.information.iter().for_each(|text| line(out, b'i', text));
    media.connections.iter().for_each(|c| connection(out, c));
    bandwidths(out, &media.bandwidths);
    media.key.iter().for_each(|text| line(out, b'k', text));
    attributes(out, &media.attributes);
}

fn line(out: &mut Vec<u8>, letter: u8, text: &Text) {
    out.extend_from_slice(&[letter, b'=']);
    out.extend_from_slice(text.as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn connection(out: &mut Vec<u8>, connection: &Connection) {
    out.extend_from_slice(b"c=");
    address(out, &connection.address);
    let ttl = connection.ttl.map(u64::from);
    for number in ttl.into_iter().chain(connection.count.map(u64::from)) {
        out.push(b'/');
        write_number(out, number);
    }
    out.extend_from_slice(b"\r\n");
}

fn address(out: &mut Vec<u8>, address: &super::Address) {
    out.extend_from_slice(b"IN ");
    out.extend_from_slice(address.family().as_str().as_bytes());
    out.push(b' ');
    address.write(out);
}

fn bandwidths(out: &mut Vec<u8>, bandwidths: &[Bandwidth]) {
    for bandwidth in bandwidths {
        out.extend_from_slice(b"b=");
        out.extend_from_slice(bandwidth.kind.as_bytes());
        out.push(b':');
        write_number(out, bandwidth.value);
        out.extend_from_slice(b"\r\n");
    }
}

fn attributes(out: &mut Vec<u8>, attributes: &Attributes) {
    for attribute in attributes.iter() {
        out.extend_from_slice(b"a=");
        out.extend_from_slice(attribute.line());
        out.extend_from_slice(b"\r\n");
    }
}
