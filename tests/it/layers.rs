//! The order of the crates: each imports only from lower layers, and siblings never import each other.

use std::collections::BTreeMap;
use std::path::Path;

/// The layers from the ground up, as `ARCHITECTURE.md` draws them.
const LAYERS: &[&[&str]] = &[
    &["model", "journal"],
    &["book", "ledger", "pricing"],
    &["exchange"],
    &["sequencer", "feed", "history", "api"],
    &["gateway", "replica", "web", "maker", "load", "fit"],
];

/// Crates that see the market only as a customer does.
const ONLY: &[(&str, &[&str])] = &[
    ("load", &["api"]),
    ("maker", &["api", "pricing"]),
    ("fit", &["pricing"]),
    ("pricing", &[]),
    ("journal", &[]),
    ("model", &[]),
];

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
}

/// Why an import of `to` by `from` is wrong, if it is.
fn fault(from: &str, to: &str) -> Option<String> {
    let Some(above) = layer(from) else {
        return Some(format!("crate {from} has no layer: add it to LAYERS"));
    };
    let Some(below) = layer(to) else { return Some(format!("crate {to} has no layer: add it to LAYERS")) };
    if below >= above {
        return Some(format!("{from} (layer {above}) imports {to} (layer {below})"));
    }
    match ONLY.iter().find(|only| only.0 == from) {
        Some((_, allowed)) if !allowed.contains(&to) => {
            Some(format!("{from} may import only {allowed:?}, not {to}"))
        }
        _ => None,
    }
}

/// What each crate under `crates/` imports of ours, tests apart.
fn imports() -> BTreeMap<String, Vec<String>> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(crates).unwrap() {
        let folder = entry.unwrap().path();
        let Ok(manifest) = std::fs::read_to_string(folder.join("Cargo.toml")) else { continue };
        let manifest: toml::Table = manifest.parse().unwrap();
        let ours = |table: Option<&toml::Value>| -> Vec<String> {
            let names = table.and_then(toml::Value::as_table).into_iter().flat_map(|table| table.keys());
            names.filter_map(|name| name.strip_prefix("hourbook-")).map(String::from).collect()
        };
        let name = folder.file_name().unwrap().to_str().unwrap().to_string();
        found.insert(name, ours(manifest.get("dependencies")));
    }
    found
}

#[test]
fn every_crate_imports_only_from_lower_layers() {
    let imports = imports();
    assert!(imports.len() >= 9, "only {} crates were found", imports.len());
    let faults: Vec<String> =
        imports.iter().flat_map(|(from, to)| to.iter().filter_map(|to| fault(from, to))).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn a_wrong_import_is_seen() {
    assert!(fault("book", "exchange").is_some(), "upwards");
    assert!(fault("book", "ledger").is_some(), "sideways");
    assert!(fault("load", "sequencer").is_some(), "load is a customer");
    assert!(fault("newcomer", "model").is_some(), "no layer");
    assert!(fault("exchange", "book").is_none());
}
