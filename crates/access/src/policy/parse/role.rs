//! `[roles.NAME]`.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::Source;
use crate::facts::Power;
use crate::limits::IdentityLimits;
use crate::policy::PolicyError;
use crate::policy::host::{Host, HostPath};
use crate::policy::only::Only;
use crate::policy::pattern::PortPattern;
use crate::policy::role::{Grants, Role};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub(super) struct RoleText {
    allow: Vec<Spanned<String>>,
    deny: Vec<Spanned<String>>,
    powers: bool,
    own: bool,
    own_labels: BTreeMap<String, String>,
    host: HostText,
    only: OnlyText,
    limits: IdentityLimits,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct HostText {
    paths: Vec<Spanned<String>>,
    capabilities: Vec<String>,
    cgroups: Vec<String>,
    devices: Vec<String>,
    drivers: Vec<String>,
    namespaces: Vec<String>,
    runtimes: Vec<String>,
    security: Vec<String>,
    sysctls: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OnlyText {
    images: Option<Vec<String>>,
    registries: Option<Vec<String>>,
    networks: Option<Vec<String>>,
    published_ports: Option<Vec<Spanned<String>>>,
    users: Option<Vec<String>>,
    volumes: Option<Vec<String>>,
    labels: BTreeMap<String, String>,
    memory: Option<Spanned<String>>,
    cpus: Option<f64>,
    pids: Option<i64>,
}

pub(super) fn read(
    source: Source<'_>,
    name: String,
    text: Spanned<RoleText>,
) -> Result<Role, PolicyError> {
    let text = text.into_inner();
    let mut allow = grants(source, &name, &text.allow)?;
    if text.powers {
        allow.powers.extend(Power::ALL);
    } else if !lists_powers(&text.allow) {
        // `operator` in a list stands for its operations.
        allow.powers.clear();
    }
    let deny = grants(source, &name, &text.deny)?;
    let deny = if lists_powers(&text.deny) {
        deny
    } else {
        Grants {
            powers: std::collections::BTreeSet::new(),
            ..deny
        }
    };
    Ok(Role {
        allow,
        deny,
        host: host(source, &name, text.host)?,
        only: only(source, &name, text.only)?,
        own: text.own,
        own_labels: text.own_labels.into_iter().collect(),
        limits: text.limits,
        name,
    })
}

/// Whether powers are named; `*` and `admin` mean operations, as they did before powers had names.
fn lists_powers(names: &[Spanned<String>]) -> bool {
    names.iter().any(|name| name.get_ref().starts_with("host."))
}

fn grants(
    source: Source<'_>,
    role: &str,
    names: &[Spanned<String>],
) -> Result<Grants, PolicyError> {
    let mut all = Grants::default();
    for name in names {
        let mut grants = Grants::named(name.get_ref()).ok_or_else(|| {
            let unknown = PolicyError::UnknownOperation {
                role: role.to_owned(),
                name: name.get_ref().clone(),
            };
            source.at(&name.span(), unknown)
        })?;
        if !name.get_ref().starts_with("host.") {
            grants.powers.clear();
        }
        all.extend(grants);
    }
    Ok(all)
}

fn host(source: Source<'_>, role: &str, text: HostText) -> Result<Host, PolicyError> {
    let path = |path: &Spanned<String>| {
        HostPath::parse(path.get_ref())
            .ok_or_else(|| bad(source, role, path, "absolute path, perhaps with `:ro`"))
    };
    let paths = text.paths.iter().map(path).collect::<Result<_, _>>()?;
    let capability = |name: &String| {
        let name = name.to_ascii_uppercase();
        name.strip_prefix("CAP_").unwrap_or(&name).to_owned()
    };
    let capabilities = text.capabilities.iter().map(capability).collect();
    let lists: [(Power, Vec<String>); 8] = [
        (Power::Capabilities, capabilities),
        (Power::ControlGroup, text.cgroups),
        (Power::Devices, text.devices),
        (Power::Driver, text.drivers),
        (Power::HostNamespace, text.namespaces),
        (Power::Runtime, text.runtimes),
        (Power::Security, text.security),
        (Power::Sysctls, text.sysctls),
    ];
    let pairs = lists
        .into_iter()
        .flat_map(|(power, list)| list.into_iter().map(move |detail| (power, detail)));
    Ok(Host {
        paths,
        details: pairs.collect(),
    })
}

fn only(source: Source<'_>, role: &str, text: OnlyText) -> Result<Only, PolicyError> {
    let port = |text: &Spanned<String>| {
        PortPattern::parse(text.get_ref())
            .ok_or_else(|| bad(source, role, text, "port, range or ADDRESS:PORT"))
    };
    let ports = text
        .published_ports
        .map(|ports| ports.iter().map(port).collect::<Result<_, _>>());
    let memory = text.memory.map(|size| {
        bytes(size.get_ref()).ok_or_else(|| bad(source, role, &size, "size such as `512m`"))
    });
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a number of processors in billionths fits, and more saturates"
    )]
    let nano_cpus = text.cpus.map(|cpus| (cpus * 1e9).round() as i64);
    let of_registries = text
        .registries
        .map(|names| names.into_iter().map(|name| format!("{name}/*")).collect());
    Ok(Only {
        images: joined(text.images, of_registries),
        networks: text.networks,
        published_ports: ports.transpose()?,
        users: text.users,
        volumes: text.volumes,
        labels: text.labels.into_iter().collect(),
        memory: memory.transpose()?,
        nano_cpus,
        pids: text.pids,
    })
}

fn joined(one: Option<Vec<String>>, other: Option<Vec<String>>) -> Option<Vec<String>> {
    match (one, other) {
        (Some(mut one), Some(other)) => {
            one.extend(other);
            Some(one)
        }
        (one, other) => one.or(other),
    }
}

fn bad(
    source: Source<'_>,
    role: &str,
    value: &Spanned<String>,
    expected: &'static str,
) -> PolicyError {
    let cause = PolicyError::BadValue {
        role: role.to_owned(),
        value: value.get_ref().clone(),
        expected,
    };
    source.at(&value.span(), cause)
}

/// `512m`, in powers of 1024.
pub(crate) fn bytes(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let power = match text.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(1024_i64.pow(power))
}
