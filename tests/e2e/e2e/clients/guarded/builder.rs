//! BuildKit's own protocols through the guard: `/grpc`, `/session`, and `/build` with a session.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use lockgate_testkit::{program, run};

use super::{Guarded, cli};
use crate::clients::rust;

/// Where buildx 0.29.1 is; it must be called `docker-buildx`.
const BUILDX: &str = "LOCKGATE_GUARD_BUILDX";

const LIST: &str = include_str!("../../../clients/docker-buildx.txt");

/// A user id that nobody has.
const STRANGER: &str = "45678";

/// What a client of BuildKit in Rust builds at this socket.
fn built(socket: &Path) -> String {
    let host = format!("unix://{}", socket.display());
    run(
        program(rust::test_program("buildkit")).env("DOCKER_HOST", &host),
        b"",
    )
    .ok();
    let docker = |args: &[&str]| {
        let mut docker = program("docker");
        docker.args(args).env("DOCKER_HOST", &host);
        run(&mut docker, b"").ok().to_owned()
    };
    let mut said = String::new();
    for image in ["by-grpc:1", "by-build:1"] {
        let look = "cat /said; wc -c /context; md5sum /context; test ! -e /t/gone";
        said += &docker(&["run", "--rm", "--network=none", image, "sh", "-c", look]);
        said += &docker(&["inspect", "--format", "\n{{json .Config.Labels}}\n", image]);
        docker(&["rmi", image]);
    }
    said
}

#[test]
fn a_builder_is_driven_through_the_door_as_without_it() {
    let guarded = Guarded::with_busybox();
    let [direct, door] = guarded.sides().map(|socket| built(&socket));
    assert_eq!(direct, door);
    for there in [
        "by grpc",
        "by build",
        "1700000 /context",
        "{\"from\":\"rust\"}",
    ] {
        assert!(door.contains(there), "{door}");
    }
}

// T: grpc-over-h2c
#[test]
fn who_may_not_build_gets_neither_the_builder_nor_a_session() {
    let policy = tempfile::NamedTempFile::new().unwrap();
    // All that an operator may, and yet no builder.
    let binding = format!("[[bindings]]\nroles = [\"operator\"]\nuid = {STRANGER}\n");
    fs::write(&policy, binding).unwrap();
    let guarded = Guarded::start_with(&[format!("--policy={}", policy.path().display())]);
    guarded.door.load_busybox();
    let everybody = fs::Permissions::from_mode(0o666);
    fs::set_permissions(guarded.door.socket(), everybody).unwrap();
    let client = guarded.door.path("buildkit");
    fs::copy(rust::test_program("buildkit"), &client).unwrap();
    let host = format!("unix://{}", guarded.door.socket().display());
    let mut tests = program("setpriv");
    tests
        .args(["--reuid", STRANGER, "--regid", STRANGER, "--clear-groups"])
        .arg(client)
        .env("DOCKER_HOST", host);
    let ended = run(&mut tests, b"");
    assert!(ended.stdout.contains("0 passed; 2 failed"), "{ended}");
    let log = fs::read_to_string(guarded.door.path("data/audit.log")).unwrap();
    for operation in ["ImageBuild", "Grpc"] {
        let refused =
            |line: &str| line.contains(STRANGER) && line.contains(&format!("\"{operation}\""));
        assert!(log.lines().any(refused), "{operation}\n{log}");
    }
    let images = guarded
        .door
        .docker(&["images", "--quiet", "--filter", "reference=by-*"]);
    assert_eq!(images.ok(), "");
}

/// The program that `xtask guarded` was told of.
pub(super) fn buildx() -> PathBuf {
    let path = std::env::var_os(BUILDX);
    path.unwrap_or_else(|| panic!("{BUILDX} names buildx"))
        .into()
}

/// buildx, as `docker build` and by itself.
#[test]
#[ignore = "needs buildx 0.29.1: cargo xtask guarded --dockerd PATH --buildx PATH"]
fn buildx_says_the_same_with_a_guard() {
    cli::says_the_same(LIST, &[&buildx()], 15);
}
