//! `--rootless`: the daemon of an ordinary user.
//!
//! ```text
//! lockgated --rootless (uid 1000)                      lockgate-rootless (outlives it)
//!   places, TCP sockets, cgroup         find or start    user, mount, network namespace
//!   newuidmap, newgidmap             -------------->     pasta or slirp4netns, published ports
//!   join its namespaces  <------------------------------
//!   the same daemon as root's, from here on
//! ```
//!
//! The namespaces belong to a process of their own, so that a daemon which is killed and started anew finds its
//! containers, their network and their ports as they were (docs/adr).

mod cgroup;
mod holder;
mod ids;
mod left;

use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use lockgate_sys::userns;
use rustix::fs::{FlockOperation, flock};
use tokio::io::unix::AsyncFd;

use crate::config::Config;
use crate::place::make_directory;
use holder::Holder;

/// The socket on which the holder is asked for ports, in the exec root.
const SOCKET: &str = "rootless.sock";

/// Makes this process, which has one thread yet, root of the user's own namespaces.
pub(crate) fn enter(config: &mut Config) -> Result<()> {
    if rustix::process::geteuid().is_root() {
        bail!("--rootless is for ordinary users; root starts lockgated without it");
    }
    let (data, exec) = (&config.engine.data_root, &config.engine.exec_root);
    make_directory(data, 0o700)?;
    make_directory(exec, 0o700)?;
    let socket = exec.join(SOCKET);
    let _one_at_a_time = lock(&exec.join("rootless.lock"))?;
    // All this is done as the user that we are, on the host's network.
    open_tcp(config)?;
    let (holder, is_new) = match Holder::find(&socket)? {
        Some(holder) => (holder, false),
        None => (Holder::start(&socket)?, true),
    };
    if let Some(parent) = cgroup::delegated(holder.pid())? {
        config.engine.cgroup_parent = parent;
    }
    holder.join()?;
    tracing::info!(
        holder = holder.pid(),
        is_new,
        "rootless: in the user's namespaces"
    );
    config.holder = Some(holder.into_handle());
    config.engine.rootless = true;
    config.engine.ports_outside = Some(socket);
    if config.engine.dns.is_empty() {
        config.engine.dns = vec![lockgate_net::outside::RESOLVER.to_owned()];
    }
    Ok(())
}

/// Waits for the end of the holder, which takes published ports and the way out with it; for ever if there is none.
pub(crate) async fn lost(holder: Option<OwnedFd>) {
    let Some(holder) = holder else {
        return std::future::pending().await;
    };
    let ended = match watch(holder) {
        Ok(holder) => holder.readable().await.map(drop),
        Err(error) => Err(error),
    };
    if let Err(error) = ended {
        tracing::warn!(%error, "cannot watch the process that holds the user's namespaces");
        std::future::pending::<()>().await;
    }
}

#[expect(
    deprecated,
    reason = "the successor is unsafe for types whose descriptor may change; an OwnedFd's cannot"
)]
fn watch(holder: OwnedFd) -> std::io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(holder)
}

/// Ends the holder, if nothing lives in its namespaces any more.
pub(crate) fn leave(socket: &Path) -> std::io::Result<()> {
    use lockgate_net::outside::{Outside, Request};
    Outside::connect(socket)?.ask(Request::Quit).map(drop)
}

/// Held until the namespaces are there: two daemons that start at once make them once.
fn lock(path: &Path) -> Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}

/// Addresses of TCP are the host's: they are listened on before its network is left.
fn open_tcp(config: &mut Config) -> Result<()> {
    for host in &config.gate.hosts {
        if let Some(address) = host.tcp_address(config.gate.tls.is_some()) {
            let listener = std::net::TcpListener::bind(address);
            let listener = listener.with_context(|| format!("cannot listen on tcp://{address}"))?;
            config.gate.opened.push((host.clone(), Arc::new(listener)));
        }
    }
    Ok(())
}

impl Holder {
    /// Joins its namespaces; the working directory becomes `/`.
    fn join(&self) -> Result<()> {
        userns::enter(self.handle().as_fd()).context("cannot join the user's namespaces")?;
        userns::enter_network(self.handle().as_fd())
            .context("cannot join the user's network namespace")?;
        // Groups of the host's, which mean nothing here; a namespace of one id only may not drop them.
        match rustix::thread::set_thread_groups(&[]) {
            Err(rustix::io::Errno::PERM) | Ok(()) => Ok(()),
            Err(error) => Err(error).context("setgroups"),
        }
    }
}
