//! `--security-opt`: what we read ourselves, and what the daemon reads.

use std::collections::BTreeSet;
use std::fs;

use lockgate_types::container::HostConfig;

use crate::config::go_error;

/// Fills in the security options; a seccomp profile is sent as text, not as a path.
pub(super) fn build(options: &[String], host: &mut HostConfig) -> Result<(), String> {
    let mut kept = Vec::new();
    for option in options {
        match option.as_str() {
            "systempaths=unconfined" => {
                host.masked_paths = Some(Vec::new());
                host.readonly_paths = Some(Vec::new());
            }
            "no-new-privileges" => kept.push(option.clone()),
            text => kept.push(read(text)?),
        }
    }
    host.security_opt = (!options.is_empty()).then_some(kept);
    Ok(())
}

/// Capabilities under their full names, each once; what is added is not dropped.
pub(super) fn capabilities(add: &[String], drop: &[String]) -> (Vec<String>, Vec<String>) {
    let (add, drop) = (full_names(add), full_names(drop));
    let is_kept = |name: &&String| !add.contains(*name) && !add.contains(RESET);
    let drop = drop.iter().filter(is_kept).cloned().collect();
    (add.into_iter().collect(), drop)
}

fn full_names(names: &[String]) -> BTreeSet<String> {
    let full = |name: &String| {
        let name = name.trim().to_ascii_uppercase();
        let is_full = name == ALL || name == RESET || name.starts_with("CAP_");
        if is_full { name } else { format!("CAP_{name}") }
    };
    let all: BTreeSet<String> = names.iter().map(full).collect();
    if all.contains(ALL) {
        BTreeSet::from([ALL.to_owned()])
    } else {
        all
    }
}

const ALL: &str = "ALL";
const RESET: &str = "RESET";

fn read(option: &str) -> Result<String, String> {
    let pair = option.split_once('=').or_else(|| option.split_once(':'));
    let Some((key, value)) = pair.filter(|(key, _)| !key.is_empty()) else {
        return Err(format!("Invalid --security-opt: {option:?}"));
    };
    if key != "seccomp" || matches!(value, "unconfined" | "builtin") {
        return Ok(option.to_owned());
    }
    let text = fs::read(value).map_err(|error| {
        format!(
            "opening seccomp profile ({value}) failed: open {value}: {}",
            go_error(&error)
        )
    })?;
    let profile: serde_json::Value = serde_json::from_slice(&text).map_err(|error| {
        format!("compacting json for seccomp profile ({value}) failed: {error}")
    })?;
    Ok(format!("seccomp={profile}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seccomp_profile_travels_as_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.json");
        fs::write(&path, "{ \"a\" : 1 }").unwrap();
        let mut host = HostConfig::default();
        let options = [
            format!("seccomp={}", path.display()),
            "no-new-privileges".to_owned(),
        ];
        build(&options, &mut host).unwrap();
        assert_eq!(
            host.security_opt.unwrap(),
            ["seccomp={\"a\":1}", "no-new-privileges"]
        );
    }

    #[test]
    fn capabilities_have_their_full_names() {
        let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let (add, drop) = capabilities(
            &owned(&["net_admin", "CAP_CHOWN", "chown"]),
            &owned(&["chown", "kill"]),
        );
        assert_eq!(add, ["CAP_CHOWN", "CAP_NET_ADMIN"]);
        assert_eq!(drop, ["CAP_KILL"]);
        assert_eq!(capabilities(&[], &owned(&["kill", "all"])).1, ["ALL"]);
    }

    #[test]
    fn system_paths_can_be_laid_open() {
        let mut host = HostConfig::default();
        build(&["systempaths=unconfined".to_owned()], &mut host).unwrap();
        assert_eq!(host.masked_paths, Some(Vec::new()));
        assert_eq!(host.security_opt, Some(Vec::new()));
        assert!(build(&["foo".to_owned()], &mut host).is_err());
    }
}
