//! Reading specifications.
//!
//! The types are oci-spec's, but not their own way of reading a process: that one checks processor sets with
//! regular expressions, whose engine would be more than half of a shim.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use oci_spec::runtime::{
    Box as ConsoleSize, Hooks, Linux, LinuxCapabilities, LinuxIOPriority, Mount, PosixRlimit,
    Process, Root, Scheduler, Spec, User,
};
use serde::{Deserialize, Deserializer};

use super::scheduler::SchedulerDocument;

/// Reads a specification's file.
pub(crate) fn load(path: &Path) -> io::Result<Spec> {
    let bytes = std::fs::read(path)?;
    let document: SpecDocument = serde_json::from_slice(&bytes)?;
    Ok(document.into())
}

/// Reads a specification inside something else.
pub(crate) fn spec<'de, D: Deserializer<'de>>(from: D) -> Result<Spec, D::Error> {
    Ok(SpecDocument::deserialize(from)?.into())
}

/// Reads one process from its JSON text.
pub(crate) fn parse_process(json: &[u8]) -> Result<Process, serde_json::Error> {
    let document: ProcessDocument = serde_json::from_slice(json)?;
    Ok(document.into())
}

/// Reads one process.
pub(crate) fn process<'de, D: Deserializer<'de>>(from: D) -> Result<Process, D::Error> {
    Ok(ProcessDocument::deserialize(from)?.into())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpecDocument {
    #[serde(default)]
    oci_version: String,
    root: Option<Root>,
    mounts: Option<Vec<Mount>>,
    process: Option<ProcessDocument>,
    hostname: Option<String>,
    domainname: Option<String>,
    hooks: Option<Hooks>,
    annotations: Option<HashMap<String, String>>,
    linux: Option<Linux>,
}

impl From<SpecDocument> for Spec {
    fn from(document: SpecDocument) -> Self {
        let mut spec = Self::default();
        spec.set_version(document.oci_version)
            .set_root(document.root)
            .set_mounts(document.mounts)
            .set_process(document.process.map(Process::from))
            .set_hostname(document.hostname)
            .set_domainname(document.domainname)
            .set_hooks(document.hooks)
            .set_annotations(document.annotations)
            .set_linux(document.linux);
        spec
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProcessDocument {
    terminal: Option<bool>,
    console_size: Option<ConsoleSize>,
    #[serde(default)]
    user: User,
    args: Option<Vec<String>>,
    env: Option<Vec<String>>,
    cwd: PathBuf,
    capabilities: Option<LinuxCapabilities>,
    rlimits: Option<Vec<PosixRlimit>>,
    no_new_privileges: Option<bool>,
    apparmor_profile: Option<String>,
    oom_score_adj: Option<i32>,
    selinux_label: Option<String>,
    #[serde(rename = "ioPriority")]
    io_priority: Option<LinuxIOPriority>,
    scheduler: Option<SchedulerDocument>,
    #[serde(rename = "execCPUAffinity", default)]
    exec_cpu_affinity: Absent,
}

impl From<ProcessDocument> for Process {
    fn from(document: ProcessDocument) -> Self {
        let Absent = document.exec_cpu_affinity;
        let mut process = Self::default();
        process
            .set_terminal(document.terminal)
            .set_console_size(document.console_size)
            .set_user(document.user)
            .set_args(document.args)
            .set_env(document.env)
            .set_cwd(document.cwd)
            .set_capabilities(document.capabilities)
            .set_rlimits(document.rlimits)
            .set_no_new_privileges(document.no_new_privileges)
            .set_apparmor_profile(document.apparmor_profile)
            .set_oom_score_adj(document.oom_score_adj)
            .set_selinux_label(document.selinux_label)
            .set_io_priority(document.io_priority)
            .set_scheduler(document.scheduler.map(Scheduler::from));
        process
    }
}

/// A field that must not be there: what it asks for is not done, and not passed over either.
#[derive(Default)]
struct Absent;

impl<'de> Deserialize<'de> for Absent {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Option::<serde::de::IgnoredAny>::deserialize(from)? {
            None => Ok(Self),
            Some(_) => Err(serde::de::Error::custom(
                "process.execCPUAffinity is not supported",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_oci_spec_writes() {
        let spec = Spec::default();
        let json = serde_json::to_vec(&spec).unwrap();
        let document: SpecDocument = serde_json::from_slice(&json).unwrap();
        assert_eq!(Spec::from(document), spec);
    }

    #[test]
    fn names_what_it_does_not_do() {
        let json = r#"{"cwd":"/","execCPUAffinity":{"initial":"0"}}"#;
        let error = serde_json::from_str::<ProcessDocument>(json).err().unwrap();
        assert!(error.to_string().contains("execCPUAffinity"), "{error}");
    }
}
