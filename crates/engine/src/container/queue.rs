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
    Remove { force: bool },
    Rename,
    Pause,
    Resume,
    Update,
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
        (Verb::Restart | Verb::Rename | Verb::Update, _) => Run,
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
        | Verb::Update => when_idle(status, verb),
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
        | Verb::Update => when_idle(status, verb),
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
        | Verb::Update => Decision::Refuse(Refusal::Removing),
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VERBS: [Verb; 10] = [
        Verb::Start,
        Verb::Stop,
        Verb::Restart,
        Verb::Kill,
        Verb::Remove { force: false },
        Verb::Remove { force: true },
        Verb::Rename,
        Verb::Pause,
        Verb::Resume,
        Verb::Update,
    ];
    const STATUSES: [Status; 7] = [
        Status::Created,
        Status::Running,
        Status::Paused,
        Status::Restarting,
        Status::Exited,
        Status::Dead,
        Status::Removing,
    ];

    /// A container reduced to what the queue sees, driven as the driver does it.
    struct Model {
        status: Status,
        queue: Queue<(usize, Verb)>,
        answered: Vec<usize>,
        gone: bool,
    }

    impl Model {
        fn request(&mut self, number: usize, verb: Verb) {
            if self.gone {
                self.answered.push(number);
                return;
            }
            match decide(self.status, self.queue.progress(), verb) {
                Decision::Run => self.run(number, verb),
                Decision::Join => self.queue.join((number, verb)),
                Decision::Wait => self.queue.wait((number, verb)),
                Decision::Refuse(_) => self.answered.push(number),
            }
        }

        fn run(&mut self, number: usize, verb: Verb) {
            let lives = self.status.has_process();
            match verb {
                Verb::Stop if lives => return self.queue.begin(Progress::Stop, (number, verb)),
                Verb::Restart if lives => {
                    return self.queue.begin(Progress::Restart, (number, verb));
                }
                Verb::Remove { .. } if lives => {
                    return self.queue.begin(Progress::Remove, (number, verb));
                }
                Verb::Remove { .. } => self.gone = true,
                Verb::Start | Verb::Restart | Verb::Resume => self.status = Status::Running,
                Verb::Stop => self.status = Status::Exited,
                Verb::Pause => self.status = Status::Paused,
                Verb::Kill if self.status == Status::Restarting => self.status = Status::Exited,
                Verb::Kill | Verb::Rename | Verb::Update => {}
            }
            self.answered.push(number);
        }

        fn exit(&mut self) {
            if !self.status.has_process() || self.gone {
                return;
            }
            self.status = Status::Exited;
            match self.queue.progress() {
                Some(Progress::Restart) => self.status = Status::Running,
                Some(Progress::Remove) => self.gone = true,
                Some(Progress::Stop) | None => {}
            }
            let done: Vec<usize> = self.queue.finish().into_iter().map(|(n, _)| n).collect();
            self.answered.extend(done);
            while let Some((number, verb)) = self.queue.next() {
                self.request(number, verb);
            }
        }
    }

    proptest! {
        #[test]
        fn every_request_is_answered_once_and_none_is_lost(
            steps in prop::collection::vec(prop_oneof![
                3 => prop::sample::select(&VERBS[..]).prop_map(Some),
                1 => Just(None),
            ], 1..60)
        ) {
            let mut model = Model {
                status: Status::Created, queue: Queue::default(), answered: vec![], gone: false,
            };
            let mut asked = 0;
            for step in steps {
                match step {
                    Some(verb) => { model.request(asked, verb); asked += 1; }
                    None => model.exit(),
                }
                prop_assert!(model.queue.progress().is_none() || model.status.has_process());
            }
            for _ in 0..=asked { model.exit(); }
            let mut answered = model.answered.clone();
            answered.sort_unstable();
            prop_assert_eq!(answered, (0..asked).collect::<Vec<_>>());
        }
    }

    #[test]
    fn nothing_starts_a_container_that_is_going() {
        for status in STATUSES {
            let decision = decide(status, Some(Progress::Remove), Verb::Start);
            assert_eq!(decision, Decision::Refuse(Refusal::Removing));
        }
        for status in [Status::Dead, Status::Removing] {
            assert_eq!(
                decide(status, None, Verb::Start),
                Decision::Refuse(Refusal::Removing)
            );
        }
    }

    #[test]
    fn force_always_removes_and_nothing_else_removes_what_runs() {
        for status in STATUSES {
            assert_eq!(
                decide(status, None, Verb::Remove { force: true }),
                Decision::Run
            );
            let gentle = decide(status, None, Verb::Remove { force: false });
            let stopped = matches!(status, Status::Created | Status::Exited | Status::Dead);
            assert_eq!(gentle == Decision::Run, stopped, "{status:?}");
        }
    }

    #[test]
    fn a_kill_goes_through_while_a_stop_waits() {
        for progress in [Progress::Stop, Progress::Restart, Progress::Remove] {
            let decision = decide(Status::Running, Some(progress), Verb::Kill);
            assert_eq!(decision, Decision::Run);
        }
    }
}
