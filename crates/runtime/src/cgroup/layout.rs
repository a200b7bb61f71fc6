//! Where the cgroup file systems are mounted.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::CgroupError;

/// Which cgroup interface the host offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// One hierarchy per controller (also "hybrid").
    V1,
    /// One unified hierarchy.
    V2,
}

/// The hierarchies that a container takes part in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) version: Version,
    pub(super) v1: Vec<Hierarchy>,
    pub(super) unified: Option<PathBuf>,
}

/// One hierarchy of v1.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hierarchy {
    /// The controllers, and `name=…` of one without.
    pub(super) controllers: Vec<String>,
    root: PathBuf,
}

impl Hierarchy {
    /// The directory of a cgroup in this hierarchy.
    pub(super) fn directory(&self, path: &Path) -> PathBuf {
        below(&self.root, path)
    }

    /// Where it is mounted.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }
}

/// The layout of those who may use no cgroups.
pub(super) static NOWHERE: Layout = Layout {
    version: Version::V1,
    v1: Vec::new(),
    unified: None,
};

impl Layout {
    /// Whether this user may make `path` in every hierarchy.
    pub(super) fn lets_us_write(&self, path: &Path) -> bool {
        let mut places = self
            .v1
            .iter()
            .map(|hierarchy| hierarchy.directory(path))
            .chain(self.unified.iter().map(|root| below(root, path)))
            .peekable();
        places.peek().is_some() && places.all(|place| is_makeable(&place))
    }
}

/// Whether the nearest directory that exists can be written to.
fn is_makeable(path: &Path) -> bool {
    use rustix::fs::{Access, access};
    let nearest = path.ancestors().find(|path| path.exists());
    nearest.is_some_and(|path| access(path, Access::WRITE_OK | Access::EXEC_OK).is_ok())
}

/// The layout of this host, read once.
pub(super) fn of_this_host() -> Result<&'static Layout, CgroupError> {
    static LAYOUT: OnceLock<Option<Layout>> = OnceLock::new();
    let read = || {
        let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
        let own = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        parse(&mounts, &own)
    };
    LAYOUT
        .get_or_init(read)
        .as_ref()
        .ok_or(CgroupError::Missing)
}

/// `path` (absolute) as a path below `root`.
pub(super) fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// From `/proc/self/mounts` and `/proc/self/cgroup`.
fn parse(mounts: &str, own: &str) -> Option<Layout> {
    let mut v1: Vec<Hierarchy> = Vec::new();
    let mut unified = None;
    for line in mounts.lines() {
        let mut fields = line.split(' ');
        let (Some(_), Some(root), Some(kind), Some(options)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        match kind {
            "cgroup" => {
                let controllers = controllers(options);
                if !v1.iter().any(|known| known.controllers == controllers) {
                    v1.push(Hierarchy {
                        controllers,
                        root: root.into(),
                    });
                }
            }
            "cgroup2" if unified.is_none() => unified = Some(PathBuf::from(root)),
            _ => {}
        }
    }
    if v1
        .iter()
        .any(|h| h.controllers.iter().any(|c| !c.starts_with("name=")))
    {
        // In the hybrid layout the unified hierarchy only tracks services. A container must leave its
        // daemon's service there; if the daemon is at the root, there is nothing to leave.
        let in_service = own
            .lines()
            .any(|l| l.strip_prefix("0::").is_some_and(|p| p != "/"));
        return Some(Layout {
            version: Version::V1,
            v1,
            unified: unified.filter(|_| in_service),
        });
    }
    unified.map(|root| Layout {
        version: Version::V2,
        v1: Vec::new(),
        unified: Some(root),
    })
}

fn controllers(options: &str) -> Vec<String> {
    let known = |option: &&str| option.starts_with("name=") || CONTROLLERS.contains(option);
    options
        .split(',')
        .filter(known)
        .map(str::to_owned)
        .collect()
}

const CONTROLLERS: [&str; 14] = [
    "blkio",
    "cpu",
    "cpuacct",
    "cpuset",
    "debug",
    "devices",
    "freezer",
    "hugetlb",
    "memory",
    "misc",
    "net_cls",
    "net_prio",
    "perf_event",
    "pids",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_in_v1_hierarchies_make_it_v1() {
        let mounts = "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n\
            cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n\
            cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0\n\
            cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n";
        let layout = parse(mounts, "0::/\n").unwrap();
        assert_eq!((layout.version, layout.v1.len()), (Version::V1, 2));
        assert_eq!(layout.v1[0].controllers, ["cpu", "cpuacct"]);
        assert_eq!(
            layout.v1[0].directory(Path::new("/a/b")),
            Path::new("/sys/fs/cgroup/cpu,cpuacct/a/b")
        );
        assert_eq!(layout.unified, None);
        let layout = parse(mounts, "0::/system.slice/x.service\n").unwrap();
        assert_eq!(
            layout.unified.as_deref(),
            Some(Path::new("/sys/fs/cgroup/unified"))
        );
    }

    #[test]
    fn only_a_unified_hierarchy_makes_it_v2() {
        let layout = parse("cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n", "0::/\n").unwrap();
        assert_eq!((layout.version, layout.v1.len()), (Version::V2, 0));
        assert_eq!(layout.unified.as_deref(), Some(Path::new("/sys/fs/cgroup")));
        assert_eq!(parse("proc /proc proc rw 0 0\n", ""), None);
    }
}
