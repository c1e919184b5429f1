//! SIP ladder diagrams from what crossed a network.

use std::fmt::Write;
use std::net::SocketAddr;

use crate::network::Passage;

const COLUMN: usize = 26;

/// Prints datagrams as a ladder: a column a participant, an arrow a message.
///
/// ```text
///           alice                       pbx                       bob
///             |                          |                         |
///   0.000     |---- INVITE 102 (sdp) --->|                         |
///   0.001     |                          |---- INVITE (sdp) ------>|
/// ```
///
/// Messages that the network lost end in `x` instead of an arrow head; ones it doubled in `>>`.
#[derive(Debug, Default)]
pub struct Ladder {
    participants: Vec<(String, Vec<SocketAddr>)>,
}

impl Ladder {
    /// A ladder without participants.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a column, from left to right.
    pub fn participant(
        mut self,
        name: &str,
        addresses: impl IntoIterator<Item = SocketAddr>,
    ) -> Self {
        self.participants.push((name.to_owned(), addresses.into_iter().collect()));
        self
    }

    /// The diagram. Datagrams that are not SIP, or from or to strangers, are left out.
    pub fn draw(&self, passages: &[Passage]) -> String {
        let mut picture = String::new();
        let mut header = " ".repeat(8);
        for (name, _) in &self.participants {
            let _ = write!(header, "{name:^COLUMN$}");
        }
        picture.push_str(header.trim_end());
        picture.push('\n');
        for passage in passages {
            let (Some(from), Some(to)) =
                (self.column(passage.datagram.source), self.column(passage.datagram.destination))
            else {
                continue;
            };
            let Some(label) = label(&passage.datagram.bytes) else { continue };
            let time = format!("{:>8.3}", passage.sent.as_secs_f64());
            let line = self.arrow(from, to, &label, passage.copies);
            let _ = writeln!(picture, "{}", format!("{time}{}", &line[time.len()..]).trim_end());
        }
        picture
    }

    fn column(&self, address: SocketAddr) -> Option<usize> {
        self.participants.iter().position(|(_, addresses)| addresses.contains(&address))
    }

    fn arrow(&self, from: usize, to: usize, label: &str, copies: u32) -> String {
        let position = |column: usize| 8 + COLUMN / 2 + column * COLUMN;
        let width = position(self.participants.len());
        let mut line = vec![' '; width];
        for column in 0..self.participants.len() {
            line[position(column)] = '|';
        }
        let (left, right) = (position(from.min(to)), position(from.max(to)));
        if left < right {
            line[left + 1..right].fill('-');
        }
        let space = right.saturating_sub(left + 1);
        let text: Vec<char> =
            format!(" {label} ").chars().take(space.saturating_sub(4).max(1)).collect();
        let start = left + 1 + space.saturating_sub(text.len()) / 2;
        for (slot, letter) in line[start..].iter_mut().zip(text) {
            *slot = letter;
        }
        let (head, second) = match copies {
            0 => ('x', None),
            1 => (if from < to { '>' } else { '<' }, None),
            _ if from < to => ('>', Some('>')),
            _ => ('<', Some('<')),
        };
        let (at, before) = if from < to { (right - 1, right - 2) } else { (left + 1, left + 2) };
        line[at] = head;
        if let Some(second) = second {
            line[before] = second;
        }
        line.into_iter().collect()
    }
}

/// `INVITE 102 (sdp)` or `180 INVITE`, a body by its subtype; `None` for what is not SIP.
fn label(bytes: &[u8]) -> Option<String> {
    let head_end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
    let head = std::str::from_utf8(&bytes[..head_end]).ok()?;
    let kind = head
        .lines()
        .find_map(|line| line.strip_prefix("Content-Type:"))
        .and_then(|value| value.split(['/', ';']).nth(1))
        .map_or("sdp", str::trim);
    let body = match bytes.len() > head_end + 4 {
        true => format!(" ({kind})"),
        false => String::new(),
    };
    let first = head.lines().next()?;
    if let Some(status) = first.strip_prefix("SIP/2.0 ") {
        let method = head
            .lines()
            .find_map(|line| line.strip_prefix("CSeq:"))
            .and_then(|value| value.split_whitespace().nth(1))
            .unwrap_or("?");
        let code = status.split(' ').next()?;
        return Some(format!("{code} {method}{body}"));
    }
    let mut words = first.strip_suffix(" SIP/2.0")?.split(' ');
    let (method, uri) = (words.next()?, words.next()?);
    let user = uri.split_once(':').and_then(|(_, rest)| rest.split_once('@')).map(|(user, _)| user);
    match (method, user) {
        ("INVITE" | "REGISTER" | "REFER" | "MESSAGE", Some(user)) => {
            Some(format!("{method} {user}{body}"))
        }
        _ => Some(format!("{method}{body}")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::network::Datagram;

    fn passage(ms: u64, from: u16, to: u16, text: &str, copies: u32) -> Passage {
        let address = |port| SocketAddr::from(([192, 0, 2, 1], port));
        Passage {
            sent: Duration::from_millis(ms),
            datagram: Datagram {
                source: address(from),
                destination: address(to),
                bytes: Bytes::from(text.to_owned()),
            },
            copies,
        }
    }

    #[test]
    fn draws_who_sent_what_to_whom() {
        let address = |port| [SocketAddr::from(([192, 0, 2, 1], port))];
        let ladder =
            Ladder::new().participant("alice", address(1)).participant("pbx", address(2)).draw(&[
                passage(0, 1, 2, "INVITE sip:102@example.com SIP/2.0\r\n\r\nv=0", 1),
                passage(5, 2, 1, "SIP/2.0 180 Ringing\r\nCSeq: 1 INVITE\r\n\r\n", 0),
                passage(9, 3, 1, "OPTIONS sip:x SIP/2.0\r\n\r\n", 1),
                passage(12, 1, 2, "BYE sip:102@example.com SIP/2.0\r\n\r\n", 2),
            ]);
        let expected = [
            "                  alice                      pbx",
            "   0.000             |--- INVITE 102 (sdp) --->|",
            "   0.005             |x----- 180 INVITE -------|",
            "   0.012             |---------- BYE -------->>|",
        ];
        assert_eq!(ladder.lines().collect::<Vec<_>>(), expected, "\n{ladder}");
    }
}
