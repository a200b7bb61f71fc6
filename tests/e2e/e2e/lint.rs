//! Everything that the authority signs, before the judges of others: pkilint and `openssl verify`.

use std::path::PathBuf;

use lockgate_testkit::{Ended, binary, program, run};

use crate::clients::venv::python;

/// Runs pkilint's own programs in one process: `FILE` for a certificate, `ISSUER SUBJECT` for a pair,
/// `crl FILE` for a list. One line for each finding, and none for its notes on methods.
const LINT: &str = r#"
import contextlib, io, json, sys
from pkilint.bin import lint_crl, lint_pkix_cert, lint_pkix_signer_signee_cert_chain as chain
for line in sys.stdin.read().splitlines():
    words = line.split()
    options = ["lint", "-s", "WARNING", "-f", "JSON"]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        if words[0] == "crl":
            code = lint_crl.main(options + ["-t", "CRL", "-p", "PKIX", words[1]])
        elif len(words) == 2:
            code = chain.main(options + words)
        else:
            code = lint_pkix_cert.main(options + words)
    found = [d for r in json.loads(out.getvalue())["results"] for d in r["finding_descriptions"]]
    assert len(found) == code, (line, code, found)
    for finding in found:
        print(line, finding["severity"], finding["code"], finding.get("message"))
    print("judged", line)
"#;

struct Authority(tempfile::TempDir);

impl Authority {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn sh(&self, script: &str) -> Ended {
        let path = std::env::var("PATH").unwrap();
        let own = binary("lockgate").parent().unwrap().display().to_string();
        let mut shell = program("sh");
        shell
            .args(["-ec", script])
            .current_dir(self.0.path())
            .env("PATH", format!("{own}:{path}"))
            .env("LOCKGATE_CA_PASSPHRASE", "correct horse");
        run(&mut shell, b"")
    }

    /// Splits a file with several certificates or lists into `NAME-1.pem` and so on.
    fn split(&self, name: &str) -> Vec<String> {
        self.split_kind(name, "")
    }

    /// The same of those of one kind.
    fn split_kind(&self, name: &str, kind: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.file(name)).unwrap();
        let parts = text.split_inclusive("-----END").collect::<Vec<_>>();
        let whole = parts.windows(2).map(|pair| {
            let begin = pair[0].rfind("-----BEGIN").unwrap();
            let end = pair[1].find('\n').unwrap();
            format!("{}{}\n", &pair[0][begin..], &pair[1][..end])
        });
        whole
            .filter(|text| text.starts_with(&format!("-----BEGIN {kind}")))
            .enumerate()
            .map(|(number, text)| {
                let part = format!("{}-{number}.pem", name.trim_end_matches(".pem"));
                std::fs::write(self.file(&part), text).unwrap();
                part
            })
            .collect()
    }

    /// What pkilint says of these.
    fn lint(&self, jobs: &[String]) -> Vec<String> {
        let python = python("pkilint-0.13.3", &["pkilint==0.13.3"]);
        let mut command = program(python);
        command.args(["-c", LINT]).current_dir(self.0.path());
        let ended = run(&mut command, jobs.join("\n").as_bytes());
        let lines: Vec<&str> = ended.ok().lines().collect();
        let judged = lines.iter().filter(|line| line.starts_with("judged "));
        assert_eq!(judged.count(), jobs.len(), "{ended}");
        let found = lines.iter().filter(|line| !line.starts_with("judged "));
        found.map(|line| (*line).to_owned()).collect()
    }
}

fn sets(authority: &Authority, key_type: &str) -> Vec<String> {
    authority
        .sh(&format!(
            "lockgate cert server --ca-cert ca/ca.pem --ca-key ca/ca-key.pem --key-type {key_type} --no-detect \
               --san daemon.internal --san 192.0.2.7 --san 2001:db8::7 --out server-{key_type}
             lockgate cert client alice --role deployer --ca-cert ca/ca.pem --ca-key ca/ca-key.pem --key-type {key_type} --out client-{key_type}"
        ))
        .ok();
    ["server", "client"]
        .iter()
        .map(|set| format!("{set}-{key_type}/cert.pem"))
        .collect()
}

#[test]
fn everything_that_p_256_signs_passes_the_linter_and_openssls_strict_eye() {
    everything_passes("ecdsa-p256", "ecdsa-p256");
}

#[test]
fn everything_that_p_384_signs_passes_the_linter_and_openssls_strict_eye() {
    everything_passes("ecdsa-p384", "ecdsa-p384");
}

#[test]
fn everything_that_ed25519_signs_passes_the_linter_and_openssls_strict_eye() {
    everything_passes("ed25519", "ed25519");
}

#[test]
fn everything_that_rsa_signs_passes_the_linter_and_openssls_strict_eye() {
    // Its keys take long to make: one is enough.
    everything_passes("rsa-4096", "ecdsa-p256");
}

fn everything_passes(of_authority: &str, key_type: &str) {
    let authority = Authority::new();
    authority
        .sh(&format!(
            "lockgate ca init --out ca --key-type {of_authority}"
        ))
        .ok();
    let leaves = sets(&authority, key_type);
    authority
            .sh(&format!(
                "lockgate cert client gone --ca-cert ca/ca.pem --ca-key ca/ca-key.pem --key-type {key_type} --out gone
                 lockgate cert revoke gone --reason keyCompromise --ca ca
                 lockgate ca crl --ca ca"
            ))
            .ok();
    let mut jobs = vec!["ca/ca.pem".to_owned(), "crl ca/crl.pem".to_owned()];
    for leaf in &leaves {
        jobs.extend([leaf.clone(), format!("ca/ca.pem {leaf}")]);
    }
    let found = authority.lint(&jobs);
    assert_eq!(found, Vec::<String>::new(), "{of_authority}");
    let strict = "v='openssl verify -x509_strict -crl_check -CAfile ca/ca.pem -CRLfile ca/crl.pem'
             for set in server client; do $v -purpose ssl$set $set-*/cert.pem; done
             if $v -purpose sslclient gone/cert.pem 2>said; then exit 1; fi; grep 'certificate revoked' said";
    authority.sh(strict).ok();
}

