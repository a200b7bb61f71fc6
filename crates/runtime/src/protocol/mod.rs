//! What the engine and a shim say to each other. No I/O: bytes in, messages out.
//!
//! ```text
//! frame   := length:u32le  json[length]          1 <= length <= 16 MiB
//! json    := {"v":1,"body":<Request or Reply>}   another "v" is refused, by name
//!
//! engine                                   shim
//!   | -- Create ------------------------->  |   namespaces, mounts, cgroups; the process waits
//!   | <------------------------- Created -- |
//!   | -- Start -------------------------->  |   execve succeeded
//!   | <------------------------- Started -- |   Started, or Failed with the reason
//!   | <------------------- Event(Exited) -- |   any time later, on the first connection and watchers
//!
//!   | -- Attach / Exec ------------------>  |   on a connection of its own
//!   | <------------ Done / ExecStarted ---- |   from here on no frames, but the stream:
//!   | <== [1|2,0,0,0,len:u32be]payload ==== |   without a terminal; raw bytes with one
//!   | === stdin bytes, SHUT_WR is EOF ====> |
//! ```
//!
//! Each request has one reply, in order. [`Reply::Event`] may come between them on connections that
//! watch: the first connection (the socket pair that the shim is born with) and those that sent
//! [`Request::Watch`].

mod codec;
mod logs;

use std::collections::BTreeMap;
use std::path::PathBuf;

use lockgate_types::{ContainerId, ErrorKind, ExecId, Timestamp};
use oci_spec::runtime::Process;
use serde::{Deserialize, Serialize};

pub use codec::{Decoder, ProtocolError, decode, encode};
pub(crate) use logs::record_length;
pub use logs::{LogReady, LogRecord, LogSetup, RemoteLog, encode_record, read_record};

/// The version of this protocol.
pub const VERSION: u32 = 1;
/// The longest JSON text of a frame. An exec's environment is the largest thing sent; a peer that
/// announces more is broken or hostile, and nothing is allocated for it.
pub const MAX_FRAME: usize = 16 << 20;

/// What the engine asks of a shim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Request {
    /// Prepare the container; once per shim. Answer: [`Reply::Created`].
    Create(Box<CreateRequest>),
    /// Let the prepared process run. Answer: [`Reply::Started`].
    Start,
    /// Answer: [`Reply::State`].
    State,
    /// Turn this connection into one that also carries events. Answer: [`Reply::Done`]; if the
    /// container has exited before, the event follows at once.
    Watch,
    /// Send a signal to the init process, or to every process. Answer: [`Reply::Done`].
    Kill {
        /// The signal's number.
        signal: i32,
        /// Every process of the container rather than its init.
        all: bool,
    },
    /// Set the terminal's size. Answer: [`Reply::Done`].
    Resize {
        /// Which exec; the container's own terminal if absent.
        exec: Option<ExecId>,
        /// Rows.
        height: u16,
        /// Columns.
        width: u16,
    },
    /// Turn this connection into a stream of the container's stdio. Answer: [`Reply::Done`].
    Attach {
        /// Carry the client's bytes to the container's standard input.
        stdin: bool,
        /// Carry standard output (with a terminal: everything).
        stdout: bool,
        /// Carry standard error.
        stderr: bool,
    },
    /// Run one more process; the connection becomes its stream. Answer: [`Reply::ExecStarted`].
    Exec(Box<ExecRequest>),
    /// Send a signal to an exec's process. Answer: [`Reply::Done`].
    KillExec {
        /// Which exec.
        exec: ExecId,
        /// The signal's number.
        signal: i32,
    },
    /// Freeze all processes. Answer: [`Reply::Done`].
    Pause,
    /// Thaw all processes. Answer: [`Reply::Done`].
    Resume,
}

/// What a shim says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reply {
    /// The container is prepared; its init waits.
    Created {
        /// The init's process id as the host sees it.
        pid: i32,
    },
    /// The container's program runs.
    Started {
        /// When.
        at: Timestamp,
    },
    /// Done; nothing to tell.
    Done,
    /// The exec's program runs.
    ExecStarted {
        /// The process id as the host sees it.
        pid: i32,
    },
    /// The state asked for.
    State(ShimState),
    /// Something happened; no answer to a request.
    Event(ShimEvent),
    /// The request failed.
    Failed(ShimFailure),
}

/// How to make the container. `config.json` in `bundle` holds the OCI specification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreateRequest {
    /// The container's id.
    pub id: ContainerId,
    /// The directory with `config.json` and an empty directory `rootfs`.
    pub bundle: PathBuf,
    /// What becomes the container's root.
    pub rootfs: Rootfs,
    /// Give the init a terminal (must equal the specification's `process.terminal`).
    pub terminal: bool,
    /// Keep standard input open for attached clients; without it the container reads end-of-file.
    pub open_stdin: bool,
    /// Close standard input for good when the first client that attached to it ends its side.
    pub stdin_once: bool,
    /// The terminal's first size, height then width as in Docker's API; zero leaves it alone.
    pub console_size: [u32; 2],
    /// Where output is kept.
    pub log: LogTarget,
    /// Where the exit is recorded, as [`ExitRecord`].
    pub exit_file: PathBuf,
    /// Which runtime makes the container.
    pub runtime: RuntimeChoice,
}

