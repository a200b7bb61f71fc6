//! Links on the default bridge: another container under another name.

use std::collections::BTreeMap;

use lockgate_types::container::HostConfig;

use crate::container::config_error::ConfigError;
use crate::container::registry::Registry;

/// One entry of `HostConfig.Links`: `container[:alias]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link<'a> {
    pub(crate) target: &'a str,
    pub(crate) alias: &'a str,
}

impl<'a> Link<'a> {
    /// Reads one entry. What inspect shows, `/container:/owner/alias`, is read as well.
    pub(crate) fn parse(text: &'a str) -> Result<Self, ConfigError> {
        let refused = || ConfigError::LinkFormat(text.to_owned());
        let (target, alias) = match text.split(':').collect::<Vec<_>>().as_slice() {
            [target] if !target.is_empty() => (*target, *target),
            [target, alias] if !target.is_empty() => (*target, *alias),
            _ => return Err(refused()),
        };
        let alias = if target.starts_with('/') {
            alias.rsplit('/').next().unwrap_or_default()
        } else {
            alias
        };
        let target = target.trim_start_matches('/');
        if alias.is_empty() {
            return Err(refused());
        }
        Ok(Self { target, alias })
    }
}

/// Refuses links to what is not there, or has another network.
pub(super) fn check(host: &HostConfig, registry: &Registry) -> Result<(), ConfigError> {
    for text in host.links.iter().flatten() {
        let link = Link::parse(text)?;
        let target = registry
            .find(link.target)
            .map_err(|_error| ConfigError::NoLinked(link.target.to_owned()))?;
        let mode = &target.facts().record.host_config.network_mode;
        if mode == "host" {
            return Err(ConfigError::LinkHost);
        }
    }
    Ok(())
}

/// The links by alias; of several with one alias the last counts, as in dockerd.
pub(crate) fn by_alias(host: &HostConfig) -> BTreeMap<&str, &str> {
    let links = host.links.iter().flatten();
    links
        .filter_map(|text| Link::parse(text).ok())
        .map(|link| (link.alias, link.target))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_a_name_and_an_alias() {
        for (text, target, alias) in [
            ("db", "db", "db"),
            ("db:sql", "db", "sql"),
            ("/db:/web/sql", "db", "sql"),
        ] {
            assert_eq!(Link::parse(text).unwrap(), Link { target, alias });
        }
        for bad in ["", ":x", "a:b:c", "a:"] {
            assert_eq!(
                Link::parse(bad).unwrap_err().to_string(),
                format!("bad format for links: {bad}")
            );
        }
    }
}
