//! What containers are asked to be.
#![expect(missing_docs, reason = "the names are those of the API description")]

use lockgate_types::container::{
    ContainerConfig, DeviceMapping, DeviceRequest, HostConfig, RestartPolicy, ThrottleDevice,
    Ulimit, WeightDevice,
};
use lockgate_types::network::NetworkingConfig;
use serde::{Deserialize, Serialize};

use crate::json::{Document, JsonError};

/// The body of `POST /containers/create`: three objects written into one another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateRequest {
    pub config: ContainerConfig,
    pub host_config: HostConfig,
    pub networking_config: NetworkingConfig,
}

impl CreateRequest {
    /// Reads the body strictly.
    pub fn parse(body: &[u8]) -> Result<Self, JsonError> {
        Self::read(&Document::parse(body)?)
    }

    /// The same from a document.
    pub fn read(document: &Document) -> Result<Self, JsonError> {
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "PascalCase", default)]
        struct Beside {
            host_config: HostConfig,
            networking_config: NetworkingConfig,
        }
        let Beside {
            host_config,
            networking_config,
        } = document.read()?;
        Ok(Self {
            config: document.read()?,
            host_config,
            networking_config,
        })
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CreateResponse {
    pub id: String,
    pub warnings: Vec<String>,
}

/// The body of `POST /containers/{id}/update`; what is missing stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UpdateRequest {
    pub cpu_shares: i64,
    pub memory: i64,
    pub nano_cpus: i64,
    pub cgroup_parent: String,
    pub blkio_weight: u16,
    pub blkio_weight_device: Option<Vec<WeightDevice>>,
    pub blkio_device_read_bps: Option<Vec<ThrottleDevice>>,
    pub blkio_device_write_bps: Option<Vec<ThrottleDevice>>,
    #[serde(rename = "BlkioDeviceReadIOps")]
    pub blkio_device_read_iops: Option<Vec<ThrottleDevice>>,
    #[serde(rename = "BlkioDeviceWriteIOps")]
    pub blkio_device_write_iops: Option<Vec<ThrottleDevice>>,
    pub cpu_period: i64,
    pub cpu_quota: i64,
    pub cpu_realtime_period: i64,
    pub cpu_realtime_runtime: i64,
    pub cpuset_cpus: String,
    pub cpuset_mems: String,
    pub devices: Option<Vec<DeviceMapping>>,
    pub device_cgroup_rules: Option<Vec<String>>,
    pub device_requests: Option<Vec<DeviceRequest>>,
    pub memory_reservation: i64,
    pub memory_swap: i64,
    pub memory_swappiness: Option<i64>,
    pub oom_kill_disable: Option<bool>,
    pub pids_limit: Option<i64>,
    pub ulimits: Option<Vec<Ulimit>>,
    pub restart_policy: RestartPolicy,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UpdateResponse {
    pub warnings: Option<Vec<String>>,
}
