//! From comments to the tests that they stand at.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Proofs;
use crate::deps::rust_files;

/// What begins a public identifier: found in any comment of a test.
const PUBLIC: [&str; 3] = ["CVE-", "GHSA-", "RUSTSEC-"];

/// Reads every test of the workspace. `words` are our own names for attacks.
pub(super) fn tree(root: &Path, words: &[&str]) -> Result<Proofs> {
    let mut proofs = Proofs::new();
    for folder in ["bin", "crates", "tests", "fuzz"] {
        let folder = root.join(folder);
        if !folder.exists() {
            continue;
        }
        for file in rust_files(&folder)? {
            let path = file.strip_prefix(root)?.display().to_string();
            let code = fs::read_to_string(&file).with_context(|| format!("cannot read {path}"))?;
            for (id, test) in of_file(&code, words) {
                proofs
                    .entry(id)
                    .or_default()
                    .push(format!("{path}: {test}"));
            }
        }
    }
    Ok(proofs)
}

/// Identifiers and the names of the tests whose comments hold them.
fn of_file(code: &str, words: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut waiting: Vec<String> = Vec::new();
    // A comment inside a test is about that test.
    let mut inside: Option<String> = None;
    let mut is_test = false;
    for line in code.lines().map(str::trim) {
        if let Some(comment) = line
            .strip_prefix("//")
            .filter(|rest| !rest.starts_with('!'))
        {
            waiting.extend(identifiers(comment, words));
        } else if line.starts_with("#[") {
            is_test |= line.contains("test]") || line.contains("test(");
        } else if let Some(name) = function(line) {
            inside = is_test.then(|| name.to_owned());
            is_test = false;
            settle(&mut waiting, inside.as_deref(), &mut found);
        } else if !line.is_empty() {
            settle(&mut waiting, inside.as_deref(), &mut found);
        }
    }
    found
}

fn settle(waiting: &mut Vec<String>, test: Option<&str>, found: &mut Vec<(String, String)>) {
    let ids = waiting.drain(..);
    if let Some(test) = test {
        found.extend(ids.map(|id| (id, test.to_owned())));
    }
}

fn function(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("async ")
        .unwrap_or(line)
        .strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

/// Public identifiers anywhere; words of ours after `T:` alone, for they are English too.
fn identifiers(comment: &str, words: &[&str]) -> Vec<String> {
    let parts = |text: &str| -> Vec<String> {
        let inside = |c: char| c.is_ascii_alphanumeric() || "-#._".contains(c);
        text.split(|c| !inside(c))
            .map(|part| part.trim_end_matches(['.', '-']).to_owned())
            .collect()
    };
    let public = parts(comment)
        .into_iter()
        .filter(|part| PUBLIC.iter().any(|kind| part.starts_with(kind)));
    let ours = comment.split_once("T: ").map(|(_, list)| parts(list));
    let ours = ours.unwrap_or_default().into_iter();
    public
        .chain(ours.filter(|part| words.contains(&part.as_str())))
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::of_file;

    const CODE: &str = "
// T: no-san, CVE-2020-1 and more
#[test]
fn first() {
    // T: moby#1
    let x = 1;
}

/// About CVE-2020-2. The word no-san is not meant here.
#[tokio::test]
async fn second() {}

// CVE-2020-3
fn helper() {}
";

    #[test]
    fn comments_belong_to_the_test_below_or_around_them() {
        let found = of_file(CODE, &["no-san", "moby#1"]);
        let found: Vec<_> = found
            .iter()
            .map(|(id, test)| (id.as_str(), test.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("CVE-2020-1", "first"),
                ("no-san", "first"),
                ("moby#1", "first"),
                ("CVE-2020-2", "second"),
            ]
        );
    }
}
