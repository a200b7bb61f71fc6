//! The docker CLI at a guard's TLS port: by its variables, and by the context that `lockgate join` makes.

use std::fs;
use std::path::Path;
use std::process::Command;

use lockgate_testkit::{Daemon, DaemonOptions, Ended, NetNs, binary, program, run};
use serde_json::json;

use super::stock;

/// An authority, a server's set and one for the client `ops`, made in one go.
fn quick(pki: &Path) {
    let mut quick = program(binary("lockgate"));
    quick
        .args(["ca", "quick", "--no-passphrase", "--client", "ops"])
        .args(["--san", "127.0.0.1"])
        .arg(pki);
    run(&mut quick, b"").ok();
}

/// A guard that serves its authority beside its port.
fn door(pki: &Path, behind: &Path) -> Daemon {
    let server = |name: &str| pki.join("server").join(name);
    let config = json!({
        "guard": format!("unix://{}", behind.display()),
        "tlsverify": true,
        "tlscacert": server("ca.pem"), "tlscert": server("cert.pem"), "tlskey": server("key.pem"),
        "ca-dir": pki.join("ca"),
        "ca-listen": "127.0.0.1:2378",
        "ca-advertise": "127.0.0.1:2378",
    });
    let options = DaemonOptions {
        config: Some(config),
        args: vec!["--host=tcp://127.0.0.1:2376".to_owned()],
    };
    Daemon::start_in(NetNs::new("lgr"), options)
}

#[test]
fn the_docker_cli_goes_through_a_guard_over_mutual_tls_and_by_a_context() {
    let folder = tempfile::tempdir().unwrap();
    let pki = folder.path().join("p");
    quick(&pki);
    let behind = stock();
    let door = door(&pki, &behind.socket());
    door.load_busybox();
    let at = |name: &str| {
        let mut command: Command = door.netns().command(name);
        command
            .current_dir(folder.path())
            .env_remove("DOCKER_HOST")
            .env_remove("DOCKER_CONFIG")
            .env("HOME", folder.path());
        command
    };
    let tls = |words: &[&str], input: &str| -> Ended {
        let mut docker = at("docker");
        docker
            .args(words)
            .env("DOCKER_HOST", "tcp://127.0.0.1:2376")
            .env("DOCKER_TLS_VERIFY", "1")
            .env("DOCKER_CERT_PATH", pki.join("client-ops"));
        run(&mut docker, input.as_bytes())
    };
    let much = "0123456789abcdef\n".repeat(50_000);
    let cat = ["run", "--rm", "-i", "--network=none", "busybox", "cat"];
    assert_eq!(tls(&cat, &much).ok(), much.trim_end());
    tls(
        &["run", "-d", "--name", "kk", "busybox", "sleep", "1000"],
        "",
    )
    .ok();
    let exec = tls(&["exec", "kk", "sh", "-c", "echo err >&2; exit 5"], "");
    assert_eq!((exec.code(), exec.stderr.as_str()), (5, "err\n"));

    let lockgate = |words: &str| {
        let mut command = at(binary("lockgate").to_str().unwrap());
        run(command.args(words.split_whitespace()), b"")
    };
    let invite = "invite client zoe --role viewer --ca p/ca --daemon tcp://127.0.0.1:2376";
    let token = lockgate(invite).ok().to_owned();
    lockgate(&format!("join {token} --pki joined --context-name zoe")).ok();
    let zoe = |words: &str| {
        let mut docker = at("docker");
        docker.args(["--context", "zoe"]);
        run(docker.args(words.split_whitespace()), b"")
    };
    assert_eq!(zoe("ps --format {{.Names}}").ok(), "kk");
    assert_eq!(zoe("context inspect --format {{.Name}}").ok(), "zoe");
    let refused = zoe("rm --force kk");
    assert!(
        refused
            .stderr
            .contains("zoe with role viewer has no role that allows"),
        "{refused}"
    );
    at("docker")
        .args(["context", "use", "zoe"])
        .output()
        .unwrap();
    assert_eq!(
        run(
            at("docker").args(["ps", "--quiet", "--filter", "name=kk"]),
            b""
        )
        .ok()
        .len(),
        12
    );

    // Without a certificate nobody is heard, whatever is behind.
    let mut nobody = at("docker");
    nobody.args(["--host", "tcp://127.0.0.1:2376", "--tls", "ps"]);
    assert_ne!(run(&mut nobody, b"").code(), 0);
    let log = fs::read_to_string(door.path("data/audit.log")).unwrap();
    assert!(
        log.contains("ContainerRemove") || log.contains("ContainerDelete"),
        "{log}"
    );
}
