//! The words of the control socket, a datagram each; each is answered by one.

use anyhow::{Context, Result, bail};

use crate::relay::{Relay, Side};

/// Does what the text says and returns the answer.
pub fn obey(relay: &mut Relay, text: &[u8]) -> String {
    match try_obey(relay, text) {
        Ok(answer) => answer,
        Err(error) => format!("error: {error:#}"),
    }
}

fn try_obey(relay: &mut Relay, text: &[u8]) -> Result<String> {
    let text = std::str::from_utf8(text).context("not text")?;
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        ["add", left_local, left_peer, right_local, right_peer] => {
            let (left, right) =
                relay.add(side(left_local, left_peer)?, side(right_local, right_peer)?)?;
            Ok(format!("ok {left} {right}"))
        }
        ["del", local, peer] => relay.remove(side(local, peer)?).map(|()| "ok".to_owned()),
        ["list"] => {
            let mut lines: Vec<String> = relay
                .sides()
                .map(|(local, peer, packets)| format!("{local} {peer} {packets}\n"))
                .collect();
            lines.sort();
            Ok(lines.concat())
        }
        ["stats"] => Ok(relay.stats()),
        _ => bail!("expected: add LOCAL PEER LOCAL PEER | del LOCAL PEER | list | stats"),
    }
}

fn side(local: &str, peer: &str) -> Result<Side> {
    let parse = |text: &str| text.parse().with_context(|| format!("{text} is not ADDRESS:PORT"));
    Ok(Side { local: parse(local)?, peer: parse(peer)? })
}
