//! Volumes.

use lockgate_api::latest::volume as wire;
use lockgate_engine::{CreateVolume, VolumeInfo, VolumeUsage};
use lockgate_gate::Reply;
use lockgate_types::Timestamp;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

/// `GET /volumes`
pub(crate) fn list(ask: &Ask) -> Result<Reply, Failure> {
    let found = ask.engine.volumes().list(&ask.filters()?)?;
    let volumes = found
        .into_iter()
        .filter(|volume| ask.sees(volume.labels.as_ref()))
        .map(encode)
        .collect();
    Ok(reply::json(&wire::List {
        volumes,
        warnings: None,
    }))
}

/// `GET /volumes/{name}`
pub(crate) fn inspect(ask: &Ask) -> Result<Reply, Failure> {
    Ok(reply::json(&encode(
        ask.engine.volumes().inspect(ask.name())?,
    )))
}

/// `POST /volumes/create`
pub(crate) async fn create(ask: &Ask) -> Result<Reply, Failure> {
    let request: wire::CreateRequest = ask.json()?;
    if request.cluster_volume_spec.is_some() {
        return Err(Failure::no_swarm());
    }
    let wanted = CreateVolume {
        name: request.name,
        driver: request.driver,
        driver_options: request.driver_opts,
        labels: ask.owned(request.labels),
    };
    Ok(reply::created(&encode(
        ask.engine.volumes().create(wanted).await?,
    )))
}

/// `DELETE /volumes/{name}`
pub(crate) async fn remove(ask: &Ask) -> Result<Reply, Failure> {
    ask.engine
        .volumes()
        .remove(ask.name(), ask.query().flag("force"))
        .await?;
    Ok(reply::no_content())
}

/// `POST /volumes/prune`; before 1.42 it took volumes with a name too.
pub(crate) async fn prune(ask: &Ask) -> Result<Reply, Failure> {
    let mut filters = ask.filters()?;
    if ask.version().before(42) {
        filters.insert("all", "true");
    }
    let (mut gone, mut space_reclaimed): (Vec<String>, _) = (Vec::new(), 0);
    for filters in ask.within_scope(&filters) {
        let pruned = ask.engine.volumes().prune(filters).await?;
        gone.extend(pruned.deleted.iter().map(ToString::to_string));
        space_reclaimed += pruned.reclaimed;
    }
    Ok(reply::json(&wire::PruneReport {
        volumes_deleted: Some(gone),
        space_reclaimed,
    }))
}

fn encode(from: VolumeInfo) -> wire::Volume {
    wire::Volume {
        created_at: whole_seconds(from.created),
        driver: "local".to_owned(),
        labels: from.labels,
        mountpoint: from.mountpoint,
        name: from.name.to_string(),
        options: from.options,
        scope: "local".to_owned(),
        status: None,
        usage_data: None,
    }
}

/// A volume in the disk usage.
pub(crate) fn with_usage(from: VolumeUsage) -> wire::Volume {
    let usage = wire::UsageData {
        ref_count: from.users,
        size: from.size,
    };
    wire::Volume {
        usage_data: Some(usage),
        ..encode(from.volume)
    }
}

fn whole_seconds(time: Timestamp) -> String {
    let nanos = i128::from(time.unix_seconds()) * 1_000_000_000;
    Timestamp::from_unix_nanos(nanos).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_were_made_at_a_whole_second() {
        let time = Timestamp::from_unix_nanos(7_900_000_000);
        assert_eq!(whole_seconds(time), "1970-01-01T00:00:07Z");
    }
}
