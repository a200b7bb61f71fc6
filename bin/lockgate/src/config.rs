//! The user's files: `config.json` and the contexts beside it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use serde::Deserialize;

/// `config.json`; keys that we do not use are ignored, as it belongs to other programs as well.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ConfigFile {
    /// Where it was read from.
    #[serde(skip)]
    pub(crate) folder: PathBuf,
    pub(crate) current_context: Option<String>,
    pub(crate) detach_keys: Option<String>,
    pub(crate) auths: BTreeMap<String, Auth>,
    #[serde(rename = "HttpHeaders")]
    pub(crate) http_headers: BTreeMap<String, String>,
    /// Default formats: `psFormat`, `imagesFormat` …
    #[serde(flatten)]
    rest: BTreeMap<String, serde_json::Value>,
}

/// Credentials for one registry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Auth {
    /// Base64 of `user:password`.
    pub(crate) auth: String,
    #[serde(rename = "identitytoken")]
    pub(crate) identity_token: String,
}

/// What a context says about its daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Context {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) host: String,
    pub(crate) skip_tls_verify: bool,
}

impl ConfigFile {
    /// Reads `config.json` of a folder; a missing file is an empty one.
    pub(crate) fn load(folder: PathBuf) -> Result<Self, String> {
        let path = folder.join("config.json");
        let mut file: Self = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| format!("parsing config file ({}): {error}", path.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::default(),
            Err(error) => {
                let reason = go_error(&error);
                return Err(format!(
                    "loading config file: open {}: {reason}",
                    path.display()
                ));
            }
        };
        file.folder = folder;
        Ok(file)
    }

    /// The default `--format` for a command, such as `psFormat`.
    pub(crate) fn format(&self, key: &str) -> Option<&str> {
        self.rest
            .get(key)
            .and_then(serde_json::Value::as_str)
            .filter(|text| !text.is_empty())
    }

    /// Reads a context by name.
    pub(crate) fn context(&self, name: &str) -> Result<Context, String> {
        let path = self
            .folder
            .join("contexts/meta")
            .join(hex_sha256(name))
            .join("meta.json");
        read_context(&path).map_err(|reason| format!("context {name:?}: {reason}"))
    }

    /// Every context that can be read, by name.
    pub(crate) fn contexts(&self) -> Vec<Context> {
        let Ok(entries) = std::fs::read_dir(self.folder.join("contexts/meta")) else {
            return Vec::new();
        };
        let paths = entries
            .flatten()
            .map(|entry| entry.path().join("meta.json"));
        let mut found: Vec<Context> = paths.filter_map(|path| read_context(&path).ok()).collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    /// Where a context keeps `ca.pem`, `cert.pem` and `key.pem`.
    pub(crate) fn context_tls_folder(&self, name: &str) -> PathBuf {
        self.folder
            .join("contexts/tls")
            .join(hex_sha256(name))
            .join("docker")
    }
}

fn read_context(path: &Path) -> Result<Context, String> {
    let bytes = std::fs::read(path).map_err(|error| {
        format!(
            "context not found: open {}: {}",
            path.display(),
            go_error(&error)
        )
    })?;
    let meta: Meta =
        serde_json::from_slice(&bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    let endpoint = meta.endpoints.get("docker").cloned().unwrap_or_default();
    Ok(Context {
        name: meta.name,
        description: meta.metadata.description,
        host: endpoint.host,
        skip_tls_verify: endpoint.skip_tls_verify,
    })
}

/// The folder of `config.json`: `--config`, `DOCKER_CONFIG`, `~/.docker`.
pub(crate) fn folder(flag: Option<&Path>) -> PathBuf {
    if let Some(path) = flag {
        return path.to_owned();
    }
    match std::env::var_os("DOCKER_CONFIG").filter(|path| !path.is_empty()) {
        Some(path) => path.into(),
        None => home().join(".docker"),
    }
}

fn home() -> PathBuf {
    std::env::home_dir().unwrap_or_else(|| PathBuf::from("/"))
}

/// The name we were called by: `docker` through a symlink, else `lockgate`.
pub(crate) fn program_name() -> &'static str {
    let name = std::env::args_os().next().unwrap_or_default();
    if Path::new(&name)
        .file_name()
        .is_some_and(|name| name == "docker")
    {
        "docker"
    } else {
        "lockgate"
    }
}

/// Whether we were called `docker`.
pub(crate) fn called_docker() -> bool {
    program_name() == "docker"
}

/// An I/O error without Rust's `(os error 2)`, in the case users know from Go programs.
pub(crate) fn go_error(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

/// The name of a context's folders.
pub(crate) fn hex_sha256(text: &str) -> String {
    lockgate_types::hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Meta {
    name: String,
    metadata: Metadata,
    endpoints: BTreeMap<String, MetaEndpoint>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Metadata {
    description: String,
}

#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct MetaEndpoint {
    host: String,
    #[serde(rename = "SkipTLSVerify")]
    skip_tls_verify: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_is_found_by_the_hash_of_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let hash = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
        let meta = folder.path().join("contexts/meta").join(hash);
        std::fs::create_dir_all(&meta).unwrap();
        let text = r#"{"Name":"foo","Metadata":{"Description":"d"},
            "Endpoints":{"docker":{"Host":"tcp://h:1","SkipTLSVerify":true}}}"#;
        std::fs::write(meta.join("meta.json"), text).unwrap();
        let file = ConfigFile::load(folder.path().to_owned()).unwrap();
        let context = file.context("foo").unwrap();
        assert_eq!(
            (context.host.as_str(), context.skip_tls_verify),
            ("tcp://h:1", true)
        );
        assert_eq!(file.contexts(), [context]);
        assert!(
            file.context("bar")
                .unwrap_err()
                .contains("context not found")
        );
    }

    #[test]
    fn reads_what_other_programs_write_into_config_json() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"auths":{"r:5000":{"auth":"dTpw"}},"psFormat":"{{.ID}}","credsStore":"x",
            "HttpHeaders":{"A":"b"},"currentContext":"c","detachKeys":"ctrl-e,e"}"#;
        std::fs::write(folder.path().join("config.json"), text).unwrap();
        let file = ConfigFile::load(folder.path().to_owned()).unwrap();
        assert_eq!(file.format("psFormat"), Some("{{.ID}}"));
        assert_eq!(file.auths["r:5000"].auth, "dTpw");
        assert_eq!(file.detach_keys.as_deref(), Some("ctrl-e,e"));
    }
}
