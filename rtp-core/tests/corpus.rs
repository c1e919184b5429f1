//! The shared corpus of malformed packets: what its manifest asks of each.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use rtp_core::demux::{Kind, classify};
use rtp_core::packet::PacketError;
use rtp_core::rtcp::{Compound, Flaw};
use rtp_core::telephone_event::{EventReceiver, EventReport};
use rtp_core::{Packet, PacketMut};

/// In `TRUNKLINE_SHARED`, else in `../shared` beside the workspace.
fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let places = std::env::var_os("TRUNKLINE_SHARED").map(PathBuf::from).into_iter();
    let corpus = places.chain([beside]).map(|shared| shared.join("corpus")).find(|p| p.is_dir());
    if corpus.is_none() {
        // Past the test harness, which would swallow it.
        let _ = writeln!(std::io::stderr(), "skipped: no shared corpus of malformed packets");
    }
    corpus
}

fn files(folder: &str) -> Option<BTreeMap<String, Vec<u8>>> {
    let folder = corpus()?.join(folder);
    let entries = fs::read_dir(&folder).expect("the corpus has the folder");
    let files = entries.map(|entry| {
        let path = entry.expect("the folder can be listed").path();
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        (name, fs::read(&path).expect("the file can be read"))
    });
    Some(files.collect())
}

#[test]
fn rtp_is_dropped_or_decoded_within_bounds() {
    let Some(files) = files("own-rtp") else { return };
    assert!(files.len() >= 13, "the corpus has shrunk");
    for (name, bytes) in &files {
        let mut copy = bytes.clone();
        assert_eq!(PacketMut::parse(&mut copy).is_ok(), Packet::parse(bytes).is_ok(), "{name}");
        let Ok(packet) = Packet::parse(bytes) else { continue };
        let len = packet.header_len() + packet.payload().len() + packet.padding_len();
        assert_eq!(len, bytes.len(), "{name}");
        assert!(packet.extension().map_or(0, |e| e.elements().count()) <= bytes.len(), "{name}");
        // Whatever it is, an event receiver survives it.
        let mut receiver = EventReceiver::new(Default::default());
        let _ = receiver.handle_packet(Default::default(), &packet);
    }
}

#[test]
fn rtp_by_name() {
    let Some(files) = files("own-rtp") else { return };
    let refused = |name: &str| Packet::parse(&files[name]).expect_err(name);
    assert_eq!(refused("rtp-v0"), PacketError::Version(0));
    assert_eq!(refused("rtp-short11"), PacketError::Truncated { needed: 12, len: 11 });
    assert_eq!(refused("rtp-cc15"), PacketError::Truncated { needed: 72, len: 12 });
    assert_eq!(
        refused("rtp-ext-len-65535"),
        PacketError::Truncated { needed: 16 + 4 * 65_535, len: 16 }
    );
    assert_eq!(refused("rtp-pad-0"), PacketError::Padding { count: 0, available: 1 });
    assert_eq!(refused("rtp-pad-255"), PacketError::Padding { count: 255, available: 1 });

    let decoded = |name: &str| Packet::parse(&files[name]).expect(name);
    assert_eq!(decoded("rtp-empty-payload").payload(), b"");
    assert_eq!(decoded("rtp-jumbo").payload().len(), 9_000);
    let extension = decoded("rtp-ext-onebyte-15").extension().expect("it has one");
    assert_eq!(extension.elements().count(), 0, "identifier 15 ends the list");
    assert_eq!(classify(&files["rtp-pt72-rtcp-conflict"]), Kind::Rtcp);
    assert!(EventReport::parse(decoded("rtp-dtmf-3B").payload()).is_err());

    let mut receiver = EventReceiver::new(Default::default());
    let no_duration = decoded("rtp-dtmf-dur-0");
    receiver.handle_packet(Default::default(), &no_duration).expect("the payload is well formed");
    assert_eq!(receiver.poll_event(), None, "a digit of no duration is ignored");
}

#[test]
fn rtcp_is_refused() {
    let Some(files) = files("own-rtcp") else { return };
    assert!(files.len() >= 10, "the corpus has shrunk");
    for (name, bytes) in &files {
        let error = Compound::parse(bytes).expect_err(name);
        assert!(error.offset < bytes.len(), "{name}");
        // Reduced-size RTCP lets any type come first; these are malformed all the same.
        assert!(Compound::parse_reduced_size(bytes).is_err(), "{name}");
    }
    let flaw = |name: &str| Compound::parse(&files[name]).expect_err(name).flaw;
    assert_eq!(flaw("rtcp-len-65535"), Flaw::Truncated);
    assert_eq!(flaw("rtcp-rc31-empty"), Flaw::Malformed(201));
    assert_eq!(flaw("rtcp-zero-len-loop"), Flaw::Malformed(201));
    assert_eq!(flaw("rtcp-pad-bad"), Flaw::Padding(255));
    let truncated = Compound::parse(&files["rtcp-compound-trunc"]).expect_err("cut off");
    assert_eq!((truncated.offset, truncated.flaw), (8, Flaw::Truncated));
}
