//! Commands of the authority that are killed, or that find the disk full, at each of their steps: what is left
//! is an authority that works, and the same command can be given again.
//!
//! `strace` kills at one system call after the other, and makes one after the other fail.

use std::process::{Command, Output};

use crate::support::{Bench, both};

/// What changes a directory.
const CALLS: [&str; 8] = [
    "rename",
    "renameat2",
    "mkdir",
    "unlink",
    "unlinkat",
    "rmdir",
    "fsync",
    "write",
];
/// One of a pair is enough to be killed at: between a flush and the next change nothing happens.
const KILLED_AT: [&str; 6] = [
    "rename",
    "renameat2",
    "mkdir",
    "unlink",
    "unlinkat",
    "rmdir",
];

const REMOVED_BY: [&str; 3] = ["unlink", "unlinkat", "rmdir"];
const FULL_AT: [&str; 3] = ["write", "mkdir", "renameat2"];

const SECRETS: [(&str, &str); 1] = [("LOCKGATE_BACKUP_PASSPHRASE", "battery staple")];

/// A command, on an authority that these made.
struct Case {
    before: &'static [&'static str],
    words: &'static str,
    /// What it says when it is given again and was done already.
    done: &'static str,
    /// The directory of the authority.
    ca: &'static str,
}

/// `LOCKGATE_KILL_EVERYWHERE=1` tries every step, which takes some minutes.
fn is_long() -> bool {
    std::env::var_os("LOCKGATE_KILL_EVERYWHERE").is_some()
}

fn traced(bench: &Bench, options: &[&str], words: &str) -> Output {
    let lockgate = bench.lockgate(words);
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null"]).args(options);
    command
        .arg(lockgate.get_program())
        .args(lockgate.get_args());
    command.current_dir(lockgate.get_current_dir().unwrap());
    command.env_clear();
    for (key, value) in lockgate.get_envs() {
        command.env(key, value.unwrap_or_default());
    }
    command.envs(SECRETS).output().unwrap()
}

fn lockgate(bench: &Bench, words: &str) -> Output {
    bench.lockgate(words).envs(SECRETS).output().unwrap()
}

fn ok(bench: &Bench, words: &str, after: &str) -> String {
    let output = lockgate(bench, words);
    let text = both(&output);
    assert!(output.status.success(), "{after}: lockgate {words}\n{text}");
    text
}

/// How often the command makes each call.
fn counts(bench: &Bench, words: &str) -> Vec<(&'static str, usize)> {
    let trace = bench.path("trace");
    let calls = format!("trace={}", CALLS.join(","));
    let mut command = vec!["-e", calls.as_str(), "-o", trace.to_str().unwrap()];
    // Names of files instead of numbers: what is said to people is not counted.
    command.push("-y");
    let output = traced(bench, &command, words);
    assert!(output.status.success(), "{}", both(&output));
    let text = std::fs::read_to_string(&trace).unwrap();
    let of = |call: &&'static str| {
        let count = text.lines().filter(|line| {
            let made = line
                .split_whitespace()
                .any(|word| word.starts_with(&format!("{call}(")));
            made && !line.contains("<pipe:")
        });
        (*call, count.count())
    };
    CALLS.iter().map(of).collect()
}

fn copy_of(of: &Bench) -> Bench {
    let bench = Bench::new();
    let script = format!("cp -a {}/. .", of.path(".").display());
    bench.sh(&script);
    bench
}

impl Case {
    fn start(&self) -> Bench {
        let bench = Bench::new();
        for words in self.before {
            ok(&bench, words, "before");
        }
        bench
    }

    fn survives(&self) {
        let start = self.start();
        let counts = counts(&copy_of(&start), self.words);
        let mut tried = 0;
        for (call, count) in counts {
            for at in 1..=count {
                // What is removed is removed in any order: the first stands for all.
                let is_first = at == 1 || !REMOVED_BY.contains(&call) || is_long();
                if KILLED_AT.contains(&call) && is_first {
                    self.interrupted(&start, &format!("{call}:signal=KILL:when={at}"));
                    tried += 1;
                }
                // From the first that fails on, all fail: the disk stays full.
                let is_place = at == 1 || at == count / 2 || is_long();
                if FULL_AT.contains(&call) && is_place {
                    self.interrupted(&start, &format!("{call}:error=ENOSPC:when={at}+"));
                    tried += 1;
                }
            }
        }
        assert!(tried > 1, "{} makes no calls", self.words);
    }

    fn interrupted(&self, start: &Bench, how: &str) {
        let bench = copy_of(start);
        let inject = format!("inject={how}");
        let output = traced(&bench, &["-e", inject.as_str()], self.words);
        let after = format!("{} after {how}\n{}", self.words, both(&output));
        if how.contains("KILL") {
            assert!(output.status.code() != Some(0), "{after}");
        } else if output.status.code() == Some(1) && !how.starts_with("write") {
            let said = both(&output).to_lowercase();
            assert!(said.contains("no space left on device"), "{after}");
        }
        if bench.path(self.ca).join("ca.pem").exists() {
            let status = format!("ca status --ca {}", self.ca);
            ok(&bench, &status, &after);
        }
        let again = lockgate(&bench, self.words);
        let said = both(&again);
        assert!(
            again.status.success() || (!self.done.is_empty() && said.contains(self.done)),
            "{after}again: {said}"
        );
        self.works(&bench, &after);
        // What was half there is gone, keys above all; an empty folder goes with the next set.
        let left = bench.sh("find . -type f -path '*/.*.new/*'");
        assert_eq!(left, "", "{after}");
        if self.words.starts_with("cert revoke") {
            bench.sh("cat tree/ca/ca.pem tree/ca/crl.pem > both; \
                      refuse openssl verify -crl_check -CAfile both tree/client-alice/cert.pem");
        }
    }

