//! The overwriting ring between threads: what arrives is whole and in order, what does not is counted.

use std::thread;

use packet_ring::overwrite;

#[test]
fn read_and_lost_add_up_for_every_reader() {
    const RECORDS: usize = 200_000;
    let (mut writer, reader) = overwrite::ring::<[usize; 4], 4>(64);
    let readers: Vec<_> = [1, 7, 64, 100]
        .into_iter()
        .map(|batch| {
            let mut reader = reader.clone();
            thread::spawn(move || {
                let mut records = vec![[0; 4]; batch];
                let mut next = 0;
                loop {
                    let ended = reader.is_abandoned();
                    let read = reader.read(&mut records);
                    next += read.lost;
                    for record in &records[..read.count] {
                        assert_eq!(*record, [next; 4], "whole, and the one expected");
                        next += 1;
                    }
                    if read.count == 0 && read.lost == 0 {
                        if ended {
                            break;
                        }
                        thread::yield_now();
                    }
                }
                assert_eq!(next, RECORDS);
            })
        })
        .collect();
    let numbers: Vec<_> = (0..RECORDS).map(|number| [number; 4]).collect();
    for batch in numbers.chunks(23) {
        writer.push_slice(batch);
    }
    drop(writer);
    for reader in readers {
        reader.join().unwrap();
    }
}
