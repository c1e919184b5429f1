//! As much of STUN (RFC 5389) as keep-alives take: a binding request and its answer.

use core::net::{IpAddr, SocketAddr};

const COOKIE: u32 = 0x2112_a442;
const HEADER: usize = 20;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;

/// What sets a request apart.
pub(super) type Transaction = [u8; 12];

/// A binding request.
pub(super) fn request(transaction: Transaction) -> Vec<u8> {
    let mut out = vec![0, 1, 0, 0];
    out.extend_from_slice(&COOKIE.to_be_bytes());
    out.extend_from_slice(&transaction);
    out
}

/// Whether this is STUN and not SIP: its first two bits are zero, as no letter's are, and the
/// cookie is in its place.
pub(super) fn is_stun(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER
        && bytes.first().is_some_and(|byte| byte & 0xc0 == 0)
        && bytes.get(4..8) == Some(&COOKIE.to_be_bytes())
}

/// The address in a binding success response to `transaction`; `None` for anything else.
pub(super) fn mapped(bytes: &[u8], transaction: &Transaction) -> Option<SocketAddr> {
    if !is_stun(bytes) || bytes.get(..2)? != [1, 1] || bytes.get(8..HEADER)? != transaction {
        return None;
    }
    let length = usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?));
    let mut attributes = bytes.get(HEADER..HEADER + length)?;
    loop {
        let (kind, rest) = attributes.split_first_chunk::<2>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        if u16::from_be_bytes(*kind) == XOR_MAPPED_ADDRESS {
            return address(rest.get(..length)?, transaction);
        }
        // Attributes fill whole words.
        attributes = rest.get(length.next_multiple_of(4)..)?;
    }
}

fn address(value: &[u8], transaction: &Transaction) -> Option<SocketAddr> {
    let (head, address) = value.split_first_chunk::<4>()?;
    let [_, family, high, low] = *head;
    let port = u16::from_be_bytes([high, low]) ^ (COOKIE >> 16) as u16;
    let ip: IpAddr = match family {
        1 => (u32::from_be_bytes(address.try_into().ok()?) ^ COOKIE).to_be_bytes().into(),
        2 => {
            let mut mask = [0; 16];
            mask[..4].copy_from_slice(&COOKIE.to_be_bytes());
            mask[4..].copy_from_slice(transaction);
            let masked = u128::from_be_bytes(address.try_into().ok()?);
            (masked ^ u128::from_be_bytes(mask)).to_be_bytes().into()
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sample answers of RFC 5769 §2.2 and §2.3 without their other attributes.
    fn answer(attribute: &[u8]) -> (Vec<u8>, Transaction) {
        let transaction = *b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";
        let mut bytes = vec![1, 1, 0, attribute.len() as u8];
        bytes.extend_from_slice(&COOKIE.to_be_bytes());
        bytes.extend_from_slice(&transaction);
        bytes.extend_from_slice(attribute);
        (bytes, transaction)
    }

    #[test]
    fn the_samples_of_rfc_5769_are_read() {
        let v4 = b"\x80\x22\x00\x03abc \x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43";
        let (bytes, transaction) = answer(v4);
        assert_eq!(mapped(&bytes, &transaction), Some("192.0.2.1:32853".parse().unwrap()));
        let v6 = b"\x00\x20\x00\x14\x00\x02\xa1\x47\x01\x13\xa9\xfa\xa5\xd3\xf1\x79\
                   \xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9";
        let (bytes, transaction) = answer(v6);
        let expected = "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().unwrap();
        assert_eq!(mapped(&bytes, &transaction), Some(expected));
    }

    #[test]
    fn only_answers_to_the_request_count_and_damage_is_survived() {
        let (bytes, transaction) = answer(b"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43");
        assert_eq!(mapped(&bytes, &[0; 12]), None);
        for length in 0..bytes.len() {
            assert_eq!(mapped(&bytes[..length], &transaction), None);
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0xff;
            let _ = mapped(&damaged, &transaction);
        }
        assert!(is_stun(&bytes) && is_stun(&request(transaction)));
        assert!(!is_stun(b"OPTIONS sip:bob@example.com SIP/2.0") && !is_stun(b"\r\n"));
    }
}
