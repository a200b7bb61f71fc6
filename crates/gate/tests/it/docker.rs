//! The stock client at our door.

use std::process::{Command, Output};

use crate::authority::Wish;
use crate::door::{Door, Options};

fn docker(door: &Door, host: &str, args: &[&str]) -> Output {
    Command::new("docker")
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .env("HOME", door.dir.path())
        .args(["-H", host])
        .args(args)
        .output()
        .unwrap()
}

#[test]
fn it_finds_our_version_on_the_unix_socket() {
    let door = Door::open();
    let host = format!("unix://{}/sock", door.dir.path().display());
    // The fake's answers are no JSON, so only the ping succeeds.
    let output = docker(&door, &host, &["version"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("API version:       1.50"), "{output:?}");
    assert_eq!(door.fake.served()[0], "SystemPingHead");
}

#[test]
fn it_comes_in_over_tls_and_is_told_why_if_not() {
    let door = Door::open_with(Options {
        policy: Some("[[bindings]]\nroles = [\"admin\"]\ncommon_name = \"alice\"\n"),
        ..Options::default()
    });
    let certificates = door.dir.path().join("client");
    door.authority
        .issue(&Wish::client("alice"))
        .write(&certificates);
    std::fs::write(certificates.join("ca.pem"), &door.authority.pem).unwrap();
    let host = format!("tcp://{}", door.address());
    let with = |extra: &[&str]| {
        let flag =
            |name: &str, file: &str| format!("--{name}={}", certificates.join(file).display());
        let mut args = vec!["--tlsverify".to_owned(), flag("tlscacert", "ca.pem")];
        args.extend(extra.iter().map(|arg| (*arg).to_owned()));
        let args: Vec<&str> = args.iter().map(String::as_str).chain(["ps"]).collect();
        let output = docker(&door, &host, &args);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let pair = [
        format!("--tlscert={}", certificates.join("cert.pem").display()),
        format!("--tlskey={}", certificates.join("key.pem").display()),
    ];
    let pair: Vec<&str> = pair.iter().map(String::as_str).collect();
    with(&pair);
    assert_eq!(door.fake.served(), ["SystemPingHead", "ContainerList"]);
    let told = with(&["--tlscert=", "--tlskey="]);
    assert!(told.contains("certificate required"), "{told}");
    door.authority.issue(&Wish::server()).write(&certificates);
    let told = with(&pair);
    assert!(told.contains("unsupported certificate"), "{told}");
    door.authority
        .issue(&Wish::client("bob"))
        .write(&certificates);
    let told = with(&pair);
    assert!(
        told.contains("certificate of bob has no role that allows"),
        "{told}"
    );
}

#[test]
fn plain_http_at_the_tls_port_is_explained_to_it() {
    let door = Door::open();
    let output = docker(&door, &format!("tcp://{}", door.address()), &["ps"]);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("HTTP request to an HTTPS server"), "{told}");
}
