//! `lockgate ca init`, and certificates from what it made.

use crate::support::*;

#[test]
fn the_key_is_encrypted_under_a_passphrase_from_a_file_or_the_environment() {
    for (words, variable, phrase) in [
        ("--passphrase-file phrase", None, "from the file"),
        ("", Some("from the environment"), "from the environment"),
        ("--passphrase-file phrase", Some("ignored"), "from the file"),
    ] {
        let bench = Bench::new();
        bench.sh("umask 077; printf 'from the file\\nsecond line\\n' > phrase");
        let mut command = bench.lockgate(&format!("ca init --out ca {words}"));
        command.envs(variable.map(|value| ("LOCKGATE_CA_PASSPHRASE", value)));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", both(&output));
        bench.sh(&format!(
            "grep -q 'BEGIN ENCRYPTED PRIVATE KEY' ca/ca-key.pem
             openssl pkey -in ca/ca-key.pem -passin 'pass:{phrase}' -noout"
        ));
    }
}

#[test]
fn the_passphrase_can_come_through_a_pipe() {
    let bench = Bench::new();
    let output = feed(
        bench.lockgate("ca init --out ca --passphrase-file -"),
        "piped words\n",
    );
    assert!(output.status.success(), "{}", both(&output));
    bench.sh("openssl pkey -in ca/ca-key.pem -passin 'pass:piped words' -noout");
    let issue = "cert client alice --ca-cert ca/ca.pem --ca-key ca/ca-key.pem --passphrase-file -";
    let output = feed(bench.lockgate(issue), "piped words\n");
    assert!(output.status.success(), "{}", both(&output));
    bench.ok("cert verify client-alice");
}

#[test]
fn the_passphrase_is_asked_for_twice_at_a_terminal() {
    let bench = Bench::new();
    let binary = env!("CARGO_BIN_EXE_lockgate");
    let answer = |first: &str, second: &str| {
        let script = format!("script -qec '{binary} ca init --out ca' /dev/null");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script]).current_dir(bench.path("."));
        command.env_remove("LOCKGATE_CA_PASSPHRASE");
        feed(command, &format!("{first}\n{second}\n"))
    };
    let text = both(&answer("one phrase", "another phrase"));
    assert!(text.contains("the two passphrases differ"), "{text}");
    assert!(!bench.path("ca").exists());
    let text = both(&answer("asked for", "asked for"));
    assert!(text.contains("Passphrase for the key"), "{text}");
    bench.sh("openssl pkey -in ca/ca-key.pem -passin 'pass:asked for' -noout");
}

#[test]
fn without_a_terminal_the_other_ways_are_named() {
    let bench = Bench::new();
    let text = bench.refused("ca init --out ca");
    assert!(
        text.contains("--passphrase-file") && text.contains("LOCKGATE_CA_PASSPHRASE"),
        "{text}"
    );
}

#[test]
fn options_reach_the_certificate() {
    let bench = Bench::new();
    let mut command =
        bench.lockgate("ca init --out ca --no-passphrase --days 100 --key-type ed25519");
    let output = command
        .args(["--name", "Lab CA (third floor)"])
        .output()
        .unwrap();
    let text = both(&output);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("warning: browsers"), "{text}");
    let shown = bench.ok("cert show ca/ca.pem");
    assert!(
        shown.contains("CN=Lab CA (third floor)") && shown.contains("Ed25519"),
        "{shown}"
    );
    bench.sh("openssl x509 -in ca/ca.pem -noout -checkend 8600000; refuse openssl x509 -in ca/ca.pem -noout -checkend 8640001");
}

#[test]
fn without_options_everything_lies_in_one_tree() {
    let bench = Bench::new();
    bench.ok("ca init --no-passphrase --pki tree");
    bench.ok("cert server --pki tree --san build.example.org");
    bench.ok("cert client alice --pki tree");
    bench.ok("cert verify tree/server --host build.example.org --purpose server");
    bench.ok("cert verify tree/client-alice --purpose client");
    let mut command = bench.lockgate("cert client bob");
    assert!(
        command
            .env("LOCKGATE_PKI", bench.path("tree"))
            .status()
            .unwrap()
            .success()
    );
    bench.sh("test -f tree/client-bob/key.pem; test $(wc -l < tree/ca/issued.jsonl) = 4");
}

#[test]
fn a_server_can_have_the_given_names_only() {
    let bench = Bench::new();
    bench.ok("ca init --no-passphrase --pki tree");
    bench
        .ok("cert server --pki tree --san DNS:build.example.org,IP:10.0.0.7 --no-detect --days 30");
    let text = bench.sh("openssl x509 -in tree/server/cert.pem -noout -ext subjectAltName");
    assert!(
        text.ends_with("DNS:build.example.org, IP Address:10.0.0.7\n"),
        "{text}"
    );
    bench.sh("refuse openssl x509 -in tree/server/cert.pem -noout -checkend 2592001");
}

#[test]
fn a_client_in_an_existing_directory_leaves_the_other_files_alone() {
    let bench = Bench::new();
    bench.ok("ca init --no-passphrase --pki tree");
    bench.sh("mkdir -m 0755 .docker; echo '{}' > .docker/config.json");
    let text = bench.ok("cert client alice --pki tree --out .docker --role viewer");
    assert!(
        text.contains("URI:https://lockgate.invalid/role/viewer"),
        "{text}"
    );
    bench.sh("test \"$(ls -A .docker | tr '\\n' ' ')\" = 'ca.pem cert.pem config.json key.pem '");
}
