//! The layers and the bans, over `cargo metadata`: who may depend on whom, and what may not come in at all.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{Metadata, MetadataCommand};

/// A library, and the only crates of the workspace that may know it. What is not named may be used anywhere.
const WRAPPED: &[(&str, &[&str])] = &[
    ("async-nats", &["nats"]),
    ("sqlx", &["store", "testkit"]),
    ("qdrant-client", &["knowledge", "qdrant-local"]),
    ("async-openai", &["models"]),
    ("ollama-rs", &["models"]),
    ("teloxide", &["telegram"]),
    ("qdrant-edge", &["qdrant-local"]),
    ("axum", &["ingress", "api", "runtime", "web", "qdrant-local", "testkit"]),
    ("tower-http", &["ingress", "api", "runtime", "web"]),
];

/// What a crate of the workspace may know of the others; `vectora` and `testkit` may know all.
const LAYERS: &[(&str, &[&str])] = &[
    ("contract", &[]),
    ("runtime", &[]),
    ("embedded", &[]),
    ("fake-models", &[]),
    ("fake-telegram", &[]),
    ("nats", &["contract", "runtime"]),
    ("store", &["contract", "runtime"]),
    ("knowledge", &["contract", "runtime"]),
    ("extract", &["contract", "runtime"]),
    // Pure: the analyser of knowledge is all it takes from there.
    ("grounding", &["contract", "knowledge"]),
    ("models", &["contract", "runtime"]),
    ("telegram", &["contract", "runtime"]),
    ("qdrant-local", &[]),
    ("retrieval", &["contract", "runtime", "store", "knowledge", "grounding", "models"]),
    ("web", &["contract", "runtime", "store"]),
    ("ingress", &["contract", "runtime", "store", "nats", "web", "telegram"]),
    ("api", &["contract", "runtime", "store", "nats", "web", "retrieval"]),
    (
        "workers",
        &[
            "contract",
            "runtime",
            "store",
            "nats",
            "models",
            "telegram",
            "knowledge",
            "extract",
            "retrieval",
            "grounding",
        ],
    ),
];

/// A second TLS or crypto provider, native code that must be found on the machine, and crates whose licence
/// would bind ours.
const BANNED: &[&str] =
    &["aws-lc-rs", "aws-lc-sys", "openssl", "openssl-sys", "native-tls", "html2md", "epub"];

/// Names that say nothing.
const VAGUE: &[&str] = &["common", "core", "utils", "util", "helpers", "shared", "misc"];

fn metadata() -> Metadata {
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    MetadataCommand::new()
        .other_options(["--locked".to_owned(), "--filter-platform".to_owned(), host])
        .exec()
        .expect("cargo describes the workspace")
}

/// For each crate of the workspace: what it depends on outside of tests.
fn dependencies(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    metadata
        .workspace_packages()
        .into_iter()
        .map(|package| {
            let normal = package
                .dependencies
                .iter()
                .filter(|dependency| dependency.kind != cargo_metadata::DependencyKind::Development);
            (package.name.to_string(), normal.map(|dependency| dependency.name.clone()).collect())
        })
        .collect()
}

#[test]
fn every_crate_knows_only_the_layers_below_it() {
    let metadata = metadata();
    let all = dependencies(&metadata);
    let layers: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    for (name, known) in &all {
        if name == "vectora" || name == "testkit" {
            continue;
        }
        let allowed =
            layers.get(name.as_str()).unwrap_or_else(|| panic!("{name} has no place in LAYERS: give it one"));
        for other in known.iter().filter(|other| all.contains_key(*other)) {
            assert!(allowed.contains(&other.as_str()), "{name} may not depend on {other}");
        }
    }
}

#[test]
fn every_wrapped_library_is_known_by_its_wrapper_only() {
    let all = dependencies(&metadata());
    for (library, wrappers) in WRAPPED {
        for (name, known) in &all {
            assert!(
                !known.contains(*library) || wrappers.contains(&name.as_str()),
                "{name} may not know {library}"
            );
        }
    }
}

#[test]
fn nothing_banned_is_in_the_tree() {
    let metadata = metadata();
    let resolved: BTreeSet<_> =
        metadata.resolve.iter().flat_map(|resolve| &resolve.nodes).map(|node| &node.id).collect();
    let mut seen = 0;
    for package in metadata.packages.iter().filter(|package| resolved.contains(&package.id)) {
        seen += 1;
        assert!(!BANNED.contains(&package.name.as_str()), "{} is banned", package.name);
        // "MIT OR GPL-2.0" leaves a choice; GPL alone does not.
        let licence = package.license.as_deref().unwrap_or_default();
        let choices: Vec<&str> = licence.split(" OR ").collect();
        assert!(!choices.iter().all(|choice| choice.contains("GPL")), "{}: {licence}", package.name);
    }
    assert!(seen > 100, "the tree was looked at");
}

#[test]
fn names_say_what_is_inside() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        assert!(!VAGUE.contains(&package.name.as_str()), "{} says nothing", package.name);
        let root = package.manifest_path.parent().expect("a manifest lies in a directory").as_std_path();
        let mut folders = vec![root.join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("sources can be read").map_while(Result::ok) {
                let path = entry.path();
                let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
                assert!(!VAGUE.contains(&stem.as_str()), "{} says nothing", path.display());
                assert!(
                    !stem.starts_with("new_") && !stem.ends_with("_v2"),
                    "{} has a name that ages",
                    path.display()
                );
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
    }
}

#[test]
fn a_dependency_is_declared_once_with_its_features_for_all() {
    for package in metadata().workspace_packages() {
        let text = std::fs::read_to_string(&package.manifest_path).expect("the manifest can be read");
        let own = text.lines().find(|line| line.contains("features =") || line.contains("version = \""));
        assert_eq!(own, None, "{}: features and versions stand in the root Cargo.toml only", package.name);
    }
}

#[test]
fn a_turn_opens_at_a_stage_there_is_and_names_are_not_used_twice() {
    let names: Vec<&str> = workers::stages::ALL.iter().map(|stage| stage.name).collect();
    for needed in [store::turns::OPENING_STAGE, store::accept::INTAKE, store::outbound::DELIVER] {
        assert!(names.contains(&needed), "{needed} is no stage");
    }
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
}
