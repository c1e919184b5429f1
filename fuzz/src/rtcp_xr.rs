use rtp_core::rtcp::xr::{Block, RunLength, encode_runs};
use rtp_core::rtcp::{Compound, CompoundWriter, ExtendedReport, Packet};

/// The body of an extended report: an SSRC and blocks.
///
/// What is read is written in a form that reads as the same; runs speak of the numbers between their ends and no
/// others, and survive being coded again.
pub fn rtcp_xr(data: &[u8]) {
    let body = &data[..data.len() / 4 * 4];
    let Ok(words) = u16::try_from(body.len() / 4) else { return };
    let [high, low] = words.to_be_bytes();
    let bytes = [&[0x80, 207, high, low], body].concat();
    let Ok(compound) = Compound::parse_reduced_size(&bytes) else { return };
    let Some(Packet::ExtendedReport(report)) = compound.packets().next() else {
        panic!("an extended report");
    };
    check(&report, bytes.len());
}

/// `length` is that of the packet, and more than that is not written.
pub(crate) fn check(report: &ExtendedReport<'_>, length: usize) {
    let blocks: Vec<Block<'_>> = report.blocks().collect();
    for block in &blocks {
        match block {
            Block::LossRle(runs) | Block::DuplicateRle(runs) => run_length(runs),
            Block::ReceiptTimes(times) => {
                let span = times.end.wrapping_sub(times.begin);
                for (number, _) in times.iter() {
                    assert!(number.wrapping_sub(times.begin) < span);
                }
            }
            _ => {}
        }
    }
    let mut written = vec![0; length];
    let mut writer = CompoundWriter::reduced_size(&mut written);
    writer.extended_report(report.ssrc, &blocks).expect("what was read can be written");
    assert_eq!(writer.finish(), length);
    let again = Compound::parse_reduced_size(&written).unwrap();
    let Some(Packet::ExtendedReport(again)) = again.packets().next() else {
        panic!("still an extended report");
    };
    assert_eq!(again.ssrc, report.ssrc);
    assert!(again.blocks().map(meaning).eq(blocks.into_iter().map(meaning)));
}

/// A block without the bits that are reserved or were not measured.
fn meaning(block: Block<'_>) -> String {
    format!("{block:?}")
}

fn run_length(runs: &RunLength<'_>) {
    let span = runs.end.wrapping_sub(runs.begin);
    let mut bits = Vec::new();
    for (number, bit) in runs.iter() {
        assert!(number.wrapping_sub(runs.begin) < span);
        assert!(u32::from(number).is_multiple_of(1 << runs.thinning));
        bits.push(bit);
    }
    let mut chunks = vec![[0; 2]; bits.len() / 15 + 1];
    let count = encode_runs(bits.iter().copied(), &mut chunks).expect("one for fifteen, and one");
    let coded = RunLength { chunks: &chunks[..count], ..*runs };
    let again: Vec<bool> = coded.iter().map(|(_, bit)| bit).take(bits.len()).collect();
    assert_eq!(again, bits);
}
