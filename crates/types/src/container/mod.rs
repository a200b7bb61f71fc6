//! What a container is asked to be: `ContainerConfig` and `HostConfig` of Docker API 1.55.
//!
//! Field order is the order on the wire, `Option` is what Docker shows as `null`, and fields that
//! Docker leaves out when empty are left out. The same shapes are stored on disk.

mod config;
mod host;
mod mount;

pub use config::{ContainerConfig, Healthcheck};
pub use host::{
    DeviceMapping, DeviceRequest, HostConfig, LogConfig, RestartPolicy, ThrottleDevice, Ulimit,
    WeightDevice,
};
pub use mount::{
    AskedType, BindOptions, DriverConfig, ImageOptions, Mount, MountPoint, MountType, TmpfsOptions,
    VolumeOptions,
};

/// An object without members; Docker writes sets as maps to it (`"ExposedPorts":{"80/tcp":{}}`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Empty {}
