//! The last steps of every new process, when it is inside its container already.

use std::ffi::CString;
use std::io::Read as _;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use oci_spec::runtime::Process;
use rustix::fs::{Access, AtFlags, CWD, FileType, Gid, OFlags, Uid};
use rustix::io::Errno;
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout, stderr, stdin, stdout};

use super::credentials;
use super::error::{InitError, Step as _};
use crate::rootfs::open_with;
use crate::seccomp::Filter;
use crate::spec::DEFAULT_PATH;

/// Standard input, output and error of a process without a terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stdio<'a> {
    /// Those of the creating process.
    Inherit,
    /// These.
    Descriptors([BorrowedFd<'a>; 3]),
}

/// Makes these the standard descriptors.
pub(super) fn take_descriptors(from: &[BorrowedFd<'_>; 3]) -> Result<(), InitError> {
    let [input, output, error] = from;
    dup2_stdin(input).step("setting standard input")?;
    dup2_stdout(output).step("setting standard output")?;
    dup2_stderr(error).step("setting standard error")
}

/// The descriptors that stay open.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    /// How many, from 3 on, the program gets.
    pub(super) preserved: u32,
    /// Those that are needed until it runs.
    pub(super) own: &'a [BorrowedFd<'a>],
}

/// A process that needs but `execve`.
#[derive(Debug)]
pub(super) struct Ready {
    preserved: u32,
    program: CString,
    args: Vec<CString>,
    environment: Vec<CString>,
    filter: Option<Filter>,
}

/// Gives up what the program must not have, and finds it.
pub(super) fn prepare(
    process: &Process,
    filter: Option<&Filter>,
    terminal: bool,
    kept: &Kept<'_>,
) -> Result<Ready, InitError> {
    // From here on no descriptor of the host is left to climb out by.
    lockgate_sys::descriptor::close_all_except(3 + kept.preserved, kept.own)
        .step("closing descriptors")?;
    let args = process.args().as_deref().unwrap_or(&[]);
    let environment = environment(process);
    own_stdio(process, terminal)?;
    if let Some(profile) = process
        .apparmor_profile()
        .as_ref()
        .filter(|p| !p.is_empty())
    {
        let line = format!("exec {profile}");
        std::fs::write("/proc/self/attr/apparmor/exec", &line)
            .or_else(|_error| std::fs::write("/proc/self/attr/exec", &line))
            .step("applying the AppArmor profile")?;
    }
    // As root first: a directory that the user may not pass can still be entered this way.
    let entered = rustix::process::chdir(process.cwd());
    credentials::assume(process, filter)?;
    if entered.is_err() {
        rustix::process::chdir(process.cwd()).map_err(|error| InitError::WorkingDirectory {
            path: process.cwd().clone(),
            source: error.into(),
        })?;
    }
    // A directory outside the root has no path that begins with a slash.
    let inside = rustix::process::getcwd(Vec::new()).is_ok_and(|p| p.to_bytes().starts_with(b"/"));
    if !inside {
        let source = std::io::ErrorKind::NotFound.into();
        return Err(InitError::WorkingDirectory {
            path: process.cwd().clone(),
            source,
        });
    }
    let name = args.first().map_or("", String::as_str);
    let program = find_program(name, &environment)?;
    let late = filter.filter(|_| process.no_new_privileges() == Some(true));
    Ok(Ready {
        preserved: kept.preserved,
        program: CString::new(program.as_os_str().as_bytes()).map_err(|_error| nul("args"))?,
        args: c_strings(args, "args")?,
        environment: c_strings(&environment, "env")?,
        filter: late.cloned(),
    })
}

impl Ready {
    /// Becomes the program; returns the reason if that fails.
    pub(super) fn execute(self) -> InitError {
        if let Some(filter) = &self.filter
            && let Err(error) = filter.install().step("loading the seccomp filter")
        {
            return error;
        }
        let first = 3 + self.preserved;
        let closed = lockgate_sys::descriptor::close_on_exec_from(first);
        if let Err(error) = closed.step("descriptors") {
            return error;
        }
        let source = lockgate_sys::process::execute(&self.program, &self.args, &self.environment);
        InitError::Execute {
            name: self.program.to_string_lossy().into_owned(),
            source,
        }
    }
}

