//! Runs every target over its seeds, and over each seed with a few bytes changed, without a fuzzer.

use std::fs;
use std::path::{Path, PathBuf};

use trunkline_fuzz::{TARGETS, Target};

#[test]
fn seeds_pass() {
    for target in TARGETS {
        for (path, seed) in seeds(target) {
            run(target, &path, &seed);
        }
    }
}

#[test]
fn cut_and_changed_seeds_pass() {
    for target in TARGETS {
        for (path, seed) in seeds(target) {
            let step = (seed.len() / 128).max(1);
            for at in (0..seed.len()).step_by(step) {
                run(target, &path, &seed[..at]);
                for byte in [0, b' ', b'\n', b'9', b'a', 0xff] {
                    let mut changed = seed.clone();
                    changed[at] = byte;
                    run(target, &path, &changed);
                    changed.insert(at, byte);
                    run(target, &path, &changed);
                }
            }
        }
    }
}

#[test]
fn every_folder_of_seeds_has_a_target() {
    let known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name.as_str()), "seeds/{name} has no target");
    }
}

fn run((name, body): &Target, path: &Path, data: &[u8]) {
    let outcome = std::panic::catch_unwind(|| body(data));
    assert!(
        outcome.is_ok(),
        "{name} fails on a form of {}: {}",
        path.display(),
        data.escape_ascii()
    );
}

fn seeds((name, _): &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder().join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "no seeds for {name}");
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds")
}
