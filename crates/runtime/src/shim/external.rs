//! Containers that another executable makes: runc, crun, youki, by the OCI command line.
//!
//! `run` is never used: with `create` and `start` apart, the process is our child (we are a subreaper)
//! before its program starts, so that its end cannot be missed.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use lockgate_sys::process::{Spawn, Spawned};
use lockgate_types::ErrorKind;
use oci_spec::runtime::Spec;
use rustix::process::{Pid, PidfdFlags, WaitOptions, pidfd_open, waitpid};

use crate::cgroup::Cgroup;
use crate::create::CreateError;
use crate::protocol::{ExecRequest, Rootfs};
use crate::rootfs::mount_for_external;

/// An external runtime and the container that it knows.
#[derive(Debug)]
pub(super) struct External {
    program: PathBuf,
    args: Vec<String>,
    root: PathBuf,
    id: String,
}

/// What is to be made.
#[derive(Debug)]
pub(super) struct Create<'a> {
    pub(super) bundle: &'a Path,
    pub(super) root: &'a Rootfs,
    pub(super) stdio: [BorrowedFd<'a>; 3],
    pub(super) terminal: bool,
    pub(super) spec: &'a Spec,
}

/// What was made.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) pid: i32,
    pub(super) pidfd: OwnedFd,
    pub(super) terminal: Option<OwnedFd>,
    pub(super) cgroup: Cgroup,
}

/// A process that was made in the container.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) pid: i32,
    pub(super) pidfd: OwnedFd,
    pub(super) terminal: Option<OwnedFd>,
}

impl External {
    /// By an executable with arguments of its own, which come before all others.
    pub(super) fn new((program, args): (&Path, &[String]), root: &Path, id: &str) -> Self {
        Self {
            program: program.to_owned(),
            args: args.to_vec(),
            root: root.to_owned(),
            id: id.to_owned(),
        }
    }

    /// Mounts the root in a mount namespace of the shim's own, so that nothing is left on the host, and
    /// lets the runtime make the container.
    pub(super) fn create(&self, new: &Create<'_>) -> Result<Made, CreateError> {
        let place = new.bundle.join("rootfs");
        lockgate_sys::clone::unshare(NEW_MOUNTS)
            .map_err(CreateError::system("unsharing mounts"))?;
        crate::rootfs::separate_from_host(None).map_err(|error| CreateError::Init {
            kind: ErrorKind::Internal,
            message: error.to_string(),
        })?;
        mount_for_external(new.root, &place).map_err(CreateError::system("mounting the root"))?;
        let console = new
            .terminal
            .then(|| Console::listen(new.bundle))
            .transpose()?;
        let pid_file = new.bundle.join("init.pid");
        let mut args: Vec<OsString> = vec!["create".into(), "--bundle".into()];
        args.extend([
            new.bundle.into(),
            "--pid-file".into(),
            pid_file.clone().into(),
        ]);
        args.extend(console.iter().flat_map(Console::arguments));
        args.push(self.id.clone().into());
        self.run(new.bundle, &args, Some(new.stdio))?;
        let joined = joined(&pid_file, console.as_ref())?;
        let path = new
            .spec
            .linux()
            .as_ref()
            .and_then(|linux| linux.cgroups_path().clone());
        let path = path.unwrap_or_else(|| Path::new("/").join(&self.id));
        Ok(Made {
            pid: joined.pid,
            pidfd: joined.pidfd,
            terminal: joined.terminal,
            cgroup: Cgroup::open(&path)?,
        })
    }

    pub(super) fn start(&self) -> Result<(), CreateError> {
        self.run(&self.root, &["start".into(), self.id.clone().into()], None)
    }

    pub(super) fn delete(&self) -> Result<(), CreateError> {
        let args = ["delete".into(), "--force".into(), self.id.clone().into()];
        self.run(&self.root, &args, None)
    }

