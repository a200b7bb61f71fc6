//! The mounts of a container, in the order in which they are made.

use std::path::{Path, PathBuf};

use lockgate_runtime::spec::{default_mounts, mount};
use lockgate_types::container::MountType;
use oci_spec::runtime::Mount;

use super::Inputs;
use super::process::INIT;
use crate::container::config_error::ConfigError;
use crate::container::create::Security;
use crate::container::record::{MountRecord, Record};
use crate::container::start::shm;

/// Defaults, the engine's three files, shared memory, then the user's own, shallow ones first. What
/// the user mounts replaces a default in the same place.
pub(super) fn build(inputs: &Inputs<'_>) -> Result<Vec<Mount>, ConfigError> {
    let record = inputs.record;
    let host = &record.host_config;
    let own_shm = inputs.peers.ipc.is_none() && host.ipc_mode == "private";
    let shm_size = own_shm.then(|| u64::try_from(host.shm_size).unwrap_or_default());
    let mut mounts = default_mounts(shm_size, host.privileged);
    if host.ipc_mode == "host" && Path::new("/dev/mqueue").is_dir() {
        // What the host has mounted there; else an instance of the host's queues is made.
        mounts.retain(|mount| mount.destination() != Path::new("/dev/mqueue"));
        mounts.push(bind("/dev/mqueue", "/dev/mqueue", &["rbind", "rprivate"]));
    }
    if let Some(writable) = Security::parse(host)?.writable_cgroups {
        set_cgroups_writable(&mut mounts, writable);
    }
    mounts.extend(shared_memory(inputs));
    for name in ["resolv.conf", "hostname", "hosts"] {
        let source = inputs.directory.join(name);
        let access = if host.readonly_rootfs { "ro" } else { "rw" };
        let target = format!("/etc/{name}");
        mounts.push(bind(
            &source.to_string_lossy(),
            &target,
            &["rbind", "rprivate", access],
        ));
    }
    if host.init == Some(true) {
        // The shim is an init as well, when it is called by that name.
        let init = inputs
            .engine
            .init_path
            .as_ref()
            .unwrap_or(&inputs.engine.shim_path);
        mounts.push(bind(&init.to_string_lossy(), INIT, &["bind", "ro"]));
    }
    let mut own: Vec<&MountRecord> = record.mounts.iter().collect();
    own.sort_by_key(|mount| mount.point.destination.matches('/').count());
    for mount in own {
        let target = Path::new(&mount.point.destination);
        mounts.retain(|other| other.destination() != target);
        mounts.push(user_mount(
            mount,
            inputs.staged.get(&mount.point.destination),
        )?);
    }
    Ok(mounts)
}

/// Shared or slave mounts need a root that lets them through.
pub(super) fn root_propagation(record: &Record) -> Option<String> {
    let spreads = |word: &str| {
        record
            .mounts
            .iter()
            .any(|mount| mount.point.propagation.trim_start_matches('r') == word)
    };
    if spreads("shared") {
        Some("rshared".to_owned())
    } else if spreads("slave") {
        Some("rslave".to_owned())
    } else {
        None
    }
}

fn set_cgroups_writable(mounts: &mut [Mount], writable: bool) {
    let (from, to) = if writable { ("ro", "rw") } else { ("rw", "ro") };
    for mount in mounts
        .iter_mut()
        .filter(|mount| mount.typ().as_deref() == Some("cgroup"))
    {
        let mut options = mount.options().clone().unwrap_or_default();
        for option in options.iter_mut().filter(|option| *option == from) {
            to.clone_into(option);
        }
        mount.set_options(Some(options));
    }
}

fn bind(source: &str, target: &str, options: &[&str]) -> Mount {
    mount(target, "bind", source, options)
}

/// `/dev/shm` of the host, or one that is shared with others.
fn shared_memory(inputs: &Inputs<'_>) -> Option<Mount> {
    let source = match (
        &inputs.peers.shm,
        inputs.record.host_config.ipc_mode.as_str(),
    ) {
        (Some(place), _) => place.clone(),
        (None, "host") => PathBuf::from("/dev/shm"),
        (None, "shareable") => shm::place(&inputs.engine.exec_root, &inputs.record.id),
        (None, _) => return None,
    };
    Some(bind(
        &source.to_string_lossy(),
        "/dev/shm",
        &["rbind", "rprivate"],
    ))
}

fn user_mount(record: &MountRecord, staged: Option<&PathBuf>) -> Result<Mount, ConfigError> {
    let point = &record.point;
    let source = staged.map_or_else(
        || point.source.clone(),
        |path| path.to_string_lossy().into_owned(),
    );
    let source = source.as_str();
    let access = if point.rw { "rw" } else { "ro" };
    match point.kind {
        MountType::Tmpfs => {
            check_tmpfs(&record.tmpfs_options)?;
            let mut options = vec!["noexec", "nosuid", "nodev"];
            options.retain(|option| {
                !record
                    .tmpfs_options
                    .iter()
                    .any(|own| own == option.trim_start_matches("no"))
            });
            options.extend(record.tmpfs_options.iter().map(String::as_str));
            if !point.rw && !options.contains(&"ro") {
                options.push("ro");
            }
            Ok(mount(&point.destination, "tmpfs", "tmpfs", &options))
        }
        MountType::Bind | MountType::Image | MountType::Volume => {
            let read_only = read_only(record)?;
            let recursion = if record.non_recursive {
                "bind"
            } else {
                "rbind"
            };
            let propagation = if point.propagation.is_empty() {
                "rprivate"
            } else {
                point.propagation.as_str()
            };
            if point.kind == MountType::Bind {
                check_shared(Path::new(&point.source), propagation)?;
            }
            let mut options = vec![recursion, propagation, access];
            options.extend(read_only);
            Ok(bind(source, &point.destination, &options))
        }
        MountType::Cluster | MountType::Npipe => {
            Err(ConfigError::MountKind(point.kind.as_str().to_owned()))
        }
    }
}

