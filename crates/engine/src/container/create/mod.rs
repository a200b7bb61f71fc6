//! Making a container.
//!
//! Order: check everything, reserve the name, make volumes and the writable layer, write
//! `container.json`. That write is the commit point: before it, whatever goes wrong is undone, and
//! what a crash leaves is removed at the next start; after it, the container exists.

mod bind;
mod merge;
mod mounts;
mod resources;
mod validate;

use std::path::PathBuf;
use std::sync::Arc;

use lockgate_runtime::spec::{masked_paths, readonly_paths};
use lockgate_store::{Image, ResolveError};
use lockgate_types::container::{ContainerConfig, HostConfig};
use lockgate_types::network::EndpointSettings;
use lockgate_types::{ContainerId, ContainerName, Timestamp, VolumeName};

use super::config_error::ConfigError;
use super::driver::Driver;
use super::error::{CreateError, FaultError};
use super::handle::Container;
use super::names::random_name;
use super::record::{Record, SCHEMA};
use super::registry::NameTaken;
use super::request::{CreateContainer, Created};
use super::state::RunState;
use super::{Containers, events};
use crate::config::EngineConfig;
use crate::engine::Inner;
use crate::network::NetworkMode;
use crate::rootfs;
use crate::volume::VolumeRecord;

#[cfg(test)]
pub(crate) use resources::ULIMITS;
pub(crate) use resources::check as check_resources;
pub(crate) use validate::{check_env, parse_size, restart_policy as check_restart_policy};

impl Containers {
    /// Makes a container; once answered it is on disk.
    pub async fn create(&self, request: CreateContainer) -> Result<Created, CreateError> {
        let inner = Arc::clone(&self.inner);
        // A blocking thread finishes or undoes what it began, whatever becomes of the caller.
        let runtime = tokio::runtime::Handle::current();
        let task = tokio::task::spawn_blocking(move || create(&inner, request, &runtime));
        task.await
            .unwrap_or(Err(CreateError::Fault(FaultError::Closing)))
    }
}

fn create(
    engine: &Arc<Inner>,
    request: CreateContainer,
    runtime: &tokio::runtime::Handle,
) -> Result<Created, CreateError> {
    let is_named = request.name.as_deref().is_some_and(|name| !name.is_empty());
    let (mut record, warnings) = draft(engine, request)?;
    record.mounts = mounts::collect(&record, &engine.registry)?;
    let mut undo = Undo {
        engine,
        id: record.id.clone(),
        name: None,
        steps: Vec::new(),
    };
    let mut attempt = 0;
    while let Err(taken) = undo.reserve(&record.name) {
        attempt += 1;
        if is_named || attempt > 100 {
            return Err(taken);
        }
        record.name = random_name(attempt);
    }
    undo.snapshot(&record)?;
    for index in 0..record.mounts.len() {
        undo.volume(&mut record, index)?;
    }
    let directory = engine.container_directory(&record.id);
    undo.steps.push(Step::Directory(directory.clone()));
    record
        .create(&directory)
        .map_err(FaultError::file("write the container's record"))?;
    undo.steps.clear();
    undo.name = None;
    let created = Created {
        id: record.id.clone(),
        warnings,
    };
    let record = Arc::new(record);
    let roots = (
        engine.config.data_root.as_path(),
        engine.config.exec_root.as_path(),
    );
    let (container, requests) = Container::new(roots, Arc::clone(&record), RunState::default());
    engine.registry.insert(Arc::clone(&container));
    let driver = Driver::new(Arc::clone(engine), container, requests, None);
    runtime.spawn(driver.run());
    events::container(engine, &record, "create", []);
    Ok(created)
}

/// Checks the request and fills in everything that does not change the host.
fn draft(engine: &Inner, request: CreateContainer) -> Result<(Record, Vec<String>), CreateError> {
    let CreateContainer {
        name,
        mut config,
        mut host_config,
        networking,
        platform,
    } = request;
    let name = match name.as_deref() {
        None | Some("") => None,
        Some(text) => Some(ContainerName::parse(text).map_err(CreateError::Name)?),
    };
    let image = find_image(engine, &config, platform.as_deref())?;
    if let Some(image) = &image {
        merge::merge(&mut config, &image.config.config);
    }
    let (path, args) = merge::command(&mut config)?;
    validate::config(&config)?;
    validate::host_config(&host_config, &engine.config)?;
    let mut warnings = resources::warnings(&host_config);
    warnings.extend(platform_warning(image.as_deref(), platform.as_deref()));
    fill_host_config(&mut host_config, engine);
    let id = ContainerId::random();
    fill_hostname(&mut config, &host_config, &id);
    let networks = networks(
        &host_config,
        networking.endpoints_config.unwrap_or_default(),
    );
    let record = Record {
        schema: SCHEMA,
        name: name.unwrap_or_else(|| random_name(0)),
        created: Timestamp::now(),
        image: image.map(|image| image.id),
        path,
        args,
        config,
        host_config,
        networks,
        mounts: Vec::new(),
        id,
    };
    Ok((record, warnings))
}

