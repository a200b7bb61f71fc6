//! From a container's record to the OCI specification that its runtime gets.
//!
//! Pure but for looking at device nodes and `/proc/self/limits`: what must be looked up elsewhere
//! (user, network, processes of other containers) comes in through [`Inputs`].

pub(crate) mod capability;
pub(crate) mod device;
mod limit;
mod mount;
mod namespace;
pub(crate) mod process;
pub(crate) mod resource;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use lockgate_runtime::spec::seccomp;
use lockgate_types::container::HostConfig;
use lockgate_types::{IdMap, IdRange};
use oci_spec::runtime::{
    Capability, Linux, LinuxIdMapping, LinuxIdMappingBuilder, LinuxSeccomp, Root, Spec,
};

use super::config_error::ConfigError;
use super::create::{Security, clean};
use super::record::Record;
use crate::cdi;
use crate::config::EngineConfig;
use crate::rootfs::Identity;

/// What a specification needs beyond the record.
#[derive(Debug)]
pub(crate) struct Inputs<'a> {
    pub(crate) engine: &'a EngineConfig,
    pub(crate) record: &'a Record,
    /// `D/containers/<id>`, with `hosts`, `hostname` and `resolv.conf`.
    pub(crate) directory: &'a Path,
    pub(crate) identity: &'a Identity,
    /// The namespace file of its network, if it has one.
    pub(crate) netns: Option<PathBuf>,
    /// Processes whose namespaces it joins.
    pub(crate) peers: Peers,
    /// Where parts of volumes and images are mounted for the moment, by destination.
    pub(crate) staged: &'a BTreeMap<String, PathBuf>,
    /// Variables that tell of linked containers.
    pub(crate) link_environment: &'a [String],
}

/// The init processes of containers whose namespaces are shared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peers {
    pub(crate) network: Option<i32>,
    pub(crate) ipc: Option<i32>,
    pub(crate) pid: Option<i32>,
    /// The one whose user namespace comes with them, where users are mapped.
    pub(crate) user: Option<i32>,
    /// The shared memory of the one whose IPC namespace is joined.
    pub(crate) shm: Option<PathBuf>,
}

/// What this process may not hand out, and so comes as near to what is asked as it may. dockerd
/// fails to start such a container.
pub(crate) fn warnings(host: &HostConfig) -> Vec<String> {
    let mut warnings = limit::warnings(host.ulimits.as_deref().unwrap_or_default());
    warnings.extend(process::score_warning(host.oom_score_adj));
    warnings
}

/// Where a container's cgroup is, below the cgroup file systems.
pub(crate) fn cgroup_path(engine: &EngineConfig, record: &Record) -> PathBuf {
    let parent = match record.host_config.cgroup_parent.as_str() {
        "" => engine.cgroup_parent.as_str(),
        parent => parent,
    };
    Path::new(&clean(parent)).join(record.id.as_str())
}

/// Builds the specification.
pub(crate) fn build(inputs: &Inputs<'_>) -> Result<Spec, ConfigError> {
    let record = inputs.record;
    let host = &record.host_config;
    let capabilities = capability::resolve(host)?;
    let mut root = Root::default();
    root.set_path(PathBuf::from("rootfs"))
        .set_readonly(Some(host.readonly_rootfs));
    let shares_uts = host.uts_mode == "host";
    let mut spec = Spec::default();
    // Runtimes refuse versions that are newer than they are; nothing here needs more than this one.
    spec.set_version("1.0.2".to_owned())
        .set_root(Some(root))
        .set_process(Some(process::build(inputs, &capabilities)))
        .set_hostname((!shares_uts).then(|| record.config.hostname.clone()))
        .set_domainname(
            (!shares_uts && !record.config.domainname.is_empty())
                .then(|| record.config.domainname.clone()),
        )
        .set_mounts(Some(mount::build(inputs)?))
        .set_annotations(
            host.annotations
                .clone()
                .map(|map| map.into_iter().collect()),
        )
        .set_hooks(None)
        .set_linux(Some(linux(inputs, &capabilities)?));
    cdi::inject(&mut spec, host, &inputs.engine.cdi_spec_dirs)?;
    Ok(spec)
}

