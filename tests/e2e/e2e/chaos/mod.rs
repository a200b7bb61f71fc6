//! A random workload, SIGKILL at random instants, and a model that knows what was answered.
//!
//! 20 rounds; `LOCKGATE_CHAOS_ROUNDS=200` for more, `LOCKGATE_CHAOS_SEED` for another course of events.
//! Every container counts aloud, and notes in a file of its own how far it has come: its log must have every line of every
//! run, once and in order, at least as far as the notes go.
//! What a request that was cut off did is unknown to the model; what was answered must hold for ever.

mod log;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use lockgate_testkit::{Daemon, HttpResponse, eventually, request};
use serde_json::json;

/// Lines of the number of the run and the number of the line, ten at a time; after each ten, `/said-RUN` has the number of
/// the last.
const TALK: &str = r"
exec 2> /dev/null
read run < /runs || run=0; run=$((run + 1)); echo $run > /new; mv /new /runs
i=0
while [ $i -lt 2000 ]; do
    for _ in 1 2 3 4 5 6 7 8 9 10; do i=$((i + 1)); echo $run $i; done
    echo $i > /said-$run
    sleep 0.05
done
exec sleep 600
";

/// What the model knows of one property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known<T> {
    Is(T),
    Unknown,
}

/// One container as its answers describe it.
#[derive(Clone, Debug)]
struct Container {
    exists: Known<bool>,
    running: Known<bool>,
    memory: Known<i64>,
    /// Its names; the second if a rename was cut off.
    names: Vec<String>,
    /// Files that execs were answered to have made.
    marks: Vec<u32>,
}

/// xorshift64*: the same course for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % limit
    }
}

fn setting(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// One client with containers of its own, by id.
struct Worker<'a> {
    socket: &'a Path,
    random: Random,
    number: u64,
    made: u32,
    model: BTreeMap<String, Container>,
}

