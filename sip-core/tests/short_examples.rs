//! The short examples are short, and run.

use std::path::Path;
use std::process::Command;

#[test]
fn short_examples_are_short_and_run() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    // Beside this test, where `cargo test` builds them.
    let program = std::env::current_exe().unwrap();
    let programs = program.parent().unwrap().parent().unwrap().join("examples");
    for name in ["build_request", "edit_message", "parse_and_answer", "walk_vias"] {
        let source = std::fs::read_to_string(sources.join(format!("{name}.rs"))).unwrap();
        assert!(source.lines().count() <= 60, "{name} is long");
        let example = programs.join(name).with_extension(std::env::consts::EXE_EXTENSION);
        if !example.is_file() {
            println!("skipped: {name} was not built");
            continue;
        }
        let output = Command::new(example).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.stdout.is_empty(), "{name} says nothing");
    }
}
