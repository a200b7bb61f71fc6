//! Our place on this machine: one daemon for one data root.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use lockgate_engine::EngineConfig;
use rustix::fs::{FlockOperation, flock};

/// The lock of a data root, held as long as this process.
#[derive(Debug)]
pub(crate) struct DataRootLock(#[expect(dead_code, reason = "closing it would unlock")] File);

/// Makes the data root and locks it. A second daemon is told who has it.
pub(crate) fn lock_data_root(root: &Path) -> Result<DataRootLock> {
    make_directory(root, 0o711)?;
    let path = root.join("lock");
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        let mut pid = String::new();
        file.read_to_string(&mut pid).unwrap_or_default();
        bail!(
            "{} is in use by another lockgated with process id {}; stop it, or name another --data-root",
            root.display(),
            pid.trim()
        );
    }
    let written = file.set_len(0).and_then(|()| {
        file.seek(SeekFrom::Start(0))?;
        writeln!(file, "{}", std::process::id())
    });
    written.with_context(|| format!("cannot write to {}", path.display()))?;
    Ok(DataRootLock(file))
}

/// The data root of containers whose users are others on this host: their root may pass, nobody else.
pub(crate) fn make_mapped_root(config: &EngineConfig) -> Result<()> {
    if config.ids.is_identity() {
        return Ok(());
    }
    let root = &config.data_root;
    make_directory(root, 0o710)?;
    let (_, gid) = config.ids.root();
    std::os::unix::fs::chown(root, None, Some(gid))
        .with_context(|| format!("cannot give {} to group {gid}", root.display()))
}

/// Makes a directory and its parents.
pub(crate) fn make_directory(path: &Path, mode: u32) -> Result<()> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(mode)
        .create(path)
        .with_context(|| format!("cannot create {}", path.display()))
}

/// The file with our process id, removed at the end if it is still ours.
#[derive(Debug)]
pub(crate) struct PidFile(PathBuf);

impl PidFile {
    /// Writes it. One that is left of a process that is gone is replaced.
    pub(crate) fn write(path: &Path) -> Result<Self> {
        if let Some(parent) = path.parent() {
            make_directory(parent, 0o711)?;
        }
        let me = std::process::id();
        if let Some(pid) = pid_in(path).filter(|pid| *pid != me && is_lockgated(*pid)) {
            bail!(
                "{} names process {pid}, which runs; name another --pidfile",
                path.display()
            );
        }
        std::fs::write(path, format!("{me}\n"))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self(path.to_owned()))
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if pid_in(&self.0) == Some(std::process::id())
            && let Err(error) = std::fs::remove_file(&self.0)
        {
            tracing::warn!(path = %self.0.display(), error = %error, "cannot remove the pid file");
        }
    }
}

fn pid_in(path: &Path) -> Option<u32> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Process ids are used again, so the name is looked at too.
fn is_lockgated(pid: u32) -> bool {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    matches!(name.trim(), "lockgated" | "dockerd")
}
