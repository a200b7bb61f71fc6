//! What a container or a volume mounts.

use std::collections::BTreeMap;

use lockgate_types::container::{AskedType, HostConfig, Mount, MountType};

use super::{Facts, Kind, Power, Wish};

/// Kinds of file systems that hold nothing of the host's.
const ELSEWHERE: [&str; 5] = ["cifs", "nfs", "nfs4", "smb3", "tmpfs"];
/// Flags that make a mount one of a path, whatever kind it says.
const OF_A_PATH: [&str; 4] = ["bind", "move", "rbind", "remount"];

impl Facts {
    pub(super) fn mounts(&mut self, host: &HostConfig) {
        for bind in host.binds.iter().flatten() {
            self.bind(bind);
        }
        for mount in host.mounts.iter().flatten() {
            self.mount(mount);
        }
        for text in host.volumes_from.iter().flatten() {
            let name = text.split_once(':').map_or(text.as_str(), |(name, _)| name);
            self.uses(Kind::Container, name, true);
            self.details.borrows_volumes = true;
        }
        for link in host.links.iter().flatten() {
            self.linked(link);
        }
    }

    /// `/host:/here:ro`, `volume:/here`, `/here`.
    pub(super) fn bind(&mut self, bind: &str) {
        let mut parts = bind.split(':');
        let source = parts.next().unwrap_or_default();
        if parts.next().is_none() {
            // A place alone gets a new volume.
            return;
        }
        let read_only = parts
            .next()
            .is_some_and(|mode| mode.split(',').any(|word| word == "ro"));
        if source.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            self.uses(Kind::Volume, source, true);
        } else if !source.is_empty() {
            self.host_path(source, read_only);
        }
    }

    fn mount(&mut self, mount: &Mount) {
        if [&mount.source, &mount.target]
            .iter()
            .any(|text| text.contains([',', '"', '\n']))
        {
            // podman reads mounts as lists with commas: this may be a mount of anything.
            self.host_path("a list", false);
        }
        match mount.kind {
            // A daemon behind a guard may know types that are not known here.
            AskedType::Unknown(_)
            | AskedType::Known(MountType::Bind | MountType::Npipe | MountType::Cluster) => {
                let bind = mount.bind_options.as_ref();
                let in_part = bind.is_some_and(|options| options.read_only_non_recursive);
                self.host_path(&mount.source, mount.read_only && !in_part);
            }
            AskedType::Known(MountType::Volume) if !mount.source.is_empty() => {
                self.uses(Kind::Volume, &mount.source, true);
            }
            AskedType::Known(MountType::Image) => self.details.images.push(mount.source.clone()),
            AskedType::Known(MountType::Tmpfs | MountType::Volume) => {}
        }
        let options = mount.volume_options.as_ref();
        let labels = options.and_then(|options| options.labels.as_ref());
        for (key, value) in labels.into_iter().flatten() {
            self.details.labels.push((key.clone(), value.clone()));
        }
        if let Some(driver) = options.and_then(|options| options.driver_config.as_ref()) {
            if driver.options.as_ref().is_none_or(BTreeMap::is_empty) && !driver.name.is_empty() {
                self.wish(Power::Driver, &driver.name);
            }
            self.volume_options(&driver.name, driver.options.as_ref());
        }
    }

    pub(super) fn host_path(&mut self, path: &str, read_only: bool) {
        self.wishes.push(Wish {
            power: Power::HostPath,
            detail: path.to_owned(),
            read_only,
        });
    }

    /// Options make the daemon mount what they say. The stock driver takes any file system that the kernel has:
    /// `overlay` shows any path, `devtmpfs` all devices, and a path need not begin with a slash.
    pub(super) fn volume_options(
        &mut self,
        driver: &str,
        options: Option<&BTreeMap<String, String>>,
    ) {
        let Some(options) = options.filter(|options| !options.is_empty()) else {
            return;
        };
        let driver = if driver.is_empty() { "local" } else { driver };
        self.wish(Power::Driver, driver);
        let option = |key: &str| options.get(key).map(String::as_str).unwrap_or_default();
        let (device, kind) = (option("device"), option("type"));
        let mut flags = option("o").split(',');
        let of_a_path = flags.clone().any(|flag| OF_A_PATH.contains(&flag));
        let path = match kind {
            _ if driver != "local" => device.starts_with('/').then_some(device),
            _ if of_a_path => Some(device),
            "" => Some(device).filter(|device| !device.is_empty()),
            "bind" | "none" => Some(device),
            kind if ELSEWHERE.contains(&kind) => None,
            // Which path of the host that shows stands elsewhere in the options, or nowhere.
            kind => Some(kind),
        };
        if let Some(path) = path {
            self.host_path(path, flags.any(|flag| flag == "ro"));
        }
    }
}
