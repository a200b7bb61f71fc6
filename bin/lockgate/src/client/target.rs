//! Which daemon is meant: `-H`, `-c`, the environment, contexts, the default socket.

use std::path::{Path, PathBuf};

use crate::config::{self, ConfigFile};
use crate::failure::Failure;

/// Where the daemon listens when nobody says otherwise.
pub(crate) const DEFAULT_SOCKET: &str = "/run/lockgate/lockgate.sock";
/// Where a stock dockerd listens.
pub(crate) const DOCKER_SOCKET: &str = "/var/run/docker.sock";

/// How to get to the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// A TCP address; the path prefix comes from `tcp://host:port/path`.
    Tcp {
        host: String,
        port: u16,
        prefix: String,
    },
    /// `docker system dial-stdio` on the far side of an ssh connection.
    Ssh(SshTarget),
}

/// The parts of `ssh://[user@]host[:port][/path/to/socket]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SshTarget {
    pub(crate) user: Option<String>,
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) socket: Option<String>,
}

/// The files of a TLS connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    pub(crate) ca: Option<PathBuf>,
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) skip_verify: bool,
}

/// A daemon, as found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// As messages name it, `unix:///run/lockgate/lockgate.sock`.
    pub(crate) url: String,
    pub(crate) address: Address,
    pub(crate) tls: Option<TlsFiles>,
    /// The name of the context it came from.
    pub(crate) context: String,
}

/// What was typed before the command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    pub(crate) hosts: Vec<String>,
    pub(crate) context: Option<String>,
    pub(crate) tls: bool,
    /// `None`: not said; even `--tlsverify=false` turns TLS on.
    pub(crate) tls_verify: Option<bool>,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
}

/// The environment, read through a function so that tests need not change it.
pub(crate) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Choice {
    /// Finds the daemon.
    pub(crate) fn resolve(
        &self,
        env: Environment<'_>,
        file: &ConfigFile,
    ) -> Result<Endpoint, Failure> {
        if self.context.is_some() && !self.hosts.is_empty() {
            return Err(Failure::new(
                "conflicting options: cannot specify both --host and --context",
            ));
        }
        if self.hosts.len() > 1 {
            return Err(unresolved("Specify only one -H"));
        }
        match self.context_name(env, file) {
            Some(name) => from_context(&name, file),
            None => self.plain(env, file),
        }
    }

    fn context_name(&self, env: Environment<'_>, file: &ConfigFile) -> Option<String> {
        let name = if let Some(name) = &self.context {
            Some(name.clone())
        } else if !self.hosts.is_empty() || host_variable(env).is_some() {
            None
        } else {
            env("DOCKER_CONTEXT")
                .filter(|n| !n.is_empty())
                .or_else(|| file.current_context.clone())
        };
        name.filter(|n| !n.is_empty() && n != "default")
    }

    fn plain(&self, env: Environment<'_>, file: &ConfigFile) -> Result<Endpoint, Failure> {
        let tls = self.tls_files(env, file);
        let host = self
            .hosts
            .first()
            .cloned()
            .or_else(|| host_variable(env))
            .unwrap_or_default();
        let (url, address) = parse_host(&host, tls.is_some()).map_err(unresolved)?;
        let tls = tls.filter(|_| matches!(address, Address::Tcp { .. }));
        if let Some(files) = &tls {
            files.check().map_err(unresolved)?;
        }
        Ok(Endpoint {
            url,
            address,
            tls,
            context: "default".to_owned(),
        })
    }

    fn tls_files(&self, env: Environment<'_>, file: &ConfigFile) -> Option<TlsFiles> {
        let set = |name: &str| env(name).is_some_and(|value| !value.is_empty());
        let verify = self.tls_verify.unwrap_or_else(|| set("DOCKER_TLS_VERIFY"));
        if !(self.tls || set("DOCKER_TLS") || self.tls_verify.is_some() || verify) {
            return None;
        }
        let folder = env("DOCKER_CERT_PATH")
            .filter(|path| !path.is_empty())
            .map_or_else(|| file.folder.clone(), PathBuf::from);
        // The default files may be missing; files that were named may not.
        let optional = |given: &Option<PathBuf>, name: &str| {
            given
                .clone()
                .or_else(|| Some(folder.join(name)).filter(|path| path.exists()))
        };
        Some(TlsFiles {
            ca: Some(self.ca.clone().unwrap_or_else(|| folder.join("ca.pem"))),
            cert: optional(&self.cert, "cert.pem"),
            key: optional(&self.key, "key.pem"),
            skip_verify: !verify,
        })
    }
}

