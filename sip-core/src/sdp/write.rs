//! Writing a description.

use core::fmt::Display;
use std::io::Write;

use super::address::Connection;
use super::attribute::Attributes;
use super::media::{Format, Media};
use super::session::{Bandwidth, SessionDescription};
use super::text::Text;

pub(super) fn session(description: &SessionDescription, out: &mut Vec<u8>) {
    out.extend_from_slice(b"v=0\r\no=");
    let origin = &description.origin;
    out.extend_from_slice(origin.username.as_bytes());
    show(out, format_args!(" {} {} ", origin.session_id, origin.session_version));
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
        show(out, format_args!("t={} {}\r\n", time.start, time.stop));
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
    show(out, format_args!(" {}", media.port));
    if let Some(count) = media.port_count {
        show(out, format_args!("/{count}"));
    }
    out.push(b' ');
    out.extend_from_slice(media.protocol.as_bytes());
    for format in &media.formats {
        out.push(b' ');
        match format {
            Format::Payload(payload_type) => show(out, payload_type),
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
    if let Some(ttl) = connection.ttl {
        show(out, format_args!("/{ttl}"));
    }
    if let Some(count) = connection.count {
        show(out, format_args!("/{count}"));
    }
    out.extend_from_slice(b"\r\n");
}

fn address(out: &mut Vec<u8>, address: &super::Address) {
    out.extend_from_slice(b"IN ");
    out.extend_from_slice(address.family().as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(address.text().as_bytes());
}

fn bandwidths(out: &mut Vec<u8>, bandwidths: &[Bandwidth]) {
    for bandwidth in bandwidths {
        out.extend_from_slice(b"b=");
        out.extend_from_slice(bandwidth.kind.as_bytes());
        show(out, format_args!(":{}\r\n", bandwidth.value));
    }
}

fn attributes(out: &mut Vec<u8>, attributes: &Attributes) {
    for attribute in attributes {
        line(out, b'a', attribute.line());
    }
}

/// Writing into a vector cannot fail.
fn show(out: &mut Vec<u8>, value: impl Display) {
    let _ = write!(out, "{value}");
}