    pub(super) fn exec(
        &self,
        bundle: &Path,
        request: &ExecRequest,
        stdio: [BorrowedFd<'_>; 3],
    ) -> Result<Joined, CreateError> {
        let name = request.exec.as_str();
        let file = bundle.join(format!("exec-{name}.json"));
        let pid_file = bundle.join(format!("exec-{name}.pid"));
        let terminal = request.process.terminal() == Some(true);
        let console = terminal.then(|| Console::listen(bundle)).transpose()?;
        let json = serde_json::to_vec(&request.process).map_err(io::Error::from);
        json.and_then(|json| std::fs::write(&file, json))
            .map_err(CreateError::system("writing the process"))?;
        let mut args: Vec<OsString> = vec!["exec".into(), "--detach".into(), "--process".into()];
        args.extend([
            file.clone().into(),
            "--pid-file".into(),
            pid_file.clone().into(),
        ]);
        args.extend(console.iter().flat_map(Console::arguments));
        args.push(self.id.clone().into());
        let result = self
            .run(bundle, &args, Some(stdio))
            .and_then(|()| joined(&pid_file, console.as_ref()));
        for path in [&file, &pid_file] {
            // The bundle goes as a whole later on.
            drop(std::fs::remove_file(path));
        }
        result
    }

    /// Runs the runtime and waits for it; what it logs as its error is the error.
    fn run(
        &self,
        directory: &Path,
        args: &[OsString],
        stdio: Option<[BorrowedFd<'_>; 3]>,
    ) -> Result<(), CreateError> {
        let null = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/null");
        let null = null.map_err(CreateError::system("opening /dev/null"))?;
        let [input, output, error] = stdio.unwrap_or_else(|| [null.as_fd(); 3]);
        let log = directory.join("runtime.log");
        let fixed = [
            "--root".as_ref(),
            self.root.as_os_str(),
            "--log".as_ref(),
            log.as_os_str(),
        ];
        let format = ["--log-format".as_ref(), "json".as_ref()];
        let own = self.args.iter().map(OsStr::new);
        let args: Vec<&OsStr> = own
            .chain(fixed)
            .chain(format)
            .chain(args.iter().map(OsString::as_os_str))
            .collect();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut variable = OsString::from("PATH=");
        variable.push(path);
        let spawned = Spawn {
            program: &self.program,
            name: &self.program,
            args: &args,
            environment: &[&variable],
            descriptors: &[(input, 0), (output, 1), (error, 2)],
            new_session: false,
        }
        .start();
        let Spawned { pid, .. } = spawned.map_err(CreateError::system("starting the runtime"))?;
        let status =
            rustix::io::retry_on_intr(|| waitpid(Pid::from_raw(pid), WaitOptions::empty()));
        let status = status.map_err(CreateError::system("waiting for the runtime"))?;
        let succeeded = status.is_some_and(|(_, status)| status.exit_status() == Some(0));
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        drop(std::fs::remove_file(&log));
        if succeeded {
            return Ok(());
        }
        Err(CreateError::Init {
            kind: ErrorKind::Internal,
            message: last_message(&text),
        })
    }
}

/// Where a runtime sends the terminal that it made.
#[derive(Debug)]
struct Console {
    listener: UnixListener,
    path: PathBuf,
    /// What the path leads through.
    _directory: OwnedFd,
}

impl Console {
    fn listen(bundle: &Path) -> Result<Self, CreateError> {
        let failed = CreateError::system::<io::Error>;
        let directory = std::fs::File::open(bundle).map_err(failed("opening the bundle"))?;
        // A socket's path is at most 107 bytes, a bundle's may be longer.
        let own = std::process::id();
        let path = format!("/proc/{own}/fd/{}/console.sock", directory.as_raw_fd());
        let path = PathBuf::from(path);
        drop(std::fs::remove_file(&path));
        let listener = UnixListener::bind(&path).map_err(failed("listening for the terminal"))?;
        Ok(Self {
            listener,
            path,
            _directory: directory.into(),
        })
    }

    fn arguments(&self) -> [OsString; 2] {
        ["--console-socket".into(), self.path.clone().into()]
    }

    fn receive(&self) -> Result<OwnedFd, CreateError> {
        let failed = CreateError::system::<io::Error>;
        let (stream, _) = self
            .listener
            .accept()
            .map_err(failed("accepting the terminal"))?;
        lockgate_sys::descriptor::receive(stream.as_fd()).map_err(failed("receiving the terminal"))
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.path));
    }
}

fn joined(pid_file: &Path, console: Option<&Console>) -> Result<Joined, CreateError> {
    let failed = CreateError::system::<io::Error>;
    let text = std::fs::read_to_string(pid_file).map_err(failed("reading the process id"))?;
    let pid: i32 = text.trim().parse().map_err(|_error| CreateError::Died)?;
    let handle = Pid::from_raw(pid).ok_or(CreateError::Died)?;
    let pidfd = pidfd_open(handle, PidfdFlags::empty())
        .map_err(CreateError::system("opening the process"))?;
    Ok(Joined {
        pid,
        pidfd,
        terminal: console.map(Console::receive).transpose()?,
    })
}

/// The text of the last entry of a runtime's JSON log.
fn last_message(log: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Entry {
        msg: String,
    }
    let mut entries = log
        .lines()
        .rev()
        .map_while(|line| serde_json::from_str::<Entry>(line).ok());
    entries
        .next()
        .map_or_else(|| "the runtime failed without a word".to_owned(), |e| e.msg)
}

const NEW_MOUNTS: u64 = 0x0002_0000;
