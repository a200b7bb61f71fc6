//! AppArmor: the profile that containers have on hosts with it.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use lockgate_types::container::HostConfig;

use crate::container::create::Security;

/// The profile of containers that name none. Its own name: a stock engine on the same host has another.
pub(crate) const DEFAULT: &str = "lockgate-default";
/// The word for no profile.
const UNCONFINED: &str = "unconfined";

/// Whether the kernel enforces profiles and there is a program to load one: the stock engine's question too.
pub(crate) fn is_on() -> bool {
    static ON: OnceLock<bool> = OnceLock::new();
    *ON.get_or_init(|| {
        let enabled = fs::read_to_string("/sys/module/apparmor/parameters/enabled");
        enabled.is_ok_and(|text| text.trim() == "Y")
            && Path::new("/sys/kernel/security/apparmor").is_dir()
            && Path::new(PARSER).exists()
            // Profiles are the host root's to load.
            && !lockgate_sys::userns::is_nested()
    })
}

/// Loads the default profile, replacing an older one of ours.
pub(crate) fn load() -> io::Result<()> {
    let mut parser = Command::new(PARSER)
        .args(["--replace", "--skip-cache", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = parser.stdin.take() {
        input.write_all(PROFILE.as_bytes())?;
    }
    let output = parser.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(text.trim().to_owned()))
}

/// The profile of a container and its execs; `None` where there is no AppArmor, as in the stock engine.
pub(crate) fn profile_of(host: &HostConfig) -> Option<String> {
    is_on().then(|| choose(host))
}

fn choose(host: &HostConfig) -> String {
    // Options that cannot be read were refused at the creation.
    let asked = Security::parse(host).ok();
    let asked = asked.and_then(|security| security.apparmor);
    match asked {
        Some(profile) if !profile.is_empty() => profile.to_owned(),
        _ if host.privileged => UNCONFINED.to_owned(),
        _ => DEFAULT.to_owned(),
    }
}

const PARSER: &str = "/sbin/apparmor_parser";
/// Everything inside the container is allowed; the ways from it into the kernel's settings are not.
const PROFILE: &str = include_str!("apparmor.profile");

#[cfg(test)]
mod tests {
    use super::*;

    fn host(option: &str, privileged: bool) -> HostConfig {
        HostConfig {
            security_opt: (!option.is_empty()).then(|| vec![option.to_owned()]),
            privileged,
            ..HostConfig::default()
        }
    }

    #[test]
    fn a_named_profile_goes_first_then_privilege_then_the_default() {
        assert_eq!(choose(&host("", false)), DEFAULT);
        assert_eq!(choose(&host("", true)), UNCONFINED);
        assert_eq!(choose(&host("apparmor=mine", true)), "mine");
        assert_eq!(choose(&host("apparmor:unconfined", false)), UNCONFINED);
        assert!(PROFILE.contains(&format!("profile {DEFAULT} ")));
    }
}
