//! Volumes that are mounts: `type`, `o` and `device` of the `local` driver.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};

use super::error::OptionError;
use crate::within;

/// What to mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MountOptions {
    kind: String,
    device: String,
    flags: MountFlags,
    data: String,
}

impl MountOptions {
    /// Checks a volume's options; `None` if there is nothing to mount.
    pub(crate) fn parse(
        options: Option<&BTreeMap<String, String>>,
    ) -> Result<Option<Self>, OptionError> {
        let Some(options) = options.filter(|options| !options.is_empty()) else {
            return Ok(None);
        };
        let known = |key: &&String| matches!(key.as_str(), "type" | "o" | "device" | "size");
        if let Some(unknown) = options.keys().find(|key| !known(key)) {
            return Err(OptionError::Unknown(unknown.clone()));
        }
        if options.contains_key("size") {
            return Err(OptionError::Quota);
        }
        let get = |key: &'static str| options.get(key).ok_or(OptionError::Missing(key));
        let (kind, device) = (get("type")?.clone(), get("device")?.clone());
        let (mut flags, mut data) = (MountFlags::empty(), Vec::new());
        for option in options.get("o").map_or("", String::as_str).split(',') {
            match flag(option) {
                Some(flag) => flags |= flag,
                None if matches!(option, "" | "rw" | "defaults") => {}
                None => data.push(option),
            }
        }
        Ok(Some(Self {
            kind,
            device,
            flags,
            data: data.join(","),
        }))
    }

    /// Whether it is made of something that a path of the host leads to.
    pub(crate) fn is_of_the_host(&self) -> bool {
        self.device.starts_with('/')
    }

    /// Where that is.
    pub(crate) fn device(&self) -> &str {
        &self.device
    }

    /// Mounts what was opened, wherever its path leads now. What somebody else has mounted there must be the same.
    pub(crate) fn mount_opened(&self, device: &OwnedFd, target: &Path) -> io::Result<()> {
        let bind = self.flags.contains(MountFlags::BIND);
        if bind && is_mounted(target)? && identity(device, "")? != identity(CWD, target)? {
            return Err(io::Error::other(
                "another container has the volume, made of what its path led to before",
            ));
        }
        let opened = Self {
            device: within::link(device),
            ..self.clone()
        };
        opened.mount(target)
    }

    /// Mounts on `target`, unless something is mounted there already.
    pub(crate) fn mount(&self, target: &Path) -> io::Result<()> {
        if is_mounted(target)? {
            return Ok(());
        }
        let data = (!self.data.is_empty())
            .then(|| CString::new(self.data.as_str()))
            .transpose()?;
        let kind = if self.flags.contains(MountFlags::BIND) {
            "none"
        } else {
            &self.kind
        };
        rustix::mount::mount(&self.device, target, kind, self.flags, data.as_deref())?;
        let changes = self.flags
            & (MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC);
        if self.flags.contains(MountFlags::BIND) && !changes.is_empty() {
            let flags = MountFlags::BIND | changes;
            if let Err(error) = rustix::mount::mount_remount(target, flags, "") {
                unmount(target)?;
                return Err(error.into());
            }
        }
        Ok(())
    }
}

/// Which file that is.
fn identity(at: impl AsFd, path: impl rustix::path::Arg) -> io::Result<(u64, u64)> {
    let stat = rustix::fs::statat(at, path, AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW)?;
    Ok((stat.st_dev, stat.st_ino))
}

/// Takes away what is mounted on `target`; containers keep their own view of it.
pub(crate) fn unmount(target: &Path) -> io::Result<()> {
    while is_mounted(target)? {
        match rustix::mount::unmount(target, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW) {
            Ok(()) | Err(Errno::INVAL) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether `path` is where something is mounted.
fn is_mounted(path: &Path) -> io::Result<bool> {
    match rustix::fs::statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE) {
        Ok(status) => Ok(status.stx_attributes.contains(StatxAttributes::MOUNT_ROOT)),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn flag(option: &str) -> Option<MountFlags> {
    Some(match option {
        "bind" => MountFlags::BIND,
        "rbind" => MountFlags::BIND | MountFlags::REC,
        "ro" => MountFlags::RDONLY,
        "nosuid" => MountFlags::NOSUID,
        "nodev" => MountFlags::NODEV,
        "noexec" => MountFlags::NOEXEC,
        "noatime" => MountFlags::NOATIME,
        "nodiratime" => MountFlags::NODIRATIME,
        "relatime" => MountFlags::RELATIME,
        "strictatime" => MountFlags::STRICTATIME,
        "sync" => MountFlags::SYNCHRONOUS,
        "dirsync" => MountFlags::DIRSYNC,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(options: &[(&str, &str)]) -> Result<Option<MountOptions>, OptionError> {
        let options: BTreeMap<String, String> = options
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        MountOptions::parse(Some(&options))
    }

    #[test]
    fn options_are_checked_when_the_volume_is_made() {
        assert_eq!(parse(&[]), Ok(None));
        assert_eq!(
            parse(&[("x", "y")]),
            Err(OptionError::Unknown("x".to_owned()))
        );
        assert_eq!(
            parse(&[("type", "tmpfs")]),
            Err(OptionError::Missing("device"))
        );
        assert_eq!(parse(&[("o", "ro")]), Err(OptionError::Missing("type")));
        assert_eq!(parse(&[("size", "1g")]), Err(OptionError::Quota));
    }

    #[test]
    fn flags_and_data_are_told_apart() {
        let options = parse(&[
            ("type", "tmpfs"),
            ("device", "tmpfs"),
            ("o", "size=1m,ro,uid=7,nodev"),
        ]);
        let options = options.unwrap().unwrap();
        assert_eq!(options.flags, MountFlags::RDONLY | MountFlags::NODEV);
        assert_eq!(options.data, "size=1m,uid=7");
    }
}