    /// It tells how it stands, signs, and everything that it signed is recorded.
    fn works(&self, bench: &Bench, after: &str) {
        let ca = self.ca;
        ok(bench, &format!("cert list --ca {ca}"), after);
        let sign = format!(
            "cert client probe --force --out probe --ca-cert {ca}/ca.pem --ca-key {ca}/ca-key.pem"
        );
        if bench.path(ca).join("issuer.pem").exists() {
            let probe = "cert client probe --force --out probe --pki tree";
            ok(bench, probe, after);
        } else {
            ok(bench, &sign, after);
        }
        let of_lists = ["revoke", "rotate", "retire"];
        let is_of_lists = of_lists.iter().any(|word| self.words.contains(word));
        let number = bench
            .path(ca)
            .join("crl.pem")
            .exists()
            .then(|| is_of_lists.then(|| number(bench, ca)))
            .flatten();
        ok(bench, &format!("ca crl --ca {ca}"), after);
        assert!(
            number.is_none_or(|before| number_is_above(bench, ca, &before)),
            "{after}"
        );
        let verify = format!(
            "cat {ca}/ca.pem {ca}/crl.pem > both; awk '/BEGIN CERT/{{n++}} n>1' probe/cert.pem > rest; \
             u=; test -s rest && u='-untrusted rest'; \
             openssl verify -x509_strict -crl_check_all -CAfile both $u -purpose sslclient probe/cert.pem >&2; \
             for c in $(find . -name cert.pem); do \
               s=$(openssl x509 -in $c -noout -serial | cut -d= -f2 | tr A-F a-f); \
               grep -q $s {ca}/issued.jsonl || {{ echo $c is not recorded; exit 1; }}; done"
        );
        let output = Command::new("sh")
            .args(["-ec", &verify])
            .current_dir(bench.path("."))
            .output()
            .unwrap();
        assert!(output.status.success(), "{after}{}", both(&output));
    }
}

fn number(bench: &Bench, ca: &str) -> String {
    let hex = bench.sh(&format!("openssl crl -in {ca}/crl.pem -noout -crlnumber"));
    let hex = hex.trim().rsplit(['=', 'x']).next().unwrap().to_owned();
    format!("{hex:0>40}")
}

fn number_is_above(bench: &Bench, ca: &str, before: &str) -> bool {
    number(bench, ca).as_str() > before
}

fn survives(before: &'static [&'static str], words: &'static str, done: &'static str) {
    let ca = if words.contains("--ca back") {
        "back"
    } else {
        "tree/ca"
    };
    Case {
        before,
        words,
        done,
        ca,
    }
    .survives();
}

#[test]
fn an_authority_is_made_whole() {
    survives(&[], INIT, "exists already");
}

#[test]
fn a_certificate_is_issued_whole() {
    survives(&[INIT], "cert client zoe --pki tree", "exists already");
}

#[test]
fn a_certificate_is_replaced_whole() {
    survives(&[INIT, ALICE], "cert client alice --pki tree --force", "");
}

#[test]
fn whoever_is_revoked_is_on_the_list_in_the_end() {
    let revoke = "cert revoke alice --pki tree";
    let done = "is revoked already";
    survives(&[INIT, ALICE, "ca crl --pki tree"], revoke, done);
}

#[test]
fn an_invitation_is_recorded_whole() {
    survives(&[INIT], "invite client bob --pki tree --address ca:1", "");
}

#[test]
fn a_rotation_is_begun_whole() {
    survives(&[INIT, ALICE], ROTATE, "under way");
}

#[test]
fn a_rotation_is_ended_whole() {
    let retire = "ca retire --pki tree --force";
    survives(&[INIT, ALICE, ROTATE], retire, "no rotation is under way");
}

#[test]
fn an_issuing_authority_is_replaced_whole() {
    let reissue = "ca reissue --pki tree --offline-root safe";
    let init = &["ca init --no-passphrase --pki tree --offline-root safe"];
    survives(init, reissue, "under way");
}

#[test]
fn a_backup_is_written_whole() {
    survives(&[INIT], "ca backup saved --pki tree", "is there already");
}

#[test]
fn a_backup_is_restored_whole() {
    let restore = "ca restore saved --without-crl --ca back";
    let before = &[INIT, "ca backup saved --pki tree"];
    survives(before, restore, "is there already");
}

const ALICE: &str = "cert client alice --pki tree";
const ROTATE: &str = "ca rotate --pki tree";
const INIT: &str = "ca init --no-passphrase --pki tree";
