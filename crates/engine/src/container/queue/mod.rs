//! Which operations may run on a container, given its state and what is in progress.
//!
//! Pure: no locks, no I/O, no time. The driver asks [`decide`] for each request. Most operations
//! begin and end within one turn of the driver. Three begin in one turn and end with the exit of
//! the process: [`Progress`]. While one of them is in progress other requests still get an answer.

use std::collections::VecDeque;

use super::state::Status;

/// What is asked of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Start,
    Stop,
    Restart,
    Kill,
    Remove {
        force: bool,
    },
    Rename,
    Pause,
    Resume,
    Update,
    /// Connecting to a network or disconnecting from it.
    Network,
}

/// An operation that waits for the process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Stop,
    Restart,
    Remove,
}

/// What to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Do it now.
    Run,
    /// What is in progress does what is asked; answer both when it is done.
    Join,
    /// Ask again when what is in progress is done.
    Wait,
    /// Answer at once.
    Refuse(Refusal),
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    AlreadyPaused,
    AlreadyStarted,
    NotPaused,
    NotRunning,
    Paused,
    Removing,
    Restarting,
    Running,
}

/// Decides what happens to a request.
pub(crate) fn decide(status: Status, progress: Option<Progress>, verb: Verb) -> Decision {
    match progress {
        None => when_idle(status, verb),
        Some(Progress::Stop) => while_stopping(status, verb),
        Some(Progress::Restart) => while_restarting(status, verb),
        Some(Progress::Remove) => while_removing(verb),
    }
}

fn when_idle(status: Status, verb: Verb) -> Decision {
    use Decision::{Refuse, Run};
    match (verb, status) {
        (Verb::Remove { force: true }, _)
        | (Verb::Remove { .. }, Status::Created | Status::Exited | Status::Dead)
        | (Verb::Start, Status::Created | Status::Exited)
        | (Verb::Stop | Verb::Kill, Status::Running | Status::Paused | Status::Restarting)
        | (Verb::Pause, Status::Running)
        | (Verb::Resume, Status::Paused) => Run,
        (
            Verb::Stop | Verb::Kill,
            Status::Created | Status::Exited | Status::Dead | Status::Removing,
        )
        | (Verb::Pause, Status::Created | Status::Exited) => Refuse(Refusal::NotRunning),
        (_, Status::Dead | Status::Removing) => Refuse(Refusal::Removing),
        (Verb::Remove { .. }, Status::Running | Status::Restarting) => Refuse(Refusal::Running),
        (Verb::Start, Status::Running | Status::Restarting) => Refuse(Refusal::AlreadyStarted),
        (Verb::Start | Verb::Remove { .. }, Status::Paused) => Refuse(Refusal::Paused),
        (Verb::Restart | Verb::Rename | Verb::Update | Verb::Network, _) => Run,
        (Verb::Pause, Status::Paused) => Refuse(Refusal::AlreadyPaused),
        (Verb::Pause, Status::Restarting) => Refuse(Refusal::Restarting),
        (Verb::Resume, _) => Refuse(Refusal::NotPaused),
    }
}

/// A stop has sent its signal; the process lives until it obeys or the time is up.
fn while_stopping(status: Status, verb: Verb) -> Decision {
    match verb {
        Verb::Stop => Decision::Join,
        Verb::Restart => Decision::Wait,
        Verb::Start
        | Verb::Kill
        | Verb::Remove { .. }
        | Verb::Rename
        | Verb::Pause
        | Verb::Resume
        | Verb::Update
        | Verb::Network => when_idle(status, verb),
    }
}

/// A restart has sent its signal; the container will run again.
fn while_restarting(status: Status, verb: Verb) -> Decision {
    match verb {
        Verb::Restart => Decision::Join,
        Verb::Stop => Decision::Wait,
        Verb::Start => Decision::Refuse(Refusal::AlreadyStarted),
        Verb::Kill
        | Verb::Remove { .. }
        | Verb::Rename
        | Verb::Pause
        | Verb::Resume
        | Verb::Update
        | Verb::Network => when_idle(status, verb),
    }
}

/// A forced removal has killed the process.
fn while_removing(verb: Verb) -> Decision {
    match verb {
        Verb::Kill => Decision::Run,
        Verb::Stop => Decision::Join,
        Verb::Start
        | Verb::Restart
        | Verb::Remove { .. }
        | Verb::Rename
        | Verb::Pause
        | Verb::Resume
        | Verb::Update
        | Verb::Network => Decision::Refuse(Refusal::Removing),
    }
}

/// Requests that wait, in the order in which they came, with what is in progress.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    progress: Option<Progress>,
    joined: Vec<T>,
    waiting: VecDeque<T>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            progress: None,
            joined: Vec::new(),
            waiting: VecDeque::new(),
        }
    }
}

impl<T> Queue<T> {
    /// What is in progress.
    pub(crate) fn progress(&self) -> Option<Progress> {
        self.progress
    }

    /// The requests that wait for the end of what is in progress.
    pub(crate) fn joined(&self) -> impl Iterator<Item = &T> {
        self.joined.iter()
    }

    /// Something that waits for the exit begins. A removal takes the place of a stop or restart.
    pub(crate) fn begin(&mut self, progress: Progress, request: T) {
        self.progress = Some(progress);
        self.joined.push(request);
    }

    /// Adds a request to what is in progress.
    pub(crate) fn join(&mut self, request: T) {
        self.joined.push(request);
    }

    /// Puts a request aside until [`Queue::next`] gives it out again.
    pub(crate) fn wait(&mut self, request: T) {
        self.waiting.push_back(request);
    }

    /// What was in progress is over: the requests that are to be answered.
    pub(crate) fn finish(&mut self) -> Vec<T> {
        self.progress = None;
        std::mem::take(&mut self.joined)
    }

    /// The first request that waited, if nothing is in progress any more.
    pub(crate) fn next(&mut self) -> Option<T> {
        if self.progress.is_some() {
            None
        } else {
            self.waiting.pop_front()
        }
    }
}

#[cfg(test)]
mod tests;
