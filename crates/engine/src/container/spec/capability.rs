//! Which capabilities a container gets.

use lockgate_runtime::spec::{all_capabilities, default_capabilities};
use lockgate_types::container::HostConfig;
use oci_spec::runtime::Capability;

use crate::container::config_error::ConfigError;

/// Docker's defaults with `CapAdd` and `CapDrop` applied; everything for a privileged container.
pub(crate) fn resolve(host: &HostConfig) -> Result<Vec<Capability>, ConfigError> {
    let add = parse(host.cap_add.as_deref(), ConfigError::CapAdd)?;
    let drop = parse(host.cap_drop.as_deref(), ConfigError::CapDrop)?;
    if host.privileged {
        return Ok(all_capabilities());
    }
    let mut all = match (&add, &drop) {
        (Named::All, _) => all_capabilities(),
        (Named::These(_), Named::All) => Vec::new(),
        (Named::These(_), Named::These(_)) => default_capabilities(),
    };
    if let Named::These(dropped) = &drop {
        all.retain(|capability| !dropped.contains(capability));
    }
    if let Named::These(added) = add {
        for capability in added {
            if !all.contains(&capability) {
                all.push(capability);
            }
        }
    }
    Ok(all)
}

enum Named {
    All,
    These(Vec<Capability>),
}

fn parse(
    names: Option<&[String]>,
    unknown: impl Fn(String) -> ConfigError,
) -> Result<Named, ConfigError> {
    let mut found = Vec::new();
    let mut all = false;
    for name in names.unwrap_or_default() {
        let upper = name.to_ascii_uppercase();
        let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
        if bare == "ALL" {
            all = true;
            continue;
        }
        match bare.parse() {
            Ok(capability) => found.push(capability),
            Err(_) => return Err(unknown(format!("CAP_{bare}"))),
        }
    }
    Ok(if all { Named::All } else { Named::These(found) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(add: &[&str], drop: &[&str]) -> HostConfig {
        let list = |names: &[&str]| Some(names.iter().map(|&n| n.to_owned()).collect());
        HostConfig {
            cap_add: list(add),
            cap_drop: list(drop),
            ..HostConfig::default()
        }
    }

    #[test]
    fn adds_and_drops_by_name_with_or_without_prefix() {
        let all = resolve(&host(&["NET_ADMIN", "cap_sys_time"], &["CAP_MKNOD"])).unwrap();
        assert!(all.contains(&Capability::NetAdmin) && all.contains(&Capability::SysTime));
        assert!(!all.contains(&Capability::Mknod));
        assert_eq!(all.len(), 15);
    }

    #[test]
    fn dropping_all_leaves_what_is_added() {
        assert_eq!(
            resolve(&host(&["KILL"], &["ALL"])).unwrap(),
            [Capability::Kill]
        );
        assert!(resolve(&host(&["ALL"], &["KILL"])).unwrap().len() > 30);
        assert!(
            !resolve(&host(&["ALL"], &["KILL"]))
                .unwrap()
                .contains(&Capability::Kill)
        );
    }

    #[test]
    fn unknown_names_are_refused_with_dockers_text() {
        assert_eq!(
            resolve(&host(&["NOPE"], &[])).unwrap_err().to_string(),
            "invalid CapAdd: unknown capability: \"CAP_NOPE\""
        );
    }
}
