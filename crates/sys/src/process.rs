//! Starting, replacing and ending processes.

use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A process that was started.
#[derive(Debug)]
pub struct Spawned {
    /// Its id.
    pub pid: i32,
    /// A handle on it: readable once it has ended.
    pub pidfd: OwnedFd,
}

/// What to start, and what it is born with.
#[derive(Debug)]
pub struct Spawn<'a> {
    /// The executable; no search in `PATH`.
    pub program: &'a Path,
    /// What the process is told to be called (its argument 0).
    pub name: &'a Path,
    /// Arguments after the program's name.
    pub args: &'a [&'a OsStr],
    /// The whole environment, as `NAME=value`.
    pub environment: &'a [&'a OsStr],
    /// Descriptors and the numbers that they get; the others are closed if they are close-on-exec, as
    /// all of Rust's are.
    pub descriptors: &'a [(BorrowedFd<'a>, i32)],
    /// Make it the leader of a session of its own.
    pub new_session: bool,
}

impl Spawn<'_> {
    /// Starts it without copying this process's page tables; fit for a large daemon with threads.
    ///
    /// The process has default signal handlers, an empty signal mask, and must be reaped by the caller.
    pub fn start(&self) -> io::Result<Spawned> {
        let program = c_string(self.program.as_os_str())?;
        let mut args = vec![c_string(self.name.as_os_str())?];
        for arg in self.args {
            args.push(c_string(arg)?);
        }
        let environment: Vec<CString> = self
            .environment
            .iter()
            .map(|v| c_string(v))
            .collect::<io::Result<_>>()?;
        let actions = FileActions::new(self.descriptors)?;
        let attributes = Attributes::new(self.new_session)?;
        let (args, environment) = (pointers(&args), pointers(&environment));
        let mut pid: libc::pid_t = 0;
        // JUSTIFICATION: std spawns without a fork only if neither a session nor descriptors are asked for.
        // SAFETY: all pointers are to live objects: NUL-terminated strings, null-terminated arrays of
        // them, initialised actions and attributes.
        let code = unsafe {
            libc::posix_spawn(
                &raw mut pid,
                program.as_ptr(),
                actions.0.as_ptr(),
                attributes.0.as_ptr(),
                args.as_ptr().cast(),
                environment.as_ptr().cast(),
            )
        };
        check(code)?;
        let id = rustix::process::Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidData)?;
        let pidfd = rustix::process::pidfd_open(id, rustix::process::PidfdFlags::empty())?;
        Ok(Spawned { pid, pidfd })
    }
}

/// A copy of an executable in memory that nobody can change any more, root included.
///
/// A process that runs from it cannot be a way to overwrite the file it came from, however it is reached
/// (`/proc/<pid>/exe`). All processes that run from one copy share its pages.
pub fn sealed_copy(program: &Path) -> io::Result<OwnedFd> {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
    let name = program.file_name().unwrap_or(program.as_os_str());
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    // A host may forbid executable memory files that do not say so; older kernels do not know the flag.
    let copy = match memfd_create(name, flags | MemfdFlags::EXEC) {
        Err(rustix::io::Errno::INVAL) => memfd_create(name, flags)?,
        result => result?,
    };
    // Beyond the numbers that a spawned process gets of its own.
    let mut copy = std::fs::File::from(rustix::io::fcntl_dupfd_cloexec(&copy, 64)?);
    io::copy(&mut std::fs::File::open(program)?, &mut copy)?;
    fcntl_add_seals(
        &copy,
        SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE,
    )?;
    Ok(copy.into())
}

