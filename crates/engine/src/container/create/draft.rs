//! From a request to the record of a container that does not exist yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_runtime::spec::{masked_paths, readonly_paths};
use lockgate_store::{Image, ResolveError};
use lockgate_types::container::{ContainerConfig, HostConfig};
use lockgate_types::network::EndpointSettings;
use lockgate_types::{ContainerId, ContainerName, Timestamp};

use super::{discard, link, merge, mode, resources, validate};
use crate::container::config_error::ConfigError;
use crate::container::error::CreateError;
use crate::container::log_driver;
use crate::container::names::random_name;
use crate::container::record::{Record, SCHEMA};
use crate::container::request::CreateContainer;
use crate::container::spec;
use crate::engine::Inner;
use crate::network::{Custom, NetworkMode, check_endpoint};

/// Checks the request and fills in everything that does not change the host.
pub(super) fn draft(
    engine: &Inner,
    request: CreateContainer,
) -> Result<(Record, Vec<String>), CreateError> {
    let CreateContainer {
        name,
        mut config,
        mut host_config,
        networking,
        platform,
        labels_of_caller,
        host_roots: _,
    } = request;
    let name = match name.as_deref() {
        None | Some("") => None,
        Some(text) => Some(ContainerName::parse(text).map_err(CreateError::Name)?),
    };
    mode::conflicts(&config, &host_config)?;
    let image = find_image(engine, &config, platform.as_deref())?;
    if let Some(image) = &image {
        let mut of_image = image.config.config.clone();
        if let Some(labels) = &mut of_image.labels {
            labels.retain(|key, _| !labels_of_caller.contains(key));
        }
        merge(&mut config, &of_image);
    }
    let (path, args) = merge::command(&mut config)?;
    validate::config(&config)?;
    validate::host_config(&host_config, &engine.config)?;
    mode::partners(&host_config, &engine.registry)?;
    link::check(&host_config, &engine.registry)?;
    let mut warnings = discard(&mut host_config, engine.host.limits)?;
    warnings.extend(spec::warnings(&host_config));
    if host_config.network_mode == "host"
        && host_config
            .port_bindings
            .as_ref()
            .is_some_and(|bindings| !bindings.is_empty())
    {
        warnings.push("Published ports are discarded when using host network mode".to_owned());
    }
    if !config.mac_address.is_empty() {
        warnings.push(MAC_ADDRESS.to_owned());
    }
    warnings.extend(platform_warning(image.as_deref(), platform.as_deref()));
    fill_host_config(&mut host_config, engine);
    if host_config
        .storage_opt
        .as_ref()
        .is_some_and(|options| !options.is_empty())
    {
        storage_options(&host_config)?;
    }
    log_driver::check(&host_config.log_config)?;
    let id = ContainerId::random();
    fill_hostname(&mut config, &host_config, &id);
    let endpoints = networking.endpoints_config.unwrap_or_default();
    let networks = networks(engine, &config, &host_config, endpoints)?;
    for (network, settings) in &networks {
        check_address(network, &settings.mac_address)?;
    }
    check_address(&host_config.network_mode, &config.mac_address)?;
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
        return Err(CreateError::Platform {
            image: config.image.clone(),
            found: format!("{}/{}", image.config.os, image.config.architecture),
            platform: platform.to_owned(),
        });
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
    }
    let options = host.log_config.config.get_or_insert_default();
    // The daemon's options are for the daemon's driver.
    if host.log_config.kind == config.log.driver {
        for (key, value) in &config.log.options {
            options.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    // What clients look for to see that no label confines it.
    if host.security_opt.is_none()
        && (host.privileged || host.ipc_mode == "host" || host.pid_mode == "host")
    {
        host.security_opt = Some(vec!["label=disable".to_owned()]);
    }
    if !host.privileged {
        host.masked_paths.get_or_insert_with(masked_paths);
        host.readonly_paths.get_or_insert_with(readonly_paths);
    }
}

/// A size of the writable layer needs what dockerd needs for it, and dockerd's words say what.
fn storage_options(host: &HostConfig) -> Result<(), ConfigError> {
    let options = host.storage_opt.iter().flatten();
    match options.map(|(key, _)| key).find(|key| *key != "size") {
        Some(unknown) => Err(ConfigError::StorageOption(unknown.clone())),
        None => Err(ConfigError::StorageOpt),
    }
}

fn check_address(network: &str, address: &str) -> Result<(), ConfigError> {
    if address.is_empty() || address.parse::<lockgate_net::Mac>().is_ok() {
        return Ok(());
    }
    let (network, address) = (network.to_owned(), address.to_owned());
    Err(ConfigError::EndpointMac { network, address })
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

/// The endpoints asked for, under the names of their networks; the network of the mode is always
/// among them. A network that does not exist yet is missed when the container starts.
fn networks(
    engine: &Inner,
    config: &ContainerConfig,
    host: &HostConfig,
    endpoints: BTreeMap<String, Option<EndpointSettings>>,
) -> Result<BTreeMap<String, EndpointSettings>, CreateError> {
    if config.network_disabled {
        return Ok(BTreeMap::new());
    }
    let mut networks = BTreeMap::new();
    for (name, settings) in endpoints {
        let settings = settings.unwrap_or_default();
        let custom = engine.networks.find(&name);
        let is_built_in = engine.networks.builtin.id(&name).is_some() || name == "default";
        if custom.is_some() || is_built_in {
            check_endpoint(custom.as_deref(), &settings).map_err(|error| {
                CreateError::Endpoint {
                    network: network_name(custom.clone(), name.clone()),
                    error,
                }
            })?;
        }
        networks.insert(network_name(custom, name), settings);
    }
    if !matches!(
        NetworkMode::parse(&host.network_mode),
        Ok(NetworkMode::Container(_)) | Err(_)
    ) {
        let mode = host.network_mode.clone();
        let name = network_name(engine.networks.find(&mode), mode);
        networks.entry(name).or_default();
    }
    Ok(networks)
}

fn network_name(custom: Option<Arc<Custom>>, text: String) -> String {
    match custom {
        Some(custom) => custom.record.name.clone(),
        None if text == "default" => "bridge".to_owned(),
        None => text,
    }
}

const MAC_ADDRESS: &str = "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.";
