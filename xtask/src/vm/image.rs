//! What the guest boots: a kernel out of its package, and a ramdisk made here.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::{Suites, create};
use crate::shell::{cargo, output, run};

/// A kernel and the folder of its modules.
pub(super) struct Kernel {
    pub(super) image: PathBuf,
    pub(super) version: String,
    /// `/lib/modules/<version>`.
    pub(super) modules: PathBuf,
}

/// Debian's cloud kernel, fetched and unpacked once; nothing is installed.
pub(super) fn kernel(folder: &Path) -> Result<Kernel> {
    let depends = output(Command::new("apt-cache").args(["depends", "linux-image-cloud-amd64"]))?;
    let package = depends
        .lines()
        .find_map(|line| line.trim().strip_prefix("Depends: "))
        .context("linux-image-cloud-amd64 depends on no kernel: run `apt-get update`")?;
    let version = package.trim_start_matches("linux-image-");
    let unpacked = folder.join(package);
    if !unpacked.exists() {
        run(Command::new("apt-get")
            .args([
                "download",
                "--quiet",
                "-o",
                "APT::Sandbox::User=root",
                package,
            ])
            .current_dir(folder))?;
        let archive = fs::read_dir(folder)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .context("apt-get fetched no package")?;
        let partial = folder.join("partial");
        run(Command::new("dpkg").arg("-x").args([&archive, &partial]))?;
        fs::remove_file(archive)?;
        fs::rename(partial, &unpacked)?;
    }
    Ok(Kernel {
        image: unpacked.join("boot").join(format!("vmlinuz-{version}")),
        modules: unpacked.join("lib/modules").join(version),
        version: version.to_owned(),
    })
}

/// The ramdisk with everything that the tests need.
pub(super) fn ramdisk(
    folder: &Path,
    bin_dir: &Path,
    kernel: &Kernel,
    suites: &Suites<'_>,
) -> Result<PathBuf> {
    let root = folder.join("root");
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    for part in ["bin", "usr/bin", "tests", "modules"] {
        fs::create_dir_all(root.join(part))?;
    }
    fs::copy("/bin/busybox", root.join("bin/busybox"))?;
    symlink("busybox", root.join("bin/sh"))?;
    symlink("/bin/busybox", root.join("usr/bin/unshare"))?;
    fs::write(root.join("init"), include_str!("init.sh"))?;
    fs::set_permissions(root.join("init"), fs::Permissions::from_mode(0o755))?;
    for name in [
        "lockgate",
        "lockgate-log",
        "lockgate-oci",
        "lockgate-shim",
        "lockgated",
    ] {
        // The tests know them by their paths here.
        let path = bin_dir.join(name);
        strip(&path, &root.join(path.strip_prefix("/")?))?;
    }
    let cases = match suites {
        Suites::All => Some("lockgate"),
        Suites::Conformance(name) => Some(*name),
        Suites::Daemon => None,
    };
    if let Some(cases) = cases {
        strip(&conformance_tests()?, &root.join("tests/conformance"))?;
        let suite =
            format!("exec /tests/conformance {cases} --skip runc --skip crun --test-threads 2\n");
        fs::write(root.join("tests/conformance.sh"), suite)?;
    }
    if !matches!(suites, Suites::Conformance(_)) {
        let suite = format!("BIN={}\n{}", bin_dir.display(), include_str!("daemon.sh"));
        fs::write(root.join("tests/daemon.sh"), suite)?;
    }
    copy_modules(&root.join("modules"), kernel, &MODULES)?;
    pack(&root, &folder.join("initrd"))
}

fn strip(from: &Path, to: &Path) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent)?;
    }
    run(Command::new("strip").arg("-o").args([to, from]))
}

pub(super) fn copy_modules(to: &Path, kernel: &Kernel, list: &[&str]) -> Result<()> {
    let mut order = String::new();
    for path in list {
        let from = kernel.modules.join("kernel").join(path);
        let name = from.file_name().context("a module without a name")?;
        fs::copy(&from, to.join(name)).with_context(|| from.display().to_string())?;
        order.push_str(&name.to_string_lossy());
        order.push('\n');
    }
    fs::write(to.join("order"), order)?;
    Ok(())
}

/// The executable of the conformance suite, built.
fn conformance_tests() -> Result<PathBuf> {
    let messages = output(cargo().args([
        "test",
        "--no-run",
        "--message-format=json",
        "--package=lockgate-runtime",
        "--test=conformance",
    ]))?;
    let executable = messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let name = message.pointer("/target/name")?.as_str()?;
        let path = message.get("executable")?.as_str()?;
        (name == "conformance").then(|| PathBuf::from(path))
    });
    executable.context("cargo names no executable of the conformance suite")
}

/// Packs a folder as the kernel wants it.
pub(super) fn pack(root: &Path, to: &Path) -> Result<PathBuf> {
    let mut find = Command::new("find")
        .arg(".")
        .current_dir(root)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start find")?;
    let names = find.stdout.take().context("find has no output")?;
    let status = Command::new("cpio")
        .args(["--create", "--format=newc", "--quiet"])
        .current_dir(root)
        .stdin(names)
        .stdout(create(to)?)
        .status()
        .context("cannot start cpio")?;
    if !find.wait()?.success() || !status.success() {
        bail!("packing the ramdisk failed");
    }
    Ok(to.to_owned())
}

/// Modules in the order in which they are loaded.
const MODULES: [&str; 1] = ["fs/overlayfs/overlay.ko"];