#[test]
fn a_rotated_root_and_its_lists_pass_too() {
    let authority = Authority::new();
    authority
        .sh("lockgate ca init --out ca; lockgate ca crl --ca ca; cp ca/ca.pem old.pem")
        .ok();
    authority
        .sh("lockgate ca rotate --ca ca; lockgate ca crl --ca ca")
        .ok();
    let (roots, lists) = (authority.split("ca/ca.pem"), authority.split("ca/crl.pem"));
    assert_eq!((roots.len(), lists.len()), (2, 2));
    let leaves = sets(&authority, "ecdsa-p256");
    let mut jobs = roots.clone();
    jobs.extend(lists.iter().map(|list| format!("crl {list}")));
    jobs.extend(leaves.iter().cloned());
    let fresh: Vec<&String> = roots
        .iter()
        .filter(|root| {
            let fresh = "openssl verify -x509_strict -partial_chain -CAfile";
            let verify = format!("{fresh} {root} {}", leaves[0]);
            authority.sh(&verify).code() == 0
        })
        .collect();
    assert_eq!(fresh.len(), 1, "one of the roots signs what is new");
    jobs.extend(leaves.iter().map(|leaf| format!("{} {leaf}", fresh[0])));
    let found = authority.lint(&jobs);
    assert_eq!(found, Vec::<String>::new());
    authority
        .sh("for set in server client; do openssl verify -x509_strict -crl_check -CAfile ca/ca.pem -CRLfile ca/crl.pem -purpose ssl$set $set-*/cert.pem; done")
        .ok();
}

/// A root whose key is elsewhere, the authority below it, and those that follow either of them.
#[test]
fn an_offline_root_and_what_issues_below_it_pass_too() {
    for key_type in ["ecdsa-p256", "ecdsa-p384", "ed25519"] {
        let authority = Authority::new();
        let sh = |script: &str| authority.sh(script).ok().to_owned();
        sh(&format!(
            "export LOCKGATE_PKI=$PWD; lockgate ca init --offline-root safe --name Lab --key-type {key_type}"
        ));
        let mut jobs = Vec::new();
        let mut judge = |generation: &str| {
            let issue = format!(
                "export LOCKGATE_PKI=$PWD
                 lockgate cert server --no-detect --san daemon.internal --san 192.0.2.7 --key-type {key_type} --out server-{generation}
                 lockgate cert client alice --role deployer --key-type {key_type} --out client-{generation}
                 lockgate cert client gone --key-type {key_type} --out gone-{generation}
                 lockgate cert revoke gone >&2
                 mkdir {generation}; cp ca/ca.pem ca/issuer.pem ca/crl.pem {generation}
                 cat ca/ca.pem ca/crl.pem > both
                 v='openssl verify -x509_strict -crl_check_all -CAfile both -untrusted ca/issuer.pem'
                 for set in server client; do $v -purpose ssl$set $set-{generation}/cert.pem; done
                 if $v -purpose sslclient gone-{generation}/cert.pem 2>said; then exit 1; fi; grep 'certificate revoked' said"
            );
            sh(&issue);
            // Of files with several, the first is the newest; lists have their signer before them.
            let roots = authority.split(&format!("{generation}/ca.pem"));
            let issuers = authority.split(&format!("{generation}/issuer.pem"));
            let lists = authority.split_kind(&format!("{generation}/crl.pem"), "X509 CRL");
            assert!(lists.len() >= 2, "a list of the root and one of who issues");
            jobs.extend(roots.iter().chain(&issuers).cloned());
            jobs.extend(lists.iter().map(|list| format!("crl {list}")));
            jobs.push(format!("{} {}", roots[0], issuers[0]));
            for set in ["server", "client"] {
                let leaf = authority.split(&format!("{set}-{generation}/cert.pem"));
                jobs.extend([leaf[0].clone(), format!("{} {}", issuers[0], leaf[0])]);
            }
        };
        judge("first");
        sh("export LOCKGATE_PKI=$PWD; lockgate ca reissue --offline-root safe");
        judge("reissued");
        sh(
            "export LOCKGATE_PKI=$PWD; lockgate ca retire --force; lockgate ca rotate --offline-root safe2",
        );
        judge("rotated");
        assert_eq!(authority.lint(&jobs), Vec::<String>::new(), "{key_type}");
    }
}

/// That nothing is found above is not because pkilint does not look: it knows no URN, RFC 2648's own example
/// included, which is why the names of clients have another form.
#[test]
fn pkilint_looks_at_alternative_names_and_knows_no_urn() {
    let authority = Authority::new();
    authority
        .sh("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -subj /CN=x -days 9 \
             -addext 'subjectAltName=URI:urn:ietf:rfc:2648' -out c.pem 2>/dev/null")
        .ok();
    let found = authority.lint(&["c.pem".to_owned()]);
    let about = |line: &&String| {
        line.contains("pkix.invalid_uri_syntax") && line.contains("urn:ietf:rfc:2648")
    };
    assert_eq!(found.iter().filter(about).count(), 1, "{found:?}");
}
