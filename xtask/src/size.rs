//! `cargo xtask size`: no file grows beyond what a reader holds in mind.

use std::fs;

use anyhow::{Result, bail};

use crate::deps::rust_files;
use crate::shell::root;

/// Lines that are not tests; aimed at 300, refused above this.
const HARD_LIMIT: usize = 600;

pub(crate) fn run() -> Result<()> {
    let root = root();
    let mut sizes = Vec::new();
    for folder in ["bin", "crates", "xtask", "bench", "fuzz"] {
        for file in rust_files(&root.join(folder))? {
            let path = file.strip_prefix(&root)?.display().to_string();
            if path.contains("/tests/") || path.ends_with("tests.rs") {
                continue;
            }
            let code = fs::read_to_string(&file)?;
            let lines = code
                .split("\n#[cfg(test)]\nmod tests {")
                .next()
                .unwrap_or_default()
                .lines()
                .count();
            sizes.push((lines, path));
        }
    }
    sizes.sort();
    let median = sizes.get(sizes.len() / 2).map_or(0, |(lines, _)| *lines);
    let over: Vec<_> = sizes
        .iter()
        .filter(|(lines, _)| *lines > HARD_LIMIT)
        .collect();
    println!("{} files, median {median} lines, largest:", sizes.len());
    for (lines, path) in sizes.iter().rev().take(8) {
        println!("  {lines:4} {path}");
    }
    if !over.is_empty() {
        bail!("files over {HARD_LIMIT} lines: {over:?}");
    }
    Ok(())
}
