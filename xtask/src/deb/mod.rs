//! `cargo xtask deb`: the Debian package, by `dpkg-deb` from `packaging/`; `--check` proves it.
//!
//! The check runs lintian (no errors), `systemd-analyze verify`, and installs, runs and purges the
//! package in a root of its own with no more than a shell in it.

mod check;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::build::{Profile, binaries};
use crate::shell::{output, root, run};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Package debug binaries: quicker to build
    #[arg(long)]
    pub(crate) dev: bool,
    /// Check the package as well
    #[arg(long)]
    pub(crate) check: bool,
}

/// Programs and where Debian puts them.
const PROGRAMS: [(&str, &str); 6] = [
    ("lockgate", "usr/bin"),
    ("lockgated", "usr/sbin"),
    ("lockgate-oci", "usr/sbin"),
    ("lockgate-shim", "usr/libexec/lockgate"),
    ("lockgate-log", "usr/libexec/lockgate"),
    ("lockgate-rootless", "usr/libexec/lockgate"),
];

pub(crate) fn make(args: &Args) -> Result<()> {
    let profile = if args.dev {
        Profile::Dev
    } else {
        Profile::Release
    };
    let bins = binaries(profile)?;
    let package = pack(&bins)?;
    println!("{}", package.display());
    if args.check {
        check::all(&package, &bins)?;
    }
    Ok(())
}

/// Makes the package; everything is staged in a folder beside the binaries.
pub(crate) fn pack(bins: &Path) -> Result<PathBuf> {
    let work = bins.join("deb");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    let stage = work.join("stage");
    programs(bins, &stage)?;
    documents(bins, &stage)?;
    units(&stage)?;
    let version = env!("CARGO_PKG_VERSION");
    let architecture = output(Command::new("dpkg").arg("--print-architecture"))?;
    let architecture = architecture.trim();
    control(&stage, version, architecture)?;
    let package = work.join(format!("lockgate_{version}_{architecture}.deb"));
    // gzip unpacks three times as fast as xz, Debian's default.
    run(Command::new("dpkg-deb")
        .args(["--root-owner-group", "-Zgzip", "--build"])
        .args([&stage, &package]))?;
    Ok(package)
}

fn programs(bins: &Path, stage: &Path) -> Result<()> {
    for (name, folder) in PROGRAMS {
        let target = stage.join(folder).join(name);
        install(&bins.join(name), &target, 0o755)?;
        run(Command::new("strip")
            .args(["--strip-unneeded", "--remove-section=.comment"])
            .arg(&target))?;
    }
    Ok(())
}

/// Manual pages, completions, changelog, copyright.
fn documents(bins: &Path, stage: &Path) -> Result<()> {
    let manuals = stage.join("usr/share/man/man1");
    run(Command::new(bins.join("lockgate"))
        .arg("manual")
        .arg(&manuals))?;
    let page = output(Command::new(bins.join("lockgated")).arg("--manual"))?;
    write(&stage.join("usr/share/man/man8/lockgated.8"), &page, 0o644)?;
    for (shell, file) in [
        ("bash", "bash-completion/completions/lockgate"),
        ("fish", "fish/vendor_completions.d/lockgate.fish"),
        ("zsh", "zsh/vendor-completions/_lockgate"),
    ] {
        let script = output(Command::new(bins.join("lockgate")).args(["completion", shell]))?;
        write(&stage.join("usr/share").join(file), &script, 0o644)?;
    }
    let docs = stage.join("usr/share/doc/lockgate");
    let source = root().join("packaging/debian");
    install(&source.join("copyright"), &docs.join("copyright"), 0o644)?;
    write(&docs.join("changelog"), &changelog()?, 0o644)?;
    let overrides = stage.join("usr/share/lintian/overrides/lockgate");
    install(&source.join("lintian-overrides"), &overrides, 0o644)?;
    let mut gzip = Command::new("gzip");
    gzip.args(["-9n", "-r"])
        .arg(stage.join("usr/share/man"))
        .arg(docs.join("changelog"));
    run(&mut gzip)
}

/// The one entry that a native package needs, dated by its commit.
fn changelog() -> Result<String> {
    let date = output(
        Command::new("git")
            .current_dir(root())
            .args(["log", "-1", "--format=%cD"]),
    )?;
    Ok(format!(
        "lockgate ({}) unstable; urgency=medium\n\n  * What changed is in CHANGELOG.md of the source.\n\n \
         -- The Lockgate developers <maintainers@lockgate.example.org>  {}\n",
        env!("CARGO_PKG_VERSION"),
        date.trim()
    ))
}

fn units(stage: &Path) -> Result<()> {
    for (from, to) in [
        ("packaging/systemd", "lib/systemd/system"),
        ("packaging/systemd-user", "usr/lib/systemd/user"),
    ] {
        for entry in fs::read_dir(root().join(from))? {
            let entry = entry?;
            let target = stage.join(to).join(entry.file_name());
            install(&entry.path(), &target, 0o644)?;
        }
    }
    Ok(())
}

fn control(stage: &Path, version: &str, architecture: &str) -> Result<()> {
    let source = root().join("packaging/debian");
    let size = output(
        Command::new("du")
            .args(["-sk", "--apparent-size"])
            .arg(stage),
    )?;
    let size = size.split_whitespace().next().unwrap_or_default();
    let text = fs::read_to_string(source.join("control"))?
        .replace("@VERSION@", version)
        .replace("@ARCHITECTURE@", architecture)
        .replace("@SIZE@", size);
    let target = stage.join("DEBIAN");
    let sums = "find . -type f ! -path './DEBIAN/*' -printf '%P\\0' | sort -z | xargs -0 md5sum";
    let sums = output(Command::new("sh").args(["-c", sums]).current_dir(stage))?;
    write(&target.join("control"), &text, 0o644)?;
    write(&target.join("md5sums"), &sums, 0o644)?;
    for script in ["postinst", "prerm", "postrm"] {
        install(&source.join(script), &target.join(script), 0o755)?;
    }
    Ok(())
}

fn install(from: &Path, to: &Path, mode: u32) -> Result<()> {
    folder_of(to)?;
    fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(fs::set_permissions(to, fs::Permissions::from_mode(mode))?)
}

fn write(to: &Path, text: &str, mode: u32) -> Result<()> {
    folder_of(to)?;
    fs::write(to, text)?;
    Ok(fs::set_permissions(to, fs::Permissions::from_mode(mode))?)
}

/// Folders with the mode that packages have, whatever the umask is.
fn folder_of(path: &Path) -> Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.exists()) else {
        return Ok(());
    };
    folder_of(folder)?;
    fs::create_dir(folder)?;
    Ok(fs::set_permissions(
        folder,
        fs::Permissions::from_mode(0o755),
    )?)
}
