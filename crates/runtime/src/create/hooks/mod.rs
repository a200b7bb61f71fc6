//! Programs that a specification wants run at points of a container's life.
//!
//! ```text
//! prestart, createRuntime   host's namespaces      after the mounts, before pivot_root; a failure ends creation
//! createContainer           container's, host's    right after those, in the new process
//!                           files still in reach
//! startContainer            container's            at the start, before the program, as its user
//! poststart                 host's                 after the program runs; a failure stops the container
//! poststop                  host's                 after the removal; a failure is a warning
//! ```

use std::io;
use std::path::Path;

use oci_spec::runtime::{Hook, Spec};
use rustix::process::WaitStatus;

use crate::program::Program;

/// A point at which hooks run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Prestart,
    CreateRuntime,
    CreateContainer,
    StartContainer,
    Poststart,
    Poststop,
}

impl Moment {
    fn name(self) -> &'static str {
        match self {
            Self::Prestart => "prestart",
            Self::CreateRuntime => "createRuntime",
            Self::CreateContainer => "createContainer",
            Self::StartContainer => "startContainer",
            Self::Poststart => "poststart",
            Self::Poststop => "poststop",
        }
    }

    /// What the container's state says then.
    fn status(self) -> &'static str {
        match self {
            Self::Prestart | Self::CreateRuntime | Self::CreateContainer => "creating",
            Self::StartContainer => "created",
            Self::Poststart => "running",
            Self::Poststop => "stopped",
        }
    }

    fn list(self, spec: &Spec) -> &[Hook] {
        let Some(hooks) = spec.hooks() else {
            return &[];
        };
        let list = match self {
            Self::Prestart => hooks.prestart(),
            Self::CreateRuntime => hooks.create_runtime(),
            Self::CreateContainer => hooks.create_container(),
            Self::StartContainer => hooks.start_container(),
            Self::Poststart => hooks.poststart(),
            Self::Poststop => hooks.poststop(),
        };
        list.as_deref().unwrap_or(&[])
    }
}

/// Why a hook failed.
#[derive(Debug, thiserror::Error)]
#[error("error running {moment} hook #{index}: {reason}")]
pub(crate) struct HookError {
    moment: &'static str,
    index: usize,
    reason: HookFailure,
}

#[derive(Debug, thiserror::Error)]
enum HookFailure {
    #[error("{0}")]
    System(#[from] io::Error),
    #[error("{end}, stdout: {stdout}, stderr: {stderr}")]
    Ended {
        end: String,
        stdout: String,
        stderr: String,
    },
    #[error("timed out after {0} seconds")]
    TimedOut(i64),
    #[error("timeout must be greater than zero: {0}")]
    Timeout(i64),
    #[error("path must be absolute: {}", .0.display())]
    Relative(std::path::PathBuf),
}

/// Whose hooks, and what they are told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hooks<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) id: &'a str,
    pub(crate) bundle: &'a Path,
}

impl Hooks<'_> {
    /// Whether any run at one of these moments.
    pub(crate) fn any(&self, moments: &[Moment]) -> bool {
        moments.iter().any(|m| !m.list(self.spec).is_empty())
    }

    /// Runs those of a moment, in order, up to the first failure.
    pub(crate) fn run(&self, moment: Moment, pid: i32) -> Result<(), HookError> {
        self.each(moment, pid)
            .find(Result::is_err)
            .unwrap_or(Ok(()))
    }

    /// Runs those of a moment whatever becomes of each; returns the failures.
    pub(crate) fn run_all(&self, moment: Moment, pid: i32) -> Vec<HookError> {
        self.each(moment, pid).filter_map(Result::err).collect()
    }

    fn each(&self, moment: Moment, pid: i32) -> impl Iterator<Item = Result<(), HookError>> {
        let list = moment.list(self.spec).iter().enumerate();
        list.map(move |(index, hook)| {
            let result = self.state(moment, pid).map_err(HookFailure::from);
            let result = result.and_then(|state| run_one(hook, &state));
            result.map_err(|reason| HookError {
                moment: moment.name(),
                index,
                reason,
            })
        })
    }

    /// The container's state in the specification's words.
    fn state(&self, moment: Moment, pid: i32) -> io::Result<Vec<u8>> {
        let mut state = serde_json::json!({
            "ociVersion": self.spec.version(),
            "id": self.id,
            "status": moment.status(),
            "bundle": self.bundle,
            "annotations": self.spec.annotations().clone().unwrap_or_default(),
        });
        if let Some(state) = state.as_object_mut().filter(|_| pid > 0) {
            state.insert("pid".to_owned(), pid.into());
        }
        Ok(serde_json::to_vec(&state)?)
    }
}

fn run_one(hook: &Hook, state: &[u8]) -> Result<(), HookFailure> {
    if !hook.path().is_absolute() {
        return Err(HookFailure::Relative(hook.path().clone()));
    }
    if let Some(timeout) = hook.timeout().filter(|timeout| *timeout <= 0) {
        return Err(HookFailure::Timeout(timeout));
    }
    let own = [hook.path().display().to_string()];
    let args = hook.args().as_deref().filter(|args| !args.is_empty());
    let ended = Program {
        path: hook.path(),
        args: args.unwrap_or(&own),
        environment: hook.env().as_deref().unwrap_or(&[]),
        input: state,
        seconds: hook.timeout(),
    }
    .run()?;
    match (ended.status, hook.timeout()) {
        (Some(status), _) if status.exit_status() == Some(0) => Ok(()),
        (None, Some(timeout)) => Err(HookFailure::TimedOut(timeout)),
        (status, _) => Err(HookFailure::Ended {
            end: describe(status),
            stdout: ended.stdout(MAX_OUTPUT)?,
            stderr: ended.stderr(MAX_OUTPUT)?,
        }),
    }
}

/// How a process ended, in Go's words.
fn describe(status: Option<WaitStatus>) -> String {
    let code = status.and_then(WaitStatus::exit_status);
    let signal = status.and_then(WaitStatus::terminating_signal);
    match (code, signal) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal: {signal}"),
        (None, None) => "ended without a status".to_owned(),
    }
}

/// As much of a hook's output as an error may hold; a failure's text has room for 8 KiB.
const MAX_OUTPUT: u64 = 2 << 10;

#[cfg(test)]
mod tests;
