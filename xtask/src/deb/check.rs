//! Whether the package is one that an administrator would want.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::shell::{output, root, run};

pub(super) fn all(package: &Path, bins: &Path) -> Result<()> {
    run(Command::new("lintian")
        .args([
            "--allow-root",
            "--fail-on",
            "error",
            "--display-level",
            ">=warning",
        ])
        .arg(package))?;
    let work = bins.join("deb/check");
    units(&work.join("units"), bins)?;
    lifecycle(package, &work.join("root"))
}

/// The units, with the programs where they are now.
fn units(work: &Path, bins: &Path) -> Result<()> {
    fs::create_dir_all(work)?;
    let mut files = Vec::new();
    for entry in fs::read_dir(root().join("packaging/systemd"))? {
        let entry = entry?;
        let text = fs::read_to_string(entry.path())?;
        let here = |folder: &str| text.contains(folder);
        let bins = format!("ExecStart={}/", bins.display());
        let text = match (here("ExecStart=/usr/sbin/"), here("ExecStart=/usr/bin/")) {
            (true, _) => text.replace("ExecStart=/usr/sbin/", &bins),
            (_, true) => text.replace("ExecStart=/usr/bin/", &bins),
            _ => text,
        };
        let file = work.join(entry.file_name());
        fs::write(&file, text)?;
        files.push(file);
    }
    let mut verify = Command::new("systemd-analyze");
    verify
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .args(&files);
    let answer = verify.output()?;
    let said = String::from_utf8_lossy(&answer.stderr);
    ensure!(
        answer.status.success() && said.trim().is_empty(),
        "systemd-analyze verify: {said}"
    );
    Ok(())
}

/// Installs into a root that has a shell and nothing else, runs the programs there, purges.
fn lifecycle(package: &Path, place: &Path) -> Result<()> {
    for folder in [
        "bin",
        "dev",
        "etc",
        "proc",
        "tmp",
        "var/lib/dpkg/info",
        "var/lib/dpkg/updates",
    ] {
        fs::create_dir_all(place.join(folder))?;
    }
    fs::copy("/bin/busybox", place.join("bin/busybox"))?;
    std::os::unix::fs::symlink("busybox", place.join("bin/sh"))?;
    // Its scripts write there; a device is more than a check should make.
    fs::write(place.join("dev/null"), "")?;
    for name in ["status", "available"] {
        fs::write(place.join("var/lib/dpkg").join(name), "")?;
    }
    let before = tree(place)?;
    // What it depends on is not in so small a root.
    let dpkg = |words: &[&str]| {
        let mut dpkg = Command::new("dpkg");
        dpkg.env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        );
        dpkg.arg(format!("--root={}", place.display()));
        dpkg.arg("--force-depends").args(words);
        dpkg
    };
    let file = package.display().to_string();
    run(&mut dpkg(&["--install", &file]))?;
    for (program, wanted) in [
        ("/usr/bin/lockgate --version", "Lockgate version"),
        ("/usr/sbin/lockgated --version", "lockgated version"),
        ("/usr/sbin/lockgated --validate", "configuration OK"),
        ("/usr/bin/lockgate completion bash", "_lockgate"),
    ] {
        let mut words = program.split(' ');
        let said = output(Command::new("chroot").arg(place).args(&mut words))?;
        ensure!(
            said.contains(wanted),
            "`{program}` in the new root says: {said}"
        );
    }
    for page in [
        "man1/lockgate.1.gz",
        "man1/lockgate-run.1.gz",
        "man8/lockgated.8.gz",
    ] {
        let page = place.join("usr/share/man").join(page);
        ensure!(page.exists(), "{} is missing", page.display());
    }
    run(&mut dpkg(&["--purge", "lockgate"]))?;
    let after = tree(place)?;
    if after != before {
        bail!("the purge left something behind:\n{after}");
    }
    Ok(())
}

/// All names outside dpkg's own records.
fn tree(place: &Path) -> Result<String> {
    let find = "find . -path ./var/lib/dpkg -prune -o -print | sort";
    output(Command::new("sh").args(["-c", find]).current_dir(place))
}
