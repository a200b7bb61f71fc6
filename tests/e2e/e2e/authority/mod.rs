//! Daemons and the authority that they follow: at hand or elsewhere, with certificates of any age.

mod here;
mod reload;
mod remote;

use std::fs;
use std::path::{Path, PathBuf};

use lockgate_pki::{
    Authority, AuthorityDirectory, AuthorityFiles, CertificateInfo, ClientRequest, Clock,
    Constraints, KeyType, NewAuthority, Overwrite, Protection, ServerRequest, Validity,
};
use lockgate_testkit::{Daemon, DaemonOptions, Ended, NetNs, binary, eventually, run};
use lockgate_types::{Secret, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Certificates live 90 days.
const DAY: i64 = 86_400;

/// An authority that is a hundred days old, and the sets that it issues at any time since.
struct Bench {
    dir: TempDir,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut authority = Authority::create(&new_authority("Old CA"), ago(100)).unwrap();
        let secret = Protection::Passphrase(Secret::new("correct horse".to_owned()));
        let ca = dir.path().join("ca");
        authority.save(&ca, &secret, Overwrite::Refuse).unwrap();
        fs::write(dir.path().join("passphrase"), "correct horse\n").unwrap();
        let bench = Self { dir };
        bench.publish_list();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn directory(&self) -> AuthorityDirectory {
        AuthorityDirectory::new(self.path("ca"))
    }

    fn authority(&self) -> Authority {
        let secret = Secret::new("correct horse".to_owned());
        let files = AuthorityFiles::in_directory(&self.path("ca"));
        Authority::open(&files, Some(&secret), Clock::System).unwrap()
    }

    fn publish_list(&self) {
        let authority = self.authority();
        self.directory().publish_crl(&[&authority], 7).unwrap();
    }

    /// A server's set as it was issued that many days ago.
    fn server(&self, to: &Path, days: i64) {
        let request = ServerRequest {
            names: vec!["127.0.0.1".parse().unwrap()],
            validity: Validity::Longest,
            key_type: KeyType::default(),
        };
        let authority = self.authority().with_clock(ago(days));
        let issued = authority.issue_server(&request).unwrap();
        authority.publish(&issued, to, Overwrite::Replace).unwrap();
    }

    fn client(&self, name: &str, days: i64) {
        let authority = self.authority().with_clock(ago(days));
        let issued = authority
            .issue_client(&ClientRequest::new(name.parse().unwrap()))
            .unwrap();
        authority
            .publish(&issued, &self.path(name), Overwrite::Refuse)
            .unwrap();
    }

    /// A daemon with the set in `server`, and more settings.
    fn daemon(&self, netns: NetNs, more: &Value) -> Daemon {
        let server = self.path("server");
        let mut config = json!({
            "tlsverify": true,
            "tlscacert": server.join("ca.pem"),
            "tlscert": server.join("cert.pem"),
            "tlskey": server.join("key.pem"),
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
        let options = DaemonOptions {
            config: Some(config),
            args: vec!["--host=tcp://127.0.0.1:2376".to_owned()],
        };
        Daemon::start_in(netns, options)
    }

    /// The command line, in the folder of the bench.
    fn lockgate(&self, netns: &NetNs, words: &str) -> Ended {
        let mut command = netns.command(binary("lockgate"));
        command
            .args(words.split_whitespace())
            .current_dir(self.dir.path())
            .env("HOME", self.dir.path())
            .env("LOCKGATE_CA_PASSPHRASE", "correct horse");
        run(&mut command, b"")
    }

    fn served(&self) -> CertificateInfo {
        let infos = CertificateInfo::read(&self.path("server/cert.pem")).unwrap();
        infos.into_iter().next().unwrap()
    }

    /// Waits until the file holds a certificate that was issued just now.
    fn renewed(&self, daemon: &Daemon) -> CertificateInfo {
        let fresh = Timestamp::now().unix_seconds() + 80 * DAY;
        eventually("a renewal", || {
            let info = self.served();
            assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
            (info.not_after.unix_seconds() > fresh).then_some(info)
        })
    }
}

fn new_authority(name: &str) -> NewAuthority {
    NewAuthority {
        name: name.parse().unwrap(),
        days: 400,
        key_type: KeyType::default(),
        constraints: Constraints::default(),
    }
}

fn ago(days: i64) -> Clock {
    Clock::Fixed(moment(days))
}

/// That many days ago.
fn moment(days: i64) -> Timestamp {
    let then = Timestamp::now().unix_seconds() - days * DAY;
    Timestamp::from_unix_nanos(i128::from(then) * 1_000_000_000)
}

/// The serial number of what the port shows.
fn shown(daemon: &Daemon) -> String {
    let script = "openssl s_client -connect 127.0.0.1:2376 </dev/null 2>/dev/null \
                  | openssl x509 -noout -serial | cut -d= -f2";
    let ended = run(daemon.netns().command("sh").args(["-c", script]), b"");
    ended.ok().to_lowercase()
}

fn shows(daemon: &Daemon, wanted: &CertificateInfo) {
    eventually("the port shows the certificate of the file", || {
        (shown(daemon) == wanted.serial).then_some(())
    });
}

fn curl(bench: &Bench, daemon: &Daemon, name: &str) -> String {
    let set = bench.path(name);
    let mut command = daemon.netns().command("curl");
    command.args(["-sSi", "--cacert"]).arg(set.join("ca.pem"));
    command.arg("--cert").arg(set.join("cert.pem"));
    command.arg("--key").arg(set.join("key.pem"));
    run(command.arg("https://127.0.0.1:2376/_ping"), b"")
        .ok()
        .to_lowercase()
}
