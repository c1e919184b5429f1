//! SECURITY.md lists attacks and the tests that stand against them: each of those tests is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names of all functions in the sources below a folder.
fn functions(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            functions(&path, names);
        } else if name.ends_with(".rs") {
            let source = std::fs::read_to_string(&path).unwrap();
            for (at, _) in source.match_indices("fn ") {
                let name = source[at + 3..].split(|c: char| !c.is_alphanumeric() && c != '_');
                names.extend(name.take(1).map(str::to_owned));
            }
        }
    }
}

/// Class and tests of each row.
fn rows(table: &str) -> Vec<(&str, &str)> {
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let cells = rows.map(|row| row.trim_matches('|').split(" | ").collect::<Vec<_>>());
    let rows = cells.filter_map(|cells| Some((cells.first()?.trim(), cells.get(1)?.trim())));
    rows.filter(|(class, _)| *class != "class").collect()
}

#[test]
fn every_attack_has_its_tests() {
    let table = std::fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let mut known = BTreeSet::new();
    functions(&root(), &mut known);
    let rows = rows(&table);
    assert!(rows.len() >= 38, "{} classes", rows.len());
    for (class, tests) in rows {
        let quoted = tests.split('`').skip(1).step_by(2);
        // `attacks` is the folder that most of them are in.
        let is_name = |text: &&str| {
            let is_snake = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'));
            is_snake && *text != "attacks"
        };
        let named: Vec<&str> = quoted.filter(is_name).collect();
        for name in &named {
            assert!(known.contains(*name), "{class}: there is no test {name}");
        }
        let elsewhere = ["the same", "no such surface", "`fuzz/`"];
        let is_covered = !named.is_empty() || elsewhere.iter().any(|it| tests.contains(it));
        assert!(is_covered, "{class} names no test");
    }
}