fn find_image(
    engine: &Inner,
    config: &ContainerConfig,
    platform: Option<&str>,
) -> Result<Option<Arc<Image>>, CreateError> {
    if config.image.is_empty() {
        return Ok(None);
    }
    let image = engine
        .store
        .resolve(&config.image)
        .map_err(|error| match error {
            ResolveError::NotFound(_) => CreateError::NoImage(error.to_string()),
            ResolveError::Reference(_) | ResolveError::Ambiguous(_) => {
                CreateError::Image(error.to_string())
            }
        })?;
    if let Some(platform) = platform.filter(|platform| !platform.is_empty())
        && !is_for(&image, platform)
    {
        let (image, platform) = (config.image.clone(), platform.to_owned());
        return Err(CreateError::Platform { image, platform });
    }
    Ok(Some(image))
}

/// Whether an image is for `os[/arch[/variant]]`. What the image does not say fits everything.
fn is_for(image: &Image, platform: &str) -> bool {
    let mut wanted = platform.split('/');
    let config = &image.config;
    [&config.os, &config.architecture, &config.variant]
        .into_iter()
        .all(|has| {
            wanted
                .next()
                .is_none_or(|want| has.is_empty() || normal(want) == normal(has))
        })
}

fn normal(word: &str) -> &str {
    match word {
        "x86_64" | "x86-64" => "amd64",
        "aarch64" => "arm64",
        word => word,
    }
}

fn platform_warning(image: Option<&Image>, platform: Option<&str>) -> Option<String> {
    let config = &image?.config;
    let host = normal(std::env::consts::ARCH);
    let fits = config.architecture.is_empty() || normal(&config.architecture) == host;
    (!fits && platform.is_none_or(str::is_empty)).then(|| {
        format!(
            "The requested image's platform ({}/{}) does not match the detected host platform (linux/{host}) and no specific platform was requested",
            config.os, config.architecture
        )
    })
}

