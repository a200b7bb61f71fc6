//! What goes wrong: exit status 1, one sentence with file and remedy, nothing written.

use crate::support::*;

/// An authority in `ca`, encrypted under `right`.
fn authority() -> Bench {
    let bench = Bench::new();
    let mut command = bench.lockgate("ca init --out ca");
    assert!(
        command
            .env("LOCKGATE_CA_PASSPHRASE", "right")
            .status()
            .unwrap()
            .success()
    );
    bench
}

const CA: &str = "--ca-cert ca/ca.pem --ca-key ca/ca-key.pem";

fn issue(bench: &Bench, words: &str) -> String {
    bench.refused_with(
        &format!("cert {words} {CA}"),
        &[("LOCKGATE_CA_PASSPHRASE", "right")],
    )
}

#[test]
fn a_wrong_passphrase() {
    let bench = authority();
    let words = format!("cert client alice {CA}");
    let text = bench.refused_with(&words, &[("LOCKGATE_CA_PASSPHRASE", "wrong")]);
    assert!(
        text.contains("wrong passphrase for ca/ca-key.pem"),
        "{text}"
    );
    let text = bench.refused_with(&words, &[("LOCKGATE_CA_PASSPHRASE", "")]);
    assert!(text.contains("is empty"), "{text}");
    let text = bench.refused(&words);
    assert!(text.contains("--passphrase-file"), "{text}");
    let text = bench.refused(&format!("{words} --passphrase-file none"));
    assert!(text.contains("none"), "{text}");
}

#[test]
fn names_that_no_client_would_match() {
    let bench = authority();
    let long = "a".repeat(64);
    for (name, wanted) in [
        ("build.example.org.", "remove the dot"),
        ("*.example.org", "wildcard"),
        ("good.example.org,", "empty"),
        (long.as_str(), "63"),
        ("a_b", "'_'"),
        ("0.0.0.0", "no address of a host"),
        ("b\u{fc}ro.example", "punycode"),
    ] {
        let text = issue(&bench, &format!("server --san {name}"));
        assert!(text.contains(wanted), "{name}: {text}");
    }
    let mut control = bench.lockgate(&format!("cert server {CA}"));
    let output = control.args(["--san", "a\u{1b}[2Jb"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        !output.stderr.contains(&0x1b),
        "the escape must not reach the terminal"
    );
    for name in ["../x", "a/b", ".", "a\u{202e}b"] {
        issue(&bench, &format!("client {name}"));
    }
}

#[test]
fn days_beyond_the_limits() {
    let bench = authority();
    for days in ["0", "91", "4000000000"] {
        let text = issue(&bench, &format!("client alice --days {days}"));
        assert!(text.contains("1 to 90 days"), "{text}");
    }
    for days in ["0", "7301"] {
        let text = bench.refused(&format!(
            "ca init --out other --no-passphrase --days {days}"
        ));
        assert!(text.contains("1 to 7300 days"), "{text}");
    }
}

#[test]
fn files_that_cannot_be_used() {
    let bench = authority();
    bench.sh("chmod 0644 ca/ca-key.pem");
    let text = issue(&bench, "client alice");
    assert!(text.contains("chmod 0400 ca/ca-key.pem"), "{text}");
    bench.sh("chmod 0400 ca/ca-key.pem; mv ca/ca-key.pem ca/away");
    let text = issue(&bench, "client alice");
    assert!(text.contains("cannot read ca/ca-key.pem"), "{text}");
    bench.sh("mv ca/away ca/ca-key.pem; mv ca/ca.pem ca/away");
    let text = issue(&bench, "client alice");
    assert!(
        text.contains("cannot read ca/ca.pem") && text.contains("hint:"),
        "{text}"
    );
    bench.sh("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k -subj /CN=x -days 9 -out ca/ca.pem");
    let text = issue(&bench, "client alice");
    assert!(text.contains("does not belong"), "{text}");
}

#[test]
fn certificates_that_cannot_issue() {
    let bench = authority();
    let mut command = bench.lockgate(&format!("cert server --out leaf {CA}"));
    assert!(
        command
            .env("LOCKGATE_CA_PASSPHRASE", "right")
            .status()
            .unwrap()
            .success()
    );
    let text = bench.refused("cert client alice --ca-cert leaf/cert.pem --ca-key leaf/key.pem");
    assert!(text.contains("is not one of an authority"), "{text}");
    bench.sh(
        "umask 077; openssl genrsa -out old.key 2048
         openssl req -new -key old.key -subj /CN=old -out old.csr
         printf 'basicConstraints=CA:TRUE\\n' > ext
         : > index; echo 01 > serial
         printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\nserial=serial\\nnew_certs_dir=.\\ndefault_md=sha256\\npolicy=p\\n[p]\\ncommonName=supplied\\n' > conf
         openssl ca -batch -selfsign -config conf -keyfile old.key -in old.csr -extfile ext -startdate 20200101000000Z -enddate 20210101000000Z -notext -out old.pem",
    );
    let text = bench.refused("cert client alice --ca-cert old.pem --ca-key old.key");
    assert!(text.contains("old.pem expired at 2021-01-01"), "{text}");
}

#[test]
fn places_that_are_taken_or_closed() {
    let bench = authority();
    bench.sh("mkdir -p out; echo mine > out/cert.pem; echo file > flat");
    let text = issue(&bench, "client alice --out out");
    assert!(text.contains("out/cert.pem exists already"), "{text}");
    let text = issue(&bench, "client alice --out flat");
    assert!(
        text.contains("flat is no regular file") || text.contains("directory"),
        "{text}"
    );
    let text = issue(&bench, "client alice --out /proc/none/x");
    assert!(text.contains("/proc/none"), "{text}");
    let text = bench.refused("ca init --out ca --no-passphrase");
    assert!(text.contains("ca/ca.pem exists already"), "{text}");
}
