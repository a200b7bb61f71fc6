//! `POST /containers/{id}/update`

use lockgate_api::latest::container::{UpdateRequest, UpdateResponse};
use lockgate_engine::UpdateQuery;
use lockgate_gate::Reply;
use lockgate_types::container::HostConfig;

use crate::ask::Ask;
use crate::error::Failure;
use crate::reply;

pub(crate) async fn update(ask: &Ask) -> Result<Reply, Failure> {
    let mut request: UpdateRequest = ask.json()?;
    if ask.version().before(40) {
        request.pids_limit = None;
    }
    let query = UpdateQuery {
        host_config: host_config(request),
    };
    let warnings = ask.engine.containers().update(ask.name(), query).await?;
    Ok(reply::json(&UpdateResponse {
        // Clients know none as null.
        warnings: Some(warnings).filter(|warnings| !warnings.is_empty()),
    }))
}

/// The fields that `update` can name, in the type that has them all.
fn host_config(from: UpdateRequest) -> HostConfig {
    HostConfig {
        cpu_shares: from.cpu_shares,
        memory: from.memory,
        nano_cpus: from.nano_cpus,
        cgroup_parent: from.cgroup_parent,
        blkio_weight: from.blkio_weight,
        blkio_weight_device: from.blkio_weight_device,
        blkio_device_read_bps: from.blkio_device_read_bps,
        blkio_device_write_bps: from.blkio_device_write_bps,
        blkio_device_read_iops: from.blkio_device_read_iops,
        blkio_device_write_iops: from.blkio_device_write_iops,
        cpu_period: from.cpu_period,
        cpu_quota: from.cpu_quota,
        cpu_realtime_period: from.cpu_realtime_period,
        cpu_realtime_runtime: from.cpu_realtime_runtime,
        cpuset_cpus: from.cpuset_cpus,
        cpuset_mems: from.cpuset_mems,
        devices: from.devices,
        device_cgroup_rules: from.device_cgroup_rules,
        device_requests: from.device_requests,
        memory_reservation: from.memory_reservation,
        memory_swap: from.memory_swap,
        memory_swappiness: from.memory_swappiness,
        oom_kill_disable: from.oom_kill_disable,
        pids_limit: from.pids_limit,
        ulimits: from.ulimits,
        restart_policy: from.restart_policy,
        ..HostConfig::default()
    }
}
