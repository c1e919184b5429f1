//! Nothing in the crate can panic: an optimised program that calls all of it links without a panic handler.
#![cfg(not(miri))]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn rustc(arguments: &[&str], out: &Path) -> Output {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    Command::new(rustc)
        .args(["--edition=2024", "-Copt-level=3", "-Cpanic=abort"])
        .args(arguments)
        .arg("-o")
        .arg(out)
        .output()
        .expect("rustc starts")
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("no_panic")
}

/// Builds the crate as its users do, with optimisation, and links the probe to it.
fn link_probe(extra: &[&str], name: &str) -> Result<PathBuf, String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = folder().join(name);
    std::fs::create_dir_all(&folder).expect("a folder below target");
    let library = folder.join("libcodec_g711.rlib");
    let source = manifest.join("src/lib.rs");
    let built = rustc(
        &["--crate-type=rlib", "--crate-name=codec_g711", &source.display().to_string()],
        &library,
    );
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));

    let probe = folder.join("probe");
    let external = format!("--extern=codec_g711={}", library.display());
    let source = manifest.join("tests/no_panic/probe.rs").display().to_string();
    let mut arguments = vec![external.as_str(), "-Clink-arg=-lc", source.as_str()];
    arguments.extend(extra);
    let linked = rustc(&arguments, &probe);
    let messages = String::from_utf8_lossy(&linked.stderr).into_owned();
    if linked.status.success() { Ok(probe) } else { Err(messages) }
}

#[test]
fn a_program_without_a_panic_handler_links_and_runs() {
    if !cfg!(target_os = "linux") {
        println!("skipped: the link is made with the options of Linux");
        return;
    }
    let probe = link_probe(&[], "clean").unwrap_or_else(|messages| panic!("{messages}"));
    let status = Command::new(probe).status().expect("the probe starts");
    assert!(status.success(), "{status}");
}

#[test]
fn the_link_fails_when_a_panic_is_added_on_purpose() {
    if !cfg!(target_os = "linux") {
        println!("skipped: the link is made with the options of Linux");
        return;
    }
    let messages = link_probe(&["--cfg=with_a_panic"], "control").expect_err("a panic is there");
    assert!(messages.contains("a_panic_can_be_reached"), "{messages}");
}
