//! The guest with systemd: a Debian made by debootstrap, with our package installed as anybody would.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::image::{Kernel, copy_modules, pack};
use super::page;
use crate::shell::run;

/// What the checks need beside a shell.
const PACKAGES: &str = "systemd,systemd-sysv,dbus,libpam-systemd,dbus-user-session,udev,kmod,iproute2,nftables,\
    busybox-static,curl,uidmap,passt,apparmor,procps,adduser";
/// What the guard stands before, and what it needs.
const DOCKERD: &str = "docker.io,iptables";
/// Bytes; the file has holes.
const SIZE: &str = "3G";

/// A ramdisk that finds the disk, and the disk.
pub(super) struct System {
    pub(super) ramdisk: PathBuf,
    pub(super) disk: PathBuf,
}

/// What is asked of a guest.
pub(super) enum Checks<'a> {
    /// Our own engine; the checks whose name matches this.
    Engine(Option<&'a str>),
    /// The door before Debian's dockerd.
    Guard,
}

impl Checks<'_> {
    /// The folder of its Debian, and the packages in it.
    fn debian(&self) -> (&'static str, String) {
        match self {
            Self::Engine(_) => ("debian", PACKAGES.to_owned()),
            Self::Guard => ("debian-guard", format!("{PACKAGES},{DOCKERD}")),
        }
    }

    fn write(&self, root: &Path) -> Result<()> {
        let (script, only) = match self {
            Self::Engine(only) => (include_str!("system.sh"), only.unwrap_or_default()),
            Self::Guard => (include_str!("guard.sh"), ""),
        };
        fs::write(root.join("only"), only)?;
        fs::write(root.join("checks.sh"), script)?;
        match self {
            Self::Engine(_) => Ok(()),
            Self::Guard => page::write(&root.join("page")),
        }
    }
}

/// Makes both. The Debian is fetched once.
pub(super) fn make(
    folder: &Path,
    package: &Path,
    kernel: &Kernel,
    checks: &Checks<'_>,
) -> Result<System> {
    let (name, packages) = checks.debian();
    let root = folder.join(name);
    if !root.exists() {
        debootstrap(&folder.join(format!("{name}.partial")), &root, &packages)?;
    }
    let modules = root.join("lib/modules").join(&kernel.version);
    if !modules.exists() {
        fs::create_dir_all(root.join("lib/modules"))?;
        run(Command::new("cp")
            .arg("-a")
            .args([&kernel.modules, &modules]))?;
    }
    fs::copy(package, root.join("lockgate.deb"))?;
    checks.write(&root)?;
    let unit = root.join("etc/systemd/system/checks.service");
    fs::write(unit, include_str!("checks.service"))?;
    run(Command::new("chroot").arg(&root).args([
        "/bin/sh",
        "-c",
        include_str!("prepare.sh"),
        "prepare",
        &kernel.version,
    ]))?;
    let disk = folder.join("disk");
    if disk.exists() {
        fs::remove_file(&disk)?;
    }
    run(Command::new("/sbin/mke2fs")
        .args(["-q", "-t", "ext4", "-d"])
        .args([&root, &disk])
        .arg(SIZE))?;
    Ok(System {
        ramdisk: ramdisk(folder, kernel)?,
        disk,
    })
}

/// A Debian that was not made to its end is made anew.
fn debootstrap(partial: &Path, root: &Path, packages: &str) -> Result<()> {
    if partial.exists() {
        fs::remove_dir_all(partial)?;
    }
    run(Command::new("debootstrap")
        .args([
            "--variant=minbase",
            &format!("--include={packages}"),
            "bookworm",
        ])
        .arg(partial))?;
    fs::rename(partial, root)?;
    Ok(())
}

fn ramdisk(folder: &Path, kernel: &Kernel) -> Result<PathBuf> {
    let root = folder.join("finder");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    for part in ["bin", "modules", "new", "dev"] {
        fs::create_dir_all(root.join(part))?;
    }
    fs::copy("/bin/busybox", root.join("bin/busybox")).context("busybox-static")?;
    fs::write(root.join("init"), include_str!("disk.sh"))?;
    fs::set_permissions(root.join("init"), fs::Permissions::from_mode(0o755))?;
    copy_modules(&root.join("modules"), kernel, &MODULES)?;
    pack(&root, &folder.join("finder.cpio"))
}

/// Those between the kernel and its disk, in the order in which they are loaded.
const MODULES: [&str; 6] = [
    "drivers/virtio/virtio_ring.ko",
    "drivers/virtio/virtio.ko",
    "drivers/virtio/virtio_pci_modern_dev.ko",
    "drivers/virtio/virtio_pci_legacy_dev.ko",
    "drivers/virtio/virtio_pci.ko",
    "drivers/block/virtio_blk.ko",
];
