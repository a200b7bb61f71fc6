//! The text of a role.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use serde::Serialize;

use super::Lesson;
use super::only::OnlyText;
use crate::facts::{Power, Wish, resolve};

#[derive(Serialize)]
struct RoleText {
    allow: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    own: bool,
    #[serde(skip_serializing_if = "HostText::is_empty")]
    host: HostText,
    #[serde(skip_serializing_if = "OnlyText::is_empty")]
    only: OnlyText,
}

#[derive(Default, PartialEq, Serialize)]
struct HostText {
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    paths: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    capabilities: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    cgroups: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    devices: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    drivers: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    namespaces: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    runtimes: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    security: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    sysctls: BTreeSet<String>,
}

impl HostText {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Gives one piece of power.
    fn give(&mut self, wish: &Wish) {
        let list = match wish.power {
            Power::Capabilities => &mut self.capabilities,
            Power::ControlGroup => &mut self.cgroups,
            Power::Devices => &mut self.devices,
            Power::Driver => &mut self.drivers,
            Power::HostNamespace => &mut self.namespaces,
            Power::HostPath => {
                let path = plain(&wish.detail);
                let text = if wish.read_only {
                    format!("{path}:ro")
                } else {
                    path
                };
                self.paths.insert(text);
                return;
            }
            // It has no pieces.
            Power::Privileged => return,
            Power::Runtime => &mut self.runtimes,
            Power::Security => &mut self.security,
            Power::Sysctls => &mut self.sysctls,
        };
        list.insert(wish.detail.clone());
    }
}

impl Lesson {
    /// A `[roles.NAME]` with all that was seen and no more, as text of a policy file. What a role cannot say
    /// stands above it as a remark.
    pub fn role(&self, name: &str) -> Result<String, toml::ser::Error> {
        let mut remarks = self.remarks();
        let role = RoleText {
            allow: self.allow(),
            own: self.is_own(),
            host: self.host(),
            only: self.only(&mut remarks),
        };
        let tree = toml::Table::from_iter([(
            "roles".to_owned(),
            toml::Value::Table(toml::Table::from_iter([(
                name.to_owned(),
                toml::Value::try_from(role)?,
            )])),
        )]);
        let remarks = remarks.iter().map(|remark| format!("# {remark}\n"));
        Ok(remarks.collect::<String>() + &toml::to_string(&tree)?)
    }

    fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.missed > 0 {
            remarks.push(format!(
                "{} calls were missed: they came too fast",
                self.missed
            ));
        }
        if !self.denied.is_empty() {
            let names: Vec<&str> = self.denied.iter().map(|it| it.name()).collect();
            let names = names.join(", ");
            remarks.push(format!("denied and not learnt (--with-denied): {names}"));
        }
        remarks
    }

    /// Operations by their names, and the one power that has no pieces.
    fn allow(&self) -> Vec<String> {
        let mut all: Vec<String> = self.operations.iter().map(ToString::to_string).collect();
        let is = |wish: &Wish| wish.power == Power::Privileged;
        if self.seen.iter().any(|seen| seen.wishes.iter().any(is)) {
            all.push(Power::Privileged.name().to_owned());
        }
        all
    }

    /// Whether only own objects were touched.
    fn is_own(&self) -> bool {
        let mut touched = self.seen.iter().filter_map(|seen| seen.own).peekable();
        touched.peek().is_some() && touched.all(|own| own)
    }

    fn host(&self) -> HostText {
        let mut host = HostText::default();
        let all = self.seen.iter().flat_map(|seen| &seen.wishes);
        all.for_each(|wish| host.give(wish));
        let writable = host.paths.clone();
        host.paths.retain(|path| {
            path.strip_suffix(":ro")
                .is_none_or(|path| !writable.contains(path))
        });
        host
    }
}

/// A path as a policy can name it.
fn plain(path: &str) -> String {
    let is_plain = !path.contains(':')
        && Path::new(path)
            .components()
            .all(|part| !matches!(part, Component::ParentDir));
    if is_plain {
        path.to_owned()
    } else {
        resolve(path).to_string_lossy().into_owned()
    }
}