impl TlsFiles {
    fn check(&self) -> Result<(), String> {
        for path in [&self.ca, &self.cert, &self.key].into_iter().flatten() {
            if let Err(error) = std::fs::File::open(path) {
                return Err(format!(
                    "open {}: {}",
                    path.display(),
                    config::go_error(&error)
                ));
            }
        }
        Ok(())
    }
}

fn host_variable(env: Environment<'_>) -> Option<String> {
    let value = |name: &str| env(name).filter(|value| !value.is_empty());
    value("LOCKGATE_HOST").or_else(|| value("DOCKER_HOST"))
}

fn unresolved(reason: impl AsRef<str>) -> Failure {
    let reason = reason.as_ref();
    Failure::new(format!(
        "Failed to initialize: unable to resolve docker endpoint: {reason}"
    ))
}

fn from_context(name: &str, file: &ConfigFile) -> Result<Endpoint, Failure> {
    let context = file.context(name).map_err(unresolved)?;
    let tls_folder = file.context_tls_folder(name);
    let present = |name: &str| Some(tls_folder.join(name)).filter(|path| path.exists());
    let files = TlsFiles {
        ca: present("ca.pem"),
        cert: present("cert.pem"),
        key: present("key.pem"),
        skip_verify: context.skip_tls_verify,
    };
    let any = files.ca.is_some() || files.cert.is_some() || files.skip_verify;
    let (url, address) = parse_host(&context.host, any).map_err(unresolved)?;
    let tls = Some(files).filter(|_| any && matches!(address, Address::Tcp { .. }));
    Ok(Endpoint {
        url,
        address,
        tls,
        context: name.to_owned(),
    })
}

/// Reads a `-H` value; the empty text is the default socket. Returns it as messages show it, too.
pub(crate) fn parse_host(text: &str, tls: bool) -> Result<(String, Address), String> {
    let text = text.trim();
    if text.is_empty() {
        let path = default_socket();
        return Ok((format!("unix://{path}"), Address::Unix(path.into())));
    }
    let (scheme, rest) = text.split_once("://").unwrap_or(("tcp", text));
    let wrong = || format!("invalid bind address format: {text}");
    match scheme {
        "unix" => {
            let path = if rest.is_empty() {
                default_socket()
            } else {
                rest.to_owned()
            };
            if path.contains("://") {
                return Err(format!("invalid proto, expected unix: {path}"));
            }
            Ok((format!("unix://{path}"), Address::Unix(path.into())))
        }
        "tcp" | "http" | "https" => parse_tcp(rest, tls).ok_or_else(wrong),
        "ssh" => {
            let target = parse_ssh(rest).ok_or_else(|| format!("invalid ssh address: {text}"))?;
            Ok((text.to_owned(), Address::Ssh(target)))
        }
        _ => Err(wrong()),
    }
}

fn parse_tcp(rest: &str, tls: bool) -> Option<(String, Address)> {
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority, format!("/{}", path.trim_end_matches('/'))),
        None => (rest, String::new()),
    };
    let default_port = if tls { 2376 } else { 2375 };
    let (host, port) = split_port(authority)?;
    let host = if host.is_empty() {
        "localhost".to_owned()
    } else {
        host
    };
    let port = port.unwrap_or(default_port);
    let shown = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.clone()
    };
    let prefix = if path == "/" { String::new() } else { path };
    Some((
        format!("tcp://{shown}:{port}{prefix}"),
        Address::Tcp { host, port, prefix },
    ))
}

fn parse_ssh(rest: &str) -> Option<SshTarget> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, authority) = match authority.rsplit_once('@') {
        Some((user, authority)) => (Some(user.to_owned()), authority),
        None => (None, authority),
    };
    let (host, port) = split_port(authority)?;
    let socket = Some(path)
        .filter(|p| !p.is_empty())
        .map(|p| format!("/{p}"));
    // A host that begins with a dash would be an option of ssh.
    let fine = !host.is_empty() && !host.starts_with('-');
    fine.then_some(SshTarget {
        user,
        host,
        port,
        socket,
    })
}

/// `host`, `host:port`, `[v6]:port`.
fn split_port(text: &str) -> Option<(String, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(port.parse().ok()?),
            None if rest.is_empty() => None,
            None => return None,
        };
        return Some((host.to_owned(), port));
    }
    match text.split_once(':') {
        None => Some((text.to_owned(), None)),
        Some((host, "")) => Some((host.to_owned(), None)),
        Some((host, port)) => Some((host.to_owned(), Some(port.parse().ok()?))),
    }
}

/// Called `docker`, and without our daemon, this is a client of the stock one.
fn default_socket() -> String {
    let absent = !Path::new(DEFAULT_SOCKET).exists();
    let path = if absent && config::called_docker() {
        DOCKER_SOCKET
    } else {
        DEFAULT_SOCKET
    };
    path.to_owned()
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
