//! `cargo xtask deps`: who may depend on whom (docs/architecture.md), and who may assert identity.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::shell::{cargo, output, root};

/// A crate of ours and what it must not reach, directly or through others, with the reason.
const FORBIDDEN: [(&str, &[&str], &str); 12] = [
    (
        "lockgate-engine",
        &[
            "lockgate-api",
            "lockgate-gate",
            "lockgate-access",
            "lockgate-rest",
        ],
        "the engine has no API versions and no door in it",
    ),
    (
        "lockgate-gate",
        &["lockgate-engine", "lockgate-rest", "lockgate-store"],
        "the gate works before any backend, a stock dockerd included",
    ),
    (
        "lockgate-guard",
        &["lockgate-engine", "lockgate-rest", "lockgate-store"],
        "a guard needs no engine",
    ),
    (
        "lockgate-runtime",
        &[
            "tokio",
            "hyper",
            "rustls",
            "lockgate-engine",
            "lockgate-store",
        ],
        "the shim and the runtime are small and start quickly",
    ),
    (
        "lockgate-store",
        &["tokio", "hyper", "lockgate-engine", "lockgate-net"],
        "the store is blocking and alone",
    ),
    (
        "lockgate-net",
        &["tokio", "hyper", "lockgate-engine", "lockgate-store"],
        "the network is blocking and alone",
    ),
    (
        "lockgate-api",
        &["tokio", "hyper", "lockgate-engine", "lockgate-gate"],
        "the API is data",
    ),
    (
        "lockgate-pki",
        &["tokio", "hyper", "lockgate-gate", "lockgate-engine"],
        "the CA works offline",
    ),
    (
        "lockgate-enroll",
        &["lockgate-gate", "lockgate-engine", "lockgate-api"],
        "the authority needs no daemon",
    ),
    (
        "lockgate-access",
        &[
            "tokio",
            "hyper",
            "lockgate-gate",
            "lockgate-engine",
            "lockgate-telemetry",
        ],
        "who may what, and the record of it, open no socket",
    ),
    (
        "lockgate-telemetry",
        &[
            "lockgate-engine",
            "lockgate-guard",
            "lockgate-rest",
            "lockgate-store",
        ],
        "whoever tells a collector sees calls and records, and no container",
    ),
    (
        "lockgate-types",
        &["tokio", "hyper", "rustix", "lockgate-sys"],
        "nouns do no I/O",
    ),
];

pub(crate) fn run() -> Result<()> {
    let text = output(cargo().args(["metadata", "--format-version=1", "--locked"]))?;
    let graph = Graph::read(&serde_json::from_str(&text)?)?;
    let mut faults = Vec::new();
    for (from, banned, reason) in FORBIDDEN {
        let reached = graph.reachable(from);
        for to in banned.iter().filter(|to| reached.contains(**to)) {
            faults.push(format!("{from} must not depend on {to}: {reason}"));
        }
    }
    assertions_outside_identity(&root(), &mut faults)?;
    unsafe_outside_sys(&root(), &mut faults)?;
    if faults.is_empty() {
        return Ok(());
    }
    bail!("dependency rules are broken:\n  {}", faults.join("\n  "))
}

/// Normal (not dev, not build) edges between packages, by name.
struct Graph(BTreeMap<String, BTreeSet<String>>);

impl Graph {
    fn read(metadata: &Value) -> Result<Self> {
        let names: BTreeMap<&str, &str> = list(metadata, "packages")
            .filter_map(|p| Some((p.get("id")?.as_str()?, p.get("name")?.as_str()?)))
            .collect();
        let resolve = metadata.get("resolve").context("no resolve graph")?;
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in list(resolve, "nodes") {
            let name = |id: &Value| {
                id.as_str()
                    .and_then(|id| names.get(id))
                    .map(|n| (*n).to_owned())
            };
            let from = node
                .get("id")
                .and_then(name)
                .context("a node without a name")?;
            let normal = list(node, "deps").filter(|dep| {
                list(dep, "dep_kinds").any(|kind| kind.get("kind").is_none_or(Value::is_null))
            });
            let targets = normal.filter_map(|dep| dep.get("pkg").and_then(name));
            edges.entry(from).or_default().extend(targets);
        }
        Ok(Self(edges))
    }

    fn reachable(&self, from: &str) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut queue = vec![from];
        while let Some(next) = queue.pop() {
            for to in self.0.get(next).into_iter().flatten() {
                if seen.insert(to.as_str()) {
                    queue.push(to);
                }
            }
        }
        seen
    }
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

/// `Verified::assertion` says "this identity is proven"; only the gate's identity module may.
fn assertions_outside_identity(root: &Path, faults: &mut Vec<String>) -> Result<()> {
    for file in rust_files(&root.join("crates"))?
        .into_iter()
        .chain(rust_files(&root.join("bin"))?)
    {
        let path = file.strip_prefix(root)?.display().to_string();
        let allowed = path.starts_with("crates/gate/src/identity") || path.contains("/tests");
        let code = fs::read_to_string(&file)?;
        let code = code.split("#[cfg(test)]").next().unwrap_or_default();
        // rustls has verdicts of that name too, `ServerCertVerified::assertion`.
        let asserts = code.match_indices("Verified::assertion(").any(|(at, _)| {
            !code
                .get(..at)
                .is_some_and(|before| before.ends_with(char::is_alphanumeric))
        });
        if !allowed && asserts {
            faults.push(format!(
                "{path} calls `assertion`: only gate::identity proves identities"
            ));
        }
    }
    Ok(())
}

fn unsafe_outside_sys(root: &Path, faults: &mut Vec<String>) -> Result<()> {
    for folder in ["crates", "bin"] {
        for file in rust_files(&root.join(folder))? {
            let path = file.strip_prefix(root)?.display().to_string();
            let code = fs::read_to_string(&file)?;
            if !path.starts_with("crates/sys/")
                && (code.contains("unsafe {") || code.contains("unsafe fn"))
            {
                faults.push(format!("{path} has unsafe code: it belongs in crates/sys"));
            }
        }
    }
    Ok(())
}

/// All `.rs` files below `folder`.
pub(crate) fn rust_files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut files = Vec::new();
    let mut queue = vec![folder.to_path_buf()];
    while let Some(next) = queue.pop() {
        for entry in
            fs::read_dir(&next).with_context(|| format!("cannot read {}", next.display()))?
        {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("target") {
                queue.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}
