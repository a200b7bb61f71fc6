//! Authorities, directories and programs for the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lockgate_pki::{
    Authority, ClientRequest, Clock, Constraints, Issued, KeyType, NewAuthority, Overwrite,
    Protection, ServerRequest, SubjectName, Validity, stage,
};
use lockgate_types::{Secret, Timestamp};
use tempfile::TempDir;

pub(crate) const DAY: i128 = 86_400_000_000_000;

/// A directory of its own for one test.
pub(crate) struct Bench(TempDir);

impl Bench {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a shell script in the directory; `refuse COMMAND` in it must fail.
    pub(crate) fn sh(&self, script: &str) -> Output {
        Command::new("sh")
            .args(["-ec", &format!("{REFUSE}\n{script}")])
            .current_dir(self.0.path())
            .output()
            .unwrap()
    }

    /// The same, and it must succeed; returns its stdout.
    pub(crate) fn ok(&self, script: &str) -> String {
        let output = self.sh(script);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{script}\n{out}\n{err}");
        out
    }

    /// Writes the set of a certificate.
    pub(crate) fn put(&self, name: &str, issued: &Issued) -> PathBuf {
        let directory = self.path(name);
        stage(&[(&directory, issued.file_set())], Overwrite::Refuse)
            .unwrap()
            .commit()
            .unwrap();
        directory
    }
}

pub(crate) fn new_authority(key_type: KeyType, days: u32) -> NewAuthority {
    let name = "Test CA".parse().unwrap();
    NewAuthority {
        name,
        days,
        key_type,
        constraints: Constraints::default(),
    }
}

pub(crate) fn authority() -> Authority {
    Authority::create(&new_authority(KeyType::EcdsaP256, 365), Clock::System).unwrap()
}

pub(crate) fn names(list: &str) -> Vec<SubjectName> {
    SubjectName::parse_list(list).unwrap()
}

pub(crate) fn server_request(list: &str) -> ServerRequest {
    let (validity, key_type) = (Validity::Longest, KeyType::default());
    ServerRequest {
        names: names(list),
        validity,
        key_type,
    }
}

pub(crate) fn server(authority: &Authority) -> Issued {
    authority
        .issue_server(&server_request("localhost,127.0.0.1,::1"))
        .unwrap()
}

pub(crate) fn client_request(name: &str) -> ClientRequest {
    ClientRequest::new(name.parse().unwrap())
}

pub(crate) fn client(authority: &Authority, name: &str) -> Issued {
    authority.issue_client(&client_request(name)).unwrap()
}

pub(crate) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

pub(crate) fn passphrase(text: &str) -> Protection {
    Protection::Passphrase(secret(text))
}

/// That many days from now.
pub(crate) fn in_days(days: i128) -> Clock {
    Clock::Fixed(Timestamp::from_unix_nanos(
        i128::from(Timestamp::now().unix_nanos()) + days * DAY,
    ))
}

pub(crate) fn at(text: &str) -> Clock {
    Clock::Fixed(text.parse().unwrap())
}

/// Names and content of everything below a directory.
pub(crate) fn tree(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.push((path.clone(), Vec::new()));
            all.extend(tree(&path));
        } else {
            let content = fs::read(&path).unwrap();
            all.push((path, content));
        }
    }
    all.sort();
    all
}

/// `refuse COMMAND…` fails if the command succeeds; `! COMMAND` would not end the script.
const REFUSE: &str = r#"refuse() { if "$@"; then echo "accepted: $*" >&2; exit 1; fi; }"#;
