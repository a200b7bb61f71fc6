//! `create` and `run`.

use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use lockgate_types::Timestamp;
use oci_spec::runtime::{LinuxDeviceCgroup, Spec};
use rustix::fs::{Mode, OFlags};

use super::args::{Args, Option as Flag, Words, words};
use super::store::{Place, Record, start_time};
use super::{Global, OciError, control, failed, foreground, inherited};
use crate::create::{self, Created, Gate, Hooks, NewContainer, RootChange, Stdio};
use crate::protocol::Rootfs;
use crate::spec::{CONFIG_FILE, default_device_rules, document};

/// `create [options] ID`
pub(super) fn create(global: &Global, args: Args) -> Result<u8, OciError> {
    let mut options = Options::take(args, "create")?;
    options.detach = true;
    let made = make(global, &options)?;
    made.hand_out_terminal(options.console_socket.as_deref())?;
    Ok(0)
}

/// `run [options] ID`
pub(super) fn run(global: &Global, args: Args) -> Result<u8, OciError> {
    let options = Options::take(args, "run")?;
    let place = Place::of(global, &options.id)?;
    let signals = (!options.detach)
        .then(foreground::catch_signals)
        .transpose()?;
    let mut made = make(global, &options)?;
    let result = run_made(global, &options, &mut made, signals);
    if result.is_err() || !(options.detach || options.keep) {
        // What remains is removed; the first error is the one to tell.
        drop(control::remove(&place));
    }
    result
}

fn run_made(
    global: &Global,
    options: &Options,
    made: &mut Made,
    signals: Option<OwnedFd>,
) -> Result<u8, OciError> {
    let Some(signals) = signals else {
        made.hand_out_terminal(options.console_socket.as_deref())?;
        control::start_by_id(global, &options.id)?;
        return Ok(0);
    };
    let terminal = if options.console_socket.is_some() {
        made.hand_out_terminal(options.console_socket.as_deref())?;
        None
    } else {
        made.created.init.terminal.take()
    };
    control::start_by_id(global, &options.id)?;
    foreground::stay(
        &made.created.init.pidfd,
        made.created.init.pid,
        terminal,
        &signals,
    )
}

/// The options of `create` and `run`.
#[derive(Debug, Default)]
struct Options {
    id: String,
    bundle: PathBuf,
    console_socket: Option<PathBuf>,
    pid_file: Option<PathBuf>,
    preserved: u32,
    no_pivot: bool,
    detach: bool,
    keep: bool,
}

impl Options {
    fn take(mut args: Args, command: &'static str) -> Result<Self, OciError> {
        let mut options = Self {
            bundle: ".".into(),
            ..Self::default()
        };
        while let Some(flag) = args.flag(&FLAGS)? {
            match (flag.name, flag.value) {
                ("bundle", Some(value)) => options.bundle = value.into(),
                ("console-socket", Some(value)) => options.console_socket = Some(value.into()),
                ("pid-file", Some(value)) => options.pid_file = Some(value.into()),
                ("detach", _) => options.detach = true,
                ("keep", _) => options.keep = true,
                ("preserve-fds", Some(value)) => options.preserved = inherited::count(&value)?,
                ("no-pivot", _) => options.no_pivot = true,
                _ => {}
            }
        }
        options.id = words(command, args.rest(), Words::Exactly(1))?.remove(0);
        Ok(options)
    }
}

/// A container that waits, not yet handed over.
#[derive(Debug)]
struct Made {
    created: Created,
}

impl Made {
    /// Sends the terminal to whoever listens at the socket.
    fn hand_out_terminal(&self, socket: Option<&Path>) -> Result<(), OciError> {
        send_terminal(self.created.init.terminal.as_ref(), socket)
    }
}

/// Sends a terminal, if there is one, to whoever listens at the socket.
pub(super) fn send_terminal(
    terminal: Option<&OwnedFd>,
    socket: Option<&Path>,
) -> Result<(), OciError> {
    let (Some(terminal), Some(socket)) = (terminal, socket) else {
        return Ok(());
    };
    let stream = UnixStream::connect(socket).map_err(failed("console socket"))?;
    lockgate_sys::descriptor::send(stream.as_fd(), terminal.as_fd(), b"/dev/ptmx")
        .map_err(failed("console socket"))
}

