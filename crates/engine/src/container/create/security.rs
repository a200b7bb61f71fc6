//! `HostConfig.SecurityOpt`: what it says, and whether it says it rightly.

use lockgate_types::container::HostConfig;

use crate::container::config_error::ConfigError;

/// What the security options say. Of several that contradict each other the last one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Security<'a> {
    pub(crate) no_new_privileges: bool,
    pub(crate) seccomp: Option<&'a str>,
    pub(crate) apparmor: Option<&'a str>,
    pub(crate) writable_cgroups: Option<bool>,
}

impl<'a> Security<'a> {
    /// Reads `key=value`, and `key:value` of old clients.
    pub(crate) fn parse(host: &'a HostConfig) -> Result<Self, ConfigError> {
        let mut all = Self::default();
        for option in host.security_opt.iter().flatten() {
            all.take(option)?;
        }
        Ok(all)
    }

    fn take(&mut self, option: &'a str) -> Result<(), ConfigError> {
        match option {
            "no-new-privileges" => {
                self.no_new_privileges = true;
                return Ok(());
            }
            // An SELinux label that is not there anyway.
            "disable" => return Ok(()),
            _ => {}
        }
        let separator = if option.contains('=') { '=' } else { ':' };
        let Some((key, value)) = option.split_once(separator) else {
            return Err(ConfigError::SecurityOpt(option.to_owned()));
        };
        let truth = || boolean(value).ok_or_else(|| ConfigError::SecurityValue(option.to_owned()));
        match key {
            // Without SELinux there is nothing to label, as in dockerd.
            "label" => {}
            "apparmor" => self.apparmor = Some(value),
            "seccomp" => self.seccomp = Some(value),
            "no-new-privileges" => self.no_new_privileges = truth()?,
            "writable-cgroups" => self.writable_cgroups = Some(truth()?),
            _ => return Err(ConfigError::SecurityValue(option.to_owned())),
        }
        Ok(())
    }
}

/// Refuses what cannot be read.
pub(super) fn check(host: &HostConfig) -> Result<(), ConfigError> {
    Security::parse(host).map(drop)
}

/// The words that Go reads as a truth value.
fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(options: &[&str]) -> HostConfig {
        HostConfig {
            security_opt: Some(options.iter().map(|&option| option.to_owned()).collect()),
            ..HostConfig::default()
        }
    }

    #[test]
    fn options_are_keys_with_values() {
        let host = host(&[
            "no-new-privileges:true",
            "seccomp=unconfined",
            "apparmor=mine",
            "label:disable",
            "writable-cgroups=false",
        ]);
        let expected = Security {
            no_new_privileges: true,
            seccomp: Some("unconfined"),
            apparmor: Some("mine"),
            writable_cgroups: Some(false),
        };
        assert_eq!(Security::parse(&host).unwrap(), expected);
    }

    #[test]
    fn refuses_with_dockers_texts() {
        for (option, text) in [
            ("foo", "invalid --security-opt 1: \"foo\""),
            ("foo=bar", "invalid --security-opt 2: \"foo=bar\""),
            (
                "no-new-privileges=x",
                "invalid --security-opt 2: \"no-new-privileges=x\"",
            ),
            (
                "systempaths=unconfined",
                "invalid --security-opt 2: \"systempaths=unconfined\"",
            ),
        ] {
            assert_eq!(check(&host(&[option])).unwrap_err().to_string(), text);
        }
    }
}