/// A container's root file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rootfs {
    /// An overlay mount that the runtime makes inside the container's mount namespace.
    Overlay {
        /// Read-only layers, uppermost first.
        lower: Vec<PathBuf>,
        /// The writable layer.
        upper: PathBuf,
        /// Overlay's work directory, on the same file system as `upper`.
        work: PathBuf,
    },
    /// A directory that is ready to use.
    Path(PathBuf),
}

/// Where a container's output is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LogTarget {
    /// Docker's `json-file` format.
    JsonFile {
        /// The log file; rotated ones are `<path>.1`, `<path>.2` …
        path: PathBuf,
        /// Bytes after which the file is rotated; absent means never.
        max_size: Option<u64>,
        /// How many files are kept, at least 1.
        max_file: u32,
        /// Labels, environment and tag that are added to each line.
        #[serde(default)]
        attrs: BTreeMap<String, String>,
        /// The program that compresses rotated files (`PROGRAM compress FILE`); absent: they stay plain.
        #[serde(default)]
        compressor: Option<PathBuf>,
    },
    /// Another program ships it elsewhere.
    Remote(Box<RemoteLog>),
    /// Nothing is kept.
    Discard,
}

/// Which OCI runtime makes the container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RuntimeChoice {
    /// The library of this crate, inside the shim.
    Native,
    /// An executable with runc's command line.
    External {
        /// The executable.
        path: PathBuf,
        /// Arguments before its own.
        #[serde(default)]
        args: Vec<String>,
        /// Its `--root`.
        root: PathBuf,
    },
}

/// One more process in a running container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecRequest {
    /// The exec's id.
    pub exec: ExecId,
    /// What to run. `terminal` and `consoleSize` count; capabilities absent means none.
    #[serde(deserialize_with = "crate::spec::document::process")]
    pub process: Process,
    /// Standard input comes from this connection; otherwise it is /dev/null.
    pub open_stdin: bool,
    /// Standard output is carried on this connection; otherwise thrown away.
    pub attach_stdout: bool,
    /// Standard error is carried on this connection; otherwise thrown away.
    pub attach_stderr: bool,
    /// Where the exit is recorded, as [`ExitRecord`].
    pub exit_file: Option<PathBuf>,
}

/// How a process ended; also the contents of an exit file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExitRecord {
    /// The exit code; 128 and the signal's number if a signal ended it.
    pub exit_code: i32,
    /// The kernel killed a process of the container for want of memory.
    pub oom_killed: bool,
    /// When the process ended.
    pub finished_at: Timestamp,
}

/// What a shim tells unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ShimEvent {
    /// The container's init ended; the exit file is written. The last event.
    Exited(ExitRecord),
    /// An exec's process ended; its exit file is written.
    ExecExited {
        /// Which exec.
        exec: ExecId,
        /// As in [`ExitRecord`].
        exit_code: i32,
    },
    /// The kernel killed a process of the container for want of memory.
    Oom,
}

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShimFailure {
    /// Whose fault.
    #[serde(with = "kind_text")]
    pub kind: ErrorKind,
    /// runc's wording, such as `exec: "nope": executable file not found in $PATH`.
    pub message: String,
}

/// Where a container is in its life, as its shim sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ShimStatus {
    /// No container yet.
    Empty,
    /// Prepared, not started.
    Created,
    /// Started.
    Running,
    /// Frozen.
    Paused,
    /// The init has ended.
    Stopped,
}

/// All that a shim knows of its container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShimState {
    /// Where in its life.
    pub status: ShimStatus,
    /// The init's process id as the host sees it, while it lives.
    pub pid: Option<i32>,
    /// When it was started.
    pub started_at: Option<Timestamp>,
    /// How it ended.
    pub exit: Option<ExitRecord>,
    /// The execs that still run.
    pub execs: Vec<ExecId>,
}

/// [`ErrorKind`] by its Rust name; a name of a later version reads as `Internal`.
mod kind_text {
    use lockgate_types::ErrorKind;
    use serde::{Deserialize as _, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(super) fn serialize<S: Serializer>(kind: &ErrorKind, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&format_args!("{kind:?}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<ErrorKind, D::Error> {
        let name = String::deserialize(from)?;
        Ok(ALL
            .into_iter()
            .find(|k| format!("{k:?}") == name)
            .unwrap_or(ErrorKind::Internal))
    }

    const ALL: [ErrorKind; 13] = [
        ErrorKind::AlreadyExists,
        ErrorKind::Conflict,
        ErrorKind::Denied,
        ErrorKind::Exhausted,
        ErrorKind::Internal,
        ErrorKind::InvalidInput,
        ErrorKind::NotFound,
        ErrorKind::NotModified,
        ErrorKind::PreconditionFailed,
        ErrorKind::Timeout,
        ErrorKind::Unauthenticated,
        ErrorKind::Unavailable,
        ErrorKind::Unsupported,
    ];
}

#[cfg(test)]
mod tests;