fn make(global: &Global, options: &Options) -> Result<Made, OciError> {
    global.without_systemd()?;
    let listening = inherited::listening();
    let preserved = options.preserved + listening;
    inherited::check(preserved)?;
    let bundle = std::fs::canonicalize(&options.bundle)
        .map_err(failed(format!("chdir {}", options.bundle.display())))?;
    let mut spec = match document::load(&bundle.join(CONFIG_FILE)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(OciError::NoConfig);
        }
        result => result.map_err(failed(CONFIG_FILE))?,
    };
    inherited::announce(&mut spec, listening);
    allow_default_devices(&mut spec);
    let wants_terminal = spec
        .process()
        .as_ref()
        .is_some_and(|p| p.terminal() == Some(true));
    if wants_terminal && options.console_socket.is_none() && options.detach {
        return Err(OciError::NoConsole);
    }
    let place = Place::of(global, &options.id)?;
    place.make()?;
    let result = make_at(&place, options, bundle, spec, preserved);
    if result.is_err() {
        // Nothing is in it that anybody needs.
        drop(place.remove());
    }
    result
}

fn make_at(
    place: &Place,
    options: &Options,
    bundle: PathBuf,
    spec: Spec,
    preserved: u32,
) -> Result<Made, OciError> {
    let fifo = place.fifo();
    let mode = Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, mode).map_err(failed("exec fifo"))?;
    // Open for both directions: opening does not wait, and there is a writer as long as it is open.
    let gate = rustix::fs::open(&fifo, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())
        .map_err(failed("exec fifo"))?;
    let root = spec.root().as_ref().map(|root| bundle.join(root.path()));
    let root = root.ok_or(create::CreateError::Missing("root"))?;
    let cgroup = Path::new("/lockgate-oci").join(&options.id);
    let created = create::create(&NewContainer {
        spec: &spec,
        root: &Rootfs::Path(root.clone()),
        place: &root,
        cgroup,
        stdio: Stdio::Inherit,
        window: None,
        gate: Gate::Fifo(gate),
        hooks: Hooks {
            spec: &spec,
            id: &options.id,
            bundle: &bundle,
        },
        root_change: if options.no_pivot {
            RootChange::Move
        } else {
            RootChange::Pivot
        },
        preserved,
    })?;
    let pid = created.init.pid;
    let record = Record {
        id: options.id.clone(),
        pid,
        start_time: start_time(pid).unwrap_or(0),
        bundle,
        root,
        created: Timestamp::now(),
        cgroup: created.cgroup.path().to_owned(),
        config: spec,
    };
    let written = place
        .write(&record)
        .and_then(|()| write_pid(options.pid_file.as_deref(), pid));
    if let Err(error) = written {
        // It waits for a start that nobody could give.
        drop(lockgate_sys::signal::send_to_handle(
            created.init.pidfd.as_fd(),
            9,
        ));
        drop(created.cgroup.delete());
        return Err(error);
    }
    Ok(Made { created })
}

/// The devices that every container has can be used whatever the rules say.
fn allow_default_devices(spec: &mut Spec) {
    let linux = spec.linux_mut().as_mut();
    let resources = linux.and_then(|linux| linux.resources_mut().as_mut());
    let rules = resources.and_then(|resources| resources.devices_mut().as_mut());
    if let Some(rules) = rules.filter(|rules| !rules.is_empty()) {
        rules.extend(
            default_device_rules()
                .into_iter()
                .filter(LinuxDeviceCgroup::allow),
        );
    }
}

/// Writes a process id for whoever asked for it.
pub(super) fn write_pid(path: Option<&Path>, pid: i32) -> Result<(), OciError> {
    use lockgate_sys::file::{Durability, write_atomic_mode};
    let Some(path) = path else { return Ok(()) };
    write_atomic_mode(path, pid.to_string().as_bytes(), 0o644, Durability::Crash)
        .map_err(failed("pid file"))
}

const FLAGS: [Flag; 10] = [
    Flag::with_value("bundle", Some('b')),
    Flag::with_value("console-socket", None),
    Flag::with_value("pid-file", None),
    Flag::with_value("preserve-fds", None),
    Flag::plain("no-pivot", None),
    Flag::plain("no-new-keyring", None),
    Flag::plain("no-subreaper", None),
    Flag::plain("detach", Some('d')),
    Flag::plain("keep", None),
    Flag::plain("help", Some('h')),
];
