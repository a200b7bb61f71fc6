//! The ids that were judged in place of the names in a body, which may mean something else a moment later,
//! or at the next start.

use lockgate_access::{Kind, Meant};
use lockgate_api::latest::container::CreateRequest;
use lockgate_types::ErrorKind;
use lockgate_types::network::EndpointSettings;

use crate::error::Failure;

/// Containers whose namespaces, volumes or names are shared, and networks.
pub(crate) fn container(meant: &Meant, request: &mut CreateRequest) -> Result<(), Failure> {
    if !meant.is_known() {
        return Ok(());
    }
    let host = &mut request.host_config;
    for mode in [
        &mut host.network_mode,
        &mut host.pid_mode,
        &mut host.ipc_mode,
    ] {
        if let Some(name) = mode.strip_prefix("container:") {
            *mode = format!("container:{}", partner(meant, name)?);
        }
    }
    for from in host.volumes_from.iter_mut().flatten() {
        let (name, mode) = cut(from);
        *from = format!("{}{mode}", partner(meant, name)?);
    }
    links(meant, host.links.as_mut())?;
    networks(meant, request)
}

/// How a container is on the network that was judged.
pub(crate) fn endpoint(
    meant: &Meant,
    network: &str,
    settings: &mut EndpointSettings,
) -> Result<(), Failure> {
    if meant.is_known() {
        network.clone_into(&mut settings.network_id);
        links(meant, settings.links.as_mut())?;
    }
    Ok(())
}

/// A container that a body names.
pub(crate) fn named(meant: &Meant, name: &str) -> Result<String, Failure> {
    let id = meant.id(Kind::Container, name).map(str::to_owned);
    id.ok_or_else(|| Failure::new(ErrorKind::NotFound, Kind::Container.not_there(name)))
}

/// The same of a new container: clients take "not found" for a missing image.
fn partner(meant: &Meant, name: &str) -> Result<String, Failure> {
    let id = meant.id(Kind::Container, name).map(str::to_owned);
    id.ok_or_else(|| Failure::invalid(Kind::Container.not_there(name)))
}

fn links(meant: &Meant, links: Option<&mut Vec<String>>) -> Result<(), Failure> {
    for link in links.into_iter().flatten() {
        let (name, alias) = cut(link);
        let alias = match alias {
            "" => format!(":{}", name.trim_start_matches('/')),
            alias => alias.rsplit('/').next().map_or_else(String::new, |last| {
                format!(":{}", last.trim_start_matches(':'))
            }),
        };
        *link = format!("{}{alias}", partner(meant, name)?);
    }
    Ok(())
}

/// A network keeps the name that it was asked for by, with the id of what that meant beside it.
fn networks(meant: &Meant, request: &mut CreateRequest) -> Result<(), Failure> {
    let mode = request.host_config.network_mode.clone();
    let endpoints = request
        .networking_config
        .endpoints_config
        .get_or_insert_default();
    if is_named(&mode) {
        endpoints.entry(mode).or_default();
    }
    for (name, settings) in endpoints.iter_mut().filter(|(name, _)| is_named(name)) {
        let settings = settings.get_or_insert_default();
        links(meant, settings.links.as_mut())?;
        let asked = match settings.network_id.as_str() {
            "" => name.as_str(),
            id => id,
        };
        let id = meant.id(Kind::Network, asked).map(str::to_owned);
        settings.network_id = id.ok_or_else(|| Failure::invalid(Kind::Network.not_there(asked)))?;
    }
    Ok(())
}

/// Those of every daemon mean nothing else ever.
fn is_named(mode: &str) -> bool {
    !matches!(mode, "" | "bridge" | "default" | "host" | "none") && !mode.starts_with("container:")
}

/// `name:rest` as `name` and `:rest`.
fn cut(text: &str) -> (&str, &str) {
    text.find(':').map_or((text, ""), |at| text.split_at(at))
}
