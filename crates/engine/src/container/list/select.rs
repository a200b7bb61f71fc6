//! Which containers a filter selects.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use lockgate_types::{Digest, Timestamp};

use crate::container::error::InspectError;
use crate::container::handle::Facts;
use crate::container::state::Status;
use crate::engine::Inner;
use crate::filter::{FilterError, Filters};
use crate::network::parse_port;

/// The filters of a list.
pub(super) const KEYS: [&str; 15] = [
    "ancestor",
    "before",
    "exited",
    "expose",
    "health",
    "id",
    "is-task",
    "isolation",
    "label",
    "name",
    "network",
    "publish",
    "since",
    "status",
    "volume",
];

const HEALTHS: [&str; 4] = ["none", "starting", "healthy", "unhealthy"];

const STATUSES: [&str; 7] = [
    "created",
    "running",
    "paused",
    "restarting",
    "removing",
    "exited",
    "dead",
];

/// Filters with everything looked up that they name.
pub(super) struct Selection<'a> {
    filters: &'a Filters,
    engine: &'a Inner,
    before: Option<Timestamp>,
    since: Option<Timestamp>,
    exited: Vec<i32>,
    ancestors: Vec<Digest>,
    is_task: bool,
}

impl<'a> Selection<'a> {
    pub(super) fn new(engine: &'a Inner, filters: &'a Filters) -> Result<Self, InspectError> {
        one_of(filters, "status", "state", &STATUSES)?;
        one_of(filters, "health", "health", &HEALTHS)?;
        for key in ["expose", "publish"] {
            for wanted in filters.values(key) {
                ports(key, wanted)?;
            }
        }
        let created = |key: &str| -> Result<Option<Timestamp>, InspectError> {
            match filters.values(key).next() {
                Some(name) => Ok(Some(engine.registry.find(name)?.facts().record.created)),
                None => Ok(None),
            }
        };
        let exited = |text: &str| {
            text.parse().map_err(|_code| FilterError::Reason {
                key: "exited",
                value: text.to_owned(),
                reason: format!("strconv.Atoi: parsing {text:?}: invalid syntax"),
            })
        };
        let ancestors = filters
            .values("ancestor")
            .filter_map(|name| engine.store.resolve(name).ok());
        Ok(Self {
            filters,
            engine,
            before: created("before")?,
            since: created("since")?,
            exited: filters
                .values("exited")
                .map(exited)
                .collect::<Result<_, _>>()?,
            ancestors: ancestors.map(|image| image.id).collect(),
            is_task: filters.boolean("is-task")?.unwrap_or(false),
        })
    }

    pub(super) fn matches(&self, facts: &Facts) -> bool {
        let (filters, record, state) = (self.filters, &facts.record, &facts.state);
        let exited = state.status == Status::Exited && self.exited.contains(&state.exit_code);
        !self.is_task
            && self.before.is_none_or(|before| record.created < before)
            && self.since.is_none_or(|since| record.created > since)
            && (!filters.contains("exited") || exited)
            && filters.matches_exactly("status", state.status.as_str())
            && filters.matches_labels(record.config.labels.as_ref())
            && filters.matches_exactly(
                "health",
                state
                    .health
                    .as_ref()
                    .map_or("none", |health| health.status.as_str()),
            )
            && filters.matches_exactly("isolation", "default")
            && self.matches_name(record.name.as_str())
            && filters.matches_pattern("id", record.id.as_str())
            && self.matches_ancestor(record.image.as_ref())
            && self.matches_volume(facts)
            && self.matches_network(facts)
            && self.matches_port("expose", facts)
            && self.matches_port("publish", facts)
    }

    /// Names match with or without their slash.
    fn matches_name(&self, name: &str) -> bool {
        self.filters.matches_pattern("name", name)
            || self.filters.matches_pattern("name", &format!("/{name}"))
    }

    fn matches_ancestor(&self, image: Option<&Digest>) -> bool {
        if !self.filters.contains("ancestor") {
            return true;
        }
        let mut next = image.copied();
        while let Some(id) = next {
            if self.ancestors.contains(&id) {
                return true;
            }
            next = self.engine.store.image(&id).and_then(|image| image.parent);
        }
        false
    }

    fn matches_volume(&self, facts: &Facts) -> bool {
        let mounts = &facts.record.mounts;
        !self.filters.contains("volume")
            || self.filters.values("volume").any(|wanted| {
                mounts.iter().map(|mount| &mount.point).any(|point| {
                    wanted == point.name || wanted == point.destination || wanted == point.source
                })
            })
    }

    fn matches_network(&self, facts: &Facts) -> bool {
        !self.filters.contains("network")
            || self.filters.values("network").any(|wanted| {
                facts.record.networks.keys().any(|name| {
                    let id = self.engine.networks.id(name).map(|id| id.to_string());
                    name == wanted || id.is_some_and(|id| id.starts_with(wanted))
                })
            })
    }

    fn matches_port(&self, key: &str, facts: &Facts) -> bool {
        if !self.filters.contains(key) {
            return true;
        }
        let known: Vec<(u16, &str)> = if key == "expose" {
            let exposed = facts
                .record
                .config
                .exposed_ports
                .iter()
                .flat_map(|ports| ports.keys());
            exposed
                .filter_map(|port| parse_port(port).ok())
                .map(|(port, proto)| (port, proto.as_str()))
                .collect()
        } else {
            let endpoints = facts.state.network.endpoints.iter();
            endpoints
                .filter_map(|joined| joined.endpoint.as_ref())
                .flat_map(|endpoint| &endpoint.ports)
                .filter(|port| !IpAddr::from(port.host_ip).is_multicast())
                .map(|port| (port.host_port, port.proto.as_str()))
                .collect()
        };
        self.filters
            .values(key)
            .filter_map(|wanted| ports(key, wanted).ok())
            .any(|(range, proto)| {
                known
                    .iter()
                    .any(|(port, kind)| range.contains(port) && *kind == proto)
            })
    }
}

/// Refuses a value that is none of `known`; `what` is dockerd's word for them.
fn one_of(
    filters: &Filters,
    key: &'static str,
    what: &str,
    known: &[&str],
) -> Result<(), FilterError> {
    match filters.values(key).find(|value| !known.contains(value)) {
        None => Ok(()),
        Some(value) => Err(FilterError::Reason {
            key,
            value: value.to_owned(),
            reason: format!(
                "invalid value for {what} ({value}): must be one of {}",
                known.join(", ")
            ),
        }),
    }
}

/// The ports of `80`, `80-90` or `53/udp`.
fn ports<'a>(key: &str, wanted: &'a str) -> Result<(RangeInclusive<u16>, &'a str), FilterError> {
    let (range, proto) = wanted.split_once('/').unwrap_or((wanted, "tcp"));
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let number = |text: &str| {
        text.parse::<u16>().map_err(|_number| {
            FilterError::Text(format!(
                "error while looking up for {key} {wanted}: strconv.ParseUint: parsing {text:?}: invalid syntax"
            ))
        })
    };
    Ok((number(first)?..=number(last)?, proto))
}
