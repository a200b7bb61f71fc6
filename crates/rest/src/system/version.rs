//! `GET /version`

use std::collections::BTreeMap;

use lockgate_api::ApiVersion;
use lockgate_api::latest::system::{Component, Platform, Version};
use lockgate_gate::Reply;

use crate::ask::Ask;
use crate::reply;

pub(crate) fn version(ask: &Ask) -> Reply {
    let config = ask.engine.config();
    reply::json(&describe(
        &config.version,
        config.experimental,
        &kernel_release(),
    ))
}

fn describe(version: &str, experimental: bool, kernel: &str) -> Version {
    let details = [
        ("ApiVersion", ApiVersion::MAX.to_string()),
        ("Arch", arch().to_owned()),
        ("BuildTime", String::new()),
        ("Experimental", experimental.to_string()),
        ("GitCommit", String::new()),
        ("GoVersion", String::new()),
        ("KernelVersion", kernel.to_owned()),
        ("MinAPIVersion", ApiVersion::MIN.to_string()),
        ("Os", "linux".to_owned()),
    ];
    let details: BTreeMap<String, String> = details
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect();
    let engine = Component {
        name: "Engine".into(),
        version: version.to_owned(),
        details,
    };
    Version {
        platform: Platform {
            name: "Lockgate".into(),
        },
        components: vec![engine],
        version: version.to_owned(),
        api_version: ApiVersion::MAX.to_string(),
        min_api_version: ApiVersion::MIN.to_string(),
        os: "linux".into(),
        arch: arch().into(),
        kernel_version: kernel.to_owned(),
        experimental,
        ..Version::default()
    }
}

/// Go's name of this architecture.
fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn kernel_release() -> String {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    release.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_name_what_clients_negotiate_with() {
        let version = describe("0.1.0", false, "6.18.0");
        assert_eq!(version.api_version, "1.55");
        assert_eq!(version.min_api_version, "1.24");
        assert_eq!(version.components[0].details["ApiVersion"], "1.55");
        assert_eq!(version.kernel_version, "6.18.0");
    }
}
