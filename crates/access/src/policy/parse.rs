//! The text of `policy.toml`.
//!
//! ```toml
//! [roles.ci]
//! allow = ["operator", "ImageBuild"]   # roles, operations, families, "reads", "changes", "*"
//! deny = ["ContainerDelete"]           # wins over every allow of every role of the identity
//! powers = true                        # may ask for power over the host (privileged, host paths)
//!
//! [[bindings]]
//! roles = ["ci"]
//! common_name = "ci-1"                 # all conditions of a binding must hold
//! organizational_unit = "build"
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

use super::role::{self, Role};
use super::{Binding, Condition, PolicyError};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    roles: BTreeMap<String, RoleText>,
    #[serde(default)]
    bindings: Vec<BindingText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleText {
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    deny: Vec<String>,
    #[serde(default)]
    powers: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BindingText {
    #[serde(default)]
    roles: Vec<String>,
    common_name: Option<String>,
    gid: Option<u32>,
    issuer: Option<String>,
    loopback: Option<bool>,
    organization: Option<String>,
    organizational_unit: Option<String>,
    san: Option<String>,
    serial: Option<String>,
    spki_sha256: Option<String>,
    uid: Option<u32>,
}

pub(super) fn parse(text: &str) -> Result<(Vec<Role>, Vec<Binding>), PolicyError> {
    let file: File = toml::from_str(text).map_err(|error| PolicyError::Syntax(Box::new(error)))?;
    let mut roles = role::built_in();
    for (name, text) in file.roles {
        if roles.iter().any(|role| role.name == name && role.built_in) {
            return Err(PolicyError::BuiltInRole { role: name });
        }
        let allow = role::operations(&name, &text.allow)?;
        let deny = role::operations(&name, &text.deny)?;
        roles.push(Role {
            name,
            allow,
            deny,
            powers: text.powers,
            built_in: false,
        });
    }
    let bindings = file
        .bindings
        .into_iter()
        .enumerate()
        .map(|(index, text)| binding(index + 1, text, &roles))
        .collect::<Result<_, _>>()?;
    Ok((roles, bindings))
}

fn binding(number: usize, text: BindingText, roles: &[Role]) -> Result<Binding, PolicyError> {
    let names = text.roles.clone();
    let conditions = conditions(number, text)?;
    if conditions.is_empty() || names.is_empty() {
        return Err(PolicyError::EmptyBinding { binding: number });
    }
    if let Some(role) = names
        .iter()
        .find(|name| roles.iter().all(|role| role.name != **name))
    {
        return Err(PolicyError::UnknownRole {
            binding: number,
            role: role.clone(),
        });
    }
    Ok(Binding {
        conditions,
        roles: names,
    })
}

fn conditions(number: usize, text: BindingText) -> Result<Vec<Condition>, PolicyError> {
    let bad = |key| PolicyError::BadCondition {
        binding: number,
        key,
    };
    let name = |key, value: Option<String>, make: fn(String) -> Condition| match value {
        Some(value) if value.trim().is_empty() => Err(bad(key)),
        value => Ok(value.map(make)),
    };
    let hex = |key, value: Option<String>, make: fn(String) -> Condition| match value {
        Some(value) => normal_hex(&value)
            .map(|hex| Some(make(hex)))
            .ok_or_else(|| bad(key)),
        None => Ok(None),
    };
    let loopback = match text.loopback {
        Some(false) => return Err(bad("loopback")),
        wanted => wanted.map(|_| Condition::Loopback),
    };
    let all = [
        name("common_name", text.common_name, Condition::CommonName)?,
        text.gid.map(Condition::Gid),
        name("issuer", text.issuer, Condition::Issuer)?,
        loopback,
        name("organization", text.organization, Condition::Organization)?,
        name(
            "organizational_unit",
            text.organizational_unit,
            Condition::OrganizationalUnit,
        )?,
        name("san", text.san, Condition::San)?,
        hex("serial", text.serial, Condition::Serial)?,
        hex("spki_sha256", text.spki_sha256, Condition::Spki)?,
        text.uid.map(Condition::Uid),
    ];
    Ok(all.into_iter().flatten().collect())
}

/// Hex digits in lower case without colons, blanks and leading zeros, as identities carry them.
fn normal_hex(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | ' ')).collect();
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let digits = digits.to_ascii_lowercase();
    // A hash keeps its zeros, a serial number is a number.
    if digits.len() == 64 {
        return Some(digits);
    }
    Some(digits.trim_start_matches('0').to_owned())
}
