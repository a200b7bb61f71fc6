//! What docs/guard.md tells the administrator to write and to run, as files.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

const PAGE: &str = include_str!("../../../docs/guard.md");
const SETUP: &str = "## Setting it up with systemd";

/// Below `to`: each file at its path in `root`, and the commands in `commands.sh`.
pub(super) fn write(to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    let mut commands = String::new();
    for (language, text) in blocks()? {
        if language == "sh" {
            commands.push_str(text);
            continue;
        }
        let (path, text) = file(text)?;
        let path = to.join("root").join(path);
        fs::create_dir_all(path.parent().context("a file in no folder")?)?;
        fs::write(path, text)?;
    }
    ensure!(!commands.is_empty(), "docs/guard.md has no commands");
    fs::write(to.join("commands.sh"), commands)?;
    Ok(())
}

/// The blocks of the section, each with its language.
fn blocks() -> Result<Vec<(&'static str, &'static str)>> {
    let (_, section) = PAGE
        .split_once(SETUP)
        .context("docs/guard.md has no setup")?;
    let section = section.split("\n## ").next().unwrap_or_default();
    let parts = section.split("```").skip(1).step_by(2);
    parts
        .map(|block| block.split_once('\n').context("a block without a line"))
        .collect()
}

/// The first line says where it goes: `# /etc/…` or, in JSON, `// /etc/…, without this line`.
fn file(block: &'static str) -> Result<(&'static str, &'static str)> {
    let (first, rest) = block.split_once('\n').context("a file without a text")?;
    let path = first.trim_start_matches(['#', '/', ' ']);
    let path = path.split(',').next().unwrap_or_default().trim();
    ensure!(path.starts_with("etc/"), "`{first}` names no file in /etc");
    // Comments are none in JSON.
    Ok((path, if first.starts_with('#') { block } else { rest }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_the_units_and_settings_of_both_daemons() {
        let blocks = blocks().unwrap();
        let files: Vec<&str> = blocks
            .iter()
            .filter(|(language, _)| *language != "sh")
            .map(|(_, text)| file(text).unwrap().0)
            .collect();
        assert_eq!(
            files,
            [
                "etc/systemd/system/docker.socket.d/lockgate.conf",
                "etc/systemd/system/lockgated.socket.d/guard.conf",
                "etc/lockgate/daemon.json"
            ]
        );
    }
}
