//! What the host says of itself.

use std::fs;

pub(super) struct OsRelease {
    pub(super) name: String,
    pub(super) version: String,
}

impl OsRelease {
    pub(super) fn read() -> Self {
        let text = fs::read_to_string("/etc/os-release")
            .or_else(|_error| fs::read_to_string("/usr/lib/os-release"))
            .unwrap_or_default();
        let value = |key: &str| {
            text.lines()
                .filter_map(|line| line.split_once('='))
                .find(|(name, _)| *name == key)
                .map(|(_, value)| value.trim_matches(['"', '\'']).to_owned())
        };
        Self {
            name: value("PRETTY_NAME").unwrap_or_else(|| "Linux".to_owned()),
            version: value("VERSION_ID").unwrap_or_default(),
        }
    }
}

pub(super) fn read(path: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

pub(super) fn memory_total() -> u64 {
    let text = read("/proc/meminfo");
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1024
}

/// The name of a file system by its magic number (statfs(2)), in dockerd's words.
pub(super) fn file_system(path: &std::path::Path) -> &'static str {
    let Ok(stat) = rustix::fs::statfs(path) else {
        return "<unknown>";
    };
    match stat.f_type & 0xffff_ffff {
        0xef53 => "extfs",
        0x5846_5342 => "xfs",
        0x9123_683e => "btrfs",
        0x0102_1994 => "tmpfs",
        0x794c_7630 => "overlayfs",
        0x2fc1_2fc1 => "zfs",
        0xf2f5_2010 => "f2fs",
        _ => "<unknown>",
    }
}
