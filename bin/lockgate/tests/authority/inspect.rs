//! `lockgate cert show` and `lockgate cert verify`.

use serde_json::Value;

use crate::support::*;

fn quick() -> Bench {
    let bench = Bench::new();
    bench.ok("ca quick pki --no-passphrase --client alice --san build.example.org");
    bench
}

fn json(bench: &Bench, words: &str) -> Value {
    let output = bench.lockgate(words).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn show_prints_text_and_json() {
    let bench = quick();
    let text = bench.ok("cert show pki/client-alice/cert.pem");
    for wanted in [
        "Subject:        CN=alice",
        "Issuer:         CN=Lockgate CA",
        "Good for:       clientAuth",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    let shown = json(&bench, "cert show --json pki/server/cert.pem pki/ca/ca.pem");
    assert_eq!(shown[0]["dns_names"][0], "build.example.org");
    assert_eq!(
        shown[0]["extended_key_usage"],
        serde_json::json!(["serverAuth"])
    );
    assert_eq!(shown[1]["is_ca"], true);
    let serial = bench
        .sh("openssl x509 -in pki/server/cert.pem -noout -serial")
        .to_lowercase();
    assert_eq!(
        format!("serial={}\n", shown[0]["serial"].as_str().unwrap()),
        serial
    );
    let print = bench.sh("openssl x509 -in pki/server/cert.pem -noout -fingerprint -sha256");
    let print = print
        .trim()
        .rsplit('=')
        .next()
        .unwrap()
        .replace(':', "")
        .to_lowercase();
    assert_eq!(shown[0]["fingerprint_sha256"], print);
}

#[test]
fn show_cannot_be_made_to_write_escape_sequences() {
    let bench = Bench::new();
    bench.sh(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -utf8 -days 9 \
         -subj \"$(printf '/CN=\\033[2Jevil\\nSubject: good\\342\\200\\256')\" -out c.pem",
    );
    let text = bench.ok("cert show c.pem");
    assert!(
        !text.contains('\u{1b}') && !text.contains('\u{202e}'),
        "{text:?}"
    );
    assert_eq!(
        text.lines()
            .filter(|line| line.starts_with("Subject:"))
            .count(),
        1,
        "{text}"
    );
}

#[test]
fn show_names_the_file_that_it_cannot_read() {
    let bench = quick();
    for (file, wanted) in [
        ("none.pem", "cannot read none.pem: no such file"),
        ("pki/client-alice/key.pem", "holds a private key"),
        ("pki/ca/issued.jsonl", "holds no certificate"),
    ] {
        let text = bench.refused(&format!("cert show {file}"));
        assert!(text.contains(wanted), "{text}");
    }
}

#[test]
fn verify_has_an_exit_status_and_a_line_for_each_check() {
    let bench = quick();
    let text = bench.ok("cert verify pki/server --host build.example.org --host 127.0.0.1");
    assert!(text.lines().all(|line| line.starts_with("ok ")), "{text}");
    let output = bench
        .lockgate("cert verify pki/server --host example.com")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        both(&output).contains("FAILED   names"),
        "{}",
        both(&output)
    );
    let report = json(
        &bench,
        "cert verify --json --purpose server pki/client-alice",
    );
    let failed: Vec<&str> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["verdict"] == "failed")
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    assert_eq!(failed, ["purpose"]);
}

#[test]
fn verify_takes_single_files_with_docker_s_option_names() {
    let bench = quick();
    bench.ok("cert verify --ca pki/ca/ca.pem --cert pki/server/cert.pem");
    bench.ok(
        "cert verify --tlscacert pki/ca/ca.pem --tlscert pki/server/cert.pem --tlskey pki/server/key.pem",
    );
    bench.sh("chmod 0644 pki/server/key.pem");
    let output = bench.lockgate("cert verify pki/server").output().unwrap();
    assert!(both(&output).contains("chmod 0400"), "{}", both(&output));
}
