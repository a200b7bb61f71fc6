//! fstab-style mount options, sorted by what the kernel wants where.

use lockgate_sys::mount::MountAttributes;
use oci_spec::runtime::Mount;

use crate::create::InitError;

/// The options of one mount.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// Bind, and with everything below?
    pub(super) bind: Option<lockgate_sys::mount::Reach>,
    /// Attributes of the mount itself.
    pub(super) attributes: MountAttributes,
    /// Attributes of it and of everything below.
    pub(super) recursive: MountAttributes,
    /// Propagation flags, applied in order after the mount is made; the bool means recursive.
    pub(super) propagation: Vec<(u64, bool)>,
    /// What remains, for the file system: `key` or `key=value`.
    pub(super) data: Vec<String>,
}

impl Options {
    pub(super) fn of(mount: &Mount) -> Result<Self, InitError> {
        let mut options = Self::default();
        if mount.typ().as_deref() == Some("bind") {
            options.bind = Some(lockgate_sys::mount::Reach::One);
        }
        for option in mount.options().iter().flatten() {
            if !options.take(option) {
                let (option, to) = (option.clone(), mount.destination().clone());
                return Err(InitError::MountOption { option, to });
            }
        }
        Ok(options)
    }

    fn take(&mut self, option: &str) -> bool {
        use lockgate_sys::mount::Reach;
        match option {
            "" | "defaults" | "remount" | "auto" | "noauto" => return true,
            "bind" => self.bind = Some(self.bind.unwrap_or(Reach::One)),
            "rbind" => self.bind = Some(Reach::Recursive),
            "idmap" | "ridmap" => return false,
            _ => {
                if let Some((_, flag, recursive)) = PROPAGATION.iter().find(|p| p.0 == option) {
                    self.propagation.push((*flag, *recursive));
                } else if let Some(attribute) = attribute(option) {
                    apply(&mut self.attributes, attribute);
                } else if let Some(attribute) = option.strip_prefix('r').and_then(attribute)
                    && self.bind.is_some()
                {
                    apply(&mut self.recursive, attribute);
                } else if self.bind.is_none() {
                    self.data.push(option.to_owned());
                } else {
                    // A bind has no file system to hand options to. Some are known and harmless.
                    return BIND_IGNORED.contains(&option);
                }
            }
        }
        true
    }
}

fn apply(attributes: &mut MountAttributes, (set, clear): (u64, u64)) {
    attributes.set = (attributes.set & !clear) | set;
    attributes.clear = (attributes.clear & !set) | clear;
    if (set | clear) & ATIME != 0 {
        // The access time modes are one field: it is cleared as a whole before a mode is set.
        attributes.clear |= ATIME;
    }
}

/// Bits to set and bits to clear.
fn attribute(option: &str) -> Option<(u64, u64)> {
    Some(match option {
        "ro" => (RDONLY, 0),
        "rw" => (0, RDONLY),
        "nosuid" => (NOSUID, 0),
        "suid" => (0, NOSUID),
        "nodev" => (NODEV, 0),
        "dev" => (0, NODEV),
        "noexec" => (NOEXEC, 0),
        "exec" => (0, NOEXEC),
        "noatime" => (NOATIME, ATIME & !NOATIME),
        "strictatime" => (STRICTATIME, ATIME & !STRICTATIME),
        "relatime" | "atime" | "nostrictatime" => (0, ATIME),
        "nodiratime" => (NODIRATIME, 0),
        "diratime" => (0, NODIRATIME),
        "nosymfollow" => (NOSYMFOLLOW, 0),
        "symfollow" => (0, NOSYMFOLLOW),
        _ => return None,
    })
}

pub(crate) const RDONLY: u64 = 0x1;
const NOSUID: u64 = 0x2;
const NODEV: u64 = 0x4;
const NOEXEC: u64 = 0x8;
const ATIME: u64 = 0x70;
const NOATIME: u64 = 0x10;
const STRICTATIME: u64 = 0x20;
const NODIRATIME: u64 = 0x80;
const NOSYMFOLLOW: u64 = 0x20_0000;

/// Option, `MS_` flag, recursive.
pub(super) const PROPAGATION: [(&str, u64, bool); 8] = [
    ("private", 1 << 18, false),
    ("rprivate", 1 << 18, true),
    ("slave", 1 << 19, false),
    ("rslave", 1 << 19, true),
    ("shared", 1 << 20, false),
    ("rshared", 1 << 20, true),
    ("unbindable", 1 << 17, false),
    ("runbindable", 1 << 17, true),
];

/// Options of the source's file system that runc tolerates on a bind.
const BIND_IGNORED: [&str; 7] = [
    "sync",
    "async",
    "dirsync",
    "mand",
    "nomand",
    "silent",
    "tmpcopyup",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn options(kind: &str, list: &[&str]) -> Result<Options, InitError> {
        Options::of(&crate::spec::mount("/x", kind, "src", list))
    }

    #[test]
    fn sorts_flags_from_data() {
        let o = options(
            "tmpfs",
            &["nosuid", "strictatime", "mode=755", "size=65536k"],
        )
        .unwrap();
        assert_eq!(o.attributes.set, NOSUID | STRICTATIME);
        assert_eq!(o.data, ["mode=755", "size=65536k"]);
        assert_eq!(o.bind, None);
    }

    #[test]
    fn later_options_win_and_recursive_ones_are_apart() {
        use lockgate_sys::mount::Reach;
        let o = options("bind", &["rbind", "ro", "rw", "rro", "rslave"]).unwrap();
        assert_eq!(o.bind, Some(Reach::Recursive));
        assert_eq!((o.attributes.set, o.attributes.clear), (0, RDONLY));
        assert_eq!(o.recursive.set, RDONLY);
        assert_eq!(o.propagation, [(1 << 19, true)]);
    }

    #[test]
    fn a_bind_with_an_unknown_option_is_refused() {
        assert!(matches!(
            options("bind", &["nope"]),
            Err(InitError::MountOption { .. })
        ));
        assert!(matches!(
            options("bind", &["idmap"]),
            Err(InitError::MountOption { .. })
        ));
    }
}
