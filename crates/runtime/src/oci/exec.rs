//! `exec`.

use std::path::PathBuf;

use oci_spec::runtime::{Capability, LinuxCapabilities, LinuxNamespace, Process, User};

use super::args::{Args, Option as Flag, Words, words};
use super::create::{send_terminal, write_pid};
use super::store::{Place, Record, Status};
use super::{Global, OciError, failed, foreground, inherited};
use crate::cgroup::Cgroup;
use crate::create::{self, CreateError, NewProcess, Stdio};
use crate::seccomp;
use crate::spec::document;

/// `exec [options] ID [COMMAND ARG...]`
pub(super) fn exec(global: &Global, args: Args) -> Result<u8, OciError> {
    let options = Options::take(args)?;
    let place = Place::of(global, &options.id)?;
    let record = place.read()?;
    match place.status(&record) {
        Status::Stopped => return Err(OciError::ExecStopped),
        Status::Paused if !options.ignore_paused => return Err(OciError::ExecPaused),
        Status::Paused | Status::Created | Status::Running => {}
    }
    inherited::check(options.preserved)?;
    let process = options.process(&record)?;
    let terminal = process.terminal() == Some(true);
    if terminal && options.detach && options.console_socket.is_none() {
        return Err(OciError::NoConsole);
    }
    let linux = record.config.linux().as_ref();
    let profile = linux.and_then(|linux| linux.seccomp().as_ref());
    let filter = profile
        .map(seccomp::compile)
        .transpose()
        .map_err(CreateError::from)?;
    let namespaces = linux
        .and_then(|linux| linux.namespaces().as_deref())
        .unwrap_or(&[]);
    let namespaces: Vec<_> = namespaces.iter().map(LinuxNamespace::typ).collect();
    let init = record.open_init()?;
    let cgroup = match &options.cgroup {
        Some(below) => Cgroup::open(&record.cgroup.join(below.trim_start_matches('/')))?,
        None => Cgroup::open(&record.cgroup)?,
    };
    let signals = (!options.detach)
        .then(foreground::catch_signals)
        .transpose()?;
    let mut prepared = create::enter(&NewProcess {
        process: &process,
        init: &init,
        init_pid: record.pid,
        namespaces: &namespaces,
        filter: filter.as_ref(),
        cgroup: &cgroup,
        stdio: Stdio::Inherit,
        window: None,
        preserved: options.preserved,
    })?;
    write_pid(options.pid_file.as_deref(), prepared.pid)?;
    let mut master = prepared.terminal.take();
    if options.console_socket.is_some() {
        send_terminal(master.take().as_ref(), options.console_socket.as_deref())?;
    }
    prepared.start()?;
    match signals {
        None => Ok(0),
        Some(signals) => foreground::stay(&prepared.pidfd, prepared.pid, master, &signals),
    }
}

#[derive(Debug, Default)]
struct Options {
    id: String,
    command: Vec<String>,
    console_socket: Option<PathBuf>,
    pid_file: Option<PathBuf>,
    process: Option<PathBuf>,
    cwd: Option<PathBuf>,
    environment: Vec<String>,
    capabilities: Vec<Capability>,
    groups: Vec<u32>,
    user: Option<(u32, Option<u32>)>,
    tty: bool,
    no_new_privileges: bool,
    detach: bool,
    ignore_paused: bool,
    apparmor: Option<String>,
    cgroup: Option<String>,
    preserved: u32,
}

impl Options {
    fn take(mut args: Args) -> Result<Self, OciError> {
        let mut options = Self::default();
        while let Some(flag) = args.flag(&FLAGS)? {
            options.set(flag.name, flag.value)?;
        }
        let mut words = words("exec", args.rest(), Words::AtLeast(1))?;
        options.id = words.remove(0);
        options.command = words;
        Ok(options)
    }

