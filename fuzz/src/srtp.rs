use rtp_core::srtp::{
    KeyDerivationRate, MasterKey, Policy, Protector, SrtpConfig, SrtpError, Unprotector,
};

use crate::records::records;

/// Datagrams from strangers between packets of the one who has the key, see `src/records.rs`.
///
/// The first byte chooses policy, MKI and key derivation rate. A record's source says what it is: a datagram of a
/// stranger's, RTP or RTCP; a packet to be protected and taken; one that is changed on its way. What the key's owner
/// protects comes back as it was, once; a change of any bit is refused; nothing else is taken, and no stranger makes a
/// stream known.
pub fn srtp(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let policy = Policy::ALL[usize::from(first) % Policy::ALL.len()];
    let mki: &[u8] = if first & 0x40 != 0 { &[1, 2] } else { &[] };
    let rate = if first & 0x80 != 0 {
        KeyDerivationRate::from_exponent(3).unwrap()
    } else {
        KeyDerivationRate::NEVER
    };
    let config = SrtpConfig {
        key_derivation_rate: rate,
        encrypt_rtcp: first & 0x20 == 0,
        max_streams: 4,
        ..SrtpConfig::default()
    };
    let material = vec![first; policy.key_len() + policy.salt_len()];
    let key = MasterKey::from_bytes(policy, &material).unwrap().with_mki(mki).unwrap();
    let mut theirs = Unprotector::new([key.clone()], config).unwrap();
    let mut ours = Protector::new(key, config).unwrap();
    let mut wires = Vec::new();

    for record in records(rest) {
        let rtcp = record.from & 1 != 0;
        let before = theirs.streams();
        match record.from >> 1 & 3 {
            0 => {
                let mut datagram = record.bytes.to_vec();
                let taken = unprotect(&mut theirs, rtcp, &mut datagram);
                // The script may hold the very bytes that were protected; a replay is refused all the same.
                assert!(taken.is_err() || wires.contains(&(rtcp, record.bytes.to_vec())));
                assert!(taken.is_ok() || theirs.streams() == before);
            }
            1 => {
                let Some(wire) = protect(&mut ours, rtcp, record.bytes) else { continue };
                let mut datagram = wire.clone();
                match unprotect(&mut theirs, rtcp, &mut datagram) {
                    Ok(length) => assert_eq!(datagram.get(..length), Some(record.bytes)),
                    // What was changed on its way may have been 2^15 ahead: then they count other rollovers.
                    Err(error) => assert!(
                        matches!(
                            error,
                            SrtpError::Authentication | SrtpError::Replayed | SrtpError::TooOld
                        ),
                        "{error}"
                    ),
                }
                assert!(unprotect(&mut theirs, rtcp, &mut wire.clone()).is_err(), "a replay");
                wires.push((rtcp, wire));
            }
            _ => {
                let Some(mut wire) = protect(&mut ours, rtcp, record.bytes) else { continue };
                wires.push((rtcp, wire.clone()));
                let bit = usize::from(record.from) * 31 % (8 * wire.len());
                wire[bit / 8] ^= 1 << (bit % 8);
                assert!(unprotect(&mut theirs, rtcp, &mut wire).is_err(), "bit {bit}");
                assert_eq!(theirs.streams(), before);
            }
        }
        assert!(theirs.streams() <= 4);
    }
}

/// `None` when the packet cannot be protected: then it is left as it was.
fn protect(ours: &mut Protector, rtcp: bool, packet: &[u8]) -> Option<Vec<u8>> {
    let room = if rtcp { ours.rtcp_overhead() } else { ours.rtp_overhead() };
    let mut buf = packet.to_vec();
    buf.resize(packet.len() + room, 0);
    let protected = if rtcp {
        ours.protect_rtcp(&mut buf, packet.len())
    } else {
        ours.protect_rtp(&mut buf, packet.len())
    };
    match protected {
        Ok(length) => {
            assert_eq!(length, buf.len());
            Some(buf)
        }
        Err(_) => {
            assert_eq!(buf.get(..packet.len()), Some(packet));
            None
        }
    }
}

fn unprotect(
    theirs: &mut Unprotector,
    rtcp: bool,
    datagram: &mut [u8],
) -> Result<usize, SrtpError> {
    if rtcp { theirs.unprotect_rtcp(datagram) } else { theirs.unprotect_rtp(datagram) }
}
