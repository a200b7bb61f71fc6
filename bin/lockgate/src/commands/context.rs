//! What every command needs: the daemon to talk to, and the user's settings.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use lockgate_types::ImageRef;

use crate::args::Globals;
use crate::client::{Choice, Client};
use crate::config::{self, ConfigFile};
use crate::failure::Failure;
use crate::stream::parse_keys;

/// The daemon to talk to, and the user's settings.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) client: Arc<Client>,
    pub(crate) config: ConfigFile,
}

impl Context {
    /// Reads settings and finds the daemon; connects to nothing yet.
    pub(in crate::commands) fn new(globals: &Globals) -> Result<Self, Failure> {
        let env = |name: &str| std::env::var(name).ok();
        let folder = config::folder(globals.config.as_deref());
        let config = ConfigFile::load(folder).map_err(Failure::new)?;
        let choice = choice(globals);
        let endpoint = choice.resolve(&env, &config)?;
        let version = env("DOCKER_API_VERSION").filter(|version| !version.is_empty());
        let version = version.map(|version| version.trim_start_matches('v').to_owned());
        let client = Client::new(endpoint, config.http_headers.clone(), version)
            .map_err(|reason| Failure::new(format!("Failed to initialize: {reason}")))?;
        Ok(Self {
            client: Arc::new(client),
            config,
        })
    }

    /// The detach keys: flag, settings, docker's default.
    pub(crate) fn detach_keys(&self, flag: Option<&str>) -> Result<Vec<u8>, Failure> {
        let text = flag.filter(|text| !text.is_empty());
        let text = text
            .or(self.config.detach_keys.as_deref())
            .filter(|text| !text.is_empty());
        parse_keys(text.unwrap_or("ctrl-p,ctrl-q")).map_err(Failure::new)
    }

    /// The format of a list: flag, settings, none.
    pub(crate) fn format<'a>(&'a self, flag: Option<&'a str>, key: &str, quiet: bool) -> &'a str {
        let set = if quiet { None } else { self.config.format(key) };
        flag.or(set).unwrap_or("")
    }

    /// The `X-Registry-Auth` header for an image.
    pub(crate) fn registry_auth(&self, image: &ImageRef) -> String {
        let key = match image.domain() {
            "docker.io" => "https://index.docker.io/v1/",
            domain => domain,
        };
        let known = self.config.auths.get(key);
        let json = match known {
            Some(auth) if !auth.identity_token.is_empty() => serde_json::json!({
                "identitytoken": auth.identity_token, "serveraddress": key,
            }),
            Some(auth) => {
                let plain = STANDARD.decode(&auth.auth).unwrap_or_default();
                let plain = String::from_utf8_lossy(&plain).into_owned();
                let (user, password) = plain.split_once(':').unwrap_or((&plain, ""));
                serde_json::json!({
                    "username": user,
                    "password": password.trim_end_matches('\0'),
                    "serveraddress": key,
                })
            }
            None => serde_json::json!({}),
        };
        URL_SAFE.encode(json.to_string())
    }
}

/// What was typed before the command, as the client's choice of a daemon.
pub(super) fn choice(globals: &Globals) -> Choice {
    Choice {
        hosts: globals.host.clone(),
        context: globals.context.clone(),
        tls: globals.tls,
        tls_verify: globals.tlsverify,
        ca: globals.tlscacert.clone(),
        cert: globals.tlscert.clone(),
        key: globals.tlskey.clone(),
    }
}