    fn set(&mut self, name: &'static str, value: Option<String>) -> Result<(), OciError> {
        match (name, value) {
            ("tty", _) => self.tty = true,
            ("detach", _) => self.detach = true,
            ("ignore-paused", _) => self.ignore_paused = true,
            ("apparmor", Some(value)) => self.apparmor = Some(value),
            ("cgroup", Some(value)) => self.cgroup = Some(value),
            ("preserve-fds", Some(value)) => self.preserved = inherited::count(&value)?,
            ("process-label", Some(_)) => {
                return Err(OciError::Unsupported(
                    "--process-label (SELinux)".to_owned(),
                ));
            }
            ("no-new-privs", _) => self.no_new_privileges = true,
            ("console-socket", Some(value)) => self.console_socket = Some(value.into()),
            ("pid-file", Some(value)) => self.pid_file = Some(value.into()),
            ("process", Some(value)) => self.process = Some(value.into()),
            ("cwd", Some(value)) => self.cwd = Some(value.into()),
            ("env", Some(value)) => self.environment.push(value),
            ("cap", Some(value)) => {
                let name = value.strip_prefix("CAP_").unwrap_or(&value);
                let capability = name.parse().map_err(|_unknown| OciError::InvalidValue {
                    what: "capability",
                    value: value.clone(),
                })?;
                self.capabilities.push(capability);
            }
            ("additional-gids", Some(value)) => self.groups.push(number("group", &value)?),
            ("user", Some(value)) => {
                let (uid, gid) = match value.split_once(':') {
                    Some((uid, gid)) => (uid, Some(number("group", gid)?)),
                    None => (value.as_str(), None),
                };
                self.user = Some((number("user", uid)?, gid));
            }
            _ => {}
        }
        Ok(())
    }

    /// The process of the file, or the container's own with what the options change.
    fn process(&self, record: &Record) -> Result<Process, OciError> {
        if let Some(path) = &self.process {
            let json = std::fs::read(path).map_err(failed("process file"))?;
            return document::parse_process(&json).map_err(failed("process file"));
        }
        if self.command.is_empty() {
            return Err(OciError::NoArgs);
        }
        let own = record.config.process().clone();
        let mut process = own.ok_or(CreateError::Missing("process"))?;
        process
            .set_args(Some(self.command.clone()))
            .set_terminal(Some(self.tty));
        if let Some(cwd) = &self.cwd {
            process.set_cwd(cwd.clone());
        }
        let mut environment = process.env().clone().unwrap_or_default();
        environment.extend(self.environment.iter().cloned());
        process.set_env(Some(environment));
        if let Some((uid, gid)) = self.user {
            let mut user = User::default();
            user.set_uid(uid).set_gid(gid.unwrap_or(0));
            process.set_user(user);
        }
        if !self.groups.is_empty() {
            process
                .user_mut()
                .set_additional_gids(Some(self.groups.clone()));
        }
        if self.apparmor.is_some() {
            process.set_apparmor_profile(self.apparmor.clone());
        }
        if self.no_new_privileges {
            process.set_no_new_privileges(Some(true));
        }
        if !self.capabilities.is_empty() {
            let sets = process.capabilities().clone().unwrap_or_default();
            process.set_capabilities(Some(with(sets, &self.capabilities)));
        }
        Ok(process)
    }
}

fn with(mut sets: LinuxCapabilities, more: &[Capability]) -> LinuxCapabilities {
    let add = |set: &Option<oci_spec::runtime::Capabilities>| {
        let mut set = set.clone().unwrap_or_default();
        set.extend(more.iter().copied());
        Some(set)
    };
    let (bounding, effective) = (add(sets.bounding()), add(sets.effective()));
    let permitted = add(sets.permitted());
    sets.set_bounding(bounding)
        .set_effective(effective)
        .set_permitted(permitted);
    sets
}

fn number(what: &'static str, text: &str) -> Result<u32, OciError> {
    text.parse().map_err(|_error| OciError::InvalidValue {
        what,
        value: text.to_owned(),
    })
}

const FLAGS: [Flag; 17] = [
    Flag::with_value("console-socket", None),
    Flag::with_value("pid-file", None),
    Flag::with_value("process", Some('p')),
    Flag::with_value("cwd", None),
    Flag::with_value("env", Some('e')),
    Flag::with_value("cap", Some('c')),
    Flag::with_value("additional-gids", Some('g')),
    Flag::with_value("user", Some('u')),
    Flag::with_value("process-label", None),
    Flag::with_value("apparmor", None),
    Flag::with_value("preserve-fds", None),
    Flag::with_value("cgroup", None),
    Flag::plain("tty", Some('t')),
    Flag::plain("detach", Some('d')),
    Flag::plain("no-new-privs", None),
    Flag::plain("no-subreaper", None),
    Flag::plain("ignore-paused", None),
];
