//! The states of a container and the one table of what may follow what.
//!
//! ```text
//! from        cause          to
//! created     start          running
//! created     start-failed   created
//! created     remove         removing
//! running     pause          paused
//! running     exit           exited
//! running     exit-restart   restarting
//! running     start-failed   exited
//! paused      resume         running
//! paused      exit           exited
//! paused      exit-restart   restarting
//! restarting  start          running
//! restarting  start-failed   exited
//! restarting  exit-restart   restarting
//! restarting  stop           exited
//! restarting  remove         removing
//! exited      start          running
//! exited      start-failed   exited
//! exited      exit-restart   restarting
//! exited      remove         removing
//! dead        remove         removing
//! removing    remove-failed  dead
//! ```
//!
//! `running` ends by `exit` or `exit-restart` alone: to stop, kill or remove a running container is
//! to bring about its exit. `exited` becomes `restarting` when the engine comes back and finds that
//! the container ended meanwhile and its policy wants it up again. A removed container has no state.

use lockgate_net::Endpoint;
use lockgate_types::Timestamp;
use serde::{Deserialize, Serialize};

use super::health::Health;

/// Where a container is in its life, by Docker's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    #[default]
    Created,
    Running,
    Paused,
    Restarting,
    Exited,
    Dead,
    Removing,
}

/// Why a container's status changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cause {
    Start,
    StartFailed,
    Pause,
    Resume,
    Exit,
    ExitRestart,
    Stop,
    Remove,
    RemoveFailed,
}

/// All transitions; the drawing above is compared with it.
pub(crate) const TRANSITIONS: [(Status, Cause, Status); 21] = [
    (Status::Created, Cause::Start, Status::Running),
    (Status::Created, Cause::StartFailed, Status::Created),
    (Status::Created, Cause::Remove, Status::Removing),
    (Status::Running, Cause::Pause, Status::Paused),
    (Status::Running, Cause::Exit, Status::Exited),
    (Status::Running, Cause::ExitRestart, Status::Restarting),
    (Status::Running, Cause::StartFailed, Status::Exited),
    (Status::Paused, Cause::Resume, Status::Running),
    (Status::Paused, Cause::Exit, Status::Exited),
    (Status::Paused, Cause::ExitRestart, Status::Restarting),
    (Status::Restarting, Cause::Start, Status::Running),
    (Status::Restarting, Cause::StartFailed, Status::Exited),
    (Status::Restarting, Cause::ExitRestart, Status::Restarting),
    (Status::Restarting, Cause::Stop, Status::Exited),
    (Status::Restarting, Cause::Remove, Status::Removing),
    (Status::Exited, Cause::Start, Status::Running),
    (Status::Exited, Cause::StartFailed, Status::Exited),
    (Status::Exited, Cause::ExitRestart, Status::Restarting),
    (Status::Exited, Cause::Remove, Status::Removing),
    (Status::Dead, Cause::Remove, Status::Removing),
    (Status::Removing, Cause::RemoveFailed, Status::Dead),
];

impl Status {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Created,
        Self::Running,
        Self::Paused,
        Self::Restarting,
        Self::Exited,
        Self::Dead,
        Self::Removing,
    ];

    /// Docker's word.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Exited => "exited",
            Self::Dead => "dead",
            Self::Removing => "removing",
        }
    }

    /// Whether there is a process.
    pub(crate) fn has_process(self) -> bool {
        matches!(self, Self::Running | Self::Paused)
    }

    /// What follows `cause`, or `None` if that is not legal.
    pub(crate) fn after(self, cause: Cause) -> Option<Self> {
        TRANSITIONS
            .iter()
            .find(|(from, why, _)| *from == self && *why == cause)
            .map(|(_, _, to)| *to)
    }
}

/// What changes during a container's life, kept in `state.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct RunState {
    pub(crate) status: Status,
    /// The init process, 0 if there is none.
    pub(crate) pid: i32,
    /// Its start in clock ticks since boot: with the boot id the second witness of who it is.
    pub(crate) pid_started: u64,
    /// The boot during which it was started.
    pub(crate) boot_id: String,
    pub(crate) exit_code: i32,
    pub(crate) error: String,
    pub(crate) oom_killed: bool,
    pub(crate) started_at: Timestamp,
    pub(crate) finished_at: Timestamp,
    pub(crate) restart_count: i64,
    /// Somebody asked for it to be stopped: policies `always` and `unless-stopped` leave it so.
    pub(crate) manually_stopped: bool,
    pub(crate) network: NetworkState,
    /// What its probes say, if it has a check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) health: Option<Health>,
}

/// What a container holds of its networks while it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct NetworkState {
    /// The file its network namespace is bound to, empty if it has none of its own.
    pub(crate) netns: String,
    pub(crate) endpoints: Vec<JoinedNetwork>,
}

/// One network that a running container is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct JoinedNetwork {
    /// The network's name.
    pub(crate) name: String,
    pub(crate) network_id: String,
    pub(crate) endpoint_id: String,
    /// What it got there; `None` in the host's namespace and without a network.
    pub(crate) endpoint: Option<Endpoint>,
}

impl Default for RunState {
    fn default() -> Self {
        Self {
            status: Status::Created,
            pid: 0,
            pid_started: 0,
            boot_id: String::new(),
            exit_code: 0,
            error: String::new(),
            oom_killed: false,
            started_at: Timestamp::ZERO,
            finished_at: Timestamp::ZERO,
            restart_count: 0,
            manually_stopped: false,
            network: NetworkState::default(),
            health: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAUSES: [(&str, Cause); 9] = [
        ("start", Cause::Start),
        ("start-failed", Cause::StartFailed),
        ("pause", Cause::Pause),
        ("resume", Cause::Resume),
        ("exit", Cause::Exit),
        ("exit-restart", Cause::ExitRestart),
        ("stop", Cause::Stop),
        ("remove", Cause::Remove),
        ("remove-failed", Cause::RemoveFailed),
    ];
    #[test]
    fn the_drawing_is_the_table() {
        let drawn: Vec<(Status, Cause, Status)> = include_str!("state.rs")
            .lines()
            .skip_while(|line| *line != "//! from        cause          to")
            .skip(1)
            .take_while(|line| *line != "//! ```")
            .map(|line| {
                let words: Vec<&str> = line.trim_start_matches("//!").split_whitespace().collect();
                let status = |word| {
                    Status::ALL
                        .into_iter()
                        .find(|s| s.as_str() == word)
                        .unwrap()
                };
                let cause = CAUSES
                    .into_iter()
                    .find(|(text, _)| *text == words[1])
                    .unwrap()
                    .1;
                (status(words[0]), cause, status(words[2]))
            })
            .collect();
        assert_eq!(drawn, TRANSITIONS);
    }

    #[test]
    fn a_cause_has_one_outcome() {
        for (index, (from, cause, _)) in TRANSITIONS.iter().enumerate() {
            let same = TRANSITIONS
                .iter()
                .filter(|(f, c, _)| f == from && c == cause)
                .count();
            assert_eq!(same, 1, "{index}");
        }
    }

    #[test]
    fn a_process_ends_by_its_exit_alone() {
        for (from, cause, to) in TRANSITIONS {
            if from.has_process() && !to.has_process() {
                assert!(matches!(
                    cause,
                    Cause::Exit | Cause::ExitRestart | Cause::StartFailed
                ));
            }
        }
    }

    #[test]
    fn state_files_of_older_versions_are_read() {
        let state: RunState = serde_json::from_str(r#"{"status":"exited","exit_code":3}"#).unwrap();
        assert_eq!((state.status, state.exit_code), (Status::Exited, 3));
    }
}
