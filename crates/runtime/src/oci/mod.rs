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
mod exec;
mod foreground;
mod query;
mod store;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;

use lockgate_types::Timestamp;

use crate::cgroup::CgroupError;
use crate::create::CreateError;
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
        "spec" => describe::spec(args),
        "features" => describe::features(),
        "help" | "--help" | "-h" => return say(USAGE, 0),
        "--version" | "-v" => return say(&describe::version(), 0),
        _ => Err(OciError::UnknownCommand(command)),
    };
    result.unwrap_or_else(|error| global.fail(&error))
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum OciError {
    #[error("unknown command `{0}`")]
    UnknownCommand(String),
    #[error("flag provided but not defined: {0}")]
    UnknownFlag(String),
    #[error("flag needs an argument: {0}")]
    FlagWithoutValue(String),
    #[error("{0} needs {1}")]
    MissingArgument(&'static str, &'static str),
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
    #[error("cannot exec in a stopped container")]
    ExecStopped,
    #[error("cannot delete container that is not stopped: {0}")]
    NotStopped(String),
    #[error("cannot allocate tty if the runtime will detach without setting console socket")]
    NoConsole,
    #[error("unable to start container process: {0}")]
    Create(#[from] CreateError),
    #[error(transparent)]
    Cgroup(#[from] CgroupError),
    #[error("{what}: {source}")]
    Io { what: String, source: io::Error },
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
}

impl Default for Global {
    fn default() -> Self {
        Self {
            root: DEFAULT_ROOT.into(),
            log: None,
            json_log: false,
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
                ("log-format", Some(value)) => global.json_log = value == "json",
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

    /// Tells an error where runc does: on standard error and in the log.
    fn fail(&self, error: &OciError) -> u8 {
        let text = error.to_string();
        if let Some(path) = &self.log {
            let time = Timestamp::now().to_string();
            let line = if self.json_log {
                serde_json::json!({ "level": "error", "msg": text, "time": time }).to_string()
            } else {
                format!("time=\"{time}\" level=error msg={text:?}")
            };
            let file = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(path);
            // There is nobody else to tell.
            drop(file.and_then(|mut file| writeln!(file, "{line}")));
        }
        drop(writeln!(io::stderr(), "{text}"));
        1
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

const GLOBAL_FLAGS: [Flag; 8] = [
    Flag::with_value("root", None),
    Flag::with_value("log", None),
    Flag::with_value("log-format", None),
    Flag::with_value("rootless", None),
    Flag::plain("debug", None),
    Flag::plain("systemd-cgroup", None),
    Flag::plain("version", Some('v')),
    Flag::plain("help", Some('h')),
];

const DEFAULT_ROOT: &str = "/run/lockgate-oci";

const USAGE: &str = "lockgate-oci [--root DIR] [--log FILE] [--log-format text|json] COMMAND

  create   [--bundle DIR] [--console-socket PATH] [--pid-file FILE] ID
  start    ID
  run      [--detach] [--keep] [options of create] ID
  exec     [--tty] [--detach] [--cwd DIR] [--env K=V] [--user UID[:GID]] [--process FILE]
           [--console-socket PATH] [--pid-file FILE] ID [COMMAND ARG...]
  state    ID
  kill     [--all] ID [SIGNAL]
  delete   [--force] ID
  pause    ID
  resume   ID
  list     [--format table|json] [--quiet]
  ps       [--format table|json] ID
  spec     [--bundle DIR]
  features
";
