//! `dockerd configure`: shows what it would change, and changes it with `--yes`.

use std::path::{Path, PathBuf};

use lockgate_pki::{CheckedSet, Purpose, Verdict, verify_set};

use super::change::{Change, Record};
use super::plan;
use crate::args::ConfigureArgs;
use crate::client::{Address, parse_host};
use crate::doctor::World;
use crate::doctor::daemon::{Daemon, Kind, Unit};
use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Where the record lies.
pub(super) const RECORD: &str = "/etc/docker/lockgate-configure.json";

/// Shows, and with `--yes` applies.
pub(super) fn run(args: &ConfigureArgs, out: &mut Output) -> Outcome {
    let world = World::new(Some(&args.root));
    let daemon = Daemon::of_files(&world, Kind::Dockerd);
    for host in &args.hosts {
        check_host(host)?;
    }
    let changes = changes(&world, daemon.as_ref(), args)?;
    if changes.is_empty() {
        out.line("nothing to change")?;
        return Ok(0);
    }
    for change in &changes {
        out.text(change.diff())?;
    }
    if !args.yes {
        out.note("nothing is changed yet; apply it with --yes")?;
        return Ok(0);
    }
    let path = world.path(RECORD);
    Record::read(&path)?.apply(&path, &changes)?;
    out.note("applied; take it back with `lockgate dockerd configure --undo`")?;
    out.note("next: systemctl daemon-reload && systemctl restart docker && lockgate doctor")?;
    Ok(0)
}

fn check_host(host: &str) -> Result<(), Failure> {
    let known = ["tcp://", "unix://", "fd://"]
        .iter()
        .any(|scheme| host.starts_with(scheme));
    if known && (host.starts_with("fd://") || parse_host(host, true).is_ok()) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "`{host}` is no address to listen on: use tcp://ADDRESS:2376, unix:///PATH or fd://"
    )))
}

fn changes(
    world: &World,
    daemon: Option<&Daemon>,
    args: &ConfigureArgs,
) -> Result<Vec<Change>, Failure> {
    let hosts = plan::hosts(daemon, &args.hosts);
    // Below another root, the directory is one of that machine.
    let folder = match args.certs.as_deref() {
        Some(folder) if world.is_live() => Some(std::path::absolute(folder)?),
        folder => folder.map(Path::to_path_buf),
    };
    if hosts.iter().any(|host| host.starts_with("tcp://")) {
        let set = certificates(world, daemon, folder.as_deref())?;
        verify(&set, &hosts)?;
    }
    let settings = plan::settings(&hosts, folder.as_deref());
    let file = daemon.map_or_else(|| world.path("/etc/docker/daemon.json"), |d| d.path.clone());
    let text = super::change::read(&file)?.unwrap_or_default();
    let shown = file.display().to_string();
    let planned = plan::daemon_json(&shown, &text, &settings).map_err(|error| told(&error))?;
    let mut changes: Vec<Change> = Change::of(file, planned)?.into_iter().collect();
    if let Some(daemon) = daemon
        && let Some(line) = plan::start_line(daemon, &settings).map_err(|error| told(&error))?
    {
        let file = drop_in(world, daemon.service.as_ref());
        let text = super::change::read(&file)?.unwrap_or_default();
        changes.extend(Change::of(file, plan::drop_in(&text, &line))?);
    }
    Ok(changes)
}

fn told(error: &plan::PlanError) -> Failure {
    Failure::new(error.to_string())
}

/// The drop-in that gives the command now, if it is the administrator's; else `override.conf`,
/// which `systemctl edit` writes.
fn drop_in(world: &World, unit: Option<&Unit>) -> PathBuf {
    let folder = world.path("/etc/systemd/system/docker.service.d");
    let start = unit.and_then(Unit::start).map(|start| start.file.clone());
    start
        .filter(|file| file.starts_with(&folder))
        .unwrap_or_else(|| folder.join("override.conf"))
}

/// The set that dockerd will use.
fn certificates(
    world: &World,
    daemon: Option<&Daemon>,
    folder: Option<&Path>,
) -> Result<[PathBuf; 3], Failure> {
    let names = [
        ("tlscacert", "ca.pem"),
        ("tlscert", "cert.pem"),
        ("tlskey", "key.pem"),
    ];
    let file = |(key, name): (&str, &str)| match (folder, daemon) {
        (Some(folder), _) => Some(world.path(folder.join(name))),
        (None, Some(daemon)) => daemon.settings.text(key).map(|path| world.path(path)),
        (None, None) => None,
    };
    let [Some(ca), Some(certificate), Some(key)] = names.map(file) else {
        return Err(Failure::new(
            "TCP without certificates would make everybody root who reaches it: name the server's with --certs DIR",
        )
        .hint("lockgate ca quick pki --client NAME && lockgate dockerd configure --host tcp://0.0.0.0:2376 --certs pki/server"));
    };
    Ok([ca, certificate, key])
}

/// Refuses a set that clients would refuse.
fn verify([ca, certificate, key]: &[PathBuf; 3], hosts: &[String]) -> Result<(), Failure> {
    let bound = hosts
        .iter()
        .filter_map(|host| match parse_host(host, true) {
            Ok((_, Address::Tcp { host, .. })) => host.parse().ok(),
            Ok(_) | Err(_) => None,
        });
    let report = verify_set(&CheckedSet {
        ca: ca.clone(),
        certificate: certificate.clone(),
        key: Some(key.clone()),
        purpose: Some(Purpose::Server),
        hosts: bound.collect(),
        clock: lockgate_pki::Clock::System,
    });
    match report
        .checks
        .iter()
        .find(|check| check.verdict == Verdict::Failed)
    {
        Some(check) => Err(Failure::new(check.text.clone())),
        None => Ok(()),
    }
}
