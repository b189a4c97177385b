//! Each recipe of this test is a file to copy, which names what it needs in its first lines.

use std::{collections::BTreeSet, fs};

const RECIPES: [&str; 7] =
    ["curl", "errors", "hyper", "queue", "reqwest_async", "reqwest_blocking", "ureq"];

#[test]
fn names_its_crates_and_uses_no_other() {
    let folder = env!("CARGO_MANIFEST_DIR");
    let manifest = fs::read_to_string(format!("{folder}/Cargo.toml")).unwrap();
    let dependencies: BTreeSet<_> = manifest
        .lines()
        .filter_map(needed)
        .filter(|(name, _)| *name != "mobivate-response")
        .collect();
    for recipe in RECIPES {
        let text = fs::read_to_string(format!("{folder}/src/{recipe}.rs")).unwrap();
        let (head, rest) = text.split_once("\n//! ```toml\n").unwrap();
        assert!(head.starts_with("//! ") && head.lines().count() < 8, "{recipe}: first lines");
        let (toml, code) = rest.split_once("//! ```\n").unwrap();
        let toml = toml.replace("//! ", "");
        let named: BTreeSet<_> = toml.lines().filter_map(needed).collect();
        assert_eq!(named.len(), toml.lines().count(), "{recipe}: {toml}");
        for (name, version) in &named {
            assert!(dependencies.contains(&(*name, *version)), "{recipe}: {name} {version}");
        }

        let code: Vec<_> = code.lines().filter(|line| !line.trim().starts_with("//")).collect();
        let code = code.join("\n");
        for path in ["crate::", "super::", "recipes::"] {
            assert!(!code.contains(path), "{recipe} uses {path}");
        }
        for (name, _) in &dependencies {
            let used = code.contains(&format!("{}::", name.replace('-', "_")));
            let is_named = named.iter().any(|(other, _)| other == name);
            assert_eq!(used, is_named, "{recipe}: {name}");
        }
    }
}

/// The name and the version of a dependency, from its line.
fn needed(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once(" = ")?;
    let version = value.trim_start_matches("{ version = ").strip_prefix('"')?;
    let (version, _) = version.split_once('"')?;
    version.starts_with(|first: char| first.is_ascii_digit()).then_some((name, version))
}