/// Starts `program --socket SOCKET` detached from this process: its own session, `control` as descriptor
/// 3, `log` as standard error, standard input and output `/dev/null`, of the environment only `PATH`.
///
/// It runs from a [`sealed_copy`] that is made the first time, because a shim's children run in containers
/// before they become the container's program.
pub fn spawn_shim(
    program: &Path,
    socket: &Path,
    control: BorrowedFd<'_>,
    log: BorrowedFd<'_>,
) -> io::Result<Spawned> {
    use std::os::fd::AsFd as _;
    let null = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/null")?;
    let path = std::env::var_os("PATH").map(|value| {
        let mut entry = std::ffi::OsString::from("PATH=");
        entry.push(value);
        entry
    });
    // Without the allocator's per-thread cache free memory can be given back whole.
    let allocator = OsStr::new("GLIBC_TUNABLES=glibc.malloc.tcache_count=0");
    let environment: Vec<&OsStr> = path
        .iter()
        .map(std::ffi::OsString::as_os_str)
        .chain([allocator])
        .collect();
    let copy = SEALED_SHIM.get_or_init(|| (program.to_owned(), sealed_copy(program).ok()));
    let copy = Some(copy)
        .filter(|(of, _)| of == program)
        .and_then(|(_, copy)| copy.as_ref());
    let sealed = copy.map(|copy| format!("/proc/self/fd/{}", copy.as_raw_fd()));
    Spawn {
        program: sealed.as_ref().map_or(program, Path::new),
        name: program,
        args: &[OsStr::new("--socket"), socket.as_os_str()],
        environment: &environment,
        descriptors: &[(null.as_fd(), 0), (null.as_fd(), 1), (log, 2), (control, 3)],
        new_session: true,
    }
    .start()
}