/// The environment, with the user's home if it names none.
fn environment(process: &Process) -> Vec<String> {
    let mut environment = process.env().clone().unwrap_or_default();
    let has_home = environment
        .iter()
        .any(|v| v.strip_prefix("HOME=").is_some_and(|h| !h.is_empty()));
    if !has_home {
        environment.retain(|variable| !variable.starts_with("HOME="));
        let home = home_of(process.user().uid()).unwrap_or_else(|| "/".to_owned());
        environment.push(format!("HOME={home}"));
    }
    environment
}

/// The home directory in the container's `/etc/passwd`.
fn home_of(uid: u32) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = open_with(CWD, Path::new("/etc/passwd"), flags).ok()?;
    let stat = rustix::fs::fstat(&file).ok()?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return None;
    }
    let mut bytes = Vec::new();
    std::fs::File::from(file)
        .take(MAX_PASSWD)
        .read_to_end(&mut bytes)
        .ok()?;
    let text = String::from_utf8_lossy(&bytes);
    text.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let id = fields.get(2)?.parse::<u32>().ok()?;
        (id == uid)
            .then(|| fields.get(5).filter(|home| !home.is_empty()))?
            .map(|h| (*h).to_owned())
    })
}

/// Pipes and terminals belong to the user, who may want to open `/dev/stdout`.
fn own_stdio(process: &Process, terminal: bool) -> Result<(), InitError> {
    let user = process.user();
    if user.uid() == 0 && user.gid() == 0 && !terminal {
        return Ok(());
    }
    for descriptor in [stdin(), stdout(), stderr()] {
        let Ok(stat) = rustix::fs::fstat(descriptor) else {
            continue;
        };
        let is_pipe = FileType::from_raw_mode(stat.st_mode) == FileType::Fifo;
        if !(is_pipe || terminal) || stat.st_uid == user.uid() {
            continue;
        }
        // The group of a terminal is that of all terminals.
        let group = is_pipe.then(|| Gid::from_raw(user.gid()));
        match rustix::fs::fchown(descriptor, Some(Uid::from_raw(user.uid())), group) {
            // Not ours to give away (a user namespace, a read-only file system).
            Err(Errno::PERM | Errno::INVAL | Errno::ROFS) => {}
            result => result.step("giving standard descriptors to the user")?,
        }
    }
    Ok(())
}

/// The file to execute, found the way a shell would, and told the way runc does.
fn find_program(name: &str, environment: &[String]) -> Result<PathBuf, InitError> {
    if name.contains('/') {
        let failed = |name: &str, error: Errno| match error {
            Errno::ACCESS => InitError::ProgramNotExecutable {
                name: name.to_owned(),
            },
            Errno::ISDIR => InitError::ProgramIsDirectory {
                name: name.to_owned(),
            },
            error => InitError::ProgramMissing {
                name: name.to_owned(),
                source: error.into(),
            },
        };
        return match check_program(Path::new(name)) {
            Ok(()) => Ok(PathBuf::from(name)),
            Err(error) => Err(failed(name, error)),
        };
    }
    let path = environment
        .iter()
        .rev()
        .find_map(|variable| variable.strip_prefix("PATH="));
    if !name.is_empty() {
        for directory in path.unwrap_or(DEFAULT_PATH).split(':') {
            let directory = if directory.is_empty() { "." } else { directory };
            let candidate = Path::new(directory).join(name);
            if check_program(&candidate).is_ok() {
                return Ok(candidate);
            }
        }
    }
    Err(InitError::NotInPath {
        name: name.to_owned(),
    })
}

fn check_program(path: &Path) -> Result<(), Errno> {
    let stat = rustix::fs::stat(path)?;
    if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
        return Err(Errno::ISDIR);
    }
    match rustix::fs::accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS) {
        // faccessat2 may be refused by a filter that is older than it; the mode bits must do then.
        Err(Errno::PERM | Errno::NOSYS) if stat.st_mode & 0o111 != 0 => Ok(()),
        Err(_) => Err(Errno::ACCESS),
        Ok(()) => Ok(()),
    }
}

fn c_strings(texts: &[String], what: &'static str) -> Result<Vec<CString>, InitError> {
    let strings = texts.iter().map(|text| CString::new(text.as_bytes()));
    strings
        .collect::<Result<_, _>>()
        .map_err(|_error| nul(what))
}

fn nul(what: &'static str) -> InitError {
    InitError::Nul { what }
}

/// Much more than any user database of an image; bounds what is read from a hostile one.
const MAX_PASSWD: u64 = 4 << 20;
