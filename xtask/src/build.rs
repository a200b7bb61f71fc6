//! Building the binaries, and where they are.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::shell::{cargo, output, run};

/// The packages that hold our binaries.
const PACKAGES: [&str; 3] = ["lockgate", "lockgated", "lockgate-runtime"];

/// How to build.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

/// Builds `lockgate`, `lockgated` with its helpers, `lockgate-shim` and `lockgate-oci`; returns their folder.
pub(crate) fn binaries(profile: Profile) -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--bins"]);
    for package in PACKAGES {
        build.args(["--package", package]);
    }
    if profile == Profile::Release {
        build.arg("--release");
    }
    run(&mut build)?;
    folder(profile)
}

/// Where the binaries of a profile are.
pub(crate) fn folder(profile: Profile) -> Result<PathBuf> {
    let metadata: Value = serde_json::from_str(&output(cargo().args([
        "metadata",
        "--no-deps",
        "--format-version=1",
    ]))?)?;
    let target = metadata.get("target_directory").and_then(Value::as_str);
    let name = if profile == Profile::Release {
        "release"
    } else {
        "debug"
    };
    let host = host_triple()?;
    Ok(
        PathBuf::from(target.context("cargo metadata names no target directory")?)
            .join(host)
            .join(name),
    )
}

fn host_triple() -> Result<String> {
    let version = output(std::process::Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}
