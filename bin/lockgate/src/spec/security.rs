//! `--security-opt`: what we read ourselves, and what the daemon reads.

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
    host.security_opt = (!kept.is_empty()).then_some(kept);
    Ok(())
}

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
    fn system_paths_can_be_laid_open() {
        let mut host = HostConfig::default();
        build(&["systempaths=unconfined".to_owned()], &mut host).unwrap();
        assert_eq!(host.masked_paths, Some(Vec::new()));
        assert_eq!(host.security_opt, None);
        assert!(build(&["foo".to_owned()], &mut host).is_err());
    }
}
