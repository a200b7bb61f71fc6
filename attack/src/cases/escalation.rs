//! Power over the host, asked for by an identity that has none.

use crate::case::{Case, Run};
use crate::target::Who::Operator;

macro_rules! create {
    ($id:literal, $title:literal, $host:literal) => {
        Case {
            id: $id,
            title: $title,
            sends: concat!("create with `", $host, "`"),
            run: Run::Create(concat!(r#"{"Image":"busybox","HostConfig":{"#, $host, "}}")),
        }
    };
}

macro_rules! post {
    ($id:literal, $title:literal, $method:literal, $path:literal, $body:literal) => {
        Case {
            id: $id,
            title: $title,
            sends: concat!("`", $method, " ", $path, "` with `", $body, "`"),
            run: Run::Ask(Operator, $method, $path, Some($body)),
        }
    };
}

#[rustfmt::skip]
pub(super) const CASES: &[Case] = &[
    create!("power-privileged", "all of it at once", r#""Privileged":true"#),
    create!("power-binds", "the host's files", r#""Binds":["/:/host"]"#),
    create!("power-binds-dots", "the host's files by a way around", r#""Binds":["/tmp/../:/host"]"#),
    create!("power-binds-proc", "the host's files through /proc", r#""Binds":["/proc/self/root:/host"]"#),
    create!("power-binds-socket", "the daemon's own socket", r#""Binds":["/var/run/docker.sock:/s"]"#),
    create!("power-binds-later", "a path that can be made a link later", r#""Binds":["/tmp/attack-later:/host"]"#),
    create!("power-mount-bind", "the host's files", r#""Mounts":[{"Type":"bind","Source":"/","Target":"/host"}]"#),
    create!("power-mount-driver", "the host's files through a volume", r#""Mounts":[{"Type":"volume","Source":"attack-dev","Target":"/h","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"type":"none","o":"bind","device":"/"}}}}]"#),
    create!("power-volumes-from", "the mounts of a powerful container", r#""VolumesFrom":["{p}"]"#),
    create!("power-mount-overlay", "the host's files as the layers of a volume", r#""Mounts":[{"Type":"volume","Source":"attack-lay","Target":"/h","VolumeOptions":{"DriverConfig":{"Name":"local","Options":{"type":"overlay","o":"lowerdir=/etc:/tmp","device":"overlay"}}}}]"#),
    create!("power-mount-list", "the host's files behind a comma, which podman reads as a list", r#""Mounts":[{"Type":"volume","Target":"/h,src=attack-volume"}]"#),
    create!("power-volume-driver", "a volume driver", r#""VolumeDriver":"nfs","Binds":["attack-nfs:/d"]"#),
    create!("power-cap-add", "capabilities", r#""CapAdd":["SYS_ADMIN"]"#),
    create!("power-devices", "devices", r#""Devices":[{"PathOnHost":"/dev/vda","PathInContainer":"/dev/vda","CgroupPermissions":"rwm"}]"#),
    create!("power-device-rules", "rules for devices", r#""DeviceCgroupRules":["a *:* rwm"]"#),
    create!("power-device-requests", "devices by driver", r#""DeviceRequests":[{"Driver":"cdi","DeviceIDs":["vendor.com/device=x"]}]"#),
    create!("power-security-opt", "no seccomp filter", r#""SecurityOpt":["seccomp=unconfined"]"#),
    create!("power-system-paths", "unmasked system paths", r#""SecurityOpt":["systempaths=unconfined"]"#),
    create!("power-masked-paths", "unmasked system paths", r#""MaskedPaths":[],"ReadonlyPaths":[]"#),
    create!("power-pid-host", "the host's processes", r#""PidMode":"host""#),
    create!("power-ipc-host", "the host's IPC", r#""IpcMode":"host""#),
    create!("power-uts-host", "the host's name", r#""UTSMode":"host""#),
    create!("power-network-host", "the host's network", r#""NetworkMode":"host""#),
    create!("power-userns-host", "the host's user namespace", r#""UsernsMode":"host""#),
    create!("power-cgroupns-host", "the host's cgroups", r#""CgroupnsMode":"host""#),
    create!("power-pid-path", "the host's processes by the path of a namespace", r#""PidMode":"ns:/proc/1/ns/pid""#),
    create!("power-network-path", "the host's network by the path of a namespace", r#""NetworkMode":"ns:/proc/1/ns/net""#),
    create!("power-ipc-path", "the host's IPC by the path of a namespace", r#""IpcMode":"ns:/proc/1/ns/ipc""#),
    create!("power-pid-container", "the processes of a powerful container", r#""PidMode":"container:{p}""#),
    create!("power-network-container", "the network of a powerful container", r#""NetworkMode":"container:{p}""#),
    create!("power-cgroup-parent", "a place in the host's cgroups", r#""CgroupParent":"/""#),
    create!("power-runtime", "another runtime", r#""Runtime":"io.containerd.runc.v2""#),
    create!("power-sysctls", "kernel parameters", r#""Sysctls":{"net.ipv4.ip_forward":"1"}"#),
    create!("power-annotation", "orders to the runtime", r#""Annotations":{"run.oci.hooks.stdout":"/tmp/attack-hook","org.systemd.property.DevicePolicy":"'auto'"}"#),
    create!("power-new-privileges", "set-user-id programs where the daemon forbids them", r#""SecurityOpt":["no-new-privileges:false"]"#),
    create!("power-log-path", "the log written into a file of the host", r#""LogConfig":{"Type":"json-file","Config":{"path":"/tmp/attack-log"}}"#),
    create!("power-log-driver", "the daemon sending data where it is told", r#""LogConfig":{"Type":"syslog","Config":{"syslog-address":"udp://127.0.0.1:1"}}"#),
    post!("power-volume-device", "the host's files through a volume", "POST", "/volumes/create", r#"{"Name":"attack-root","DriverOpts":{"type":"none","o":"bind","device":"/"}}"#),
    post!("power-network-macvlan", "a network on the host's own interface", "POST", "/networks/create", r#"{"Name":"attack-macvlan","Driver":"macvlan","Options":{"parent":"lo"}}"#),
    post!("power-network-bridge", "a bridge of the host under the daemon's hands", "POST", "/networks/create", r#"{"Name":"attack-bridge","Options":{"com.docker.network.bridge.name":"attackbr0"}}"#),
    post!("power-exec-privileged", "a privileged process", "POST", "/containers/{c}/exec", r#"{"Cmd":["id"],"Privileged":true}"#),
    post!("power-exec-powerful", "a process in a powerful container", "POST", "/containers/{p}/exec", r#"{"Cmd":["id"]}"#),
    post!("power-update-devices", "rules for devices, later", "POST", "/containers/{c}/update", r#"{"DeviceCgroupRules":["a *:* rwm"]}"#),
    post!("power-update-cgroup", "a place in the host's cgroups, later", "POST", "/containers/{c}/update", r#"{"CgroupParent":"/"}"#),
    post!("power-copy-powerful", "the host's files out of a powerful container", "GET", "/containers/{p}/archive?path=/host/etc/hostname", ""),
    post!("power-commit-powerful", "a powerful container as an image", "POST", "/commit?container={p}&repo=attack", "{}"),
    post!("power-volumes-key", "the host's files as the place of a volume", "POST", "/containers/create", r#"{"Image":"busybox","Volumes":{"/:/host":{}},"HostConfig":{"NetworkMode":"none"}}"#),
    post!("power-volume-relative", "the host's files from where the daemon stands", "POST", "/volumes/create", r#"{"Name":"attack-relative","DriverOpts":{"type":"none","o":"bind","device":"etc"}}"#),
    post!("power-plugin-set", "a plugin's rights", "POST", "/plugins/attack/set", r#"["mount=/"]"#),
    post!("power-plugin-enable", "a plugin set to work", "POST", "/plugins/attack/enable?timeout=1", ""),
    post!("power-swarm-join", "the node given to somebody else", "POST", "/swarm/join", r#"{"ListenAddr":"127.0.0.1:23770","RemoteAddrs":["127.0.0.1:1"],"JoinToken":"SWMTKN-1-x"}"#),
    post!("power-elevate", "a role for a time, from afar", "POST", "/lockgate/elevations", r#"{"Who":"operator","Role":"admin","Seconds":60}"#),
    post!("power-service", "a container through the swarm", "POST", "/services/create", r#"{"Name":"attack","TaskTemplate":{"ContainerSpec":{"Image":"busybox","Mounts":[{"Type":"bind","Source":"/","Target":"/host"}]}}}"#),
    post!("CVE-2026-33997", "a plugin, which runs with the daemon's rights", "POST", "/plugins/pull?remote=127.0.0.1:1/x&name=attack", r#"[{"Name":"mount","Value":["/"]}]"#),
    post!("power-plugin-create", "a plugin out of an archive", "POST", "/plugins/create?name=attack", ""),
    post!("power-swarm-init", "the node itself", "POST", "/swarm/init", r#"{"ListenAddr":"127.0.0.1:23770","AdvertiseAddr":"127.0.0.1"}"#),
    post!("power-swarm-leave", "the node itself", "POST", "/swarm/leave?force=1", ""),
    post!("power-build-host", "a build on the host's network", "POST", "/build?networkmode=host&remote=http%3A%2F%2F127.0.0.1%3A1%2F", ""),
    post!("power-import-url", "the daemon fetching from inside its network", "POST", "/images/create?fromSrc=http%3A%2F%2F127.0.0.1%3A1%2Fx&repo=attack", ""),
];
