//! Who may know whom: the arrows of ARCHITECTURE.md, read from the manifests themselves.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// The crates that know none of ours.
const LEAVES: [&str; 7] = [
    "trunkline-calendar",
    "trunkline-codec-g711",
    "trunkline-dialplan",
    "trunkline-jitter-buffer",
    "trunkline-packet-ring",
    "trunkline-rtp-core",
    "trunkline-sip-core",
];

/// What a package may depend on among ours, or `None` when it may name anything.
fn allowed(package: &Package) -> Option<BTreeSet<&'static str>> {
    let name = package.name.as_str();
    if LEAVES.contains(&name) {
        Some(BTreeSet::new())
    } else if name == "trunkline-pbx" {
        Some(LEAVES.into())
    } else if package.manifest_path.as_str().contains("/examples/") {
        Some(LEAVES.into_iter().chain(["trunkline-pbx"]).collect())
    } else {
        None
    }
}

#[test]
fn no_crate_knows_one_that_it_must_not() {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata");
    let ours: BTreeSet<&str> =
        metadata.packages.iter().map(|package| package.name.as_str()).collect();
    assert!(LEAVES.iter().all(|leaf| ours.contains(leaf)), "a leaf crate is missing: {ours:?}");

    let mut wrong = Vec::new();
    for package in &metadata.packages {
        for dependency in &package.dependencies {
            let named = dependency.name.as_str();
            if !ours.contains(named) {
                continue;
            }
            let fits = match dependency.kind {
                // Tests may use the testkit, by path, so that nothing of it is ever published.
                DependencyKind::Development => {
                    allowed(package).is_none()
                        || (named == "trunkline-testkit" && dependency.path.is_some())
                        || allowed(package).is_some_and(|may| may.contains(named))
                }
                _ => allowed(package).is_none_or(|may| may.contains(named)),
            };
            if !fits {
                wrong.push(format!("{} -> {named} ({:?})", package.name, dependency.kind));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that ARCHITECTURE.md forbids:\n{}", wrong.join("\n"));
}

#[test]
fn what_nobody_ships_is_never_published() {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata");
    for package in &metadata.packages {
        let ships = LEAVES.contains(&package.name.as_str()) || package.name == "trunkline-pbx";
        let published = package.publish.as_ref().is_none_or(|registries| !registries.is_empty());
        assert_eq!(ships, published, "{}", package.name);
    }
}