fn linux(inputs: &Inputs<'_>, capabilities: &[Capability]) -> Result<Linux, ConfigError> {
    let host = &inputs.record.host_config;
    let devices = device::collect(host)?;
    let mut resources = resource::build(host)?;
    resources.set_devices(Some(device::rules(host, &devices)?));
    let ids = inputs.engine.ids_of(&host.userns_mode);
    let mut linux = Linux::default();
    linux
        .set_uid_mappings(ids.map(|ids| mappings(&ids.uids)))
        .set_gid_mappings(ids.map(|ids| mappings(&ids.gids)))
        .set_namespaces(Some(namespace::build(inputs)))
        .set_cgroups_path(Some(cgroup_path(inputs.engine, inputs.record)))
        .set_resources(Some(resources))
        .set_devices(Some(devices))
        .set_seccomp(seccomp_profile(inputs.record, capabilities)?)
        .set_sysctl(Some(sysctls(inputs)))
        .set_rootfs_propagation(mount::root_propagation(inputs.record))
        .set_masked_paths(host.masked_paths.clone())
        .set_readonly_paths(host.readonly_paths.clone())
        .set_mount_label(None)
        .set_personality(None);
    Ok(linux)
}

/// The user's settings; with a network of its own also Docker's two relaxations, which let
/// unprivileged processes bind low ports and ping.
fn sysctls(inputs: &Inputs<'_>) -> HashMap<String, String> {
    let host = &inputs.record.host_config;
    let mut all: HashMap<String, String> = host
        .sysctls
        .clone()
        .unwrap_or_default()
        .into_iter()
        .collect();
    // Where the name is the host's this is refused by the runtime, as the name's owner would.
    let domain = &inputs.record.config.domainname;
    if host.uts_mode == "host" && !domain.is_empty() {
        all.insert("kernel.domainname".to_owned(), domain.clone());
    }
    let has_own_network = host.network_mode != "host" && inputs.peers.network.is_none();
    if has_own_network {
        // A range of groups must exist as a whole, which it does not in a user namespace.
        let remapped = inputs.engine.ids_of(&host.userns_mode).is_some();
        let all_groups = !remapped && !lockgate_sys::userns::is_nested();
        let ping = all_groups.then_some(("net.ipv4.ping_group_range", "0 2147483647"));
        let ports = Some(("net.ipv4.ip_unprivileged_port_start", "0"));
        for (name, value) in ports.into_iter().chain(ping) {
            all.entry(name.to_owned())
                .or_insert_with(|| value.to_owned());
        }
    }
    all
}

fn mappings(ids: &IdMap) -> Vec<LinuxIdMapping> {
    let one = |range: &IdRange| {
        let mapping = LinuxIdMappingBuilder::default()
            .container_id(range.inside)
            .host_id(range.outside)
            .size(range.count);
        // All fields are given, so that building cannot fail.
        mapping.build().unwrap_or_default()
    };
    ids.ranges().iter().map(one).collect()
}

fn seccomp_profile(
    record: &Record,
    capabilities: &[Capability],
) -> Result<Option<LinuxSeccomp>, ConfigError> {
    let host = &record.host_config;
    match Security::parse(host)?.seccomp {
        _ if host.privileged => Ok(None),
        None | Some("builtin") => Ok(Some(seccomp::default_profile(capabilities))),
        Some("unconfined") => Ok(None),
        // Clients send the text of the profile, not its path.
        Some(json) => match seccomp::parse_profile(json.as_bytes(), capabilities) {
            Ok(profile) => Ok(Some(profile)),
            Err(error) => {
                let text = error.to_string();
                // dockerd begins its sentence with a capital.
                Err(ConfigError::Seccomp(
                    text.replacen("decoding", "Decoding", 1),
                ))
            }
        },
    }
}

#[cfg(test)]
mod tests;
