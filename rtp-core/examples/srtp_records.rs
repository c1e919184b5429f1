//! Makes, disturbs, protects and unprotects streams of packets on standard input and output: one end
//! of the comparison with libsrtp2 in `.ci/interop/srtp.sh`.
//!
//! ```text
//! srtp_records generate PACKETS            RTP of three streams that wrap, some RTCP between
//! srtp_records generate-rtp PACKETS        the same without RTCP
//! srtp_records disturb                     loses a tenth, delays the rest by up to 50 places
//! srtp_records protect|unprotect SUITE [MKI]
//! ```
//!
//! Packets come and go as records: an octet that is 0 for RTP and 1 for RTCP, two octets of length
//! (big-endian), the packet.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Read, Write};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rtp_core::packet::Extension;
use rtp_core::rtcp::CompoundWriter;
use rtp_core::srtp::{MasterKey, Policy, Protector, SrtpConfig, Unprotector};
use rtp_core::{Header, PayloadType, Ssrc};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut out = io::BufWriter::new(io::stdout().lock());
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["generate", packets] => generate(packets.parse()?, true, &mut out)?,
        ["generate-rtp", packets] => generate(packets.parse()?, false, &mut out)?,
        ["disturb"] => disturb(&mut out)?,
        [verb @ ("protect" | "unprotect"), suite, ref mki @ ..] => {
            let policy = Policy::from_name(suite).ok_or("unknown suite")?;
            let mki = mki.iter().map(|mki| mki.parse::<u8>()).collect::<Result<Vec<u8>, _>>()?;
            let len = policy.key_len() + policy.salt_len();
            let material: Vec<u8> = (0..len).map(|n| (n * 37) as u8 ^ 1).collect();
            let key = MasterKey::from_bytes(policy, &material)?.with_mki(&mki)?;
            if verb == "protect" { protect(key, &mut out)? } else { unprotect(key, &mut out)? }
        }
        _ => return Err("usage: generate|generate-rtp|disturb|protect|unprotect".into()),
    }
    Ok(out.flush()?)
}

struct Record {
    kind: u8,
    packet: Vec<u8>,
}

fn records() -> impl Iterator<Item = io::Result<Record>> {
    let mut input = io::BufReader::new(io::stdin().lock());
    std::iter::from_fn(move || {
        let mut head = [0; 3];
        match input.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return None,
            Err(error) => return Some(Err(error)),
            Ok(()) => {}
        }
        let [kind, high, low] = head;
        let mut packet = vec![0; u16::from_be_bytes([high, low]).into()];
        Some(input.read_exact(&mut packet).map(|()| Record { kind, packet }))
    })
}

fn write(out: &mut impl Write, kind: u8, packet: &[u8]) -> Result<(), Box<dyn Error>> {
    let [high, low] = u16::try_from(packet.len())?.to_be_bytes();
    out.write_all(&[kind, high, low])?;
    Ok(out.write_all(packet)?)
}

fn generate(packets: u32, with_rtcp: bool, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut buf = [0; 512];
    let mut payload = [0; 300];
    for count in 0..packets {
        // One stream in two is the first; numbers begin below 2^15, as RFC 4568 asks.
        let stream = if count % 2 == 0 { 0 } else { 1 + count / 2 % 2 };
        let number = if stream == 0 { count / 2 } else { count / 4 } + 32_000;
        random.fill_bytes(&mut payload);
        let payload = payload.get(..random.next_u32() as usize % 300).unwrap_or_default();
        let csrcs = [Ssrc(count), Ssrc(9)];
        let header = Header {
            marker: count % 50 == 0,
            csrcs: if count % 7 == 0 { &csrcs } else { &[] },
            extension: (count % 5 == 0)
                .then_some(Extension { profile: Extension::ONE_BYTE, data: &[0x10, 5, 0, 0] }),
            ..Header::new(PayloadType::PCMA, number as u16, 160 * count, Ssrc(100 + stream))
        };
        let padding = if count % 11 == 0 { 4 } else { 0 };
        let len = header.write_packet(payload, padding, &mut buf)?;
        write(out, 0, buf.get(..len).unwrap_or_default())?;
        if with_rtcp && count % 20 == 0 {
            let mut writer = CompoundWriter::new(&mut buf);
            writer.receiver_report(Ssrc(100 + stream), [])?;
            writer.bye(&[Ssrc(count)], Some(b"not yet"))?;
            let len = writer.finish();
            write(out, 1, buf.get(..len).unwrap_or_default())?;
        }
    }
    Ok(())
}

fn disturb(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut network = BTreeMap::new();
    for (count, record) in (0u64..).zip(records()) {
        let (lost, delay) = (random.next_u32().is_multiple_of(10), random.next_u32() % 50);
        if !lost {
            network.insert((count + u64::from(delay), count), record?);
        }
        while let Some(entry) = network.first_entry().filter(|entry| entry.key().0 <= count) {
            let record = entry.remove();
            write(out, record.kind, &record.packet)?;
        }
    }
    network.into_values().try_for_each(|record| write(out, record.kind, &record.packet))
}

fn protect(key: MasterKey, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut protector = Protector::new(key, SrtpConfig::default())?;
    for record in records() {
        let Record { kind, mut packet } = record?;
        let len = packet.len();
        packet.resize(len + protector.rtcp_overhead(), 0);
        let len = match kind {
            0 => protector.protect_rtp(&mut packet, len)?,
            _ => protector.protect_rtcp(&mut packet, len)?,
        };
        write(out, kind, packet.get(..len).unwrap_or_default())?;
    }
    Ok(())
}

fn unprotect(key: MasterKey, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut unprotector = Unprotector::new([key], SrtpConfig::default())?;
    for record in records() {
        let Record { kind, mut packet } = record?;
        let len = match kind {
            0 => unprotector.unprotect_rtp(&mut packet)?,
            _ => unprotector.unprotect_rtcp(&mut packet)?,
        };
        write(out, kind, packet.get(..len).unwrap_or_default())?;
    }
    Ok(())
}
