//! What the bridge driver can be told, in Docker's words.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::NetworkError;

/// The options of one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BridgeOptions {
    pub(crate) name: Option<String>,
    pub(crate) mtu: Option<u32>,
    pub(crate) icc: bool,
    pub(crate) ip_masq: bool,
    pub(crate) host_ip: Option<Ipv4Addr>,
}

impl Default for BridgeOptions {
    fn default() -> Self {
        Self {
            name: None,
            mtu: None,
            icc: true,
            ip_masq: true,
            host_ip: None,
        }
    }
}

impl BridgeOptions {
    /// Reads the options; those of others are kept, shown and mean nothing, as in Docker.
    pub(crate) fn parse(options: &BTreeMap<String, String>) -> Result<Self, NetworkError> {
        let mut parsed = Self::default();
        for (key, value) in options {
            match key.strip_prefix(PREFIX) {
                Some("bridge.name") => parsed.name = Some(value.clone()),
                Some("driver.mtu") => parsed.mtu = Some(number(key, value)?),
                Some("bridge.enable_icc") => parsed.icc = boolean(key, value)?,
                Some("bridge.enable_ip_masquerade") => parsed.ip_masq = boolean(key, value)?,
                Some("bridge.host_binding_ipv4") => parsed.host_ip = Some(address(value)?),
                Some(_) | None => {}
            }
        }
        Ok(parsed)
    }
}

fn number(key: &str, value: &str) -> Result<u32, NetworkError> {
    value
        .parse()
        .map_err(|_no_number| invalid(key, value, "strconv.Atoi"))
}

/// What Go takes for a truth value.
fn boolean(key: &str, value: &str) -> Result<bool, NetworkError> {
    match value {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err(invalid(key, value, "strconv.ParseBool")),
    }
}

fn address(value: &str) -> Result<Ipv4Addr, NetworkError> {
    value
        .parse()
        .map_err(|_no_address| NetworkError::Option(format!("invalid bind address: {value}")))
}

fn invalid(key: &str, value: &str, function: &str) -> NetworkError {
    NetworkError::Option(format!(
        "failed to parse {key} value: {value} ({function}: parsing {value:?}: invalid syntax)"
    ))
}

const PREFIX: &str = "com.docker.network.";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(key: &str, value: &str) -> Result<BridgeOptions, NetworkError> {
        BridgeOptions::parse(&[(format!("com.docker.network.{key}"), value.to_owned())].into())
    }

    #[test]
    fn options_are_read_or_refused_by_name() {
        assert_eq!(parse("driver.mtu", "1400").unwrap().mtu, Some(1400));
        assert!(!parse("bridge.enable_icc", "false").unwrap().icc);
        assert_eq!(parse("else", "x").unwrap(), BridgeOptions::default());
        assert_eq!(
            parse("driver.mtu", "x").unwrap_err().to_string(),
            "failed to parse com.docker.network.driver.mtu value: x (strconv.Atoi: parsing \"x\": invalid syntax)"
        );
        parse("bridge.enable_icc", "maybe").unwrap_err();
    }
}