/// Replaces this process; returns only if that failed.
pub fn execute(program: &CStr, args: &[CString], environment: &[CString]) -> io::Error {
    let (args, environment) = (pointers(args), pointers(environment));
    // JUSTIFICATION: std's exec changes signal state and the environment on the way.
    // SAFETY: NUL-terminated strings in null-terminated arrays that live until the call returns.
    unsafe { libc::execve(program.as_ptr(), args.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Ends this process at once: no destructors, no buffers flushed.
pub fn exit_now(code: i32) -> ! {
    // JUSTIFICATION: std::process::exit runs the handlers of the process that this one was cloned from.
    // SAFETY: `_exit` has no preconditions.
    unsafe { libc::_exit(code) }
}

/// Sets the execution domain (`PER_LINUX` 0, `PER_LINUX32` 8).
pub fn set_personality(domain: u64) -> io::Result<()> {
    // JUSTIFICATION: no dependency has personality.
    // SAFETY: no memory is touched.
    if unsafe { libc::personality(domain) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Takes over the sockets that a service manager has opened for this process (`LISTEN_FDS`).
///
/// Returns how many there are, numbered from 3 upwards, if they are meant for this process.
pub fn listen_descriptors() -> Vec<OwnedFd> {
    use std::os::fd::FromRawFd as _;
    let number = |name: &str| std::env::var(name).ok()?.parse::<i32>().ok();
    if number("LISTEN_PID").and_then(|pid| u32::try_from(pid).ok()) != Some(std::process::id()) {
        return Vec::new();
    }
    let count = number("LISTEN_FDS").unwrap_or(0).clamp(0, 64);
    if TAKEN.swap(true, std::sync::atomic::Ordering::AcqRel) {
        return Vec::new();
    }
    (3..3 + count)
        .filter(|&fd| {
            // JUSTIFICATION: a descriptor that was inherited is known by number only.
            // SAFETY: fcntl with F_SETFD touches no memory; a wrong number is refused by the kernel.
            let code = unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
            code != -1
        })
        .map(|fd| {
            // JUSTIFICATION: as above.
            // SAFETY: open (checked above), handed to this process by name, and taken only once (TAKEN).
            unsafe { OwnedFd::from_raw_fd(fd) }
        })
        .collect()
}

/// Takes descriptor `number`, which this process was born with. Works once per number below 64.
pub fn inherited_descriptor(number: i32) -> io::Result<OwnedFd> {
    use std::os::fd::FromRawFd as _;
    use std::sync::atomic::Ordering;
    let bit = u32::try_from(number)
        .ok()
        .and_then(|n| 1_u64.checked_shl(n));
    let bit = bit.ok_or_else(|| io::Error::from_raw_os_error(libc::EBADF))?;
    if number < 3 || INHERITED.fetch_or(bit, Ordering::AcqRel) & bit != 0 {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    // JUSTIFICATION: a descriptor that was inherited is known by number only.
    // SAFETY: fcntl with F_SETFD touches no memory; a wrong number is refused by the kernel.
    if unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) } == -1 {
        return Err(io::Error::last_os_error());
    }
    // JUSTIFICATION: as above.
    // SAFETY: open (checked above) and given out only once (INHERITED); callers do this before they
    // open anything themselves, as the name says.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn c_string(text: &OsStr) -> io::Result<CString> {
    Ok(CString::new(text.as_bytes())?)
}

/// A null-terminated array of pointers to the strings.
fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings
        .iter()
        .map(|s| s.as_ptr())
        .chain([std::ptr::null()])
        .collect()
}

/// posix_spawn's functions return the error number.
fn check(code: libc::c_int) -> io::Result<()> {
    if code == 0 {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(code))
    }
}

struct FileActions(MaybeUninit<libc::posix_spawn_file_actions_t>);

impl FileActions {
    fn new(descriptors: &[(BorrowedFd<'_>, i32)]) -> io::Result<Self> {
        let mut actions = Self(MaybeUninit::uninit());
        // JUSTIFICATION: posix_spawn has no safe form.
        // SAFETY: a valid place to initialise.
        check(unsafe { libc::posix_spawn_file_actions_init(actions.0.as_mut_ptr()) })?;
        for (fd, number) in descriptors {
            // JUSTIFICATION: as above.
            // SAFETY: initialised above; the descriptor is open (borrowed).
            let code = unsafe {
                libc::posix_spawn_file_actions_adddup2(
                    actions.0.as_mut_ptr(),
                    fd.as_raw_fd(),
                    *number,
                )
            };
            check(code)?;
        }
        Ok(actions)
    }
}

impl Drop for FileActions {
    fn drop(&mut self) {
        // JUSTIFICATION: as in `new`.
        // SAFETY: initialised in `new`.
        unsafe { libc::posix_spawn_file_actions_destroy(self.0.as_mut_ptr()) };
    }
}

struct Attributes(MaybeUninit<libc::posix_spawnattr_t>);

impl Attributes {
    fn new(new_session: bool) -> io::Result<Self> {
        let mut attributes = Self(MaybeUninit::uninit());
        let place = attributes.0.as_mut_ptr();
        // JUSTIFICATION: posix_spawn has no safe form.
        // SAFETY: a valid place to initialise.
        check(unsafe { libc::posix_spawnattr_init(place) })?;
        let mut flags = libc::POSIX_SPAWN_SETSIGMASK | libc::POSIX_SPAWN_SETSIGDEF;
        if new_session {
            flags |= POSIX_SPAWN_SETSID;
        }
        let flags = libc::c_short::try_from(flags).unwrap_or(0);
        // JUSTIFICATION: as above.
        // SAFETY: initialised above.
        check(unsafe { libc::posix_spawnattr_setflags(place, flags) })?;
        let (none, all) = (crate::signal::empty_set(), crate::signal::full_set());
        // JUSTIFICATION: as above.
        // SAFETY: initialised above; the set is a live, initialised object.
        check(unsafe { libc::posix_spawnattr_setsigmask(place, &raw const none) })?;
        // JUSTIFICATION: as above.
        // SAFETY: as above.
        check(unsafe { libc::posix_spawnattr_setsigdefault(place, &raw const all) })?;
        Ok(attributes)
    }
}

impl Drop for Attributes {
    fn drop(&mut self) {
        // JUSTIFICATION: as in `new`.
        // SAFETY: initialised in `new`.
        unsafe { libc::posix_spawnattr_destroy(self.0.as_mut_ptr()) };
    }
}

/// glibc's value; the libc crate has it for other systems only.
const POSIX_SPAWN_SETSID: libc::c_int = 0x80;

/// The first shim executable that was started, and its copy.
static SEALED_SHIM: OnceLock<(PathBuf, Option<OwnedFd>)> = OnceLock::new();
static TAKEN: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
static INHERITED: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
