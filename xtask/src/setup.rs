//! `cargo xtask setup`: what a bare Debian 12 machine needs, each with its reason.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::shell::{self, cargo, has_program};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only what `cargo xtask quickstart` needs
    #[arg(long)]
    pub(crate) quickstart: bool,
}

/// A Debian package, the file that shows it is there, and why it is needed.
struct Package(
    &'static str,
    &'static str,
    #[expect(dead_code, reason = "read by people")] &'static str,
);

const QUICKSTART: [Package; 5] = [
    Package(
        "gcc",
        "/usr/bin/cc",
        "links, and compiles the C parts of aws-lc and zstd",
    ),
    Package(
        "libc6-dev",
        "/usr/lib/x86_64-linux-gnu/libc.a",
        "the static C library",
    ),
    Package(
        "busybox-static",
        "/bin/busybox",
        "the one program of the test images",
    ),
    Package(
        "nftables",
        "/usr/sbin/nft",
        "lockgated installs its base table with it",
    ),
    Package(
        "curl",
        "/usr/bin/curl",
        "a client that knows nothing of Docker",
    ),
];

const ALL: &[Package] = &[
    Package("lintian", "/usr/bin/lintian", "judges our Debian package"),
    Package("systemd", "/usr/bin/systemd-analyze", "judges our units"),
    Package(
        "sslscan",
        "/usr/bin/sslscan",
        "what the TLS port offers, seen from outside",
    ),
    Package(
        "xz-utils",
        "/usr/bin/xz",
        "packs archives for the loading tests",
    ),
    Package(
        "bzip2",
        "/usr/bin/bzip2",
        "packs archives for the loading tests",
    ),
    Package(
        "testssl.sh",
        "/usr/bin/testssl",
        "a second scanner, which knows the vulnerabilities by name",
    ),
    Package(
        "zstd",
        "/usr/bin/zstd",
        "packs archives for the loading tests",
    ),
    Package(
        "docker.io",
        "/usr/sbin/dockerd",
        "stock dockerd 20.10 and docker CLI as peers in tests",
    ),
    Package("containerd", "/usr/bin/containerd", "dockerd stands on it"),
    Package(
        "runc",
        "/usr/sbin/runc",
        "the runtime tests run on it first; selectable runtime",
    ),
    Package("podman", "/usr/bin/podman", "peer of the benchmark"),
    Package("crun", "/usr/bin/crun", "selectable runtime"),
    Package(
        "skopeo",
        "/usr/bin/skopeo",
        "reads the archives that we save",
    ),
    Package("iptables", "/usr/sbin/iptables", "coexistence tests"),
    Package(
        "uidmap",
        "/usr/bin/newuidmap",
        "hands out a user's further ids, for `lockgated --rootless`",
    ),
    Package(
        "passt",
        "/usr/bin/pasta",
        "lets the network of `lockgated --rootless` out",
    ),
    Package(
        "slirp4netns",
        "/usr/bin/slirp4netns",
        "the other program that does so",
    ),
    Package(
        "iproute2",
        "/usr/sbin/ip",
        "namespaces and links of the three-node lab",
    ),
    Package(
        "strace",
        "/usr/bin/strace",
        "kills commands of the authority at each of their steps",
    ),
    Package(
        "openssl",
        "/usr/bin/openssl",
        "the certificate tutorials' commands, and a judge of ours",
    ),
    Package(
        "python3-jwcrypto",
        "/usr/lib/python3/dist-packages/jwcrypto/__init__.py",
        "opens a backup of an authority, which is JSON Web Encryption",
    ),
    Package(
        "btrfs-progs",
        "/usr/sbin/mkfs.btrfs",
        "a file system whose quota root does not pass, for the audit log",
    ),
    Package(
        "e2fsprogs",
        "/usr/sbin/mkfs.ext4",
        "a file system that breaks when it is told to, for the audit log",
    ),
    Package("procps", "/usr/bin/ps", "`docker top` with ps arguments"),
    Package(
        "python3-venv",
        "/usr/lib/python3.11/ensurepip",
        "docker-py as a client",
    ),
    Package("util-linux", "/usr/bin/unshare", "namespaces for peers"),
];

const VM: [Package; 5] = [
    Package(
        "debootstrap",
        "/usr/sbin/debootstrap",
        "makes the root of the guest with systemd",
    ),
    Package("e2fsprogs", "/sbin/mke2fs", "makes its disk"),
    Package(
        "qemu-system-x86",
        "/usr/bin/qemu-system-x86_64",
        "boots the guest with cgroup v2 alone",
    ),
    Package("cpio", "/usr/bin/cpio", "packs the guest's ramdisk"),
    Package(
        "binutils",
        "/usr/bin/strip",
        "makes the guest's programs small",
    ),
];

/// What `cargo xtask vm` needs.
pub(crate) fn run_vm() -> Result<()> {
    run_quickstart()?;
    install(&VM)
}

pub(crate) fn run_quickstart() -> Result<()> {
    install(&QUICKSTART)
}

pub(crate) fn run(args: &Args) -> Result<()> {
    run_quickstart()?;
    if args.quickstart {
        return Ok(());
    }
    install(ALL)?;
    install(&VM)?;
    for (tool, why) in [
        ("cargo-nextest", "runs the tests"),
        ("cargo-deny", "licences, sources, duplicates"),
    ] {
        if !has_program(tool) {
            println!("installing {tool}: {why}");
            shell::run(cargo().args(["install", "--locked", "--quiet", tool]))?;
        }
    }
    Ok(())
}

fn install(packages: &[Package]) -> Result<()> {
    let missing: Vec<&str> = packages
        .iter()
        .filter(|p| !Path::new(p.1).exists())
        .map(|p| p.0)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    // Debian starts a service on installation; a test peer must not become one.
    let _no_services = NoServices::new()?;
    shell::run(Command::new("apt-get").args(["update", "--quiet"]))?;
    let mut apt = Command::new("apt-get");
    apt.env("DEBIAN_FRONTEND", "noninteractive")
        .args(["install", "--yes", "--quiet", "--no-install-recommends"])
        .args(missing);
    shell::run(&mut apt)
}

/// Forbids service starts by Debian's `policy-rc.d` while it lives, unless the host has one.
struct NoServices(Option<&'static Path>);

impl NoServices {
    fn new() -> Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        let path = Path::new("/usr/sbin/policy-rc.d");
        if path.exists() {
            return Ok(Self(None));
        }
        fs::write(path, "#!/bin/sh\nexit 101\n")
            .context("cannot write policy-rc.d; run as root")?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
        Ok(Self(Some(path)))
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if let Some(path) = self.0
            && let Err(error) = fs::remove_file(path)
        {
            eprintln!("cannot remove {}: {error}", path.display());
        }
    }
}
