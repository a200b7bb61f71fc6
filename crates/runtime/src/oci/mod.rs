//! runc's command line on this library: `create`, `start`, `state`, `kill`, `delete`, `run`, `exec` and the
//! rest, with runc's options, files and words.
//!
//! ```text
//! <root>/<id>/state.json   what was made, and the specification it was made from
//! <root>/<id>/exec.fifo    there while the init waits; a byte in it starts the program
//! ```

mod args;
mod control;
mod create;
mod describe;
mod events;
mod exec;
mod foreground;
mod inherited;
mod query;
mod store;
mod update;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;

use lockgate_types::Timestamp;

use crate::cgroup::CgroupError;
use crate::create::CreateError;
use crate::reason::Reason;
use args::{Args, Option as Flag};

/// Runs the command of a command line (without the program's name) and returns the exit code.
pub fn run(arguments: Vec<OsString>) -> u8 {
    let mut args = Args::new(arguments);
    let global = match Global::take(&mut args) {
        Ok(global) => global,
        Err(error) => return Global::default().fail(&error),
    };
    let Some(command) = args.word() else {
        return say(USAGE, 0);
    };
    let result = match command.as_str() {
        "create" => sealed().and_then(|()| create::create(&global, args)),
        "run" => sealed().and_then(|()| create::run(&global, args)),
        "exec" => sealed().and_then(|()| exec::exec(&global, args)),
        "start" => control::start(&global, args),
        "kill" => control::kill(&global, args),
        "delete" => control::delete(&global, args),
        "pause" => control::set_paused(&global, args, true),
        "resume" => control::set_paused(&global, args, false),
        "state" => query::state(&global, args),
        "list" => query::list(&global, args),
        "ps" => query::ps(&global, args),
        "update" => update::update(&global, args),
        "events" => events::events(&global, args),
        "checkpoint" => control::refuse_checkpoint("checkpoint"),
        "restore" => control::refuse_checkpoint("restore"),
        "spec" => describe::spec(args),
        "features" => describe::features(),
        "help" | "--help" | "-h" => return say(USAGE, 0),
        "--version" | "-v" => return say(&describe::version(), 0),
        _ => Err(OciError::UnknownCommand(command.clone())),
    };
    result.unwrap_or_else(|error| {
        let code = match (command.as_str(), &error) {
            (_, OciError::UnknownCommand(_)) => 3,
            (_, OciError::Arguments(..) | OciError::UnknownFlag(_)) => 1,
            // Other than what the program could have ended with.
            ("exec", _) => 255,
            _ => 1,
        };
        global.fail(&OciError::named(&command, error));
        code
    })
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum OciError {
    #[error("No help topic for '{0}'")]
    UnknownCommand(String),
    #[error("flag provided but not defined: {0}")]
    UnknownFlag(String),
    #[error("flag needs an argument: {0}")]
    FlagWithoutValue(String),
    #[error("{program}: \"{0}\" requires {1} {2} argument(s)", program = called_as())]
    Arguments(&'static str, &'static str, usize),
    #[error("{0} failed: {1}")]
    In(&'static str, Box<Self>),
    #[error("process args cannot be empty")]
    NoArgs,
    #[error("invalid value for {name}: invalid size: '{value}'")]
    InvalidUpdate { name: &'static str, value: String },
    #[error("invalid format option")]
    Format,
    #[error("invalid log-format: {0}")]
    LogFormat(String),
    #[error("unknown signal \"{0}\"")]
    UnknownSignal(String),
    #[error("JSON specification file config.json not found")]
    NoConfig,
    #[error("unable to stat preserved-fd {number} (of {count}): it is not open")]
    NotInherited { number: u32, count: u32 },
    #[error("{0} is not supported by this runtime")]
    Unsupported(String),
    #[error(
        "systemd cgroup flag passed, but this runtime manages cgroups itself: start podman with \
         --cgroup-manager=cgroupfs, dockerd with --exec-opt native.cgroupdriver=cgroupfs"
    )]
    Systemd,
    #[error("{0} is not supported by this runtime, which does not use CRIU; runc and crun do")]
    Checkpoint(&'static str),
    #[error("exec: \"ps\": executable file not found in $PATH")]
    NoPs,
    #[error("ps: {0}")]
    Ps(String),
    #[error("couldn't find PID field in ps output")]
    NoPid,
    #[error("{0}")]
    StartRefused(String),
    #[error("invalid value \"{value}\" for {what}")]
    InvalidValue { what: &'static str, value: String },
    #[error("invalid ID format: \"{0}\"")]
    InvalidId(String),
    #[error("container with given ID already exists")]
    Exists,
    #[error("container does not exist")]
    NotFound,
    #[error("cannot start a container that has stopped")]
    Stopped,
    #[error("cannot start an already running container")]
    Running,
    #[error("container not running")]
    NotRunning,
    #[error("container with id {0} is not running")]
    NotRunningId(String),
    #[error("container not paused")]
    NotPaused,
    #[error("cannot exec in a paused container (use --ignore-paused to override)")]
    ExecPaused,
    #[error("cannot exec in a stopped container")]
    ExecStopped,
    #[error("cannot delete container {0} that is not stopped: {1}")]
    NotStopped(String, &'static str),
    #[error("cannot allocate tty if lockgate-oci will detach without setting console socket")]
    NoConsole,
    #[error("unable to start container process: {0}")]
    Create(#[from] CreateError),
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    #[error("{what}: {}", Reason(source))]
    Io { what: String, source: io::Error },
}

impl OciError {
    /// Says which command failed where runc does.
    fn named(command: &str, error: Self) -> Self {
        let command = match command {
            _ if matches!(error, Self::Arguments(..) | Self::UnknownFlag(_)) => return error,
            "create" => "lockgate-oci create",
            "run" => "lockgate-oci run",
            "exec" => "exec",
            _ => return error,
        };
        Self::In(command, Box::new(error))
    }
}

/// What this program was called as.
fn called_as() -> String {
    let name = std::env::args_os().next().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

fn failed<E: Into<io::Error>>(what: impl Into<String>) -> impl FnOnce(E) -> OciError {
    move |error| OciError::Io {
        what: what.into(),
        source: error.into(),
    }
}

/// Options before the command.
#[derive(Debug)]
struct Global {
    root: PathBuf,
    log: Option<PathBuf>,
    json_log: bool,
    systemd: bool,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            root: default_root(),
            log: None,
            json_log: false,
            systemd: false,
        }
    }
}

impl Global {
    fn take(args: &mut Args) -> Result<Self, OciError> {
        let mut global = Self::default();
        while let Some(flag) = args.flag(&GLOBAL_FLAGS)? {
            match (flag.name, flag.value) {
                ("root", Some(value)) => global.root = value.into(),
                ("log", Some(value)) => global.log = Some(value.into()),
                ("log-format", Some(value)) => {
                    global.json_log = match value.as_str() {
                        "json" => true,
                        "text" => false,
                        _ => return Err(OciError::LogFormat(value)),
                    };
                }
                ("systemd-cgroup", value) => global.systemd = value.as_deref() != Some("false"),
                ("version", _) => args.put_back("--version"),
                ("help", _) => args.put_back("--help"),
                _ => {}
            }
            if matches!(flag.name, "version" | "help") {
                break;
            }
        }
        Ok(global)
    }

    /// Whoever leaves the cgroup to systemd must not get one that systemd does not know.
    fn without_systemd(&self) -> Result<(), OciError> {
        if self.systemd {
            return Err(OciError::Systemd);
        }
        Ok(())
    }

    fn fail(&self, error: &OciError) -> u8 {
        self.tell("error", &error.to_string());
        1
    }

    fn warn(&self, text: &str) {
        self.tell("warning", text);
    }

    /// Tells what went wrong where runc does: on standard error and in the log.
    fn tell(&self, level: &str, text: &str) {
        if let Some(path) = &self.log {
            let time = Timestamp::now().to_string();
            let line = if self.json_log {
                serde_json::json!({ "level": level, "msg": text, "time": time }).to_string()
            } else {
                format!("time=\"{time}\" level={level} msg={text:?}")
            };
            let file = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(path);
            // There is nobody else to tell.
            drop(file.and_then(|mut file| writeln!(file, "{line}")));
        }
        drop(writeln!(io::stderr(), "{text}"));
    }
}

fn say(text: &str, code: u8) -> u8 {
    // Whoever does not listen need not be told.
    drop(writeln!(io::stdout(), "{}", text.trim_end()));
    code
}

/// Goes on from a sealed copy of this executable, unless this is one: the processes made from here run
/// inside containers before they become the container's program.
fn sealed() -> Result<(), OciError> {
    use std::os::fd::AsRawFd as _;
    use std::os::unix::ffi::OsStringExt as _;
    let own = std::fs::read_link("/proc/self/exe").map_err(failed("/proc/self/exe"))?;
    if own.starts_with("/memfd:") || own.as_os_str().as_encoded_bytes().starts_with(b"/memfd:") {
        return Ok(());
    }
    let copy = lockgate_sys::process::sealed_copy(&own).map_err(failed("copying the runtime"))?;
    let path = std::ffi::CString::new(format!("/proc/self/fd/{}", copy.as_raw_fd()));
    let path = path.map_err(failed("copying the runtime"))?;
    let strings = |list: Vec<OsString>| {
        let strings = list
            .into_iter()
            .map(|s| std::ffi::CString::new(s.into_vec()));
        strings
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed("arguments"))
    };
    let environment = std::env::vars_os().map(|(mut key, value)| {
        key.push("=");
        key.push(value);
        key
    });
    let args = strings(std::env::args_os().collect())?;
    let environment = strings(environment.collect())?;
    let error = lockgate_sys::process::execute(&path, &args, &environment);
    Err(failed("executing the copy of the runtime")(error))
}

const GLOBAL_FLAGS: [Flag; 9] = [
    Flag::with_value("criu", None),
    Flag::with_value("root", None),
    Flag::with_value("log", None),
    Flag::with_value("log-format", None),
    Flag::with_value("rootless", None),
    Flag::plain("debug", None),
    Flag::plain("systemd-cgroup", None),
    Flag::plain("version", Some('v')),
    Flag::plain("help", Some('h')),
];

/// Below the user's own directory for one who is not root.
fn default_root() -> PathBuf {
    let own = std::env::var_os("XDG_RUNTIME_DIR").filter(|_| !rustix::process::geteuid().is_root());
    own.map_or_else(|| PathBuf::from("/run"), PathBuf::from)
        .join("lockgate-oci")
}

const USAGE: &str = "lockgate-oci [--root DIR] [--log FILE] [--log-format text|json] COMMAND

  create   [--bundle DIR] [--console-socket PATH] [--pid-file FILE] [--preserve-fds N] [--no-pivot] ID
  start    ID
  run      [--detach] [--keep] [options of create] ID
  exec     [--tty] [--detach] [--cwd DIR] [--env K=V] [--user UID[:GID]] [--process FILE]
           [--cap CAPABILITY] [--additional-gids GID] [--no-new-privs] [--apparmor PROFILE]
           [--cgroup PATH] [--preserve-fds N] [--ignore-paused]
           [--console-socket PATH] [--pid-file FILE] ID [COMMAND ARG...]
  state    ID
  kill     [--all] ID [SIGNAL]
  delete   [--force] ID
  pause    ID
  resume   ID
  list     [--format table|json] [--quiet]
  ps       [--format table|json] ID [PS-OPTION...]
  update   [--resources FILE] [--memory SIZE] [--memory-swap SIZE] [--memory-reservation SIZE]
           [--cpu-share N] [--cpu-quota N] [--cpu-period N] [--cpuset-cpus LIST] [--cpuset-mems LIST]
           [--pids-limit N] [--blkio-weight N] ID
  events   [--stats] [--interval DURATION] ID
  spec     [--bundle DIR] [--rootless]
  features
";