impl Worker<'_> {
    /// `None` if the daemon was killed before it answered.
    fn ask(&self, method: &str, target: &str, body: Option<&str>) -> Option<HttpResponse> {
        catch_unwind(AssertUnwindSafe(|| {
            request(self.socket, method, target, body)
        }))
        .ok()
    }

    /// One random operation; false once the daemon does not answer.
    fn step(&mut self) -> bool {
        // One that was removed stays in the model: it must not come back.
        let there = self
            .model
            .iter()
            .filter(|(_, it)| it.exists == Known::Is(true));
        let ids: Vec<String> = there.map(|(id, _)| id.clone()).collect();
        if ids.len() < 3 || self.random.below(8) == 0 {
            return self.create();
        }
        let index = usize::try_from(self.random.below(ids.len() as u64)).unwrap();
        let id = ids[index].clone();
        match self.random.below(7) {
            0 => self.power(&id, "start", true),
            1 => self.power(&id, "stop?t=0", false),
            2 => self.power(&id, "restart?t=0", true),
            3 => self.update(&id),
            4 => self.rename(&id),
            5 => self.exec(&id),
            _ if ids.len() > 4 => self.remove(&id),
            _ => self
                .ask("GET", &format!("/containers/{id}/logs?stdout=1"), None)
                .is_some(),
        }
    }

    fn create(&mut self) -> bool {
        self.made += 1;
        let name = format!("c{}-{}", self.number, self.made);
        let body = json!({ "Image": "busybox", "Cmd": ["sh", "-c", TALK], "StopTimeout": 0 });
        let Some(answer) = self.ask(
            "POST",
            &format!("/containers/create?name={name}"),
            Some(&body.to_string()),
        ) else {
            return false;
        };
        assert_eq!(answer.status, 201, "{}", answer.text());
        let id = answer.json()["Id"].as_str().unwrap().to_owned();
        let container = Container {
            exists: Known::Is(true),
            running: Known::Is(false),
            memory: Known::Is(0),
            names: vec![name],
            marks: Vec::new(),
        };
        self.model.insert(id, container);
        true
    }

    fn power(&mut self, id: &str, verb: &str, running: bool) -> bool {
        let answer = self.ask("POST", &format!("/containers/{id}/{verb}"), None);
        let container = self.model.get_mut(id).unwrap();
        container.running = match &answer {
            Some(answer) if answer.status < 400 => Known::Is(running),
            _ => Known::Unknown,
        };
        if let Some(answer) = &answer {
            assert!(answer.status < 400, "{verb}: {}", answer.text());
        }
        answer.is_some()
    }

    fn update(&mut self, id: &str) -> bool {
        let memory = i64::try_from(64 + self.random.below(64)).unwrap() << 20;
        let body = format!(r#"{{"Memory":{memory},"MemorySwap":-1}}"#);
        let answer = self.ask("POST", &format!("/containers/{id}/update"), Some(&body));
        let container = self.model.get_mut(id).unwrap();
        container.memory = match &answer {
            Some(answer) if answer.status == 200 => Known::Is(memory),
            _ => Known::Unknown,
        };
        answer.is_some()
    }

    fn rename(&mut self, id: &str) -> bool {
        self.made += 1;
        let name = format!("r{}-{}", self.number, self.made);
        let answer = self.ask(
            "POST",
            &format!("/containers/{id}/rename?name={name}"),
            None,
        );
        let container = self.model.get_mut(id).unwrap();
        match &answer {
            Some(answer) if answer.status == 204 => container.names = vec![name],
            _ => container.names.push(name),
        }
        answer.is_some()
    }

    fn exec(&mut self, id: &str) -> bool {
        if self.model[id].running != Known::Is(true) {
            return true;
        }
        self.made += 1;
        let mark = self.made;
        let body = format!(r#"{{"Cmd":["touch","/mark{mark}"],"AttachStdout":true}}"#);
        let Some(made) = self.ask("POST", &format!("/containers/{id}/exec"), Some(&body)) else {
            return false;
        };
        let exec = made.json()["Id"].as_str().unwrap_or_default().to_owned();
        if self
            .ask("POST", &format!("/exec/{exec}/start"), Some("{}"))
            .is_none()
        {
            return false;
        }
        let Some(ended) = self.ask("GET", &format!("/exec/{exec}/json"), None) else {
            return false;
        };
        if ended.json()["ExitCode"] == 0 {
            self.model.get_mut(id).unwrap().marks.push(mark);
        }
        true
    }

    fn remove(&mut self, id: &str) -> bool {
        let answer = self.ask("DELETE", &format!("/containers/{id}?force=1"), None);
        let container = self.model.get_mut(id).unwrap();
        container.exists = match &answer {
            Some(answer) if answer.status == 204 => Known::Is(false),
            _ => Known::Unknown,
        };
        // One that is gone is remembered: it must not come back. Without an answer it may have been killed.
        container.running = match container.exists {
            Known::Is(false) => Known::Is(false),
            Known::Is(true) | Known::Unknown => Known::Unknown,
        };
        answer.is_some()
    }
}

/// Compares the daemon with the model, and takes over what the model did not know.
fn check(daemon: &Daemon, model: &mut BTreeMap<String, Container>) {
    for (id, container) in model.iter_mut() {
        let answer = daemon.api("GET", &format!("/containers/{id}/json"), None);
        let exists = answer.status == 200;
        if let Known::Is(known) = container.exists {
            assert_eq!(exists, known, "{id} {container:?}: {}", answer.text());
        }
        container.exists = Known::Is(exists);
        if !exists {
            continue;
        }
        let seen = answer.json();
        let name = seen["Name"]
            .as_str()
            .unwrap()
            .trim_start_matches('/')
            .to_owned();
        assert!(container.names.contains(&name), "{name}: {container:?}");
        container.names = vec![name];
        let memory = seen["HostConfig"]["Memory"].as_i64().unwrap();
        if let Known::Is(known) = container.memory {
            assert_eq!(memory, known, "{container:?}");
        }
        container.memory = Known::Is(memory);
        let running = seen["State"]["Running"].as_bool().unwrap();
        if let Known::Is(known) = container.running {
            assert_eq!(running, known, "{container:?}: {}", seen["State"]);
        }
        // What got no answer may be under way still: a signal that was sent ends a container later. So only
        // the next answer tells whether it runs.
        if running {
            let pid = seen["State"]["Pid"].as_i64().unwrap();
            for mark in &container.marks {
                let file = format!("/proc/{pid}/root/mark{mark}");
                assert!(Path::new(&file).exists(), "{file} is lost: {container:?}");
            }
        }
    }
    for id in model.keys() {
        eventually("what a container wrote is in its log", || {
            match log::compare(daemon, id) {
                Ok(()) => Some(()),
                // The shim may not have read it yet; a container that is gone has no log.
                Err(log::Differs::Behind(_)) => None,
                Err(log::Differs::Wrong(what)) => panic!("{id}: {what}"),
            }
        });
    }
    model.retain(|_, container| container.exists == Known::Is(true));
    let listed = daemon
        .api("GET", "/containers/json?all=1", None)
        .json()
        .as_array()
        .unwrap()
        .len();
    let folders = std::fs::read_dir(daemon.path("data/containers"))
        .unwrap()
        .count();
    assert_eq!(folders, listed, "debris of unanswered requests");
}

#[test]
fn nothing_answered_is_lost_and_nothing_leaks_however_the_daemon_dies() {
    let seed = setting("LOCKGATE_CHAOS_SEED", 20_261_122).max(1);
    let rounds = setting("LOCKGATE_CHAOS_ROUNDS", 20);
    eprintln!("LOCKGATE_CHAOS_SEED={seed}");
    let mut random = Random(seed);
    let mut daemon = Daemon::start();
    daemon.load_busybox();
    let socket = daemon.socket();
    let mut model = BTreeMap::new();
    let mut made = 0;
    let mut worker = |daemon: &mut Daemon, round: u64, model: BTreeMap<String, Container>| {
        let dead = AtomicBool::new(false);
        let mut worker = Worker {
            socket: &socket,
            random: Random(random.0 ^ (round + 1)),
            number: 0,
            made,
            model,
        };
        let delay = Duration::from_millis(20 + random.below(400));
        let model = thread::scope(|scope| {
            let working = scope.spawn(|| {
                loop {
                    if dead.load(Ordering::Relaxed) || !worker.step() {
                        break;
                    }
                }
                (worker.made, worker.model)
            });
            thread::sleep(delay);
            daemon.kill();
            dead.store(true, Ordering::Relaxed);
            working.join().unwrap()
        });
        made = model.0;
        model.1
    };
    for round in 0..rounds {
        model = worker(&mut daemon, round, model);
        daemon.spawn();
        check(&daemon, &mut model);
    }
    let all = daemon.docker(&["ps", "-aq"]).ok().to_owned();
    let mut args = vec!["rm", "-f"];
    args.extend(all.lines());
    if args.len() > 2 {
        daemon.docker(&args).ok();
    }
    eventually("nothing is left behind", || {
        let left = leaks(&daemon);
        if left.is_empty() {
            return Some(());
        }
        eprintln!("still there: {left:?}");
        thread::sleep(Duration::from_millis(200));
        None
    });
}

/// Everything of containers that outlives them on the host.
fn leaks(daemon: &Daemon) -> Vec<String> {
    let mut left = Vec::new();
    let root = daemon.path("");
    let root = root.to_string_lossy().trim_end_matches('/').to_owned();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    left.extend(
        mounts
            .lines()
            .filter(|line| line.contains(&root))
            .map(str::to_owned),
    );
    for folder in [
        "data/containers",
        "data/overlay",
        "exec/containers",
        "exec/netns",
    ] {
        let entries = std::fs::read_dir(daemon.path(folder))
            .into_iter()
            .flatten()
            .flatten();
        left.extend(entries.map(|entry| entry.path().display().to_string()));
    }
    let links = daemon
        .netns()
        .run("ip", &["-o", "link", "show", "type", "veth"]);
    left.extend(links.lines().map(str::to_owned));
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(&root) && (line.contains("lockgate-shim") || line.contains("lockgate-log"))
        {
            left.push(line);
        }
    }
    let config = std::fs::read_to_string(daemon.path("daemon.json")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    let parent = config["cgroup-parent"]
        .as_str()
        .unwrap()
        .trim_start_matches('/')
        .to_owned();
    for hierarchy in std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
        let entries = std::fs::read_dir(hierarchy.path().join(&parent))
            .into_iter()
            .flatten()
            .flatten();
        let groups = entries.filter(|entry| entry.path().is_dir());
        left.extend(groups.map(|entry| entry.path().display().to_string()));
    }
    left
}
