//! The list of containers.

mod select;
mod status;

use std::collections::BTreeMap;
use std::sync::Arc;

use lockgate_types::Timestamp;
use lockgate_types::network::EndpointSettings;

use super::error::InspectError;
use super::handle::{Container, Facts};
use super::inspect::image_size;
use super::record::Record;
use super::request::ListQuery;
use super::state::RunState;
use super::view::{PortSummary, Summary, SummaryHostConfig, SummaryNetworkSettings};
use super::{Containers, Status};
use crate::engine::Inner;
use crate::network::{Known, endpoints, parse_port, port_map};

use select::Selection;

/// The filter that makes stopped containers visible without `all`.
const IMPLIES_ALL: &str = "status";

impl Containers {
    /// The containers that match, newest first.
    pub async fn list(&self, query: &ListQuery) -> Result<Vec<Summary>, InspectError> {
        let filters = &query.filters;
        filters.check_keys(&select::KEYS)?;
        let all = query.all || query.limit.is_some() || filters.contains(IMPLIES_ALL);
        let mut found: Vec<(Arc<Container>, Arc<Facts>)> = self
            .inner
            .registry
            .all()
            .into_iter()
            .map(|container| {
                let facts = container.facts();
                (container, facts)
            })
            .collect();
        found.sort_by_key(|(_, facts)| std::cmp::Reverse(facts.record.created));
        let selection = Selection::new(&self.inner, filters)?;
        found.retain(|(_, facts)| (all || shows(facts.state.status)) && selection.matches(facts));
        found.truncate(query.limit.unwrap_or(usize::MAX));
        let mut list = Vec::with_capacity(found.len());
        for (container, facts) in found {
            let mut summary = summary(&self.inner, &facts, Timestamp::now());
            if query.size {
                let size = self.layer_size(&container).await;
                summary.size_rw = Some(size);
                summary.size_root_fs = Some(size + image_size(&self.inner, &facts.record));
            }
            list.push(summary);
        }
        Ok(list)
    }
}

/// Whether a container is listed without `all`.
fn shows(status: Status) -> bool {
    status.has_process() || status == Status::Restarting
}

fn summary(engine: &Inner, facts: &Facts, now: Timestamp) -> Summary {
    let Facts { record, state } = facts;
    Summary {
        id: record.id.clone(),
        names: vec![format!("/{}", record.name)],
        image: shown_image(engine, facts),
        image_id: record
            .image
            .map(|image| image.to_string())
            .unwrap_or_default(),
        command: record.command(),
        created: record.created.unix_seconds(),
        ports: ports(facts),
        size_rw: None,
        size_root_fs: None,
        labels: record.config.labels.clone().unwrap_or_default(),
        state: state.status.as_str(),
        status: status::text(state, now),
        health: state.health.clone(),
        host_config: SummaryHostConfig {
            network_mode: record.host_config.network_mode.clone(),
            annotations: record.host_config.annotations.clone(),
        },
        network_settings: SummaryNetworkSettings {
            networks: networks(&engine.networks, record, state),
        },
        mounts: record
            .mounts
            .iter()
            .filter(|m| !m.hidden)
            .map(|m| m.point.clone())
            .collect(),
    }
}

/// The networks as a list shows them: without the names that resolve to the container.
fn networks(
    known: &Known,
    record: &Record,
    state: &RunState,
) -> BTreeMap<String, EndpointSettings> {
    let mut all = endpoints(known, record, state);
    for settings in all.values_mut() {
        settings.dns_names = None;
    }
    all
}

/// The image as it was named, or its id once the name means another image.
fn shown_image(engine: &Inner, facts: &Facts) -> String {
    let named = &facts.record.config.image;
    let same = match (&facts.record.image, engine.store.resolve(named)) {
        (Some(id), Ok(image)) => image.id == *id,
        (None, _) => true,
        (Some(_), Err(_)) => false,
    };
    match &facts.record.image {
        Some(id) if !same => id.to_string(),
        _ => named.clone(),
    }
}

fn ports(facts: &Facts) -> Vec<PortSummary> {
    let mut all = Vec::new();
    for (port, bindings) in port_map(&facts.record, &facts.state.network) {
        let Ok((private_port, proto)) = parse_port(&port) else {
            continue;
        };
        let kind = proto.as_str().to_owned();
        match bindings {
            None => all.push(PortSummary {
                private_port,
                kind,
                ..PortSummary::default()
            }),
            Some(bindings) => all.extend(bindings.into_iter().map(|binding| PortSummary {
                ip: binding.host_ip,
                private_port,
                public_port: binding.host_port.parse().ok(),
                kind: kind.clone(),
            })),
        }
    }
    all.sort();
    all
}