/// What makes the mounts below a read-only one read-only as well. Contradictions are found when the
/// container starts, as in dockerd.
fn read_only(record: &MountRecord) -> Result<Option<&'static str>, ConfigError> {
    let (force, leave) = (record.read_only_recursive, record.read_only_non_recursive);
    let conflict = |what| Err(ConfigError::MountConflict(what));
    match (record.point.rw, force, leave) {
        (true, _, true) => conflict("!ReadOnly && BindOptions.ReadOnlyNonRecursive"),
        (true, true, false) => conflict("!ReadOnly && BindOptions.ReadOnlyForceRecursive"),
        (false, true, true) => {
            conflict("ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive")
        }
        (false, _, false) => Ok(Some("rro")),
        (true, false, false) | (false, false, true) => Ok(None),
    }
}

/// What is mounted below a source spreads only if the mount that the source is on is shared.
fn check_shared(source: &Path, propagation: &str) -> Result<(), ConfigError> {
    let wanted = match propagation {
        "shared" | "rshared" => "shared",
        "slave" | "rslave" => "shared or slave",
        _ => return Ok(()),
    };
    let real = std::fs::canonicalize(source).unwrap_or_else(|_error| source.to_owned());
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    match mount_of(&table, &real) {
        Some((_, tags)) if tags.iter().any(|tag| tag.starts_with("shared:")) => Ok(()),
        Some((_, tags))
            if wanted != "shared" && tags.iter().any(|tag| tag.starts_with("master:")) =>
        {
            Ok(())
        }
        Some((on, _)) => Err(ConfigError::NotShared {
            path: source.to_string_lossy().into_owned(),
            on,
            wanted,
        }),
        None => Ok(()),
    }
}

/// The mount that a path is on, in the words of `mountinfo`, with its optional fields.
fn mount_of<'a>(table: &'a str, path: &Path) -> Option<(String, Vec<&'a str>)> {
    let mut found: Option<(String, Vec<&str>)> = None;
    for line in table.lines() {
        let mut fields = line.split(' ').skip(4);
        let Some(place) = fields.next().map(unescape) else {
            continue;
        };
        // Of several on one place the last one is on top.
        let deeper = found
            .as_ref()
            .is_none_or(|(best, _)| place.len() >= best.len());
        if deeper && path.starts_with(&place) {
            let tags = fields.skip(1).take_while(|field| *field != "-").collect();
            found = Some((place, tags));
        }
    }
    found
}

/// Blanks are octal in `mountinfo`.
fn unescape(text: &str) -> String {
    text.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}

fn check_tmpfs(options: &[String]) -> Result<(), ConfigError> {
    for option in options {
        let key = option.split('=').next().unwrap_or_default();
        if !TMPFS_OPTIONS.contains(&key) {
            return Err(ConfigError::Tmpfs(key.to_owned()));
        }
    }
    Ok(())
}

/// Mount flags and tmpfs' own options that a user may set.
const TMPFS_OPTIONS: [&str; 32] = [
    "async",
    "atime",
    "defaults",
    "dev",
    "diratime",
    "dirsync",
    "exec",
    "gid",
    "mand",
    "mode",
    "noatime",
    "nodev",
    "nodiratime",
    "noexec",
    "nomand",
    "norelatime",
    "nostrictatime",
    "nosuid",
    "nr_blocks",
    "nr_inodes",
    "private",
    "rbind",
    "relatime",
    "ro",
    "rprivate",
    "rw",
    "shared",
    "size",
    "strictatime",
    "suid",
    "sync",
    "uid",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_mount_is_the_one_a_path_is_on() {
        let table = "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
            30 22 0:30 / /a\\040b rw shared:5 - tmpfs t rw\n\
            31 22 0:31 / /a\\040b/c rw master:5 - tmpfs t rw\n";
        let on = |path: &str| mount_of(table, Path::new(path)).unwrap();
        assert_eq!(on("/x"), ("/".to_owned(), vec![]));
        assert_eq!(on("/a b/x"), ("/a b".to_owned(), vec!["shared:5"]));
        assert_eq!(on("/a b/c"), ("/a b/c".to_owned(), vec!["master:5"]));
        assert_eq!(on("/a bc").0, "/");
    }

    #[test]
    fn what_is_read_only_is_so_with_all_below_it() {
        let record = |rw, force, leave| MountRecord {
            point: lockgate_types::container::MountPoint {
                rw,
                ..Default::default()
            },
            read_only_recursive: force,
            read_only_non_recursive: leave,
            ..MountRecord::default()
        };
        assert_eq!(
            read_only(&record(false, false, false)).unwrap(),
            Some("rro")
        );
        assert_eq!(read_only(&record(false, true, false)).unwrap(), Some("rro"));
        assert_eq!(read_only(&record(false, false, true)).unwrap(), None);
        assert_eq!(read_only(&record(true, false, false)).unwrap(), None);
        for (rw, force, leave) in [
            (true, true, false),
            (true, false, true),
            (false, true, true),
        ] {
            let error = read_only(&record(rw, force, leave)).unwrap_err();
            assert!(error.to_string().starts_with("mount options conflict: "));
        }
    }

    #[test]
    fn tmpfs_options_are_known_ones() {
        check_tmpfs(&["size=1m".to_owned(), "noexec".to_owned()]).unwrap();
        let error = check_tmpfs(&["upperdir=/x".to_owned()]).unwrap_err();
        assert_eq!(error.to_string(), "invalid tmpfs option \"upperdir\"");
    }
}
