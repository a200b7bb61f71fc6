//! Files that an administrator writes, and one that an attacker may have changed.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use lockgate_access::{
    Access, AuditError, AuditFiles, AuditKey, AuditLog, Policy, Refusal, SocketOwners,
};
use tempfile::TempDir;

use super::settings::{Config, Typed, command};

pub(super) const POLICY_WORDS: &[&str] = &[
    "[roles.x]",
    "[[bindings]]",
    "[[tests]]",
    "allow = [\"*\"]",
    "deny = [\"exec\"]",
    "host.privileged",
    "common_name = \"a\"",
    "own = true",
    "[roles.x.host]",
    "paths = [\"/:ro\"]",
    "[roles.x.only]",
    "memory = \"1g\"",
    "expect = \"deny\"",
];

pub(super) fn policy(input: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(input) else {
        return "no text".to_owned();
    };
    match Policy::parse(text) {
        Ok(policy) => format!("{policy:?}"),
        Err(error) => error.to_string(),
    }
}

pub(super) fn policies() -> Vec<Vec<u8>> {
    [
        "[roles.ci]\nallow = [\"operator\", \"image.push\"]\ndeny = [\"exec\"]\nown = true\nown_labels = { team = \"ci\" }\n\
         [roles.ci.host]\npaths = [\"/srv/ci\", \"/usr/share:ro\"]\ncapabilities = [\"NET_ADMIN\"]\n\
         [roles.ci.only]\nimages = [\"registry.example/ci/*\"]\nmemory = \"512m\"\n\
         [[bindings]]\nroles = [\"ci\"]\ncommon_name = \"ci-1\"\norganizational_unit = \"build\"\n",
        "[[bindings]]\nroles = [\"admin\"]\nuid = 0\n",
        "[[tests]]\nwho = { common_name = \"a\" }\ndoes = \"docker run -v /:/host busybox\"\nexpect = \"deny\"\n",
        "",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}

/// A trail as it was written, its key, and a place to put changed ones.
struct Trail {
    whole: Vec<u8>,
    key: AuditKey,
    place: TempDir,
}

thread_local! {
    /// Of the thread, so that the folder goes with it.
    static TRAIL: Trail = trail();
}

fn trail() -> Trail {
    let made = || -> Result<Trail, Box<dyn std::error::Error>> {
        let place = tempfile::tempdir()?;
        let written = place.path().join("written.log");
        // Killed in the middle of a line, started again, and ended in good order: every kind of record that the
        // reader looks into.
        for torn in [true, false] {
            write_some(&written)?;
            if torn {
                OpenOptions::new()
                    .append(true)
                    .open(&written)?
                    .write_all(b"{\"sequence\":")?;
            }
        }
        // The head says where the trail ends; without it nothing passes for whole.
        fs::copy(
            place.path().join("written.log.head"),
            place.path().join("changed.log.head"),
        )?;
        Ok(Trail {
            whole: fs::read(&written)?,
            key: AuditFiles::find(&written)?.key()?,
            place,
        })
    };
    made().unwrap_or_else(|error| panic!("the fuzzer's own trail: {error}"))
}

fn write_some(log: &Path) -> Result<(), AuditError> {
    let audit = AuditLog::open(log)?;
    let access = Access::new(Policy::absent(), SocketOwners::default(), audit);
    for number in 0..6 {
        access.refused(&Refusal {
            peer: "192.0.2.1:1",
            identity: None,
            reason: "unknown_ca",
            detail: &format!("refusal {number}"),
        });
    }
    access.audit().close();
    Ok(())
}

/// A file of this process, written anew for each input.
fn file(name: &str, input: &[u8]) -> PathBuf {
    let path = TRAIL.with(|trail| trail.place.path().join(name));
    let written = fs::write(&path, input);
    written.unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    path
}

pub(super) fn audit(input: &[u8]) -> String {
    let path = file("changed.log", input);
    let report =
        AuditFiles::find(&path).and_then(|files| TRAIL.with(|trail| files.verify(&trail.key)));
    if let Ok(report) = &report
        && report.is_whole()
    {
        let lines = |bytes: &[u8]| {
            bytes
                .split(|b| *b == b'\n')
                .map(<[u8]>::to_vec)
                .collect::<Vec<_>>()
        };
        let known = TRAIL.with(|trail| lines(&trail.whole));
        let all_known = lines(input).iter().all(|line| known.contains(line));
        assert!(all_known, "a changed trail passes for a whole one");
    }
    format!("{report:?}")
}

pub(super) fn audits() -> Vec<Vec<u8>> {
    let whole = TRAIL.with(|trail| trail.whole.clone());
    let half = whole[..whole.len() / 2].to_vec();
    assert!(
        !audit(&half).is_empty() && audit(&whole).contains("findings: []"),
        "the trail as it was written is whole"
    );
    vec![whole, half]
}

pub(super) const DAEMON_WORDS: &[&str] = &[
    "\"hosts\":[\"tcp://0.0.0.0:2376\"]",
    "\"tlsverify\":true",
    "\"log-opts\":{",
    "\"max-size\":\"10m\"",
    "\"default-ulimits\":{",
    "\"bip\":\"10.0.0.1/24\"",
    "\"runtimes\":{",
    "null",
    "\"dns\":[",
    "\"default-shm-size\":\"1g\"",
];

pub(super) fn daemon_json(input: &[u8]) -> String {
    let path = file("daemon.json", input).display().to_string();
    let words = [
        "lockgated",
        "--config-file",
        &path,
        "--shim-path",
        "/bin/sh",
    ];
    let matches = command().try_get_matches_from(words);
    let matches = matches.unwrap_or_else(|error| panic!("{error}"));
    match Config::load(&Typed::new(matches)) {
        Ok(config) => format!("{config:?}"),
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(next) = cause {
                text = format!("{text}: {next}");
                cause = next.source();
            }
            text
        }
    }
}

pub(super) fn daemon_jsons() -> Vec<Vec<u8>> {
    [
        r#"{"hosts":["unix:///run/d.sock","tcp://0.0.0.0:2376"],"tls":true,"tlsverify":true,"tlscacert":"/p/ca.pem","tlscert":"/p/cert.pem","tlskey":"/p/key.pem","log-driver":"json-file","log-opts":{"max-size":"10m","max-file":"3"},"live-restore":true}"#,
        r#"{"exec-opts":["native.cgroupdriver=systemd"],"dns":["10.0.0.1"],"default-ulimits":{"nofile":{"Name":"nofile","Hard":64000,"Soft":1024}},"default-address-pools":[{"base":"10.1.0.0/16","size":24}]}"#,
        r#"{"runtimes":{"crun":{"path":"/usr/bin/crun","runtimeArgs":["--debug"]}},"default-shm-size":"128M","bip":"172.30.0.1/24","mtu":1400,"icc":false,"labels":["zone=a"],"debug":true,"shutdown-timeout":5}"#,
        "",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec()
}
