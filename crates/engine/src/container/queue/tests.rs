use proptest::prelude::*;

use super::*;

const VERBS: [Verb; 11] = [
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
    Verb::Network,
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
            Verb::Kill | Verb::Rename | Verb::Update | Verb::Network => {}
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