fn fill_host_config(host: &mut HostConfig, engine: &Inner) {
    let config = &engine.config;
    resources::adapt(host, engine.host.is_cgroup_v1);
    default_to(&mut host.restart_policy.name, "no");
    default_to(&mut host.ipc_mode, "private");
    default_to(&mut host.runtime, &config.default_runtime);
    let cgroupns = if engine.host.is_cgroup_v1 {
        "host"
    } else {
        "private"
    };
    default_to(
        &mut host.cgroupns_mode,
        if host.privileged { "host" } else { cgroupns },
    );
    if matches!(host.network_mode.as_str(), "" | "default") {
        "bridge".clone_into(&mut host.network_mode);
    }
    if host.shm_size == 0 {
        host.shm_size = config.default_shm_size;
    }
    if host.log_config.kind.is_empty() {
        host.log_config.kind.clone_from(&config.log.driver);
        let options = host.log_config.config.get_or_insert_default();
        if config.log.driver == "json-file" {
            for (key, value) in &config.log.options {
                options.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    host.log_config.config.get_or_insert_default();
    let unconfined = host
        .security_opt
        .iter()
        .flatten()
        .any(|o| o == "systempaths=unconfined");
    if !host.privileged && !unconfined {
        host.masked_paths.get_or_insert_with(masked_paths);
        host.readonly_paths.get_or_insert_with(readonly_paths);
    }
}

fn default_to(text: &mut String, value: &str) {
    if text.is_empty() {
        value.clone_into(text);
    }
}

fn fill_hostname(config: &mut ContainerConfig, host: &HostConfig, id: &ContainerId) {
    if config.hostname.is_empty() {
        let shares_host = host.uts_mode == "host" || host.network_mode == "host";
        config.hostname = if shares_host {
            rustix::system::uname()
                .nodename()
                .to_string_lossy()
                .into_owned()
        } else {
            id.short().to_owned()
        };
    }
}

/// The endpoints asked for; the network of the mode is always among them.
fn networks(
    host: &HostConfig,
    endpoints: std::collections::BTreeMap<String, Option<EndpointSettings>>,
) -> std::collections::BTreeMap<String, EndpointSettings> {
    let mut networks: std::collections::BTreeMap<String, EndpointSettings> = endpoints
        .into_iter()
        .map(|(name, settings)| {
            let name = if name == "default" {
                "bridge".to_owned()
            } else {
                name
            };
            (name, settings.unwrap_or_default())
        })
        .collect();
    if !matches!(
        NetworkMode::parse(&host.network_mode),
        Ok(NetworkMode::Container(_)) | Err(_)
    ) {
        networks.entry(host.network_mode.clone()).or_default();
    }
    networks
}

/// What has been done so far; dropped before the commit, it takes everything back.
struct Undo<'a> {
    engine: &'a Inner,
    id: ContainerId,
    name: Option<ContainerName>,
    steps: Vec<Step>,
}

enum Step {
    Snapshot,
    Volume(VolumeName),
    Directory(PathBuf),
}

impl Undo<'_> {
    fn reserve(&mut self, wanted: &ContainerName) -> Result<(), CreateError> {
        match self.engine.registry.reserve(wanted, &self.id) {
            Ok(()) => {
                self.name = Some(wanted.clone());
                Ok(())
            }
            Err(NameTaken(by)) => Err(CreateError::NameInUse {
                name: wanted.to_string(),
                by,
            }),
        }
    }

    fn snapshot(&mut self, record: &Record) -> Result<(), CreateError> {
        let made = self
            .engine
            .store
            .snapshot_create(&record.id, record.image.as_ref());
        made.map_err(|error| FaultError::Store(error.to_string()))?;
        self.steps.push(Step::Snapshot);
        Ok(())
    }

    /// Makes the volume of a mount if it is not there, and fills it from the image if it is empty.
    fn volume(&mut self, record: &mut Record, index: usize) -> Result<(), CreateError> {
        let Some(mount) = record.mounts.get_mut(index) else {
            return Ok(());
        };
        if mount.point.driver.is_empty() {
            return Ok(());
        }
        let name = match mount.point.name.as_str() {
            "" => VolumeName::anonymous(),
            name => VolumeName::parse(name).map_err(ConfigError::VolumeName)?,
        };
        let volumes = &self.engine.volumes;
        let volume = VolumeRecord {
            name: name.clone(),
            created: Timestamp::now(),
            labels: mount.volume_labels.clone(),
            options: mount.volume_options.clone(),
            anonymous: mount.anonymous,
        };
        let made = volumes
            .ensure(volume, &mount.point.driver)
            .map_err(|error| CreateError::Volume(error.to_string()))?;
        if made {
            self.steps.push(Step::Volume(name.clone()));
            events::volume(self.engine, name.as_str(), "create");
        }
        let data = volumes.mountpoint(&name);
        mount.point.name = name.to_string();
        mount.point.source = data.to_string_lossy().into_owned();
        if !mount.no_copy && record.image.is_some() {
            let snapshot = self.engine.store.snapshot(&record.id);
            let snapshot = snapshot.map_err(|error| FaultError::Store(error.to_string()))?;
            rootfs::fill_volume(&snapshot, &mount.point.destination, &data)
                .map_err(FaultError::file("fill a volume from the image"))?;
        }
        Ok(())
    }
}

impl Drop for Undo<'_> {
    fn drop(&mut self) {
        for step in self.steps.drain(..).rev() {
            let undone = match step {
                Step::Snapshot => self
                    .engine
                    .store
                    .snapshot_remove(&self.id)
                    .map_err(|error| error.to_string()),
                Step::Volume(name) => self
                    .engine
                    .volumes
                    .remove(&name)
                    .map(drop)
                    .map_err(|error| error.to_string()),
                Step::Directory(path) => match std::fs::remove_dir_all(path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        Err(error.to_string())
                    }
                    _ => Ok(()),
                },
            };
            if let Err(error) = undone {
                tracing::warn!(container = %self.id, error, "cannot undo a failed create");
            }
        }
        if let Some(name) = self.name.take() {
            self.engine.registry.release(&name, &self.id);
        }
    }
}

/// Whether this engine would run a container of that runtime name itself.
pub(crate) fn is_built_in(runtime: &str, config: &EngineConfig) -> bool {
    runtime == EngineConfig::BUILT_IN_RUNTIME || !config.runtimes.contains_key(runtime)
}
